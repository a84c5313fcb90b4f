"""Where an action sends an answer that is larger than memory: the face that was asked gives a sink, and the action writes while it runs.

So the intent is recorded before the first byte leaves, and the outcome before the answer ends.
"""

import asyncio
from contextvars import ContextVar
from typing import Protocol

from ostiary.ids import CallId


class Sink(Protocol):
    """What somebody reads. `gone` is set as soon as nobody does; what is written after that goes nowhere."""

    gone: asyncio.Event

    async def begin(self, media: str, call: CallId) -> None:
        """Once, before anything is written."""
        ...

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more."""
        ...


SINK: ContextVar[Sink | None] = ContextVar("sink", default=None)
"""Of the call that is under way; None where its face gives none."""
