"""Threads for a database driver: a few per connector, each with a connection of its own that it keeps.

A driver gives `connect`, `close` and work on a connection; a call costs one thread hop and no connecting. A call that takes too long is answered
TargetTimeout; its thread is freed by the driver's own time limit, which the database enforces.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from ostiary.errors import TargetTimeout

C = TypeVar("C")
T = TypeVar("T")

GRACE_S = 1.0


class Threads(Generic[C]):
    """At most `threads_max` connections, made when first needed."""

    def __init__(
        self, connect: Callable[[], C], close: Callable[[C], None], *, threads_max: int, timeout_s: float
    ) -> None:
        self._connect = connect
        self._close = close
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(threads_max, thread_name_prefix="ostiary-source")
        self._mine = threading.local()
        self._open: set[C] = set()
        self._lock = threading.Lock()

    async def run(self, work: Callable[[C], T]) -> T:
        """`work` on a thread's connection. Raises TargetTimeout, and whatever `connect` and `work` raise."""
        waiting = asyncio.get_running_loop().run_in_executor(self._pool, self._on_thread, work)
        try:
            return await asyncio.wait_for(waiting, self._timeout_s + GRACE_S)
        except TimeoutError:
            raise TargetTimeout(maybe_done=True) from None

    def _on_thread(self, work: Callable[[C], T]) -> T:
        return work(self.connection())

    def connection(self) -> C:
        """This thread's connection."""
        held: C | None = getattr(self._mine, "connection", None)
        if held is None:
            held = self._connect()
            self._mine.connection = held
            with self._lock:
                self._open.add(held)
        return held

    def drop(self) -> None:
        """Forget this thread's connection, because it is broken; the next use makes a new one."""
        held: C | None = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if held is not None:
            with self._lock:
                self._open.discard(held)
            self._close(held)

    def close(self) -> None:
        """Wait for what runs, then close every connection. Blocking."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            left, self._open = self._open, set()
        for connection in left:
            self._close(connection)
