"""`ostiary detect-server`: detection as an HTTP service of its own. It needs no gateway, no home and no database."""

from ostiary.cli import service


def detect_server(
    host: service.Host = "127.0.0.1",
    port: service.Port = 8000,
    name: service.Names = None,
    token_file: service.TokenFile = None,
) -> None:
    """Serve detection: `POST /v1/detect`, and Presidio's `/analyze` and `/anonymize`."""
    service.serve("ostiary.detect_server.face", host, port, name, token_file)
