"""Who listens to what one program says of changes. It says it once, to us; each listener hears what it asked for, and nothing else.

A resource is subscribed at the program when the first wants to hear of it, and given up after the last. A program that ends takes its subscriptions with it:
whoever listened is told by the end of the stream, since nobody knows what was missed, and subscribes anew by listening again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ostiary.errors import OstiaryError, TargetUnavailable

UPDATED = "notifications/resources/updated"
LISTS: Mapping[str, tuple[str, str]] = {
    "notifications/tools/list_changed": ("tools", "toolsListChanged"),
    "notifications/prompts/list_changed": ("prompts", "promptsListChanged"),
    "notifications/resources/list_changed": ("resources", "resourcesListChanged"),
}
"""A notice, the capability that promises it, and how a client asks for it (MCP 2026-07-28, SubscriptionFilter)."""
CHANGES = frozenset({UPDATED, *LISTS})

LISTENERS_MAX = 256
URIS_MAX = 2_048
URIS_OF_LISTENER_MAX = 128
URI_CHARACTERS_MAX = 2_048
LEVELS_MAX = 64
"""How deep below a resource that somebody subscribed to a part of it may lie."""
PENDING_MAX = 256
"""Changes that wait for one listener; each counts once, however often it comes. Who lets more wait is told to listen again."""
ASKED_AT_ONCE = 8

Ask = Callable[[str, str], Awaitable[bool]]
"""`await ask(method, uri)`: whether the program took it. Raises the Target errors."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listener asks for: notices of lists, and resources."""

    lists: frozenset[str] = frozenset()
    uris: tuple[str, ...] = ()

    def asked(self) -> dict[str, Any]:
        """As a client's filter says it."""
        lists = {asked: True for method, (_able, asked) in LISTS.items() if method in self.lists}
        return {**lists, **({"resourceSubscriptions": list(self.uris)} if self.uris else {})}


class Listener:
    """One who listens. `honoured`: what of the wish is served."""

    def __init__(self, honoured: Wanted) -> None:
        self.honoured = honoured
        self._pending: dict[tuple[str, str], None] = {}
        self._news = asyncio.Event()
        self._lost = ""

    def tell(self, method: str, uri: str) -> None:
        if self._lost or (method, uri) in self._pending:
            return
        if len(self._pending) >= PENDING_MAX:
            self.lose("More changed than was read: listen again.")
        else:
            self._pending[(method, uri)] = None
            self._news.set()

    def lose(self, why: str) -> None:
        self._lost = self._lost or why
        self._news.set()

    async def next(self) -> tuple[str, str]:
        """The next change: its notice and the resource. Raises TargetUnavailable when what follows is lost."""
        while not self._pending:
            if self._lost:
                raise TargetUnavailable(self._lost)
            self._news.clear()
            await self._news.wait()
        first = next(iter(self._pending))
        del self._pending[first]
        return first


@dataclass(slots=True)
class _Uri:
    """A resource that somebody wants to hear of. `asked`: the program may have it; `subscribed`: it said so."""

    listeners: set[Listener] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: bool = False
    subscribed: bool = False


class Listeners:
    """All of one program's."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._all: set[Listener] = set()
        self._uris: dict[str, _Uri] = {}
        self._asking = asyncio.Semaphore(ASKED_AT_ONCE)
        self._leaving: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._all)

    @asynccontextmanager
    async def listening(self, wanted: Wanted) -> AsyncIterator[Listener]:
        """Raises TargetUnavailable where too many listen."""
        if len(self._all) >= LISTENERS_MAX:
            raise TargetUnavailable("Too many listen to this upstream.")
        listener = Listener(Wanted(wanted.lists))
        self._all.add(listener)
        mine: dict[str, _Uri] = {}
        try:
            for uri in dict.fromkeys(wanted.uris):
                fits = len(uri) <= URI_CHARACTERS_MAX and len(mine) < URIS_OF_LISTENER_MAX
                if fits and (uri in self._uris or len(self._uris) < URIS_MAX):
                    mine[uri] = self._uris.setdefault(uri, _Uri())
                    mine[uri].listeners.add(listener)
            taken = await asyncio.gather(*(self._subscribed(uri, held) for uri, held in mine.items()))
            for uri in [uri for uri, good in zip(mine, taken, strict=True) if not good]:
                self._leave(listener, uri, mine.pop(uri))
            listener.honoured = Wanted(wanted.lists, tuple(mine))
            yield listener
        finally:
            self._all.discard(listener)
            for uri, held in mine.items():
                self._leave(listener, uri, held)

    def heard(self, method: str, params: Any) -> None:
        """The program says that something has changed."""
        if method in LISTS:
            for listener in self._all:
                if method in listener.honoured.lists:
                    listener.tell(method, "")
            return
        uri = params.get("uri") if isinstance(params, dict) else None
        if not isinstance(uri, str) or len(uri) > URI_CHARACTERS_MAX:
            return
        for above in _above(uri):
            held = self._uris.get(above)
            for listener in held.listeners if held else ():
                listener.tell(method, uri)

    def lost(self) -> None:
        """The program has ended."""
        for listener in self._all:
            listener.lose("The upstream's program has ended: listen again.")
        self._uris = {}

    async def _subscribed(self, uri: str, held: _Uri) -> bool:
        async with held.lock:
            if not held.subscribed:
                with suppress(OstiaryError):
                    async with self._asking:
                        held.asked = True
                        held.asked = held.subscribed = await self._ask("resources/subscribe", uri)
            return held.subscribed

    def _leave(self, listener: Listener, uri: str, held: _Uri) -> None:
        """The last one goes: nobody waits for the program to take it."""
        held.listeners.discard(listener)
        if held.listeners:
            return
        task = asyncio.create_task(self._unsubscribed(uri, held))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _unsubscribed(self, uri: str, held: _Uri) -> None:
        async with held.lock:
            if held.listeners or self._uris.get(uri) is not held:
                return  # somebody came meanwhile, or it went with its program
            if held.asked:
                held.asked = held.subscribed = False
                with suppress(OstiaryError):
                    async with self._asking:
                        await self._ask("resources/unsubscribe", uri)
            if not held.listeners and self._uris.get(uri) is held:
                del self._uris[uri]


def _above(uri: str) -> Iterator[str]:
    """The resource, and what it may be a part of: a change may name a part of what was subscribed to (MCP, Resource Updated Notification)."""
    yield uri
    at = len(uri)
    for _ in range(LEVELS_MAX):
        at = uri.rfind("/", 0, at)
        if at <= 0 or uri[at - 1] in ":/":
            return
        if at + 1 < len(uri):
            yield uri[: at + 1]
        yield uri[:at]
