"""How long runs of discovery are kept, and items that are gone."""

from sqlalchemy import Connection

from ostiary.discovery import store
from ostiary.ids import TenantId
from ostiary.retention.kinds import Batch, KeptKind, Purged

DAYS = 90
DAYS_MIN = 7


def _purge(connection: Connection, tenant: TenantId, batch: Batch) -> Purged:
    """What a run found is counts and names of items, and about nobody in particular, so no hold covers it. The newest run of a place that came to its end stays."""
    rows = store.old_runs(
        connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
    )
    store.remove_runs(connection, tenant, [run for run, _ in rows])
    full = len(rows) == batch.limit
    if not full:
        store.forget_gone(connection, tenant, batch.before_us)
    return Purged(len(rows), 0, rows[-1][0] if full else "", not full)


KEPT = KeptKind(
    "discovery",
    "Runs of discovery",
    "What each run found in the places that are looked through. The newest of each place is kept for as long as the place.",
    DAYS,
    DAYS_MIN,
    _purge,
)
