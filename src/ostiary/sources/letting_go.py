"""How long agreements are kept after they have expired."""

from sqlalchemy import Connection

from ostiary.ids import TenantId
from ostiary.retention.kinds import Batch, KeptKind, Purged
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
