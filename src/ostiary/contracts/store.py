"""The applied contract files of each tenant, newest last; none is ever changed."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Row, String, Table, func, select

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.ids import TenantId

CHANGED = "contract"
"""The signal that a tenant's contracts have changed."""

contract_set = Table(
    "contract_set",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer, primary_key=True, autoincrement=False),
    clear("applied_us", BigInteger),
    clear("applied_by", String(64)),
    clear("hash", String(64)),
    sealed("document"),
    info=unmarked("sealed in its place, under its version; each hash is in the log"),
)


@dataclass(frozen=True, slots=True)
class SetRow:
    """One applied file. `document` is sealed: the file in canonical form, and what it changed."""

    version: int
    applied_us: int
    applied_by: str
    hash: str
    document: bytes


@of_tenant
def newest_version(connection: Connection, tenant: TenantId) -> int:
    """0 if nothing was ever applied."""
    statement = select(func.max(contract_set.c.version)).where(contract_set.c.tenant == tenant)
    return connection.execute(statement).scalar_one() or 0


@of_tenant
def newest(connection: Connection, tenant: TenantId) -> SetRow | None:
    rows = page(connection, tenant, before=None, limit=1)
    return rows[0] if rows else None


@of_tenant
def page(connection: Connection, tenant: TenantId, *, before: int | None, limit: int) -> list[SetRow]:
    """Newest first, those older than the version `before`."""
    statement = select(contract_set).where(contract_set.c.tenant == tenant)
    if before is not None:
        statement = statement.where(contract_set.c.version < before)
    return [
        _row(row)
        for row in connection.execute(statement.order_by(contract_set.c.version.desc()).limit(limit))
    ]


@of_tenant
def insert(connection: Connection, tenant: TenantId, row: SetRow) -> None:
    connection.execute(
        contract_set.insert().values(
            tenant=tenant,
            version=row.version,
            applied_us=row.applied_us,
            applied_by=row.applied_by,
            hash=row.hash,
            document=row.document,
        )
    )
    tell(connection, tenant, CHANGED)


def _row(row: Row[Any]) -> SetRow:
    values = row._mapping
    return SetRow(
        values["version"], values["applied_us"], values["applied_by"], values["hash"], values["document"]
    )
