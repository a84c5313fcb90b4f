"""`ostiary contracts`: check a file offline, apply it to the running gateway."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask

contracts = typer.Typer(no_args_is_help=True, help="The actions that are agreed.")
FILE_BYTES_MAX = 1 << 20

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="actions.yaml or actions.json", exists=True, dir_okay=False)]


@contracts.command("check")
def check(file: File, as_json: AsJson = False) -> None:
    """Check a contract file. Offline. Every mistake is printed with its line; exit code 1 if there is one."""
    from ostiary.connectors.targets import check_target
    from ostiary.contracts.file import check_text

    report = check_text(_text(file), file.name, check_target)
    if as_json:
        output.as_json(report.json())
    else:
        sys.stdout.write(report.text() + "\n")
    raise SystemExit(0 if report.ok else 1)


@contracts.command("apply")
def apply(file: File, as_json: AsJson = False) -> None:
    """Make the file the tenant's contracts, all of them at once."""
    with output.told(json_wanted=as_json):
        answer = ask("PUT", "/v1/contracts", body={"text": _text(file), "filename": file.name})
    if as_json:
        output.as_json(answer)
        return
    change = answer["change"]
    for kind in ("added", "changed", "removed"):
        for each in change[kind]:
            sys.stdout.write(f"{kind}: {each if isinstance(each, str) else each['name']}\n")


@contracts.command("list")
def listed(as_json: AsJson = False) -> None:
    """The contracts that hold."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", "/v1/contracts")
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["contracts"], ("name", "risk", "confirmation", "effect", "roles", "surfaces"))


def _text(file: Path) -> str:
    if file.stat().st_size > FILE_BYTES_MAX:
        output.fail(f"{file.name} is larger than {FILE_BYTES_MAX} bytes.", code=2)
    return file.read_text(encoding="utf-8", errors="replace")
