"""HTTP/1.1 as uvicorn speaks it, with a bound on the head of a request: how long it may take to arrive, and how large it may be.

Without these a caller who sends a letter a second, or a header without end, holds a connection and our memory for as long as they like.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 20
HEAD_BYTES_MAX = 64 * 1024


class HeadTooLarge(Exception):
    """Makes the parser stop; uvicorn answers 400 and closes."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A head that is late ends it without an answer; one that is too large is answered 400."""

    _waiting: asyncio.TimerHandle | None = None
    _in_head = False
    _head_bytes = 0
    _arrived_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        if self._waiting is None:
            self._wait()
        self._arrived_bytes += len(data)
        if self._arrived_bytes > HEAD_BYTES_MAX:
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes, self._arrived_bytes = True, 0, 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            raise HeadTooLarge

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
