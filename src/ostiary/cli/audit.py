"""`ostiary audit`: export the log of the running gateway, verify an export offline."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask

audit = typer.Typer(no_args_is_help=True, help="The audit log.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="The signed checkpoint's file.", dir_okay=False)
]


@audit.command("export")
def export(
    file: Annotated[Path, typer.Option("-o", "--output", help="Where to write.", dir_okay=False)],
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file, and its checkpoint to another one that you keep elsewhere."""
    from ostiary.audit.export import ExportFormat, export_lines, write_export

    if form not in ("jsonl", "csv"):
        output.fail("The format is jsonl or csv.", code=2)
    with output.told(json_wanted=as_json):
        signed = ask("GET", "/v1/audit/checkpoint")
        lines = export_lines(signed, lambda start, end: _page(start, end, signed["size"], quiet=as_json))
        try:
            count = write_export(lines, file, ExportFormat(form), checkpoint)
        except OSError as error:
            output.fail(f"{file} cannot be written ({error.strerror}).")
    if as_json:
        output.as_json({"events": count, "log": signed["log"], "root": signed["root"]})
    else:
        sys.stdout.write(f"{count} events of {signed['log']} in {file}\n")


def _page(start: int, end: int, size: int, *, quiet: bool) -> Any:
    if not quiet and sys.stderr.isatty() and size:
        sys.stderr.write(f"\r{start * 100 // size:3d} %")
    return ask("GET", "/v1/audit/entries", query={"start": str(start), "end": str(end)})


@audit.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="An export.", exists=True, dir_okay=False)],
    checkpoint: Checkpoint = None,
    key: Annotated[
        str, typer.Option("--key", help="The log's public key (C2SP verifier key), if you kept it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Verify an export, offline: finds every changed, removed, reordered or truncated event. Exit code 1 if anything is wrong."""
    from dataclasses import asdict

    from ostiary.audit.verify import verify_export

    try:
        report = verify_export(file, checkpoint, key or None)
    except OSError as error:
        output.fail(f"{error.filename} cannot be read ({error.strerror}).", code=2)
    if as_json:
        output.as_json(asdict(report))
    else:
        sys.stdout.write(
            f"{report.verdict}\n{report.size} events of {report.log or 'an unknown log'}, root {report.root}\n"
        )
        for fault in report.faults:
            sys.stdout.write(f"  {fault}\n")
    raise SystemExit(0 if report.ok else 1)
