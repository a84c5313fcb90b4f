"""`ostiary session`: what a person wants of an agent, said with the person's own credential (the token of a sign-in in OSTIARY_API_KEY)."""

import sys
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import ask, named

session = typer.Typer(no_args_is_help=True, help="Sessions of agents: what a person wants done.")

HOURS = 4
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SessionId = Annotated[str, typer.Argument(help="As `ostiary session list` shows it.")]
Text = Annotated[str, typer.Argument(help="The words; - reads them from standard input.")]


@session.command("open")
def open_(
    agent: Annotated[
        str, typer.Argument(help="The id of the agent's key, as `ostiary api-keys list` shows it.")
    ],
    intent: Text,
    hours: Annotated[int, typer.Option(help="After so many hours it is over.", min=1, max=12)] = HOURS,
    as_json: AsJson = False,
) -> None:
    """Open a session for an agent, with what it is to do. Prints the session's id, which the agent sends as Ostiary-Session."""
    body = {"agent": agent, "intent": _words(intent), "max_s": hours * 3600}
    with output.told(json_wanted=as_json):
        answer = ask("POST", "/v1/sessions", body=body)
    output.as_json(answer) if as_json else sys.stdout.write(answer["session_id"] + "\n")


@session.command("say")
def say(session_id: SessionId, words: Text, as_json: AsJson = False) -> None:
    """Add further words to an open session."""
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("sessions", session_id, "words"), body={"words": _words(words)})
    output.as_json(answer) if as_json else sys.stdout.write("Said.\n")


@session.command("show")
def show(session_id: SessionId, as_json: AsJson = False) -> None:
    """What was said, read and done in a session."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("sessions", session_id))
    if as_json:
        output.as_json(answer)
        return
    head = answer["session"]
    sys.stdout.write(
        f"{head['session_id']} is {head['state']}, for {head['agent']}, until {head['expires_at']}\n"
    )
    for row in answer["words"]:
        who = "the agent says" if row["claimed"] else row["by"]
        sys.stdout.write(output.printable(f"{row['at']}  {who}: {row['text']}") + "\n")
    output.table([*map(_read, answer["reads"]), *answer["deeds"]], ("at", "action", "decision", "call"))


@session.command("list")
def listed(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    as_json: AsJson = False,
) -> None:
    """The open sessions, the newest first."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", "/v1/sessions", query={"state": "any" if every else "open"})
    if as_json:
        output.as_json(answer)
        return
    output.table(answer["sessions"], ("session_id", "agent", "state", "opened_by", "opened_at", "expires_at"))


@session.command("close")
def close(session_id: SessionId, as_json: AsJson = False) -> None:
    """End a session at once."""
    with output.told(json_wanted=as_json):
        answer = ask("DELETE", named("sessions", session_id))
    output.as_json(answer) if as_json else sys.stdout.write("Closed.\n")


def _words(text: str) -> str:
    return sys.stdin.read().strip() if text == "-" else text


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "decision": "read, not all of it trusted" if row["untrusted"] else "read"}
