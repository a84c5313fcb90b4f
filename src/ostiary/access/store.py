"""The tenant's own roles: one table."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Row, String, Table, delete, func, select

from ostiary.access.roles import BUILT_IN, PERMISSIONS
from ostiary.db.tables import clear, metadata, sealed, upsert
from ostiary.ids import TenantId

ROLES_MAX = 50

role = Table(
    "role",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(32), primary_key=True),
    clear("permissions", String(2000)),
    sealed("words"),
    clear("changed_us", BigInteger),
)


@dataclass(frozen=True, slots=True)
class RoleRow:
    """`words` is the sealed title and description."""

    name: str
    permissions: frozenset[str]
    words: bytes
    changed_us: int


def find(connection: Connection, tenant: TenantId, name: str) -> RoleRow | None:
    row = connection.execute(select(role).where(role.c.tenant == tenant, role.c.name == name)).first()
    return None if row is None else _role(row)


def listed(connection: Connection, tenant: TenantId) -> list[RoleRow]:
    rows = connection.execute(select(role).where(role.c.tenant == tenant).order_by(role.c.name))
    return [_role(row) for row in rows]


def count(connection: Connection, tenant: TenantId) -> int:
    return connection.execute(select(func.count()).where(role.c.tenant == tenant)).scalar_one()


def put(connection: Connection, tenant: TenantId, row: RoleRow) -> None:
    values = {
        "tenant": tenant,
        "name": row.name,
        "permissions": " ".join(sorted(row.permissions)),
        "words": row.words,
        "changed_us": row.changed_us,
    }
    changing = ("permissions", "words", "changed_us")
    connection.execute(upsert(connection.dialect.name, role, values, changing=changing))


def remove(connection: Connection, tenant: TenantId, name: str) -> bool:
    return connection.execute(delete(role).where(role.c.tenant == tenant, role.c.name == name)).rowcount == 1


def granted(connection: Connection, tenant: TenantId, names: Iterable[str]) -> frozenset[str]:
    """The permissions of these roles together, built-in or the tenant's own. A name that is neither grants nothing."""
    names = frozenset(names)
    permissions = {permission for name in names & BUILT_IN.keys() for permission in BUILT_IN[name]}
    if own := names - BUILT_IN.keys():
        rows = connection.execute(
            select(role.c.permissions).where(role.c.tenant == tenant, role.c.name.in_(own))
        )
        for (text,) in rows:
            permissions.update(text.split())
    return frozenset(permissions & PERMISSIONS.keys())


def known(connection: Connection, tenant: TenantId, name: str) -> bool:
    """Whether the tenant has a role of this name."""
    return name in BUILT_IN or find(connection, tenant, name) is not None


def _role(row: Row[tuple[object, ...]]) -> RoleRow:
    values = row._mapping
    return RoleRow(
        values["name"], frozenset(values["permissions"].split()), values["words"], values["changed_us"]
    )
