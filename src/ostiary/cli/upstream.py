"""`ostiary upstream`: somebody else's MCP server behind the door, and a person's decision about each of its tools.

A decision names the pin of the definition that was shown. A program that decides without being asked names the pin itself: by a tool's name it could
accept a definition that nobody has seen.
"""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ostiary.cli import output
from ostiary.cli.remote import Refused, ask, named

upstream = typer.Typer(
    no_args_is_help=True, help="Upstream MCP servers: what they offer, and what of it was accepted."
)

PEM_CHARACTERS_MAX = 20_000
PIN_SHOWN = 12
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The connector's name.")]
Tools = Annotated[
    list[str],
    typer.Argument(metavar="TOOL...", help="A tool's name, or the pin of a definition (64 characters)."),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Do not ask once more. Name definitions by their pins then.")
]
_PIN = re.compile(r"[0-9a-f]{64}")
_WAITING = "waiting"


@upstream.command("list")
def listed(as_json: AsJson = False) -> None:
    """The connected MCP servers: how many of their tools are accepted, how many wait."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("upstreams"))
        connectors = {} if as_json else _connectors()
    if as_json:
        output.as_json(answer)
        return
    rows = [{**row, **connectors.get(row["name"], {})} for row in answer["upstreams"]]
    output.table(rows, ("name", "leads to", "credentials", "pass_through", "paused", "accepted", "waiting"))


@upstream.command("add")
def add(
    name: Name,
    url: Annotated[
        str, typer.Option(help="Its Streamable HTTP endpoint: https://tools.example.com/mcp")
    ] = "",
    program: Annotated[
        str, typer.Option(help="Instead of --url: a name from OSTIARY_MCP_PROGRAMS, spoken to over stdio.")
    ] = "",
    pass_through: Annotated[
        bool, typer.Option("--pass-through", help="Agents may speak with it at /mcp/NAME.")
    ] = False,
    per_person: Annotated[
        bool, typer.Option("--per-person", help="Call it with each person's own account, from Connect.")
    ] = False,
    free_reads: Annotated[
        bool,
        typer.Option(
            "--free-reads", help="At /mcp/NAME, prompts and resources may carry any value to the server."
        ),
    ] = False,
    role: Annotated[
        list[str] | None, typer.Option(help="Who may, at /mcp/NAME; repeat it for several.")
    ] = None,
    credential: Annotated[
        bool, typer.Option("--credential", help="Set its bearer credential: from standard input.")
    ] = False,
    credential_file: Annotated[
        Path | None,
        typer.Option(
            "--credential-file", help="Read the credential from this file.", exists=True, dir_okay=False
        ),
    ] = None,
    credential_header: Annotated[
        str, typer.Option(help="Where the credential goes; in Authorization as Bearer.")
    ] = "Authorization",
    ca_file: Annotated[
        Path | None,
        typer.Option(
            help="Certificates (PEM) to trust instead of the public ones.", exists=True, dir_okay=False
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Change one that is there. At another address, its tools wait again."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Connect an MCP server and ask what it offers. No tool of it can be called before you accept it."""
    if bool(url) == bool(program):
        output.fail("Say where it is: --url or --program, one of the two.", code=2)
    settings: dict[str, Any] = {
        "kind": "mcp", "url": url, "program": program, "pass_through": pass_through, "reads": "free" if free_reads else "judged",
        "credentials": "per_person" if per_person else "shared", "credential_header": credential_header, "roles": role or [],
        **({"ca_pem": output.text_from(ca_file, characters_max=PEM_CHARACTERS_MAX)} if ca_file else {}),
    }  # fmt: skip
    body: dict[str, Any] = {"settings": settings}
    if credential or credential_file:
        body["credential"] = output.secret_from(credential_file, "Credential")
    with output.told(json_wanted=as_json):
        if not replace and _stands(name):
            output.fail(f"There is a connector {name} already; --replace changes it.")
        saved = ask("PUT", named("connectors", name), body=body)
    if not output.waits(saved, json_wanted=as_json):
        _added(name, saved, per_person=per_person, as_json=as_json)


def _added(name: str, saved: dict[str, Any], *, per_person: bool, as_json: bool) -> None:
    if not as_json:
        sys.stdout.write(f"{name} is version {saved['version']}\n")
    if not per_person:
        _look(name, as_json=as_json)
    elif as_json:
        output.as_json(saved)
    else:
        sys.stdout.write(f"Connect your own account there: Settings, Connected. Then: ostiary upstream refresh {name}\n")  # fmt: skip


@upstream.command("refresh")
def refresh(name: Name, as_json: AsJson = False) -> None:
    """Ask a server now what it offers. What is new or changed waits for you."""
    _look(name, as_json=as_json)


@upstream.command("show")
def show(
    name: Name,
    tool: Annotated[
        str, typer.Argument(help="One tool: its whole definitions, and how the waiting one differs.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Also what was refused or replaced.")] = False,
    as_json: AsJson = False,
) -> None:
    """What a server offers: what was decided about each tool, and what waits for a decision."""
    with output.told(json_wanted=as_json):
        answer = ask("GET", named("upstreams", name))
    found = [row for row in answer["tools"] if not tool or tool in (row["name"], row["pin"])]
    if tool and not found:
        output.fail(f"{name} has offered no tool {output.printable(tool)}.")
    if as_json:
        output.as_json({**answer, "tools": found})
    elif tool:
        for row in found:
            _tell(row)
    else:
        shown = [row for row in found if every or row["state"] in (_WAITING, "accepted")]
        output.table([_row(row) for row in shown], ("name", "state", "pin", "effect", "risk", "confirmation", "to look at"))  # fmt: skip


@upstream.command("accept")
def accept(
    name: Name,
    tools: Tools,
    effect: Annotated[str, typer.Option(help="read or write: whether it changes something.")] = "write",
    risk: Annotated[str, typer.Option(help="low, medium or high.")] = "high",
    confirmation: Annotated[
        str, typer.Option(help="When a person is asked: never, once_per_session or always.")
    ] = "always",
    no_egress: Annotated[
        bool,
        typer.Option("--no-egress", help="For one that reads: nothing that it is given leaves with it."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Accept tools as they are shown to you now. What you do not say of them asks a person each time."""
    said = {"effect": effect, "risk": risk, "confirmation": confirmation, "egress": not no_egress}
    with output.told(json_wanted=as_json):
        rows = _chosen(name, tools, unasked=yes or as_json)
        if not (yes or as_json):
            for row in rows:
                _tell(row)
            typer.confirm("Accept it?" if len(rows) == 1 else f"Accept these {len(rows)}?", abort=True)
        choices = [{"pin": row["pin"], "replaces": row["replaces"], **said} for row in rows]
        answer = ask("POST", named("upstreams", name, "accept"), body={"tools": choices})
    if not output.waits(answer, json_wanted=as_json):
        output.as_json(answer) if as_json else _told("Accepted", answer)


@upstream.command("refuse")
def refuse(name: Name, tools: Tools, yes: Yes = False, as_json: AsJson = False) -> None:
    """Refuse tools: they stay in quarantine; an accepted one is called no more."""
    with output.told(json_wanted=as_json):
        rows = _chosen(name, tools, unasked=yes or as_json)
        if not (yes or as_json):
            output.table([_row(row) for row in rows], ("name", "state", "pin"))
            typer.confirm("Refuse it?" if len(rows) == 1 else f"Refuse these {len(rows)}?", abort=True)
        answer = ask("POST", named("upstreams", name, "refuse"), body={"pins": [row["pin"] for row in rows]})
    if not output.waits(answer, json_wanted=as_json):
        output.as_json(answer) if as_json else _told("Refused", answer)


@upstream.command("remove")
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for its name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Disconnect a server. What was decided about its tools goes with it."""
    with output.told(json_wanted=as_json):
        found = ask("GET", named("upstreams", name))
        if not (yes or as_json):
            accepted = sum(row["state"] == "accepted" for row in found["tools"])
            sys.stdout.write(f"{accepted} accepted tools go, with the credential; contracts that name them are refused.\n")  # fmt: skip
            if typer.prompt(f"Type {name} to do it") != name:
                output.fail("That is not its name. Nothing was removed.")
        answer = ask("DELETE", named("connectors", name))
    if not output.waits(answer, json_wanted=as_json):
        output.as_json(answer) if as_json else sys.stdout.write("Removed.\n")


def _look(name: str, *, as_json: bool) -> None:
    with output.told(json_wanted=as_json):
        answer = ask("POST", named("upstreams", name, "look"))
    if as_json:
        output.as_json(answer)
        return
    sys.stdout.write(f"It offers {answer['offered']} tools.\n")
    for what, names in (("waits for you", answer["new"]), ("is offered no more", answer["gone"])):
        for each in names:
            sys.stdout.write(f"  {output.printable(each)} {what}\n")
    if answer["unreadable"]:
        sys.stdout.write(f"  {answer['unreadable']} entries are no tools, or share a name\n")
    if answer["new"]:
        sys.stdout.write(f"Read one with: ostiary upstream show {name} TOOL\n")


def _connectors() -> dict[str, dict[str, Any]]:
    found = ask("GET", named("connectors"))["connectors"]
    return {
        row["name"]: {
            "leads to": row["settings"]["url"] or f"program {row['settings']['program']}",
            "credentials": row["settings"]["credentials"],
            "paused": row["paused"],
        }
        for row in found
        if row["kind"] == "mcp"
    }


def _stands(name: str) -> bool:
    try:
        ask("GET", named("connectors", name))
    except Refused as error:
        if error.problem.get("code") == "not_found":
            return False
        raise
    return True


def _chosen(name: str, tools: list[str], *, unasked: bool) -> list[dict[str, Any]]:
    """The definition of each: by its pin, or the one of that name that is offered and waits, else the one that is accepted."""
    if unasked and (by_name := [each for each in tools if not _PIN.fullmatch(each)]):
        output.fail(f"Name the definition by its pin: {output.printable(by_name[0])} may be another one by now.", code=2)  # fmt: skip
    rows = ask("GET", named("upstreams", name))["tools"]
    found = []
    for each in tools:
        fitting = [row for row in rows if each == row["pin"]] or [
            row
            for state in (_WAITING, "accepted")
            for row in rows
            if row["name"] == each and row["state"] == state and row["listed"]
        ]
        if not fitting:
            output.fail(
                f"{name} offers nothing of that name that waits or is accepted: {output.printable(each)}."
            )
        found.append(fitting[0])
    return found


def _row(row: dict[str, Any]) -> dict[str, Any]:
    look = [each["kind"] for each in row["findings"]]
    if row["changes"]:
        look.insert(0, f"{len(row['changes'])} changes")
    if not row["enforceable"]:
        look.append("schema cannot be enforced")
    state = row["state"] if row["listed"] else f"{row['state']}, not offered"
    return {**row, "state": state, "pin": row["pin"][:PIN_SHOWN], "to look at": look}


def _tell(row: dict[str, Any]) -> None:
    """A definition whole, in the server's words, with what a person should look at. Nothing in it is acted on by the terminal, or unseen."""
    _say(f"{row['name']} ({row['state']})")
    _say(f"pin {row['pin']}")
    _say(_readable(row["definition"]))
    for each in row["findings"]:
        _say(f"look at {each['pointer']}: {each['kind']}: {each['detail']}")
    if row["replaces"]:
        _say(f"It differs from the accepted one ({row['replaces'][:PIN_SHOWN]}):")
    for each in row["changes"]:
        _say(f"{each['pointer']} {each['kind']}")
        for sign, value in (("-", each["before"]), ("+", each["after"])):
            if value is not None:
                _say("\n".join(f"  {sign} {line}" for line in _readable(value).split("\n")))


def _readable(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _say(text: str) -> None:
    from ostiary.connectors.mcp.scan import is_hidden

    for line in text.split("\n"):
        shown = "".join(f"[U+{ord(letter):04X}]" if is_hidden(letter) else letter for letter in line)
        sys.stdout.write(output.printable(shown) + "\n")


def _told(what: str, answer: dict[str, Any]) -> None:
    sys.stdout.write(output.printable(f"{what}: {', '.join(answer['tools'])}.") + "\n")
