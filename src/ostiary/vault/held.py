"""Keys held in memory: a map with a bound that forgets the least recently used, safe between threads.

What is held counts only while this process hears what others change (`Signals.fresh`): a key that was destroyed elsewhere is not used here for longer.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Generic, Protocol, TypeVar

from ostiary import metrics

K = TypeVar("K")
V = TypeVar("V")


class Hearing(Protocol):
    """`Signals`, as far as it matters here."""

    @property
    def fresh(self) -> bool: ...


class Held(Generic[K, V]):
    """At most `entries_max` entries; the one that was used longest ago goes first. While `hearing` is not fresh nothing is given out and nothing kept."""

    def __init__(self, entries_max: int, hearing: Hearing) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._entries_max = entries_max
        self._hearing = hearing
        self._lock = Lock()
        self.epoch = 0

    def get(self, name: K) -> V | None:
        found = self._entries.get(name)
        if found is None or not self._hearing.fresh:
            return None
        with suppress(
            KeyError
        ):  # dropped in between; no lock on every call's way, as each step is one of the interpreter's
            self._entries.move_to_end(name)
        return found

    def put(self, name: K, entry: V, *, epoch: int) -> V:
        """Keep `entry`, unless another thread was first: its entry is kept and returned.

        `epoch` is what it was before the entry was looked up: when something was dropped since, the entry may be of what is gone: it is not kept.
        """
        metrics.CACHE_LOADS.labels("keys").inc()
        with self._lock:
            if epoch != self.epoch or not self._hearing.fresh:
                return entry
            kept = self._entries.setdefault(name, entry)
            self._entries.move_to_end(name)
            if len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)
            return kept

    def drop(self, unwanted: Callable[[K, V], bool]) -> None:
        """Forget every unwanted entry, and those that are being looked up."""
        with self._lock:
            self.epoch += 1
            for name in [name for name, entry in self._entries.items() if unwanted(name, entry)]:
                del self._entries[name]

    def __len__(self) -> int:
        return len(self._entries)
