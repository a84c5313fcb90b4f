"""`ostiary ocr-server`: text in pictures, read by an HTTP service of its own. It needs no gateway, no home and no database."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import output

FACE = "ostiary.ocr_server.face"


def ocr_server(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65_535)] = 5001,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name", help="A host name that callers use, besides the address; any number of times."
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", help="A file with the bearer token that callers show."),
    ] = None,
) -> None:
    """Serve OCR: `POST /v1/ocr` takes a PNG, JPEG, TIFF or GIF and answers its lines and where they stand."""
    from ostiary import log
    from ostiary.secret import Secret

    face = import_module(FACE)
    log.configure("info")
    token = Secret(output.secret_from(token_file, "Token")) if token_file else None
    names = frozenset(each.lower() for each in name or ())
    settings = face.Settings(host, port, names, token)
    try:
        face.serve(settings)
    except face.Exposed as error:
        output.fail(str(error), code=2)
