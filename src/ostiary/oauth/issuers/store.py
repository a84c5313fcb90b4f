"""Tables and SQL of the issuers that tenants trust. Which tenant a token is for is known by its issuer and audience together, once in an installation."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, String, Table, delete, select

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import INSTALL, TenantId

_ID = String(64)

issuer = Table(
    "oauth_issuer",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    sealed("details"),
    blind("place"),
    clear("made_us", BigInteger),
    clear("made_by", _ID),
    mark(),
    info=marked(),
)

trusted = Table(
    "oauth_trusted",
    metadata,
    clear("tenant", _ID, primary_key=True),
    blind("place", primary_key=True),
    clear("home", _ID),
    clear("issuer", _ID),
    mark(),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class IssuerRow:
    """`place` is the keyed hash of issuer and audience."""

    id: str
    details: bytes
    place: bytes
    made_us: int
    made_by: str


@of_tenant
def add(connection: Connection, tenant: TenantId, row: IssuerRow) -> None:
    """Raises Conflict where a tenant trusts it already: else a token would not say whose it is."""
    _claim(connection, INSTALL, row.place, tenant, row.id)
    values = {name: getattr(row, name) for name in row.__slots__}
    marks.add(connection, tenant, issuer, values)


@of_tenant
def _claim(connection: Connection, tenant: TenantId, place: bytes, home: TenantId, issuer_id: str) -> None:
    taken = select(trusted.c.home).where(trusted.c.tenant == tenant, trusted.c.place == place)
    if connection.execute(taken).first() is not None:
        raise Conflict("This issuer is trusted for that audience already: choose another audience.")
    marks.add(connection, tenant, trusted, {"place": place, "home": home, "issuer": issuer_id})


@of_tenant
def _release(connection: Connection, tenant: TenantId, place: bytes) -> None:
    connection.execute(delete(trusted).where(trusted.c.tenant == tenant, trusted.c.place == place))


@of_tenant
def homes(connection: Connection, tenant: TenantId, places: Iterable[bytes]) -> list[tuple[TenantId, str]]:
    """The tenants and issuers that stand at these places; `tenant` is INSTALL."""
    c = trusted.c
    query = select(trusted).where(c.tenant == tenant, c.place.in_(list(places))).order_by(c.home)
    return [(TenantId(row["home"]), row["issuer"]) for row in marks.read(connection, tenant, query)]


@of_tenant
def find(connection: Connection, tenant: TenantId, issuer_id: str) -> IssuerRow | None:
    query = select(issuer).where(issuer.c.tenant == tenant, issuer.c.id == issuer_id)
    row = marks.first(connection, tenant, query)
    return None if row is None else IssuerRow(**row)


@of_tenant
def listed(connection: Connection, tenant: TenantId, limit: int) -> list[IssuerRow]:
    query = select(issuer).where(issuer.c.tenant == tenant).order_by(issuer.c.made_us.desc(), issuer.c.id)
    return [IssuerRow(**row) for row in marks.read(connection, tenant, query.limit(limit))]


@of_tenant
def remove(connection: Connection, tenant: TenantId, issuer_id: str) -> bool:
    row = find(connection, tenant, issuer_id)
    if row is None:
        return False
    _release(connection, INSTALL, row.place)
    connection.execute(delete(issuer).where(issuer.c.tenant == tenant, issuer.c.id == issuer_id))
    return True
