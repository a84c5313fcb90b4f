"""Tables and SQL of API keys.

A key's versions are found by its id alone, before the tenant is known, so they are kept under INSTALL; the key itself, its signing secrets and its nonces
are kept under the tenant. Only keyed hashes of keys are stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.errors import Replayed
from ostiary.ids import TenantId

_ID = String(64)

api_key = Table(
    "api_key",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", String(12), primary_key=True),
    clear("kind", String(16)),
    clear("surface", String(16)),
    clear("environment", String(8)),
    clear("roles", String(700)),
    clear("signature_required", Boolean),
    clear("created_by", _ID),
    clear("created_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("revoked_us", BigInteger),
    clear("last_used_us", BigInteger),
    sealed("details"),
    mark(earlier=True),
    info=marked(but=("last_used_us",)),
)

key_version = Table(
    "key_version",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", String(12), primary_key=True),
    clear("version", Integer, primary_key=True),
    clear("home", _ID),
    blind("mac"),
    clear("created_us", BigInteger),
    clear("expires_us", BigInteger),
    mark(earlier=True),
    info=marked(),
)

signing_secret = Table(
    "signing_secret",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("owner", String(16), primary_key=True),
    clear("version", Integer, primary_key=True),
    sealed("secret"),
    clear("created_us", BigInteger),
    clear("expires_us", BigInteger),
    mark(earlier=True),
    info=marked(),
)

CHANGED = "key"
"""The signal that one of a tenant's keys, or a signing secret, has changed."""

nonce_table = Table(
    "nonce",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("owner", String(16), primary_key=True),
    clear("nonce", String(64), primary_key=True),
    clear("expires_us", BigInteger),
    info=unmarked(
        "a row only takes: what it names was used; whoever deletes it must hold the signing secret too"
    ),
)

OF_TENANT = "tenant"
"""The `owner` of the tenant's own signing secret; every other owner is a key id."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """`roles` are names separated by spaces; `details` is the sealed name, scopes and contracts. An instant of 0 is never."""

    id: str
    kind: str
    surface: str
    environment: str
    roles: str
    signature_required: bool
    created_by: str
    created_us: int
    expires_us: int
    revoked_us: int
    last_used_us: int
    details: bytes


@dataclass(frozen=True, slots=True)
class VersionRow:
    id: str
    version: int
    home: TenantId
    mac: bytes
    created_us: int
    expires_us: int


@dataclass(frozen=True, slots=True)
class SecretRow:
    owner: str
    version: int
    secret: bytes
    created_us: int
    expires_us: int


@of_tenant
def add(connection: Connection, tenant: TenantId, row: KeyRow | VersionRow | SecretRow) -> None:
    """Insert one row into the table of its kind."""
    values = {name: getattr(row, name) for name in row.__slots__}
    marks.add(connection, tenant, _TABLES[type(row)], values)
    tell(connection, row.home if isinstance(row, VersionRow) else tenant, CHANGED)


_TABLES: dict[type[Any], Table] = {
    KeyRow: api_key,
    VersionRow: key_version,
    SecretRow: signing_secret,
}


@of_tenant
def find_versions(connection: Connection, tenant: TenantId, key_id: str) -> list[VersionRow]:
    """All versions of a key, the newest first; `tenant` is INSTALL."""
    query = select(key_version).where(key_version.c.tenant == tenant, key_version.c.id == key_id)
    rows = marks.read(connection, tenant, query.order_by(key_version.c.version.desc()))
    return [VersionRow(**row) for row in rows]


@of_tenant
def find_key(connection: Connection, tenant: TenantId, key_id: str) -> KeyRow | None:
    query = select(api_key).where(api_key.c.tenant == tenant, api_key.c.id == key_id)
    row = marks.first(connection, tenant, query)
    return None if row is None else KeyRow(**row)


@of_tenant
def list_keys(connection: Connection, tenant: TenantId, limit: int) -> list[KeyRow]:
    query = select(api_key).where(api_key.c.tenant == tenant)
    newest = query.order_by(api_key.c.created_us.desc(), api_key.c.id).limit(limit)
    return [KeyRow(**row) for row in marks.read(connection, tenant, newest)]


@of_tenant
def count_keys(connection: Connection, tenant: TenantId) -> int:
    query = select(func.count()).where(api_key.c.tenant == tenant, api_key.c.revoked_us == 0)
    return connection.execute(query).scalar_one()


@of_tenant
def expire_versions(connection: Connection, tenant: TenantId, key_id: str, at_us: int) -> None:
    """The versions that stand are valid until `at_us` at most; `tenant` is INSTALL."""
    later = (key_version.c.expires_us == 0) | (key_version.c.expires_us > at_us)
    marks.change(connection, tenant, key_version, [key_version.c.id == key_id, later], {"expires_us": at_us})


@of_tenant
def drop_versions(connection: Connection, tenant: TenantId, key_id: str, before: int) -> None:
    """Forget versions older than `before`; `tenant` is INSTALL."""
    connection.execute(
        delete(key_version).where(
            key_version.c.tenant == tenant, key_version.c.id == key_id, key_version.c.version < before
        )
    )


@of_tenant
def revoke_key(connection: Connection, tenant: TenantId, key_id: str, at_us: int) -> bool:
    """Whether it stood until now."""
    stands = [api_key.c.id == key_id, api_key.c.revoked_us == 0]
    changed = marks.change(connection, tenant, api_key, stands, {"revoked_us": at_us})
    tell(connection, tenant, CHANGED)
    return len(changed) == 1


@of_tenant
def touch_keys(connection: Connection, tenant: TenantId, used: Mapping[str, int]) -> None:
    """Write down last uses by key id."""
    statement = (
        update(api_key)
        .where(api_key.c.tenant == tenant, api_key.c.id == bindparam("key"))
        .values(last_used_us=bindparam("at"))
    )
    connection.execute(statement, [{"key": key_id, "at": at_us} for key_id, at_us in used.items()])


@of_tenant
def live_secrets(connection: Connection, tenant: TenantId, owner: str, now_us: int) -> list[SecretRow]:
    """The signing secrets of a key (or OF_TENANT) that are valid now, the newest first."""
    c = signing_secret.c
    valid = (c.expires_us == 0) | (c.expires_us > now_us)
    query = select(signing_secret).where(c.tenant == tenant, c.owner == owner, valid)
    rows = marks.read(connection, tenant, query.order_by(c.version.desc()))
    return [SecretRow(**row) for row in rows]


@of_tenant
def newest_secret(connection: Connection, tenant: TenantId, owner: str) -> int:
    """The newest version's number, 0 for none."""
    c = signing_secret.c
    return (
        connection.execute(select(func.max(c.version)).where(c.tenant == tenant, c.owner == owner)).scalar()
        or 0
    )


@of_tenant
def rotate_secret(connection: Connection, tenant: TenantId, row: SecretRow, old_until_us: int) -> None:
    """Add a version; the one before it is valid until `old_until_us`, older ones are deleted."""
    c = signing_secret.c
    connection.execute(
        delete(signing_secret).where(c.tenant == tenant, c.owner == row.owner, c.version < row.version - 1)
    )
    longer = [c.owner == row.owner, (c.expires_us == 0) | (c.expires_us > old_until_us)]
    marks.change(connection, tenant, signing_secret, longer, {"expires_us": old_until_us})
    add(connection, tenant, row)


@of_tenant
def claim_nonce(connection: Connection, tenant: TenantId, owner: str, nonce: str, expires_us: int) -> None:
    """Use a nonce up. Raises Replayed when it was used before: the primary key decides, whichever process was first."""
    values = {"tenant": tenant, "owner": owner, "nonce": nonce, "expires_us": expires_us}
    try:
        connection.execute(insert(nonce_table).values(**values))
    except IntegrityError:
        raise Replayed from None


@of_tenant
def prune_nonces(connection: Connection, tenant: TenantId, now_us: int) -> None:
    """Forget nonces whose requests would be refused for their time anyway."""
    connection.execute(
        delete(nonce_table).where(nonce_table.c.tenant == tenant, nonce_table.c.expires_us < now_us)
    )


@of_tenant
def has_role(connection: Connection, tenant: TenantId, role: str) -> bool:
    """Whether a key that stands has this role."""
    query = select(api_key.c.roles).where(api_key.c.tenant == tenant, api_key.c.revoked_us == 0)
    return any(role in roles.split() for (roles,) in connection.execute(query))


@of_tenant
def versions_of(connection: Connection, tenant: TenantId, home: TenantId) -> list[VersionRow]:
    """The versions of all keys of a tenant; `tenant` is INSTALL."""
    query = select(key_version).where(key_version.c.tenant == tenant, key_version.c.home == home)
    return [VersionRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def put_versions(
    connection: Connection, tenant: TenantId, home: TenantId, rows: Sequence[VersionRow]
) -> None:
    """These and no others are the versions of the tenant's keys; `tenant` is INSTALL."""
    connection.execute(delete(key_version).where(key_version.c.tenant == tenant, key_version.c.home == home))
    for row in rows:
        values = {name: getattr(row, name) for name in row.__slots__}
        marks.add(connection, tenant, key_version, values)
    tell(connection, home, CHANGED)
