"""The generic cell rate algorithm: one number a key, no timers. `rate` is in events a second; `burst` how many may come at once."""

from collections import OrderedDict

from ostiary.clock import SECOND_US, Clock
from ostiary.errors import TooMany

KEYS_MAX = 50_000


class Rate:
    """Says whether a key may go on now. The least recently seen keys are forgotten beyond KEYS_MAX."""

    def __init__(self, clock: Clock, *, rate: float, burst: int) -> None:
        self._clock = clock
        self._interval_us = SECOND_US / rate
        self._slack_us = self._interval_us * burst
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str) -> None:
        """Count one event. Raises TooMany, with the seconds to wait, if the key is ahead of its rate."""
        now = self._clock.monotonic_us()
        due = max(self._arrivals.get(key, 0.0), now) + self._interval_us
        if due - now > self._slack_us:
            raise TooMany(retry_after_s=max(1, round((due - now - self._slack_us) / SECOND_US)))
        self._arrivals[key] = due
        self._arrivals.move_to_end(key)
        if len(self._arrivals) > KEYS_MAX:
            self._arrivals.popitem(last=False)


class Occasionally:
    """True once a key and `every_s`: so that a flood of refusals is recorded, but does not fill the log."""

    def __init__(self, clock: Clock, *, every_s: int) -> None:
        self._clock = clock
        self._every_us = every_s * SECOND_US
        self._last: OrderedDict[str, int] = OrderedDict()

    def now(self, key: str) -> bool:
        at = self._clock.monotonic_us()
        last = self._last.get(key)
        if last is not None and at - last < self._every_us:
            return False
        self._last[key] = at
        self._last.move_to_end(key)
        if len(self._last) > KEYS_MAX:
            self._last.popitem(last=False)
        return True
