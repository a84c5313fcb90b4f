"""Which detectors may match where, in one pass over the text: what `automata_needs` derives from each detector's pattern, compiled for Hyperscan.

It may name a detector too often, never too seldom: a detector whose pattern Hyperscan refuses is named everywhere, and where the pass fails or is not there (no wheel
for the machine, not yet compiled) the caller asks RE2, with equal findings. Compiling takes seconds, so a process does it once, in the background, after it has
looked at so much that it pays: a short command never waits for it, and what is compiled serves every rule set.
"""

import importlib
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from ostiary.detection.automata_needs import Underived, needed
from ostiary.detection.detectors import DETECTORS, PARTS

STEP_BYTES = 512
"""Ends of matches are told by the step in which they fall."""
SMALL_BYTES = 4096
"""Shorter texts are left to RE2: a dozen databases cost more to begin with than its warm automata."""
PAYS_BYTES = 16 << 20
CALL_BYTES = 2048
"""The background compiles when a process has looked at PAYS_BYTES; a call counts as CALL_BYTES more than its text."""

Hits = Mapping[int, Mapping[int, int]]
"""By step: which detectors (their place in DETECTORS) may have a match that ends after a byte of it; with the last such end, no less than it is."""


@dataclass(frozen=True, slots=True)
class Sieve:
    """The compiled databases; `always`: detectors that they know nothing of. Threads have working memory of their own."""

    databases: tuple[Any, ...]
    always: frozenset[int]
    failure: type[Exception]
    scratch: type[Any]
    own: threading.local = field(default_factory=threading.local)

    def hits(self, data: bytes) -> Hits | None:
        """None where the pass failed: then nothing is known of the text."""
        found: dict[int, dict[int, int]] = {}

        def hit(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            step = found.setdefault((end - 1) // STEP_BYTES, {})
            if step.get(index, 0) < end:
                step[index] = end

        try:
            for database, scratch in zip(self.databases, self._scratches(), strict=True):
                database.scan(data, match_event_handler=hit, scratch=scratch)
        except (self.failure, MemoryError):
            return None
        for step in range(-(-len(data) // STEP_BYTES)) if self.always else ():
            found.setdefault(step, {}).update(dict.fromkeys(self.always, len(data)))
        return found

    def _scratches(self) -> Sequence[Any]:
        held: Sequence[Any] | None = getattr(self.own, "scratches", None)
        if held is None:
            held = self.own.scratches = [self.scratch(database) for database in self.databases]
        return held


@dataclass(slots=True)
class _State:
    """What this process has: at most one sieve, and one thread that makes it."""

    sieve: Sieve | None = None
    looked_at_bytes: int = 0
    asked: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_STATE = _State()
_NOTHING: Hits = MappingProxyType({})


def hits(data: bytes) -> Hits | None:
    """Where which detectors may match; None for a short text, and while there is no sieve: then RE2 has to be asked."""
    if not data:
        return _NOTHING
    if len(data) < SMALL_BYTES:
        return None
    if _STATE.sieve is not None:
        return _STATE.sieve.hits(data)
    if not _STATE.asked:
        _STATE.looked_at_bytes += len(data) + CALL_BYTES
        if _STATE.looked_at_bytes >= PAYS_BYTES:
            _STATE.asked = True
            threading.Thread(target=prepare, name="ostiary-sieve").start()
    return None


def prepare() -> bool:
    """Compile now, about three CPU seconds; whether there is a sieve then. It stops between two databases where the program is ending."""
    with _STATE.lock:
        _STATE.asked = True
        if _STATE.sieve is None:
            _STATE.sieve = compiled()
    return _STATE.sieve is not None


def _forget() -> None:
    """A child of a fork has no thread that compiles, and must not wait for a lock that a thread of its parent held."""
    _STATE.lock = threading.Lock()
    _STATE.asked = _STATE.sieve is not None


os.register_at_fork(after_in_child=_forget)


def compiled() -> Sieve | None:
    """A sieve over DETECTORS; None without Hyperscan, or where the program ended meanwhile."""
    try:
        hyperscan = importlib.import_module("hyperscan")  # where there is no wheel, RE2 does the work
    except ImportError:
        return None
    databases: list[Any] = []
    refused: set[int] = set()
    for group in _groups():
        if not threading.main_thread().is_alive():
            return None
        databases += _compiled(hyperscan, group, refused)
    return Sieve(tuple(databases), frozenset(refused), hyperscan.error, hyperscan.Scratch)


def _compiled(hyperscan: Any, group: Sequence[int], refused: set[int]) -> list[Any]:
    """One database for the group; where something in it is refused, one for each half, so that only what is refused is left out."""
    try:
        return [_database(hyperscan, group)]
    except (hyperscan.error, UnicodeEncodeError):
        if len(group) == 1:
            refused.update(group)
            return []
    middle = len(group) // 2
    return _compiled(hyperscan, group[:middle], refused) + _compiled(hyperscan, group[middle:], refused)


def _database(hyperscan: Any, group: Sequence[int]) -> Any:
    expressions = [expression(index).encode("latin-1") for index in group]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=list(group), elements=len(group), flags=[0] * len(group))
    return database


@cache
def expression(index: int) -> str:
    """What Hyperscan looks for in place of a detector's pattern; the pattern itself where nothing weaker can be derived."""
    try:
        return needed(DETECTORS[index].pattern)
    except Underived:
        return DETECTORS[index].pattern


def _groups() -> Iterable[Sequence[int]]:
    """Detectors that share a database: those that wait for plain letters, then the rest by part. One over all would have the product of their states."""
    plain = [index for index in range(len(DETECTORS)) if not set("{*+") & set(expression(index))]
    yield plain
    rest = set(range(len(DETECTORS))) - set(plain)
    for part in dict.fromkeys(PARTS):
        group = [index for index in sorted(rest) if PARTS[index] == part]
        if group:
            yield group
