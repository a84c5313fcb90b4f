"""Who looks at a page learns that something changed, without asking again and again. In memory: a watcher that misses a beat sees the next."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from ostiary.ids import TenantId


class Watch:
    """A counter a tenant that goes up with each change. Call `touch` on the event loop."""

    def __init__(self) -> None:
        self.stopping: Callable[[], bool] = lambda: False
        """Whether the gateway ends: then nobody is kept waiting."""
        self._versions: dict[TenantId, int] = defaultdict(int)
        self._waiters: dict[TenantId, set[asyncio.Future[None]]] = defaultdict(set)

    def version(self, tenant: TenantId) -> int:
        return self._versions[tenant]

    def touch(self, tenant: TenantId) -> None:
        self._versions[tenant] += 1
        for waiter in self._waiters.pop(tenant, set()):
            if not waiter.done():
                waiter.set_result(None)

    async def beyond(self, tenant: TenantId, seen: int, timeout_s: float) -> int:
        """Wait until the version differs from `seen`, `timeout_s` at most; returns the version."""
        if self._versions[tenant] == seen:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters[tenant].add(waiter)
            try:
                with suppress(TimeoutError):
                    async with asyncio.timeout(timeout_s):
                        await waiter
            finally:
                self._waiters[tenant].discard(waiter)
        return self._versions[tenant]
