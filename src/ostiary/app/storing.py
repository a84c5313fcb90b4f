"""What each tenant stores, counted as it comes: the log by its new events, calls by their rows (which the ledger forgets by itself), files by each that is put
and removed. Beside the calls, by whichever process is first; a quota is met some seconds late, never by looking through what is stored."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import Connection

from ostiary import log
from ostiary.audit import store as audit_store
from ostiary.blobs.storage import Blobs
from ostiary.clock import SECOND_US, Clock
from ostiary.consent import store as consent_store
from ostiary.db.database import Database
from ostiary.errors import OstiaryError
from ostiary.ids import TenantId
from ostiary.shield.quotas import store
from ostiary.shield.quotas.quotas import is_full
from ostiary.shield.quotas.store import UseRow

EVERY_S = 5.0
DATA_EVERY_S = 30
UNLIMITED_EVERY_S = 600
"""The rows of calls are added up anew, as they go by themselves: now and then, where there is no quota to meet."""
EVENTS_A_ROUND = 20_000

_LOG = log.get("app")


class Storing:
    """`run` for as long as the process lives."""

    def __init__(
        self, database: Database, blobs: Blobs, clock: Clock, tenants: Callable[[], Awaitable[list[TenantId]]]
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock
        self._tenants = tenants

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.count()
            except OstiaryError as error:
                _LOG.warning("storing.failed", code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours ends one round, not the loop
                _LOG.error("storing.broke", error=type(fault).__name__, where=log.where(fault))

    async def count(self) -> None:
        """Once, for every tenant. Raises StoreUnavailable, BlobsUnavailable."""
        put = self._blobs.changes()
        for tenant in await self._tenants():
            known = await self._database.run(lambda c, tenant=tenant: store.use(c, tenant, "files"))  # type: ignore[misc]
            first = None if known else await asyncio.to_thread(self._blobs.measure, tenant)
            await self._database.change(
                lambda c, tenant=tenant, first=first: self._counted(c, tenant, put, first)  # type: ignore[misc]
            )

    def _counted(
        self, connection: Connection, tenant: TenantId, put: Mapping[TenantId, tuple[int, int]], first: tuple[int, int] | None
    ) -> None:  # fmt: skip
        now_us = self._clock.now_us()
        quota = store.quota(connection, tenant)
        before = is_full(connection, tenant, quota)
        self._files(connection, tenant, put.get(tenant, (0, 0)), first, now_us)
        data = store.use(connection, tenant, "data", hold=True)
        every_s = DATA_EVERY_S if quota.storage_bytes else UNLIMITED_EVERY_S
        if (
            data is None
            or now_us >= data.counted_us + every_s * SECOND_US
            or data.counted_us < quota.changed_us
        ):
            rows, size = consent_store.measure(connection, tenant)
            store.put_use(connection, tenant, UseRow("data", size, rows, 0, now_us))
            self._log(connection, tenant, now_us)
        if is_full(connection, tenant, quota) != before:
            store.told(connection, tenant)

    def _files(
        self, connection: Connection, tenant: TenantId, put: tuple[int, int], first: tuple[int, int] | None, now_us: int
    ) -> None:  # fmt: skip
        files = store.use(connection, tenant, "files", hold=True)
        if files is None and first is not None:  # what this process has put is in it
            store.put_use(connection, tenant, UseRow("files", first[1], first[0], 0, now_us))
        elif files is not None and any(put):
            size, rows = max(0, files.bytes + put[1]), max(0, files.rows + put[0])
            store.put_use(connection, tenant, UseRow("files", size, rows, 0, now_us))

    def _log(self, connection: Connection, tenant: TenantId, now_us: int) -> None:
        known = store.use(connection, tenant, "log", hold=True) or UseRow("log", 0, 0, 0, 0)
        rows, size = audit_store.measure(connection, tenant, known.reached, known.reached + EVENTS_A_ROUND)
        if rows:
            row = UseRow("log", known.bytes + size, known.rows + rows, known.reached + rows, now_us)
            store.put_use(connection, tenant, row)
