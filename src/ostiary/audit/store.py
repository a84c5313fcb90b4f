"""The logs' tables. A head is written only over the head that was read, so that two sequencers can never fork a log."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
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
    func,
    select,
)
from sqlalchemy.exc import DBAPIError

from ostiary.audit import tiles
from ostiary.audit.event import SealedEvent, pack
from ostiary.db.burst import burst
from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, granted, metadata, sealed
from ostiary.ids import INSTALL, TenantId

audit_log = Table(
    "audit_log",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("size", BigInteger),
    clear("root", LargeBinary(32)),
    clear("checkpoint", Text),
    clear("at_us", BigInteger),
    info=granted(product="SELECT", sequencer="SELECT, INSERT, UPDATE") | unmarked("its checkpoint is signed"),
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
    info=granted(
        product="SELECT",
        sequencer="INSERT",
        retention="SELECT, UPDATE(action), UPDATE(decision), UPDATE(actor_kind), UPDATE(actor_id), UPDATE(call), UPDATE(code), UPDATE(envelope), UPDATE(parts)",
    )
    | unmarked("the log's tree and its signed checkpoints prove it"),
)

audit_subject = Table(
    "audit_subject",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("subject", String(64), primary_key=True),
    clear("number", BigInteger, primary_key=True, autoincrement=False),
    info=granted(product="SELECT", sequencer="INSERT", retention="SELECT, DELETE")
    | unmarked("an index of the log, to find by"),
)

audit_tile = Table(
    "audit_tile",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("level", Integer, primary_key=True, autoincrement=False),
    clear("number", BigInteger, primary_key=True, autoincrement=False),
    clear("hashes", LargeBinary),
    info=granted(product="SELECT", sequencer="SELECT, INSERT, UPDATE")
    | unmarked("hashes of the log, under its signed checkpoint"),
)


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
# These go straight to the driver: 6 us a row less than a compiled statement with its bind processors. `?` stands for the driver's own place holder.
_FIRST_HEAD = "INSERT INTO audit_log (size, root, checkpoint, at_us, tenant) VALUES (?, ?, ?, ?, ?)"
_ADVANCE = "UPDATE audit_log SET size = ?, root = ?, checkpoint = ?, at_us = ? WHERE tenant = ? AND size = ?"
_ADD_EVENT = """INSERT INTO audit_event
    (tenant, number, id, at_us, action, decision, actor_kind, actor_id, call, code, envelope, parts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ADD_SUBJECT = "INSERT INTO audit_subject (tenant, subject, number) VALUES (?, ?, ?)"
_PUT_TILE = """INSERT INTO audit_tile (tenant, level, number, hashes) VALUES (?, ?, ?, ?)
    ON CONFLICT (tenant, level, number) DO UPDATE SET hashes = excluded.hashes"""


@of_tenant
def head(connection: Connection, tenant: TenantId) -> HeadRow | None:
    """Where the tenant's log stands; None when nothing was recorded yet."""
    found = connection.execute(
        select(audit_log.c.size, audit_log.c.root, audit_log.c.checkpoint, audit_log.c.at_us).where(
            audit_log.c.tenant == tenant
        )
    ).one_or_none()
    return HeadRow(*found) if found else None


@of_tenant
def lock_head(connection: Connection, tenant: TenantId, *, held: int) -> tuple[int, tiles.OpenTiles | None]:
    """The size of the tenant's log, whose head nobody else moves before this transaction ends (0: there is none yet, and nothing is locked); and its open
    tiles, unless the log still has `held` events."""
    if connection.dialect.name == "postgresql":
        return _lock_head_in_a_burst(connection, tenant, held)
    with _one_by_one(connection) as raw:
        row = raw.execute(_SIZE, (tenant,)).fetchone()
    size = row[0] if row else 0
    if size == held:
        return size, None
    wanted = tiles.open_numbers(size).items()
    return size, {level: tile(connection, tenant, level, number) or b"" for level, number in wanted}


_SIZE = "SELECT size FROM audit_log WHERE tenant = ?"
_OPEN_TILES = f"""SELECT level, hashes FROM audit_tile NATURAL JOIN (
    SELECT tenant, level, size >> 8 * (level + 1) AS number FROM audit_log, generate_series(0, {tiles.LEVELS_MAX - 1}) AS level
    WHERE tenant = %s AND size <> %s AND size >> 8 * level & 255 <> 0
) AS open"""  # noqa: S608 - a number of our own


def _lock_head_in_a_burst(
    connection: Connection, tenant: TenantId, held: int
) -> tuple[int, tiles.OpenTiles | None]:
    """Two statements, not one: the second sees what the one who held the lock before has committed."""
    with burst(connection) as raw:
        locked = raw.execute(_sql(_SIZE, "%s") + " FOR UPDATE", (tenant,))
        edge = raw.execute(_OPEN_TILES, (tenant, held))
        row = locked.fetchone()
        size: int = row[0] if row else 0
        return size, None if size == held else {level: bytes(hashes) for level, hashes in edge}


@of_tenant
def append(
    connection: Connection,
    tenant: TenantId,
    row: HeadRow,
    *,
    from_size: int,
    events: list[SealedEvent],
    changed: Mapping[tuple[int, int], bytes],
) -> bool:
    """Events at the end of the log, the tiles that they change, by (level, number), and the head. False: the head does not stand at `from_size`.
    Raises IntegrityError where it is the log's first event, and somebody else was faster."""
    rows, subjects = _event_rows(tenant, from_size, events)
    tile_rows = [(tenant, level, number, hashes) for (level, number), hashes in changed.items()]
    head = (row.size, row.root, row.checkpoint, row.at_us, tenant)
    postgresql = connection.dialect.name == "postgresql"
    with burst(connection) if postgresql else _one_by_one(connection) as raw:
        cursor = raw.cursor()
        place = "%s" if postgresql else "?"
        if from_size == 0:
            cursor.execute(_sql(_FIRST_HEAD, place), head)
        else:
            cursor.execute(_sql(_ADVANCE, place), (*head, from_size))
        more = raw.cursor()
        more.executemany(_sql(_ADD_EVENT, place), rows)
        if subjects:
            more.executemany(_sql(_ADD_SUBJECT, place), subjects)
        more.executemany(_sql(_PUT_TILE, place), tile_rows)
    return bool(cursor.rowcount == 1)


@of_tenant
def put_tiles(connection: Connection, tenant: TenantId, changed: Mapping[tuple[int, int], bytes]) -> None:
    """Write tiles by (level, number), or write them anew with more hashes."""
    rows = [(tenant, level, number, hashes) for (level, number), hashes in changed.items()]
    place = "%s" if connection.dialect.name == "postgresql" else "?"
    connection.exec_driver_sql(_sql(_PUT_TILE, place), rows)


@contextmanager
def _one_by_one(connection: Connection) -> Iterator[Any]:
    """The driver's connection, for statements that are sent as they come (SQLite)."""
    try:
        yield connection.connection.dbapi_connection
    except sqlite3.Error as error:
        raise DBAPIError.instance(None, None, error, sqlite3.Error, dialect=connection.dialect) from error


def _event_rows(
    tenant: TenantId, first: int, events: list[SealedEvent]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    rows, subjects = [], []
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
    return rows, subjects


@cache
def _sql(statement: str, place: str) -> str:
    """The driver's own words for `?`."""
    return statement.replace("?", place)


@of_tenant
def tile(connection: Connection, tenant: TenantId, level: int, number: int) -> bytes | None:
    """A tile's hashes."""
    return connection.execute(
        select(audit_tile.c.hashes).where(
            audit_tile.c.tenant == tenant, audit_tile.c.level == level, audit_tile.c.number == number
        )
    ).scalar_one_or_none()


def rehearse(connection: Connection) -> None:
    """Write a tile that is of no tree: the commit then needs the disk as an event's would, and a disk that is full says so."""
    put_tiles(connection, INSTALL, {(_REHEARSAL_LEVEL, 0): b""})


@of_tenant
def find(connection: Connection, tenant: TenantId, event_id: str) -> EventRow | None:
    """One event of the tenant."""
    found = connection.execute(
        select(*_EVENT).where(audit_event.c.tenant == tenant, audit_event.c.id == event_id)
    ).one_or_none()
    return EventRow(*found) if found else None


@of_tenant
def events(connection: Connection, tenant: TenantId, start: int, end: int) -> list[EventRow]:
    """The events at places [start, end), in the log's order."""
    found = connection.execute(
        select(*_EVENT)
        .where(audit_event.c.tenant == tenant, audit_event.c.number >= start, audit_event.c.number < end)
        .order_by(audit_event.c.number)
    )
    return [EventRow(*row) for row in found]


@of_tenant
def searched_by(connection: Connection, tenant: TenantId, start: int, end: int) -> list[dict[str, Any]]:
    """The columns that the events at places [start, end) are found by, in the log's order, named as in the envelope."""
    columns = [audit_event.c[name] for name in SEARCHED_BY]
    found = connection.execute(
        select(*columns)
        .where(audit_event.c.tenant == tenant, audit_event.c.number >= start, audit_event.c.number < end)
        .order_by(audit_event.c.number)
    )
    return [dict(row) for row in found.mappings()]


@of_tenant
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


@of_tenant
def measure(connection: Connection, tenant: TenantId, start: int, end: int) -> tuple[int, int]:
    """How many events stand at places [start, end), and their bytes."""
    size = func.sum(func.length(audit_event.c.envelope) + func.length(audit_event.c.parts))
    where = (audit_event.c.tenant == tenant, audit_event.c.number >= start, audit_event.c.number < end)
    rows, found = connection.execute(select(func.count(), size).where(*where)).one()
    return int(rows), int(found or 0)
