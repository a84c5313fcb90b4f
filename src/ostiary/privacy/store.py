"""The privacy policy's rows: which role of a tenant sees which category, and the version of the whole."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, Integer, String, Table, delete, select

from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, upsert
from ostiary.ids import TenantId

CHANGED = "privacy"
"""The signal that a tenant's policy has changed."""

privacy_policy = Table(
    "privacy_policy",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer),
    clear("changed_us", BigInteger),
    info=unmarked("a count, to tell that somebody else was first"),
)

privacy_shown = Table(
    "privacy_shown",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("role", String(64), primary_key=True),
    clear("category", String(64), primary_key=True),
    mark(earlier=True),
    info=marked(),
)


@of_tenant
def version(connection: Connection, tenant: TenantId) -> int:
    """The policy's version; 0 where the tenant has never set one."""
    found = connection.scalar(select(privacy_policy.c.version).where(privacy_policy.c.tenant == tenant))
    return int(found or 0)


@of_tenant
def shown(connection: Connection, tenant: TenantId) -> dict[str, frozenset[str]]:
    """The categories that each role sees; a role that is absent sees none."""
    found: dict[str, frozenset[str]] = {}
    for row in marks.read(connection, tenant, select(privacy_shown).where(privacy_shown.c.tenant == tenant)):
        found[row["role"]] = found.get(row["role"], frozenset()) | {row["category"]}
    return found


@of_tenant
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
    for role, named in sorted(categories.items()):
        for category in sorted(named):
            marks.add(connection, tenant, privacy_shown, {"role": role, "category": category})
    head = {"tenant": tenant, "version": version, "changed_us": at_us}
    connection.execute(
        upsert(connection.dialect.name, privacy_policy, head, changing=("version", "changed_us"))
    )
    tell(connection, tenant, CHANGED)
