"""`ostiary keys`: the root key, and the versions of the tenant's key."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ostiary.cli import jobs, output
from ostiary.cli.remote import ask, named
from ostiary.errors import ConfigurationError, OstiaryError

keys = typer.Typer(
    no_args_is_help=True, help="The root key and the tenant's keys. (API keys: `ostiary api-keys`.)"
)
ROOT_KEYS = "ostiary.app.root_keys"
PINNING = "ostiary.app.pinning"

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys.command("generate")
def generate() -> None:
    """Make a root key. Keep it where you keep your most precious secrets; without it nothing opens."""
    from ostiary.vault.root import generate as fresh

    sys.stdout.write(fresh().reveal() + "\n")


KeyFile = Annotated[
    Path,
    typer.Option(
        "--key-file", help="The cell's root key, in a file that nobody else can read.", dir_okay=False
    ),
]


@keys.command("pin")
def pin(
    tenant: Annotated[str, typer.Argument(help="The tenant's id, ten_...")],
    url: Annotated[str, typer.Option(help="Where its cell is reached: https://cell.example.com")],
    key_file: KeyFile,
    new: Annotated[bool, typer.Option("--new", help="Make the key, and the file.")] = False,
) -> None:
    """Pin a tenant to a cell of its own: processes with OSTIARY_TENANT and this root key. To be run beside the gateway, with its settings."""
    if new:
        with _told():
            import_module(PINNING).make_key(key_file)
    _pinning("tenant.pin", {"tenant": tenant, "url": url}, key_file)
    sys.stdout.write(
        f"{tenant} is served at {url}, by processes with OSTIARY_TENANT={tenant} and the root key in {key_file}.\n"
        "Keep that key as safe as the installation's: without it nothing of the tenant opens.\n"
    )


@keys.command("unpin")
def unpin(tenant: Annotated[str, typer.Argument(help="The tenant's id, ten_...")], key_file: KeyFile) -> None:
    """Take a tenant back from its cell. To be run beside the gateway, with its settings."""
    _pinning("tenant.unpin", {"tenant": tenant}, key_file)
    sys.stdout.write(f"{tenant} is served by the installation.\n")


def _pinning(action: str, params: dict[str, str], key_file: Path) -> None:
    with _told():
        import_module(PINNING).run(os.environ, action, params, key_file)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    except OstiaryError as error:
        output.fail(str(error), code=1)


@keys.command("status")
def status(as_json: AsJson = False) -> None:
    """The versions of the tenant's key, and how many data keys each of them wraps."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("vault", "keys"))
    if as_json:
        output.as_json(answer)
    else:
        output.table(answer["versions"], ("version", "state", "data_keys", "root_key", "created_at"))


@keys.command("rotate")
def rotate(
    data_keys: Annotated[
        bool, typer.Option("--data-keys", help="New data keys seal from now on, too.")
    ] = False,
    retire: Annotated[
        bool, typer.Option("--retire", help="Destroy the older versions of the tenant's key at the end.")
    ] = False,
    wait: jobs.Wait = False,
    as_json: AsJson = False,
) -> None:
    """Rotate the tenant's key, as a job: nothing sealed is rewritten, and nothing stops."""
    params = json.dumps({"data_keys": data_keys, "retire": retire})
    jobs.start("vault.rotation", params=params, wait=wait, as_json=as_json)


@keys.command("roots")
def roots(as_json: AsJson = False) -> None:
    """What each root key still wraps: one that wraps nothing is needed for old backups only. Reads the databases that the settings name."""
    try:
        rows = import_module(ROOT_KEYS).look(os.environ)
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    except OstiaryError as error:
        output.fail(str(error), code=1)
    if as_json:
        output.as_json(rows)
    else:
        output.table(rows, ("root_key", "given", "wraps", "wraps_also"))
