"""The key store: wrapped keys and nothing else, in a database of its own. Whoever copies it without the root key opens nothing."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    Table,
    UniqueConstraint,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)

from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import blind, clear, keys_metadata, sealed, upsert
from ostiary.ids import TenantId

CHANGED = "keys"
"""The signal that held keys are void. The detail has the ids of data keys; without one, all that is held of the tenant."""

ACTIVE = "active"
OPENING = "opening"
RETIRED = "retired"
DESTROYED = "destroyed"

GONE = b""
"""What a tenant's key version or a named key is overwritten with."""

ALL = "tenant"
"""The tombstone that stands for every key of a tenant."""

TOLD_IDS_MAX = 100
"""More data keys than this in one change: the whole tenant's are dropped (a NOTIFY carries less than 8,000 bytes)."""

# state: active (wraps and unwraps), opening (an older version: unwraps only), retired or destroyed (overwritten). root is the fingerprint of the root
# key that wrapped it.
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
    postgresql_with={"fillfactor": 85},
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


# What was destroyed stays destroyed: a key row that is put back beside its tombstone opens nothing. id is a data key's, "version 3", "name redaction/x", or ALL.
destroyed_key = Table(
    "destroyed_key",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("at_us", BigInteger),
)

# From when on a tenant's data keys must be to seal: older ones only open.
key_turn = Table(
    "key_turn",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("data_keys_us", BigInteger),
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
    """`wrapped` is None once the key is destroyed. `turned_us`: a key that is older than this seals no more."""

    id: str
    purpose: str
    subject: bytes
    generation: int
    key_version: int
    wrapped: bytes | None
    created_us: int
    turned_us: int = 0


class BehindRow(NamedTuple):
    """A data key that is to be wrapped anew. A plain tuple, as there are a million of them."""

    id: str
    purpose: str
    subject: bytes
    key_version: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class NamedKeyRow:
    name: str
    key_version: int
    wrapped: bytes


_TENANT_KEY = [tenant_key.c[name] for name in ("version", "state", "root", "wrapped", "created_us")]
_NAMED_KEY = [named_key.c[name] for name in ("name", "key_version", "wrapped")]


def _tombstone(tenant: TenantId, *ids: ColumnElement[Any]) -> ColumnElement[bool]:
    buried = or_(*[destroyed_key.c.id == name for name in (*ids, literal(ALL))])
    return exists().where(destroyed_key.c.tenant == tenant, buried)


def _data_key(tenant: TenantId) -> list[ColumnElement[Any]]:
    """A data key's columns, as one look has them: with its tombstone, and with the instant since when it is too old to seal."""
    turned = select(key_turn.c.data_keys_us).where(key_turn.c.tenant == tenant).scalar_subquery()
    wrapped = case((_tombstone(tenant, data_key.c.id), null()), else_=data_key.c.wrapped)
    named = [data_key.c[name] for name in ("id", "purpose", "subject", "generation", "key_version")]
    return [*named, wrapped, data_key.c.created_us, func.coalesce(turned, 0)]


def _living(tenant: TenantId) -> ColumnElement[bool]:
    return and_(data_key.c.tenant == tenant, data_key.c.state == ACTIVE, ~_tombstone(tenant, data_key.c.id))


@of_tenant
def changed(connection: Connection, tenant: TenantId, ids: Sequence[str] = ()) -> None:
    """Every process drops these data keys when this transaction has committed; without ids, all that it holds of the tenant."""
    tell(connection, tenant, CHANGED, ",".join(ids) if len(ids) <= TOLD_IDS_MAX else "")


@of_tenant
def bury(connection: Connection, tenant: TenantId, ids: Sequence[str], *, at_us: int) -> None:
    """Tombstones for keys, in the transaction that destroys them; one that stands already stays."""
    rows = [{"tenant": tenant, "id": key_id, "at_us": at_us} for key_id in ids]
    if rows:
        first = upsert(connection.dialect.name, destroyed_key, rows[0], changing=())
        connection.execute(first, rows)


@of_tenant
def tenant_keys(connection: Connection, tenant: TenantId) -> list[TenantKeyRow]:
    """Every version, the newest first."""
    statement = (
        select(*_TENANT_KEY).where(tenant_key.c.tenant == tenant).order_by(tenant_key.c.version.desc())
    )
    return [TenantKeyRow(*row) for row in connection.execute(statement)]


@of_tenant
def newest_tenant_key(connection: Connection, tenant: TenantId, *, hold: bool = False) -> TenantKeyRow | None:
    """The version that wraps. `hold`: it is not retired before this transaction has ended, so that nothing is wrapped by what is gone."""
    statement = (
        select(*_TENANT_KEY)
        .where(tenant_key.c.tenant == tenant)
        .order_by(tenant_key.c.version.desc())
        .limit(1)
    )
    row = connection.execute(statement.with_for_update(read=True) if hold else statement).first()
    return TenantKeyRow(*row) if row else None


@of_tenant
def tenant_key_version(
    connection: Connection, tenant: TenantId, version: int, *, alone: bool = False
) -> TenantKeyRow | None:
    """One version. `alone`: nobody else wraps by it or changes it before this transaction has ended. One with a tombstone is none."""
    buried = _tombstone(tenant, literal(version_name(version)))
    statement = select(*_TENANT_KEY).where(
        tenant_key.c.tenant == tenant, tenant_key.c.version == version, ~buried
    )
    row = connection.execute(statement.with_for_update() if alone else statement).first()
    return TenantKeyRow(*row) if row else None


def version_name(version: int) -> str:
    """What the tombstone of a version of a tenant's key is called."""
    return f"version {version}"


@of_tenant
def add_tenant_key(connection: Connection, tenant: TenantId, row: TenantKeyRow) -> None:
    """Add a version; older ones only open from now on. Raises IntegrityError when another was first."""
    connection.execute(
        update(tenant_key)
        .where(
            tenant_key.c.tenant == tenant, tenant_key.c.version < row.version, tenant_key.c.state == ACTIVE
        )
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


@of_tenant
def rewrap_tenant_key(
    connection: Connection, tenant: TenantId, row: TenantKeyRow, *, root: str, wrapped: bytes
) -> bool:
    """Whether the version still was as `row` has it."""
    same = (tenant_key.c.version == row.version, tenant_key.c.wrapped == row.wrapped)
    statement = update(tenant_key).where(tenant_key.c.tenant == tenant, *same)
    return connection.execute(statement.values(root=root, wrapped=wrapped)).rowcount == 1


@of_tenant
def overwrite_tenant_keys(
    connection: Connection, tenant: TenantId, versions: Sequence[int], *, state: str
) -> None:
    """What these versions wrapped opens nowhere again."""
    connection.execute(
        update(tenant_key)
        .where(tenant_key.c.tenant == tenant, tenant_key.c.version.in_(versions))
        .values(state=state, wrapped=GONE)
    )


@of_tenant
def latest_data_key(
    connection: Connection, tenant: TenantId, purpose: str, subject: bytes
) -> DataKeyRow | None:
    """The youngest key for this purpose and subject: it seals, unless it is destroyed (`wrapped` is None) or too old."""
    statement = (
        select(*_data_key(tenant))
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


@of_tenant
def data_key_by_id(connection: Connection, tenant: TenantId, key_id: str) -> DataKeyRow | None:
    statement = select(*_data_key(tenant)).where(data_key.c.tenant == tenant, data_key.c.id == key_id)
    row = connection.execute(statement).first()
    return DataKeyRow(*row) if row else None


@of_tenant
def add_data_key(connection: Connection, tenant: TenantId, row: DataKeyRow) -> None:
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
            created_us=row.created_us,
        )
    )


@of_tenant
def turn_data_keys(connection: Connection, tenant: TenantId, *, at_us: int) -> None:
    """Data keys that were made before this instant seal no more."""
    values = {"tenant": tenant, "data_keys_us": at_us}
    connection.execute(upsert(connection.dialect.name, key_turn, values, changing=("data_keys_us",)))


@of_tenant
def destroy_data_keys(
    connection: Connection,
    tenant: TenantId,
    *,
    subject: bytes | None = None,
    limit: int | None = None,
    at_us: int,
) -> list[str]:
    """Overwrite living data keys, of one subject or any, up to `limit`; the ids of those destroyed. Their rows stay, as proof."""
    chosen = select(data_key.c.id).where(data_key.c.tenant == tenant, data_key.c.state == ACTIVE)
    if subject is not None:
        chosen = chosen.where(data_key.c.subject == subject)
    statement = (
        update(data_key)
        .where(
            data_key.c.tenant == tenant,
            data_key.c.state == ACTIVE,
            data_key.c.id.in_(chosen.order_by(data_key.c.id).limit(limit)),
        )
        .values(state=DESTROYED, wrapped=None, destroyed_us=at_us)
        .returning(data_key.c.id)
    )
    return sorted(row.id for row in connection.execute(statement))


@of_tenant
def data_keys_behind(
    connection: Connection, tenant: TenantId, *, version: int, after: str, limit: int
) -> tuple[list[BehindRow], str]:
    """Of the next `limit` data keys from behind `after` on those that live and are wrapped by an older version, and where the next ones begin ("": nowhere).

    In the order in which a database changes them best: as they lie in an SQLite file, by their ids on PostgreSQL, where the ids of a batch are spread over
    the table, so that each page has room for the row that changes on it (a HOT update, which leaves the indexes alone). The rows are chosen by nothing but
    that order, so that the plan does not depend on what the planner believes of versions.
    """
    here: ColumnElement[Any] = data_key.c.id
    owner: ColumnElement[Any] = data_key.c.tenant
    begin: str | int = after
    if connection.dialect.name == "sqlite":
        here, begin = literal_column("data_key.rowid"), int(after or "0")
        owner = literal_column("+data_key.tenant")  # the plus: not by the index of tenants
    buried = _tombstone(tenant, data_key.c.id)
    columns = [data_key.c[name] for name in BehindRow._fields]
    statement = (
        select(*columns, here, data_key.c.state, buried)
        .where(owner == tenant, here > begin)
        .order_by(here)
        .limit(limit)
    )
    rows = connection.execute(statement).all()
    behind = [BehindRow(*row[:5]) for row in rows if row[3] < version and row.state == ACTIVE and not row[7]]
    return behind, str(rows[-1][5]) if len(rows) == limit else ""


@of_tenant
def rewrap_data_keys(
    connection: Connection, tenant: TenantId, rewrapped: Mapping[str, bytes], *, version: int
) -> None:
    """Put in keys wrapped by `version`, by their ids. One that was destroyed meanwhile, or wrapped by a later version, stays as it is."""
    if connection.dialect.name == "postgresql":
        wrapped = orjson.dumps({key_id: b64encode(each).decode() for key_id, each in rewrapped.items()})
        values = (version, wrapped.decode(), tenant, ",".join(rewrapped), ACTIVE, version)
        connection.exec_driver_sql(_REWRAP_POSTGRESQL, values)
        return
    rows = [(version, each, tenant, key_id, ACTIVE, version) for key_id, each in rewrapped.items()]
    connection.exec_driver_sql(_REWRAP_SQLITE, rows)


# A million of them: written by hand, since what SQLAlchemy and the driver do for each parameter costs more than the update itself; and without a join,
# whose plan would depend on statistics.
_REWRAP_SQLITE = "UPDATE data_key SET key_version = ?, wrapped = ? WHERE tenant = ? AND id = ? AND state = ? AND key_version < ?"
_REWRAP_POSTGRESQL = """
UPDATE data_key SET key_version = %s, wrapped = decode((SELECT %s::jsonb) ->> id, 'base64')
WHERE tenant = %s AND id = ANY(string_to_array(%s, ',')) AND state = %s AND key_version < %s
"""


@of_tenant
def find_named_key(connection: Connection, tenant: TenantId, name: str) -> NamedKeyRow | None:
    statement = select(*_NAMED_KEY).where(named_key.c.tenant == tenant, named_key.c.name == name)
    row = connection.execute(statement).first()
    return NamedKeyRow(*row) if row else None


@of_tenant
def named_keys(connection: Connection, tenant: TenantId) -> list[NamedKeyRow]:
    statement = select(*_NAMED_KEY).where(named_key.c.tenant == tenant).order_by(named_key.c.name)
    return [NamedKeyRow(*row) for row in connection.execute(statement)]


@of_tenant
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


@of_tenant
def rewrap_named_key(
    connection: Connection, tenant: TenantId, row: NamedKeyRow, *, version: int, wrapped: bytes
) -> None:
    """One that was changed meanwhile stays as it is."""
    same = (named_key.c.name == row.name, named_key.c.wrapped == row.wrapped)
    statement = update(named_key).where(named_key.c.tenant == tenant, *same)
    connection.execute(statement.values(key_version=version, wrapped=wrapped))


@of_tenant
def overwrite_named_keys(connection: Connection, tenant: TenantId) -> None:
    connection.execute(update(named_key).where(named_key.c.tenant == tenant).values(wrapped=GONE))


@of_tenant
def overwrite_named_key(connection: Connection, tenant: TenantId, name: str, *, at_us: int) -> None:
    """One of them; where there is none its place is taken, so that whoever makes one at this moment loses to this, or is overwritten by it."""
    values = {"tenant": tenant, "name": name, "key_version": 0, "wrapped": GONE, "created_us": at_us}
    connection.execute(upsert(connection.dialect.name, named_key, values, changing=("wrapped",)))


def named_name(name: str) -> str:
    """What the tombstone of a named key is called."""
    return f"name {name}"


@of_tenant
def data_key_counts(connection: Connection, tenant: TenantId) -> Mapping[int, int]:
    """How many living data keys each version of the tenant's key wraps."""
    statement = (
        select(data_key.c.key_version, func.count()).where(_living(tenant)).group_by(data_key.c.key_version)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


@of_tenant
def wraps_any(connection: Connection, tenant: TenantId, version: int) -> bool:
    """Whether this version of the tenant's key still wraps a living key."""
    data = exists().where(_living(tenant), data_key.c.key_version == version)
    named = exists().where(
        named_key.c.tenant == tenant, named_key.c.key_version == version, named_key.c.wrapped != GONE
    )
    return bool(connection.execute(select(or_(data, named))).scalar_one())


@of_tenant
def is_destroyed(connection: Connection, tenant: TenantId, name: str = "") -> bool:
    """Whether all keys of this tenant were destroyed, or are about to be; or the one of this name."""
    buried = [ALL, *([named_name(name)] if name else [])]
    statement = select(destroyed_key.c.id).where(
        destroyed_key.c.tenant == tenant, destroyed_key.c.id.in_(buried)
    )
    return connection.execute(statement).first() is not None
