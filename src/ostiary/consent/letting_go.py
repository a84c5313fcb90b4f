"""What retention and erasure do with calls and approvals. The log tells of a call for longer than its row is kept."""

from sqlalchemy import Connection

from ostiary.consent import store
from ostiary.consent.allowances import store as allowance_store
from ostiary.consent.quorum import store as quorum_store
from ostiary.ids import TenantId
from ostiary.retention import store as held
from ostiary.retention.hold import Item, covering
from ostiary.retention.kinds import Batch, Holder, KeptKind, Purged, Whom
from ostiary.vault.sealing import Vault

DAYS = 90
DAYS_MIN = 7


def kept_kinds(vault: Vault) -> tuple[KeptKind, ...]:
    """Calls that ended, with their parameters, answers and cards."""

    def purge(connection: Connection, tenant: TenantId, batch: Batch) -> Purged:
        rows = store.old_calls(
            connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
        )
        about = held.subjects_of_calls(connection, tenant, [row.id for row in rows]) if batch.holds else {}
        free = []
        for row in rows:
            subjects = about.get(row.id, frozenset()) | {vault.pseudonym(tenant, row.actor_id)}
            if not covering(batch.holds, Item(subjects, row.action, row.created_us)):
                free.append(row.id)
        store.remove_calls(connection, tenant, free)
        quorum_store.remove(connection, tenant, free)
        full = len(rows) == batch.limit
        return Purged(len(free), len(rows) - len(free), rows[-1].id if full else "", not full)

    return (
        KeptKind(
            "calls",
            "Calls and approvals",
            "Parameters, answers and approval cards of calls that have ended. The log tells of them for longer.",
            DAYS,
            DAYS_MIN,
            purge,
        ),
        KeptKind(
            "allowances",
            "Pre-approvals",
            "What people allowed beforehand, once it has ended. The log tells of it for longer.",
            DAYS,
            DAYS_MIN,
            lambda connection, tenant, batch: _purge_allowances(connection, tenant, batch, vault),
        ),
    )


def _purge_allowances(connection: Connection, tenant: TenantId, batch: Batch, vault: Vault) -> Purged:
    rows = allowance_store.over(
        connection, tenant, before_us=batch.before_us, after=batch.cursor, limit=batch.limit
    )
    free = [
        allowance_id
        for allowance_id, actor, action, made_us in rows
        if not covering(batch.holds, Item(frozenset({vault.pseudonym(tenant, actor)}), action, made_us))
    ]
    allowance_store.remove(connection, tenant, free)
    full = len(rows) == batch.limit
    return Purged(len(free), len(rows) - len(free), rows[-1][0] if full else "", not full)


def _count(connection: Connection, tenant: TenantId, calls: list[str], whom: Whom) -> dict[str, int]:
    return store.count_about(connection, tenant, calls, whom.id)


def _clear(
    connection: Connection, tenant: TenantId, calls: list[str], whom: Whom, at_us: int
) -> dict[str, int]:
    quorum_store.rename(connection, tenant, whom.id, whom.pseudonym)
    return store.clear_calls(connection, tenant, calls, actor_id=whom.id, called=whom.pseudonym, at_us=at_us)


HOLDER = Holder("calls", _count, _clear, store.is_running)


def _count_allowances(
    connection: Connection, tenant: TenantId, calls: list[str], whom: Whom
) -> dict[str, int]:
    return {"allowance": allowance_store.count_of(connection, tenant, whom.id)}


def _clear_allowances(
    connection: Connection, tenant: TenantId, calls: list[str], whom: Whom, at_us: int
) -> dict[str, int]:
    return {"allowance": allowance_store.forget(connection, tenant, whom.id)}


def _never_busy(connection: Connection, tenant: TenantId, calls: list[str]) -> bool:
    return False


ALLOWANCES = Holder("allowances", _count_allowances, _clear_allowances, _never_busy)
"""Values about a subject are sealed under that subject's key, and go with it; what stands in the clear is who allowed, and for whom."""
