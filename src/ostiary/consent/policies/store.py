"""The applied policy documents of each tenant, newest last; none is ever changed."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Integer, String, Table, func, select

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.ids import TenantId

CHANGED = "policy"
"""The signal that a tenant's policy has changed."""

policy_set = Table(
    "policy_set",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer, primary_key=True, autoincrement=False),
    clear("applied_us", BigInteger),
    clear("applied_by", String(64)),
    clear("hash", String(64)),
    sealed("document"),
    mark(),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One applied document. `document` is sealed: its canonical form."""

    version: int
    applied_us: int
    applied_by: str
    hash: str
    document: bytes


@of_tenant
def newest_version(connection: Connection, tenant: TenantId) -> int:
    """0 if nothing was ever applied."""
    statement = select(func.max(policy_set.c.version)).where(policy_set.c.tenant == tenant)
    return connection.execute(statement).scalar_one() or 0


@of_tenant
def newest(connection: Connection, tenant: TenantId) -> PolicyRow | None:
    rows = page(connection, tenant, before=None, limit=1)
    return rows[0] if rows else None


@of_tenant
def page(connection: Connection, tenant: TenantId, *, before: int | None, limit: int) -> list[PolicyRow]:
    """Newest first, those older than the version `before`."""
    statement = select(policy_set).where(policy_set.c.tenant == tenant)
    if before is not None:
        statement = statement.where(policy_set.c.version < before)
    newest_first = statement.order_by(policy_set.c.version.desc()).limit(limit)
    return [PolicyRow(**row) for row in marks.read(connection, tenant, newest_first)]


@of_tenant
def insert(connection: Connection, tenant: TenantId, row: PolicyRow) -> None:
    values = {name: getattr(row, name) for name in PolicyRow.__slots__}
    marks.add(connection, tenant, policy_set, values)
    tell(connection, tenant, CHANGED)
