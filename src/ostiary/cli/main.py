"""`ostiary`: the commands, in groups. Each is a few lines: parse, ask or start, print.

What runs a whole gateway stands above this floor and is named by its dotted path in the table below: nothing of it is imported before it is started.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

import ostiary
from ostiary.cli import output
from ostiary.cli.api_keys import api_keys
from ostiary.cli.audit import audit
from ostiary.cli.calls import approvals, call
from ostiary.cli.connectors import connectors
from ostiary.cli.contracts import contracts
from ostiary.errors import ConfigurationError, StoreUnavailable

GATEWAY = "ostiary.app.gateway:Gateway"
SERVER = "ostiary.app.serve:server"
LOGIN_CODES = "ostiary.app.codes:last_lines"
DEMO = "ostiary.sample.demo:run"

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
keys = typer.Typer(no_args_is_help=True, help="The root key. (API keys: `ostiary api-keys`.)")
for name, group in (
    ("approvals", approvals),
    ("contracts", contracts),
    ("connectors", connectors),
    ("api-keys", api_keys),
    ("audit", audit),
    ("keys", keys),
):
    app.add_typer(group, name=name)


def found(path: str) -> Any:
    """What a dotted path such as `package.module:name` names."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(ostiary.__version__)
        raise typer.Exit


@app.callback()
def ostiary_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """The gateway between AI (and people) and a company's data."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Overrides OSTIARY_HOST.")] = "",
    port: Annotated[int, typer.Option(help="Overrides OSTIARY_PORT.")] = -1,
    behind_proxy: Annotated[
        str, typer.Option("--behind-proxy", help="Overrides OSTIARY_BEHIND_PROXY (networks of the proxies).")
    ] = "",
) -> None:
    """Serve everything in one process."""
    from ostiary import config, log
    from ostiary.clock import SystemClock

    given = {
        "OSTIARY_HOST": host,
        "OSTIARY_PORT": str(port) if port >= 0 else "",
        "OSTIARY_BEHIND_PROXY": behind_proxy,
    }
    environ = {**os.environ, **{name: value for name, value in given.items() if value}}
    try:
        settings = config.load(environ)
        log.configure(settings.log_level)
        gateway = found(GATEWAY)(settings, SystemClock())
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    except StoreUnavailable as error:
        why = error.detail or "It does not answer, or this user may not write it."
        output.fail(f"The database or the key store cannot be used. {why}", code=2)
    os.environ.pop("OSTIARY_ROOT_KEY", None)
    found(SERVER)(gateway).run()


@app.command()
def demo(
    headless: Annotated[
        bool, typer.Option(help="Play the whole story, approve through the API, and exit.")
    ] = False,
    port: Annotated[int, typer.Option(help="Where to listen; 0 picks a free port.")] = 8080,
) -> None:
    """Start the gateway with a sample company, and let a scripted agent play the story."""
    raise SystemExit(found(DEMO)(headless=headless, port=port))


@app.command("login-code")
def login_code(count: Annotated[int, typer.Option(help="How many lines.")] = 1) -> None:
    """Show the newest sign-in code, where no mail server is set. Offline; for whoever may read the data folder."""
    from ostiary import config

    default = next(row.default for row in config.SETTINGS if row.name == "OSTIARY_HOME")
    lines = found(LOGIN_CODES)(Path(os.environ.get("OSTIARY_HOME", default)).expanduser(), count)
    if not lines:
        output.fail(
            "No code has been written. Codes go to the gateway's terminal if it has one, else to this file."
        )
    sys.stdout.write("\n".join(lines) + "\n")


@keys.command("generate")
def generate() -> None:
    """Make a root key. Keep it where you keep your most precious secrets; without it nothing opens."""
    from ostiary.vault.root import generate as fresh

    sys.stdout.write(fresh().reveal() + "\n")


app.command()(call)


def main() -> None:
    app()
