"""An ASGI application on a free port of 127.0.0.1, in a thread of its own, for as long as a `with` block lasts."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

STOP_S = 10


@contextmanager
def served(application: Any, *, port: int = 0) -> Iterator[str]:
    """`http://127.0.0.1:<port>` of the running application. The socket listens before the thread starts, so nobody has to wait for it."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(128)
    config = uvicorn.Config(application, log_config=None, access_log=False, timeout_graceful_shutdown=STOP_S)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="served", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_S)
        listening.close()
