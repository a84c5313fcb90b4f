"""A scan of a place from where it stopped to its end: what changed is read and looked at, what did not is known, and everything is written down in key order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ostiary.clock import SECOND_US, Clock
from ostiary.detection.rules import RuleSet
from ostiary.scanning.inventory import Change, Inventory, Tally, trend
from ostiary.scanning.look import Limits, Looked, digest_of, is_long_text
from ostiary.scanning.lookers import Looker
from ostiary.scanning.place import IN_PART, LOOKED, Item, Place, PlaceUnreadable, Unreadable, excluded
from ostiary.scanning.state import Run, State
from ostiary.scanning.through import look_at, read, unseen

WAITING_BYTES_MAX = 256 * 1024 * 1024
"""Content that is held at once, by the sizes that the place tells."""
WRITTEN_ITEMS_MAX = 200
WRITTEN_EVERY_US = SECOND_US // 2


@dataclass(frozen=True, slots=True)
class Setup:
    """What to look for and where. whole: everything, as if nothing were known. since_us: only what changed since. exclude: patterns of keys that are left out."""

    rules: RuleSet
    limits: Limits = field(default_factory=Limits)
    whole: bool = False
    since_us: int = 0
    exclude: tuple[str, ...] = ()
    exposure: float = 1.0


@dataclass(frozen=True, slots=True)
class Scanned:
    """A scan that ended. broken: why the place could be listed only in part, "" where it was whole. before_us: when the scan ended that `changes` compares with, 0 where there was none.

    fresh: items that were looked at now; the others were known."""

    inventory: Inventory
    changes: tuple[Change, ...]
    before_us: int
    fresh: int
    broken: str
    goes_on: bool


Told = Callable[[Looked, bool], None]
"""Called for each item in key order: what was seen, and whether it was looked at now."""


def scan(
    place: Place, run: Run, state: State, setup: Setup, looker: Looker, clock: Clock, told: Told
) -> Scanned:
    """To the end, or as far as the place can be listed. What stops it (Ctrl-C) leaves everything written that came before."""
    broken, fresh = "", 0
    written = _Written(state, run, clock)
    try:
        for seen, is_fresh in _seen(place, run, state, setup, looker):
            written.add(seen)
            fresh += is_fresh and seen.state in (LOOKED, IN_PART)
            told(seen, is_fresh)
    except PlaceUnreadable as error:
        broken = str(error)
    finally:
        written.flush()
    tally = Tally(run.place, place.kind, exposure=setup.exposure)
    for each in state.seen(run):
        tally.add(each)
    inventory = tally.inventory()
    before = state.before(run)
    if not broken:
        sums = {each.name: each.distinct for each in inventory.categories}
        state.end(run, sums, clock.now_us())
    changes = trend(before[1], inventory) if before else ()
    return Scanned(inventory, changes, before[0] if before else 0, fresh, broken, run.goes_on)


class _Written:
    """What waits to be written: a few items, for a moment."""

    def __init__(self, state: State, run: Run, clock: Clock) -> None:
        self._state, self._run, self._clock = state, run, clock
        self._waiting: list[Looked] = []
        self._last_us = clock.monotonic_us()

    def add(self, looked: Looked) -> None:
        self._waiting.append(looked)
        now_us = self._clock.monotonic_us()
        if len(self._waiting) >= WRITTEN_ITEMS_MAX or now_us - self._last_us >= WRITTEN_EVERY_US:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._state.write(self._run, self._waiting, self._waiting[-1].key)
            self._waiting.clear()
        self._last_us = self._clock.monotonic_us()


def _seen(
    place: Place, run: Run, state: State, setup: Setup, looker: Looker
) -> Iterator[tuple[Looked, bool]]:
    """(what was seen, whether it was looked at now), in key order, a bounded number of items and bytes ahead."""
    waiting: deque[tuple[Future[tuple[Looked, bool]], int]] = deque()
    held = 0
    threads = ThreadPoolExecutor(looker.threads) if looker.threads > 1 else None
    try:
        for item in place.items(run.reached):
            if excluded(item.key, setup.exclude):
                continue
            known = None if setup.whole else state.known(run, item.key)
            size = min(item.size, setup.limits.bytes_max)
            while waiting and (len(waiting) >= 2 * looker.threads or held + size > WAITING_BYTES_MAX):
                future, less = waiting.popleft()
                held -= less
                yield future.result()
            if threads is None:
                yield _one(place, item, known, state.digest_key, setup, looker)
                continue
            future = threads.submit(_one, place, item, known, state.digest_key, setup, looker)
            waiting.append((future, size))
            held += size
        while waiting:
            yield waiting.popleft()[0].result()
    except PlaceUnreadable:
        while waiting:
            yield waiting.popleft()[0].result()
        raise
    finally:
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)


def _one(
    place: Place, item: Item, known: Looked | None, key: bytes, setup: Setup, looker: Looker
) -> tuple[Looked, bool]:
    if known is not None and item.version and known.version == item.version and not item.state:
        return known, False
    if item.changed_us and item.changed_us < setup.since_us and not item.state:
        return known or replace(unseen(item, Unreadable("older")), size=item.size), False
    try:
        content = read(place, item, setup.limits)
    except Unreadable as why:
        return unseen(item, why), not item.state
    if isinstance(content, bytes) and len(content) < item.size and is_long_text(content, item.key):
        return look_at(place, item, setup.rules, setup.limits, key), True
    digest = digest_of(content, key)
    if known is not None and known.digest == digest and known.state == LOOKED:
        return replace(known, version=item.version), False
    return replace(looker.look(item, content), digest=digest), True
