"""Tables and SQL of the authorization server: its signing keys, clients that were registered by hand, grants with their codes and refresh tokens.

Only keyed hashes of codes, refresh tokens and client secrets are stored. Each is spent by one conditional update, so it is spent once, whoever tries.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    select,
    update,
)

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.ids import PersonId, TenantId

T = TypeVar("T")
_ID = String(64)

signing_key = Table(
    "oauth_key",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", String(32), primary_key=True),
    clear("public", LargeBinary(32)),
    sealed("private"),
    clear("made_us", BigInteger),
    clear("until_us", BigInteger),
    mark(),
    info=marked(),
)

client = Table(
    "oauth_client",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    sealed("details"),
    blind("secret", nullable=True),
    clear("made_us", BigInteger),
    clear("made_by", _ID),
    mark(),
    info=marked(),
)

grant = Table(
    "oauth_grant",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("person", _ID),
    blind("client_index"),
    sealed("details"),
    clear("allowed_us", BigInteger),
    clear("begun_us", BigInteger),
    clear("seen_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("ended_us", BigInteger),
    clear("ended_because", String(16)),
    clear("issuer", _ID),
    mark(),
    Index("ix_oauth_grant_person", "tenant", "person"),
    info=marked(but=("seen_us",)),
)

token = Table(
    "oauth_token",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("grant_id", _ID),
    clear("refreshes", Boolean),
    blind("mac"),
    clear("made_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("used_us", BigInteger),
    mark(),
    Index("ix_oauth_token_grant", "tenant", "grant_id"),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class SigningKeyRow:
    """`until_us`: from then on it signs nothing more; it is published for a while longer."""

    id: str
    public: bytes
    private: bytes
    made_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class ClientRow:
    """`secret` is a keyed hash; None for a client that has none."""

    id: str
    details: bytes
    secret: bytes | None
    made_us: int
    made_by: str


@dataclass(frozen=True, slots=True)
class GrantRow:
    """`begun_us` is 0 until its code was exchanged; `ended_us` 0 while it stands; `issuer` "" where we gave it ourselves."""

    id: str
    person: PersonId
    client_index: bytes
    details: bytes
    allowed_us: int
    begun_us: int
    seen_us: int
    expires_us: int
    ended_us: int = 0
    ended_because: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A code, or (`refreshes`) a refresh token."""

    id: str
    grant_id: str
    refreshes: bool
    mac: bytes
    made_us: int
    expires_us: int
    used_us: int = 0


_TABLES: dict[type[Any], Table] = {ClientRow: client, GrantRow: grant, TokenRow: token}


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


@of_tenant
def add(connection: Connection, tenant: TenantId, row: ClientRow | GrantRow | TokenRow) -> None:
    """Insert one row into the table of its kind."""
    marks.add(connection, tenant, _TABLES[type(row)], _fields(row))


@of_tenant
def add_once(connection: Connection, tenant: TenantId, row: GrantRow) -> None:
    """A grant that may stand already; then it stays as it is."""
    marks.add(connection, tenant, grant, _fields(row), once=True)


@of_tenant
def add_key(connection: Connection, tenant: TenantId, row: SigningKeyRow) -> None:
    """The first one of its name stays; `tenant` is INSTALL."""
    marks.add(connection, tenant, signing_key, _fields(row), once=True)


@of_tenant
def keys(connection: Connection, tenant: TenantId, *, since_us: int) -> list[SigningKeyRow]:
    """The keys that signed after `since_us` or may still, the newest first; `tenant` is INSTALL."""
    c = signing_key.c
    query = select(signing_key).where(c.tenant == tenant, c.until_us > since_us)
    rows = marks.read(connection, tenant, query.order_by(c.made_us.desc()))
    return [SigningKeyRow(**row) for row in rows]


@of_tenant
def drop_keys(connection: Connection, tenant: TenantId, *, before_us: int) -> None:
    c = signing_key.c
    connection.execute(delete(signing_key).where(c.tenant == tenant, c.until_us <= before_us))


@of_tenant
def find_client(connection: Connection, tenant: TenantId, client_id: str) -> ClientRow | None:
    query = select(client).where(client.c.tenant == tenant, client.c.id == client_id)
    row = marks.first(connection, tenant, query)
    return None if row is None else ClientRow(**row)


@of_tenant
def clients(connection: Connection, tenant: TenantId, limit: int) -> list[ClientRow]:
    query = select(client).where(client.c.tenant == tenant).order_by(client.c.made_us.desc(), client.c.id)
    return [ClientRow(**row) for row in marks.read(connection, tenant, query.limit(limit))]


@of_tenant
def remove_client(connection: Connection, tenant: TenantId, client_id: str) -> bool:
    c = client.c
    return connection.execute(delete(client).where(c.tenant == tenant, c.id == client_id)).rowcount == 1


@of_tenant
def find_grant(connection: Connection, tenant: TenantId, grant_id: str) -> GrantRow | None:
    query = select(grant).where(grant.c.tenant == tenant, grant.c.id == grant_id)
    row = marks.first(connection, tenant, query)
    return None if row is None else GrantRow(**row)


@of_tenant
def standing(
    connection: Connection,
    tenant: TenantId,
    now_us: int,
    limit: int,
    *,
    person: str = "",
    client_index: bytes = b"",
) -> list[GrantRow]:
    """Grants that are in use, the newest first: everybody's, one person's, one client's."""
    c = grant.c
    query = select(grant).where(c.tenant == tenant, c.begun_us > 0, c.ended_us == 0, c.expires_us > now_us)
    if person:
        query = query.where(c.person == person)
    if client_index:
        query = query.where(c.client_index == client_index)
    rows = marks.read(connection, tenant, query.order_by(c.begun_us.desc(), c.id).limit(limit))
    return [GrantRow(**row) for row in rows]


@of_tenant
def count_asked(connection: Connection, tenant: TenantId, person: PersonId, since_us: int) -> int:
    """How often a person has allowed something since then."""
    c = grant.c
    query = select(func.count()).where(c.tenant == tenant, c.person == person, c.allowed_us > since_us)
    return connection.execute(query).scalar_one()


@of_tenant
def begin_grant(connection: Connection, tenant: TenantId, grant_id: str, at_us: int) -> bool:
    """False where it was ended meanwhile, or has begun."""
    c = grant.c
    stands = (c.id == grant_id, c.ended_us == 0, c.begun_us == 0)
    return len(marks.change(connection, tenant, grant, stands, {"begun_us": at_us})) == 1


@of_tenant
def hold_grant(connection: Connection, tenant: TenantId, grant_id: str, at_us: int) -> bool:
    """Note that it is used; False where it was ended meanwhile. It stays so until this transaction ends."""
    c = grant.c
    stands = (c.tenant == tenant, c.id == grant_id, c.ended_us == 0)
    return connection.execute(update(grant).where(*stands).values(seen_us=at_us)).rowcount == 1


@of_tenant
def end_grants(
    connection: Connection, tenant: TenantId, wanted: Iterable[str], at_us: int, because: str
) -> int:
    """End these, for good; how many still stood."""
    c = grant.c
    values = {"ended_us": at_us, "ended_because": because}
    stands = (c.id.in_(list(wanted)), c.ended_us == 0)
    return len(marks.change(connection, tenant, grant, stands, values))


@of_tenant
def end_grants_of(
    connection: Connection, tenant: TenantId, client_index: bytes, at_us: int, because: str
) -> None:
    """End everything that a client was allowed."""
    c = grant.c
    values = {"ended_us": at_us, "ended_because": because}
    marks.change(connection, tenant, grant, (c.client_index == client_index, c.ended_us == 0), values)


@of_tenant
def touch_grants(connection: Connection, tenant: TenantId, seen: Mapping[str, int]) -> None:
    for grant_id, at_us in seen.items():
        connection.execute(
            update(grant).where(grant.c.tenant == tenant, grant.c.id == grant_id).values(seen_us=at_us)
        )


@of_tenant
def find_token(connection: Connection, tenant: TenantId, token_id: str) -> TokenRow | None:
    query = select(token).where(token.c.tenant == tenant, token.c.id == token_id)
    row = marks.first(connection, tenant, query)
    return None if row is None else TokenRow(**row)


@of_tenant
def spend(connection: Connection, tenant: TenantId, token_id: str, at_us: int) -> bool:
    """Use a code or a refresh token up; False where somebody has."""
    c = token.c
    stands = (c.id == token_id, c.used_us == 0)
    return len(marks.change(connection, tenant, token, stands, {"used_us": at_us})) == 1


@of_tenant
def prune(connection: Connection, tenant: TenantId, *, before_us: int) -> None:
    """Forget what was over before then: ended and expired grants, with every code and refresh token of theirs. A grant of another issuer stays, since
    its tokens would bring it back."""
    c = grant.c
    ended = (c.ended_us > 0) & (c.ended_us < before_us) & (c.issuer == "")
    over = ended | (c.expires_us < before_us)
    pending = (c.begun_us == 0) & (c.allowed_us < before_us)
    gone = select(c.id).where(c.tenant == tenant, over | pending)
    connection.execute(delete(token).where(token.c.tenant == tenant, token.c.grant_id.in_(gone)))
    connection.execute(delete(grant).where(c.tenant == tenant, over | pending))


@of_tenant
def prune_tokens(connection: Connection, tenant: TenantId, *, before_us: int) -> None:
    """Forget tokens that expired before then. One that was used is kept that long, since using it again is what gives a thief away."""
    c = token.c
    connection.execute(delete(token).where(c.tenant == tenant, c.expires_us < before_us))
