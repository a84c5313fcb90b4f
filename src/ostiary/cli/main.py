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
from ostiary.cli import backup as backups
from ostiary.cli import output
from ostiary.cli.agent_sessions import session
from ostiary.cli.api_keys import api_keys
from ostiary.cli.ask import ask, semantics
from ostiary.cli.audit import audit
from ostiary.cli.calls import approvals, call
from ostiary.cli.connectors import connectors
from ostiary.cli.contracts import contracts
from ostiary.cli.db import db
from ostiary.cli.detect import detect
from ostiary.cli.detect_server import detect_server
from ostiary.cli.discovery import discovery
from ostiary.cli.documents import documents
from ostiary.cli.guard import guard
from ostiary.cli.intent_keys import intent_keys
from ostiary.cli.jobs import jobs
from ostiary.cli.keys import keys
from ostiary.cli.limits import limits
from ostiary.cli.oauth import oauth
from ostiary.cli.ocr_server import ocr_server
from ostiary.cli.policy import policy
from ostiary.cli.query import query, sources
from ostiary.cli.quotas import quota
from ostiary.cli.redact import redact, verify_redaction
from ostiary.cli.redaction import redaction
from ostiary.cli.retention import erase, erasures, holds, retention
from ostiary.cli.scan import scan
from ostiary.cli.sections import Sections
from ostiary.cli.upstream import upstream
from ostiary.cli.webhooks import webhooks
from ostiary.cli.witness import witness
from ostiary.errors import ConfigurationError, StoreUnavailable

GATEWAY = "ostiary.app.gateway:Gateway"
KIND = "ostiary.app.kind:Kind"
LIMITS = "ostiary.app.limits:apply"
WITHOUT_CORE = "ostiary.app.limits:without_core"
INHERITED = "ostiary.net.listening:inherited"
SUPERVISOR = "ostiary.app.supervise:run"
SERVER = "ostiary.app.serve:server"
LOGIN_CODES = "ostiary.app.codes:last_lines"
DEMO = "ostiary.sample.demo:run"

app = typer.Typer(
    cls=Sections,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name, group in (
    ("approvals", approvals),
    ("contracts", contracts),
    ("connectors", connectors),
    ("api-keys", api_keys),
    ("audit", audit),
    ("db", db),
    ("erasures", erasures),
    ("holds", holds),
    ("retention", retention),
    ("webhooks", webhooks),
    ("witness", witness),
    ("jobs", jobs),
    ("keys", keys),
    ("policy", policy),
    ("limits", limits),
    ("quota", quota),
    ("discovery", discovery),
    ("redaction", redaction),
    ("documents", documents),
    ("session", session),
    ("intent-keys", intent_keys),
    ("oauth", oauth),
    ("sources", sources),
    ("semantics", semantics),
    ("upstream", upstream),
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


Host = Annotated[str, typer.Option(help="Overrides OSTIARY_HOST.")]
Port = Annotated[int, typer.Option(help="Overrides OSTIARY_PORT.")]
BehindProxy = Annotated[
    str, typer.Option("--behind-proxy", help="Overrides OSTIARY_BEHIND_PROXY (networks of the proxies).")
]


Tenant = Annotated[
    str,
    typer.Option(
        help="Overrides OSTIARY_TENANT: this is a process of the cell of that tenant, for it alone."
    ),
]


MemoryMb = Annotated[int, typer.Option("--memory-mb", help="Overrides OSTIARY_MEMORY_MB.", min=-1)]
CpuPercent = Annotated[int, typer.Option("--cpu-percent", help="Overrides OSTIARY_CPU_PERCENT.", min=-1)]


@app.command()
def serve(host: Host = "", port: Port = -1, behind_proxy: BehindProxy = "", tenant: Tenant = "") -> None:
    """Serve everything in one process."""
    _run("serve", _environ(host, "OSTIARY_PORT", port, behind_proxy, tenant))


@app.command()
def web(
    host: Host = "",
    port: Port = -1,
    behind_proxy: BehindProxy = "",
    processes: Annotated[
        int, typer.Option(help="How many to run side by side on this port.", min=1, max=256)
    ] = 1,
    tenant: Tenant = "",
    memory_mb: MemoryMb = -1,
    cpu_percent: CpuPercent = -1,
    inherited: Annotated[int, typer.Option("--socket", hidden=True)] = -1,
) -> None:
    """Serve the faces (console, REST, MCP), without the jobs. Any number of these, on PostgreSQL."""
    environ = _limited(_environ(host, "OSTIARY_PORT", port, behind_proxy, tenant), memory_mb, cpu_percent)
    if processes > 1:
        _supervise("web", environ, processes)
    _run("web", environ, inherited)


@app.command()
def worker(
    host: Host = "",
    port: Annotated[int, typer.Option(help="Overrides OSTIARY_WORKER_PORT.")] = -1,
    tenant: Tenant = "",
    memory_mb: MemoryMb = -1,
    cpu_percent: CpuPercent = -1,
) -> None:
    """Do the jobs. Any number of these, on PostgreSQL; it listens for `/livez`, `/readyz` and `/metrics` only."""
    _run("worker", _limited(_environ(host, "OSTIARY_WORKER_PORT", port, "", tenant), memory_mb, cpu_percent))


def _environ(host: str, port_setting: str, port: int, behind_proxy: str, tenant: str) -> dict[str, str]:
    given = {
        "OSTIARY_TENANT": tenant,
        "OSTIARY_HOST": host,
        port_setting: str(port) if port >= 0 else "",
        "OSTIARY_BEHIND_PROXY": behind_proxy,
    }
    return {**os.environ, **{name: value for name, value in given.items() if value}}


def _limited(environ: dict[str, str], memory_mb: int, cpu_percent: int) -> dict[str, str]:
    given = {"OSTIARY_MEMORY_MB": memory_mb, "OSTIARY_CPU_PERCENT": cpu_percent}
    return {**environ, **{name: str(value) for name, value in given.items() if value >= 0}}


def _supervise(command: str, environ: dict[str, str], count: int) -> None:
    """Does not return. What was given on the command line goes on to the children by the environment."""
    from ostiary import config, log
    from ostiary.clock import SystemClock

    found(WITHOUT_CORE)()
    try:
        settings = config.load(environ)
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    log.configure(settings.log_level)
    os.environ.update({name: value for name, value in environ.items() if name.startswith("OSTIARY_")})
    try:
        status = found(SUPERVISOR)(
            [command], count=count, host=settings.host, port=settings.port, clock=SystemClock()
        )
    except OSError as error:
        output.fail(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.", code=3)
    raise SystemExit(status)


def _run(kind: str, environ: dict[str, str], inherited: int = -1) -> None:
    """Build a gateway and serve it until it is told to stop."""
    from ostiary import config, log
    from ostiary.clock import SystemClock

    found(WITHOUT_CORE)()
    try:
        settings = config.load(environ)
        log.configure(settings.log_level)
        found(LIMITS)(memory_mb=settings.memory_mb, cpu_percent=settings.cpu_percent)
        gateway = found(GATEWAY)(settings, SystemClock(), kind=found(KIND).named(kind))
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    except StoreUnavailable as error:
        why = error.detail or "It does not answer, or this user may not write it."
        output.fail(f"The database or the key store cannot be used. {why}", code=2)
    os.environ.pop("OSTIARY_ROOT_KEY", None)
    if inherited >= 0:
        found(SERVER)(gateway).run([found(INHERITED)(inherited)])
    else:
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


app.command()(ask)
app.command()(call)
app.command()(detect)
app.command("detect-server")(detect_server)
app.command()(guard)
app.command()(query)
app.command("ocr-server")(ocr_server)
app.command()(redact)
app.command()(scan)
app.command("verify-redaction")(verify_redaction)
app.command()(erase)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(backups.drill)


def main() -> None:
    app()
