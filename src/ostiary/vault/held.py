"""Keys held in memory: a map with a bound that forgets the least recently used, safe between threads."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Held(Generic[K, V]):
    """At most `entries_max` entries; the one that was used longest ago goes first."""

    def __init__(self, entries_max: int) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._entries_max = entries_max
        self._lock = Lock()
        self.epoch = 0

    def get(self, name: K) -> V | None:
        found = self._entries.get(name)
        if found is not None:
            with suppress(
                KeyError
            ):  # dropped in between; no lock on every call's way, as each step is one of the interpreter's
                self._entries.move_to_end(name)
        return found

    def put(self, name: K, entry: V, *, epoch: int | None = None) -> V:
        """Keep `entry`, unless another thread was first: its entry is kept and returned.

        `epoch`, where entries are dropped, is what it was before the entry was looked up: when something was dropped since, the entry may be of what is gone: it is not kept.
        """
        with self._lock:
            if epoch is not None and epoch != self.epoch:
                return entry
            kept = self._entries.setdefault(name, entry)
            self._entries.move_to_end(name)
            if len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)
            return kept

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Forget every entry whose name is unwanted, and those that are being looked up."""
        with self._lock:
            self.epoch += 1
            for name in [name for name in self._entries if unwanted(name)]:
                del self._entries[name]

    def __len__(self) -> int:
        return len(self._entries)
