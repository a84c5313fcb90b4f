"""One job in this process: its next step through the door, and what becomes of it.

A step is called as a service on behalf of whoever asked, with the one permission that its kind takes, if they hold it at this moment. Its rows commit only
while the job is this worker's, at this step: a worker that was thought dead and comes back does nothing twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import Connection

from ostiary import log, metrics, traces
from ostiary.actions import Actor, ActorKind, Face
from ostiary.cells.pins import Pins
from ostiary.clock import SECOND_US, Clock
from ostiary.door.door import Door
from ostiary.door.outcome import Done
from ostiary.errors import (
    AuditUnavailable,
    KeysUnavailable,
    OstiaryError,
    SealBroken,
    Stopped,
    StoreUnavailable,
    TooMany,
)
from ostiary.identity.gate import Entrance
from ostiary.ids import TenantId
from ostiary.jobs import store
from ostiary.jobs.kinds import refusal
from ostiary.jobs.processes import Processes
from ostiary.jobs.queue import SERVICE, Queue
from ostiary.jobs.store import JobRow, State
from ostiary.work import Kind, Step

_LOG = log.get("worker")

SLICE_S = 2.0
"""How long one DBOS step goes on: what is between two of them costs a hundred steps of ours."""
AWAY_S = 1.0
AWAY = (StoreUnavailable, AuditUnavailable, KeysUnavailable, TooMany)
"""What passes by itself: waited for, and no fault of the job."""
FINAL = frozenset({400, 401, 403, 404, 410, 422})
"""Trying again would end the same."""

WhoIsThisNow = Callable[[Actor], Awaitable[Actor | None]]


class Runner:
    """`go_on` never raises: what goes wrong is in the job's row."""

    def __init__(
        self, queue: Queue, door: Door, processes: Processes, clock: Clock, who_now: WhoIsThisNow, pins: Pins
    ) -> None:
        self._pins = pins
        self._queue = queue
        self._door = door
        self._processes = processes
        self._clock = clock
        self._who_now = who_now
        self.stopping = False

    async def go_on(self, tenant: TenantId, job: str, run: int, *, slice_s: float = SLICE_S) -> bool:
        """Do steps for a while. Whether there is more to do here."""
        until_us = self._clock.monotonic_us() + int(slice_s * SECOND_US)
        while True:
            try:
                if not await self._once(tenant, job, run):
                    return False
            except AWAY as error:
                _LOG.warning("job.waits", job=job, code=error.code)
                await asyncio.sleep(AWAY_S)
                return True
            except OstiaryError as error:
                _LOG.info("job.moved_on", job=job, code=error.code)
            if self._clock.monotonic_us() >= until_us:
                return True

    async def _once(self, tenant: TenantId, job: str, run: int) -> bool:
        """One step, if the job is this worker's. Raises what is AWAY, and Conflict where somebody was faster: then it is looked at again."""
        if not self._processes.alive:  # the others may have taken it
            await asyncio.sleep(AWAY_S)
            return True
        row = await self._queue.database.run(lambda c: store.find_job(c, tenant, job))
        if row is None or row.state is not State.RUNNING or row.process != self._processes.id or row.run != run:  # fmt: skip
            return False
        if row.cancelling:
            await self._change(lambda c: self._queue.end(c, row, State.CANCELLED))
            return False
        if self.stopping or not await self._pins.here(tenant):
            await self._change(lambda c: self._queue.put_off(c, row))
            return False
        return await self._step(row)

    async def _step(self, row: JobRow) -> bool:
        kind = self._queue.kinds.get(row.kind)
        service = Actor(row.tenant, ActorKind.SERVICE, row.requested_by)
        try:
            await self._queue.prepare(row.tenant, row.requested_by)
            service = await self._service(row, kind)
            asked = {"job": row.id, "cursor": self._queue.reached(row).cursor, "params": self._queue.params_of(row)}  # fmt: skip
        except (
            SealBroken,
            Stopped,
        ) as error:  # a row that was not made here, or whose asker was erased or stopped
            await self._door.turned_away(service, kind.step, error, face=Face.JOB)
            return await self._failed(row, error)
        entrance = Entrance(service, (partial(store.must_hold, tenant=row.tenant, held=row),))
        if row.step == 0 and row.tries == 0:
            metrics.JOB_DELAY.labels(kind.name).observe((self._clock.now_us() - row.due_us) / SECOND_US)
        try:
            with traces.root("job step", traces.Kind.INTERNAL) as span:
                if span:
                    span.attributes |= {"ostiary.job": kind.name, "ostiary.step": row.step}
                outcome = await self._door.call(entrance, kind.step, asked, face=Face.JOB, key=f"{row.id}.{row.step}", behalf=row.requested_by)  # fmt: skip
        except AWAY:
            metrics.JOB_STEPS.labels(kind.name, "waits").inc()
            raise
        except OstiaryError as error:
            return await self._failed(row, error)
        metrics.JOB_STEPS.labels(kind.name, "done").inc()
        assert isinstance(outcome, Done), "nobody is asked between two steps"
        step = Step.model_validate(outcome.result)
        await self._change(lambda c: self._queue.advance(c, row, step))
        return not step.done

    async def _service(self, row: JobRow, kind: Kind) -> Actor:
        """A service with the kind's permission, if the asker holds it now; with none where they do not: the door refuses it then, and records that.
        Raises Stopped where a person has stopped the asker: a job is no way around the kill switch."""
        asker = self._queue.asker(row)
        if asker is None:
            return Actor(row.tenant, ActorKind.SERVICE, SERVICE, frozenset({kind.permission}))
        now = await self._who_now(asker)
        if now is not None:
            await self._door.still(now, kind.name)
        granted = {kind.permission} if now is not None and refusal(now, kind) is None else set()
        return Actor(row.tenant, ActorKind.SERVICE, asker.id, frozenset(granted), session=asker.session, name=asker.name, address=asker.address)  # fmt: skip

    async def _failed(self, row: JobRow, error: OstiaryError) -> bool:
        """Later again, or never. Raises Conflict where the job is another's by now."""
        metrics.JOB_STEPS.labels(row.kind, "failed").inc()
        final = (error.status in FINAL or isinstance(error, SealBroken)) and not isinstance(error, Stopped)
        _LOG.info("job.step_failed", job=row.id, kind=row.kind, code=error.code, final=final)
        if final:
            await self._change(lambda c: self._queue.end(c, row, State.FAILED, code=error.code))
        else:
            await self._change(lambda c: self._queue.put_off(c, row, error.code))
        return False

    async def _change(self, rows: Callable[[Connection], None]) -> None:
        await self._queue.database.change(rows)
