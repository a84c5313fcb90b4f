"""The room's tables, and its hand on the log's old events. `legal_hold` is read and written under the tenant's gate, one row that whoever purges, erases,
places or releases locks first: so a hold is in force before a purge, or the purge was before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from ostiary.audit.store import audit_event, audit_subject
from ostiary.db.marks import unmarked
from ostiary.db.scope import hand, of_tenant
from ostiary.db.tables import blind, clear, metadata, sealed, upsert
from ostiary.errors import Conflict
from ostiary.ids import TenantId
from ostiary.retention.hold import Hold

HOLDS_MAX = 1000
DROPPED = {"action": "", "decision": "", "actor_kind": "", "actor_id": "", "call": "", "code": "", "envelope": b"", "parts": b""}  # fmt: skip
"""What is left of an event's row: its place, its id and its time. The tree has its leaf hash."""

LEGAL_HOLD = Table(
    "legal_hold",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("scope", String(16)),
    clear("subject", String(64)),
    blind("subject_index", nullable=True),
    clear("action", String(200)),
    clear("since_us", BigInteger),
    clear("until_us", BigInteger),
    sealed("words"),
    clear("placed_us", BigInteger),
    clear("placed_by", String(64)),
    clear("released_us", BigInteger, nullable=True),
    clear("released_by", String(64), nullable=True),
    info=unmarked("whoever writes here can delete what it holds, whatever it says"),
)

GATE = Table(
    "retention_gate",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("turn", BigInteger),
    clear("next", BigInteger),
    clear("dropped_before", BigInteger),
    info=unmarked("how far the log has let go"),
)

RULE = Table(
    "retention_rule",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("kind", String(32), primary_key=True),
    clear("days", Integer),
    clear("changed_us", BigInteger),
    clear("changed_by", String(64)),
    info=unmarked("whoever writes here can delete what it keeps, whatever it says"),
)

ERASING = Table(
    "erasing",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("state", String(16)),
    clear("subject", String(64)),
    blind("subject_index"),
    sealed("words", nullable=True),
    clear("requested_us", BigInteger),
    clear("requested_by", String(64)),
    clear("begun_us", BigInteger, nullable=True),
    clear("ended_us", BigInteger, nullable=True),
    clear("found", LargeBinary, nullable=True),
    clear("certificate", LargeBinary, nullable=True),
    Index(None, "tenant", "state"),
    info=unmarked("whom it is about is sealed; its certificate is proven by the log"),
)

ENDING = Table(
    "ending",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(64), primary_key=True),
    clear("state", String(16)),
    clear("requested_us", BigInteger),
    clear("requested_by", String(64)),
    clear("due_us", BigInteger),
    clear("ended_us", BigInteger, nullable=True),
    clear("found", LargeBinary, nullable=True),
    clear("certificate", LargeBinary, nullable=True),
    info=unmarked("whoever writes here can delete what it would; its certificate is proven by the log"),
)


@dataclass(frozen=True, slots=True)
class HoldRow:
    id: str
    scope: str
    subject: str
    subject_index: bytes | None
    action: str
    since_us: int
    until_us: int
    words: bytes
    placed_us: int
    placed_by: str
    released_us: int | None
    released_by: str | None


@dataclass(frozen=True, slots=True)
class GateRow:
    """turn goes up with each hold that is placed or released; next: where the log's purge goes on; dropped_before: before which place it has dropped bodies,
    for people to see: what counts is what the log's own events say."""

    turn: int
    next: int
    dropped_before: int


@dataclass(frozen=True, slots=True)
class ErasingRow:
    """state: asked, destroying (past the point of no return), done, refused (a hold stood on it, or it never began). `words`: the subject's id, sealed, until it is done.
    found: JSON, what was counted before; certificate: the signed document."""

    id: str
    state: str
    subject: str
    subject_index: bytes
    words: bytes | None
    requested_us: int
    requested_by: str
    begun_us: int | None
    ended_us: int | None
    found: bytes | None
    certificate: bytes | None


@dataclass(frozen=True, slots=True)
class EndingRow:
    """state: waiting (for its day), kept (taken back), destroying, done."""

    id: str
    state: str
    requested_us: int
    requested_by: str
    due_us: int
    ended_us: int | None
    found: bytes | None
    certificate: bytes | None


@dataclass(frozen=True, slots=True)
class OldRow:
    """An event that may be dropped, as far as a hold asks."""

    number: int
    id: str
    at_us: int
    action: str
    actor_id: str
    whole: bool
    parts: bytes
    envelope: bytes = b""


_HOLD = [LEGAL_HOLD.c[name] for name in HoldRow.__slots__]
_ERASING = [ERASING.c[name] for name in ErasingRow.__slots__]


@of_tenant
def gate(connection: Connection, tenant: TenantId) -> GateRow:
    """Lock the tenant's gate to the end of the transaction; nobody places, releases, purges or erases meanwhile."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = make(GATE).values(tenant=tenant, turn=0, next=0, dropped_before=0)
    connection.execute(first.on_conflict_do_nothing(index_elements=["tenant"]))
    locked = select(GATE.c.turn, GATE.c.next, GATE.c.dropped_before).where(GATE.c.tenant == tenant)
    return GateRow(*connection.execute(locked.with_for_update()).one())


@of_tenant
def look_at_gate(connection: Connection, tenant: TenantId) -> GateRow:
    """The gate as it stands, without waiting at it."""
    found = connection.execute(
        select(GATE.c.turn, GATE.c.next, GATE.c.dropped_before).where(GATE.c.tenant == tenant)
    ).one_or_none()
    return GateRow(*found) if found else GateRow(0, 0, 0)


@of_tenant
def pass_gate(connection: Connection, tenant: TenantId, turn: int) -> GateRow:
    """Lock the gate. Raises Conflict where a hold was placed or released since `turn` was read: look again."""
    row = gate(connection, tenant)
    if row.turn != turn:
        raise Conflict("A hold was placed or released meanwhile.")
    return row


@of_tenant
def move_gate(connection: Connection, tenant: TenantId, changes: Mapping[str, Any]) -> None:
    connection.execute(update(GATE).where(GATE.c.tenant == tenant).values(**changes))


@of_tenant
def add_hold(connection: Connection, tenant: TenantId, row: HoldRow) -> None:
    connection.execute(insert(LEGAL_HOLD).values(tenant=tenant, **_values(row)))


@of_tenant
def release_hold(connection: Connection, tenant: TenantId, hold: str, *, at_us: int, by: str) -> None:
    """Raises Conflict where it is released already."""
    standing = and_(
        LEGAL_HOLD.c.tenant == tenant, LEGAL_HOLD.c.id == hold, LEGAL_HOLD.c.released_us.is_(None)
    )
    if (
        connection.execute(
            update(LEGAL_HOLD).where(standing).values(released_us=at_us, released_by=by)
        ).rowcount
        != 1
    ):
        raise Conflict("This hold is released already.")


@of_tenant
def find_hold(connection: Connection, tenant: TenantId, hold: str) -> HoldRow | None:
    row = connection.execute(
        select(*_HOLD).where(LEGAL_HOLD.c.tenant == tenant, LEGAL_HOLD.c.id == hold)
    ).one_or_none()
    return HoldRow(*row) if row else None


@of_tenant
def list_holds(
    connection: Connection, tenant: TenantId, *, standing: bool, before: str, limit: int
) -> list[HoldRow]:
    """The newest first; `standing`: those that are not released only."""
    where = [LEGAL_HOLD.c.tenant == tenant]
    if standing:
        where.append(LEGAL_HOLD.c.released_us.is_(None))
    if before:
        where.append(LEGAL_HOLD.c.id < before)
    found = connection.execute(select(*_HOLD).where(*where).order_by(LEGAL_HOLD.c.id.desc()).limit(limit))
    return [HoldRow(*row) for row in found]


@of_tenant
def holds(connection: Connection, tenant: TenantId) -> tuple[Hold, ...]:
    """Every hold that stands."""
    where = (LEGAL_HOLD.c.tenant == tenant, LEGAL_HOLD.c.released_us.is_(None))
    found = connection.execute(select(*_HOLD).where(*where).order_by(LEGAL_HOLD.c.id))
    return tuple(_hold(HoldRow(*row)) for row in found)


def _hold(row: HoldRow) -> Hold:
    return Hold(
        row.id, row.scope, row.subject, row.subject_index or b"", row.action, row.since_us, row.until_us
    )


@of_tenant
def rules(connection: Connection, tenant: TenantId) -> dict[str, int]:
    """The days that the tenant has decided itself, by kind."""
    found = connection.execute(select(RULE.c.kind, RULE.c.days).where(RULE.c.tenant == tenant))
    return {row[0]: row[1] for row in found}


@of_tenant
def put_rule(connection: Connection, tenant: TenantId, kind: str, days: int, *, at_us: int, by: str) -> None:
    values = {"tenant": tenant, "kind": kind, "days": days, "changed_us": at_us, "changed_by": by}
    changing = ("days", "changed_us", "changed_by")
    connection.execute(upsert(connection.dialect.name, RULE, values, changing=changing))


# The log's old events.


@of_tenant
def old_events(connection: Connection, tenant: TenantId, start: int, limit: int) -> list[OldRow]:
    """The events from place `start` on, in the log's order, `limit` places at most."""
    c = audit_event.c
    found = connection.execute(
        select(c.number, c.id, c.at_us, c.action, c.actor_id, c.envelope != b"", c.parts, c.envelope)
        .where(c.tenant == tenant, c.number >= start, c.number < start + limit)
        .order_by(c.number)
    )
    return [OldRow(*row) for row in found]


@of_tenant
def drop_bodies(connection: Connection, tenant: TenantId, numbers: list[int]) -> int:
    """Let go of what these events said; their places, ids and times stay, and the tree as it is."""
    with hand(connection, "retention"):
        c, s = audit_event.c, audit_subject.c
        dropped = connection.execute(
            update(audit_event).where(c.tenant == tenant, c.number.in_(numbers)).values(**DROPPED)
        )
        connection.execute(delete(audit_subject).where(s.tenant == tenant, s.number.in_(numbers)))
        return dropped.rowcount


@of_tenant
def calls_of(connection: Connection, tenant: TenantId, names: list[str]) -> list[str]:
    """The calls whose events are about a subject, or that it made itself."""
    c = audit_event.c
    found = connection.execute(select(c.call).where(_about(tenant, names), c.call != "").distinct())
    return [row[0] for row in found]


@of_tenant
def count_events(connection: Connection, tenant: TenantId, names: list[str]) -> int:
    """How many events are about a subject, or of what it did."""
    return connection.execute(
        select(func.count()).select_from(audit_event).where(_about(tenant, names))
    ).scalar_one()


@of_tenant
def events_about(
    connection: Connection, tenant: TenantId, names: list[str], *, start: int, limit: int
) -> list[OldRow]:
    """The events about a subject from place `start` on."""
    c = audit_event.c
    found = connection.execute(
        select(c.number, c.id, c.at_us, c.action, c.actor_id, c.envelope != b"", c.parts, c.envelope)
        .where(_about(tenant, names), c.number >= start)
        .order_by(c.number)
        .limit(limit)
    )
    return [OldRow(*row) for row in found]


@of_tenant
def held_about(connection: Connection, tenant: TenantId, names: list[str], hold: Hold) -> bool:
    """Whether an event about the subject is of an action, or of a time, that the hold stands on."""
    c = audit_event.c
    if hold.action:
        of = (
            c.action.startswith(hold.action[:-1], autoescape=True)
            if hold.action.endswith(".*")
            else c.action == hold.action
        )
    else:
        of = and_(c.at_us >= hold.since_us, c.at_us < hold.until_us)
    return connection.execute(select(c.number).where(_about(tenant, names), of).limit(1)).first() is not None


def _about(tenant: TenantId, names: list[str]) -> Any:
    c, s = audit_event.c, audit_subject.c
    labelled = select(s.number).where(s.tenant == tenant, s.subject.in_(names))
    own = select(c.number).where(c.tenant == tenant, c.actor_id.in_(names))
    return and_(c.tenant == tenant, c.number.in_(union(labelled, own)))  # each by its own index


@of_tenant
def subjects_of_calls(
    connection: Connection, tenant: TenantId, calls: list[str]
) -> dict[str, frozenset[str]]:
    """Whom the log knows these calls to be about (500 at most)."""
    c, s = audit_event.c, audit_subject.c
    found = connection.execute(
        select(c.call, s.subject)
        .join_from(audit_event, audit_subject, and_(s.tenant == c.tenant, s.number == c.number))
        .where(c.tenant == tenant, c.call.in_(calls))
    )
    about: dict[str, set[str]] = {}
    for call, subject in found:
        about.setdefault(call, set()).add(subject)
    return {call: frozenset(subjects) for call, subjects in about.items()}


@of_tenant
def certified(connection: Connection, tenant: TenantId, erasure: str, action: str) -> str | None:
    """The id of the event that vouches for an erasure's certificate."""
    c = audit_event.c
    found = select(c.id).where(c.tenant == tenant, c.call == erasure, c.action == action)
    return connection.execute(found.order_by(c.number.desc()).limit(1)).scalar_one_or_none()


# Erasures.


@of_tenant
def add_erasing(connection: Connection, tenant: TenantId, row: ErasingRow) -> None:
    connection.execute(insert(ERASING).values(tenant=tenant, **_values(row)))


@of_tenant
def find_erasing(connection: Connection, tenant: TenantId, erasure: str) -> ErasingRow | None:
    row = connection.execute(
        select(*_ERASING).where(ERASING.c.tenant == tenant, ERASING.c.id == erasure)
    ).one_or_none()
    return ErasingRow(*row) if row else None


@of_tenant
def list_erasing(connection: Connection, tenant: TenantId, *, before: str, limit: int) -> list[ErasingRow]:
    """The newest first."""
    where = [ERASING.c.tenant == tenant, *([ERASING.c.id < before] if before else [])]
    found = connection.execute(select(*_ERASING).where(*where).order_by(ERASING.c.id.desc()).limit(limit))
    return [ErasingRow(*row) for row in found]


@of_tenant
def unfinished(connection: Connection, tenant: TenantId, *, subject: str = "") -> list[ErasingRow]:
    """Erasures that were asked for and have not ended; those of one subject."""
    where = [ERASING.c.tenant == tenant, ERASING.c.state.in_(("asked", "destroying"))]
    if subject:
        where.append(ERASING.c.subject == subject)
    return [ErasingRow(*row) for row in connection.execute(select(*_ERASING).where(*where))]


@of_tenant
def erasing_of(connection: Connection, tenant: TenantId, subjects: list[str]) -> dict[str, str]:
    """The last erasure of each of these subjects (by their pseudonym) that was not refused."""
    c = ERASING.c
    where = (c.tenant == tenant, c.subject.in_(subjects), c.state != "refused")
    rows = connection.execute(select(c.subject, c.id).where(*where).order_by(c.requested_us, c.id))
    return {row.subject: row.id for row in rows}


@of_tenant
def move_erasing(
    connection: Connection, tenant: TenantId, erasure: str, *, expected: str, changes: Mapping[str, Any]
) -> None:
    """Raises Conflict where it does not stand in the expected state."""
    where = and_(ERASING.c.tenant == tenant, ERASING.c.id == erasure, ERASING.c.state == expected)
    if connection.execute(update(ERASING).where(where).values(**changes)).rowcount != 1:
        raise Conflict("This erasure has moved on.")


def _values(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}
