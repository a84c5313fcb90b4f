"""How long the log of deliveries is kept."""

from sqlalchemy import Connection

from ostiary.ids import TenantId
from ostiary.retention.kinds import Batch, KeptKind, Purged
from ostiary.webhooks.ended import store
from ostiary.webhooks.store import State

DAYS = 30
DAYS_MIN = 4
"""A notice is tried for some three days."""


def _purge(connection: Connection, tenant: TenantId, batch: Batch) -> Purged:
    """Notices hold ids and closed words and are about nobody, so no hold covers them: what they tell of is in the log."""
    rows = store.old_deliveries(
        connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
    )
    gone = [delivery for delivery, state in rows if state is not State.WAITING]
    if gone:
        store.remove_deliveries(connection, tenant, gone)
    full = len(rows) == batch.limit
    if not full:
        store.remove_messages(connection, tenant, before_us=batch.before_us)
    return Purged(len(gone), 0, rows[-1][0] if full else "", not full)


KEPT = KeptKind(
    "webhooks",
    "Deliveries of webhooks",
    "Which notice went to which webhook, when, and how it answered. The log of what they tell of is kept apart.",
    DAYS,
    DAYS_MIN,
    _purge,
)
