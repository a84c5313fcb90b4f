"""`ostiary audit`: export the log of the running gateway, take its checkpoints, verify an export offline; and the file with which anybody else does."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask

audit = typer.Typer(no_args_is_help=True, help="The audit log.")

BUNDLE = "bundle"

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="The signed checkpoint's file.", dir_okay=False)
]


@audit.command("export")
def export(
    file: Annotated[Path, typer.Option("-o", "--output", help="Where to write.", dir_okay=False)],
    form: Annotated[
        str, typer.Option("--format", help="jsonl, csv, or bundle (a ZIP for auditors, with the verifier).")
    ] = "jsonl",
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Write the whole log to a file, and its checkpoint to another one that you keep elsewhere."""
    from ostiary.audit.export import ExportFormat, export_lines, write_bundle, write_export

    if form not in (*ExportFormat, BUNDLE):
        output.fail("The format is jsonl, csv or bundle.", code=2)
    with output.told(json_wanted=as_json):
        signed = ask("GET", "/v1/audit/checkpoint")
        lines = export_lines(signed, lambda start, end: _page(start, end, signed["size"], quiet=as_json))
        try:
            if form == BUNDLE:
                published = ask("GET", "/v1/audit/checkpoints", query={"limit": "200"})["checkpoints"]
                count = write_bundle(lines, file, [(row["size"], row["checkpoint"]) for row in published])
            else:
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
        where = f"{report.size} events of {report.log or 'an unknown log'}, root {report.root}"
        for told in (report.verdict, where, *(f"  {fault}" for fault in report.faults)):
            sys.stdout.write(output.printable(told) + "\n")
    raise SystemExit(0 if report.ok else 1)


@audit.command("checkpoint")
def checkpoint(
    file: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write it.", dir_okay=False)
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Of the log as it stands, not the newest published one.")
    ] = False,
    key: Annotated[bool, typer.Option("--key", help="Print the log's verifier key instead.")] = False,
) -> None:
    """Print the newest published checkpoint, with its cosignatures. Keep it where the gateway's operator cannot change it."""
    with output.told(json_wanted=False):
        standing = ask("GET", "/v1/audit/checkpoint")
        note = standing["checkpoint"]
        if key:
            note = standing["key"] + "\n"
        elif not now:
            published = ask("GET", "/v1/audit/checkpoints", query={"limit": "1"})["checkpoints"]
            note = published[0]["checkpoint"] if published else note
    if file is None:
        sys.stdout.write(note)
        return
    try:
        file.write_bytes(note.encode())
    except OSError as error:
        output.fail(f"{file} cannot be written ({error.strerror}).")


@audit.command("checkpoints")
def checkpoints(as_json: AsJson = False) -> None:
    """List the newest published checkpoints, and who cosigned them."""
    with output.told(json_wanted=as_json):
        rows = ask("GET", "/v1/audit/checkpoints")["checkpoints"]
    if as_json:
        output.as_json(rows)
        return
    shown = [{**row, "cosigned_by": [each["name"] for each in row["cosigned_by"]]} for row in rows]
    output.table(shown, ("size", "at", "cosigned_by", "sent_at"))


@audit.command("publish")
def publish(as_json: AsJson = False) -> None:
    """Publish a checkpoint now: a job checks it, has it cosigned, keeps it, posts and mails it."""
    with output.told(json_wanted=as_json):
        job = ask("POST", "/v1/jobs", body={"kind": "audit.publish_checkpoint"})
    if as_json:
        output.as_json(job)
    else:
        sys.stdout.write(f"Started {job['id']}; `ostiary audit checkpoints` shows it when it is done.\n")


@audit.command("verifier")
def verifier() -> None:
    """Print the stand-alone verifier, one file for auditors: `ostiary audit verifier > ostiary_verify.py`. Offline."""
    from ostiary.audit.verifier_file import source

    sys.stdout.buffer.write(source())
