"""The documents' rows: every version of every rule set and plan of a tenant, newest last; none is ever changed."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Integer, String, Table, func, select

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.ids import TenantId

CHANGED = "redaction"
"""The signal that a rule set or plan of a tenant has changed."""

PLAN, RULES = "plan", "rules"

redaction_document = Table(
    "redaction_document",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("kind", String(8), primary_key=True),
    clear("name", String(64), primary_key=True),
    clear("version", Integer, primary_key=True, autoincrement=False),
    clear("applied_us", BigInteger),
    clear("applied_by", String(64)),
    clear("hash", String(64)),
    sealed("document", nullable=True),
    mark(),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One version. `document`: sealed, as its writer wrote it; None: with this version the name was removed, and `hash` is empty."""

    kind: str
    name: str
    version: int
    applied_us: int
    applied_by: str
    hash: str
    document: bytes | None


@of_tenant
def newest(connection: Connection, tenant: TenantId, kind: str, name: str) -> DocumentRow | None:
    """The last version, which may be that it was removed."""
    found = page(connection, tenant, kind, name, before=None, limit=1)
    return found[0] if found else None


@of_tenant
def page(
    connection: Connection, tenant: TenantId, kind: str, name: str, *, before: int | None, limit: int
) -> list[DocumentRow]:
    """Newest first, those older than the version `before`."""
    c = redaction_document.c
    statement = select(redaction_document).where(c.tenant == tenant, c.kind == kind, c.name == name)
    if before is not None:
        statement = statement.where(c.version < before)
    rows = marks.read(connection, tenant, statement.order_by(c.version.desc()).limit(limit))
    return [DocumentRow(**row) for row in rows]


@of_tenant
def standing(connection: Connection, tenant: TenantId, kind: str) -> list[DocumentRow]:
    """The last version of each name, by name, without those that were removed. The whole of it is read: DOCUMENTS_MAX bounds it."""
    c, other = redaction_document.c, redaction_document.alias()
    last = (
        select(func.max(other.c.version))
        .where(other.c.tenant == tenant, other.c.kind == kind, other.c.name == c.name)
        .scalar_subquery()
    )
    wanted = select(redaction_document).where(c.tenant == tenant, c.kind == kind, c.version == last)
    rows = marks.read(connection, tenant, wanted.order_by(c.name))
    return [DocumentRow(**row) for row in rows if row["document"] is not None]


@of_tenant
def insert(connection: Connection, tenant: TenantId, row: DocumentRow) -> None:
    values = {name: getattr(row, name) for name in DocumentRow.__slots__}
    marks.add(connection, tenant, redaction_document, values)
    tell(connection, tenant, CHANGED)
