"""What ran here last, under INSTALL."""

from sqlalchemy import BigInteger, Connection, String, Table, select, update

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata, upsert
from ostiary.errors import Conflict
from ostiary.ids import TenantId

UPKEEP = Table(
    "upkeep",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(32), primary_key=True),
    clear("value", String(64)),
    clear("changed_us", BigInteger),
    info=unmarked("how far the installation's own work has come"),
)


@of_tenant
def seen(connection: Connection, tenant: TenantId) -> dict[str, str]:
    """What was found at the last start, by name."""
    found = connection.execute(select(UPKEEP.c.name, UPKEEP.c.value).where(UPKEEP.c.tenant == tenant))
    return {row.name: row.value for row in found}


@of_tenant
def note(connection: Connection, tenant: TenantId, name: str, *, before: str, after: str, at_us: int) -> None:
    """Another value; `before` is empty for the first. Raises Conflict where another process noted it already."""
    if before:
        where = (UPKEEP.c.tenant == tenant, UPKEEP.c.name == name, UPKEEP.c.value == before)
        if connection.execute(update(UPKEEP).where(*where).values(value=after, changed_us=at_us)).rowcount == 1:  # fmt: skip
            return
    else:
        values = {"tenant": tenant, "name": name, "value": after, "changed_us": at_us}
        if connection.execute(upsert(connection.dialect.name, UPKEEP, values, changing=())).rowcount == 1:
            return
    raise Conflict
