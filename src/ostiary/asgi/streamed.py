"""An answer that is sent while its call runs. It ends properly only where the call did; otherwise the connection is cut, so that nobody takes a part for the whole."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from ostiary import log
from ostiary.asgi.wire import NO_STORE, Header, Receive, Send
from ostiary.door.outcome import Outcome
from ostiary.errors import OstiaryError
from ostiary.ids import CallId
from ostiary.sinks import SINK

_LOG = log.get("asgi")


class Streamed:
    """A `Sink`. The body of the request has been read."""

    def __init__(self, receive: Receive, send: Send, headers: Iterable[Header]) -> None:
        self.gone = asyncio.Event()
        self.begun = False
        self._receive, self._send, self._more = receive, send, headers

    async def begin(self, media: str, call: CallId) -> None:
        self.begun = True
        headers = [(b"content-type", media.encode()), NO_STORE, (b"ostiary-call", call.encode()), *self._more]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def watch(self) -> None:
        """Until the reader hangs up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


async def streamed(
    called: Callable[[], Awaitable[Outcome]], receive: Receive, send: Send, headers: Iterable[Header] = ()
) -> Outcome | None:
    """What came of a call that may write its answer while it runs, with these `headers` besides. None: it did, and the answer has been sent, or was cut. Raises what the call does, unless it had begun to answer."""
    sink = Streamed(receive, send, headers)
    watching = asyncio.create_task(sink.watch())
    given = SINK.set(sink)
    try:
        outcome = await called()
        if not sink.begun:
            return outcome
        await sink.end()
    except OstiaryError as error:
        if not sink.begun:
            raise
        _LOG.warning("answer.cut", code=error.code)
    finally:
        SINK.reset(given)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    return None
