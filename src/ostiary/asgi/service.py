"""A service that stands alone: a few paths over HTTP, without a gateway, a home or a database. Bodies are bounded, work is bounded, and what is logged is counts."""

import asyncio
import ipaddress
import os
from collections.abc import Callable
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
    answer_json,
    answer_problem,
    read_body,
    text_header,
)
from ostiary.errors import (
    CredentialRefused,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    OstiaryError,
    TooMany,
)
from ostiary.secret import Secret

RETRY_AFTER_S = 1
TOKEN_CHARACTERS_MIN = 20
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
PROBES = ("/livez", "/readyz")
LATER_AT_ONCE = 2
"""So many answers wait for somebody else at a time; detection has its own turns, and goes on."""


class Exposed(Exception):
    """The settings would let strangers in. The text is a sentence for the operator."""


class BadRequest(ValueError):
    """A request that cannot be answered, told in the form of the product whose interface it is: 400, `{"error": text}`."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where it listens, by which names it is reached, and the token that callers have to show (none: everybody who reaches it)."""

    host: str
    port: int
    names: frozenset[str] = frozenset()
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """What work gives instead of an answer where it has to wait for somebody else: the rest of it, which is done in a thread without a processor's turn."""

    work: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Service:
    """What one service does. name: of its metrics (`ostiary_<name>_...`) and its log.

    posted: by path, what reads a request's head and body and gives the work to do in a thread, whose result is answered as JSON; read on the loop, so it is quick. told: by path, what is answered to
    GET, JSON or text; open: those of them that need no token, because they tell nothing. waiting_max: requests that are worked on or wait for it; the next is told to come back.
    """

    name: str
    posted: dict[str, Callable[[Scope, bytes], Callable[[], Any]]]
    body_bytes_max: int
    waiting_max: int
    told: dict[str, Callable[[], Any]]
    open: frozenset[str] = frozenset()


class ServiceFace:
    """An ASGI application. CPU work runs in threads, as many as there are processors."""

    def __init__(self, service: Service, token: Secret | None) -> None:
        self._service, self._token = service, token
        self._log = log.get(f"{service.name}_server")
        self._turn = asyncio.Semaphore(max(1, os.cpu_count() or 1))
        self._later = asyncio.Semaphore(LATER_AT_ONCE)
        self._waiting = 0
        self._registry = CollectorRegistry()
        self._fetched = {"/metrics", *PROBES, *service.told}
        self._open = {*PROBES, *service.open}
        self._requests = Counter(
            f"ostiary_{service.name}_requests",
            "Requests answered.",
            ("path", "status"),
            registry=self._registry,
        )
        self._bytes = Counter(
            f"ostiary_{service.name}_bytes", "Bytes of the requests' bodies.", registry=self._registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        known = path in self._service.posted or path in self._fetched
        try:
            if not known:
                raise NotFound
            self._let_in(scope, path)
            status = await self._answered(scope, receive, send, path)
        except BadRequest as error:
            status = 400
            await answer_json(send, status, {"error": str(error)})
        except MethodNotAllowed as error:
            status = error.status
            await answer_problem(send, MethodNotAllowed(), headers=[(b"allow", error.detail.encode())])
        except OstiaryError as error:
            status = error.status
            await answer_problem(send, error)
        except Exception as fault:  # noqa: BLE001 - a mistake of ours: nothing of it is shown, and the next request is served
            status = 500
            self._log.error("request.broke", path=path, error=type(fault).__name__, where=log.where(fault))
            await answer_problem(send, OstiaryError())
        self._requests.labels(path if known else "other", str(status)).inc()

    def _let_in(self, scope: Scope, path: str) -> None:
        if self._token is None or path in self._open:
            return
        kind, _, shown = text_header(scope, b"authorization").partition(" ")
        if kind.lower() != "bearer" or not shown:
            raise NotAuthenticated
        if not self._token.matches(shown.strip()):
            raise CredentialRefused

    async def _answered(self, scope: Scope, receive: Receive, send: Send, path: str) -> int:
        method: str = scope["method"]
        if path in self._fetched:
            if method not in ("GET", "HEAD"):
                raise MethodNotAllowed("GET, HEAD")
            await self._tell(send, path)
            return 200
        if method != "POST":
            raise MethodNotAllowed("POST")
        if self._waiting >= self._service.waiting_max:
            raise TooMany(retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            body = await read_body(scope, receive, self._service.body_bytes_max)
            self._bytes.inc(len(body))
            work = self._service.posted[path](scope, body)
            async with self._turn:
                made = await asyncio.to_thread(work)
            if isinstance(made, Later):
                async with self._later:
                    made = await asyncio.to_thread(made.work)
        finally:
            self._waiting -= 1
        await answer(send, 200, orjson.dumps(made), [JSON_TYPE, NO_STORE])
        return 200

    async def _tell(self, send: Send, path: str) -> None:
        if path == "/metrics":
            kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
            await answer(send, 200, generate_latest(self._registry), [kind, NO_STORE])
            return
        said = self._service.told[path]() if path in self._service.told else "ok\n"
        if isinstance(said, str):
            await answer(send, 200, said.encode(), [TEXT_TYPE, NO_STORE])
        else:
            await answer_json(send, 200, said)


def application(service: Service, settings: Settings) -> Any:
    """The face behind its guard: Host allow-list and security headers. Raises Exposed."""
    if not is_loopback(settings.host) and settings.token is None:
        raise Exposed("On an address that others reach, callers have to show a token: give --token-file.")
    if settings.token is not None and len(settings.token.reveal()) < TOKEN_CHARACTERS_MIN:
        raise Exposed(f"The token is shorter than {TOKEN_CHARACTERS_MIN} characters.")
    hosts = LOOPBACK_HOSTS | settings.names | {settings.host.lower()}
    return guard(ServiceFace(service, settings.token), hosts=hosts, proxies=Proxies(), https=False)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(service: Service, settings: Settings, *, warm: Callable[[], None] | None = None) -> None:
    """Serve until told to stop. `warm`: what to make ready first. Raises Exposed."""
    app = application(service, settings)
    if warm is not None:
        warm()
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        http=BoundedProtocol, lifespan="off", ws="none",
    )  # fmt: skip
    log.get(f"{service.name}_server").info(
        "listening", host=settings.host, port=settings.port, token=settings.token is not None
    )
    uvicorn.Server(config).run()
