"""The service over HTTP: its one path. Pictures are read in processes of their own, without sockets and with bounded memory and time. How it listens, whom it lets in and what it bounds is `asgi.service`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ostiary.asgi import service
from ostiary.asgi.service import Exposed as Exposed
from ostiary.asgi.service import Service
from ostiary.asgi.wire import Scope
from ostiary.documents.document import Limits
from ostiary.documents.framing import Readers

BODY_BYTES_MAX = 32 << 20
WAITING_MAX = 32
SECONDS_MAX = 120
"""For one picture; its process is killed then, and the next one starts."""
LIMITS = Limits(bytes_max=BODY_BYTES_MAX, pages_max=50, pixels_max=40_000_000, seconds_max=SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class Settings(service.Settings):
    host: str = "127.0.0.1"
    port: int = 5001


def _service(readers: Readers) -> Service:
    def asked(scope: Scope, body: bytes) -> Callable[[], Any]:
        return partial(readers.read, body)

    return Service(
        name="ocr",
        posted={"/v1/ocr": asked},
        body_bytes_max=BODY_BYTES_MAX,
        waiting_max=WAITING_MAX,
        told={},
    )


def application(settings: Settings, readers: Readers | None = None) -> Any:
    """The face behind its guard. Raises Exposed."""
    return service.application(_service(readers or Readers(LIMITS)), settings)


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises Exposed."""
    readers = Readers(LIMITS)
    try:
        service.serve(_service(readers), settings)
    finally:
        readers.close()
