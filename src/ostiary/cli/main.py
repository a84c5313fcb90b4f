"""`ostiary`: the commands, in groups. Each is a few lines: parse, ask or start, print."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import ostiary
from ostiary.cli import output
from ostiary.cli.audit import audit
from ostiary.cli.contracts import contracts
from ostiary.cli.remote import ask
from ostiary.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
keys = typer.Typer(no_args_is_help=True, help="The root key.")
approvals = typer.Typer(no_args_is_help=True, help="Calls that wait for a person.")
app.add_typer(keys, name="keys")
app.add_typer(approvals, name="approvals")
app.add_typer(audit, name="audit")
app.add_typer(contracts, name="contracts")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def ostiary_command(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """The gateway between AI (and people) and a company's data."""
    if version:
        typer.echo(ostiary.__version__)
        raise typer.Exit


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
        from ostiary.app.gateway import Gateway
        from ostiary.app.serve import server

        gateway = Gateway(settings, SystemClock())
    except ConfigurationError as error:
        output.fail("\n".join(error.mistakes), code=2)
    os.environ.pop("OSTIARY_ROOT_KEY", None)
    server(gateway).run()


@app.command()
def demo(
    headless: Annotated[
        bool, typer.Option(help="Play the whole story, approve through the API, and exit.")
    ] = False,
    port: Annotated[int, typer.Option(help="Where to listen; 0 picks a free port.")] = 8080,
) -> None:
    """Start the gateway with a sample company, and let a scripted agent play the story."""
    from ostiary.sample.demo import run

    raise SystemExit(run(headless=headless, port=port))


@app.command("login-code")
def login_code(count: Annotated[int, typer.Option(help="How many lines.")] = 1) -> None:
    """Show the newest sign-in code, where no mail server is set. Offline; for whoever may read the data folder."""
    from ostiary import config
    from ostiary.app.codes import last_lines

    home = Path(
        os.environ.get(
            "OSTIARY_HOME", next(row.default for row in config.SETTINGS if row.name == "OSTIARY_HOME")
        )
    )
    lines = last_lines(home, count)
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


@app.command()
def call(
    action: Annotated[str, typer.Argument(help="The contract's name.")],
    params: Annotated[
        str, typer.Argument(help='Parameters as a JSON object, such as {"invoice_id": "INV-1"}.')
    ] = "{}",
    idempotency_key: Annotated[
        str, typer.Option("--key", help="Idempotency key: same key, same answer, done once.")
    ] = "",
    wait: Annotated[int, typer.Option(help="If it is held, wait this many seconds for the outcome.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Call a contracted action."""
    try:
        body = json.loads(params)
    except ValueError:
        output.fail("The parameters are not JSON.", code=2)
    with output.told(json_wanted=as_json):
        outcome = ask("POST", f"/v1/actions/{action}", body=body, idempotency_key=idempotency_key)
        while outcome["state"] in ("held", "approved", "running") and wait > 0:
            step = min(wait, 30)
            outcome = ask("GET", f"/v1/calls/{outcome['call_id']}", query={"wait_s": str(step)})
            wait -= step
    if as_json:
        output.as_json(outcome)
    elif outcome["state"] == "done":
        output.as_json(outcome["result"])
    else:
        sys.stdout.write(f"{outcome['call_id']} is {outcome['state']}\n")


@approvals.command("list")
def list_approvals(as_json: AsJson = False) -> None:
    """What waits for a person."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", "/v1/approvals")
    if as_json:
        output.as_json(answer)
        return
    rows = [
        {**card, "asked by": card["asked_by"]["name"], "does": in_words(card)} for card in answer["approvals"]
    ]
    output.table(rows, ("id", "action", "risk", "does", "asked by", "expires_at"))


@approvals.command("approve")
def approve(approval_id: str, as_json: AsJson = False) -> None:
    """Say yes. You are shown what will be done, and asked once more."""
    with output.told(json_wanted=as_json):
        card = ask("GET", f"/v1/approvals/{approval_id}")
        if not as_json:
            sys.stdout.write(in_words(card) + "\n")
            typer.confirm("Do it?", abort=True)
        answer = ask("POST", f"/v1/approvals/{approval_id}/approve", body={"digest": card["digest"]})
    output.as_json(answer) if as_json else sys.stdout.write("Approved.\n")


@approvals.command("reject")
def reject(approval_id: str, reason: Annotated[str, typer.Option()] = "", as_json: AsJson = False) -> None:
    """Say no. Nothing is done."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", f"/v1/approvals/{approval_id}/reject", body={"reason": reason})
    output.as_json(answer) if as_json else sys.stdout.write("Rejected.\n")


def in_words(card: dict[str, Any]) -> str:
    """The sentence of a card with its values in their places."""
    values = {part["name"]: part["value"] for part in card["parameters"]}
    sentence = card["sentence"] or card["title"]
    for name, value in values.items():
        sentence = sentence.replace("{" + name + "}", str(value))
    return str(sentence)


def main() -> None:
    app()
