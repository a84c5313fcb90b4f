"""One message of a client's on its way to an upstream and back, for the face that passes it through.

The face sets it around the call at the door; the action finds it there. A call that was held and runs later has none: nobody listens any more.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ostiary.actions import JsonValue
from ostiary.connectors.mcp.sse import Event


async def _nowhere(_event: Event, _message: JsonValue) -> None:
    """Nobody listens."""


async def _nothing() -> None:
    """Nothing is held."""


@dataclass(slots=True)
class Passing:
    """headers: of the client's request, those that belong to the protocol. message: the JSON-RPC message without what the door judges. show: takes each
    event that comes before the answer, with its message (None: it has none). gone: returns when the client has hung up, where that cancels its request. shown: to be called when
    nothing more comes before the answer: what was held back is shown.

    Afterwards: `status` and `answer_headers` are the upstream's, `error` its JSON-RPC error (with the id that it answers), `last` the event that brought
    the answer, if an event did.
    """

    headers: Mapping[str, str]
    message: Mapping[str, JsonValue]
    show: Callable[[Event, JsonValue], Awaitable[None]] = _nowhere
    gone: Callable[[], Awaitable[None]] | None = None
    shown: Callable[[], Awaitable[None]] = _nothing
    status: int = 0
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    error: JsonValue = None
    error_id: Any = None
    last: Event | None = None

    def began(self, status: int, headers: Mapping[str, str]) -> None:
        """The upstream has begun to answer."""
        self.status, self.answer_headers = status, headers


PASSING: ContextVar[Passing | None] = ContextVar("passing", default=None)
