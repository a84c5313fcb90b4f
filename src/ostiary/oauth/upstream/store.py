"""Tables and SQL of connected accounts: the way there (flows), what we are at an authorization server, and each person's tokens, sealed."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Connection, Integer, Row, String, Table, delete, insert, select, update

from ostiary.db import marks
from ostiary.db.marks import mark, marked, unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed, upsert
from ostiary.ids import PersonId, TenantId

T = TypeVar("T")
_ID = String(64)
_CONNECTOR = String(48)

flow = Table(
    "oauth_flow",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("id", _ID, primary_key=True),
    clear("connector", _CONNECTOR),
    clear("person", _ID),
    blind("mac"),
    sealed("details"),
    clear("expires_us", BigInteger),
    clear("used_us", BigInteger),
    mark(),
    info=marked(),
)

registration = Table(
    "oauth_registration",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("connector", _CONNECTOR, primary_key=True),
    sealed("details"),
    clear("made_us", BigInteger),
    clear("made_by", _ID),
    info=unmarked("sealed in its place"),
)

account = Table(
    "oauth_account",
    metadata,
    clear("tenant", _ID, primary_key=True),
    clear("connector", _CONNECTOR, primary_key=True),
    clear("person", _ID, primary_key=True),
    clear("version", Integer),
    sealed("tokens"),
    clear("made_us", BigInteger),
    clear("changed_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("renewing_us", BigInteger),
    clear("state", String(16)),
    sealed("wanted", nullable=True),
    info=unmarked("the tokens are sealed in their place, the person's and the connector's"),
)


class State(StrEnum):
    """again: the tokens are no good any more. wider: they are, but the system wants more scope for something that was asked."""

    CONNECTED = "connected"
    AGAIN = "again"
    WIDER = "wider"


@dataclass(frozen=True, slots=True)
class FlowRow:
    id: str
    connector: str
    person: PersonId
    mac: bytes
    details: bytes
    expires_us: int
    used_us: int = 0


@dataclass(frozen=True, slots=True)
class RegistrationRow:
    """`made_by` is "" where the authorization server gave it to us by itself (RFC 7591)."""

    connector: str
    details: bytes
    made_us: int
    made_by: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """`expires_us` is that of the access token, 0 where it was not told; until `renewing_us` one process is getting the next.

    `wanted`: the scopes that the system says are missing, sealed; None where there are none.
    """

    connector: str
    person: PersonId
    version: int
    tokens: bytes
    made_us: int
    changed_us: int
    expires_us: int
    renewing_us: int = 0
    state: State = State.CONNECTED
    wanted: bytes | None = None


def _read(row: Row[Any] | None, kind: type[T]) -> T | None:
    if row is None:
        return None
    found = {name: value for name, value in row._mapping.items() if name != "tenant"}
    if "state" in found:
        found["state"] = State(found["state"])
    return kind(**found)


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


@of_tenant
def add_flow(connection: Connection, tenant: TenantId, row: FlowRow) -> None:
    marks.add(connection, tenant, flow, _fields(row))


@of_tenant
def find_flow(connection: Connection, tenant: TenantId, flow_id: str) -> FlowRow | None:
    query = select(flow).where(flow.c.tenant == tenant, flow.c.id == flow_id)
    row = marks.first(connection, tenant, query)
    return FlowRow(**row) if row else None


@of_tenant
def spend_flow(connection: Connection, tenant: TenantId, flow_id: str, at_us: int) -> bool:
    """False where it was used before."""
    stands = (flow.c.id == flow_id, flow.c.used_us == 0)
    return len(marks.change(connection, tenant, flow, stands, {"used_us": at_us})) == 1


@of_tenant
def prune_flows(connection: Connection, tenant: TenantId, *, before_us: int) -> None:
    connection.execute(delete(flow).where(flow.c.tenant == tenant, flow.c.expires_us < before_us))


@of_tenant
def find_registration(connection: Connection, tenant: TenantId, connector: str) -> RegistrationRow | None:
    c = registration.c
    row = connection.execute(select(registration).where(c.tenant == tenant, c.connector == connector)).first()
    return _read(row, RegistrationRow)


@of_tenant
def put_registration(connection: Connection, tenant: TenantId, row: RegistrationRow) -> None:
    values = {"tenant": tenant, **_fields(row)}
    changing = ("details", "made_us", "made_by")
    connection.execute(upsert(connection.dialect.name, registration, values, changing=changing))


@of_tenant
def remove_registration(connection: Connection, tenant: TenantId, connector: str) -> bool:
    c = registration.c
    gone = connection.execute(delete(registration).where(c.tenant == tenant, c.connector == connector))
    return gone.rowcount == 1


@of_tenant
def find_account(
    connection: Connection, tenant: TenantId, connector: str, person: PersonId
) -> AccountRow | None:
    c = account.c
    row = connection.execute(
        select(account).where(c.tenant == tenant, c.connector == connector, c.person == person)
    ).first()
    return _read(row, AccountRow)


@of_tenant
def accounts_of(connection: Connection, tenant: TenantId, person: PersonId) -> list[AccountRow]:
    c = account.c
    rows = connection.execute(
        select(account).where(c.tenant == tenant, c.person == person).order_by(c.connector)
    )
    return [found for row in rows if (found := _read(row, AccountRow))]


@of_tenant
def put_account(connection: Connection, tenant: TenantId, row: AccountRow) -> None:
    """A new connection, in place of one that stood. It goes on counting versions: whoever renews the old tokens at this moment must not write over the new."""
    c = account.c
    old = (c.tenant == tenant, c.connector == row.connector, c.person == row.person)
    version = connection.execute(select(account.c.version).where(*old)).scalar_one_or_none() or 0
    connection.execute(delete(account).where(*old))
    after = replace(row, version=max(row.version, version + 1))
    connection.execute(insert(account).values(tenant=tenant, **_fields(after)))


@of_tenant
def claim_account(
    connection: Connection, tenant: TenantId, row: AccountRow, *, now_us: int, until_us: int
) -> bool:
    """Become the one that renews this version of the tokens; False where another process is at it, or has done it."""
    c = account.c
    stands = (
        c.tenant == tenant, c.connector == row.connector, c.person == row.person, c.version == row.version, c.renewing_us < now_us,
    )  # fmt: skip
    return connection.execute(update(account).where(*stands).values(renewing_us=until_us)).rowcount == 1


@of_tenant
def renew_account(connection: Connection, tenant: TenantId, row: AccountRow) -> bool:
    """The next version of the tokens; False where it was disconnected or replaced meanwhile. What the system wants more is another's to write."""
    c = account.c
    stands = (
        c.tenant == tenant, c.connector == row.connector, c.person == row.person, c.version == row.version - 1,
    )  # fmt: skip
    values = {name: value for name, value in _fields(row).items() if name not in ("state", "wanted")}
    return connection.execute(update(account).where(*stands).values(**values)).rowcount == 1


@of_tenant
def mark_account(
    connection: Connection, tenant: TenantId, row: AccountRow, state: State, wanted: bytes | None = None
) -> bool:
    """What the person has to do about these tokens; False where they are others by now."""
    c = account.c
    stands = (
        c.tenant == tenant, c.connector == row.connector, c.person == row.person, c.version == row.version,
    )  # fmt: skip
    values = {"state": state.value, "wanted": wanted}
    return connection.execute(update(account).where(*stands).values(**values)).rowcount == 1


@of_tenant
def remove_account(
    connection: Connection, tenant: TenantId, connector: str, person: PersonId, *, version: int = 0
) -> bool:
    """`version`: only if it is still this one."""
    c = account.c
    stands = [c.tenant == tenant, c.connector == connector, c.person == person]
    if version:
        stands.append(c.version == version)
    return connection.execute(delete(account).where(*stands)).rowcount == 1
