"""Four tables: where notices go, what they say, how each of them got to each place, and each try of that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ostiary.clock import DAY_US
from ostiary.db.marks import unmarked
from ostiary.db.scope import of_tenant
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import TenantId

ENDPOINT = Table(
    "webhook_endpoint",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("version", Integer),
    clear("state", String(16)),
    clear("reason", String(16)),
    clear("room", String(16)),
    clear("format", String(16)),
    clear("types", Text),
    sealed("settings"),
    sealed("secrets"),
    clear("failing_us", BigInteger),
    clear("created_us", BigInteger),
    clear("changed_us", BigInteger),
    info=unmarked("where it leads and its secrets are sealed in their place"),
)

MESSAGE = Table(
    "webhook_message",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("type", String(64)),
    sealed("data"),
    clear("at_us", BigInteger),
    Index(None, "tenant", "type", "at_us"),
    info=unmarked("sealed in its place"),
)

DELIVERY = Table(
    "webhook_delivery",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("endpoint", String(64)),
    clear("message", String(64)),
    clear("type", String(64)),
    clear("state", String(16)),
    clear("claim", String(64)),
    clear("claimed_us", BigInteger),
    clear("tries", Integer),
    clear("attempts", Integer),
    clear("status", Integer),
    clear("code", String(64)),
    clear("took_us", BigInteger),
    clear("due_us", BigInteger),
    clear("created_us", BigInteger),
    clear("changed_us", BigInteger),
    Index(None, "tenant", "endpoint", "state", "due_us"),
    Index(None, "tenant", "message"),
    info=unmarked("what is to be sent; the message is sealed in its place"),
)

ATTEMPT = Table(
    "webhook_attempt",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("delivery", String(64), primary_key=True),
    clear("number", Integer, primary_key=True, autoincrement=False),
    clear("at_us", BigInteger),
    clear("took_us", BigInteger),
    clear("status", Integer),
    clear("code", String(64)),
    info=unmarked("what became of a delivery"),
)


class Standing(StrEnum):
    """Of an endpoint. paused: a person holds it back; what is told meanwhile is not kept for it. disabled: it was switched off, `reason` says why."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


class State(StrEnum):
    """Of a delivery. dead: its tries are used up, or its endpoint was switched off; a person may send it again."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """reason: `gone` (it answered 410) or `failing` where it was switched off. room: whose it is, where not a person's who made it: that room alone says where
    it is and what it is told of. types: patterns, joined by commas. failing_us: since when it takes nothing, 0
    for not at all."""

    tenant: TenantId
    id: str
    version: int
    state: Standing
    reason: str
    room: str
    format: str
    types: str
    settings: bytes
    secrets: bytes
    failing_us: int
    created_us: int
    changed_us: int

    @property
    def patterns(self) -> tuple[str, ...]:
        return tuple(self.types.split(","))


@dataclass(frozen=True, slots=True)
class MessageRow:
    tenant: TenantId
    id: str
    type: str
    data: bytes
    at_us: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """claim: the job that is about to send it, empty for none. tries: since it was put in or sent again by hand; attempts: all of them. status, code, took_us:
    of the last one; status 0: no answer came."""

    tenant: TenantId
    id: str
    endpoint: str
    message: str
    type: str
    state: State
    claim: str
    claimed_us: int
    tries: int
    attempts: int
    status: int
    code: str
    took_us: int
    due_us: int
    created_us: int
    changed_us: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    delivery: str
    number: int
    at_us: int
    took_us: int
    status: int
    code: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The deliveries of an endpoint in numbers, and when it last took one (0: never)."""

    waiting: int
    dead: int
    done: int
    last_us: int


def _values(row: Any, *, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__ if name not in without}


def _endpoint(row: Row[Any]) -> EndpointRow:
    values = dict(row._mapping)
    return EndpointRow(**{**values, "state": Standing(values["state"])})


def _delivery(row: Row[Any]) -> DeliveryRow:
    values = dict(row._mapping)
    return DeliveryRow(**{**values, "state": State(values["state"])})


# Endpoints.


@of_tenant
def add_endpoint(connection: Connection, tenant: TenantId, row: EndpointRow, *, most: int) -> None:
    """Raises Conflict where the tenant has `most` already."""
    mine = (ENDPOINT.c.tenant == tenant, ENDPOINT.c.room == "")
    count = select(func.count()).select_from(ENDPOINT).where(*mine)
    if not row.room and connection.execute(count).scalar_one() >= most:
        raise Conflict(f"There are {most} webhooks already.")
    connection.execute(insert(ENDPOINT).values({**_values(row), "tenant": tenant}))


@of_tenant
def endpoints(connection: Connection, tenant: TenantId) -> list[EndpointRow]:
    """All of the tenant's, the oldest first."""
    found = connection.execute(select(ENDPOINT).where(ENDPOINT.c.tenant == tenant).order_by(ENDPOINT.c.id))
    return [_endpoint(row) for row in found]


@of_tenant
def find_endpoint(connection: Connection, tenant: TenantId, endpoint: str) -> EndpointRow | None:
    where = (ENDPOINT.c.tenant == tenant, ENDPOINT.c.id == endpoint)
    row = connection.execute(select(ENDPOINT).where(*where)).one_or_none()
    return _endpoint(row) if row else None


@of_tenant
def find_of_room(connection: Connection, tenant: TenantId, room: str) -> EndpointRow | None:
    """The one that a room keeps."""
    where = (ENDPOINT.c.tenant == tenant, ENDPOINT.c.room == room)
    row = connection.execute(select(ENDPOINT).where(*where).order_by(ENDPOINT.c.id)).first()
    return _endpoint(row) if row else None


@of_tenant
def subscriptions(connection: Connection, tenant: TenantId) -> list[tuple[str, tuple[str, ...]]]:
    """The active endpoints and what each is told of."""
    where = (ENDPOINT.c.tenant == tenant, ENDPOINT.c.state == Standing.ACTIVE)
    found = connection.execute(select(ENDPOINT.c.id, ENDPOINT.c.types).where(*where).order_by(ENDPOINT.c.id))
    return [(row[0], tuple(row[1].split(","))) for row in found]


@of_tenant
def change_endpoint(
    connection: Connection, tenant: TenantId, held: EndpointRow, *, at_us: int, changes: Mapping[str, Any]
) -> None:
    """Raises Conflict where it was changed since `held` was read."""
    where = (ENDPOINT.c.tenant == tenant, ENDPOINT.c.id == held.id, ENDPOINT.c.version == held.version)
    made = update(ENDPOINT).where(*where).values(version=held.version + 1, changed_us=at_us, **changes)
    if connection.execute(made).rowcount != 1:
        raise Conflict("This webhook was changed meanwhile; look at it again.")


@of_tenant
def note_health(connection: Connection, tenant: TenantId, endpoint: str, *, failing_us: int) -> None:
    """Since when it takes nothing; 0: it took something. A first failure stays the first."""
    where = [ENDPOINT.c.tenant == tenant, ENDPOINT.c.id == endpoint]
    if failing_us:
        where.append(ENDPOINT.c.failing_us == 0)
    connection.execute(update(ENDPOINT).where(*where).values(failing_us=failing_us))


@of_tenant
def disable(connection: Connection, tenant: TenantId, endpoint: str, *, reason: str, at_us: int) -> bool:
    """Switch it off: what waits for it is dead. False where it was off already."""
    where = (ENDPOINT.c.tenant == tenant, ENDPOINT.c.id == endpoint, ENDPOINT.c.state != Standing.DISABLED)
    values = {"state": Standing.DISABLED, "reason": reason, "changed_us": at_us, "version": ENDPOINT.c.version + 1}  # fmt: skip
    if connection.execute(update(ENDPOINT).where(*where).values(**values)).rowcount != 1:
        return False
    waiting = (
        DELIVERY.c.tenant == tenant,
        DELIVERY.c.endpoint == endpoint,
        DELIVERY.c.state == State.WAITING,
    )
    ended = {"state": State.DEAD, "claim": "", "claimed_us": 0, "changed_us": at_us}
    connection.execute(update(DELIVERY).where(*waiting).values(**ended))
    return True


@of_tenant
def remove_endpoint(connection: Connection, tenant: TenantId, endpoint: str) -> None:
    """With its deliveries and their attempts; messages go with the purge."""
    mine = select(DELIVERY.c.id).where(DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint)
    connection.execute(delete(ATTEMPT).where(ATTEMPT.c.tenant == tenant, ATTEMPT.c.delivery.in_(mine)))
    connection.execute(delete(DELIVERY).where(DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint))
    connection.execute(delete(ENDPOINT).where(ENDPOINT.c.tenant == tenant, ENDPOINT.c.id == endpoint))


# Messages and deliveries.


@of_tenant
def add_message(connection: Connection, tenant: TenantId, row: MessageRow) -> None:
    connection.execute(insert(MESSAGE).values({**_values(row), "tenant": tenant}))


@of_tenant
def add_delivery(connection: Connection, tenant: TenantId, row: DeliveryRow) -> None:
    connection.execute(insert(DELIVERY).values({**_values(row), "tenant": tenant}))


@of_tenant
def is_loud(
    connection: Connection, tenant: TenantId, name: str, *, since_us: int, now_us: int, most: int
) -> bool:
    """Whether there were so many notices of this type since then. Those of a clock that was ahead do not count."""
    where = (MESSAGE.c.tenant == tenant, MESSAGE.c.type == name, MESSAGE.c.at_us.between(since_us, now_us))
    return (
        connection.execute(select(MESSAGE.c.id).where(*where).limit(1).offset(most - 1)).first() is not None
    )


@of_tenant
def is_full(connection: Connection, tenant: TenantId, endpoint: str, *, most: int) -> bool:
    """Whether so many deliveries wait for the endpoint already."""
    where = (DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint, DELIVERY.c.state == State.WAITING)
    beyond = select(DELIVERY.c.id).where(*where).limit(1).offset(most - 1)
    return connection.execute(beyond).first() is not None


@of_tenant
def messages(connection: Connection, tenant: TenantId, named: Iterable[str]) -> dict[str, MessageRow]:
    found = connection.execute(
        select(MESSAGE).where(MESSAGE.c.tenant == tenant, MESSAGE.c.id.in_(list(named)))
    )
    return {row.id: MessageRow(*row) for row in found}


@of_tenant
def find_delivery(connection: Connection, tenant: TenantId, delivery: str) -> DeliveryRow | None:
    where = (DELIVERY.c.tenant == tenant, DELIVERY.c.id == delivery)
    row = connection.execute(select(DELIVERY).where(*where)).one_or_none()
    return _delivery(row) if row else None


@of_tenant
def list_deliveries(
    connection: Connection, tenant: TenantId, endpoint: str, *, states: Sequence[str], before: str, limit: int
) -> list[DeliveryRow]:
    """Newest first; `before` is the last id of the page before."""
    where = [DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint]
    if states:
        where.append(DELIVERY.c.state.in_(states))
    if before:
        where.append(DELIVERY.c.id < before)
    found = connection.execute(select(DELIVERY).where(*where).order_by(DELIVERY.c.id.desc()).limit(limit))
    return [_delivery(row) for row in found]


@of_tenant
def attempts(connection: Connection, tenant: TenantId, delivery: str, *, limit: int) -> list[AttemptRow]:
    """The newest first."""
    columns = (ATTEMPT.c.delivery, ATTEMPT.c.number, ATTEMPT.c.at_us, ATTEMPT.c.took_us, ATTEMPT.c.status, ATTEMPT.c.code)  # fmt: skip
    where = (ATTEMPT.c.tenant == tenant, ATTEMPT.c.delivery == delivery)
    found = connection.execute(select(*columns).where(*where).order_by(ATTEMPT.c.number.desc()).limit(limit))
    return [AttemptRow(*row) for row in found]


@of_tenant
def counted(connection: Connection, tenant: TenantId) -> dict[str, Counted]:
    """By endpoint."""
    columns = (DELIVERY.c.endpoint, DELIVERY.c.state, func.count(), func.max(DELIVERY.c.changed_us))
    grouped = (
        select(*columns).where(DELIVERY.c.tenant == tenant).group_by(DELIVERY.c.endpoint, DELIVERY.c.state)
    )
    by: dict[str, dict[str, tuple[int, int]]] = {}
    for endpoint, state, count, last_us in connection.execute(grouped):
        by.setdefault(endpoint, {})[state] = (count, last_us)
    none = (0, 0)
    return {
        endpoint: Counted(
            each.get(State.WAITING, none)[0], each.get(State.DEAD, none)[0], *each.get(State.DONE, none)
        )
        for endpoint, each in by.items()
    }


# Sending.


AHEAD_US = 2 * DAY_US
"""No try is put off by more than a day: what is due later than this was put off by a clock that has gone back since, and is due now."""


def _is_due(now_us: int) -> ColumnElement[bool]:
    return or_(DELIVERY.c.due_us <= now_us, DELIVERY.c.due_us > now_us + AHEAD_US)


def _is_free(now_us: int, stale_us: int) -> ColumnElement[bool]:
    """Claimed by nobody, or by a job that has not answered for so long; a claim from the future is no claim."""
    return or_(DELIVERY.c.claim == "", DELIVERY.c.claimed_us < stale_us, DELIVERY.c.claimed_us > now_us + AHEAD_US)  # fmt: skip


def _due(tenant: TenantId, endpoint: str, *, now_us: int, stale_us: int) -> ColumnElement[bool]:
    waiting = and_(DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint, DELIVERY.c.state == State.WAITING)  # fmt: skip
    return and_(waiting, _is_due(now_us), _is_free(now_us, stale_us))


@of_tenant
def due(
    connection: Connection, tenant: TenantId, endpoint: str, *, now_us: int, stale_us: int, limit: int
) -> list[str]:
    """What may be sent now, the longest due first: claimed by nobody, or by a job that claimed it before `stale_us` and ended without a word."""
    where = _due(tenant, endpoint, now_us=now_us, stale_us=stale_us)
    chosen = select(DELIVERY.c.id).where(where).order_by(DELIVERY.c.due_us, DELIVERY.c.id).limit(limit)
    return [row.id for row in connection.execute(chosen)]


@of_tenant
def claim(
    connection: Connection, tenant: TenantId, endpoint: str, *, chosen: Sequence[str], job: str, now_us: int, stale_us: int
) -> None:  # fmt: skip
    """They are this job's to send, but for those that another has claimed meanwhile."""
    where = (_due(tenant, endpoint, now_us=now_us, stale_us=stale_us), DELIVERY.c.id.in_(chosen))
    connection.execute(update(DELIVERY).where(*where).values(claim=job, claimed_us=now_us))


@of_tenant
def claimed(
    connection: Connection, tenant: TenantId, endpoint: str, *, job: str, limit: int
) -> list[DeliveryRow]:
    """What this job is to send."""
    where = (
        DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint, DELIVERY.c.claim == job, DELIVERY.c.state == State.WAITING,
    )  # fmt: skip
    found = connection.execute(
        select(DELIVERY).where(*where).order_by(DELIVERY.c.due_us, DELIVERY.c.id).limit(limit)
    )
    return [_delivery(row) for row in found]


@of_tenant
def next_due(connection: Connection, tenant: TenantId, endpoint: str) -> int:
    """When the next delivery of the endpoint that nobody has claimed is due; 0 where none waits."""
    where = (
        DELIVERY.c.tenant == tenant, DELIVERY.c.endpoint == endpoint, DELIVERY.c.state == State.WAITING, DELIVERY.c.claim == "",
    )  # fmt: skip
    return connection.execute(select(func.min(DELIVERY.c.due_us)).where(*where)).scalar_one() or 0


@of_tenant
def settle(
    connection: Connection, tenant: TenantId, held: DeliveryRow, *, at_us: int, changes: Mapping[str, Any]
) -> bool:
    """What became of a try, if the delivery is still the job's that sent it; with its line in the log of attempts."""
    where = (
        DELIVERY.c.tenant == tenant, DELIVERY.c.id == held.id, DELIVERY.c.claim == held.claim, DELIVERY.c.attempts == held.attempts,
        DELIVERY.c.state == State.WAITING,
    )  # fmt: skip
    number = held.attempts + 1
    values = {**changes, "attempts": number, "claim": "", "claimed_us": 0, "changed_us": at_us}
    if connection.execute(update(DELIVERY).where(*where).values(**values)).rowcount != 1:
        return False
    told = {"at_us": at_us, **{name: changes[name] for name in ("took_us", "status", "code")}}
    connection.execute(insert(ATTEMPT).values(tenant=tenant, delivery=held.id, number=number, **told))
    return True


@of_tenant
def unattended(connection: Connection, tenant: TenantId, *, now_us: int, stale_us: int) -> list[str]:
    """Active endpoints that something is due for and nobody is at."""
    where = and_(
        DELIVERY.c.tenant == tenant, DELIVERY.c.state == State.WAITING, _is_due(now_us), _is_free(now_us, stale_us)
    )  # fmt: skip
    on = select(ENDPOINT.c.id).where(ENDPOINT.c.tenant == tenant, ENDPOINT.c.state == Standing.ACTIVE)
    waiting = select(DELIVERY.c.endpoint).where(where, DELIVERY.c.endpoint.in_(on)).distinct()
    return sorted(row.endpoint for row in connection.execute(waiting))
