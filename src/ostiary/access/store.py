"""The tenant's own roles: one table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, String, Table, delete, func, select

from ostiary.access.roles import BUILT_IN, PERMISSIONS
from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.ids import TenantId

ROLES_MAX = 50

CHANGED = "role"
"""The signal that one of a tenant's own roles has changed."""

role = Table(
    "role",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(32), primary_key=True),
    clear("permissions", String(2000)),
    sealed("words"),
    clear("changed_us", BigInteger),
    mark(earlier=True),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class RoleRow:
    """`words` is the sealed title and description."""

    name: str
    permissions: frozenset[str]
    words: bytes
    changed_us: int


@of_tenant
def find(connection: Connection, tenant: TenantId, name: str) -> RoleRow | None:
    query = select(role).where(role.c.tenant == tenant, role.c.name == name)
    row = marks.first(connection, tenant, query)
    return None if row is None else _role(row)


@of_tenant
def listed(connection: Connection, tenant: TenantId) -> list[RoleRow]:
    query = select(role).where(role.c.tenant == tenant).order_by(role.c.name)
    rows = marks.read(connection, tenant, query)
    return [_role(row) for row in rows]


@of_tenant
def count(connection: Connection, tenant: TenantId) -> int:
    return connection.execute(select(func.count()).where(role.c.tenant == tenant)).scalar_one()


@of_tenant
def put(connection: Connection, tenant: TenantId, row: RoleRow) -> None:
    values = {
        "name": row.name,
        "permissions": " ".join(sorted(row.permissions)),
        "words": row.words,
        "changed_us": row.changed_us,
    }
    marks.put(connection, tenant, role, values)
    tell(connection, tenant, CHANGED)


@of_tenant
def remove(connection: Connection, tenant: TenantId, name: str) -> bool:
    tell(connection, tenant, CHANGED)
    return connection.execute(delete(role).where(role.c.tenant == tenant, role.c.name == name)).rowcount == 1


@of_tenant
def granted(connection: Connection, tenant: TenantId, names: Iterable[str]) -> frozenset[str]:
    """The permissions of these roles together, built-in or the tenant's own. A name that is neither grants nothing."""
    names = frozenset(names)
    permissions = {permission for name in names & BUILT_IN.keys() for permission in BUILT_IN[name]}
    if own := names - BUILT_IN.keys():
        query = select(role).where(role.c.tenant == tenant, role.c.name.in_(own))
        for row in marks.read(connection, tenant, query):
            permissions.update(row["permissions"].split())
    return frozenset(permissions & PERMISSIONS.keys())


@of_tenant
def known(connection: Connection, tenant: TenantId, name: str) -> bool:
    """Whether the tenant has a role of this name."""
    return name in BUILT_IN or find(connection, tenant, name) is not None


def _role(row: Mapping[str, Any]) -> RoleRow:
    return RoleRow(row["name"], frozenset(row["permissions"].split()), row["words"], row["changed_us"])
