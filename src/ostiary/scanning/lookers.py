"""Who looks: this process, processes beside it, or a cluster of Dask. Each is given an item and its content and answers with what is in it; content goes nowhere else.

A process that dies while it looks (out of memory, say) costs the item that it died of, and no other.
"""

import importlib
import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Any, Protocol

import ostiary
from ostiary.detection.engine import warm
from ostiary.detection.rules import RuleSet
from ostiary.scanning import look as looking
from ostiary.scanning.look import Limits, Looked
from ostiary.scanning.place import Item, Sample

CONNECT_TIMEOUT_S = 15
SCATTERED_BYTES = 1024 * 1024
"""More content than this goes to a worker of the cluster by itself, and not within the task."""
DIED = "worker.died"


class ClusterUnusable(Exception):
    """The cluster cannot be used; the message says why."""


class Looker(Protocol):
    """`look` blocks, and may be called from as many threads as `threads` says."""

    threads: int

    def look(self, item: Item, content: bytes | Sample) -> Looked: ...

    def __enter__(self) -> "Looker": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Here:
    """This process, one item at a time."""

    threads = 1

    def __init__(self, rules: RuleSet, limits: Limits) -> None:
        self._rules, self._limits = rules, limits

    def look(self, item: Item, content: bytes | Sample) -> Looked:
        return looking.look(item, content, self._rules, self._limits)

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *_: object) -> None:
        looking.close()


class Processes:
    """So many processes beside this one."""

    def __init__(self, rules: RuleSet, limits: Limits, workers: int) -> None:
        self._given = (rules, limits)
        self._workers = workers
        self.threads = workers * 2
        self._pool = self._started(workers)
        self._changing, self._alone = threading.Lock(), threading.Lock()
        self._stopped = False

    def look(self, item: Item, content: bytes | Sample) -> Looked:
        pool = self._pool
        try:
            return pool.submit(_look, item, content).result()
        except BrokenExecutor:
            if self._stopped:
                raise
            with self._changing:
                if self._pool is pool:
                    pool.shutdown(wait=False, cancel_futures=True)
                    self._pool = self._started(self._workers)
        with self._alone, self._started(1) as apart:
            try:
                return apart.submit(_look, item, content).result()
            except BrokenExecutor:
                return _died(item)

    def _started(self, workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_begin, initargs=self._given
        )

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stopped = True
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
        self._pool.shutdown(wait=kind is None, cancel_futures=True)


class Cluster:
    """The workers of a Dask scheduler, such as `tcp://10.0.0.5:8786`. They need the same release of ostiary. Raises ClusterUnusable."""

    def __init__(self, rules: RuleSet, limits: Limits, address: str) -> None:
        try:
            self._dask: Any = importlib.import_module("distributed")
        except ImportError:
            raise ClusterUnusable(
                "A cluster needs Dask: install ostiary[cluster] here and on its workers."
            ) from None
        try:
            self._client = self._dask.Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False)
        except (OSError, ValueError, TimeoutError):
            raise ClusterUnusable("The scheduler does not answer: check its address.") from None
        try:
            self.threads = 2 * self._checked(self._client.run(_release))
            self._rules = self._client.scatter(rules, broadcast=True, hash=False)
        except BaseException:
            self._client.close()
            raise
        self._limits = limits

    def _checked(self, releases: Mapping[str, str]) -> int:
        if not releases:
            raise ClusterUnusable("The cluster has no workers.")
        if set(releases.values()) != {ostiary.__version__}:
            raise ClusterUnusable(f"The workers have other releases of ostiary than this one, {ostiary.__version__}.")  # fmt: skip
        return len(releases)

    def look(self, item: Item, content: bytes | Sample) -> Looked:
        given: Any = content
        if isinstance(content, bytes) and len(content) > SCATTERED_BYTES:
            given = self._client.scatter(content, hash=False)
        try:
            done: Looked = self._client.submit(
                _look_with, item, given, self._rules, self._limits, pure=False
            ).result()
        except self._dask.KilledWorker:
            return _died(item)
        return done

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()


def _died(item: Item) -> Looked:
    return Looked(item.key, item.version, item.size, "", "too_costly", code=DIED)


def _release() -> str:
    return ostiary.__version__


_GIVEN: tuple[RuleSet, Limits] = (RuleSet(), Limits())


def _begin(rules: RuleSet, limits: Limits) -> None:
    """In a worker process, at its start. Who presses Ctrl-C stops the parent, which ends the workers."""
    global _GIVEN
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _GIVEN = (rules, limits)
    warm(rules)


def _end_with_parent() -> None:
    """A parent that was killed does not tell its workers, and they would wait for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _look(item: Item, content: bytes | Sample) -> Looked:
    return looking.look(item, content, *_GIVEN)


def _look_with(item: Item, content: bytes | Sample, rules: RuleSet, limits: Limits) -> Looked:
    return looking.look(item, content, rules, limits)
