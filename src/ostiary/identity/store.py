"""Tables and SQL of identity.

What is found by a credential alone (sessions, codes, people) is kept under INSTALL, since the tenant is not known yet; members are kept under their
tenant. Only keyed hashes of credentials are stored.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Index,
    Integer,
    Row,
    Select,
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
from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed, upsert
from ostiary.identity.api_keys.store import has_role
from ostiary.ids import INSTALL, PersonId, TenantId

T = TypeVar("T")

_ID = String(64)

tenant_table = Table(
    "tenant",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    sealed("name"),
    clear("created_us", BigInteger),
    info=unmarked("it says that a tenant is, and its sealed name; what a tenant may do hangs on its keys"),
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
    mark(earlier=True),
    Index("uq_person_email", "tenant", "email_index", unique=True),
    info=marked(),
)

member = Table(
    "member",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("person", _ID, primary_key=True),
    clear("role", String(32)),
    clear("added_us", BigInteger),
    clear("added_by", _ID),
    mark(earlier=True),
    info=marked(),
)

belonging = Table(
    "belonging",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("person", _ID, primary_key=True),
    clear("home", _ID, primary_key=True),
    clear("added_us", BigInteger),
    mark(earlier=True),
    info=marked(),
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
    mark(earlier=True),
    Index("uq_session_token", "tenant", "token", unique=True),
    Index("ix_session_person", "tenant", "person"),
    info=marked(but=("seen_us",)),
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
    mark(earlier=True),
    Index("ix_sign_in_code_email", "tenant", "email_index", "created_us"),
    Index("ix_sign_in_code_address", "tenant", "address_index", "created_us"),
    info=marked(),
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


def _one(connection: Connection, tenant: TenantId, query: Select[Any], kind: type[T]) -> T | None:
    row = marks.first(connection, tenant, query)
    return None if row is None else kind(**row)


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


@of_tenant
def add(
    connection: Connection,
    tenant: TenantId,
    row: TenantRow | PersonRow | MemberRow | SessionRow | CodeRow,
) -> None:
    """Insert one row into the table of its kind."""
    if isinstance(row, TenantRow):
        connection.execute(insert(tenant_table).values(tenant=tenant, **_fields(row)))
    else:
        marks.add(connection, tenant, _TABLES[type(row)], _fields(row))


_TABLES: dict[type[Any], Table] = {
    PersonRow: person,
    MemberRow: member,
    SessionRow: session,
    CodeRow: sign_in_code,
}


# People, members, tenants


@of_tenant
def find_person(connection: Connection, tenant: TenantId, person_id: PersonId) -> PersonRow | None:
    query = select(person).where(person.c.tenant == tenant, person.c.id == person_id)
    return _one(connection, tenant, query, PersonRow)


@of_tenant
def find_person_by_email(connection: Connection, tenant: TenantId, index: bytes) -> PersonRow | None:
    query = select(person).where(person.c.tenant == tenant, person.c.email_index == index)
    return _one(connection, tenant, query, PersonRow)


@of_tenant
def list_people(connection: Connection, tenant: TenantId, wanted: Iterable[PersonId]) -> list[PersonRow]:
    query = select(person).where(person.c.tenant == tenant, person.c.id.in_(list(wanted)))
    return [PersonRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def change_person(
    connection: Connection, tenant: TenantId, person_id: PersonId, values: Mapping[str, Any]
) -> None:
    marks.change(connection, tenant, person, [person.c.id == person_id], values)


@of_tenant
def put_person(connection: Connection, tenant: TenantId, row: PersonRow) -> None:
    """Insert, or replace the whole row; `tenant` is INSTALL."""
    marks.put(connection, tenant, person, _fields(row))


@of_tenant
def put_tenant(connection: Connection, tenant: TenantId, row: TenantRow) -> None:
    """Insert, or replace the whole row; `tenant` is INSTALL."""
    values = {"tenant": tenant, **_fields(row)}
    connection.execute(upsert(connection.dialect.name, tenant_table, values, changing=("name", "created_us")))


@of_tenant
def people_of(connection: Connection, tenant: TenantId, home: TenantId) -> list[PersonId]:
    """Who belongs to a tenant, by the installation's list; `tenant` is INSTALL."""
    query = select(belonging).where(belonging.c.tenant == tenant, belonging.c.home == home)
    return [PersonId(row["person"]) for row in marks.read(connection, tenant, query)]


@of_tenant
def rename_member(connection: Connection, tenant: TenantId, old: PersonId, new: PersonId) -> None:
    """The membership of one id goes on under another; what the log says stays."""
    marks.change(connection, tenant, member, [member.c.person == old], {"person": new})


@of_tenant
def use_totp_step(connection: Connection, tenant: TenantId, person_id: PersonId, step: int) -> bool:
    """Use a time step up; False when it, or a later one, was used before (RFC 6238 section 5.2)."""
    unused = [person.c.id == person_id, person.c.totp_step < step]
    values = {"totp_step": step, "totp_failures": 0, "totp_retry_us": 0}
    return len(marks.change(connection, tenant, person, unused, values)) == 1


@of_tenant
def take_totp_try(
    connection: Connection, tenant: TenantId, person_id: PersonId, now_us: int, wait_s: Callable[[int], int]
) -> int:
    """Count one try at a second factor as failed and give 0; or give the microseconds to wait before the next one."""
    query = select(person).where(person.c.tenant == tenant, person.c.id == person_id)
    (row,) = marks.read(connection, tenant, query.with_for_update())
    failures, retry_us = row["totp_failures"], row["totp_retry_us"]
    if now_us < retry_us:
        return int(retry_us - now_us)
    values = {"totp_failures": failures + 1, "totp_retry_us": now_us + wait_s(failures + 1) * SECOND_US}
    marks.change(connection, tenant, person, [person.c.id == person_id], values)
    return 0


@of_tenant
def find_member(connection: Connection, tenant: TenantId, person_id: PersonId) -> MemberRow | None:
    query = select(member).where(member.c.tenant == tenant, member.c.person == person_id)
    return _one(connection, tenant, query, MemberRow)


@of_tenant
def list_members(connection: Connection, tenant: TenantId, limit: int) -> list[MemberRow]:
    query = select(member).where(member.c.tenant == tenant).order_by(member.c.added_us, member.c.person)
    return [MemberRow(**row) for row in marks.read(connection, tenant, query.limit(limit))]


@of_tenant
def count_members(connection: Connection, tenant: TenantId, role: str = "") -> int:
    query = select(func.count()).where(member.c.tenant == tenant)
    return connection.execute(query.where(member.c.role == role) if role else query).scalar_one()


@of_tenant
def join(connection: Connection, tenant: TenantId, row: MemberRow) -> None:
    """Make a person a member, in the tenant's rows and in the installation's list of who belongs where."""
    add(connection, tenant, row)
    add_belonging(connection, INSTALL, row.person, tenant, row.added_us)


@of_tenant
def add_belonging(
    connection: Connection, tenant: TenantId, person_id: PersonId, home: TenantId, at_us: int
) -> None:
    """`tenant` is INSTALL."""
    values = {"person": person_id, "home": home, "added_us": at_us}
    marks.add(connection, tenant, belonging, values, once=True)


@of_tenant
def drop_belonging(connection: Connection, tenant: TenantId, person_id: PersonId, home: TenantId) -> None:
    """`tenant` is INSTALL."""
    c = belonging.c
    connection.execute(delete(belonging).where(c.tenant == tenant, c.person == person_id, c.home == home))


@of_tenant
def leave(connection: Connection, tenant: TenantId, person_id: PersonId) -> None:
    connection.execute(delete(member).where(member.c.tenant == tenant, member.c.person == person_id))
    drop_belonging(connection, INSTALL, person_id, tenant)


@of_tenant
def change_role(connection: Connection, tenant: TenantId, person_id: PersonId, role: str) -> None:
    marks.change(connection, tenant, member, [member.c.person == person_id], {"role": role})


@of_tenant
def homes(connection: Connection, tenant: TenantId, person_id: PersonId) -> list[TenantId]:
    """The tenants that a person belongs to, the oldest membership first; `tenant` is INSTALL."""
    c = belonging.c
    query = select(belonging).where(c.tenant == tenant, c.person == person_id)
    rows = marks.read(connection, tenant, query.order_by(c.added_us, c.home))
    return [TenantId(row["home"]) for row in rows]


@of_tenant
def find_tenant(connection: Connection, tenant: TenantId, wanted: TenantId) -> TenantRow | None:
    """`tenant` is INSTALL, which holds the list."""
    c = tenant_table.c
    row = connection.execute(select(tenant_table).where(c.tenant == tenant, c.id == wanted)).first()
    return None if row is None else _tenant(row)


@of_tenant
def list_tenants(connection: Connection, tenant: TenantId, wanted: Iterable[TenantId]) -> list[TenantRow]:
    c = tenant_table.c
    query = select(tenant_table).where(c.tenant == tenant, c.id.in_(list(wanted)))
    return [_tenant(row) for row in connection.execute(query.order_by(c.created_us, c.id))]


@of_tenant
def all_tenants(connection: Connection, tenant: TenantId) -> list[TenantId]:
    """Every tenant's id, the oldest first; `tenant` is INSTALL. For the operator's own work at start, not for a caller."""
    c = tenant_table.c
    rows = connection.execute(select(c.id).where(c.tenant == tenant).order_by(c.created_us, c.id))
    return [TenantId(found) for (found,) in rows]


@of_tenant
def role_in_use(connection: Connection, tenant: TenantId, role: str) -> bool:
    """Whether a member or a key that stands has this role."""
    return count_members(connection, tenant, role) > 0 or has_role(connection, tenant, role)


@of_tenant
def find_session(connection: Connection, tenant: TenantId, token: bytes) -> SessionRow | None:
    query = select(session).where(session.c.tenant == tenant, session.c.token == token)
    return _one(connection, tenant, query, SessionRow)


@of_tenant
def find_session_by_id(connection: Connection, tenant: TenantId, session_id: str) -> SessionRow | None:
    query = select(session).where(session.c.tenant == tenant, session.c.id == session_id)
    return _one(connection, tenant, query, SessionRow)


@of_tenant
def list_sessions(
    connection: Connection, tenant: TenantId, person_id: PersonId, now_us: int
) -> list[SessionRow]:
    c = session.c
    query = select(session).where(
        c.tenant == tenant, c.person == person_id, c.ended_us == 0, c.expires_us > now_us
    )
    rows = marks.read(connection, tenant, query.order_by(c.created_us.desc()))
    return [SessionRow(**row) for row in rows]


@of_tenant
def change_session(
    connection: Connection, tenant: TenantId, session_id: str, values: Mapping[str, Any]
) -> bool:
    """Whether the session still stood."""
    c = session.c
    stands = [c.id == session_id, c.ended_us == 0]
    return len(marks.change(connection, tenant, session, stands, values)) == 1


@of_tenant
def end_sessions(
    connection: Connection, tenant: TenantId, person_id: PersonId, at_us: int, *, but: str = ""
) -> None:
    """End every session of a person, except `but`."""
    c = session.c
    others = [c.person == person_id, c.ended_us == 0, c.id != but]
    marks.change(connection, tenant, session, others, {"ended_us": at_us})


@of_tenant
def touch_sessions(connection: Connection, tenant: TenantId, seen: Mapping[str, int]) -> None:
    statement = (
        update(session)
        .where(session.c.tenant == tenant, session.c.id == bindparam("which"))
        .values(seen_us=bindparam("at"))
    )
    connection.execute(statement, [{"which": which, "at": at_us} for which, at_us in seen.items()])


@of_tenant
def count_codes(
    connection: Connection, tenant: TenantId, *, email: bytes, address: bytes, since_us: int
) -> tuple[int, int]:
    """How many codes were asked for since then: for this email, from this address."""
    c = sign_in_code.c
    recent = (c.tenant == tenant) & (c.created_us > since_us)
    by_email = select(func.count()).where(recent, c.email_index == email)
    by_address = select(func.count()).where(recent, c.address_index == address)
    return connection.execute(by_email).scalar_one(), connection.execute(by_address).scalar_one()


@of_tenant
def take_try(
    connection: Connection, tenant: TenantId, code_id: str, now_us: int, tries_max: int
) -> CodeRow | None:
    """Count one try at a code, and give the code; None when it is unknown, used, expired or tried out."""
    c = sign_in_code.c
    stands = [c.id == code_id, c.used_us == 0, c.expires_us > now_us, c.tries < tries_max]
    changed = marks.change(connection, tenant, sign_in_code, stands, {"tries": lambda row: row["tries"] + 1})
    return CodeRow(**changed[0]) if changed else None


@of_tenant
def use_code(connection: Connection, tenant: TenantId, code_id: str, at_us: int) -> bool:
    """Use a code up; False when it was used before."""
    c = sign_in_code.c
    unused = [c.id == code_id, c.used_us == 0]
    return len(marks.change(connection, tenant, sign_in_code, unused, {"used_us": at_us})) == 1


@of_tenant
def prune(connection: Connection, tenant: TenantId, before_us: int) -> None:
    """Forget codes and sessions that ended before then; `tenant` is INSTALL."""
    connection.execute(
        delete(sign_in_code).where(sign_in_code.c.tenant == tenant, sign_in_code.c.expires_us < before_us)
    )
    connection.execute(delete(session).where(session.c.tenant == tenant, session.c.expires_us < before_us))


def _tenant(row: Row[Any]) -> TenantRow:
    return TenantRow(**{name: value for name, value in row._mapping.items() if name != "tenant"})
