"""Serving with uvicorn: our own minimum TLS version, no server header, and a stop that lets what is under way end."""

import asyncio
import gc
import ssl
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import Message

from ostiary.app.gateway import DRAIN_S, Gateway
from ostiary.asgi.protocol import BoundedProtocol
from ostiary.asgi.wire import Receive, Scope, Send
from ostiary.privacy import masking

KEEP_ALIVE_S = 30
BACKLOG = 2048
COLLECT_AFTER_OBJECTS = 50_000
"""Calls leave hardly a cycle behind: looking for one every 700 objects costs a tenth of a call and finds nothing."""

THREADS_TURN_S = 0.001
"""How long a thread that computes keeps the event loop waiting for the interpreter, each time that the loop wakes up; Python's own 5 ms are longer than a
whole call."""

LAST = (b"connection", b"close")


class Server(uvicorn.Server):
    """One that is told to stop says so first: for `drain_wait_s` it still answers, `/readyz` says no and each answer is the last of its connection, so that
    whoever balances load goes elsewhere and nobody's request meets a closed door."""

    def __init__(self, config: uvicorn.Config, *, drain_wait_s: int) -> None:
        super().__init__(config)
        self.draining = False
        self._drain_wait_s = drain_wait_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[Any] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.draining or not self._drain_wait_s or self._loop is None:
            super().handle_exit(sig, frame)
            return
        self.draining = True
        stop = super().handle_exit
        loop = self._loop
        loop.call_soon_threadsafe(lambda: loop.call_later(self._drain_wait_s, stop, sig, frame))

    def is_stopping(self) -> bool:
        return self.draining or self.should_exit


def server(gateway: Gateway) -> Server:
    """A server for one gateway, which it starts and stops with itself."""
    settings = gateway.settings
    tls: dict[str, Any] = {}
    if settings.tls_cert and gateway.kind.faces:
        tls = {
            "ssl_certfile": settings.tls_cert,
            "ssl_keyfile": settings.tls_key,
            "ssl_context_factory": _context,
        }
    application = _Application(gateway)
    made = Server(
        uvicorn.Config(
            application,
            host=settings.host,
            port=settings.port if gateway.kind.faces else settings.worker_port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=DRAIN_S,
            backlog=BACKLOG,
            http=BoundedProtocol,
            lifespan="on",
            ws="none",
            **tls,
        ),
        drain_wait_s=settings.drain_wait_s,
    )
    gateway.stopping = application.stopping = made.is_stopping
    return made


class _Application:
    """ASGI with the lifespan protocol: the gateway starts before the first request and stops after the last."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.stopping: Callable[[], bool] = lambda: False
        self._warming: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._gateway.asgi(scope, receive, _last(send) if self.stopping() else send)
            return
        await receive()
        await self._gateway.start()
        self._warming = asyncio.create_task(asyncio.to_thread(masking.warm))  # the start does not wait for it
        gc.freeze()  # what was made for the start stays
        gc.set_threshold(COLLECT_AFTER_OBJECTS)
        sys.setswitchinterval(THREADS_TURN_S)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._gateway.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _last(send: Send) -> Send:
    """Answers that end their connection."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), LAST]}
        await send(message)

    return sending


def _context(_config: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
