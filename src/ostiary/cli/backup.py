"""`ostiary backup`, `restore`, `drill`: offline commands beside or without a gateway. Exit codes: 0 done, 1 it failed or is not verified, 2 it was refused and
nothing was done, 3 done, with something that a person has to look at."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.db import ADMIN, KEYS_ADMIN

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
From = Annotated[Path, typer.Option("--from", help="The folder of the data's backups.", file_okay=False)]
KeysFrom = Annotated[
    Path, typer.Option("--keys-from", help="The folder of the keys' backups.", file_okay=False)
]
Named = Annotated[str, typer.Option("--backup", help="Its id; the newest one where none is given.")]
KeysNamed = Annotated[
    str,
    typer.Option(
        "--keys-backup", help="The id of the keys' backup; the newest one is right unless it is lost."
    ),
]
Admin = Annotated[
    str,
    typer.Option(
        help="PostgreSQL: an administrator's address, to write every table. Better in OSTIARY_ADMIN_URL: other users of the machine can see arguments."
    ),
]
KeysAdmin = Annotated[str, typer.Option(help="The same for the key store's server, where it is another one.")]
LOOK = 3
"""Done, with something to look at."""

COMMANDS = "ostiary.backup.commands"
"""It boots the application, so it stands above this floor and is named by its dotted path."""


def backup(
    to: Annotated[Path, typer.Option("--to", help="The folder for the data's backups.", file_okay=False)],
    keys_to: Annotated[
        Path,
        typer.Option(
            "--keys-to", help="The folder for the keys' backups: another disk, other people.", file_okay=False
        ),
    ],
    keep: Annotated[
        int,
        typer.Option(
            help="At most so many backups, beside the days of the settings; 0: no such limit.", min=0
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Back up data, keys, files and settings while the gateway runs. Proven only by `ostiary drill`."""
    with _told():
        settings = _settings()
        taken = _command("backup")(settings, to, keys_to, keep=keep, say=_progress(quiet=as_json))
    if as_json:
        output.as_json(asdict(taken))
        return
    sys.stdout.write(
        f"{taken.id}: {_mib(taken.data_bytes)} of data, {_mib(taken.keys_bytes)} of keys, {taken.blobs} files ({taken.blobs_new} new), "
        f"{taken.events} events, in {taken.seconds} s\n"
    )
    if taken.removed or taken.keys_removed:
        sys.stdout.write(
            f"{len(taken.removed)} old backups of data and {len(taken.keys_removed)} of keys removed\n"
        )


def restore(
    folder: From,
    keys_folder: KeysFrom,
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", help="The home folder to restore into. Overrides OSTIARY_HOME.", file_okay=False
        ),
    ] = None,
    backup_id: Named = "",
    keys_backup: KeysNamed = "",
    replace: Annotated[bool, typer.Option("--replace", help="Restore over what stands there.")] = False,
    ledger: Annotated[
        list[str] | None,
        typer.Option(
            help="Where the newest erasure ledger is: a file store's address, a folder or a file. May be repeated."
        ),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            help="A signed checkpoint that was kept outside. May be repeated.", exists=True, dir_okay=False
        ),
    ] = None,
    admin_url: Admin = "",
    keys_admin_url: KeysAdmin = "",
    as_json: AsJson = False,
) -> None:
    """Restore into an empty home, or the databases that the settings name. What was erased since is erased again first."""
    with _told():
        settings = _settings(into)
        restored = _command("restore")(
            settings, folder, keys_folder, backup=backup_id, keys_backup=keys_backup, replace=replace,
            ledgers=tuple(ledger or ()), checkpoints=tuple(_note(path) for path in checkpoint or ()), admin_url=admin_url or os.environ.get(ADMIN, ""), keys_admin_url=keys_admin_url or os.environ.get(KEYS_ADMIN, ""),
            say=_progress(quiet=as_json),
        )  # fmt: skip
    if as_json:
        output.as_json(asdict(restored))
    else:
        sys.stdout.write(
            f"{restored.backup} restored in {restored.seconds} s: {restored.events} events, {restored.rows} rows, {restored.files} files\n"
            f"{restored.erasures} erasures done again ({restored.keys_destroyed} keys), {restored.sessions_ended} sessions ended, "
            f"{restored.calls_orphaned} calls that may have begun, {restored.calls_held} that wait for a person\n"
            "API keys, roles and members are as they were then: what was taken away since is back.\n"
            f"The settings of that day are in {settings.home / 'settings-restored'}, without their secrets.\n"
        )
        for warning in restored.warnings:
            sys.stderr.write(f"LOOK AT THIS: {warning}\n")
    raise SystemExit(LOOK if restored.warnings else 0)


def drill(
    folder: From,
    keys_folder: KeysFrom,
    backup_id: Named = "",
    keys_backup: KeysNamed = "",
    scratch: Annotated[
        Path | None,
        typer.Option(
            help="An empty folder for the copy, removed at the end. Default: a temporary one.",
            file_okay=False,
        ),
    ] = None,
    database_url: Annotated[
        str, typer.Option(help="PostgreSQL: an empty database for the copy's data.")
    ] = "",
    keys_url: Annotated[str, typer.Option(help="PostgreSQL: an empty database for the copy's keys.")] = "",
    admin_url: Admin = "",
    keys_admin_url: KeysAdmin = "",
    ledger: Annotated[list[str] | None, typer.Option(help="As `restore` takes it.")] = None,
    record: Annotated[
        bool,
        typer.Option(help="Record the result in the installation's log. Off where the installation is gone."),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Prove a backup: restore it elsewhere, start the application there, verify every log. Prints RPO and RTO."""
    with _told(), tempfile.TemporaryDirectory(prefix="ostiary-drill-") as temporary:
        settings = _settings()
        verified = _command("drill")(
            settings, folder, keys_folder, scratch or Path(temporary) / "copy", backup=backup_id, keys_backup=keys_backup,
            database_url=database_url, keys_url=keys_url, ledgers=tuple(ledger or ()), record=record, admin_url=admin_url or os.environ.get(ADMIN, ""), keys_admin_url=keys_admin_url or os.environ.get(KEYS_ADMIN, ""),
            say=_progress(quiet=as_json),
        )  # fmt: skip
    if as_json:
        output.as_json({"verified": True, **asdict(verified)})
        raise SystemExit(LOOK if verified.warnings else 0)
    lost = "" if verified.events_lost < 0 else f", {verified.events_lost} events"
    sys.stdout.write(
        f"verified: {verified.backup}\n"
        f"RPO {verified.lost_s} s{lost}: what a disaster now would cost\n"
        f"RTO {verified.ready_s} s: until the application was ready ({verified.restore_s} s of it to restore {_mib(verified.bytes)})\n"
        f"{verified.logs} logs with {verified.events} events counted anew, {verified.rows} rows, {verified.sealed_opened} sealed values and "
        f"{verified.files_opened} of {verified.files} files opened, in {verified.verify_s} s\n"
    )
    for warning in verified.warnings:
        sys.stderr.write(f"LOOK AT THIS: {warning}\n")
    raise SystemExit(LOOK if verified.warnings else 0)


def _command(name: str) -> Any:
    from importlib import import_module

    return getattr(import_module(COMMANDS), name)


def _settings(home: Path | None = None) -> Any:
    from ostiary import config, log

    environ = {**os.environ, **({"OSTIARY_HOME": str(home)} if home else {})}
    settings = config.load(environ, offline=True)
    log.configure("error")
    return settings


@contextmanager
def _told() -> Iterator[None]:
    """What stops the command as a sentence: exit code 2 where nothing was done, 1 where it failed or is not verified."""
    from ostiary.errors import ConfigurationError, OstiaryError

    found = _command("STOPS")
    try:
        yield
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    except found[0] as error:
        output.fail(str(error), code=2)
    except found[1] as error:
        output.fail(f"NOT VERIFIED: {error}")
    except OstiaryError as error:
        output.fail(output.in_words(error.problem()))
    except OSError as error:
        output.fail(f"{error.filename or 'The folder'} cannot be used ({error.strerror}).")


def _progress(*, quiet: bool) -> Callable[[str], None]:
    def say(line: str) -> None:
        if not quiet:
            sys.stderr.write(line + "\n")

    return say


def _note(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        output.fail(f"{path} cannot be read ({type(error).__name__}).", code=2)


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"
