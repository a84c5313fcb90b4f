"""Imports that wait for review: one sealed row each, replaced as people edit, removed when they are done or too old. Nothing of it is ever called."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Row, String, Table, delete, func, select, update

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata, sealed
from ostiary.ids import TenantId

contract_import = Table(
    "contract_import",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("revision", Integer),
    clear("made_us", BigInteger),
    clear("made_by", String(64)),
    sealed("document"),
    info=unmarked("sealed in its place; a draft counts for nothing"),
)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One import. `revision` counts its changes; `document` is sealed for this id."""

    id: str
    revision: int
    made_us: int
    made_by: str
    document: bytes


@of_tenant
def insert(connection: Connection, tenant: TenantId, row: ImportRow) -> None:
    connection.execute(
        contract_import.insert().values(
            tenant=tenant,
            id=row.id,
            revision=row.revision,
            made_us=row.made_us,
            made_by=row.made_by,
            document=row.document,
        )
    )


@of_tenant
def count(connection: Connection, tenant: TenantId) -> int:
    statement = select(func.count()).select_from(contract_import).where(contract_import.c.tenant == tenant)
    return connection.execute(statement).scalar_one()


@of_tenant
def get(connection: Connection, tenant: TenantId, import_id: str) -> ImportRow | None:
    statement = select(contract_import).where(
        contract_import.c.tenant == tenant, contract_import.c.id == import_id
    )
    row = connection.execute(statement).one_or_none()
    return _row(row) if row else None


@of_tenant
def listed(connection: Connection, tenant: TenantId, *, limit: int) -> list[ImportRow]:
    """Newest first."""
    statement = select(contract_import).where(contract_import.c.tenant == tenant)
    return [
        _row(row) for row in connection.execute(statement.order_by(contract_import.c.id.desc()).limit(limit))
    ]


@of_tenant
def replace(connection: Connection, tenant: TenantId, row: ImportRow) -> bool:
    """Whether the import still stood at the revision before this one, and is this one now."""
    statement = (
        update(contract_import)
        .where(
            contract_import.c.tenant == tenant,
            contract_import.c.id == row.id,
            contract_import.c.revision == row.revision - 1,
        )
        .values(revision=row.revision, document=row.document)
    )
    return connection.execute(statement).rowcount == 1


@of_tenant
def remove(connection: Connection, tenant: TenantId, import_id: str) -> bool:
    statement = delete(contract_import).where(
        contract_import.c.tenant == tenant, contract_import.c.id == import_id
    )
    return connection.execute(statement).rowcount == 1


@of_tenant
def remove_older(connection: Connection, tenant: TenantId, before_us: int) -> int:
    statement = delete(contract_import).where(
        contract_import.c.tenant == tenant, contract_import.c.made_us < before_us
    )
    return connection.execute(statement).rowcount


def _row(row: Row[Any]) -> ImportRow:
    values = row._mapping
    return ImportRow(
        values["id"], values["revision"], values["made_us"], values["made_by"], values["document"]
    )
