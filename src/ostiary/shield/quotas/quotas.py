"""A tenant's quota as each call meets it. Held in memory until a signal says that it changed; where the database cannot be asked nothing passes."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary.clock import Clock
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import QuotaExceeded, TooMany
from ostiary.ids import INSTALL, TenantId
from ostiary.shield.leases import Leases, Limit
from ostiary.shield.quotas import store
from ostiary.shield.quotas.store import QuotaRow

TENANTS_MAX = 10_000
COUNTED = ("files", "data")
"""What the quota is about. The log is counted too, and stops nobody: what happened is recorded."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`full`: no more is stored for this tenant. `rate`: its limit of calls a second."""

    quota: QuotaRow
    full: bool
    rate: Limit | None


class Quotas:
    """`admit` counts a call; `storing` is asked before something is stored."""

    def __init__(self, database: Database, leases: Leases, clock: Clock) -> None:
        self._database = database
        self._leases = leases
        self._clock = clock
        self._kept: Kept[Standing] = Kept(database.signals, store.CHANGED, most=TENANTS_MAX)

    async def admit(self, tenant: TenantId, under_way: int) -> None:
        """Raises TooMany where the tenant has too much under way in this process, or comes too fast for all of them."""
        if tenant == INSTALL:
            return
        standing = await self.of(tenant)
        if 0 < standing.quota.calls_at_once < under_way:
            raise TooMany("This tenant has as many calls under way as it may.", retry_after_s=1)
        if standing.rate is not None:
            await self._leases.take(standing.rate, tenant)

    async def storing(self, tenant: TenantId) -> None:
        """Raises QuotaExceeded where the tenant has stored all that it may."""
        if tenant != INSTALL and (await self.of(tenant)).full:
            raise QuotaExceeded

    async def jobs_at_once(self, tenant: TenantId, most: int) -> int:
        """How many jobs the tenant may have at work in one worker."""
        if tenant == INSTALL:
            return most
        return min(most, (await self.of(tenant)).quota.jobs_at_once or most)

    async def of(self, tenant: TenantId) -> Standing:
        """How the tenant stands. Raises StoreUnavailable."""
        held = self._kept.get(tenant)
        if held is None:
            mark = self._kept.mark()
            held = await self._database.run(lambda connection: self._look(connection, tenant))
            self._kept.keep(tenant, tenant, held, mark)
        return held

    def _look(self, connection: Connection, tenant: TenantId) -> Standing:
        quota = store.quota(connection, tenant)
        per_s = quota.calls_per_s
        rate = Limit("tenant", self._clock, rate=per_s, burst=per_s) if per_s else None
        return Standing(quota, is_full(connection, tenant, quota), rate)


def is_full(connection: Connection, tenant: TenantId, quota: QuotaRow) -> bool:
    """Whether what is stored reaches the quota."""
    return 0 < quota.storage_bytes <= stored(connection, tenant)


def stored(connection: Connection, tenant: TenantId) -> int:
    """How many bytes count against the quota."""
    return sum(row.bytes for row in store.uses(connection, tenant) if row.kind in COUNTED)
