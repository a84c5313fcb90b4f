"""Three tables: the places of a tenant, the runs over them, and what was found in each item of a place when it was last looked at.

A name of a file may be a person's: it is sealed, and an item is known by a keyed digest of it. What is held of an item is how many findings of which category, never
a value. All rows are marked. A run's row holds where it goes on, and is written in one transaction with the rows of the items before that point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Index,
    Integer,
    String,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
)

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import TenantId

PLACE = Table(
    "discovery_place",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(64), primary_key=True),
    clear("kind", String(16)),
    clear("version", Integer),
    sealed("settings"),
    sealed("secret", nullable=True),
    clear("every_h", Integer),
    clear("next_us", BigInteger),
    clear("made_us", BigInteger),
    clear("changed_us", BigInteger),
    clear("changed_by", String(64)),
    mark(),
    info=marked(),
)

RUN = Table(
    "discovery_run",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("place", String(64)),
    clear("state", String(16)),
    clear("phase", String(8)),
    clear("job", String(64)),
    clear("steps", Integer),
    sealed("cursor", nullable=True),
    sealed("totals"),
    clear("expected", BigInteger),
    clear("items", BigInteger),
    clear("looked", BigInteger),
    clear("unchanged", BigInteger),
    clear("not_looked", BigInteger),
    clear("gone", BigInteger),
    clear("findings", BigInteger),
    clear("risk", Integer),
    clear("begun_us", BigInteger),
    clear("begun_by", String(64)),
    clear("changed_us", BigInteger),
    clear("ended_us", BigInteger, nullable=True),
    mark(),
    Index(None, "tenant", "place", "id"),
    info=marked(),
)

ITEM = Table(
    "discovery_item",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("place", String(64), primary_key=True),
    blind("item", primary_key=True),
    clear("run", String(64)),
    clear("looked_us", BigInteger),
    clear("state", String(16)),
    clear("code", String(64)),
    blind("stamp"),
    blind("content"),
    clear("size", BigInteger),
    clear("findings", BigInteger),
    sealed("what"),
    clear("gone_us", BigInteger, nullable=True),
    mark(),
    Index(None, "tenant", "place", "findings"),
    Index(None, "tenant", "place", "run"),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """every_h 0: only when asked; next_us: when it is due, 0 for never. `settings` and `secret` are sealed JSON."""

    name: str
    kind: str
    version: int
    settings: bytes
    secret: bytes | None
    every_h: int
    next_us: int
    made_us: int
    changed_us: int
    changed_by: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """state: going, paused, done, cancelled. phase: `look` while items are looked at, `away` while those that are no more there are noted. job: which job works on it;
    any other does nothing. steps: how many were done. expected: how many items there may be, 0 where nobody knows. cursor: the last key, sealed.
    totals: what the whole place holds as far as the run has come, sealed."""

    id: str
    place: str
    state: str
    phase: str
    job: str
    steps: int
    cursor: bytes | None
    totals: bytes
    expected: int
    items: int
    looked: int
    unchanged: int
    not_looked: int
    gone: int
    findings: int
    risk: int
    begun_us: int
    begun_by: str
    changed_us: int
    ended_us: int | None


@dataclass(frozen=True, slots=True)
class ItemRow:
    """item: a keyed digest of its key. run: in which it was last there. stamp: a keyed digest of its version and the rules it was looked at by; equal: nothing to do.
    content: a keyed digest. what: key, counts and all else that names something, sealed."""

    place: str
    item: bytes
    run: str
    looked_us: int
    state: str
    code: str
    stamp: bytes
    content: bytes
    size: int
    findings: int
    what: bytes
    gone_us: int | None


def _values(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


# Places.


@of_tenant
def places(connection: Connection, tenant: TenantId) -> list[PlaceRow]:
    """All of them, by name: `PLACES_MAX` bounds it."""
    found = marks.read(
        connection, tenant, select(PLACE).where(PLACE.c.tenant == tenant).order_by(PLACE.c.name)
    )
    return [PlaceRow(**row) for row in found]


@of_tenant
def find_place(connection: Connection, tenant: TenantId, place: str) -> PlaceRow | None:
    row = marks.first(
        connection, tenant, select(PLACE).where(PLACE.c.tenant == tenant, PLACE.c.name == place)
    )
    return PlaceRow(**row) if row else None


@of_tenant
def add_place(connection: Connection, tenant: TenantId, row: PlaceRow, *, most: int) -> None:
    """Raises Conflict where there are as many already."""
    counted = select(func.count()).select_from(PLACE).where(PLACE.c.tenant == tenant)
    if connection.execute(counted).scalar_one() >= most:
        raise Conflict(f"There are {most} places already; remove one first.")
    marks.add(connection, tenant, PLACE, _values(row))


@of_tenant
def change_place(
    connection: Connection, tenant: TenantId, place: str, changes: Mapping[str, Any], *, version: int
) -> None:
    """Raises Conflict where it was changed or removed meanwhile."""
    where = (PLACE.c.name == place, PLACE.c.version == version)
    if not marks.change(connection, tenant, PLACE, where, changes):
        raise Conflict("The place was changed meanwhile; look at it again.")


@of_tenant
def remove_place(connection: Connection, tenant: TenantId, place: str) -> None:
    """The place, its runs and what was found there."""
    for table, column in ((ITEM, ITEM.c.place), (RUN, RUN.c.place), (PLACE, PLACE.c.name)):
        connection.execute(delete(table).where(table.c.tenant == tenant, column == place))


# Runs.


@of_tenant
def find_run(connection: Connection, tenant: TenantId, run: str) -> RunRow | None:
    row = marks.first(connection, tenant, select(RUN).where(RUN.c.tenant == tenant, RUN.c.id == run))
    return RunRow(**row) if row else None


@of_tenant
def runs(
    connection: Connection, tenant: TenantId, place: str = "", *, before: str = "", limit: int
) -> list[RunRow]:
    """Newest first; of one place, or of all."""
    where = [RUN.c.tenant == tenant]
    if place:
        where.append(RUN.c.place == place)
    if before:
        where.append(RUN.c.id < before)
    rows = marks.read(connection, tenant, select(RUN).where(*where).order_by(RUN.c.id.desc()).limit(limit))
    return [RunRow(**row) for row in rows]


@of_tenant
def last_runs(connection: Connection, tenant: TenantId) -> dict[str, RunRow]:
    """The newest run of each place."""
    newest = select(func.max(RUN.c.id)).where(RUN.c.tenant == tenant).group_by(RUN.c.place)
    query = select(RUN).where(RUN.c.tenant == tenant, RUN.c.id.in_(newest))
    return {row["place"]: RunRow(**row) for row in marks.read(connection, tenant, query)}


@of_tenant
def done_before(connection: Connection, tenant: TenantId, place: str, run: str = "") -> RunRow | None:
    """The newest run of the place that went to its end, before `run` where one is given."""
    where = [RUN.c.tenant == tenant, RUN.c.place == place, RUN.c.state == "done"]
    if run:
        where.append(RUN.c.id < run)
    row = marks.first(connection, tenant, select(RUN).where(*where).order_by(RUN.c.id.desc()))
    return RunRow(**row) if row else None


@of_tenant
def add_run(connection: Connection, tenant: TenantId, row: RunRow, *, going: Sequence[str]) -> None:
    """Raises Conflict where the place has one in one of these states. The place's row stays locked meanwhile, so that of two who ask one has it."""
    locked = select(PLACE.c.name).where(PLACE.c.tenant == tenant, PLACE.c.name == row.place).with_for_update()
    if connection.execute(locked).first() is None:
        raise Conflict("The place was removed meanwhile.")
    standing = select(RUN.c.id).where(
        RUN.c.tenant == tenant, RUN.c.place == row.place, RUN.c.state.in_(going)
    )
    if connection.execute(standing.limit(1)).first() is not None:
        raise Conflict("A run of this place is under way, or paused: let it end, or cancel it.")
    marks.add(connection, tenant, RUN, _values(row))


@of_tenant
def move_run(
    connection: Connection,
    tenant: TenantId,
    run: str,
    changes: Mapping[str, Any],
    *,
    states: Sequence[str],
    steps: int | None = None,
    job: str = "",
) -> None:
    """Change a run that stands in one of these states (and, for a step, where it is expected). Raises Conflict."""
    where = [RUN.c.id == run, RUN.c.state.in_(states)]
    if steps is not None:
        where += [RUN.c.steps == steps, RUN.c.job == job]
    if not marks.change(connection, tenant, RUN, where, changes):
        raise Conflict("This run has moved on.")


@of_tenant
def old_runs(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> list[tuple[str, str]]:
    """(run, place) of runs that had ended before then, the oldest first; not the newest of a place that went to its end."""
    c, other = RUN.c, RUN.alias()
    newer = (
        select(other.c.id)
        .where(other.c.tenant == tenant, other.c.place == c.place, other.c.id > c.id, other.c.state == "done")
        .exists()
    )
    where = and_(c.tenant == tenant, c.ended_us < before_us, c.id > after, or_(newer, c.state != "done"))
    return [(row[0], row[1]) for row in connection.execute(select(c.id, c.place).where(where).order_by(c.id).limit(limit))]  # fmt: skip


@of_tenant
def remove_runs(connection: Connection, tenant: TenantId, gone: Sequence[str]) -> None:
    connection.execute(delete(RUN).where(RUN.c.tenant == tenant, RUN.c.id.in_(gone)))


@of_tenant
def forget_gone(connection: Connection, tenant: TenantId, before_us: int) -> int:
    """Items that were no more there before then."""
    old = and_(ITEM.c.tenant == tenant, ITEM.c.gone_us.is_not(None), ITEM.c.gone_us < before_us)
    return connection.execute(delete(ITEM).where(old)).rowcount


# Items.


@of_tenant
def known(
    connection: Connection, tenant: TenantId, place: str, items: Sequence[bytes]
) -> dict[bytes, ItemRow]:
    where = (ITEM.c.tenant == tenant, ITEM.c.place == place, ITEM.c.item.in_(items))
    rows = marks.read(connection, tenant, select(ITEM).where(*where))
    return {bytes(row["item"]): ItemRow(**row) for row in rows}


@of_tenant
def put_items(connection: Connection, tenant: TenantId, rows: Sequence[ItemRow]) -> None:
    for row in rows:
        marks.put(connection, tenant, ITEM, _values(row))


@of_tenant
def missing(connection: Connection, tenant: TenantId, place: str, run: str, limit: int) -> list[bytes]:
    """Items that the run has not met, and that were there before it."""
    where = (
        ITEM.c.tenant == tenant,
        ITEM.c.place == place,
        ITEM.c.run != run,
        ITEM.c.gone_us.is_(None),
    )
    return [bytes(row[0]) for row in connection.execute(select(ITEM.c.item).where(*where).limit(limit))]


@of_tenant
def note_gone(
    connection: Connection, tenant: TenantId, place: str, items: Sequence[bytes], at_us: int
) -> int:
    where = (ITEM.c.place == place, ITEM.c.item.in_(items), ITEM.c.gone_us.is_(None))
    return len(marks.change(connection, tenant, ITEM, where, {"gone_us": at_us}))


@of_tenant
def page_of_items(
    connection: Connection,
    tenant: TenantId,
    place: str,
    *,
    which: str,
    after: tuple[int, bytes] | None,
    limit: int,
) -> list[ItemRow]:
    """Those with the most findings first. which: `found` (something was), `skipped` (not looked at), `gone`, or `all` that are there."""
    c = ITEM.c
    where = [c.tenant == tenant, c.place == place]
    where.append(c.gone_us.is_not(None) if which == "gone" else c.gone_us.is_(None))
    if which == "found":
        where.append(c.findings > 0)
    if which == "skipped":
        where.append(c.state != "looked")
    if after:
        where.append(or_(c.findings < after[0], and_(c.findings == after[0], c.item < after[1])))
    query = select(ITEM).where(*where).order_by(c.findings.desc(), c.item.desc()).limit(limit)
    return [ItemRow(**row) for row in marks.read(connection, tenant, query)]
