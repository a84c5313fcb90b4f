"""The rows of connectors and their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Integer,
    Row,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from ostiary.connectors.mcp import store as mcp_store
from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import Conflict, NotFound
from ostiary.ids import TenantId

CHANGED = "connector"
"""The signal that a tenant's connector or one of its secrets has changed; the detail is its name."""

connector = Table(
    "connector",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(48), primary_key=True),
    clear("kind", String(16)),
    clear("version", Integer),
    clear("paused", Boolean),
    sealed("settings"),
    clear("made_us", BigInteger),
    clear("changed_us", BigInteger),
    clear("tested_us", BigInteger),
    clear("tested_ok", Boolean),
    info=unmarked("where it leads is sealed in its place"),
)

connector_secret = Table(
    "connector_secret",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("connector", String(48), primary_key=True),
    clear("purpose", String(16), primary_key=True),
    clear("version", Integer, primary_key=True),
    sealed("value"),
    clear("made_us", BigInteger),
    clear("until_us", BigInteger),
    info=unmarked("sealed in its place"),
)


@dataclass(frozen=True, slots=True)
class ConnectorRow:
    """`tested_us` is 0 until it was tested."""

    name: str
    kind: str
    version: int
    paused: bool
    settings: bytes
    made_us: int
    changed_us: int
    tested_us: int = 0
    tested_ok: bool = False


@dataclass(frozen=True, slots=True)
class SecretRow:
    """`purpose` is signing, credential or indexer; `until_us` is 0 for the current version."""

    connector: str
    purpose: str
    version: int
    value: bytes
    made_us: int
    until_us: int = 0


@of_tenant
def find(connection: Connection, tenant: TenantId, name: str) -> ConnectorRow | None:
    row = connection.execute(
        select(connector).where(connector.c.tenant == tenant, connector.c.name == name)
    ).one_or_none()
    return None if row is None else _connector_row(row)


@of_tenant
def listed(connection: Connection, tenant: TenantId) -> list[ConnectorRow]:
    """All of the tenant's, by name."""
    rows = connection.execute(
        select(connector).where(connector.c.tenant == tenant).order_by(connector.c.name)
    )
    return [_connector_row(row) for row in rows]


@of_tenant
def counted(connection: Connection, tenant: TenantId) -> int:
    found = connection.execute(
        select(func.count()).select_from(connector).where(connector.c.tenant == tenant)
    )
    return int(found.scalar_one())


@of_tenant
def add(connection: Connection, tenant: TenantId, row: ConnectorRow) -> None:
    """A new connector. Raises Conflict where one of that name has come to stand."""
    if find(connection, tenant, row.name) is not None:
        raise Conflict("A connector of that name was added meanwhile.")
    connection.execute(insert(connector).values(tenant=tenant, **_values(row)))
    tell(connection, tenant, CHANGED, row.name)


@of_tenant
def change(connection: Connection, tenant: TenantId, row: ConnectorRow) -> None:
    """The next version of a connector. Raises Conflict where it was changed or removed meanwhile."""
    stands = (
        connector.c.tenant == tenant,
        connector.c.name == row.name,
        connector.c.version == row.version - 1,
    )
    if connection.execute(update(connector).where(*stands).values(**_values(row))).rowcount != 1:
        raise Conflict("The connector was changed meanwhile; look at it again.")
    tell(connection, tenant, CHANGED, row.name)


@of_tenant
def remove(connection: Connection, tenant: TenantId, name: str) -> None:
    """The connector and its secrets. Raises NotFound."""
    connection.execute(
        delete(connector_secret).where(
            connector_secret.c.tenant == tenant, connector_secret.c.connector == name
        )
    )
    gone = connection.execute(delete(connector).where(connector.c.tenant == tenant, connector.c.name == name))
    if gone.rowcount != 1:
        raise NotFound
    mcp_store.forget(connection, tenant, name)
    tell(connection, tenant, CHANGED, name)


@of_tenant
def record_test(connection: Connection, tenant: TenantId, name: str, *, at_us: int, ok: bool) -> None:
    connection.execute(
        update(connector)
        .where(connector.c.tenant == tenant, connector.c.name == name)
        .values(tested_us=at_us, tested_ok=ok)
    )


@of_tenant
def secrets(connection: Connection, tenant: TenantId, name: str) -> list[SecretRow]:
    """Every version that is kept, newest first."""
    mine = (connector_secret.c.tenant == tenant, connector_secret.c.connector == name)
    rows = connection.execute(
        select(connector_secret).where(*mine).order_by(connector_secret.c.version.desc())
    )
    return [_secret_row(row) for row in rows]


@of_tenant
def replace_secret(connection: Connection, tenant: TenantId, row: SecretRow, *, old_until_us: int) -> None:
    """A new current version; the one before stays until `old_until_us` (0: not at all), those before it go. Raises Conflict where another new version
    came first."""
    mine = (
        connector_secret.c.tenant == tenant,
        connector_secret.c.connector == row.connector,
        connector_secret.c.purpose == row.purpose,
    )
    newest = connection.execute(select(func.max(connector_secret.c.version)).where(*mine)).scalar_one()
    if (newest or 0) != row.version - 1:
        raise Conflict("The secret was changed meanwhile; look at the connector again.")
    going = mine if old_until_us == 0 else (*mine, connector_secret.c.version < row.version - 1)
    connection.execute(delete(connector_secret).where(*going))
    connection.execute(update(connector_secret).where(*mine).values(until_us=old_until_us))
    connection.execute(
        insert(connector_secret).values(
            tenant=tenant,
            connector=row.connector,
            purpose=row.purpose,
            version=row.version,
            value=row.value,
            made_us=row.made_us,
            until_us=row.until_us,
        )
    )
    tell(connection, tenant, CHANGED, row.connector)


@of_tenant
def forget_secret(connection: Connection, tenant: TenantId, name: str, purpose: str) -> None:
    connection.execute(
        delete(connector_secret).where(
            connector_secret.c.tenant == tenant,
            connector_secret.c.connector == name,
            connector_secret.c.purpose == purpose,
        )
    )
    tell(connection, tenant, CHANGED, name)


def newest_version(rows: Sequence[SecretRow], purpose: str) -> int:
    """0 where there is none."""
    return max((row.version for row in rows if row.purpose == purpose), default=0)


def _values(row: ConnectorRow) -> dict[str, object]:
    return {
        "name": row.name,
        "kind": row.kind,
        "version": row.version,
        "paused": row.paused,
        "settings": row.settings,
        "made_us": row.made_us,
        "changed_us": row.changed_us,
        "tested_us": row.tested_us,
        "tested_ok": row.tested_ok,
    }


def _connector_row(row: Row[tuple[object, ...]]) -> ConnectorRow:
    return ConnectorRow(
        name=row.name,
        kind=row.kind,
        version=row.version,
        paused=row.paused,
        settings=row.settings,
        made_us=row.made_us,
        changed_us=row.changed_us,
        tested_us=row.tested_us,
        tested_ok=row.tested_ok,
    )


def _secret_row(row: Row[tuple[object, ...]]) -> SecretRow:
    return SecretRow(row.connector, row.purpose, row.version, row.value, row.made_us, row.until_us)
