"""What the services that stand alone (`detect-server`, `ocr-server`) have in common at the command line."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65_535)]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="A host name that callers use, besides the address; any number of times."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="A file with the bearer token that callers show."),
]


def serve(
    module: str, host: str, port: int, names: list[str] | None, token_file: Path | None, **more: Any
) -> None:
    """Serve the face of this module until told to stop. It is imported here, so that no other command waits for it. `more`: settings of that face alone."""
    from ostiary import log
    from ostiary.secret import Secret

    face = import_module(module)
    log.configure("info")
    token = Secret(output.secret_from(token_file, "Token")) if token_file else None
    settings = face.Settings(host, port, frozenset(each.lower() for each in names or ()), token, **more)
    try:
        face.serve(settings)
    except face.Exposed as error:
        output.fail(str(error), code=2)
