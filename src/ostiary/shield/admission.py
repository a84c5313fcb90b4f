"""Admission: may this address, and this actor, ask anything now?"""

import ipaddress
from collections import Counter

from ostiary.actions import UNLIMITED, Actor, ActorKind, Call, JsonValue, Unlimited
from ostiary.clock import Clock
from ostiary.errors import TooMany
from ostiary.labelled import Amounts
from ostiary.shield.leases import Leases, Limit
from ostiary.shield.limits.limits import Limits
from ostiary.shield.quotas.quotas import Quotas
from ostiary.shield.rate import Occasionally
from ostiary.shield.stops import Stops

ANONYMOUS_BURST = 30
NOTE_FLOOD_EVERY_S = 60
SHARES = 4
"""No actor has more than this part (a quarter) of the calls under way, and no tenant more than three quarters: a few who wait do not stop all others."""
NEIGHBOURS = 64
"""The first bits of an IPv6 address that make one caller: whoever has one has the 2**64 behind it."""


class Shield:
    """`address` guards what comes without a valid credential, `admit` each actor, `begin`/`end` the calls under way."""

    def __init__(
        self, leases: Leases, stops: Stops, clock: Clock, *, key_rate_per_s: int, anonymous_rate_per_minute: int,
        calls_at_once_max: int, quotas: Quotas | None = None, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.stops = stops
        self.quotas = quotas
        self._limits = limits
        self._leases = leases
        self._actors = Limit("actor", clock, rate=key_rate_per_s, burst=key_rate_per_s)
        self._addresses = Limit("address", clock, rate=anonymous_rate_per_minute / 60, burst=ANONYMOUS_BURST)
        self._floods = Occasionally(clock, every_s=NOTE_FLOOD_EVERY_S)
        self._under_way = 0
        self._calls_at_once_max = calls_at_once_max
        self._actors_calls: Counter[str] = Counter()
        self._tenants_calls: Counter[str] = Counter()

    async def stranger(self, address: str) -> None:
        """Count a request without a valid credential. Raises TooMany."""
        await self._leases.take(self._addresses, _caller(address))

    async def admit(self, actor: Actor) -> None:
        """Count a call. Raises TooMany."""
        most = self._calls_at_once_max
        share = max(1, most // SHARES)
        if (
            self._under_way > most
            or self._actors_calls[actor.id] > share
            or self._tenants_calls[actor.tenant] > max(1, most - share)
        ):
            raise TooMany("Too many calls are under way.", retry_after_s=1)
        if self.quotas is not None and actor.kind is not ActorKind.SERVICE:
            await self.quotas.admit(actor.tenant, self._tenants_calls[actor.tenant])
        if actor.kind not in (ActorKind.ANONYMOUS, ActorKind.SERVICE):  # a worker keeps its own pace
            await self._leases.take(self._actors, actor.id)

    async def storing(self, actor: Actor) -> None:
        """Before something of the tenant's own is stored. Raises QuotaExceeded."""
        if self.quotas is not None:
            await self.quotas.storing(actor.tenant)

    async def charges(self, call: Call, params: JsonValue, amounts: Amounts) -> Unlimited:
        """What the call, with these amounts, takes from the limits that somebody has set. Raises LimitReached, OutsideHours, StoreUnavailable."""
        if self._limits is None:
            return UNLIMITED
        return await self._limits.charges(call.actor, call.action, params, amounts, session=call.session)

    @property
    def under_way(self) -> int:
        """How many calls are under way."""
        return self._under_way

    def begin(self, actor: Actor) -> None:
        """A call comes in; `end` follows, whatever becomes of it."""
        self._under_way += 1
        self._actors_calls[actor.id] += 1
        self._tenants_calls[actor.tenant] += 1

    def end(self, actor: Actor) -> None:
        self._under_way -= 1
        for calls, key in ((self._actors_calls, actor.id), (self._tenants_calls, actor.tenant)):
            calls[key] -= 1
            if not calls[key]:
                del calls[key]

    def worth_recording(self, actor: Actor) -> bool:
        """Whether this refusal for rate is the first of its minute for this actor."""
        return self._floods.now(actor.id or actor.address)


def _caller(address: str) -> str:
    """What an address counts as: itself, or its network for IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((parsed, NEIGHBOURS), strict=False))
