"""Which processes live. Each says so every second, by the database's clock; who has not for DEAD_S seconds is dead, and others take over what it left.

A process that could not say it for as long (it was stopped, or the database was away) knows by its own clock, a moment before the others do, that it no
longer counts as alive: it begins nothing outside until it has said it again.

The database's clock may jump, by hours. A process sees that in its own row, whose age differs from what its own clock says: for DEAD_S seconds from then on
whoever lived before is alive, so that all have said it anew before anybody is taken for dead.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from sqlalchemy import Connection

from ostiary import ids, log
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.db.migrate import HEADS
from ostiary.errors import OstiaryError
from ostiary.ids import INSTALL
from ostiary.jobs import store
from ostiary.jobs.store import ProcessRow

BEAT_S = 1.0
DEAD_S = 5
JUMP_S = 2
"""More than that between the two clocks is no delay."""
FORGET_S = 24 * 3600
FORGET_EVERY_BEATS = 600

T = TypeVar("T")

_LOG = log.get("jobs")


class Processes:
    """This process among the others; `id` names this run of it. On SQLite there are no others, and nothing is written."""

    def __init__(self, database: Database, clock: Clock, kind: str) -> None:
        self.id = ids.new("bot")
        self.kind = kind
        self._database = database
        self._clock = clock
        self._alone = database.sqlite
        self._beaten_us = -DEAD_S * SECOND_US
        self._said_us = self._beaten_us
        self._jumped_us = -DEAD_S * SECOND_US
        self._known = frozenset({self.id})
        # A thread of its own: however busy the others are, this does not wait.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ostiary-beat")
        self._loop: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether the others still count on this process."""
        return self._alone or self._clock.monotonic_us() - self._beaten_us < DEAD_S * SECOND_US

    @property
    def known(self) -> frozenset[str]:
        """The ids that were alive at the last beat, this one's among them. One that has begun since is missing: ask `live` before you call it dead."""
        return self._known

    async def start(self) -> None:
        """Be one of them, and go on saying so. Raises StoreUnavailable."""
        if not self._alone:
            await self.beat()
            self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Say that this is the end; what is left may be taken over at once."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop
            self._loop = None
            self._beaten_us = -DEAD_S * SECOND_US
            with suppress(OstiaryError):
                await self._in_thread(lambda c: store.stop(c, INSTALL, self.id))
        self._thread.shutdown(wait=False)

    async def live(self) -> frozenset[str]:
        """The ids of the processes that live at this moment, this one's among them. Raises StoreUnavailable."""
        if not self._alone:
            asked_us = self._clock.monotonic_us()
            self._know(await self.all(), asked_us)
        return self._known

    async def all(self) -> list[ProcessRow]:
        """All that are known, the dead ones too. Raises StoreUnavailable."""
        return list(
            await self._database.run(lambda c: store.processes(c, INSTALL, own_us=self._clock.now_us()))
        )

    async def earlier(self) -> bool:
        """Whether a process lives that does not know these tables: one of an earlier release. Raises StoreUnavailable."""
        if self._alone:
            return False
        return any(
            not row.stopped and row.quiet_us < DEAD_S * SECOND_US and row.tables is None
            for row in await self.all()
        )

    async def beat(self, *, forgetting: bool = False) -> None:
        """Say once that this process lives, and hear who else does. Raises StoreUnavailable."""
        asked_us = (
            self._clock.monotonic_us()
        )  # before the database's clock is read, so that we never think longer than the others

        def rows(connection: Connection) -> list[ProcessRow]:
            own_us = self._clock.now_us()
            found = list(store.processes(connection, INSTALL, own_us=own_us))  # its own row as it was
            store.beat(connection, INSTALL, self.id, kind=self.kind, tables=HEADS["data"], own_us=own_us)
            if forgetting:
                store.forget_processes(connection, INSTALL, quiet_us=FORGET_S * SECOND_US, own_us=own_us)
            return found

        found = await self._in_thread(rows)
        self._know(found, asked_us)
        self._beaten_us, self._said_us = asked_us, self._clock.monotonic_us()

    async def _in_thread(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._database.transact, work)

    async def _run(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(BEAT_S)
            count += 1
            try:
                await self.beat(forgetting=count % FORGET_EVERY_BEATS == 0)
            except OstiaryError as error:
                _LOG.warning("process.beat_failed", code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours must not make this process a dead one
                _LOG.error("process.beat_broke", error=type(fault).__name__, where=log.where(fault))

    def _know(self, rows: list[ProcessRow], asked_us: int) -> None:
        now_us, dead_us = self._clock.monotonic_us(), DEAD_S * SECOND_US
        if self._jumped(rows, asked_us, now_us):
            _LOG.warning("process.clock_jumped", why="the database's clock is not where it was")
            self._jumped_us = now_us
        standing = [row for row in rows if not row.stopped]
        alive = {
            row.id for row in standing if -dead_us < row.quiet_us < dead_us
        }  # one of the future too is old
        if now_us - self._jumped_us < dead_us:
            alive |= {row.id for row in standing if row.id in self._known}
        self._known = frozenset({self.id, *alive})

    def _jumped(self, rows: list[ProcessRow], asked_us: int, now_us: int) -> bool:
        """Whether the age of this process's own row is one that no delay explains: it was written between `_beaten_us` and `_said_us`, and read since `asked_us`."""
        own = next((row for row in rows if row.id == self.id), None)
        if own is None or self._said_us < 0:
            return False
        least_us, most_us = asked_us - self._said_us, now_us - self._beaten_us
        return not least_us - JUMP_S * SECOND_US < own.quiet_us < most_us + JUMP_S * SECOND_US
