"""Tables and SQL of what agents have read (`seen`) and written (`written_mark`): keyed fingerprints only. A row of `seen` is sealed besides, under the key of
its agent or customer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Index,
    Integer,
    String,
    Table,
    delete,
    func,
    or_,
    select,
)

from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed, upsert
from ostiary.ids import TenantId

_ID = String(40)
_ACTOR = String(64)
QUERY_MARKS_MAX = 500

SEEN = Table(
    "seen",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("agent", _ACTOR),
    clear("session", _ID),
    clear("call", _ID),
    clear("action", String(200)),
    clear("tainted", Boolean),
    clear("size", Integer),
    clear("at_us", BigInteger),
    clear("expires_us", BigInteger),
    sealed("marks"),
    mark(),
    Index(None, "tenant", "agent", "at_us"),
    Index(None, "tenant", "session", "at_us"),
    Index(None, "tenant", "expires_us"),
    info=marked(),
)

WRITTEN = Table(
    "written_mark",
    metadata,
    clear("tenant", _ID, primary_key=True),
    blind("mark", primary_key=True),
    clear("call", _ID),
    clear("action", String(200)),
    clear("expires_us", BigInteger),
    Index(None, "tenant", "expires_us"),
    info=unmarked("a row only takes trust away; what is gone no mark shows"),
)


@dataclass(frozen=True, slots=True)
class SeenRow:
    """What one answer left. `tainted`: something in it is not trusted."""

    id: str
    agent: str
    session: str
    call: str
    action: str
    tainted: bool
    size: int
    at_us: int
    expires_us: int
    marks: bytes


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row of `seen` as a person may look at it."""

    call: str
    action: str
    tainted: bool
    at_us: int


@dataclass(frozen=True, slots=True)
class WrittenRow:
    mark: bytes
    call: str
    action: str
    expires_us: int


def _values(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in type(row).__slots__}  # type: ignore[attr-defined]  # our rows are slotted dataclasses


# What was read.


@of_tenant
def add_seen(connection: Connection, tenant: TenantId, row: SeenRow, *, gone: Sequence[str]) -> None:
    """`gone`: the oldest of this agent's, which make room."""
    if gone:
        connection.execute(delete(SEEN).where(SEEN.c.tenant == tenant, SEEN.c.id.in_(gone)))
    marks.add(connection, tenant, SEEN, _values(row))


@of_tenant
def seen_ids(connection: Connection, tenant: TenantId, agent: str, *, now_us: int, most: int) -> list[str]:
    """What this agent has read and has not expired: the newest `most`, the oldest first."""
    where = (SEEN.c.tenant == tenant, SEEN.c.agent == agent, SEEN.c.expires_us > now_us)
    newest = select(SEEN.c.id).where(*where).order_by(SEEN.c.at_us.desc(), SEEN.c.id.desc()).limit(most)
    return [row.id for row in connection.execute(newest)][::-1]


@of_tenant
def seen_rows(connection: Connection, tenant: TenantId, wanted: Collection[str]) -> list[SeenRow]:
    """These, the oldest first."""
    query = select(SEEN).where(SEEN.c.tenant == tenant, SEEN.c.id.in_(wanted))
    rows = marks.read(connection, tenant, query.order_by(SEEN.c.at_us, SEEN.c.id))
    return [SeenRow(**row) for row in rows]


@of_tenant
def reads(connection: Connection, tenant: TenantId, session: str, *, limit: int) -> list[ReadRow]:
    """What was read in a session, newest first."""
    columns = (SEEN.c.call, SEEN.c.action, SEEN.c.tainted, SEEN.c.at_us)
    where = (SEEN.c.tenant == tenant, SEEN.c.session == session)
    rows = connection.execute(select(*columns).where(*where).order_by(SEEN.c.at_us.desc()).limit(limit))
    return [ReadRow(**row._mapping) for row in rows]


# What was written.


@of_tenant
def add_written(connection: Connection, tenant: TenantId, rows: Sequence[WrittenRow]) -> None:
    """Who writes the same value later prolongs it."""
    for row in sorted(
        rows, key=lambda each: each.mark
    ):  # in one order, so that two writers never wait for each other
        values = {"tenant": tenant, **_values(row)}
        changing = ("call", "action", "expires_us")
        connection.execute(upsert(connection.dialect.name, WRITTEN, values, changing=changing))


@of_tenant
def find_written(
    connection: Connection, tenant: TenantId, marks: Sequence[bytes], *, now_us: int
) -> list[WrittenRow]:
    """Which of these values an agent wrote from what it should not trust."""
    found: list[WrittenRow] = []
    for begin in range(0, len(marks), QUERY_MARKS_MAX):
        some = WRITTEN.c.mark.in_(marks[begin : begin + QUERY_MARKS_MAX])
        where = (WRITTEN.c.tenant == tenant, some, WRITTEN.c.expires_us > now_us)
        found += [
            WrittenRow(bytes(row.mark), row.call, row.action, row.expires_us)
            for row in connection.execute(select(WRITTEN).where(*where))
        ]
    return found


# Letting go.


@of_tenant
def expired(
    connection: Connection, tenant: TenantId, *, now_us: int, limit: int
) -> tuple[list[str], list[bytes]]:
    """What was read and written whose time is over: `limit` of each at most."""
    old_seen = select(SEEN.c.id).where(SEEN.c.tenant == tenant, SEEN.c.expires_us <= now_us).limit(limit)
    old_marks = select(WRITTEN.c.mark).where(WRITTEN.c.tenant == tenant, WRITTEN.c.expires_us <= now_us)
    return (
        [row.id for row in connection.execute(old_seen)],
        [bytes(row.mark) for row in connection.execute(old_marks.limit(limit))],
    )


@of_tenant
def surplus(
    connection: Connection, tenant: TenantId, *, bytes_max: int, marks_max: int, limit: int
) -> tuple[list[str], list[bytes]]:
    """The oldest of what was read, where a tenant holds more than `bytes_max`, and of what was written, beyond `marks_max`; at most `limit` of each."""
    held = connection.scalar(select(func.sum(SEEN.c.size)).where(SEEN.c.tenant == tenant)) or 0
    oldest = (
        select(SEEN.c.id, SEEN.c.size)
        .where(SEEN.c.tenant == tenant, SEEN.c.size > 0)
        .order_by(SEEN.c.at_us)
        .limit(limit)
    )
    gone: list[str] = []
    for row in connection.execute(oldest) if held > bytes_max else ():
        if held <= bytes_max:
            break
        gone.append(row.id)
        held -= row.size
    marks = (
        connection.scalar(select(func.count()).select_from(WRITTEN).where(WRITTEN.c.tenant == tenant)) or 0
    )
    first = select(WRITTEN.c.mark).where(WRITTEN.c.tenant == tenant).order_by(WRITTEN.c.expires_us)
    over = min(limit, marks - marks_max)
    return gone, [bytes(row.mark) for row in connection.execute(first.limit(over))] if over > 0 else []


@of_tenant
def empty(connection: Connection, tenant: TenantId, seen: Sequence[str]) -> None:
    """Take the fingerprints of these answers away; that there were some stays."""
    for begin in range(0, len(seen), QUERY_MARKS_MAX):
        some = (SEEN.c.id.in_(seen[begin : begin + QUERY_MARKS_MAX]),)
        marks.change(connection, tenant, SEEN, some, {"marks": b"", "size": 0, "tainted": True})


@of_tenant
def remove(connection: Connection, tenant: TenantId, seen: Sequence[str], marks: Sequence[bytes]) -> None:
    """Let these go."""
    for begin in range(0, len(seen), QUERY_MARKS_MAX):
        some = SEEN.c.id.in_(seen[begin : begin + QUERY_MARKS_MAX])
        connection.execute(delete(SEEN).where(SEEN.c.tenant == tenant, some))
    for begin in range(0, len(marks), QUERY_MARKS_MAX):
        each = WRITTEN.c.mark.in_(marks[begin : begin + QUERY_MARKS_MAX])
        connection.execute(delete(WRITTEN).where(WRITTEN.c.tenant == tenant, each))


def _of_whom(agent: str, pseudonym: str) -> ColumnElement[bool]:
    """What this actor has read, or this customer with any key."""
    return or_(SEEN.c.agent == agent, SEEN.c.agent.endswith(f".{pseudonym}", autoescape=True))


@of_tenant
def seen_by(connection: Connection, tenant: TenantId, agent: str, pseudonym: str) -> int:
    """How many answers are remembered of this actor, or of a customer by this pseudonym."""
    where = (SEEN.c.tenant == tenant, _of_whom(agent, pseudonym))
    return connection.scalar(select(func.count()).select_from(SEEN).where(*where)) or 0


@of_tenant
def forget_session(connection: Connection, tenant: TenantId, sessions: Sequence[str]) -> None:
    """What was read in these sessions."""
    connection.execute(delete(SEEN).where(SEEN.c.tenant == tenant, SEEN.c.session.in_(sessions)))


@of_tenant
def forget_of(connection: Connection, tenant: TenantId, agent: str, pseudonym: str) -> int:
    """What this actor has read, or this customer with any key; how many answers."""
    return connection.execute(
        delete(SEEN).where(SEEN.c.tenant == tenant, _of_whom(agent, pseudonym))
    ).rowcount
