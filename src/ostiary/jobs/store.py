"""Two tables. `process`: one row a process, which says that it lives; its instants are the database's. `job`: one row from being asked to being over; who
works on it is in `process` and `fence`, and both must still be one's own at each change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ostiary.db.instant import instant
from ostiary.db.marks import unmarked
from ostiary.db.scope import known, of_tenant
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import TenantId

PROCESS = Table(
    "process",
    metadata,
    clear("tenant", String(40), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("kind", String(16)),
    clear("started_us", BigInteger),
    clear("beat_us", BigInteger),
    clear("stopped", Boolean),
    clear("tables", String(8), nullable=True),
    info=unmarked("who lives"),
)


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """`quiet_us`: how long ago it last said that it lives. `tables`: the newest migration that it knows; None for releases before 0003."""

    id: str
    kind: str
    started_us: int
    quiet_us: int
    stopped: bool
    tables: str | None = None


@of_tenant
def beat(
    connection: Connection, tenant: TenantId, process: str, *, kind: str, tables: str, own_us: int
) -> None:
    """The process lives; its row is made where there is none."""
    now = instant(connection, own_us)
    where = (PROCESS.c.tenant == tenant, PROCESS.c.id == process)
    done = connection.execute(update(PROCESS).where(*where).values(beat_us=now, stopped=False))
    if not done.rowcount:
        row = {"tenant": tenant, "id": process, "kind": kind, "stopped": False, "tables": tables}
        connection.execute(insert(PROCESS).values(**row, started_us=now, beat_us=now))


@of_tenant
def stop(connection: Connection, tenant: TenantId, process: str) -> None:
    """The process ends of its own accord: what it leaves may be taken over at once."""
    where = (PROCESS.c.tenant == tenant, PROCESS.c.id == process)
    connection.execute(update(PROCESS).where(*where).values(stopped=True))


@of_tenant
def processes(connection: Connection, tenant: TenantId, *, own_us: int) -> Sequence[ProcessRow]:
    """All that are known, the oldest first."""
    quiet = (instant(connection, own_us) - PROCESS.c.beat_us).label("quiet_us")
    columns = (PROCESS.c.id, PROCESS.c.kind, PROCESS.c.started_us, quiet, PROCESS.c.stopped, PROCESS.c.tables)
    rows = connection.execute(select(*columns).where(PROCESS.c.tenant == tenant).order_by(PROCESS.c.id))
    return [ProcessRow(*row) for row in rows]


@of_tenant
def forget_processes(connection: Connection, tenant: TenantId, *, quiet_us: int, own_us: int) -> None:
    """Rows of processes that have been dead for so long that nobody asks for them any more."""
    old = instant(connection, own_us) - PROCESS.c.beat_us > quiet_us
    connection.execute(delete(PROCESS).where(PROCESS.c.tenant == tenant, old))


class State(StrEnum):
    """queued: waits for its time, or for a worker. running: a worker has it. The others are how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER = (State.DONE, State.FAILED, State.CANCELLED)

JOB = Table(
    "job",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("kind", String(64)),
    clear("state", String(16)),
    clear("code", String(64)),
    clear("slot", String(160), nullable=True),
    clear("requested_kind", String(16)),
    clear("requested_by", String(64)),
    clear("process", String(64)),
    clear("fence", Integer),
    clear("run", Integer),
    clear("step", Integer),
    clear("tries", Integer),
    clear("crashes", Integer),
    clear("cancelling", Boolean),
    clear("count", BigInteger),
    clear("total", BigInteger),
    sealed("origin"),
    sealed("params"),
    sealed("reached", nullable=True),
    clear("due_us", BigInteger),
    clear("created_us", BigInteger),
    clear("changed_us", BigInteger),
    clear("started_us", BigInteger, nullable=True),
    clear("ended_us", BigInteger, nullable=True),
    UniqueConstraint("tenant", "slot"),
    Index(None, "tenant", "state", "due_us"),
    info=unmarked("who asked and with what is sealed in its place; each step passes the door"),
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """slot: of one slot there is one job: a kind's and period's for those that recur; for others it is given up when the job is taken. fence: goes up with
    each worker that takes it. run: goes up each time it is queued again. step: how many were done. tries: failures since the last step that went well;
    crashes: workers that died since then. origin: who asked, sealed with the kind, so that neither can be changed by hand. reached: the cursor and the note
    of the last step."""

    tenant: TenantId
    id: str
    kind: str
    state: State
    code: str
    slot: str | None
    requested_kind: str
    requested_by: str
    process: str
    fence: int
    run: int
    step: int
    tries: int
    crashes: int
    cancelling: bool
    count: int
    total: int
    origin: bytes
    params: bytes
    reached: bytes | None
    due_us: int
    created_us: int
    changed_us: int
    started_us: int | None
    ended_us: int | None


def _job(connection: Connection, row: Row[Any]) -> JobRow:
    values = dict(row._mapping)
    return JobRow(
        **{**values, "tenant": known(connection, values["tenant"]), "state": State(values["state"])}
    )


def _values(row: JobRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in JobRow.__slots__}


@of_tenant
def add_job(connection: Connection, tenant: TenantId, row: JobRow, *, join: bool) -> None:
    """Insert. Where a job has the same slot, `join`: let that one do, at the earlier time of the two; else: leave it as it is."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(JOB).values({**_values(row), "tenant": tenant})
    earlier = case((statement.excluded.due_us < JOB.c.due_us, statement.excluded.due_us), else_=JOB.c.due_us)
    if join:
        statement = statement.on_conflict_do_update(
            index_elements=["tenant", "slot"], set_={"due_us": earlier}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=["tenant", "slot"])
    connection.execute(statement)


@of_tenant
def find_job(connection: Connection, tenant: TenantId, job: str) -> JobRow | None:
    row = connection.execute(select(JOB).where(JOB.c.tenant == tenant, JOB.c.id == job)).one_or_none()
    return _job(connection, row) if row else None


@of_tenant
def list_jobs(
    connection: Connection,
    tenant: TenantId,
    *,
    states: Sequence[str],
    kinds: Sequence[str],
    before: str,
    limit: int,
) -> list[JobRow]:
    """Newest first; `before` is the last id of the page before."""
    where = [JOB.c.tenant == tenant, JOB.c.kind.in_(kinds)]
    if states:
        where.append(JOB.c.state.in_(states))
    if before:
        where.append(JOB.c.id < before)
    rows = connection.execute(select(JOB).where(*where).order_by(JOB.c.id.desc()).limit(limit))
    return [_job(connection, row) for row in rows]


@of_tenant
def due_jobs(
    connection: Connection,
    tenant: TenantId,
    *,
    kinds: Sequence[str],
    now_us: int,
    alive: Sequence[str],
    limit: int,
) -> list[JobRow]:
    """What a worker that knows these kinds may take: queued jobs whose time has come, and running ones whose worker is no more; the longest waiting first."""
    orphan = and_(JOB.c.state == State.RUNNING, JOB.c.process.not_in(alive))
    queued = and_(JOB.c.state == State.QUEUED, JOB.c.due_us <= now_us)
    where = and_(JOB.c.tenant == tenant, or_(queued, orphan), JOB.c.kind.in_(kinds))
    rows = connection.execute(select(JOB).where(where).order_by(JOB.c.due_us).limit(limit))
    return [_job(connection, row) for row in rows]


@of_tenant
def last_begun(connection: Connection, tenant: TenantId, kind: str) -> int:
    """When a job of this kind was last begun; 0 for never."""
    where = and_(JOB.c.tenant == tenant, JOB.c.kind == kind)
    return connection.execute(select(func.max(JOB.c.started_us)).where(where)).scalar_one() or 0


@of_tenant
def is_underway(connection: Connection, tenant: TenantId, kind: str, slot: str) -> bool:
    """Whether a job of this kind waits or runs, or the slot was taken by one that is over."""
    going = and_(JOB.c.kind == kind, JOB.c.state.in_((State.QUEUED, State.RUNNING)))
    where = and_(JOB.c.tenant == tenant, or_(going, JOB.c.slot == slot))
    return connection.execute(select(JOB.c.id).where(where).limit(1)).first() is not None


@of_tenant
def move_job(
    connection: Connection, tenant: TenantId, held: JobRow, *, at_us: int, changes: Mapping[str, Any]
) -> None:
    """Change a job that still stands as `held` says. Raises Conflict where another worker has it, or it is over."""
    where = and_(
        JOB.c.tenant == tenant,
        JOB.c.id == held.id,
        JOB.c.state == held.state,
        JOB.c.process == held.process,
        JOB.c.fence == held.fence,
        JOB.c.run == held.run,
        JOB.c.step == held.step,
    )
    if connection.execute(update(JOB).where(where).values(changed_us=at_us, **changes)).rowcount != 1:
        raise Conflict("This job has moved on.")


@of_tenant
def ask_to_stop(connection: Connection, tenant: TenantId, job: str, *, at_us: int) -> bool:
    """A job that waits is cancelled, a running one is to be between two steps; False where it is over."""
    where = and_(JOB.c.tenant == tenant, JOB.c.id == job)
    waiting, running = (and_(where, JOB.c.state == state) for state in (State.QUEUED, State.RUNNING))
    gone = {"state": State.CANCELLED, "cancelling": True, "changed_us": at_us, "ended_us": at_us}
    if connection.execute(update(JOB).where(waiting).values(**gone)).rowcount:
        return True
    return connection.execute(update(JOB).where(running).values(cancelling=True)).rowcount == 1


@of_tenant
def must_hold(connection: Connection, tenant: TenantId, held: JobRow) -> None:
    """Raises Conflict unless the job is this worker's, at this step. The row stays locked to the end of the transaction, so that nobody takes it meanwhile."""
    where = and_(
        JOB.c.tenant == tenant,
        JOB.c.id == held.id,
        JOB.c.state == State.RUNNING,
        JOB.c.process == held.process,
        JOB.c.fence == held.fence,
        JOB.c.step == held.step,
    )
    if connection.execute(select(JOB.c.id).where(where).with_for_update()).first() is None:
        raise Conflict("This job is another worker's now.")


@of_tenant
def count_jobs(connection: Connection, tenant: TenantId, states: Sequence[str]) -> int:
    where = and_(JOB.c.tenant == tenant, JOB.c.state.in_(states))
    return connection.execute(select(func.count()).select_from(JOB).where(where)).scalar_one()


@of_tenant
def count_under_way(connection: Connection, tenant: TenantId, kind: str) -> int:
    """How many jobs of this kind wait or run."""
    where = and_(JOB.c.tenant == tenant, JOB.c.kind == kind, JOB.c.state.in_((State.QUEUED, State.RUNNING)))
    return connection.execute(select(func.count()).select_from(JOB).where(where)).scalar_one()


@of_tenant
def forget_jobs(connection: Connection, tenant: TenantId, before_us: int) -> int:
    """Jobs that were over before then; what they did is in the audit log."""
    old = and_(JOB.c.tenant == tenant, JOB.c.state.in_(OVER), JOB.c.ended_us < before_us)
    return connection.execute(delete(JOB).where(old)).rowcount


@of_tenant
def tally(connection: Connection, tenant: TenantId) -> list[tuple[str, str, str, int, int]]:
    """Jobs that wait, run or have failed: by kind, state and process how many, and when the first of them was due."""
    columns = (JOB.c.kind, JOB.c.state, JOB.c.process)
    where = and_(JOB.c.tenant == tenant, JOB.c.state.in_((State.QUEUED, State.RUNNING, State.FAILED)))
    counted = select(*columns, func.count(), func.min(JOB.c.due_us)).where(where).group_by(*columns)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in connection.execute(counted)]
