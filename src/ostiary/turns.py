"""Turns: of those who want the processor, each tenant's next in turn goes first, however many another tenant has waiting.

A call holds one of a few places while it computes, and none while it waits for something outside of this process (`away`): so a tenant that asks a thousand
things at once waits for itself, and another's call gets the next place that is free. Where nobody waits a place costs a decrement.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

PLACES = 8
"""Few, so that no more than these lie in the event loop before another tenant's; enough that reads from the database go on side by side."""


class Turns:
    """`places` at once. Lives on one event loop."""

    def __init__(self, places: int = PLACES) -> None:
        self._free = places
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """A place, when it is this name's turn."""
        held = _Held(self, name)
        before = _HELD.set(held)
        try:
            await held.take()
            yield
        finally:
            held.give()
            _HELD.reset(before)

    async def take(self, name: str) -> None:
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(mine)
        self._next()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give()
            raise

    def give(self) -> None:
        self._free += 1
        self._next()

    def waiting(self) -> int:
        """How many wait, for metrics."""
        return sum(len(queue) for queue in self._waiting.values())

    def _next(self) -> None:
        while self._free > 0 and self._waiting:
            name, queue = self._waiting.popitem(last=False)
            chosen = queue.popleft()
            if queue:
                self._waiting[name] = queue  # at the end: the others come first
            if not chosen.done():
                self._free -= 1
                chosen.set_result(None)


class _Held:
    """One call's place, which it may give back for a while."""

    __slots__ = ("has", "name", "turns")

    def __init__(self, turns: Turns, name: str) -> None:
        self.turns = turns
        self.name = name
        self.has = False

    async def take(self) -> None:
        await self.turns.take(self.name)
        self.has = True

    def give(self) -> None:
        if self.has:
            self.has = False
            self.turns.give()


_HELD: ContextVar[_Held | None] = ContextVar("ostiary_turn", default=None)


@asynccontextmanager
async def away() -> AsyncIterator[None]:
    """Around waiting for something outside of this process: others have the place meanwhile."""
    held = _HELD.get()
    if held is None or not held.has:
        yield
        return
    held.give()
    try:
        yield
    finally:
        await held.take()
