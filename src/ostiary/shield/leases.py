"""Rates across processes: the truth is a row in PostgreSQL, and each process spends what it was granted there in advance.

A lease is small (a twentieth of a second's worth at most, one event at first) and short, so that a limit holds over any number of processes and
restarts: what was granted and not spent is lost, never spent later. Who is refused is not asked for again before it may go on. Most calls find a lease
in memory, which is renewed before it is used up. Where the database is away each process limits alone.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, OstiaryError, StoreUnavailable, TooMany
from ostiary.ids import INSTALL
from ostiary.shield import store
from ostiary.shield.rate import KEYS_MAX, Rate
from ostiary.shield.store import Asked, Granted
from ostiary.vault.sealing import Vault

LEASE_US = SECOND_US // 2
"""How long what was granted may be spent."""
PART = 20
"""A lease is at most this part of what a second allows."""
AT_ONCE_MAX = 500
ROUNDS_MAX = 8
FORGET_US = 3600 * SECOND_US
FORGET_EVERY_US = 600 * SECOND_US


@dataclass(slots=True)
class _Lease:
    """`left` events until `until_us`; none before `closed_us`. `size`: how many to ask for. `waiting`: how many callers wait for an answer."""

    limit: "Limit"
    name: str
    blind: bytes = b""
    left: int = 0
    until_us: int = 0
    closed_us: int = 0
    size: int = 1
    waiting: int = 0
    coming: "asyncio.Future[None] | None" = None


class Limit:
    """One kind of caller and its rate, in events a second; `burst` may come at once."""

    def __init__(self, kind: str, clock: Clock, *, rate: float, burst: int) -> None:
        self.kind = kind
        self.interval_us = max(1, round(SECOND_US / rate))
        self.slack_us = max(1, round(SECOND_US / rate * burst))
        self.lease_max = max(1, int(rate) // PART)
        self.alone = Rate(clock, rate=rate, burst=burst)
        window_s = 1 if rate >= 1 else 60
        self.policy = f'"{kind}";q={round(rate * window_s)};w={window_s}'


@dataclass(slots=True)
class Leases:
    """Says whether a caller may go on now. Lives on the event loop."""

    database: Database
    vault: Vault
    clock: Clock
    _held: "OrderedDict[tuple[str, str], _Lease]" = field(default_factory=OrderedDict)
    _asked: list[_Lease] = field(default_factory=list)
    _asking: asyncio.Task[None] | None = None
    _forgot_us: int = 0

    async def take(self, limit: Limit, name: str) -> None:
        """Count one event. Raises TooMany, with the seconds to wait, if the caller is ahead of its rate."""
        try:
            if self.database.sqlite:
                limit.alone.take(name)
            else:
                await self._take(limit, name)
        except TooMany as refused:
            refused.policy = limit.policy
            raise

    async def _take(self, limit: Limit, name: str) -> None:
        lease = self._lease(limit, name)
        for _ in range(ROUNDS_MAX):
            now_us = self.clock.monotonic_us()
            if lease.left > 0 and now_us < lease.until_us:
                lease.left -= 1
                if lease.left <= lease.size // 4 and lease.size > 1:
                    self._renew(lease)
                return
            if now_us < lease.closed_us:
                raise TooMany(retry_after_s=max(1, round((lease.closed_us - now_us) / SECOND_US)))
            lease.size = 1 if lease.left else min(lease.size * 2, limit.lease_max)
            lease.left = 0
            try:
                await self._granted(lease)
            except (StoreUnavailable, KeysUnavailable):
                limit.alone.take(name)
                return
        raise TooMany(retry_after_s=1)

    def _lease(self, limit: Limit, name: str) -> _Lease:
        place = (limit.kind, name)
        lease = self._held.get(place)
        if lease is None:
            lease = self._held[place] = _Lease(limit, name)
            if len(self._held) > KEYS_MAX:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(place)
        return lease

    async def _granted(self, lease: _Lease) -> None:
        """Wait for the answer that is on its way. Raises StoreUnavailable, KeysUnavailable."""
        lease.waiting += 1
        try:
            await asyncio.shield(self._renew(lease))
        finally:
            lease.waiting -= 1

    def _renew(self, lease: _Lease) -> "asyncio.Future[None]":
        if lease.coming is None:
            lease.coming = asyncio.get_running_loop().create_future()
            self._asked.append(lease)
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask())
        return lease.coming

    async def _ask(self) -> None:
        """Ask for all who need it at this moment in one transaction; who comes meanwhile is in the next."""
        try:
            while self._asked:
                batch, self._asked = self._asked[:AT_ONCE_MAX], self._asked[AT_ONCE_MAX:]
                try:
                    answers = await self._answers(batch)
                except (StoreUnavailable, KeysUnavailable) as error:
                    for lease in batch:
                        _answer(lease, error)
                except BaseException:  # whatever it is: nobody waits for ever
                    left, self._asked = self._asked, []
                    for lease in (*batch, *left):
                        _answer(lease, StoreUnavailable())
                    raise
                else:
                    self._take_in(batch, answers)
        finally:
            self._asking = None

    async def _answers(self, batch: list[_Lease]) -> list[Granted]:
        now_us = self.clock.monotonic_us()
        forgetting = now_us - self._forgot_us > FORGET_EVERY_US
        if forgetting:
            self._forgot_us = now_us
        counts = [max(lease.size, lease.waiting) for lease in batch]  # who waits spends at once

        def rows(connection: Connection) -> list[Granted]:
            if forgetting:
                store.forget_rates(connection, INSTALL, older_us=FORGET_US)
            asked = [
                Asked(self._blind(lease), count, lease.limit.interval_us, lease.limit.slack_us)
                for lease, count in zip(batch, counts, strict=True)
            ]
            granted = store.lease(connection, INSTALL, asked)
            return [granted[each.name] for each in asked]

        return await self.database.change(rows)

    def _blind(self, lease: _Lease) -> bytes:
        """An address stands in no table; nor does any name."""
        if not lease.blind:
            lease.blind = self.vault.mac(INSTALL, "rate", f"{lease.limit.kind}\n{lease.name}".encode())
        return lease.blind

    def _take_in(self, batch: list[_Lease], answers: list[Granted]) -> None:
        now_us = self.clock.monotonic_us()
        for lease, granted in zip(batch, answers, strict=True):
            if now_us >= lease.until_us:
                lease.left = 0
            lease.left += granted.count
            lease.until_us = now_us + LEASE_US
            if not granted.count:
                lease.closed_us = now_us + granted.wait_us
            _answer(lease)


def _answer(lease: _Lease, error: OstiaryError | None = None) -> None:
    coming, lease.coming = lease.coming, None
    if coming is None or coming.done():
        return
    if error is None:
        coming.set_result(None)
    else:
        coming.set_exception(error)
        coming.exception()  # nobody waiting is no reason to warn
