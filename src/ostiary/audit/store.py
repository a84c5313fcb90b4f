"""The logs' tables. A head is written only over the head that was read, so that two sequencers can never fork a log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from ostiary.audit.event import SealedEvent, pack
from ostiary.db.tables import clear, metadata, sealed, upsert
from ostiary.ids import INSTALL, TenantId

audit_log = Table(
    "audit_log",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("size", BigInteger),
    clear("root", LargeBinary(32)),
    clear("checkpoint", Text),
    clear("at_us", BigInteger),
)

audit_event = Table(
    "audit_event",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("number", BigInteger, primary_key=True, autoincrement=False),
    clear("id", String(64)),
    clear("at_us", BigInteger),
    clear("action", String(200)),
    clear("decision", String(16)),
    clear("actor_kind", String(16)),
    clear("actor_id", String(64)),
    clear("call", String(64)),
    clear("code", String(64)),
    clear("envelope", LargeBinary),
    sealed("parts"),
    Index(None, "tenant", "id", unique=True),
    Index(None, "tenant", "call"),
    Index(None, "tenant", "actor_id", "number"),
    Index(None, "tenant", "action", "number"),
)

audit_subject = Table(
    "audit_subject",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("subject", String(64), primary_key=True),
    clear("number", BigInteger, primary_key=True, autoincrement=False),
)

audit_tile = Table(
    "audit_tile",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("level", Integer, primary_key=True, autoincrement=False),
    clear("number", BigInteger, primary_key=True, autoincrement=False),
    clear("hashes", LargeBinary),
)

_PUT_TILE = {
    dialect: upsert(
        dialect,
        audit_tile,
        {column.name: bindparam(column.name) for column in audit_tile.c},
        changing=("hashes",),
    )
    for dialect in ("sqlite", "postgresql")
}


_REHEARSAL_LEVEL = -1


@dataclass(frozen=True, slots=True)
class HeadRow:
    size: int
    root: bytes
    checkpoint: str
    at_us: int


@dataclass(frozen=True, slots=True)
class EventRow:
    number: int
    id: str
    envelope: bytes
    parts: bytes


@dataclass(frozen=True, slots=True)
class Facets:
    """What events are searched by; an empty one does not narrow. `action` is a name, or a prefix that ends in `.*`; actors and subjects may be
    given by several names of the same one."""

    actors: tuple[str, ...] = ()
    action: str = ""
    decision: str = ""
    subjects: tuple[str, ...] = ()
    call: str = ""
    code: str = ""
    since_us: int | None = None
    until_us: int | None = None


SEARCHED_BY = ("id", "at_us", "action", "decision", "actor_kind", "actor_id", "call", "code")

_EVENT = (audit_event.c.number, audit_event.c.id, audit_event.c.envelope, audit_event.c.parts)
_ADVANCE = (
    update(audit_log)
    .where(audit_log.c.tenant == bindparam("of_tenant"), audit_log.c.size == bindparam("from_size"))
    .values(
        size=bindparam("to_size"),
        root=bindparam("to_root"),
        checkpoint=bindparam("to_checkpoint"),
        at_us=bindparam("to_at_us"),
    )
)


def head(connection: Connection, tenant: TenantId) -> HeadRow | None:
    """Where the tenant's log stands; None when nothing was recorded yet."""
    found = connection.execute(
        select(audit_log.c.size, audit_log.c.root, audit_log.c.checkpoint, audit_log.c.at_us).where(
            audit_log.c.tenant == tenant
        )
    ).one_or_none()
    return HeadRow(*found) if found else None


def advance(connection: Connection, tenant: TenantId, row: HeadRow, *, from_size: int) -> bool:
    """Move the head on; False when it does not stand where it was read (someone else writes this log)."""
    if from_size == 0:
        values = {
            "tenant": tenant,
            "size": row.size,
            "root": row.root,
            "checkpoint": row.checkpoint,
            "at_us": row.at_us,
        }
        connection.execute(insert(audit_log), values)  # IntegrityError when there is one already
        return True
    values = {
        "of_tenant": tenant,
        "from_size": from_size,
        "to_size": row.size,
        "to_root": row.root,
        "to_checkpoint": row.checkpoint,
        "to_at_us": row.at_us,
    }
    return connection.execute(_ADVANCE, values).rowcount == 1


def add_events(connection: Connection, tenant: TenantId, first: int, events: list[SealedEvent]) -> None:
    """Append events, the first at place `first` of the log."""
    rows = []
    subjects = []
    for number, kept in enumerate(events, first):
        event = kept.event
        public = (
            kept.id,
            event.at_us,
            event.action,
            event.decision.value,
            str(event.actor_kind),
            kept.actor_id,
        )
        rows.append((tenant, number, *public, event.call, event.code, kept.envelope, pack(kept.blobs)))
        subjects += [(tenant, subject, number) for subject in kept.subjects]
    _insert_many(connection, audit_event, rows)
    if subjects:
        _insert_many(connection, audit_subject, subjects)


def _insert_many(connection: Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Rows in the order of the table's columns, straight to the driver: 6 us a row less than a compiled statement with its bind processors."""
    place = "?" if connection.dialect.name == "sqlite" else "%s"
    places = ", ".join([place] * len(table.columns))
    connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({places})", rows)  # noqa: S608 - names of our own


def put_tiles(connection: Connection, tenant: TenantId, changed: Mapping[tuple[int, int], bytes]) -> None:
    """Write tiles by (level, number), or write them anew with more hashes."""
    rows = [
        {"tenant": tenant, "level": level, "number": number, "hashes": hashes}
        for (level, number), hashes in changed.items()
    ]
    connection.execute(_PUT_TILE[connection.dialect.name], rows)


def tile(connection: Connection, tenant: TenantId, level: int, number: int) -> bytes | None:
    """A tile's hashes."""
    return connection.execute(
        select(audit_tile.c.hashes).where(
            audit_tile.c.tenant == tenant, audit_tile.c.level == level, audit_tile.c.number == number
        )
    ).scalar_one_or_none()


def rehearse(connection: Connection) -> None:
    """Write a row and take it back: the commit then needs the disk as an event's would, and a disk that is full says so."""
    put_tiles(connection, INSTALL, {(_REHEARSAL_LEVEL, 0): b""})
    of_no_tree = and_(audit_tile.c.tenant == INSTALL, audit_tile.c.level == _REHEARSAL_LEVEL)
    connection.execute(delete(audit_tile).where(of_no_tree))


def find(connection: Connection, tenant: TenantId, event_id: str) -> EventRow | None:
    """One event of the tenant."""
    found = connection.execute(
        select(*_EVENT).where(audit_event.c.tenant == tenant, audit_event.c.id == event_id)
    ).one_or_none()
    return EventRow(*found) if found else None


def events(connection: Connection, tenant: TenantId, start: int, end: int) -> list[EventRow]:
    """The events at places [start, end), in the log's order."""
    found = connection.execute(
        select(*_EVENT)
        .where(audit_event.c.tenant == tenant, audit_event.c.number >= start, audit_event.c.number < end)
        .order_by(audit_event.c.number)
    )
    return [EventRow(*row) for row in found]


def searched_by(connection: Connection, tenant: TenantId, start: int, end: int) -> list[dict[str, Any]]:
    """The columns that the events at places [start, end) are found by, in the log's order, named as in the envelope."""
    columns = [audit_event.c[name] for name in SEARCHED_BY]
    found = connection.execute(
        select(*columns)
        .where(audit_event.c.tenant == tenant, audit_event.c.number >= start, audit_event.c.number < end)
        .order_by(audit_event.c.number)
    )
    return [dict(row) for row in found.mappings()]


def search(
    connection: Connection, tenant: TenantId, facets: Facets, *, before: int | None, limit: int
) -> list[EventRow]:
    """The newest events that fit, those before place `before` only, at most `limit`."""
    query = _narrowed(select(*_EVENT).where(audit_event.c.tenant == tenant), tenant, facets)
    if before is not None:
        query = query.where(audit_event.c.number < before)
    found = connection.execute(query.order_by(audit_event.c.number.desc()).limit(limit))
    return [EventRow(*row) for row in found]


def _narrowed(query: Select[Any], tenant: TenantId, facets: Facets) -> Select[Any]:
    columns = audit_event.c
    for column, wanted in (
        (columns.decision, facets.decision),
        (columns.call, facets.call),
        (columns.code, facets.code),
    ):
        if wanted:
            query = query.where(column == wanted)
    if facets.action.endswith(".*"):
        query = query.where(columns.action.startswith(facets.action[:-1], autoescape=True))
    elif facets.action:
        query = query.where(columns.action == facets.action)
    if facets.actors:
        query = query.where(columns.actor_id.in_(facets.actors))
    if facets.subjects:
        about = select(audit_subject.c.number).where(
            audit_subject.c.tenant == tenant, audit_subject.c.subject.in_(facets.subjects)
        )
        query = query.where(columns.number.in_(about))
    if facets.since_us is not None:
        query = query.where(columns.at_us >= facets.since_us)
    if facets.until_us is not None:
        query = query.where(columns.at_us < facets.until_us)
    return query
