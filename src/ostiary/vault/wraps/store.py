"""Further wraps of the tenants' keys, by other root keys than the one that their rows name; cells, and the tenants that are pinned to one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, Integer, String, Table, delete, insert, select

from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, granted, keys_metadata, sealed, upsert
from ostiary.ids import TenantId

# One version of a tenant's key, wrapped by another root key as well. root is that root key's fingerprint, cell whose it is: empty for the installation's.
root_wrap = Table(
    "root_wrap",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer, primary_key=True, autoincrement=False),
    clear("root", String(64), primary_key=True),
    clear("cell", String(64)),
    sealed("wrapped"),
    clear("created_us", BigInteger),
    info=granted(product="SELECT, INSERT, UPDATE, DELETE"),
)

# The cells of the installation (tenant is INSTALL). What a cell and the installation share is the key of a tenant of its own, `link_of(name)`.
cell = Table(
    "cell",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(64), primary_key=True),
    clear("created_us", BigInteger),
)

# A tenant whose keys are a cell's. Without a row they are the installation's.
pin = Table(
    "pin",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("cell", String(64)),
    clear("created_us", BigInteger),
    info=granted(product="SELECT, INSERT, UPDATE, DELETE"),
)


@dataclass(frozen=True, slots=True)
class WrapRow:
    version: int
    root: str
    wrapped: bytes
    cell: str = ""


@of_tenant
def find(connection: Connection, tenant: TenantId, version: int | None = None) -> list[WrapRow]:
    """The further wraps of one version, or of all."""
    statement = select(*[root_wrap.c[name] for name in ("version", "root", "wrapped", "cell")])
    statement = statement.where(root_wrap.c.tenant == tenant)
    if version is not None:
        statement = statement.where(root_wrap.c.version == version)
    ordered = statement.order_by(root_wrap.c.version, root_wrap.c.root)
    return [WrapRow(*row) for row in connection.execute(ordered)]


@of_tenant
def put(connection: Connection, tenant: TenantId, row: WrapRow, *, at_us: int) -> None:
    values = {
        "tenant": tenant,
        "version": row.version,
        "root": row.root,
        "cell": row.cell,
        "wrapped": row.wrapped,
    }
    connection.execute(
        upsert(connection.dialect.name, root_wrap, {**values, "created_us": at_us}, changing=("wrapped",))
    )


@of_tenant
def drop(
    connection: Connection,
    tenant: TenantId,
    *,
    versions: Sequence[int] | None = None,
    roots: Sequence[str] | None = None,
) -> int:
    """Delete wraps: of these versions, or by these root keys; how many."""
    statement = delete(root_wrap).where(root_wrap.c.tenant == tenant)
    if versions is not None:
        statement = statement.where(root_wrap.c.version.in_(versions))
    if roots is not None:
        statement = statement.where(root_wrap.c.root.in_(roots))
    return connection.execute(statement).rowcount


def link_of(name: str) -> TenantId:
    """Under which tenant's name the key lies that a cell and the installation share."""
    return TenantId(f"cell_{name}")


def link_root(name: str) -> str:
    """What names that key as the one that wraps, where else a root key's fingerprint stands."""
    return f"cell:{name}"


@of_tenant
def cells(connection: Connection, tenant: TenantId) -> list[str]:
    """The names of all cells (of INSTALL)."""
    statement = select(cell.c.name).where(cell.c.tenant == tenant).order_by(cell.c.name)
    return [row.name for row in connection.execute(statement)]


@of_tenant
def add_cell(connection: Connection, tenant: TenantId, name: str, *, at_us: int) -> None:
    """Raises IntegrityError when there is one of this name."""
    connection.execute(insert(cell).values(tenant=tenant, name=name, created_us=at_us))


@of_tenant
def cell_of(connection: Connection, tenant: TenantId) -> str:
    """The cell that a tenant is pinned to; empty: none."""
    found = connection.execute(select(pin.c.cell).where(pin.c.tenant == tenant)).first()
    return str(found.cell) if found else ""


@of_tenant
def put_pin(connection: Connection, tenant: TenantId, name: str, *, at_us: int) -> None:
    values = {"tenant": tenant, "cell": name, "created_us": at_us}
    connection.execute(upsert(connection.dialect.name, pin, values, changing=("cell", "created_us")))


@of_tenant
def drop_pin(connection: Connection, tenant: TenantId) -> None:
    connection.execute(delete(pin).where(pin.c.tenant == tenant))
