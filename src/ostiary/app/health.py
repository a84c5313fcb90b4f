"""Whether calls would pass now, part by part. Never slow and never many: what has to ask somebody is asked once for everyone who wants to know, in a bounded
time, and one that does not come back is not asked again beside it."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ostiary import metrics
from ostiary.audit.log import Audit
from ostiary.clock import SECOND_US, Clock
from ostiary.config import Settings
from ostiary.db.database import Database, takes_writes
from ostiary.errors import OstiaryError

CHECK_TIMEOUT_S = 2.0
KEPT_S = 0.5
DISK_FREE_BYTES_MIN = 32 * 1024 * 1024
"""With less the next batch of the log could be the one that fails. Until it does, calls pass: whether they do is what the log says, not the disk."""

Quick = Callable[[], str]
"""Says at once what is wrong, in a sentence without data; nothing where all is well."""

Slow = Callable[[], Awaitable[str]]
"""The same, by asking somebody. Raises OstiaryError where that one is away."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part, how it stands, and since when."""

    component: str
    ok: bool
    since_us: int
    why: str
    vital: bool


class Health:
    """`parts()` is the state now, `ready()` whether all that is vital is well. `bearable`: names of parts without which calls pass still, if slower."""

    def __init__(
        self,
        clock: Clock,
        quick: Mapping[str, Quick],
        slow: Mapping[str, Slow],
        bearable: frozenset[str] = frozenset(),
    ) -> None:
        self._clock = clock
        self._bearable = bearable
        self._quick = dict(quick)
        self._slow = dict(slow)
        self._asked: dict[str, asyncio.Task[str]] = {}
        self._asked_us = -1
        self._parts: dict[str, Part] = {}

    async def ready(self) -> bool:
        return is_ready(await self.parts())

    async def parts(self) -> list[Part]:
        """Every part, the quick ones first. Takes CHECK_TIMEOUT_S at most."""
        if self._asked_us < 0 or self._clock.monotonic_us() - self._asked_us > KEPT_S * SECOND_US:
            await self._ask()
        for name, look in self._quick.items():
            self._note(name, look())
        return list(self._parts.values())

    async def _ask(self) -> None:
        for name, ask in self._slow.items():
            if name not in self._asked:
                self._asked[name] = asyncio.create_task(_asked(ask))
        mine = dict(self._asked)
        done: set[asyncio.Task[str]] = set()
        if mine:
            done, _ = await asyncio.wait(mine.values(), timeout=CHECK_TIMEOUT_S)
        for name, task in mine.items():
            self._note(name, task.result() if task in done else "It does not answer.")
            if task in done and self._asked.get(name) is task:
                del self._asked[name]
        self._asked_us = self._clock.monotonic_us()

    def _note(self, name: str, why: str) -> None:
        before = self._parts.get(name)
        metrics.READY.labels(name).set(not why)
        if before is None or (before.ok, before.why) != (not why, why):
            since = self._clock.now_us() if before is None or before.ok == bool(why) else before.since_us
            self._parts[name] = Part(name, not why, since, why, name not in self._bearable)


def of(
    settings: Settings,
    clock: Clock,
    data: Database,
    keys: Database,
    audit: Audit,
    *,
    stopping: Callable[[], bool],
    working: Callable[[], bool],
    alive: Callable[[], bool],
) -> Health:
    """The parts of a gateway. `working`: whether jobs are taken, where they should be. `alive`: whether the other processes still count on this one."""
    places = {"home": settings.home}
    if settings.blob_url.startswith("file://"):
        places["blobs"] = Path(settings.blob_url.removeprefix("file://"))
    deaf = "What other processes change is not heard."
    return Health(
        clock,
        quick={
            "stop": lambda: "It is being stopped." if stopping() else "",
            "log": lambda: "" if audit.healthy else "The audit log takes no entries.",
            "process": lambda: (
                ""
                if alive()
                else "It could not say for some seconds that it lives: it begins nothing outside."
            ),
            "signals": lambda: "" if data.signals.fresh and keys.signals.fresh else deaf,
            "jobs": lambda: "" if working() else "Jobs are not taken yet.",
        },
        slow={"database": database(data), "keys": database(keys), "disk": room_on_disk(places)},
        bearable=frozenset({"signals", "disk", "jobs"}),
    )


def is_ready(parts: Iterable[Part]) -> bool:
    """Whether calls would pass."""
    return all(part.ok for part in parts if part.vital)


async def _asked(ask: Slow) -> str:
    try:
        return await ask()
    except OstiaryError as error:
        return error.title()


def database(which: Database) -> Slow:
    """Whether the database answers, and would take a write."""

    async def look() -> str:
        return (
            "" if await which.run(takes_writes) else "It takes no writes: it is a copy, or set to read-only."
        )

    return look


def room_on_disk(places: Mapping[str, Path]) -> Slow:
    """Whether there is room to write where data is kept; counts it on the way."""

    async def look() -> str:
        full = []
        for name, path in places.items():
            try:
                usage = await asyncio.to_thread(shutil.disk_usage, path)
            except OSError:
                full.append(name)
                continue
            metrics.DISK_FREE.labels(name).set(usage.free)
            metrics.DISK_SIZE.labels(name).set(usage.total)
            if usage.free < DISK_FREE_BYTES_MIN:
                full.append(name)
        return f"There is no room left for: {', '.join(full)}." if full else ""

    return look
