"""Requests to a tenant's systems: to vetted addresses only, over a pool per system, with a bound on everything that comes back.

No redirect is followed, no proxy is taken from the environment, no cookie is kept, TLS is 1.2 or later and verified. What the other side says
when it fails stays here: an error carries its status and nothing else. Each error says whether the request may have had its effect
(`maybe_done`): it is False only if no byte of the request was sent, or if the system itself said that it refused.
"""

import asyncio
import functools
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import certifi

from ostiary.errors import (
    OstiaryError,
    TargetAnswerInvalid,
    TargetAnswerTooLarge,
    TargetTimeout,
    TargetUnavailable,
)
from ostiary.net._rfc9112 import Broken, Connection
from ostiary.net.address import Egress, Endpoint
from ostiary.net.pool import Pool

_METHOD = re.compile(r"[A-Z]{3,16}")
_TARGET = re.compile(r"/[!-~]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEADER_VALUE = re.compile(r"[ -~]{0,8192}")
_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "accept-encoding", "connection", "expect", "te", "trailer", "upgrade"}
)  # fmt: skip
_ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's window bits


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one connected system may cost us: seconds, bytes, connections."""

    connect_timeout_s: float = 5
    timeout_s: float = 30
    answer_bytes_max: int = 1 << 20
    connections_max: int = 16


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `target` is the path with its query, percent-encoded already."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. Header names are in lower case; of a repeated header the last one counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """A pool of connections to one endpoint. It belongs to one tenant's connector: connections are never shared further."""

    def __init__(self, endpoint: Endpoint, allowed: Egress, bounds: Bounds, *, ca_pem: str = "") -> None:
        self.endpoint = endpoint
        self.bounds = bounds
        self._pool = Pool(
            endpoint,
            allowed,
            tls=tls_context(ca_pem, alpn="http/1.1") if endpoint.scheme == "https" else None,
            connect_timeout_s=bounds.connect_timeout_s,
            connections_max=bounds.connections_max,
        )

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises AddressRefused, TargetTimeout, TargetUnavailable, TargetAnswerTooLarge, TargetAnswerInvalid."""
        head = self._head(request)
        progress = _Progress()
        with progress:
            async with asyncio.timeout(self.bounds.timeout_s):
                connection = await self._begun(request, head, progress)
                try:
                    body = await self.kept_body(request, connection)
                finally:
                    connection.end()
        return Answer(connection.status, connection.headers, body)

    async def open(self, request: Request, *, silent_s: float) -> "Streaming":
        """An answer that flows, which the caller closes: its status at once, its body as it comes. `silent_s`: how long it may say nothing. Raises as
        `send`; whoever reads on bounds what they keep."""
        head = self._head(request)
        progress = _Progress()
        with progress:
            async with asyncio.timeout(self.bounds.timeout_s):
                connection = await self._begun(request, head, progress)
        return Streaming(connection.status, connection.headers, self, request, connection, progress, silent_s)

    @asynccontextmanager
    async def stream(self, request: Request, *, silent_s: float) -> "AsyncIterator[Streaming]":
        """`open`, and closed in any case."""
        streaming = await self.open(request, silent_s=silent_s)
        try:
            yield streaming
        finally:
            streaming.close()

    async def _begun(self, request: Request, head: bytes, progress: "_Progress") -> Connection:
        """The connection on which the request went out, its answer begun."""
        connection = await self._pool.take()
        try:
            connection.start(head, request.body, bodiless=request.method == "HEAD")
            progress.sent = True
            await connection.begun()
        except BaseException:
            connection.end()
            raise
        return connection

    def _head(self, request: Request) -> bytes:
        """The request line and the headers. Raises ValueError for what would be more than that."""
        if not _METHOD.fullmatch(request.method) or not _TARGET.fullmatch(request.target):
            raise ValueError("a request target is a percent-encoded path that starts with /")
        lines = [
            f"{request.method} {request.target} HTTP/1.1",
            f"Host: {self.endpoint.authority}",
            "Accept-Encoding: identity",
        ]
        for name, value in request.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError("a header must be plain ASCII on one line")
            if name.lower() in _FRAMING:
                raise ValueError("a header that says where a request goes or ends is made here")
            lines.append(f"{name}: {value}")
        if request.body or request.method not in {"GET", "HEAD"}:
            lines.append(f"Content-Length: {len(request.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    async def kept_body(self, request: Request, connection: Connection) -> bytes:
        """The body; of a failure that says too much or says it oddly, nothing: its status is what counts."""
        if request.method == "HEAD":
            return b""
        try:
            return await self._body(connection)
        except (TargetAnswerTooLarge, TargetAnswerInvalid):
            if connection.status < 400:
                raise
            return b""

    async def _body(self, connection: Connection) -> bytes:
        most = self.bounds.answer_bytes_max
        announced = connection.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise TargetAnswerTooLarge
        opened = _opener(connection.headers.get("content-encoding", ""), most)
        parts: list[bytes] = []
        left = most
        while chunk := await connection.piece():
            part = opened(chunk, left + 1)
            left -= len(part)
            if left < 0:
                raise TargetAnswerTooLarge
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        await self._pool.close()


@dataclass(frozen=True, slots=True)
class Streaming:
    """An answer under way. One of `body` and `piece` is read."""

    status: int
    headers: Mapping[str, str]
    client: Client
    request: Request
    connection: Connection
    progress: "_Progress"
    silent_s: float

    async def body(self) -> bytes:
        """The whole body, within the bounds of `send`."""
        with self.progress:
            async with asyncio.timeout(self.client.bounds.timeout_s):
                return await self.client.kept_body(self.request, self.connection)

    async def piece(self) -> bytes:
        """The next bytes of the body, b"" at its end. Raises TargetAnswerInvalid for one that is compressed: nobody asked for that."""
        if self.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
            raise TargetAnswerInvalid(
                "The answer is compressed in a way that was not asked for.", maybe_done=True
            )
        with self.progress:
            if not self.connection.waits():
                return await self.connection.piece()
            async with asyncio.timeout(self.silent_s):
                return await self.connection.piece()

    def close(self, *, drain_s: float = 0) -> None:
        """Nobody reads on. `drain_s`: how long the rest, which is near, may take so that the connection can be used again."""
        self.connection.end(drain_s=drain_s)


class _Progress:
    """Whether a byte of the request may have left. As a context: what went wrong, in our own words."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = False

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if isinstance(error, TimeoutError):
            raise TargetTimeout(maybe_done=self.sent) from None
        if isinstance(error, OSError):
            raise TargetUnavailable(maybe_done=self.sent) from None
        if isinstance(error, Broken):
            raise TargetUnavailable(
                "The connection broke, or what answered speaks no HTTP.", maybe_done=self.sent
            ) from None
        if isinstance(error, OstiaryError):
            error.maybe_done = self.sent


@functools.lru_cache(maxsize=256)
def tls_context(ca_pem: str = "", *, alpn: str = "") -> ssl.SSLContext:
    """Verified TLS 1.2 or later. `ca_pem` replaces the public authorities by the ones given; `alpn` names the protocol that is spoken inside. Raises
    ssl.SSLError for a bad certificate."""
    context = ssl.create_default_context(cadata=ca_pem) if ca_pem else ssl.create_default_context()
    if not ca_pem:
        context.load_verify_locations(certifi.where())  # a bare container has no authorities of its own
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


def _opener(encoding: str, most: int) -> Any:
    """(chunk, at most) -> opened bytes; never more than `at most`, so that a small body cannot grow large here."""
    if encoding.strip().lower() in {"", "identity"}:
        return lambda chunk, _most: chunk
    bits = _ENCODINGS.get(encoding.strip().lower())
    if bits is None:
        raise TargetAnswerInvalid("The answer is compressed in a way that was not asked for.")
    machine = zlib.decompressobj(bits)

    def inflate(chunk: bytes, at_most: int) -> bytes:
        try:
            return machine.decompress(chunk, at_most)
        except zlib.error:
            raise TargetAnswerInvalid("The answer's compression is broken.") from None

    return inflate
