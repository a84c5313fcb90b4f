"""Two tables. `call`: every call with an effect, one row from intent to outcome, found again by its idempotency key. `approval`: what a person is asked."""

from collections.abc import Sequence
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
    func,
    insert,
    or_,
    select,
    update,
)

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


def _call(row: Row[Any]) -> CallRow:
    values = dict(row._mapping)
    return CallRow(**{**values, "state": State(values["state"])})


def _approval(row: Row[Any]) -> ApprovalRow:
    return ApprovalRow(**row._mapping)


def insert_call(connection: Connection, row: CallRow) -> None:
    """Raises IntegrityError if this actor has used the idempotency key."""
    connection.execute(insert(CALL).values(**{name: getattr(row, name) for name in CallRow.__slots__}))


def insert_approval(connection: Connection, row: ApprovalRow) -> None:
    connection.execute(
        insert(APPROVAL).values(**{name: getattr(row, name) for name in ApprovalRow.__slots__})
    )


def find_call(connection: Connection, tenant: TenantId, call: CallId) -> CallRow | None:
    row = connection.execute(select(CALL).where(CALL.c.tenant == tenant, CALL.c.id == call)).one_or_none()
    return _call(row) if row else None


def find_by_key(connection: Connection, tenant: TenantId, actor_id: str, key_index: bytes) -> CallRow | None:
    where = and_(CALL.c.tenant == tenant, CALL.c.actor_id == actor_id, CALL.c.key_index == key_index)
    row = connection.execute(select(CALL).where(where)).one_or_none()
    return _call(row) if row else None


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
    return [_call(row) for row in rows]


def move_call(
    connection: Connection,
    tenant: TenantId,
    call: CallId,
    *,
    expected: State,
    to: State,
    at_us: int,
    **changes: Any,
) -> None:
    """Move a call from one state to the next. Raises Conflict if it is not in the expected state: that is what makes each step happen once."""
    where = and_(CALL.c.tenant == tenant, CALL.c.id == call, CALL.c.state == expected)
    done = connection.execute(update(CALL).where(where).values(state=to, changed_us=at_us, **changes))
    if done.rowcount != 1:
        raise Conflict("This call has moved on.")


def find_approval(connection: Connection, tenant: TenantId, approval: str) -> ApprovalRow | None:
    row = connection.execute(
        select(APPROVAL).where(APPROVAL.c.tenant == tenant, APPROVAL.c.id == approval)
    ).one_or_none()
    return _approval(row) if row else None


def approval_of(connection: Connection, tenant: TenantId, call: CallId) -> ApprovalRow | None:
    row = connection.execute(
        select(APPROVAL).where(APPROVAL.c.tenant == tenant, APPROVAL.c.call == call)
    ).one_or_none()
    return _approval(row) if row else None


def list_approvals(
    connection: Connection, tenant: TenantId, *, states: Sequence[str], before: str, limit: int
) -> list[tuple[ApprovalRow, CallRow]]:
    """Approvals with their calls, newest first."""
    where = [APPROVAL.c.tenant == tenant]
    if states:
        where.append(APPROVAL.c.state.in_(states))
    if before:
        where.append(APPROVAL.c.id < before)
    rows = [
        _approval(row)
        for row in connection.execute(
            select(APPROVAL).where(*where).order_by(APPROVAL.c.id.desc()).limit(limit)
        )
    ]
    wanted = select(CALL).where(CALL.c.tenant == tenant, CALL.c.id.in_([row.call for row in rows]))
    calls = {row.id: _call(row) for row in connection.execute(wanted)}
    return [(row, calls[row.call]) for row in rows]


def must_have_room(connection: Connection, tenant: TenantId, actor_id: str, waiting_max: int) -> None:
    """Raises TooMany where this actor has asked as much as a person can look at."""
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting", APPROVAL.c.actor_id == actor_id)
    waiting = select(APPROVAL.c.id).where(where).limit(waiting_max).subquery()
    if connection.execute(select(func.count()).select_from(waiting)).scalar_one() >= waiting_max:
        raise TooMany(f"{waiting_max} calls of yours wait for a person already.", retry_after_s=60)


def count_waiting(connection: Connection, tenant: TenantId) -> int:
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting")
    return connection.execute(select(func.count()).select_from(APPROVAL).where(where)).scalar_one()


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


def remembered(
    connection: Connection,
    tenant: TenantId,
    *,
    actor_id: str,
    session: str,
    contract: str,
    sinks: bytes,
    since_us: int,
) -> list[ApprovalRow]:
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
    return [_approval(row) for row in connection.execute(latest)]


def expired_approvals(connection: Connection, tenant: TenantId, now_us: int, limit: int) -> list[ApprovalRow]:
    """Waiting approvals whose time is up."""
    where = and_(APPROVAL.c.tenant == tenant, APPROVAL.c.state == "waiting", APPROVAL.c.expires_us <= now_us)
    return [_approval(row) for row in connection.execute(select(APPROVAL).where(where).limit(limit))]


def pending_calls(
    connection: Connection, tenant: TenantId, boot: str, stale_us: int, limit: int
) -> list[CallRow]:
    """Calls that somebody has to go on with: approved ones, and running ones of a process that is no more, or that began before `stale_us`."""
    orphan = and_(CALL.c.state == State.RUNNING, or_(CALL.c.boot != boot, CALL.c.changed_us < stale_us))
    where = and_(CALL.c.tenant == tenant, or_(CALL.c.state == State.APPROVED, orphan))
    return [
        _call(row) for row in connection.execute(select(CALL).where(where).order_by(CALL.c.id).limit(limit))
    ]


def forget_keys(connection: Connection, tenant: TenantId, before_us: int) -> None:
    """Idempotency keys older than their time no longer give their answer; the call itself stays."""
    old = and_(CALL.c.tenant == tenant, CALL.c.key_index.is_not(None), CALL.c.created_us < before_us)
    connection.execute(update(CALL).where(old, CALL.c.state.in_(ENDED)).values(key_index=None, answer=None))
