"""`ostiary ocr-server`: text in pictures, read by an HTTP service of its own. It needs no gateway, no home and no database."""

from ostiary.cli import service


def ocr_server(
    host: service.Host = "127.0.0.1",
    port: service.Port = 5001,
    name: service.Names = None,
    token_file: service.TokenFile = None,
) -> None:
    """Serve OCR: `POST /v1/ocr` takes a PNG, JPEG, TIFF or GIF and answers its lines and where they stand."""
    service.serve("ostiary.ocr_server.face", host, port, name, token_file)
