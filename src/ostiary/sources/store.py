"""Four tables: the sources of a tenant, each with its policy and its schema as a person took it in; the versions of their semantic models; passes: an agreement to run one statement some times; and what somebody saved: questions
and dashboards of them, never an answer.

All rows are marked. A policy, a schema, a model and what was saved are sealed; a statement that was agreed to is known by a keyed digest.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import TenantId

CHANGED = "source"
"""The signal that a tenant's sources have changed."""

SOURCE = Table(
    "source",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(48), primary_key=True),
    clear("version", Integer),
    clear("bound", String(64)),
    sealed("policy"),
    sealed("tables"),
    clear("indexed_us", BigInteger),
    clear("changed_us", BigInteger),
    clear("changed_by", String(64)),
    mark(),
    info=marked(),
)

MODEL = Table(
    "source_model",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("source", String(48), primary_key=True),
    clear("version", Integer, primary_key=True, autoincrement=False),
    sealed("text"),
    clear("made_us", BigInteger),
    clear("made_by", String(64)),
    mark(),
    info=marked(),
)

PASS = Table(
    "source_pass",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("source", String(48)),
    clear("actor", String(64)),
    blind("binding"),
    clear("consent", String(8)),
    clear("left_count", Integer),
    clear("made_us", BigInteger),
    clear("expires_us", BigInteger),
    mark(),
    Index(None, "tenant", "actor", "binding"),
    Index(None, "tenant", "expires_us"),
    info=marked(),
)

SAVED = Table(
    "source_saved",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("kind", String(12)),
    clear("made_by", String(64)),
    clear("shared", Boolean),
    clear("version", Integer),
    sealed("content"),
    clear("made_us", BigInteger),
    clear("changed_us", BigInteger),
    mark(),
    Index(None, "tenant", "made_by"),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """`bound`: fingerprint of the connector's settings that the schema was read with. `policy` and `tables` are sealed JSON."""

    name: str
    version: int
    bound: str
    policy: bytes
    tables: bytes
    indexed_us: int
    changed_us: int
    changed_by: str


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version of what a source's tables mean: sealed YAML."""

    source: str
    version: int
    text: bytes
    made_us: int
    made_by: str


@dataclass(frozen=True, slots=True)
class PassRow:
    """`binding`: of whom, what and under which policy. `consent`: confirm or approve, whichever was given. `left_count`: runs that are left."""

    id: str
    source: str
    actor: str
    binding: bytes
    consent: str
    left_count: int
    made_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class SavedRow:
    """`kind`: question or dashboard. `made_by`: whose it is; the others see it where it is `shared`. `content`: sealed JSON."""

    id: str
    kind: str
    made_by: str
    shared: bool
    version: int
    content: bytes
    made_us: int
    changed_us: int


_MEANWHILE = "The model was changed meanwhile; look at it again."


def _values(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


@of_tenant
def sources(connection: Connection, tenant: TenantId) -> list[SourceRow]:
    """All of them, by name."""
    found = marks.read(
        connection, tenant, select(SOURCE).where(SOURCE.c.tenant == tenant).order_by(SOURCE.c.name)
    )
    return [SourceRow(**row) for row in found]


@of_tenant
def find(connection: Connection, tenant: TenantId, name: str) -> SourceRow | None:
    row = marks.first(
        connection, tenant, select(SOURCE).where(SOURCE.c.tenant == tenant, SOURCE.c.name == name)
    )
    return SourceRow(**row) if row else None


@of_tenant
def add(connection: Connection, tenant: TenantId, row: SourceRow, *, most: int) -> None:
    """Raises Conflict where there are as many already."""
    counted = select(func.count()).select_from(SOURCE).where(SOURCE.c.tenant == tenant)
    if connection.execute(counted).scalar_one() >= most:
        raise Conflict(f"There are {most} sources already; remove one first.")
    marks.add(connection, tenant, SOURCE, _values(row))
    tell(connection, tenant, CHANGED, row.name)


@of_tenant
def change(connection: Connection, tenant: TenantId, row: SourceRow, *, before: int) -> None:
    """Raises Conflict where it was changed or removed meanwhile."""
    where = (SOURCE.c.name == row.name, SOURCE.c.version == before)
    changes = {name: value for name, value in _values(row).items() if name != "name"}
    if not marks.change(connection, tenant, SOURCE, where, changes):
        raise Conflict("The source was changed meanwhile; look at it again.")
    tell(connection, tenant, CHANGED, row.name)


@of_tenant
def remove(connection: Connection, tenant: TenantId, name: str) -> None:
    """The source, what it means, and what was agreed to in it."""
    connection.execute(delete(MODEL).where(MODEL.c.tenant == tenant, MODEL.c.source == name))
    connection.execute(delete(PASS).where(PASS.c.tenant == tenant, PASS.c.source == name))
    connection.execute(delete(SOURCE).where(SOURCE.c.tenant == tenant, SOURCE.c.name == name))
    tell(connection, tenant, CHANGED, name)


@of_tenant
def models(connection: Connection, tenant: TenantId, source: str, *, limit: int) -> list[ModelRow]:
    """The last versions, newest first."""
    c = MODEL.c
    query = select(MODEL).where(c.tenant == tenant, c.source == source).order_by(c.version.desc())
    return [ModelRow(**row) for row in marks.read(connection, tenant, query.limit(limit))]


@of_tenant
def model(connection: Connection, tenant: TenantId, source: str, version: int) -> ModelRow | None:
    c = MODEL.c
    query = select(MODEL).where(c.tenant == tenant, c.source == source, c.version == version)
    row = marks.first(connection, tenant, query)
    return ModelRow(**row) if row else None


@of_tenant
def add_model(connection: Connection, tenant: TenantId, row: ModelRow, *, keep: int) -> None:
    """The next version; of the ones before it so many stay. Raises Conflict where there is a later one, or the source is gone."""
    if find(connection, tenant, row.source) is None:
        raise Conflict("The source was removed meanwhile.")
    last = models(connection, tenant, row.source, limit=1)
    if (last[0].version if last else 0) != row.version - 1:
        raise Conflict(_MEANWHILE)
    if not marks.add(connection, tenant, MODEL, _values(row), once=True):
        raise Conflict(_MEANWHILE)
    c, oldest = MODEL.c, row.version - keep
    connection.execute(delete(MODEL).where(c.tenant == tenant, c.source == row.source, c.version <= oldest))
    tell(connection, tenant, CHANGED, row.source)


@of_tenant
def remove_models(connection: Connection, tenant: TenantId, source: str) -> None:
    connection.execute(delete(MODEL).where(MODEL.c.tenant == tenant, MODEL.c.source == source))
    tell(connection, tenant, CHANGED, source)


@of_tenant
def add_pass(connection: Connection, tenant: TenantId, row: PassRow) -> None:
    marks.add(connection, tenant, PASS, _values(row))


@of_tenant
def passes(
    connection: Connection, tenant: TenantId, *, source: str, actor: str, binding: bytes, now_us: int
) -> list[PassRow]:
    """Those that stand, oldest first."""
    c = PASS.c
    where = (
        c.tenant == tenant,
        c.actor == actor,
        c.binding == binding,
        c.source == source,
        c.left_count > 0,
        c.expires_us > now_us,
    )
    found = marks.read(connection, tenant, select(PASS).where(*where).order_by(c.id).limit(20))
    return [PassRow(**row) for row in found]


@of_tenant
def take(connection: Connection, tenant: TenantId, row: PassRow) -> None:
    """One run of it. Raises Conflict where somebody was faster."""
    where = (PASS.c.id == row.id, PASS.c.left_count == row.left_count)
    if not marks.change(connection, tenant, PASS, where, {"left_count": row.left_count - 1}):
        raise Conflict("What was agreed to was used meanwhile; ask again.")


@of_tenant
def forget_passes(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> list[str]:
    """Removes those that had expired before then, in the order of their ids after `after`; which they were."""
    c = PASS.c
    query = select(c.id).where(c.tenant == tenant, c.expires_us < before_us, c.id > after).order_by(c.id)
    gone = [str(row[0]) for row in connection.execute(query.limit(limit))]
    connection.execute(delete(PASS).where(c.tenant == tenant, c.id.in_(gone)))
    return gone


@of_tenant
def saved(connection: Connection, tenant: TenantId, *, kind: str, whose: str, limit: int) -> list[SavedRow]:
    """Somebody's own and what others share, oldest first."""
    c = SAVED.c
    query = select(SAVED).where(c.tenant == tenant, c.kind == kind, or_(c.made_by == whose, c.shared))
    found = marks.read(connection, tenant, query.order_by(c.made_us, c.id).limit(limit))
    return [SavedRow(**row) for row in found]


@of_tenant
def saved_one(connection: Connection, tenant: TenantId, which: str) -> SavedRow | None:
    row = marks.first(connection, tenant, select(SAVED).where(SAVED.c.tenant == tenant, SAVED.c.id == which))
    return SavedRow(**row) if row else None


@of_tenant
def add_saved(connection: Connection, tenant: TenantId, row: SavedRow, *, most: int) -> None:
    """Raises Conflict where somebody has as many already."""
    c = SAVED.c
    counted = select(func.count()).select_from(SAVED).where(c.tenant == tenant, c.made_by == row.made_by)
    if connection.execute(counted).scalar_one() >= most:
        raise Conflict(f"You have saved {most} questions and dashboards already; remove one first.")
    marks.add(connection, tenant, SAVED, _values(row))


@of_tenant
def change_saved(connection: Connection, tenant: TenantId, row: SavedRow, *, before: int) -> None:
    """Raises Conflict where it was changed or removed meanwhile."""
    where = (SAVED.c.id == row.id, SAVED.c.version == before)
    changes = {name: value for name, value in _values(row).items() if name != "id"}
    if not marks.change(connection, tenant, SAVED, where, changes):
        raise Conflict("It was changed meanwhile; look at it again.")


@of_tenant
def remove_saved(connection: Connection, tenant: TenantId, which: str) -> None:
    connection.execute(delete(SAVED).where(SAVED.c.tenant == tenant, SAVED.c.id == which))


@of_tenant
def saved_by(connection: Connection, tenant: TenantId, whose: str) -> int:
    counted = select(func.count()).select_from(SAVED)
    return int(
        connection.execute(counted.where(SAVED.c.tenant == tenant, SAVED.c.made_by == whose)).scalar_one()
    )


@of_tenant
def forget_saved(connection: Connection, tenant: TenantId, whose: str, pseudonym: str) -> int:
    """What somebody saved is removed; what they share stays the others', without their name. How many there were."""
    c = SAVED.c
    gone = connection.execute(delete(SAVED).where(c.tenant == tenant, c.made_by == whose, c.shared.is_(False)))  # fmt: skip
    kept = marks.change(connection, tenant, SAVED, (c.made_by == whose,), {"made_by": pseudonym})
    return gone.rowcount + len(kept)
