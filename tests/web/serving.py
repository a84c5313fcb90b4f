"""The console over the sample door, as an ASGI application and as a real server on the loopback address for a browser."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.asgi.wire import App
from ostiary.clock import SystemClock
from ostiary.consent.watch import Watch
from ostiary.web.console import routes
from ostiary.web.desk import Fittings
from tests.web.sample import TENANT, SampleDoor


def fitted(door: SampleDoor, origin: str, watch: Watch | None = None, *, secure: bool = False) -> Fittings:
    return Fittings(
        door,
        watch or Watch(),
        Watch(),
        SystemClock(),
        Proxies(),
        frozenset({origin}),
        secure=secure,
        mailed=True,
    )


def application(fittings: Fittings, host: str = "localhost") -> App:
    """With the guard around it, as `app` puts it, so that headers are those of the product."""
    return guard(Starlette(routes=routes(fittings)), hosts=frozenset({host}), proxies=Proxies(), https=False)


@dataclass
class Served:
    """`origin` is the address; `changed` tells open pages that something happened, as the ledger does."""

    origin: str
    watch: Watch
    loop: asyncio.AbstractEventLoop

    def changed(self) -> None:
        self.loop.call_soon_threadsafe(self.watch.touch, TENANT)


@contextmanager
def serving(door: SampleDoor, watch: Watch) -> Iterator[Served]:
    """A server that answers until the block ends."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    origin = f"http://localhost:{listening.getsockname()[1]}"
    app = application(fitted(door, origin, watch))
    config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve([listening])), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield Served(origin, watch, loop)
    finally:
        server.should_exit = True
        thread.join(10)
        loop.close()
        listening.close()
