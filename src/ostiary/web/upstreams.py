"""Tools of an upstream MCP server: what it offers, what of it waits in quarantine and how it differs, and a person's decision about each."""

from typing import Any

import orjson
from starlette.responses import Response

from ostiary.connectors.mcp.scan import is_hidden
from ostiary.errors import OstiaryError
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.words import Word

STATES = {
    "waiting": Word("Waits for you", "wait", "wait"),
    "accepted": Word("Accepted", "done", "ok"),
    "refused": Word("Refused", "refuse", "no"),
    "replaced": Word("Replaced", "none"),
}


async def one(desk: Desk) -> Response:
    return await _page(desk)


async def look(desk: Desk) -> Response:
    """Ask the server now."""
    name = desk.path("name")
    try:
        await desk.ask("upstream.look", {"name": name})
    except OstiaryError as error:
        return await _page(desk, problem=error)
    return desk.go(_place(name), "upstream-looked")


async def accept(desk: Desk) -> Response:
    """One tool, as the form says."""
    name, form = desk.path("name"), desk.form
    choice = {
        "pin": form.get("pin", ""),
        "replaces": form.get("replaces", ""),
        "effect": form.get("effect", "write"),
        "risk": form.get("risk", "high"),
        "confirmation": form.get("confirmation", "always"),
        "egress": form.get("egress") == "yes",
    }
    try:
        await desk.ask("upstream.accept", {"name": name, "tools": [choice]})
    except OstiaryError as error:
        return await _page(desk, problem=error)
    return desk.go(_place(name), "upstream-accepted")


async def refuse(desk: Desk) -> Response:
    name = desk.path("name")
    try:
        await desk.ask("upstream.refuse", {"name": name, "pins": [desk.form.get("pin", "")]})
    except OstiaryError as error:
        return await _page(desk, problem=error)
    return desk.go(_place(name), "upstream-refused")


def _place(name: str) -> str:
    return f"/connectors/{name}/tools"


async def _page(desk: Desk, *, problem: OstiaryError | None = None) -> Response:
    found = await desk.ask("upstream.show", {"name": desk.path("name")})
    shown = [_tool(each) for each in found["tools"]]
    waiting = [each for each in shown if each["state"] == "waiting" and each["listed"]]
    others = [each for each in shown if each not in waiting]
    return await desk.page(
        "upstreams/one.html", status=problem.status if problem else 200, upstream=found, undecided=waiting, others=others,
        remedy=words.REMEDIES.get(problem.code, "") if problem else "",
        problem=(problem.detail or problem.title()) if problem else "",
    )  # fmt: skip


def _tool(row: dict[str, Any]) -> dict[str, Any]:
    changes = [
        {**each, "before": _readable(each["before"]), "after": _readable(each["after"])}
        for each in row["changes"]
    ]
    read_only = isinstance(row["hints"], dict) and row["hints"].get("readOnlyHint") is True
    return {
        **row,
        "name": visible(row["name"]),
        "word": STATES[row["state"]],
        "text": _readable(row["definition"]),
        "changes": changes,
        "reads": read_only,
    }


def _readable(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return visible(text)


def visible(text: str) -> str:
    """With each character that nobody sees written as its code."""
    return "".join(f"[U+{ord(letter):04X}]" if is_hidden(letter) else letter for letter in text)
