"""Which tenants are served elsewhere (under INSTALL), and to a cell whether it serves its own (under its own INSTALL)."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Connection, String, Table, delete, select

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, upsert
from ostiary.ids import TenantId

CHANGED = "pinned"
"""The signal that a tenant was pinned or unpinned."""

PINNED = Table(
    "pinned",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("home", String(64), primary_key=True),
    clear("state", String(16)),
    clear("url", String(300)),
    clear("origin", String(100)),
    clear("changed_us", BigInteger),
    info=unmarked("where a tenant is; its keys are there or not, whatever it says"),
)


class State(StrEnum):
    """pinned: the cell serves it. returning: neither does, for seconds. gone, in the cell's row: the installation serves it."""

    PINNED = "pinned"
    RETURNING = "returning"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PinnedRow:
    """url: where the tenant is served; in the cell's row, where the installation is. origin: the name of the tenant's log, which stays."""

    home: TenantId
    state: State
    url: str
    origin: str
    changed_us: int


@of_tenant
def pinned(connection: Connection, tenant: TenantId) -> list[PinnedRow]:
    """`tenant` is INSTALL."""
    columns = [PINNED.c[name] for name in PinnedRow.__slots__]
    rows = connection.execute(select(*columns).where(PINNED.c.tenant == tenant).order_by(PINNED.c.home))
    return [PinnedRow(TenantId(row.home), State(row.state), row.url, row.origin, row.changed_us) for row in rows]  # fmt: skip


@of_tenant
def put(connection: Connection, tenant: TenantId, row: PinnedRow) -> None:
    """`tenant` is INSTALL."""
    values = {"tenant": tenant, **{name: getattr(row, name) for name in PinnedRow.__slots__}}
    changing = ("state", "url", "origin", "changed_us")
    connection.execute(upsert(connection.dialect.name, PINNED, values, changing=changing))
    tell(connection, tenant, CHANGED)


@of_tenant
def drop(connection: Connection, tenant: TenantId, home: TenantId) -> None:
    """`tenant` is INSTALL."""
    connection.execute(delete(PINNED).where(PINNED.c.tenant == tenant, PINNED.c.home == home))
    tell(connection, tenant, CHANGED)
