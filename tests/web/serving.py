"""The console over the sample door, as an ASGI application and as a real server on the loopback address for a browser."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import guard
from ostiary.asgi.wire import App
from ostiary.clock import SystemClock
from ostiary.consent.watch import Watch
from ostiary.web.console import routes
from ostiary.web.desk import Fittings
from tests.web.sample import SampleDoor


def fitted(door: SampleDoor, origin: str, watch: Watch | None = None, *, mailed: bool = True) -> Fittings:
    return Fittings(
        door, watch or Watch(), SystemClock(), Proxies(), frozenset({origin}), secure=False, mailed=mailed
    )


def application(fittings: Fittings, host: str = "localhost") -> App:
    """With the guard around it, as `app` puts it, so that headers are those of the product."""
    return guard(Starlette(routes=routes(fittings)), hosts=frozenset({host}), proxies=Proxies(), https=False)


@contextmanager
def serving(door: SampleDoor, watch: Watch | None = None) -> Iterator[str]:
    """The address of a server that answers until the block ends."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    origin = f"http://localhost:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        application(fitted(door, origin, watch)),
        log_level="error",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield origin
    finally:
        server.should_exit = True
        thread.join(5)
        listening.close()
