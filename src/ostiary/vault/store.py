"""The key store: wrapped keys and nothing else, in a database of its own. Whoever copies it without the root key opens nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    String,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from ostiary.db.tables import blind, clear, keys_metadata, sealed
from ostiary.ids import TenantId

ACTIVE = "active"
OPENING = "opening"
DESTROYED = "destroyed"

# state: active (wraps and unwraps) or opening (an older version: unwraps only). root is the fingerprint of the root key that wrapped it.
tenant_key = Table(
    "tenant_key",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("version", Integer, primary_key=True),
    clear("state", String(16)),
    clear("root", String(64)),
    sealed("wrapped"),
    clear("created_us", BigInteger),
)

# subject is a blind index: whose key it is cannot be read here. A destroyed key keeps its row, as proof, without `wrapped`.
data_key = Table(
    "data_key",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(32), primary_key=True),
    clear("purpose", String(64)),
    blind("subject"),
    clear("generation", Integer),
    clear("state", String(16)),
    clear("key_version", Integer),
    sealed("wrapped", nullable=True),
    clear("created_us", BigInteger),
    clear("destroyed_us", BigInteger, nullable=True),
    UniqueConstraint("tenant", "purpose", "subject", "generation"),
)

# Keys that are named and not about a subject: the index key, MAC keys, the log's signing key.
named_key = Table(
    "named_key",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(80), primary_key=True),
    clear("key_version", Integer),
    sealed("wrapped"),
    clear("created_us", BigInteger),
)


@dataclass(frozen=True, slots=True)
class TenantKeyRow:
    version: int
    state: str
    root: str
    wrapped: bytes
    created_us: int


@dataclass(frozen=True, slots=True)
class DataKeyRow:
    """`wrapped` is None once the key is destroyed."""

    id: str
    purpose: str
    subject: bytes
    generation: int
    key_version: int
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class NamedKeyRow:
    name: str
    key_version: int
    wrapped: bytes


_TENANT_KEY = [tenant_key.c[name] for name in ("version", "state", "root", "wrapped", "created_us")]
_DATA_KEY = [
    data_key.c[name] for name in ("id", "purpose", "subject", "generation", "key_version", "wrapped")
]
_NAMED_KEY = [named_key.c[name] for name in ("name", "key_version", "wrapped")]


def tenant_keys(connection: Connection, tenant: TenantId) -> list[TenantKeyRow]:
    """Every version, the newest first."""
    statement = (
        select(*_TENANT_KEY).where(tenant_key.c.tenant == tenant).order_by(tenant_key.c.version.desc())
    )
    return [TenantKeyRow(*row) for row in connection.execute(statement)]


def tenants(connection: Connection) -> list[TenantId]:
    """Every tenant that has keys (of the installation: for root key rotation)."""
    statement = select(tenant_key.c.tenant).distinct().order_by(tenant_key.c.tenant)
    return [TenantId(row.tenant) for row in connection.execute(statement)]


def add_tenant_key(connection: Connection, tenant: TenantId, row: TenantKeyRow) -> None:
    """Add a version; older ones only open from now on. Raises IntegrityError when another was first."""
    connection.execute(
        update(tenant_key)
        .where(tenant_key.c.tenant == tenant, tenant_key.c.version < row.version)
        .values(state=OPENING)
    )
    connection.execute(
        insert(tenant_key).values(
            tenant=tenant,
            version=row.version,
            state=row.state,
            root=row.root,
            wrapped=row.wrapped,
            created_us=row.created_us,
        )
    )


def rewrap_tenant_key(
    connection: Connection, tenant: TenantId, *, version: int, root: str, wrapped: bytes
) -> None:
    connection.execute(
        update(tenant_key)
        .where(tenant_key.c.tenant == tenant, tenant_key.c.version == version)
        .values(root=root, wrapped=wrapped)
    )


def latest_data_key(
    connection: Connection, tenant: TenantId, purpose: str, subject: bytes
) -> DataKeyRow | None:
    """The youngest key for this purpose and subject: it seals, unless it is destroyed (`wrapped` is None)."""
    statement = (
        select(*_DATA_KEY)
        .where(
            data_key.c.tenant == tenant,
            data_key.c.purpose == purpose,
            data_key.c.subject == subject,
        )
        .order_by(data_key.c.generation.desc())
        .limit(1)
    )
    row = connection.execute(statement).first()
    return DataKeyRow(*row) if row else None


def data_key_by_id(connection: Connection, tenant: TenantId, key_id: str) -> DataKeyRow | None:
    statement = select(*_DATA_KEY).where(data_key.c.tenant == tenant, data_key.c.id == key_id)
    row = connection.execute(statement).first()
    return DataKeyRow(*row) if row else None


def add_data_key(connection: Connection, tenant: TenantId, row: DataKeyRow, *, at_us: int) -> None:
    """Raises IntegrityError when this generation stands already."""
    connection.execute(
        insert(data_key).values(
            tenant=tenant,
            id=row.id,
            purpose=row.purpose,
            subject=row.subject,
            generation=row.generation,
            state=ACTIVE,
            key_version=row.key_version,
            wrapped=row.wrapped,
            created_us=at_us,
        )
    )


def destroy_data_keys(connection: Connection, tenant: TenantId, subject: bytes, *, at_us: int) -> list[str]:
    """Overwrite the wrapped keys of a subject, of every purpose; the ids of those destroyed."""
    chosen = (data_key.c.tenant == tenant, data_key.c.subject == subject, data_key.c.state == ACTIVE)
    ids = [row.id for row in connection.execute(select(data_key.c.id).where(*chosen).order_by(data_key.c.id))]
    connection.execute(
        update(data_key).where(*chosen).values(state=DESTROYED, wrapped=None, destroyed_us=at_us)
    )
    return ids


def data_keys_behind(
    connection: Connection, tenant: TenantId, *, version: int, limit: int
) -> Sequence[DataKeyRow]:
    """Up to `limit` living data keys that an older version wraps, locked so that a destruction meanwhile is not undone."""
    statement = (
        select(*_DATA_KEY)
        .where(
            data_key.c.tenant == tenant,
            data_key.c.key_version < version,
            data_key.c.state == ACTIVE,
        )
        .order_by(data_key.c.id)
        .limit(limit)
        .with_for_update()
    )
    return [DataKeyRow(*row) for row in connection.execute(statement)]


def rewrap_data_key(
    connection: Connection, tenant: TenantId, key_id: str, *, version: int, wrapped: bytes
) -> None:
    connection.execute(
        update(data_key)
        .where(data_key.c.tenant == tenant, data_key.c.id == key_id, data_key.c.state == ACTIVE)
        .values(key_version=version, wrapped=wrapped)
    )


def find_named_key(connection: Connection, tenant: TenantId, name: str) -> NamedKeyRow | None:
    statement = select(*_NAMED_KEY).where(named_key.c.tenant == tenant, named_key.c.name == name)
    row = connection.execute(statement).first()
    return NamedKeyRow(*row) if row else None


def add_named_key(connection: Connection, tenant: TenantId, row: NamedKeyRow, *, at_us: int) -> None:
    """Raises IntegrityError when a key of this name stands already."""
    connection.execute(
        insert(named_key).values(
            tenant=tenant,
            name=row.name,
            key_version=row.key_version,
            wrapped=row.wrapped,
            created_us=at_us,
        )
    )


def named_keys_behind(connection: Connection, tenant: TenantId, *, version: int) -> list[NamedKeyRow]:
    statement = select(*_NAMED_KEY).where(named_key.c.tenant == tenant, named_key.c.key_version < version)
    return [NamedKeyRow(*row) for row in connection.execute(statement.with_for_update())]


def rewrap_named_key(
    connection: Connection, tenant: TenantId, name: str, *, version: int, wrapped: bytes
) -> None:
    connection.execute(
        update(named_key)
        .where(named_key.c.tenant == tenant, named_key.c.name == name)
        .values(key_version=version, wrapped=wrapped)
    )


def data_key_counts(connection: Connection, tenant: TenantId) -> Mapping[int, int]:
    """How many living data keys each version of the tenant's key wraps."""
    statement = (
        select(data_key.c.key_version, func.count())
        .where(data_key.c.tenant == tenant, data_key.c.state == ACTIVE)
        .group_by(data_key.c.key_version)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
