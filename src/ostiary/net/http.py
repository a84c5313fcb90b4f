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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import certifi
import httpcore

from ostiary.errors import (
    OstiaryError,
    TargetAnswerInvalid,
    TargetAnswerTooLarge,
    TargetTimeout,
    TargetUnavailable,
)
from ostiary.net.address import Egress, Endpoint, vetted

KEEP_ALIVE_S = 30
_TARGET = re.compile(r"/[!-~]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_HEADER_VALUE = re.compile(r"[ -~]{0,8192}")
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
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls_context(ca_pem) if endpoint.scheme == "https" else None,
            max_connections=bounds.connections_max,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=_Pinned(endpoint, allowed),
        )
        timeouts = {
            "connect": bounds.connect_timeout_s,
            "pool": bounds.timeout_s,
            "read": bounds.timeout_s,
            "write": bounds.timeout_s,
        }
        self._extensions = {"timeout": timeouts}

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises AddressRefused, TargetTimeout, TargetUnavailable, TargetAnswerTooLarge, TargetAnswerInvalid."""
        progress = _Progress()
        try:
            async with asyncio.timeout(self.bounds.timeout_s):
                return await self._exchange(request, progress)
        except (TimeoutError, httpcore.TimeoutException):
            raise TargetTimeout(maybe_done=progress.sent) from None
        except (httpcore.NetworkError, OSError):
            raise TargetUnavailable(maybe_done=progress.sent) from None
        except httpcore.ProtocolError:
            raise TargetUnavailable(
                "The connection broke, or what answered speaks no HTTP.", maybe_done=progress.sent
            ) from None
        except OstiaryError as error:
            error.maybe_done = progress.sent
            raise

    async def _exchange(self, request: Request, progress: "_Progress") -> Answer:
        outgoing = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=self.endpoint.scheme,
                host=self.endpoint.host,
                port=self.endpoint.port,
                target=_checked_target(request.target),
            ),
            headers=self._headers(request),
            content=request.body,
            extensions={**self._extensions, "trace": progress.trace},
        )
        response = await self._pool.handle_async_request(outgoing)
        try:
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            body = await self._kept_body(request, response, headers)
        finally:
            await response.aclose()
        return Answer(response.status, headers, body)

    def _headers(self, request: Request) -> list[tuple[str, str]]:
        for name, value in request.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError("a header must be plain ASCII on one line")
        length = (
            [("Content-Length", str(len(request.body)))]
            if request.body or request.method not in {"GET", "HEAD"}
            else []
        )
        return [
            ("Host", self.endpoint.authority),
            ("Accept-Encoding", "identity"),
            *request.headers.items(),
            *length,
        ]

    async def _kept_body(
        self, request: Request, response: httpcore.Response, headers: Mapping[str, str]
    ) -> bytes:
        """The body; of a failure that says too much or says it oddly, nothing: its status is what counts."""
        if request.method == "HEAD":
            return b""
        try:
            return await self._body(response, headers)
        except (TargetAnswerTooLarge, TargetAnswerInvalid):
            if response.status < 400:
                raise
            return b""

    async def _body(self, response: httpcore.Response, headers: Mapping[str, str]) -> bytes:
        most = self.bounds.answer_bytes_max
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            raise TargetAnswerTooLarge
        opened = _opener(headers.get("content-encoding", ""), most)
        parts: list[bytes] = []
        left = most
        async for chunk in response.aiter_stream():
            part = opened(chunk, left + 1)
            left -= len(part)
            if left < 0:
                raise TargetAnswerTooLarge
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        await self._pool.aclose()


class _Progress:
    """Whether a byte of the request may have left: from the moment its headers are written."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event == "http11.send_request_headers.started":
            self.sent = True


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the endpoint's vetted IP addresses, each tried in turn; the name is used for Host and TLS only."""

    def __init__(self, endpoint: Endpoint, allowed: Egress) -> None:
        self._endpoint = endpoint
        self._allowed = allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await vetted(self._endpoint, self._allowed)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


@functools.lru_cache(maxsize=256)
def tls_context(ca_pem: str = "") -> ssl.SSLContext:
    """Verified TLS 1.2 or later. `ca_pem` replaces the public authorities by the ones given. Raises ssl.SSLError for a bad one."""
    context = ssl.create_default_context(cadata=ca_pem) if ca_pem else ssl.create_default_context()
    if not ca_pem:
        context.load_verify_locations(certifi.where())  # a bare container has no authorities of its own
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _checked_target(target: str) -> str:
    if not _TARGET.fullmatch(target):
        raise ValueError("a request target is a percent-encoded path that starts with /")
    return target


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
