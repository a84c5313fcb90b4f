"""One connection that speaks HTTP/1.1 (RFC 9112) to a server which nobody has to trust: a request goes out, its answer comes back in pieces.

The bytes are parsed by llhttp in its strict mode. What leaves any doubt about where an answer ends is no answer: two lengths, a length beside chunks, another
transfer coding, a head without end, bytes that nobody asked for. A connection serves again only after an answer that ended where it said it would, with
nothing behind it. Nothing is ever sent twice here.
"""

import asyncio
import select
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

HEAD_BYTES_MAX = 64 * 1024
"""Of a head; and of whatever else arrives without being a part of the body: chunk extensions, trailers, interim answers."""
HEADERS_MAX = 256
INTERIM_MAX = 8
"""Answers with a 1xx status before the one that counts."""
WAITING_BYTES_MAX = 256 * 1024
"""Of a body that nobody has taken yet; then the server has to wait."""


class Broken(Exception):
    """The connection broke, or what answered speaks no HTTP."""


class Connection(asyncio.Protocol):
    """`ended`: told once after each exchange, and whether the connection can serve again. `lost`: told when it is gone."""

    def __init__(
        self, ended: "Callable[[Connection, bool], None]", lost: "Callable[[Connection], None]"
    ) -> None:
        self._ended = ended
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._parser: HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.TimerHandle | None = None
        self.idle_since_s = 0.0
        self._fresh(bodiless=False)

    def _fresh(self, *, bodiless: bool) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.done = False
        self._bodiless = bodiless
        self._error: Exception | None = None
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._paused = False
        self._keep = False
        self._interim = 0
        self._begin()

    def _begin(self) -> None:
        self._head_bytes = 0
        self._heads = 0
        self._besides_bytes = 0
        self._moved = False

    # One exchange

    def usable(self) -> bool:
        """Whether a request may go out on it now: it is open, and the server has said nothing since."""
        if self._transport is None or self._transport.is_closing() or self._error is not None:
            return False
        return not self._poll.poll(0)

    def start(self, head: bytes, body: bytes, *, bodiless: bool) -> None:
        """Send a request. `bodiless`: its answer has no body whatever it says (HEAD). Raises Broken, and then nothing was sent."""
        if self._transport is None or self._transport.is_closing():
            raise Broken
        self._fresh(bodiless=bodiless)
        self._parser = HttpResponseParser(self)
        self._transport.write(head + body)

    async def begun(self) -> None:
        """Wait for the answer's head. Raises Broken, OSError."""
        while not self.status:
            if self._error is not None:
                raise self._error
            await self._changed()

    def waits(self) -> bool:
        """Whether `piece` would have to wait."""
        return not (self._pieces or self.done or self._error)

    async def piece(self) -> bytes:
        """The next bytes of the body, b"" at its end. Raises Broken, OSError."""
        while not self._pieces:
            if self.done:
                return b""
            if self._error is not None:
                raise self._error
            await self._changed()
        found = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._waiting_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return found

    def end(self, *, drain_s: float = 0) -> None:
        """Nobody reads on. `drain_s`: how long the rest of the answer, which is near, may take to arrive so that the connection can serve again."""
        self._pieces = []
        if not self.done and self._error is None and drain_s and not self._paused:
            self._drain = self._loop.call_later(drain_s, self._over)
        else:
            self._over()

    def _over(self) -> None:
        if self._drain is not None:
            self._drain.cancel()
            self._drain = None
        self._parser = None
        keep = self.done and self._keep and self._open() and self._error is None
        if not keep:
            self.abort()
        self._ended(self, keep)

    def _open(self) -> bool:
        transport = self._transport
        return transport is not None and not transport.is_closing() and not transport.get_write_buffer_size()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _changed(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self.done:
            self._fail(Broken())  # nobody has asked
            return
        self._moved = False
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(Broken())
        self._besides_bytes = 0 if self._moved else self._besides_bytes + len(data)
        if self._besides_bytes > HEAD_BYTES_MAX and not self.done:
            self._fail(Broken())
        self._told()

    def eof_received(self) -> None:
        if self.status and not self.done and self._error is None and not self._framed():
            self.done = True  # this answer ends with its connection (RFC 9112 section 6.3)

    def connection_lost(self, error: Exception | None) -> None:
        self._keep = False
        if not self.done and self._error is None:
            self._error = error if isinstance(error, OSError) else Broken()
        self._transport = None
        self._lost(self)
        self._told()

    def _fail(self, error: Exception) -> None:
        """An answer that is whole stays one; the connection is at its end."""
        self._keep = False
        if not self.done and self._error is None:
            self._error = error
        self.abort()

    def _told(self) -> None:
        """Somebody waits, or nobody does and the rest has come."""
        if self._drain is not None:
            if self.done or self._error is not None:
                self._over()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the parser tells

    def on_message_begin(self) -> None:
        if self.done:
            raise Broken  # a second answer

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value) + 4
        self._heads += 1
        if self._head_bytes > HEAD_BYTES_MAX or self._heads > HEADERS_MAX:
            raise Broken
        if self.status:
            return  # a trailer: nobody reads those
        key = name.decode("latin-1").lower()
        if key in ("content-length", "transfer-encoding") and key in self.headers:
            raise Broken
        text = value.decode("latin-1").strip(" \t")
        if "\r" in text or "\n" in text:
            raise Broken  # a line that is folded (RFC 9112 section 5.2)
        self.headers[key] = text

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 200:
            self._between(status)
            return
        coding = self.headers.get("transfer-encoding")
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Broken
        if coding is not None and (
            coding.lower() != "chunked" or version == "1.0" or "content-length" in self.headers
        ):
            raise Broken
        self.status = status
        if self._bodiless:
            self.done = True

    def _between(self, status: int) -> None:
        self._interim += 1
        if not 100 <= status < 200 or status == 101 or self._interim > INTERIM_MAX:
            raise Broken
        self.headers = {}

    def on_body(self, body: bytes) -> None:
        if self._bodiless or self._drain is not None:
            return
        self._moved = True
        self._pieces.append(body)
        self._waiting_bytes += len(body)
        if self._waiting_bytes > WAITING_BYTES_MAX and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        assert self._parser is not None
        if self.status and not self._bodiless:
            self.done = True
            self._keep = self._framed() and self._parser.should_keep_alive()

    def _framed(self) -> bool:
        """Whether the answer says itself where it ends."""
        return (
            "content-length" in self.headers
            or "transfer-encoding" in self.headers
            or self.status in (204, 304)
        )
