"""What rooms put jobs into, and what workers take them from. Like the ledger of calls, each change is a row that stands as expected, or raises.

What a person wrote or asked is sealed: who asked (with the kind, so that neither is changed by hand), the parameters, the cursor and the note.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Actor, ActorKind, JsonValue, Surface, Write
from ostiary.clock import SECOND_US, Clock
from ostiary.db.database import Database
from ostiary.db.signals import tell
from ostiary.errors import Conflict, JobCrashed, SealBroken
from ostiary.ids import SubjectId, TenantId
from ostiary.jobs import store
from ostiary.jobs.kinds import Kinds
from ostiary.jobs.store import OVER, JobRow, State
from ostiary.vault.sealing import Place, Vault
from ostiary.work import Kind, Step

SIGNAL = "job"
PURPOSE = "job"
SERVICE = "service"
"""Who a tenant's own jobs run as, which nobody asked for."""

BACKOFF_S = (1, 5, 30, 120, 600)
"""How long a job waits after a step failed for the first, second... time; after the last it has failed."""
CRASHES_MAX = 3
KEPT_S = 30 * 86400


@dataclass(frozen=True, slots=True)
class Reached:
    """Where the last step left off."""

    cursor: str = ""
    note: str = ""


class Queue:
    """Rows of jobs. `changed` in a process is told by the signal `SIGNAL`."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, kinds: Kinds) -> None:
        self.database = database
        self.kinds = kinds
        self._vault = vault
        self._clock = clock

    # Asking.

    def row(self, kind: Kind, params: JsonValue, actor: Actor | None, tenant: TenantId, *, due_us: int, slot: str = "") -> JobRow:  # fmt: skip
        """The row of a new job. `actor`: who asks; None: the tenant itself does."""
        job, now_us = ids.new("job"), self._clock.now_us()
        by_kind, by = (actor.kind, actor.id) if actor else (ActorKind.SERVICE, SERVICE)
        kept = {"kind": kind.name, "by_kind": by_kind, "by": by}
        if actor:
            kept |= {"session": actor.session, "name": actor.name, "address": actor.address}
        return JobRow(
            tenant=tenant, id=job, kind=kind.name, state=State.QUEUED, code="", slot=slot or None, requested_kind=by_kind, requested_by=by,
            process="", fence=0, run=0, step=0, tries=0, crashes=0, cancelling=False, count=0, total=0,
            origin=self._seal(tenant, "origin", job, kept, by), params=self._seal(tenant, "params", job, params, by), reached=None,
            due_us=due_us, created_us=now_us, changed_us=now_us, started_us=None, ended_us=None,
        )  # fmt: skip

    def add(self, row: JobRow, *, join: bool = True) -> Write:
        """Put it in, in the transaction of whoever asked. A slot that is taken: see `store.add_job`."""

        def rows(connection: Connection) -> None:
            store.add_job(connection, row.tenant, row, join=join)
            tell(connection, row.tenant, SIGNAL)

        return rows

    def enqueue(
        self, tenant: TenantId, kind: Kind, params: JsonValue = None, *, due_us: int = 0, by: Actor | None = None, slot: str = "", pause_s: int = 0
    ) -> Write:  # fmt: skip
        """A room asks for a job. `slot`: one that waits in the same slot will do, at the earlier time. `pause_s`: not sooner than that after the last of its
        kind began."""
        row = self.row(kind, params or {}, by, tenant, due_us=due_us or self._clock.now_us(), slot=slot)

        def rows(connection: Connection) -> None:
            last_us = store.last_begun(connection, tenant, kind.name) if pause_s else 0
            due = max(row.due_us, last_us + pause_s * SECOND_US)
            self.add(_due(row, due))(connection)

        return rows

    # Steering.

    def cancel(self, row: JobRow) -> Write:
        """At once while it waits; else between two steps. Raises Conflict where it is over."""

        def rows(connection: Connection) -> None:
            if not store.ask_to_stop(connection, row.tenant, row.id, at_us=self._clock.now_us()):
                raise Conflict("This job is over.")
            tell(connection, row.tenant, SIGNAL)

        return rows

    def retry(self, row: JobRow) -> Write:
        """Go on from where it failed or was cancelled. Raises Conflict where it has moved on."""
        now_us = self._clock.now_us()
        fresh = {"state": State.QUEUED, "code": "", "run": row.run + 1, "tries": 0, "crashes": 0, "cancelling": False, "due_us": now_us, "ended_us": None}  # fmt: skip

        def rows(connection: Connection) -> None:
            store.move_job(connection, row.tenant, row, at_us=now_us, changes=fresh)
            tell(connection, row.tenant, SIGNAL)

        return rows

    # Working.

    def take(self, connection: Connection, row: JobRow, process: str) -> JobRow | None:
        """The row as this process's; None where it went on instead: it was cancelled, or has stopped too many workers. Raises Conflict: another has it."""
        now_us = self._clock.now_us()
        orphan = row.state is State.RUNNING
        crashes = row.crashes + 1 if orphan else row.crashes
        if row.cancelling:
            self.end(connection, row, State.CANCELLED)
            return None
        if crashes >= CRASHES_MAX:
            self.end(connection, row, State.FAILED, code=JobCrashed.code)
            return None
        recurs = row.slot is not None and _recurs(row.slot)
        changes: dict[str, Any] = {
            "state": State.RUNNING,
            "process": process,
            "fence": row.fence + 1,
            "crashes": crashes,
            "slot": row.slot if recurs else None,
            "started_us": row.started_us or now_us,
        }
        store.move_job(connection, row.tenant, row, at_us=now_us, changes=changes)
        return store.find_job(connection, row.tenant, row.id)

    def advance(self, connection: Connection, row: JobRow, step: Step) -> None:
        """One step was done. Raises Conflict where the job is another's now."""
        reached = self._seal(
            row.tenant, "reached", row.id, {"cursor": step.cursor, "note": step.note}, row.requested_by
        )
        changes = {"step": row.step + 1, "count": step.count, "total": step.total, "reached": reached, "tries": 0, "crashes": 0}  # fmt: skip
        now_us = self._clock.now_us()
        if step.done:
            changes |= {"state": State.DONE, "process": "", "ended_us": now_us}
        store.move_job(connection, row.tenant, row, at_us=now_us, changes=changes)

    def put_off(self, connection: Connection, row: JobRow, code: str = "") -> None:
        """A step failed: later again, or never. Without a code: this worker stops, and another may go on at once."""
        now_us = self._clock.now_us()
        if code and row.tries >= len(BACKOFF_S):
            self.end(connection, row, State.FAILED, code=code)
            return
        due_us = now_us + BACKOFF_S[row.tries] * SECOND_US if code else now_us
        tries = row.tries + 1 if code else row.tries
        changes = {"state": State.QUEUED, "process": "", "run": row.run + 1, "tries": tries, "code": code, "due_us": due_us}  # fmt: skip
        store.move_job(connection, row.tenant, row, at_us=now_us, changes=changes)
        tell(connection, row.tenant, SIGNAL)

    def end(self, connection: Connection, row: JobRow, state: State, *, code: str = "") -> None:
        """It is over. Raises Conflict where the job is another's now."""
        now_us = self._clock.now_us()
        changes = {"state": state, "code": code, "process": "", "ended_us": now_us}
        store.move_job(connection, row.tenant, row, at_us=now_us, changes=changes)
        tell(connection, row.tenant, SIGNAL)

    # Opening what is sealed.

    def asker(self, row: JobRow) -> Actor | None:
        """Who asked, as they were then, without rights: these are looked up anew. None: the tenant itself. Raises SealBroken for a row that was not made here."""
        kept = self._open(row, "origin", row.origin)
        if (kept["kind"], kept["by_kind"], kept["by"]) != (row.kind, row.requested_kind, row.requested_by):
            raise SealBroken
        if kept["by_kind"] == ActorKind.SERVICE:
            return None
        return Actor(
            row.tenant, ActorKind(kept["by_kind"]), kept["by"], surface=Surface.ADMIN, session=kept["session"], name=kept["name"], address=kept["address"],
        )  # fmt: skip

    def params_of(self, row: JobRow) -> dict[str, JsonValue]:
        return dict(self._open(row, "params", row.params))

    def reached(self, row: JobRow) -> Reached:
        return Reached(**self._open(row, "reached", row.reached)) if row.reached else Reached()

    async def prepare(self, tenant: TenantId, by: str) -> None:
        """Have the keys ready, so that sealing does not block. Raises KeysUnavailable."""
        await self._vault.prepare(tenant, PURPOSE, (SubjectId(by),))

    def is_over(self, row: JobRow) -> bool:
        return row.state in OVER

    def _seal(self, tenant: TenantId, column: str, job: str, value: JsonValue, by: str) -> bytes:
        return self._vault.seal_json(Place(tenant, "job", column, job), value, purpose=PURPOSE, subject=SubjectId(by))  # fmt: skip

    def _open(self, row: JobRow, column: str, sealed: bytes) -> Any:
        return self._vault.open_json(Place(row.tenant, "job", column, row.id), sealed)


def slot_of(kind: Kind, period: int) -> str:
    """The slot of a recurring job: one a period."""
    return f"{kind.name}@{period}"


def _recurs(slot: str) -> bool:
    return "@" in slot


def _due(row: JobRow, due_us: int) -> JobRow:
    return row if due_us == row.due_us else replace(row, due_us=due_us)
