"""Sessions of agents: what a person wants done, what the agent read since, and what it did."""

from typing import Any

from starlette.responses import Response

from ostiary.errors import InvalidParameters
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

TABS = (("", "Open"), ("any", "All"))
HOURS = (1, 4, 8, 12)
AGENTS = ("agent", "program", "customer")
_STATES = {
    "open": words.Word("Open", "run", "run"),
    "closed": words.Word("Closed", "done"),
    "expired": words.Word("Over", "expire"),
}
_DECISIONS = {"held": words.Word("Asked a person", "wait", "wait"), "ran": words.Word("Ran", "done", "ok")}


async def listed(desk: Desk) -> Response:
    state = "any" if desk.query("state") == "any" else ""
    found = await desk.ask(
        "agent_session.list",
        {"state": state or "open", "cursor": desk.query("after"), "agent": desk.query("agent")},
    )
    known = await names(desk)
    rows = [_row(row, known) for row in found["sessions"]]
    return await desk.page(
        "sessions/page.html",
        sessions=rows,
        next=found["next"],
        state=state,
        tabs=TABS,
        agent=desk.query("agent"),
    )


async def ask_new(desk: Desk) -> Response:
    return await _form(desk, {"agent": desk.query("agent")})


async def open_(desk: Desk) -> Response:
    hours = desk.form.get("hours", "")
    asked = {
        "agent": desk.form.get("agent", ""),
        "intent": desk.form.get("intent", "").strip(),
        "max_s": (int(hours) if hours.isdecimal() and len(hours) < 3 else 4) * 3600,
    }
    try:
        opened = await desk.ask("agent_session.open", asked)
    except InvalidParameters as error:
        return await _form(desk, dict(desk.form), error.faults)
    return desk.go(f"/sessions/{opened['session_id']}", "session-opened")


async def one(desk: Desk) -> Response:
    found = await desk.ask("agent_session.show", {"session_id": desk.path("session_id")})
    known = await names(desk)
    said = [{**row, "name": known.get(row["by"], row["by"])} for row in found["words"]]
    deeds = [
        {**row, "word": _DECISIONS.get(row["decision"], words.state(row["decision"]))}
        for row in found["deeds"]
    ]
    session = _row(found["session"], known)
    return await desk.page(
        "sessions/one.html",
        session=session,
        said=said,
        reads=found["reads"],
        deeds=deeds,
        may_say=desk.may("intent.say"),
    )


async def say(desk: Desk) -> Response:
    session = desk.path("session_id")
    await desk.ask("agent_session.say", {"session_id": session, "words": desk.form.get("words", "").strip()})
    return desk.go(f"/sessions/{session}", "session-said")


async def close(desk: Desk) -> Response:
    session = desk.path("session_id")
    await desk.ask("agent_session.close", {"session_id": session})
    return desk.go(f"/sessions/{session}", "session-closed")


async def _form(desk: Desk, values: dict[str, str], faults: Any = ()) -> Response:
    keys = (await desk.ask_or({}, "key.list")).get("keys", [])
    live = [row for row in keys if row["state"] == "live" and row["kind"] in AGENTS]
    return await desk.page(
        "sessions/new.html",
        status=422 if faults else 200,
        keys=live,
        hours=HOURS,
        values=values,
        faults=faults,
    )


def _row(row: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    return {
        **row,
        "word": _STATES[row["state"]],
        "agent_name": known.get(row["agent"].partition(".")[0], ""),
        "by_name": "A signed statement" if row["signed"] else known.get(row["opened_by"], ""),
    }
