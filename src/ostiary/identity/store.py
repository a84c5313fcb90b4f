"""Tables and SQL of identity.

What is found by a credential alone (sessions, codes, people) is kept under INSTALL, since the tenant is not known yet; members are kept under their
tenant. Only keyed hashes of credentials are stored.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from ostiary.clock import SECOND_US
from ostiary.db.tables import blind, clear, metadata, sealed, upsert
from ostiary.identity.api_keys.store import has_role
from ostiary.ids import INSTALL, PersonId, TenantId

_ID = String(64)

tenant_table = Table(
    "tenant",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    sealed("name"),
    clear("created_us", BigInteger),
)

person = Table(
    "person",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    blind("email_index"),
    sealed("email"),
    sealed("name"),
    clear("created_us", BigInteger),
    clear("operator", Boolean),
    sealed("totp", nullable=True),
    sealed("totp_pending", nullable=True),
    clear("totp_step", BigInteger),
    clear("totp_failures", Integer),
    clear("totp_retry_us", BigInteger),
    Index("uq_person_email", "tenant", "email_index", unique=True),
)

member = Table(
    "member",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("person", _ID, primary_key=True),
    clear("role", String(32)),
    clear("added_us", BigInteger),
    clear("added_by", _ID),
)

belonging = Table(
    "belonging",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("person", _ID, primary_key=True),
    clear("home", _ID, primary_key=True),
    clear("added_us", BigInteger),
)

session = Table(
    "session",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    blind("token"),
    clear("person", _ID),
    clear("home", _ID),
    clear("stage", String(8)),
    clear("created_us", BigInteger),
    clear("seen_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("second_us", BigInteger),
    clear("ended_us", BigInteger),
    sealed("origin"),
    Index("uq_session_token", "tenant", "token", unique=True),
    Index("ix_session_person", "tenant", "person"),
)

sign_in_code = Table(
    "sign_in_code",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("person", _ID),
    blind("email_index"),
    blind("address_index"),
    blind("code"),
    clear("created_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("tries", Integer),
    clear("used_us", BigInteger),
    Index("ix_sign_in_code_email", "tenant", "email_index", "created_us"),
    Index("ix_sign_in_code_address", "tenant", "address_index", "created_us"),
)

setup_token = Table(
    "setup_token",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("token_sha256", String(64)),
    clear("created_us", BigInteger),
)


@dataclass(frozen=True, slots=True)
class TenantRow:
    id: TenantId
    name: bytes
    created_us: int


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: PersonId
    email_index: bytes
    email: bytes
    name: bytes
    created_us: int
    operator: bool = False
    totp: bytes | None = None
    totp_pending: bytes | None = None
    totp_step: int = 0
    totp_failures: int = 0
    totp_retry_us: int = 0


@dataclass(frozen=True, slots=True)
class MemberRow:
    person: PersonId
    role: str
    added_us: int
    added_by: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`stage` is "second" (the second factor is missing) or "open"."""

    id: str
    token: bytes
    person: PersonId
    home: TenantId
    stage: str
    created_us: int
    seen_us: int
    expires_us: int
    second_us: int
    ended_us: int
    origin: bytes


@dataclass(frozen=True, slots=True)
class CodeRow:
    id: str
    person: PersonId
    email_index: bytes
    address_index: bytes
    code: bytes
    created_us: int
    expires_us: int
    tries: int
    used_us: int


def _values(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "tenant"}


def _fields(row: Any, tenant: TenantId) -> dict[str, Any]:
    return {"tenant": tenant, **{name: getattr(row, name) for name in row.__slots__}}


def add(
    connection: Connection,
    tenant: TenantId,
    row: TenantRow | PersonRow | MemberRow | SessionRow | CodeRow,
) -> None:
    """Insert one row into the table of its kind."""
    connection.execute(insert(_TABLES[type(row)]).values(**_fields(row, tenant)))


_TABLES: dict[type[Any], Table] = {
    TenantRow: tenant_table,
    PersonRow: person,
    MemberRow: member,
    SessionRow: session,
    CodeRow: sign_in_code,
}


# People, members, tenants


def find_person(connection: Connection, tenant: TenantId, person_id: PersonId) -> PersonRow | None:
    row = connection.execute(
        select(person).where(person.c.tenant == tenant, person.c.id == person_id)
    ).first()
    return None if row is None else PersonRow(**_values(row))


def find_person_by_email(connection: Connection, tenant: TenantId, index: bytes) -> PersonRow | None:
    query = select(person).where(person.c.tenant == tenant, person.c.email_index == index)
    row = connection.execute(query).first()
    return None if row is None else PersonRow(**_values(row))


def list_people(connection: Connection, tenant: TenantId, wanted: Iterable[PersonId]) -> list[PersonRow]:
    query = select(person).where(person.c.tenant == tenant, person.c.id.in_(list(wanted)))
    return [PersonRow(**_values(row)) for row in connection.execute(query)]


def change_person(
    connection: Connection, tenant: TenantId, person_id: PersonId, values: Mapping[str, Any]
) -> None:
    connection.execute(
        update(person).where(person.c.tenant == tenant, person.c.id == person_id).values(**values)
    )


def use_totp_step(connection: Connection, tenant: TenantId, person_id: PersonId, step: int) -> bool:
    """Use a time step up; False when it, or a later one, was used before (RFC 6238 section 5.2)."""
    changed = connection.execute(
        update(person)
        .where(person.c.tenant == tenant, person.c.id == person_id, person.c.totp_step < step)
        .values(totp_step=step, totp_failures=0, totp_retry_us=0)
    )
    return changed.rowcount == 1


def take_totp_try(
    connection: Connection, tenant: TenantId, person_id: PersonId, now_us: int, wait_s: Callable[[int], int]
) -> int:
    """Count one try at a second factor as failed and give 0; or give the microseconds to wait before the next one."""
    c = person.c
    query = select(c.totp_failures, c.totp_retry_us).where(c.tenant == tenant, c.id == person_id)
    failures, retry_us = connection.execute(query.with_for_update()).one()
    if now_us < retry_us:
        return int(retry_us - now_us)
    values = {"totp_failures": failures + 1, "totp_retry_us": now_us + wait_s(failures + 1) * SECOND_US}
    connection.execute(update(person).where(c.tenant == tenant, c.id == person_id).values(**values))
    return 0


def find_member(connection: Connection, tenant: TenantId, person_id: PersonId) -> MemberRow | None:
    row = connection.execute(
        select(member).where(member.c.tenant == tenant, member.c.person == person_id)
    ).first()
    return None if row is None else MemberRow(**_values(row))


def list_members(connection: Connection, tenant: TenantId, limit: int) -> list[MemberRow]:
    query = select(member).where(member.c.tenant == tenant).order_by(member.c.added_us, member.c.person)
    return [MemberRow(**_values(row)) for row in connection.execute(query.limit(limit))]


def count_members(connection: Connection, tenant: TenantId, role: str = "") -> int:
    query = select(func.count()).where(member.c.tenant == tenant)
    return connection.execute(query.where(member.c.role == role) if role else query).scalar_one()


def join(connection: Connection, tenant: TenantId, row: MemberRow) -> None:
    """Make a person a member, in the tenant's rows and in the installation's list of who belongs where."""
    add(connection, tenant, row)
    values = {"tenant": INSTALL, "person": row.person, "home": tenant, "added_us": row.added_us}
    connection.execute(insert(belonging).values(**values))


def leave(connection: Connection, tenant: TenantId, person_id: PersonId) -> None:
    connection.execute(delete(member).where(member.c.tenant == tenant, member.c.person == person_id))
    c = belonging.c
    connection.execute(delete(belonging).where(c.tenant == INSTALL, c.person == person_id, c.home == tenant))


def change_role(connection: Connection, tenant: TenantId, person_id: PersonId, role: str) -> None:
    connection.execute(
        update(member).where(member.c.tenant == tenant, member.c.person == person_id).values(role=role)
    )


def homes(connection: Connection, tenant: TenantId, person_id: PersonId) -> list[TenantId]:
    """The tenants that a person belongs to, the oldest membership first; `tenant` is INSTALL."""
    c = belonging.c
    rows = connection.execute(
        select(c.home).where(c.tenant == tenant, c.person == person_id).order_by(c.added_us, c.home)
    )
    return [TenantId(home) for (home,) in rows]


def find_tenant(connection: Connection, tenant: TenantId, wanted: TenantId) -> TenantRow | None:
    """`tenant` is INSTALL, which holds the list."""
    c = tenant_table.c
    row = connection.execute(select(tenant_table).where(c.tenant == tenant, c.id == wanted)).first()
    return None if row is None else TenantRow(**_values(row))


def list_tenants(connection: Connection, tenant: TenantId, wanted: Iterable[TenantId]) -> list[TenantRow]:
    c = tenant_table.c
    query = select(tenant_table).where(c.tenant == tenant, c.id.in_(list(wanted)))
    return [TenantRow(**_values(row)) for row in connection.execute(query.order_by(c.created_us, c.id))]


def all_tenants(connection: Connection, tenant: TenantId) -> list[TenantId]:
    """Every tenant's id, the oldest first; `tenant` is INSTALL. For the operator's own work at start, not for a caller."""
    c = tenant_table.c
    rows = connection.execute(select(c.id).where(c.tenant == tenant).order_by(c.created_us, c.id))
    return [TenantId(found) for (found,) in rows]


def role_in_use(connection: Connection, tenant: TenantId, role: str) -> bool:
    """Whether a member or a key that stands has this role."""
    return count_members(connection, tenant, role) > 0 or has_role(connection, tenant, role)


# Sessions


def find_session(connection: Connection, tenant: TenantId, token: bytes) -> SessionRow | None:
    row = connection.execute(
        select(session).where(session.c.tenant == tenant, session.c.token == token)
    ).first()
    return None if row is None else SessionRow(**_values(row))


def find_session_by_id(connection: Connection, tenant: TenantId, session_id: str) -> SessionRow | None:
    row = connection.execute(
        select(session).where(session.c.tenant == tenant, session.c.id == session_id)
    ).first()
    return None if row is None else SessionRow(**_values(row))


def list_sessions(
    connection: Connection, tenant: TenantId, person_id: PersonId, now_us: int
) -> list[SessionRow]:
    c = session.c
    query = select(session).where(
        c.tenant == tenant, c.person == person_id, c.ended_us == 0, c.expires_us > now_us
    )
    return [SessionRow(**_values(row)) for row in connection.execute(query.order_by(c.created_us.desc()))]


def change_session(
    connection: Connection, tenant: TenantId, session_id: str, values: Mapping[str, Any]
) -> bool:
    """Whether the session still stood."""
    c = session.c
    changed = connection.execute(
        update(session).where(c.tenant == tenant, c.id == session_id, c.ended_us == 0).values(**values)
    )
    return changed.rowcount == 1


def end_sessions(
    connection: Connection, tenant: TenantId, person_id: PersonId, at_us: int, *, but: str = ""
) -> None:
    """End every session of a person, except `but`."""
    c = session.c
    connection.execute(
        update(session)
        .where(c.tenant == tenant, c.person == person_id, c.ended_us == 0, c.id != but)
        .values(ended_us=at_us)
    )


def touch_sessions(connection: Connection, tenant: TenantId, seen: Mapping[str, int]) -> None:
    statement = (
        update(session)
        .where(session.c.tenant == tenant, session.c.id == bindparam("which"))
        .values(seen_us=bindparam("at"))
    )
    connection.execute(statement, [{"which": which, "at": at_us} for which, at_us in seen.items()])


# Codes


def count_codes(
    connection: Connection, tenant: TenantId, *, email: bytes, address: bytes, since_us: int
) -> tuple[int, int]:
    """How many codes were asked for since then: for this email, from this address."""
    c = sign_in_code.c
    recent = (c.tenant == tenant) & (c.created_us > since_us)
    by_email = select(func.count()).where(recent, c.email_index == email)
    by_address = select(func.count()).where(recent, c.address_index == address)
    return connection.execute(by_email).scalar_one(), connection.execute(by_address).scalar_one()


def take_try(
    connection: Connection, tenant: TenantId, code_id: str, now_us: int, tries_max: int
) -> CodeRow | None:
    """Count one try at a code, and give the code; None when it is unknown, used, expired or tried out."""
    c = sign_in_code.c
    changed = connection.execute(
        update(sign_in_code)
        .where(
            c.tenant == tenant, c.id == code_id, c.used_us == 0, c.expires_us > now_us, c.tries < tries_max
        )
        .values(tries=c.tries + 1)
    )
    if changed.rowcount == 0:
        return None
    row = connection.execute(select(sign_in_code).where(c.tenant == tenant, c.id == code_id)).one()
    return CodeRow(**_values(row))


def use_code(connection: Connection, tenant: TenantId, code_id: str, at_us: int) -> bool:
    """Use a code up; False when it was used before."""
    c = sign_in_code.c
    changed = connection.execute(
        update(sign_in_code).where(c.tenant == tenant, c.id == code_id, c.used_us == 0).values(used_us=at_us)
    )
    return changed.rowcount == 1


def prune(connection: Connection, tenant: TenantId, before_us: int) -> None:
    """Forget codes and sessions that ended before then; `tenant` is INSTALL."""
    connection.execute(
        delete(sign_in_code).where(sign_in_code.c.tenant == tenant, sign_in_code.c.expires_us < before_us)
    )
    connection.execute(delete(session).where(session.c.tenant == tenant, session.c.expires_us < before_us))


# Set-up


def put_setup_token(connection: Connection, tenant: TenantId, sha256: str, at_us: int) -> None:
    values = {"tenant": tenant, "token_sha256": sha256, "created_us": at_us}
    changing = ("token_sha256", "created_us")
    connection.execute(upsert(connection.dialect.name, setup_token, values, changing=changing))


def find_setup_token(connection: Connection, tenant: TenantId) -> str:
    query = select(setup_token.c.token_sha256).where(setup_token.c.tenant == tenant)
    return connection.execute(query).scalar() or ""


def burn_setup_token(connection: Connection, tenant: TenantId) -> bool:
    return connection.execute(delete(setup_token).where(setup_token.c.tenant == tenant)).rowcount == 1


def has_people(connection: Connection, tenant: TenantId) -> bool:
    return (
        connection.execute(select(person.c.id).where(person.c.tenant == tenant).limit(1)).first() is not None
    )
