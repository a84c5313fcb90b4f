"""A wire that can be cut: a TCP proxy that, once stalled, passes on nothing and closes nothing, as a network that swallows packets does; or that is cut: every
connection ends, and no new one is taken."""

import socket
import threading
from contextlib import suppress

from sqlalchemy import make_url

BUFFER_BYTES = 65_536


class Wire:
    """Listens on a port of its own and passes bytes to `host:port` and back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._whole = threading.Event()
        self._whole.set()
        self._refuses = self._closed = False
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        self._whole.clear()

    def cut(self) -> None:
        self._refuses = True
        self._end(self._sockets)
        self._sockets.clear()

    def mend(self) -> None:
        self._refuses = False
        self._whole.set()

    def close(self) -> None:
        self._closed = True
        self._whole.set()
        self._end([self._listener, *self._sockets])

    @staticmethod
    def _end(sockets: list[socket.socket]) -> None:
        for each in list(sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._refuses:
                    near.close()
                    continue
                self._whole.wait()
                if self._closed:
                    near.close()
                    return
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(BUFFER_BYTES):
                self._whole.wait()
                sink.sendall(content)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


def over(wire: Wire, url: str) -> str:
    """The same database, by way of the wire."""
    return make_url(url).set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)


def to(url: str) -> Wire:
    """A wire to the server of this URL."""
    parsed = make_url(url)
    return Wire(parsed.host or "127.0.0.1", parsed.port or 5432)
