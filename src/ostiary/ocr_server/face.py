"""The service over HTTP: its one path. How it listens, whom it lets in and what it bounds is `asgi.service`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ostiary.asgi import service
from ostiary.asgi.service import Exposed as Exposed
from ostiary.asgi.service import Service
from ostiary.asgi.wire import Scope
from ostiary.documents.document import Limits
from ostiary.documents.images import read_frames

BODY_BYTES_MAX = 32 << 20
WAITING_MAX = 32
LIMITS = Limits(bytes_max=BODY_BYTES_MAX, pages_max=50, pixels_max=40_000_000)


@dataclass(frozen=True, slots=True)
class Settings(service.Settings):
    host: str = "127.0.0.1"
    port: int = 5001


def _service() -> Service:
    return Service(
        name="ocr",
        posted={"/v1/ocr": _asked},
        body_bytes_max=BODY_BYTES_MAX,
        waiting_max=WAITING_MAX,
        told={},
    )


def _asked(scope: Scope, body: bytes) -> Callable[[], Any]:
    return partial(read, body)


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
    """The face behind its guard. Raises Exposed."""
    return service.application(_service(), settings)


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises Exposed."""
    service.serve(_service(), settings)
