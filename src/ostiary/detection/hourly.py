"""How often something is done in an hour at most, by everybody in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

HOUR_S = 3600


@dataclass(slots=True)
class Hourly:
    """`most`: in an hour by the clock. `now_s`: a clock that only goes forward. Safe between threads."""

    most: int
    now_s: Callable[[], float]
    _lock: Lock = field(default_factory=Lock)
    _hour: float = -1.0
    _spent: int = 0

    def spend(self, count: int = 1) -> bool:
        """Whether it may be done so often now; then it counts."""
        with self._lock:
            hour = self.now_s() // HOUR_S
            if hour != self._hour:
                self._hour, self._spent = hour, 0
            if self._spent + count > self.most:
                return False
            self._spent += count
            return True
