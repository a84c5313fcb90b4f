"""The service over HTTP. Every path is in ROUTES; a body is bounded, work is bounded, and what is logged is counts."""

import asyncio
import ipaddress
import os
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from prometheus_client import CollectorRegistry, Counter, generate_latest

from ostiary import log
from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.asgi.protocol import BoundedProtocol
from ostiary.asgi.wire import (
    JSON_TYPE,
    NO_STORE,
    Receive,
    Scope,
    Send,
    answer,
    answer_problem,
    read_body,
    text_header,
)
from ostiary.documents.document import Limits
from ostiary.documents.images import read_frames
from ostiary.errors import (
    CredentialRefused,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    OstiaryError,
    TooMany,
)
from ostiary.secret import Secret

BODY_BYTES_MAX = 32 << 20
WAITING_MAX = 32
"""Requests that are worked on or wait for it; the next is told to come back."""
RETRY_AFTER_S = 1
TOKEN_CHARACTERS_MIN = 20
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN = frozenset({"/livez", "/readyz"})
"""Answered without a token: they tell nothing."""
_LOG = log.get("ocr_server")

READ = "/v1/ocr"
FETCHED = frozenset({"/livez", "/readyz", "/metrics"})
LIMITS = Limits(bytes_max=BODY_BYTES_MAX, pages_max=50, pixels_max=40_000_000)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where it listens, by which names it is reached, and the token that callers have to show (none: everybody who reaches it)."""

    host: str = "127.0.0.1"
    port: int = 5001
    names: frozenset[str] = frozenset()
    token: Secret | None = None


class Exposed(Exception):
    """The settings would let strangers in. The text is a sentence for the operator."""


class OcrFace:
    """An ASGI application. CPU work runs in threads, as many as there are processors."""

    def __init__(self, token: Secret | None) -> None:
        self._token = token
        self._turn = asyncio.Semaphore(max(1, os.cpu_count() or 1))
        self._waiting = 0
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ostiary_ocr_requests", "Requests answered.", ("path", "status"), registry=self._registry
        )
        self._bytes = Counter("ostiary_ocr_bytes", "Bytes of the requests' bodies.", registry=self._registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        known = path == READ or path in FETCHED
        try:
            if not known:
                raise NotFound
            self._let_in(scope, path)
            status = await self._answered(scope, receive, send, path)
        except MethodNotAllowed as error:
            status = error.status
            await answer_problem(send, MethodNotAllowed(), headers=[(b"allow", error.detail.encode())])
        except OstiaryError as error:
            status = error.status
            await answer_problem(send, error)
        except Exception as fault:  # noqa: BLE001 - a mistake of ours: nothing of it is shown, and the next request is served
            status = 500
            _LOG.error("request.broke", path=path, error=type(fault).__name__, where=log.where(fault))
            await answer_problem(send, OstiaryError())
        self._requests.labels(path if known else "other", str(status)).inc()

    def _let_in(self, scope: Scope, path: str) -> None:
        if self._token is None or path in OPEN:
            return
        kind, _, shown = text_header(scope, b"authorization").partition(" ")
        if kind.lower() != "bearer" or not shown:
            raise NotAuthenticated
        if not self._token.matches(shown.strip()):
            raise CredentialRefused

    async def _answered(self, scope: Scope, receive: Receive, send: Send, path: str) -> int:
        method: str = scope["method"]
        if path in FETCHED:
            if method not in ("GET", "HEAD"):
                raise MethodNotAllowed("GET, HEAD")
            await self._fetched(send, path)
            return 200
        if method != "POST":
            raise MethodNotAllowed("POST")
        if self._waiting >= WAITING_MAX:
            raise TooMany(retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            body = await read_body(scope, receive, BODY_BYTES_MAX)
            self._bytes.inc(len(body))
            async with self._turn:
                made = await asyncio.to_thread(read, body)
        finally:
            self._waiting -= 1
        await answer(send, 200, orjson.dumps(made), [JSON_TYPE, NO_STORE])
        return 200

    async def _fetched(self, send: Send, path: str) -> None:
        if path == "/metrics":
            kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
            await answer(send, 200, generate_latest(self._registry), [kind, NO_STORE])
        else:
            await answer(send, 200, b"ok\n", [(b"content-type", b"text/plain; charset=utf-8"), NO_STORE])


def read(body: bytes) -> dict[str, Any]:
    """The frames of a picture, each with its size and its lines; boxes are left, top, right, bottom in pixels."""
    frames = []
    for width, height, lines in read_frames(body, LIMITS):
        read_ = [
            {
                "text": line.text,
                "score": line.score,
                "box": [line.box.left, line.box.top, line.box.right, line.box.bottom],
            }
            for line in lines
        ]
        frames.append({"width": width, "height": height, "lines": read_})
    return {"frames": frames}


def application(settings: Settings) -> Any:
    """The face behind its guard: Host allow-list and security headers. Raises Exposed."""
    if not is_loopback(settings.host) and settings.token is None:
        raise Exposed("On an address that others reach, callers have to show a token: give --token-file.")
    if settings.token is not None and len(settings.token.reveal()) < TOKEN_CHARACTERS_MIN:
        raise Exposed(f"The token is shorter than {TOKEN_CHARACTERS_MIN} characters.")
    hosts = LOOPBACK_HOSTS | settings.names | {settings.host.lower()}
    return guard(OcrFace(settings.token), hosts=hosts, proxies=Proxies(), https=False)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises Exposed."""
    app = application(settings)
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        http=BoundedProtocol, lifespan="off", ws="none",
    )  # fmt: skip
    _LOG.info("listening", host=settings.host, port=settings.port, token=settings.token is not None)
    uvicorn.Server(config).run()
