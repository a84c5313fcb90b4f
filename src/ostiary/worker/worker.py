"""The worker: what is due is taken, a few at a time and each tenant its share, and begun as a run of DBOS.

`start` returns at once: DBOS takes a second or two to load, beside everything else. `stop` lets the steps under way end and gives the jobs back, so that
another worker goes on with them at once. What a dead worker had is taken as soon as it counts as dead (`processes.DEAD_S`).
"""

import asyncio
import importlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy.orm  # noqa: F401 - DBOS brings it in, in a thread: half loaded it breaks whatever other threads ask of the database meanwhile
from sqlalchemy import Connection

from ostiary import log, metrics
from ostiary.clock import SECOND_US, Clock, rfc3339
from ostiary.errors import Conflict, OstiaryError
from ostiary.ids import INSTALL, TenantId
from ostiary.jobs import store
from ostiary.jobs.processes import Processes
from ostiary.jobs.queue import KEPT_S, SIGNAL, Queue, slot_of
from ostiary.jobs.store import JobRow, State
from ostiary.work import Kind
from ostiary.worker.runner import Runner

if TYPE_CHECKING:
    from ostiary.jobs.workflows import Workflows

_LOG = log.get("worker")

ROUND_S = 1.0
AT_ONCE_MAX = 8
TENANT_AT_ONCE_MAX = 4
TENANTS_A_ROUND = 200
"""How many tenants' jobs are looked through a second; those that were told of come first."""
LAUNCH_AGAIN_S = 3
LOST_S = 15
"""A job of ours that nobody goes on with for so long is begun again."""
TIDY_EVERY_ROUNDS = 600
RUNS_KEPT_S = 3600


Share = Callable[[TenantId, int], Awaitable[int]]
"""Of so many that a tenant may have at work in a worker, how many this one may."""


async def _as_many(_tenant: TenantId, most: int) -> int:
    return most


@dataclass(slots=True)
class _Active:
    """A job in this process: since when nobody works on it, 0 while somebody does."""

    idle_us: int


class Worker:
    """`begin(row)` is DBOS's; a test gives another."""

    def __init__(
        self,
        queue: Queue,
        runner: Runner,
        processes: Processes,
        clock: Clock,
        tenants: Callable[[], Awaitable[list[TenantId]]],
        *,
        home: Path,
        share: Share = _as_many,
    ) -> None:
        self._share = share
        self._queue = queue
        self._runner = runner
        self._processes = processes
        self._clock = clock
        self._tenants = tenants
        self._home = home
        self._workflows: Workflows | None = None
        self._active: dict[tuple[TenantId, str], _Active] = {}
        self._told: set[TenantId] = set()
        self._scheduled: dict[tuple[TenantId, str], int] = {}
        self._next = 0
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._launching: asyncio.Future[Workflows] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin, and load DBOS meanwhile."""
        self._loop = asyncio.get_running_loop()
        self._queue.database.signals.on(SIGNAL, self._hear)
        self._running = asyncio.create_task(self._run())

    async def stop(self, timeout_s: float) -> None:
        """Begin nothing more, let the steps under way end, give the jobs back."""
        self._runner.stopping = True
        if self._running is None:
            return
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        if self._workflows is None and self._launching is not None:  # it is half-way up
            with suppress(Exception):
                self._workflows = await self._launching
        self._quiet.clear()
        if self._active:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._quiet.wait()
        if self._workflows is not None:
            await asyncio.to_thread(self._workflows.stop)
            self._workflows = None

    @property
    def ready(self) -> bool:
        """Whether jobs are being taken."""
        return self._workflows is not None

    def _hear(self, tenant: TenantId, _detail: str) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._look, tenant)

    def _look(self, tenant: TenantId) -> None:
        if tenant:
            self._told.add(tenant)
        self._wake.set()

    async def _run(self) -> None:
        count = 0
        while True:
            try:
                if self._workflows is None:
                    self._workflows = await self._launch()
                await self.round()
                if count % TIDY_EVERY_ROUNDS == 0:
                    await self._tidy()
                count += 1
            except OstiaryError as error:
                _LOG.warning("worker.round_failed", code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours, or of DBOS, must not end the loop that all jobs wait for
                _LOG.error("worker.round_broke", error=type(fault).__name__, where=log.where(fault))
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_S):
                    await self._wake.wait()

    async def _launch(self) -> "Workflows":
        """DBOS, when it runs: until then it is tried again and again."""
        while True:
            try:
                self._launching = asyncio.ensure_future(asyncio.to_thread(self._launched))
                launched = await asyncio.shield(self._launching)
                break
            except Exception as fault:  # noqa: BLE001 - whatever DBOS raises: the database is away, or `ostiary db upgrade` has not made its tables yet
                _LOG.error("worker.not_ready", error=type(fault).__name__, where=log.where(fault))
                await asyncio.sleep(LAUNCH_AGAIN_S)
        _LOG.info("worker.ready")
        return launched

    def _launched(self) -> "Workflows":
        made = importlib.import_module("ostiary.jobs.workflows")
        database = self._queue.database
        workflows: Workflows = made.Workflows(
            made.engine_at(database.url, self._home),
            process=self._processes.id,
            schema=made.schema_of(database),
            threads=AT_ONCE_MAX,
            work=self._work,
        )
        workflows.launch()
        return workflows

    # One round.

    async def round(self) -> None:
        """Take what is due. Raises StoreUnavailable, KeysUnavailable."""
        tenants = [INSTALL, *await self._tenants()]
        await self._schedule(tenants)
        self._miss_lost()
        alive = await self._processes.live()
        for row in await self._due(self._turn(tenants), alive):
            if len(self._active) >= AT_ONCE_MAX:
                return
            await self._take(row)

    def _turn(self, tenants: list[TenantId]) -> list[TenantId]:
        """Whose jobs are looked through now: those that were told of, then the next in turn."""
        told = [tenant for tenant in tenants if tenant in self._told]
        self._told.clear()
        begin = self._next % len(tenants)
        self._next = begin + TENANTS_A_ROUND
        in_turn = (tenants[begin:] + tenants[:begin])[:TENANTS_A_ROUND]
        return list(dict.fromkeys([*told, *in_turn]))

    async def _due(self, tenants: Iterable[TenantId], alive: frozenset[str]) -> list[JobRow]:
        """What may be taken now: each tenant's first, then each one's second, and so on, so that none waits for all of another's."""
        others = sorted(alive - {self._processes.id})
        kinds = list(self._queue.kinds.all())  # those of a release to come are left to its workers
        now_us = self._clock.now_us()
        free = AT_ONCE_MAX - len(self._active)
        running = Counter(tenant for tenant, _ in self._active)
        shares = {tenant: await self._share(tenant, TENANT_AT_ONCE_MAX) for tenant in tenants}

        def look(connection: Connection) -> list[tuple[int, int, JobRow]]:
            found: list[tuple[int, int, JobRow]] = []
            for tenant, most in shares.items():
                share = min(free, most - running[tenant])
                if share > 0:
                    rows = store.due_jobs(connection, tenant, kinds=kinds, now_us=now_us, alive=others, limit=share + running[tenant])  # fmt: skip
                    new = [row for row in rows if (tenant, row.id) not in self._active][:share]
                    found += [(rank, row.due_us, row) for rank, row in enumerate(new)]
            return found

        ranked = await self._queue.database.run(look) if free > 0 else []
        return [row for _, _, row in sorted(ranked, key=lambda each: each[:2])]

    async def _take(self, row: JobRow) -> None:
        """Make it this process's, and begin. Whoever is faster has it."""
        key = (row.tenant, row.id)
        self._active[key] = _Active(self._clock.monotonic_us())
        try:
            taken = await self._queue.database.change(lambda c: self._queue.take(c, row, self._processes.id))
            if row.state is State.RUNNING:
                metrics.TAKEOVERS.inc()
            if taken is not None and await self._begun(taken):
                return
        except Conflict:
            pass
        except BaseException:
            self._drop(key)
            raise
        self._drop(key)

    async def _begun(self, row: JobRow) -> bool:
        """Begin its run, or go on with it; one that has ended without ending its job is followed by the next."""
        assert self._workflows is not None
        while not await asyncio.to_thread(self._workflows.begin, row.tenant, row.id, row.run):
            at_us = self._clock.now_us()
            following = partial(store.move_job, tenant=row.tenant, held=row, at_us=at_us, changes={"run": row.run + 1})  # fmt: skip
            await self._queue.database.change(following)
            row = replace(row, run=row.run + 1)
        return True

    def _miss_lost(self) -> None:
        """Jobs that DBOS does not come back to are not active any more, and are taken again."""
        now_us = self._clock.monotonic_us()
        for key, active in list(self._active.items()):
            if active.idle_us and now_us - active.idle_us > LOST_S * SECOND_US:
                _LOG.warning("job.lost", job=key[1])
                self._drop(key)

    def _drop(self, key: tuple[TenantId, str]) -> None:
        self._active.pop(key, None)
        if not self._active:
            self._quiet.set()

    # What DBOS calls.

    def _work(self, tenant: str, job: str, run: int) -> str:
        """In a thread of DBOS's: go on with the job on the gateway's loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(self._slice(TenantId(tenant), job, run), self._loop).result()

    async def _slice(self, tenant: TenantId, job: str, run: int) -> str:
        key = (tenant, job)
        active = self._active.setdefault(key, _Active(0))
        active.idle_us = 0
        more = False
        try:
            more = await self._runner.go_on(tenant, job, run)
        except Exception as fault:  # noqa: BLE001 - a mistake of ours: the job is looked at again, and counts one more crash
            _LOG.error("job.broke", job=job, error=type(fault).__name__, where=log.where(fault))
        active.idle_us = self._clock.monotonic_us()
        if not more:
            self._drop(key)
            self._wake.set()
        return "more" if more else "over"

    # The clock.

    async def _schedule(self, tenants: Iterable[TenantId]) -> None:
        """Jobs that recur: one a tenant and period, whoever makes it."""
        now_us = self._clock.now_us()
        due = [(kind, now_us // (kind.every_s * SECOND_US)) for kind in self._queue.kinds.all().values() if kind.every_s]  # fmt: skip
        for tenant in tenants:
            new = [(kind, period) for kind, period in due if self._scheduled.get((tenant, kind.name)) != period]  # fmt: skip
            if not new:
                continue

            await self._queue.database.change(partial(self._recur, tenant=tenant, new=new, now_us=now_us))
            self._scheduled |= {(tenant, kind.name): period for kind, period in new}

    def _recur(
        self, connection: Connection, *, tenant: TenantId, new: list[tuple[Kind, int]], now_us: int
    ) -> None:
        for kind, period in new:
            slot = slot_of(kind, period)
            if not store.is_underway(connection, tenant, kind.name, slot):
                row = self._queue.row(kind, {}, None, tenant, due_us=now_us, slot=slot)
                self._queue.add(row, join=False)(connection)

    async def _tidy(self) -> None:
        """Forget what has long been over."""
        before_us = self._clock.now_us() - KEPT_S * SECOND_US
        for tenant in [INSTALL, *await self._tenants()]:
            await self._queue.database.change(partial(store.forget_jobs, tenant=tenant, before_us=before_us))
        if self._workflows is not None:
            before = rfc3339(self._clock.now_us() - RUNS_KEPT_S * SECOND_US)
            await asyncio.to_thread(self._workflows.tidy, before)
