"""`ostiary witness`: a witness of other logs, alone in a folder of its own. It needs no gateway, and should run where the gateway's operator cannot reach."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output

STATE = "ostiary.witness.state"
FACE = "ostiary.witness.face"

witness = typer.Typer(no_args_is_help=True, help="A witness: cosigns the checkpoints of logs that only grow.")

Folder = Annotated[
    Path, typer.Option("--folder", help="Where the witness keeps its key and its memory.", file_okay=False)
]
HERE = Path("ostiary-witness")


def _at(module: str) -> Any:
    """A room of the faces' floor, by its name: nothing of it is imported before it is needed."""
    return import_module(module)


@witness.command("init")
def init(
    name: Annotated[
        str, typer.Argument(help="Its name in cosignatures, such as witness.example.org/w1; never changed.")
    ],
    folder: Folder = HERE,
) -> None:
    """Make a witness, and print its verifier key: for the logs' owners, and for auditors."""
    state = _at(STATE)
    try:
        sys.stdout.write(state.create(folder, name).verifier.text() + "\n")
    except (state.WitnessBroken, OSError) as error:
        output.fail(str(error))


@witness.command("key")
def key(folder: Folder = HERE) -> None:
    """Print the witness's verifier key."""
    state = _at(STATE)
    try:
        sys.stdout.write(state.identity(folder).verifier.text() + "\n")
    except state.WitnessBroken as error:
        output.fail(str(error))


@witness.command("trust")
def trust(
    vkey: Annotated[str, typer.Argument(help="The log's verifier key, as its owner gave it to you.")],
    folder: Folder = HERE,
    remove: Annotated[
        bool, typer.Option("--remove", help="Stop to take checkpoints under this key.")
    ] = False,
) -> None:
    """Watch a log: its checkpoints are cosigned from now on, if they only grow."""
    state = _at(STATE)
    try:
        state.identity(folder)
        opened = state.State(folder)
        if remove:
            if not opened.distrust(vkey):
                output.fail("This key was not trusted.")
            sys.stdout.write("No longer watched.\n")
        else:
            sys.stdout.write(f"Watching {opened.trust(vkey).name}\n")
        opened.close()
    except state.WitnessBroken as error:
        output.fail(str(error))


@witness.command("logs")
def logs(
    folder: Folder = HERE, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """The logs that are watched, and the last tree of each that was cosigned."""
    from ostiary.clock import SECOND_US, rfc3339

    state = _at(STATE)
    try:
        opened = state.State(folder)
        rows = []
        for key in opened.trusted():
            seen = opened.seen(key.name)
            at = rfc3339(seen.at_s * SECOND_US) if seen.at_s else ""
            rows.append({"log": key.name, "size": seen.size, "root": seen.root.hex(), "at": at})
        opened.close()
    except state.WitnessBroken as error:
        output.fail(str(error))
    if as_json:
        output.as_json(rows)
    else:
        output.table(rows, ("log", "size", "at", "root"))


@witness.command("serve")
def serve(
    folder: Folder = HERE,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8095,
) -> None:
    """Answer `add-checkpoint` (C2SP tlog-witness) until told to stop."""
    from ostiary import log
    from ostiary.clock import SystemClock

    log.configure("info")
    try:
        _at(FACE).serve(folder, SystemClock(), host=host, port=port)
    except _at(STATE).WitnessBroken as error:
        output.fail(str(error))
