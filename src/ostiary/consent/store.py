"""Two tables. `call`: every call with an effect, one row from intent to outcome, found again by its idempotency key. `approval`: what a person is asked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
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
    UniqueConstraint,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ostiary.db.marks import unmarked
from ostiary.db.scope import known, of_tenant, stored, within
from ostiary.db.signals import tell
from ostiary.db.tables import blind, clear, metadata, sealed
from ostiary.errors import ApprovalClosed, Conflict, TooMany
from ostiary.ids import CallId, TenantId


class State(StrEnum):
    """held: a person is asked. approved: said yes, not begun. running: intent is committed. unknown: begun, and nobody knows how it ended."""

    HELD = "held"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


REMEMBERED_MAX = 10
CHANGED = "call"
"""The signal that a call for which somebody may wait has come to a step: it was held, decided, or went on afterwards. A call that goes straight on gives none:
each signal costs a commit its place in a queue."""

ENDED = (State.DONE, State.FAILED, State.REJECTED, State.EXPIRED)

CALL = Table(
    "call",
    metadata,
    clear("tenant", String(40), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("actor_kind", String(16)),
    clear("actor_id", String(64)),
    clear("action", String(200)),
    clear("contract", String(64)),
    clear("face", String(16)),
    clear("state", String(16)),
    clear("code", String(64)),
    clear("boot", String(40)),
    clear("attempt", Integer),
    blind("key_index", nullable=True),
    blind("fingerprint"),
    sealed("actor"),
    sealed("params", nullable=True),
    sealed("answer", nullable=True),
    clear("created_us", BigInteger),
    clear("changed_us", BigInteger),
    UniqueConstraint("tenant", "actor_id", "key_index"),
    Index(None, "tenant", "state", "created_us"),
    info=unmarked("what was asked is sealed in its place; what was held never runs without a vouched yes"),
)

APPROVAL = Table(
    "approval",
    metadata,
    clear("tenant", String(40), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("call", String(40)),
    clear("state", String(16)),
    clear("action", String(200)),
    clear("contract", String(64)),
    clear("risk", String(16)),
    clear("rule", String(64)),
    clear("policy", String(32)),
    clear("actor_id", String(64)),
    clear("session", String(64)),
    clear("step_up", Boolean),
    clear("self_approval", Boolean),
    blind("sinks"),
    blind("binding"),
    clear("nonce", String(32)),
    sealed("card"),
    sealed("reason", nullable=True),
    clear("asked_us", BigInteger),
    clear("expires_us", BigInteger),
    clear("decided_us", BigInteger, nullable=True),
    clear("decided_by", String(64), nullable=True),
    blind("vouched", nullable=True),
    UniqueConstraint("tenant", "call"),
    Index(None, "tenant", "state", "asked_us"),
    info=unmarked("a yes is vouched for by itself, bound to the whole card (consent.binding)"),
)


@dataclass(frozen=True, slots=True)
class CallRow:
    tenant: TenantId
    id: CallId
    actor_kind: str
    actor_id: str
    action: str
    contract: str
    face: str
    state: State
    code: str
    boot: str
    attempt: int
    key_index: bytes | None
    fingerprint: bytes
    actor: bytes
    params: bytes | None
    answer: bytes | None
    created_us: int
    changed_us: int


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    tenant: TenantId
    id: str
    call: CallId
    state: str
    action: str
    contract: str
    risk: str
    rule: str
    policy: str
    actor_id: str
    session: str
    step_up: bool
    self_approval: bool
    sinks: bytes
    binding: bytes
    nonce: str
    card: bytes
    reason: bytes | None
    asked_us: int
    expires_us: int
    decided_us: int | None
    decided_by: str | None
    vouched: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many questions wait, when the oldest was asked and the next expires (0: none waits), how many calls are of unknown outcome, and how many run
    under each process."""

    waiting: int
    oldest_us: int
    expiry_us: int
    unknown: int
    running: dict[str, int]


def _call(connection: Connection, row: Row[Any]) -> CallRow:
    values = dict(row._mapping)
    tenant = known(connection, values["tenant"])
    return CallRow(**{**values, "tenant": tenant, "state": State(values["state"])})


def _approval(connection: Connection, row: Row[Any]) -> ApprovalRow:
    values = dict(row._mapping)
    return ApprovalRow(**{**values, "tenant": known(connection, values["tenant"])})


def insert_call(connection: Connection, row: CallRow) -> None:
    """Raises IntegrityError if this actor has used the idempotency key."""
    with within(connection, row.tenant):
        values = {name: getattr(row, name) for name in CallRow.__slots__}
        connection.execute(insert(CALL).values(**{**values, "tenant": stored(connection, row.tenant)}))


def insert_approval(connection: Connection, row: ApprovalRow) -> None:
    values = {name: getattr(row, name) for name in ApprovalRow.__slots__}
    with within(connection, row.tenant):
        connection.execute(insert(APPROVAL).values(**{**values, "tenant": stored(connection, row.tenant)}))
        tell(connection, row.tenant, CHANGED, row.call)


@of_tenant
def find_call(connection: Connection, tenant: TenantId, call: CallId) -> CallRow | None:
    row = connection.execute(select(CALL).where(CALL.c.tenant == tenant, CALL.c.id == call)).one_or_none()
    return _call(connection, row) if row else None


@of_tenant
def find_by_key(connection: Connection, tenant: TenantId, actor_id: str, key_index: bytes) -> CallRow | None:
    where = and_(CALL.c.tenant == tenant, CALL.c.actor_id == actor_id, CALL.c.key_index == key_index)
    row = connection.execute(select(CALL).where(where)).one_or_none()
    return _call(connection, row) if row else None


@of_tenant
def list_calls(
    connection: Connection,
    tenant: TenantId,
    *,
    states: Sequence[str],
    before: str,
    limit: int,
    actor_id: str = "",
) -> list[CallRow]:
    """Newest first; `before` is the last id of the page before. `actor_id` narrows to what that actor asked."""
    where = [CALL.c.tenant == tenant]
    if states:
        where.append(CALL.c.state.in_(states))
    if before:
        where.append(CALL.c.id < before)
    if actor_id:
        where.append(CALL.c.actor_id == actor_id)
    rows = connection.execute(select(CALL).where(*where).order_by(CALL.c.id.desc()).limit(limit))
    return [_call(connection, row) for row in rows]


@of_tenant
def move_call(
    connection: Connection,
    tenant: TenantId,
    call: CallId,
    *,
    expected: State,
    to: State,
    at_us: int,
    held_by: tuple[str, int] | None = None,
    told: bool = True,
    **changes: Any,
) -> None:
    """Move a call from one state to the next. Raises Conflict if it is not in the expected state, or not of the process and attempt `held_by`: that is what
    makes each step happen once."""
    where = and_(CALL.c.tenant == tenant, CALL.c.id == call, CALL.c.state == expected)
    if held_by:
        where = and_(where, CALL.c.boot == held_by[0], CALL.c.attempt == held_by[1])
    done = connection.execute(update(CALL).where(where).values(state=to, changed_us=at_us, **changes))
    if done.rowcount != 1:
        raise Conflict("This call has moved on.")
    if told:
        tell(connection, tenant, CHANGED, call)


@of_tenant
def find_approval(connection: Connection, tenant: TenantId, approval: str) -> ApprovalRow | None:
    row = connection.execute(
        select(APPROVAL).where(APPROVAL.c.tenant == tenant, APPROVAL.c.id == approval)
    ).one_or_none()
    return _approval(connection, row) if row else None


@of_tenant
def approval_of(connection: Connection, tenant: TenantId, call: CallId) -> ApprovalRow | None:
    row = connection.execute(
        select(APPROVAL).where(APPROVAL.c.tenant == tenant, APPROVAL.c.call == call)
    ).one_or_none()
    return _approval(connection, row) if row else None


@of_tenant
def list_approvals(
    connection: Connection, tenant: TenantId, *, states: Sequence[str], before: str, limit: int
) -> list[tuple[ApprovalRow, CallRow]]:
    """Approvals with their calls, newest first."""
    where = [APPROVAL.c.tenant == tenant]
    if states:
        where.append(APPROVAL.c.state.in_(states))
    if before:
        where.append(APPROVAL.c.id < before)
    found = connection.execute(select(APPROVAL).where(*where).order_by(APPROVAL.c.id.desc()).limit(limit))
    rows = [_approval(connection, row) for row in found]
    wanted = select(CALL).where(CALL.c.tenant == tenant, CALL.c.id.in_([row.call for row in rows]))
    calls = {row.id: _call(connection, row) for row in connection.execute(wanted)}
    return [(row, calls[row.call]) for row in rows]


@of_tenant
def must_have_room(connection: Connection, tenant: TenantId, actor_id: str, waiting_max: int) -> None:
    """Raises TooMany where this actor has asked as much as a person can look at."""
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting", APPROVAL.c.actor_id == actor_id)
    waiting = select(APPROVAL.c.id).where(where).limit(waiting_max).subquery()
    if connection.execute(select(func.count()).select_from(waiting)).scalar_one() >= waiting_max:
        raise TooMany(f"{waiting_max} calls of yours wait for a person already.", retry_after_s=60)


@of_tenant
def count_waiting(connection: Connection, tenant: TenantId) -> int:
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting")
    return connection.execute(select(func.count()).select_from(APPROVAL).where(where)).scalar_one()


@of_tenant
def standing(connection: Connection, tenant: TenantId) -> Standing:
    """What waits for somebody, in numbers."""
    waits = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting")
    columns = (func.count(), func.min(APPROVAL.c.asked_us), func.min(APPROVAL.c.expires_us))
    waiting, oldest_us, expiry_us = connection.execute(select(*columns).where(waits)).one()
    unknown = and_(CALL.c.tenant == tenant, CALL.c.state == State.UNKNOWN)
    count = connection.execute(select(func.count()).select_from(CALL).where(unknown)).scalar_one()
    under = and_(CALL.c.tenant == tenant, CALL.c.state == State.RUNNING)
    running = connection.execute(select(CALL.c.boot, func.count()).where(under).group_by(CALL.c.boot))
    return Standing(waiting, oldest_us or 0, expiry_us or 0, count, {row[0]: row[1] for row in running})


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many approvals wait, and when the first of them lapses; 0 for none."""

    count: int
    first_us: int


@of_tenant
def waiting_after(connection: Connection, tenant: TenantId, now_us: int) -> Waiting:
    """Those whose time is not up."""
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting", APPROVAL.c.expires_us > now_us)
    query = select(func.count(), func.min(APPROVAL.c.expires_us)).where(where)
    count, first_us = connection.execute(query).one()
    return Waiting(count, first_us or 0)


@of_tenant
def decide_approval(
    connection: Connection,
    tenant: TenantId,
    approval: str,
    *,
    state: str,
    by: str | None,
    at_us: int,
    reason: bytes | None = None,
    vouched: bytes | None = None,
) -> None:
    """Close a waiting approval. Raises ApprovalClosed if somebody was faster."""
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.id == approval, APPROVAL.c.state == "waiting")
    values = {"state": state, "decided_by": by, "decided_us": at_us, "reason": reason, "vouched": vouched}
    if connection.execute(update(APPROVAL).where(where).values(**values)).rowcount != 1:
        raise ApprovalClosed


@of_tenant
def remembered(
    connection: Connection, tenant: TenantId, *, actor_id: str, session: str, contract: str, sinks: bytes, since_us: int
) -> list[ApprovalRow]:  # fmt: skip
    """Where a person said yes in this session to the same contract with the same sink values, since `since_us`; the last REMEMBERED_MAX."""
    where = and_(
        APPROVAL.c.tenant == tenant,
        APPROVAL.c.state == "approved",
        APPROVAL.c.actor_id == actor_id,
        APPROVAL.c.session == session,
        APPROVAL.c.contract == contract,
        APPROVAL.c.sinks == sinks,
        APPROVAL.c.decided_us >= since_us,
    )
    latest = select(APPROVAL).where(where).order_by(APPROVAL.c.decided_us.desc()).limit(REMEMBERED_MAX)
    return [_approval(connection, row) for row in connection.execute(latest)]


@of_tenant
def expired_approvals(connection: Connection, tenant: TenantId, now_us: int, limit: int) -> list[ApprovalRow]:
    """Waiting approvals whose time is up."""
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting", APPROVAL.c.expires_us <= now_us)
    return [
        _approval(connection, row) for row in connection.execute(select(APPROVAL).where(where).limit(limit))
    ]


@of_tenant
def pending_calls(
    connection: Connection, tenant: TenantId, boot: str, known: Collection[str], under_way: Collection[str], limit: int
) -> list[CallRow]:  # fmt: skip
    """Calls that somebody may have to go on with: approved ones; running ones of processes that are not `known`; and those that run under this `boot`
    but are not `under_way`."""
    running = CALL.c.state == State.RUNNING
    left = and_(running, CALL.c.boot.not_in(known))
    lost = and_(running, CALL.c.boot == boot, CALL.c.id.not_in(under_way))
    where = and_(CALL.c.tenant == tenant, or_(CALL.c.state == State.APPROVED, left, lost))
    return [
        _call(connection, row)
        for row in connection.execute(select(CALL).where(where).order_by(CALL.c.id).limit(limit))
    ]


@of_tenant
def forget_keys(connection: Connection, tenant: TenantId, before_us: int) -> None:
    """Idempotency keys older than their time no longer give their answer; the call itself stays."""
    old = and_(CALL.c.tenant == tenant, CALL.c.key_index.is_not(None), CALL.c.created_us < before_us)
    connection.execute(update(CALL).where(old, CALL.c.state.in_(ENDED)).values(key_index=None, answer=None))


IDS_PER_STATEMENT = 500


@of_tenant
def count_about(
    connection: Connection, tenant: TenantId, calls: Sequence[str], actor_id: str
) -> dict[str, int]:
    """How many rows still hold content of these calls, or of what this actor asked."""
    full = or_(CALL.c.params.is_not(None), CALL.c.answer.is_not(None), CALL.c.actor != b"")
    counts = {"call": 0, "approval": 0}
    for part in _parts(calls):
        of_call = and_(CALL.c.tenant == tenant, CALL.c.id.in_(part), full)
        counts["call"] += connection.execute(
            select(func.count()).select_from(CALL).where(of_call)
        ).scalar_one()
        asked = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.call.in_(part))
        counts["approval"] += connection.execute(
            select(func.count()).select_from(APPROVAL).where(asked)
        ).scalar_one()
    return counts


@of_tenant
def is_running(connection: Connection, tenant: TenantId, calls: Sequence[str]) -> bool:
    """Whether one of these calls is under way."""
    return any(
        connection.execute(
            select(CALL.c.id)
            .where(CALL.c.tenant == tenant, CALL.c.id.in_(part), CALL.c.state == State.RUNNING)
            .limit(1)
        ).first()
        for part in _parts(calls)
    )


@of_tenant
def clear_calls(
    connection: Connection, tenant: TenantId, calls: Sequence[str], *, actor_id: str, called: str, at_us: int
) -> dict[str, int]:
    """Overwrite what these calls hold, but for those that are running: what waits is closed, its question goes. The row stays, so that an idempotency key
    that was used is known; where there is none, this actor's id becomes `called`."""
    changed = {"call": 0, "approval": 0}
    for part in _parts(calls):
        mine = and_(CALL.c.tenant == tenant, CALL.c.id.in_(part), CALL.c.state != State.RUNNING)
        waiting = and_(mine, CALL.c.state.in_((State.HELD, State.APPROVED)))
        connection.execute(
            update(CALL).where(waiting).values(state=State.EXPIRED, code="approval.expired", changed_us=at_us)
        )
        empty = {"params": None, "answer": None, "actor": b""}
        changed["call"] += connection.execute(update(CALL).where(mine).values(**empty)).rowcount
        if actor_id:
            own = and_(mine, CALL.c.actor_id == actor_id, CALL.c.key_index.is_(None))
            connection.execute(update(CALL).where(own).values(actor_id=called))
        over = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.call.in_(select(CALL.c.id).where(mine)))
        changed["approval"] += connection.execute(delete(APPROVAL).where(over)).rowcount
    return changed


@of_tenant
def old_calls(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> list[CallRow]:
    """Calls that ended before then, in the order of their ids."""
    where = and_(
        CALL.c.tenant == tenant,
        CALL.c.state.in_(ENDED),
        CALL.c.created_us < before_us,
        CALL.c.changed_us < before_us,
        CALL.c.id > after,
    )
    return [
        _call(connection, row)
        for row in connection.execute(select(CALL).where(where).order_by(CALL.c.id).limit(limit))
    ]


@of_tenant
def remove_calls(connection: Connection, tenant: TenantId, calls: Sequence[str]) -> None:
    """The rows of these calls and of what was asked about them."""
    for part in _parts(calls):
        connection.execute(delete(APPROVAL).where(APPROVAL.c.tenant == tenant, APPROVAL.c.call.in_(part)))
        connection.execute(delete(CALL).where(CALL.c.tenant == tenant, CALL.c.id.in_(part)))


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + IDS_PER_STATEMENT] for at in range(0, len(ids), IDS_PER_STATEMENT)]


@of_tenant
def measure(connection: Connection, tenant: TenantId) -> tuple[int, int]:
    """How many calls stand in the ledger, and the bytes of what they keep."""
    actor, params, answer = (func.coalesce(func.length(CALL.c[name]), 0) for name in ("actor", "params", "answer"))  # fmt: skip
    columns = (func.count(), func.coalesce(func.sum(actor + params + answer), 0))
    row = connection.execute(select(*columns).where(CALL.c.tenant == tenant)).one()
    return int(row[0]), int(row[1])
