"""What is made out of a database's rows and kept in memory, until a signal says that the rows have changed.

Take a `mark` before the rows are read and give it with what was made of them: if they changed in between, it does not count. While the signals are not
fresh nothing that is kept counts, and the database is asked each time. So what another process took away is honoured for FRESH_S at most.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from ostiary import metrics
from ostiary.db.signals import Signals
from ostiary.ids import NO_TENANT, TenantId

T = TypeVar("T")

TENANTS_MAX = 10_000


class Kept(Generic[T]):
    """Values by name, each of one tenant; the least recently used go first beyond `most`. Safe between threads.

    `kinds`: the signals that make a tenant's values void. `gone` is told each value that is kept no more; it must not block.
    """

    def __init__(
        self, signals: Signals, *kinds: str, most: int, gone: Callable[[T], None] = lambda _value: None
    ) -> None:
        self._signals = signals
        self._name = kinds[0] if kinds else "rows"
        self._most = most
        self._gone = gone
        self._held: OrderedDict[Hashable, tuple[int, TenantId, T]] = OrderedDict()
        self._count = 0
        self._changed: dict[TenantId, int] = {}
        self._all_changed = 0
        self._lock = threading.Lock()
        for kind in kinds:
            signals.on(kind, self.drop)

    def mark(self) -> int:
        """Where the changes stand; take it before the rows are read."""
        return self._count

    def get(self, name: Hashable) -> T | None:
        """What is kept under the name, if it counts."""
        return self.last(name) if self._signals.fresh else None

    def last(self, name: Hashable) -> T | None:
        """What is kept under the name as far as we have heard: to compare with the rows while the signals are not fresh."""
        with self._lock:
            found = self._held.get(name)
            if found is None:
                return None
            mark, tenant, value = found
            if mark < self._changed.get(tenant, 0) or mark < self._all_changed:
                del self._held[name]
                self._gone(value)
                return None
            self._held.move_to_end(name)
            return value

    def keep(self, tenant: TenantId, name: Hashable, value: T, mark: int) -> None:
        """Keep it, as of the mark."""
        metrics.CACHE_LOADS.labels(self._name).inc()
        with self._lock:
            before = self._held.pop(name, None)
            self._held[name] = (mark, tenant, value)
            if before is not None and before[2] is not value:
                self._gone(before[2])
            if len(self._held) > self._most:
                self._gone(self._held.popitem(last=False)[1][2])

    def clear(self) -> None:
        """Keep nothing."""
        self.drop(NO_TENANT)

    def drop(self, tenant: TenantId, _detail: str = "") -> None:
        """The tenant's rows have changed; NO_TENANT: anybody's may have."""
        with self._lock:
            self._count += 1
            if tenant == NO_TENANT or len(self._changed) >= TENANTS_MAX:
                self._all_changed = self._count
                self._changed.clear()
                for _mark, _tenant, value in self._held.values():
                    self._gone(value)
                self._held.clear()
            else:
                self._changed[tenant] = self._count
