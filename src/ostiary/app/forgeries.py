"""What is done about marked rows (`db.marks`): a refused one is recorded and counted, and those of an earlier release's tables are marked once."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

from ostiary import ids, log
from ostiary.actions import ActorKind, Face
from ostiary.audit.event import Decision, Entry, Event, Part
from ostiary.audit.log import Audit
from ostiary.clock import HOUR_US, Clock
from ostiary.db import marks
from ostiary.db.database import Database
from ostiary.db.marks import Forged
from ostiary.errors import AuditUnavailable, KeysUnavailable, RowForged
from ostiary.ids import NO_SUBJECT, TenantId
from ostiary.jobs.processes import Processes
from ostiary.vault.sealing import Vault

ACTOR = "gateway"
REMEMBERED_MAX = 1_000
AGAIN_US = HOUR_US
"""The same row is recorded again after so long: whoever asks a thousand times a second does not fill the log."""

_LOG = log.get("app")


class Forgeries:
    """Records what was refused. Safe between threads."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._recorded: OrderedDict[Forged, int] = OrderedDict()
        self._lock = Lock()

    def refused(self, forged: Forged) -> None:
        """An event in the tenant's own log; where the log takes nothing the refusal stands all the same."""
        now_us = self._clock.now_us()
        with self._lock:
            if now_us - self._recorded.get(forged, -AGAIN_US) < AGAIN_US:
                return
            self._recorded[forged] = now_us
            self._recorded.move_to_end(forged)
            if len(self._recorded) > REMEMBERED_MAX:
                self._recorded.popitem(last=False)
        content = {"table": forged.table, "row": forged.row}
        event = Event(
            tenant=forged.tenant, action="rows.refused", decision=Decision.REFUSED, actor_kind=ActorKind.SERVICE, actor_id=ACTOR,
            face=Face.JOB, call=ids.new("cal"), at_us=now_us, code=RowForged.code, parts=(Part(NO_SUBJECT, content),),
        )  # fmt: skip
        with suppress(AuditUnavailable):
            self._audit.submit(Entry((event,)))


async def mark_earlier(
    processes: Processes, database: Database, vault: Vault, audit: Audit, clock: Clock, tenants: Sequence[TenantId]
) -> None:  # fmt: skip
    """Mark these tenants' rows in tables of earlier releases, each tenant once, recorded, when no process of such a release lives.

    A tenant whose keys are not to be had here (another process holds them, or the store is away) waits for the next time. Raises StoreUnavailable, KeysUnavailable.
    """
    due = await asyncio.to_thread(lambda: [tenant for tenant in tenants if _is_due(vault, tenant)])
    if due and not await processes.earlier():
        await asyncio.to_thread(_mark, database, vault, audit, clock, due)


def _is_due(vault: Vault, tenant: TenantId) -> bool:
    try:
        return not vault.has_marks(tenant)
    except KeysUnavailable:
        return False


def _mark(database: Database, vault: Vault, audit: Audit, clock: Clock, tenants: Sequence[TenantId]) -> None:
    for tenant in tenants:
        count = database.transact(
            lambda connection, tenant=tenant: marks.mark_all(  # type: ignore[misc]  # lambdas take no annotations
                connection, tenant, lambda: vault.begin_marks(tenant)
            )
        )
        _LOG.info("rows.marked", tenant=tenant, count=count)
        audit.record_sync(Entry((_marked(tenant, count, clock.now_us()),)))


def _marked(tenant: TenantId, count: int, at_us: int) -> Event:
    return Event(
        tenant=tenant, action="rows.marked", decision=Decision.RAN, actor_kind=ActorKind.SERVICE, actor_id=ACTOR, face=Face.JOB, call=ids.new("cal"),
        at_us=at_us, counts={"rows": count},
    )  # fmt: skip
