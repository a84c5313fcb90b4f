"""The rows of a tenant's end, and the statements that empty every table of it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, tuple_, update

from ostiary.audit.store import audit_event
from ostiary.db.scope import of_tenant
from ostiary.db.tables import metadata
from ostiary.errors import Conflict
from ostiary.ids import TenantId
from ostiary.retention.store import ENDING, EndingRow

_ENDING = [ENDING.c[name] for name in EndingRow.__slots__]


@of_tenant
def add_ending(connection: Connection, tenant: TenantId, row: EndingRow) -> None:
    connection.execute(
        insert(ENDING).values(tenant=tenant, **{name: getattr(row, name) for name in EndingRow.__slots__})
    )


@of_tenant
def find_ending(connection: Connection, tenant: TenantId, ending: str = "") -> EndingRow | None:
    """The one that is named, or the newest."""
    where = [ENDING.c.tenant == tenant, *([ENDING.c.id == ending] if ending else [])]
    newest = select(*_ENDING).where(*where).order_by(ENDING.c.id.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return EndingRow(*row) if row else None


@of_tenant
def list_endings(connection: Connection, tenant: TenantId, *, before: str, limit: int) -> list[EndingRow]:
    """The newest first."""
    where = [ENDING.c.tenant == tenant, *([ENDING.c.id < before] if before else [])]
    found = connection.execute(select(*_ENDING).where(*where).order_by(ENDING.c.id.desc()).limit(limit))
    return [EndingRow(*row) for row in found]


@of_tenant
def move_ending(
    connection: Connection, tenant: TenantId, ending: str, *, expected: str, changes: Mapping[str, Any]
) -> None:
    """Raises Conflict where it does not stand in the expected state."""
    where = and_(ENDING.c.tenant == tenant, ENDING.c.id == ending, ENDING.c.state == expected)
    if connection.execute(update(ENDING).where(where).values(**changes)).rowcount != 1:
        raise Conflict("The end of this tenant has moved on.")


def emptied() -> list[Table]:
    """The tables whose rows a tenant's end removes; the log's own are not among them."""
    kept = {"audit_log", "audit_tile", "audit_event", "audit_subject", "ending", "retention_gate"}
    return [table for table in metadata.sorted_tables if table.name not in kept and _may_delete(table)]


def _may_delete(table: Table) -> bool:
    granted = {**metadata.info, **table.info}["granted"]["product"]
    return any(privilege == "DELETE" for privilege, _ in granted)


@of_tenant
def count_rows(connection: Connection, tenant: TenantId, table: Table) -> int:
    """How many rows of a table are the tenant's."""
    mine = select(func.count()).select_from(table).where(table.c.tenant == tenant)
    return connection.execute(mine).scalar_one()


@of_tenant
def remove_rows(connection: Connection, tenant: TenantId, table: Table, limit: int) -> int:
    """Remove up to `limit` rows of the tenant; how many."""
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(table.c.tenant == tenant).limit(limit)
    return connection.execute(delete(table).where(table.c.tenant == tenant, key.in_(some))).rowcount


@of_tenant
def count_bodies(connection: Connection, tenant: TenantId) -> int:
    """How many events of the tenant still say something."""
    c = audit_event.c
    whole = select(func.count()).select_from(audit_event).where(c.tenant == tenant, c.envelope != b"")
    return connection.execute(whole).scalar_one()


@of_tenant
def remove_home(connection: Connection, tenant: TenantId, home: TenantId) -> None:
    """What the installation (`tenant`) knows of a tenant's sessions, keys and members, and the tenant itself: nobody enters any more. Where it is pinned to
    stays: its cell has to find what is left to be destroyed."""
    for table in metadata.sorted_tables:
        if "home" in table.c and table.name != "pinned":
            connection.execute(delete(table).where(table.c.tenant == tenant, table.c.home == home))
    named = metadata.tables.get("tenant")
    if named is not None:
        connection.execute(delete(named).where(named.c.tenant == tenant, named.c.id == home))
