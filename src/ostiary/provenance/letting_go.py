"""What retention and erasure do with agents' sessions: a person's words go with the person, and what their agent has read."""

from sqlalchemy import Connection

from ostiary.ids import TenantId
from ostiary.provenance import store
from ostiary.provenance.marked import store as marked
from ostiary.retention.hold import Item, covering
from ostiary.retention.kinds import Batch, Holder, KeptKind, Purged, Whom

DAYS = 90
DAYS_MIN = 1


def _purge(connection: Connection, tenant: TenantId, batch: Batch) -> Purged:
    rows = store.old_sessions(
        connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
    )
    free = [
        row.id
        for row in rows
        if not covering(
            batch.holds, Item(frozenset({row.agent, row.opened_by}), "agent_session.open", row.opened_us)
        )
    ]
    store.remove_sessions(connection, tenant, free)
    marked.forget_session(connection, tenant, free)
    full = len(rows) == batch.limit
    return Purged(len(free), len(rows) - len(free), rows[-1].id if full else "", not full)


KEPT = KeptKind(
    "sessions",
    "Agents' sessions",
    "What people said that agents should do, and which calls were made for it. The log tells of the calls for longer.",
    DAYS,
    DAYS_MIN,
    _purge,
)


def _count(connection: Connection, tenant: TenantId, _calls: list[str], whom: Whom) -> dict[str, int]:
    return {
        "session_words": store.words_by(connection, tenant, whom.id),
        "seen": marked.seen_by(connection, tenant, whom.id, whom.pseudonym),
    }


def _clear(
    connection: Connection, tenant: TenantId, _calls: list[str], whom: Whom, at_us: int
) -> dict[str, int]:
    words = store.forget_words(connection, tenant, whom.id, at_us)
    return {"session_words": words, "seen": marked.forget_of(connection, tenant, whom.id, whom.pseudonym)}


def _busy(_connection: Connection, _tenant: TenantId, _calls: list[str]) -> bool:
    return False  # a call that is under way is the calls' own affair


HOLDER = Holder("sessions", _count, _clear, _busy)
