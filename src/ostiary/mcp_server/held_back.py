"""Notices of an upstream that hold free text are held back for a moment, so that a value that was cut over several of them is masked as if it had come in one.

What an upstream says of its progress, and logs, is often a text in pieces. All notices keep their order. They go on when enough text has followed on the same channel, when
nothing came for a while, or when the answer or a question of the upstream comes: nobody waits longer than QUIET_S for what is not text at all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ostiary.actions import JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.connectors.mcp.sse import Event
from ostiary.privacy.joined import mask_pieces

QUIET_S = 0.25
"""Text after which nothing came for so long is whole."""
AHEAD_CHARACTERS = 256
"""Text that so much has followed goes on: values that are longer (private keys) are found by their beginning."""
HELD_MAX = 512
TELLING_CHARACTERS_MAX = 200

Show = Callable[[Event, JsonValue], Awaitable[None]]
"""Masks one message by itself, and sends it."""
_TEXTS = {
    "notifications/message": ("data", "logger"),
    "notifications/progress": ("message", "progressToken"),
    "notifications/tasks/status": ("statusMessage", "taskId"),
}
"""Where the free text of a notice stands, and what tells its channel."""


@dataclass(slots=True)
class _Held:
    event: Event
    message: Any
    channel: tuple[str, str] | None
    text: str = ""


class HeldBack:
    """The notices of one stream. `reveal`: what its reader may see."""

    def __init__(self, show: Show, reveal: Callable[[], Awaitable[frozenset[str]]], clock: Clock) -> None:
        self._show = show
        self._reveal = reveal
        self._clock = clock
        self._held: list[_Held] = []
        self._lock = asyncio.Lock()
        self._heard_us = 0
        self._timer: asyncio.Task[None] | None = None

    async def say(self, event: Event, message: JsonValue) -> None:
        """One message of the upstream's."""
        async with self._lock:
            self._heard_us = self._clock.monotonic_us()
            held = _of(event, message)
            if held.channel is None and (not self._held or _asks(message)):
                await self._let_go(everything=True)
                await self._show(event, message)
                return
            self._held.append(held)
            await self._let_go(everything=False)
            if self._held and self._timer is None:
                self._timer = asyncio.create_task(self._watched())

    async def end(self) -> None:
        """Nothing more comes: what is held goes."""
        async with self._lock:
            await self._let_go(everything=True)
        self.drop()

    def drop(self) -> None:
        """Nobody reads on."""
        self._held = []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _watched(self) -> None:
        while self._held:
            await asyncio.sleep(QUIET_S)
            async with self._lock:
                await self.beat()
        self._timer = None

    async def beat(self) -> None:
        """Let go what nothing followed for a while."""
        quiet = self._clock.monotonic_us() - self._heard_us >= QUIET_S * SECOND_US
        await self._let_go(everything=quiet)

    async def _let_go(self, *, everything: bool) -> None:
        """Show what can go: the texts of each channel are masked as one first, what is still held included."""
        count = len(self._held) if everything else self._ready()
        if not count:
            return
        reveal = await self._reveal()
        for channel in {each.channel for each in self._held if each.channel is not None}:
            mine = [each for each in self._held if each.channel == channel]
            masked, _counts = mask_pieces([each.text for each in mine], reveal)
            for each, text in zip(mine, masked, strict=True):
                each.text = text
        going, self._held = self._held[:count], self._held[count:]
        for each in going:
            await self._show(each.event, _with_text(each))

    def _ready(self) -> int:
        """How many of the first may go."""
        if len(self._held) > HELD_MAX:
            return len(self._held) - HELD_MAX
        after: dict[tuple[str, str], int] = {}
        last = len(self._held)
        for at in range(len(self._held) - 1, -1, -1):
            channel = self._held[at].channel
            if channel is None:
                continue
            if after.get(channel, 0) < AHEAD_CHARACTERS:
                last = at
            after[channel] = after.get(channel, 0) + len(self._held[at].text)
        return last


def _of(event: Event, message: JsonValue) -> _Held:
    method = message.get("method") if isinstance(message, dict) and "id" not in message else None
    if not isinstance(method, str) or method not in _TEXTS:
        return _Held(event, message, None)
    (place, tells), params = _TEXTS[method], message.get("params")
    if not isinstance(params, dict) or not isinstance(params.get(place), str):
        return _Held(event, message, None)
    return _Held(event, message, (method, str(params.get(tells))[:TELLING_CHARACTERS_MAX]), params[place])


def _asks(message: JsonValue) -> bool:
    """Whether the upstream waits for an answer, or gives one."""
    return isinstance(message, dict) and "id" in message


def _with_text(held: _Held) -> Any:
    if held.channel is None:
        return held.message
    place = _TEXTS[held.channel[0]][0]
    params = held.message["params"]
    if params[place] == held.text:
        return held.message
    return {**held.message, "params": {**params, place: held.text}}
