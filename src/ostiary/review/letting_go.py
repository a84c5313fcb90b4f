"""How long documents under review are kept: with what was found, decided and exported. Their files go after them (`jobs.TIDY`)."""

from sqlalchemy import Connection

from ostiary.ids import TenantId
from ostiary.retention.hold import Item, covering
from ostiary.retention.kinds import Batch, KeptKind, Purged
from ostiary.review import store

DAYS = 30
DAYS_MIN = 1


def _purge(connection: Connection, tenant: TenantId, batch: Batch) -> Purged:
    rows = store.old_reviews(
        connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
    )
    free = [
        row.id
        for row in rows
        if not covering(batch.holds, Item(frozenset({row.actor}), "document.open", row.created_us))
    ]
    store.remove_reviews(connection, tenant, free)
    full = len(rows) == batch.limit
    return Purged(len(free), len(rows) - len(free), rows[-1].id if full else "", not full)


KEPT = KeptKind(
    "documents",
    "Documents under review",
    "What was uploaded, what was found and decided in it, and what was exported. The log tells who decided for longer.",
    DAYS,
    DAYS_MIN,
    _purge,
)
