"""`ostiary detect-server`: detection as an HTTP service of its own. It needs no gateway, no home and no database."""

import os
from typing import Any

from ostiary.cli import service
from ostiary.cli.detect import provider_here

_PROVIDER = "OSTIARY_DETECT_MODEL"


def detect_server(
    host: service.Host = "127.0.0.1",
    port: service.Port = 8000,
    name: service.Names = None,
    token_file: service.TokenFile = None,
) -> None:
    """Serve detection: `POST /v1/detect`, and Presidio's `/analyze` and `/anonymize`. Rules may ask for the model provider of OSTIARY_DETECT_MODEL_URL."""
    more: dict[str, Any] = {}
    if any(each.startswith(_PROVIDER) for each in os.environ):
        more["provider"] = provider_here()
    service.serve("ostiary.detect_server.face", host, port, name, token_file, **more)
