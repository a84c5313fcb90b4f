"""How long agreements are kept after they have expired, and what becomes of what a person saved when the person is erased."""

from sqlalchemy import Connection

from ostiary.ids import TenantId
from ostiary.retention.kinds import Batch, Holder, KeptKind, Purged, Whom
from ostiary.sources import store

DAYS = 90
DAYS_MIN = 1


def _purge(connection: Connection, tenant: TenantId, batch: Batch) -> Purged:
    """An agreement names who asked and a digest of the statement, which stands in the log as well; no hold covers it."""
    gone = store.forget_passes(
        connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
    )
    full = len(gone) == batch.limit
    return Purged(len(gone), 0, gone[-1] if full else "", not full)


KEPT = KeptKind(
    "source_pass",
    "Agreements to statements",
    "That somebody may run one statement on a source some times, after it has expired.",
    DAYS,
    DAYS_MIN,
    _purge,
)


def _count(connection: Connection, tenant: TenantId, _calls: list[str], whom: Whom) -> dict[str, int]:
    return {"source_saved": store.saved_by(connection, tenant, whom.id)}


def _clear(
    connection: Connection, tenant: TenantId, _calls: list[str], whom: Whom, _at_us: int
) -> dict[str, int]:
    return {"source_saved": store.forget_saved(connection, tenant, whom.id, whom.pseudonym)}


def _busy(_connection: Connection, _tenant: TenantId, _calls: list[str]) -> bool:
    return False  # a call that is under way is the calls' own affair


HOLDER = Holder("sources", _count, _clear, _busy)
