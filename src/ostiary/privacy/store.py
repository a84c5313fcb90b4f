"""The privacy policy's rows: which role of a tenant sees which category, and the version of the whole."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, Integer, String, Table, delete, insert, select

from ostiary.db.tables import clear, metadata, upsert
from ostiary.ids import TenantId

privacy_policy = Table(
    "privacy_policy",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer),
    clear("changed_us", BigInteger),
)

privacy_shown = Table(
    "privacy_shown",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("role", String(64), primary_key=True),
    clear("category", String(64), primary_key=True),
)


def version(connection: Connection, tenant: TenantId) -> int:
    """The policy's version; 0 where the tenant has never set one."""
    found = connection.scalar(select(privacy_policy.c.version).where(privacy_policy.c.tenant == tenant))
    return int(found or 0)


def shown(connection: Connection, tenant: TenantId) -> dict[str, frozenset[str]]:
    """The categories that each role sees; a role that is absent sees none."""
    columns = privacy_shown.c
    rows = connection.execute(
        select(columns.role, columns.category)
        .where(columns.tenant == tenant)
        .order_by(columns.role, columns.category)
    )
    found: dict[str, frozenset[str]] = {}
    for role, category in rows:
        found[role] = found.get(role, frozenset()) | {category}
    return found


def replace(
    connection: Connection,
    tenant: TenantId,
    categories: Mapping[str, frozenset[str]],
    *,
    version: int,
    at_us: int,
) -> None:
    """Put these rows in place of the tenant's, as that version."""
    connection.execute(delete(privacy_shown).where(privacy_shown.c.tenant == tenant))
    rows = [
        {"tenant": tenant, "role": role, "category": category}
        for role, named in sorted(categories.items())
        for category in sorted(named)
    ]
    if rows:
        connection.execute(insert(privacy_shown), rows)
    head = {"tenant": tenant, "version": version, "changed_us": at_us}
    connection.execute(
        upsert(connection.dialect.name, privacy_policy, head, changing=("version", "changed_us"))
    )
