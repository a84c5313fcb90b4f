"""The set-up token's row. Only a hash of it is stored."""

from sqlalchemy import BigInteger, Connection, String, Table, delete, select

from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata, upsert
from ostiary.identity.store import person
from ostiary.ids import TenantId

setup_token = Table(
    "setup_token",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("token_sha256", String(64)),
    clear("created_us", BigInteger),
    info=unmarked("counts only where nobody is, and who comes by it belongs to no tenant that is"),
)


@of_tenant
def put_setup_token(
    connection: Connection, tenant: TenantId, sha256: str, at_us: int, *, before_us: int
) -> bool:
    """False: there is one from after `before_us`, which stays."""
    values = {"tenant": tenant, "token_sha256": sha256, "created_us": at_us}
    changing = ("token_sha256", "created_us")
    older = setup_token.c.created_us <= before_us
    put = upsert(connection.dialect.name, setup_token, values, changing=changing, where=older)
    return connection.execute(put.returning(setup_token.c.created_us)).first() is not None


@of_tenant
def find_setup_token(connection: Connection, tenant: TenantId) -> str:
    query = select(setup_token.c.token_sha256).where(setup_token.c.tenant == tenant)
    return connection.execute(query).scalar() or ""


@of_tenant
def burn_setup_token(connection: Connection, tenant: TenantId) -> bool:
    return connection.execute(delete(setup_token).where(setup_token.c.tenant == tenant)).rowcount == 1


@of_tenant
def has_people(connection: Connection, tenant: TenantId) -> bool:
    return (
        connection.execute(select(person.c.id).where(person.c.tenant == tenant).limit(1)).first() is not None
    )
