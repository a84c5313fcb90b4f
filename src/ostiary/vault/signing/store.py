"""Public keys, in the key store's database: readable by whoever reads it, and signed so that nobody else can put one there."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, LargeBinary, String, Table, select

from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, keys_metadata, upsert
from ostiary.ids import TenantId

# The public half of the key that signed a tenant's log, for when the key itself is destroyed; signed by the installation's.
public_key = Table(
    "public_key",
    keys_metadata,
    clear("tenant", String(64), primary_key=True),
    clear("name", String(80), primary_key=True),
    clear("key", LargeBinary(32)),
    clear("signature", LargeBinary(64)),
    clear("created_us", BigInteger),
)


@dataclass(frozen=True, slots=True)
class PublicKeyRow:
    """`signature` is the installation's, over the tenant, the name and the key."""

    name: str
    key: bytes
    signature: bytes


@of_tenant
def find_public_key(connection: Connection, tenant: TenantId, name: str) -> PublicKeyRow | None:
    columns = [public_key.c[name] for name in ("name", "key", "signature")]
    statement = select(*columns).where(public_key.c.tenant == tenant, public_key.c.name == name)
    row = connection.execute(statement).first()
    return PublicKeyRow(*row) if row else None


@of_tenant
def put_public_key(connection: Connection, tenant: TenantId, row: PublicKeyRow, *, at_us: int) -> None:
    """The first one stays."""
    values = {"tenant": tenant, "name": row.name, "key": row.key, "signature": row.signature}
    statement = upsert(connection.dialect.name, public_key, {**values, "created_us": at_us}, changing=())
    connection.execute(statement)
