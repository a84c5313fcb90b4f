"""The service over HTTP: its paths, and what stands behind each. How it listens, whom it lets in and what it bounds is `asgi.service`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ostiary.asgi import service
from ostiary.asgi.service import Exposed as Exposed
from ostiary.asgi.service import Service
from ostiary.asgi.wire import Scope, read_json
from ostiary.detect_server import analyze, anonymize, entities, ours
from ostiary.detection import engine
from ostiary.detection.provider import Provider

BODY_BYTES_MAX = 16 << 20
WAITING_MAX = 256

OURS = "/v1/detect"
POSTED: dict[str, Callable[..., Any]] = {
    OURS: ours.answer,
    "/analyze": analyze.answer,
    "/anonymize": anonymize.answer,
}


@dataclass(frozen=True, slots=True)
class Settings(service.Settings):
    """`provider`: the operator's model provider, for rules that ask for it."""

    host: str = "127.0.0.1"
    port: int = 8000
    provider: Provider | None = None


def _service(provider: Provider | None) -> Service:
    ours_asks = {OURS: partial(POSTED[OURS], provider=provider)}
    return Service(
        name="detect",
        posted={path: partial(_asked, answer) for path, answer in (POSTED | ours_asks).items()},
        body_bytes_max=BODY_BYTES_MAX,
        waiting_max=WAITING_MAX,
        told={
            "/health": lambda: "The detection service is up\n",
            "/recognizers": lambda: list(analyze.recognizers()),
            "/supportedentities": lambda: list(entities.names()),
        },
        open=frozenset({"/health"}),
    )


def _asked(answer: Callable[[Any], Any], scope: Scope, body: bytes) -> Callable[[], Any]:
    return partial(answer, read_json(scope, body))


def application(settings: Settings) -> Any:
    """The face behind its guard. Raises Exposed."""
    return service.application(_service(settings.provider), settings)


def serve(settings: Settings) -> None:
    """Serve until told to stop. Raises Exposed."""
    service.serve(_service(settings.provider), settings, warm=engine.warm)
