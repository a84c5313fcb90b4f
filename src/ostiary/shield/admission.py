"""Admission: may this address, and this actor, ask anything now?"""

from ostiary.actions import Actor, ActorKind
from ostiary.clock import Clock
from ostiary.errors import TooMany
from ostiary.shield.rate import Occasionally, Rate

ANONYMOUS_BURST = 30
NOTE_FLOOD_EVERY_S = 60


class Shield:
    """`address` guards what comes without a valid credential, `admit` each actor, `begin`/`end` the calls under way."""

    def __init__(
        self, clock: Clock, *, key_rate_per_s: int, anonymous_rate_per_minute: int, calls_at_once_max: int
    ) -> None:
        self._actors = Rate(clock, rate=key_rate_per_s, burst=key_rate_per_s)
        self._addresses = Rate(clock, rate=anonymous_rate_per_minute / 60, burst=ANONYMOUS_BURST)
        self._floods = Occasionally(clock, every_s=NOTE_FLOOD_EVERY_S)
        self._under_way = 0
        self._calls_at_once_max = calls_at_once_max

    def stranger(self, address: str) -> None:
        """Count a request without a valid credential. Raises TooMany."""
        self._addresses.take(address)

    def admit(self, actor: Actor) -> None:
        """Count a call. Raises TooMany."""
        if self._under_way >= self._calls_at_once_max:
            raise TooMany("Too many calls are under way.", retry_after_s=1)
        if actor.kind is not ActorKind.ANONYMOUS:
            self._actors.take(actor.id)

    def begin(self) -> None:
        self._under_way += 1

    def end(self) -> None:
        self._under_way -= 1

    def worth_recording(self, actor: Actor) -> bool:
        """Whether this refusal for rate is the first of its minute for this actor."""
        return self._floods.now(actor.id or actor.address)
