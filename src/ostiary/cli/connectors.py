"""`ostiary connectors`: the connected systems of the running gateway. Secrets come from a file or standard input."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

connectors = typer.Typer(no_args_is_help=True, help="The connected systems.")
FILE_BYTES_MAX = 64 << 10

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The connector's name.")]
SecretFile = Annotated[
    Path | None,
    typer.Option("--credential-file", help="Read it from this file.", exists=True, dir_okay=False),
]


@connectors.command("list")
def listed(as_json: AsJson = False) -> None:
    """The connected systems."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("connectors"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["connectors"], ("name", "kind", "version", "paused", "tested_ok", "changed_at"))


@connectors.command("put")
def put(
    name: Name,
    settings: Annotated[
        Path,
        typer.Argument(
            help='A JSON file such as {"kind": "http", "base_url": "https://..."}.',
            exists=True,
            dir_okay=False,
        ),
    ],
    credential: Annotated[
        bool,
        typer.Option(
            "--credential", help="Set the bearer credential or database password: from standard input."
        ),
    ] = False,
    credential_file: SecretFile = None,
    paused: Annotated[bool, typer.Option("--paused", help="Keep it, but let no call through.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make or replace a connector. A secret that is not given stays as it is; a signing secret that was made is printed, once."""
    body = {"settings": _json(settings), "paused": paused}
    if credential or credential_file:
        body["credential"] = output.secret_from(credential_file, "Credential")
    with output.told(json_wanted=as_json):
        answer = ask("PUT", named("connectors", name), body=body)
    if as_json:
        output.as_json(answer)
        return
    sys.stdout.write(f"{name} is version {answer['version']}\n")
    if answer["secret"]:
        sys.stdout.write(f"signing secret, shown this once: {answer['secret']}\n")


@connectors.command("test")
def probe(name: Name, as_json: AsJson = False) -> None:
    """Try to reach it, step by step. Exit code 1 if a step fails."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("connectors", name, "test"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["steps"], ("name", "ok", "code", "detail"))
    raise SystemExit(0 if answer["ok"] else 1)


@connectors.command("rotate-secret")
def rotate_secret(
    name: Name,
    overlap_s: Annotated[
        int, typer.Option(help="How long requests are signed with the old one too, in seconds.")
    ] = 86400,
    as_json: AsJson = False,
) -> None:
    """Make a new signing secret. It is printed, once."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("connectors", name, "rotate-secret"), body={"overlap_s": overlap_s})
    output.as_json(answer) if as_json else sys.stdout.write(answer["secret"] + "\n")


def _json(file: Path) -> object:
    if file.stat().st_size > FILE_BYTES_MAX:
        output.fail(f"{file.name} is larger than {FILE_BYTES_MAX} bytes.", code=2)
    try:
        return json.loads(file.read_bytes())
    except ValueError:
        output.fail(f"{file.name} is not JSON.", code=2)
