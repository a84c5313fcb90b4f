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


@contracts.command("import")
def import_(
    connector: Annotated[str, typer.Option("--connector", help="The connector that the drafts' calls will take.")],
    file: Annotated[Path | None, typer.Argument(help="An OpenAPI 3.0 or 3.1 document, YAML or JSON. Left out: the accepted tools of the upstream MCP server.", exists=True, dir_okay=False)] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the drafts as a contract file, without asking the gateway.")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make drafts of contracts, with labels suggested. Nothing can be called before a person reviews and accepts it."""
    if out is not None:
        _write_drafts(file, connector, out, as_json=as_json)
        return
    document = {"text": _text(file), "filename": file.name} if file else {}
    with output.told(json_wanted=as_json):
        answer = ask("POST", "/v1/contract-imports", body={"connector": connector, **document})
    if as_json:
        output.as_json(answer)
        return
    rows = [
        {"name": one["name"], "effect": one["contract"]["effect"], "risk": one["contract"]["risk"], "labels": _said(one["contract"].get("labels", {})),
         "mistakes": len(one["mistakes"])}
        for one in answer["drafts"]
    ]  # fmt: skip
    output.table(rows, ("name", "effect", "risk", "labels", "mistakes"))
    _say_left(answer["notes"], [(one["source"], one["detail"]) for one in answer["left"]])
    sys.stdout.write(f"Review them: /contracts/imports/{answer['summary']['import_id']} in the console.\n")


def _write_drafts(file: Path | None, connector: str, out: Path, *, as_json: bool) -> None:
    """Offline, from a document. A file that stands is not overwritten."""
    import yaml

    from ostiary.contracts.importing.openapi import imported_openapi
    from ostiary.errors import ContractInvalid

    if file is None:
        output.fail("Name the OpenAPI document: without the gateway nothing else can be read.", code=2)
    if out.exists():
        output.fail(f"{out.name} exists already: choose another name.", code=2)
    try:
        made = imported_openapi(_text(file), file.name, connector)
    except ContractInvalid as error:
        output.fail("\n".join([error.detail, *(one.detail for one in error.faults)]), code=1)
    items = [draft.item for draft in made.drafts]
    out.write_text(
        yaml.safe_dump({"version": 1, "actions": items}, sort_keys=False, allow_unicode=True, width=110),
        encoding="utf-8",
    )
    left = [(one.source, one.detail) for one in made.left]
    if as_json:
        output.as_json(
            {
                "drafts": [item["name"] for item in items],
                "notes": list(made.notes),
                "left": [{"source": at, "detail": why} for at, why in left],
            }
        )
        return
    sys.stdout.write(
        f"{len(items)} drafts in {out.name}. Read every label, then: ostiary contracts apply {out.name}\n"
    )
    _say_left(list(made.notes), left)


def _say_left(notes: list[str], left: list[tuple[str, str]]) -> None:
    for note in notes:
        sys.stdout.write(f"note: {note}\n")
    for source, detail in left:
        sys.stdout.write(f"left out: {source}: {detail}\n")


def _said(labels: dict[str, str]) -> str:
    return " ".join(f"{path.removeprefix('/')}={label}" for path, label in labels.items())


def _text(file: Path) -> str:
    if file.stat().st_size > FILE_BYTES_MAX:
        output.fail(f"{file.name} is larger than {FILE_BYTES_MAX} bytes.", code=2)
    return file.read_text(encoding="utf-8", errors="replace")
