"""Who looks at a page or waits for a call learns that something changed, without asking again and again, in whichever process it was changed. A watcher that
misses a beat sees the next."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

from ostiary import ids
from ostiary.db.signals import Signals
from ostiary.ids import NO_TENANT, TenantId
from ostiary.turns import away


class Watch:
    """A counter a tenant that goes up with each change. It begins somewhere: the counts of two processes mean nothing to each other."""

    def __init__(self) -> None:
        self.stopping: Callable[[], bool] = lambda: False
        """Whether the gateway ends: then nobody is kept waiting."""
        self._begin = int(ids.digits(12))
        self._versions: dict[TenantId, int] = defaultdict(lambda: self._begin)
        self._waiters: dict[TenantId, set[asyncio.Future[None]]] = defaultdict(set)
        self._lock = threading.Lock()

    def follow(self, signals: Signals, kind: str) -> None:
        """Count the changes of this kind, also those of other processes."""
        signals.on(kind, lambda tenant, _detail: self.touch(tenant))

    def version(self, tenant: TenantId) -> int:
        return self._versions[tenant]

    def touch(self, tenant: TenantId) -> None:
        """Something of the tenant's has changed; NO_TENANT: of anybody's. Call it in any thread."""
        with self._lock:
            if tenant == NO_TENANT:
                self._begin += 1
            touched = [tenant] if tenant != NO_TENANT else list(self._versions)
            waiters = [waiter for each in touched for waiter in self._waiters.pop(each, ())]
            for each in touched:
                self._versions[each] += 1
        for waiter in waiters:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                waiter.get_loop().call_soon_threadsafe(_release, waiter)

    async def beyond(self, tenant: TenantId, seen: int, timeout_s: float) -> int:
        """Wait until the version differs from `seen`, `timeout_s` at most; returns the version."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            changed = self._versions[tenant] != seen
            if not changed:
                self._waiters[tenant].add(waiter)
        if not changed:
            try:
                async with away():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(timeout_s):
                            await waiter
            finally:
                with self._lock:
                    self._waiters[tenant].discard(waiter)
        return self._versions[tenant]


def _release(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
