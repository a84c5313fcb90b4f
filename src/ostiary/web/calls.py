"""What was asked to change, from the asking to the outcome."""

from typing import Any

from starlette.responses import Response

from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

TABS = (
    ("", "All"),
    ("held", "Waiting"),
    ("running", "Running"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("rejected", "Rejected"),
    ("unknown", "Unknown"),
)


async def listed(desk: Desk) -> Response:
    asked = desk.query("state")
    state = asked if asked in dict(TABS) else ""
    found = await desk.ask("call.list", {"state": state or "any", "cursor": desk.query("after")})
    known = await names(desk)
    rows = [_row(row, known) for row in found["calls"]]
    return await desk.page("calls/page.html", calls=rows, next=found["next"], state=state, tabs=TABS)


async def one(desk: Desk) -> Response:
    found = await desk.ask("call.show", {"call_id": desk.path("call_id")})
    known = await names(desk)
    card = None
    if found["approval_id"] and desk.may("approval.read"):
        card = await desk.ask_or(None, "approval.show", {"approval_id": found["approval_id"]})
    call = {**_row(found, known), "answer": found["result"], "params": {}}
    pieces = [words.Piece(str(found["action"]))]
    if card:
        pieces = words.pieces(card["sentence"] or card["title"], card["parameters"])
        call["params"] = {row["name"]: row["value"] for row in card["parameters"]}
    problem = found["problem"] or {}
    facts = [
        (label, value)
        for label, value in (
            ("Ended with", words.title(found["code"])),
            ("What was said", problem.get("detail")),
        )
        if value
    ]
    return await desk.page(
        "calls/one.html",
        call=call,
        pieces=pieces,
        approval=found["approval_id"],
        facts=facts,
        life=_life(found, card, known),
    )


async def settle(desk: Desk) -> Response:
    call_id = desk.path("call_id")
    asked = {
        "call_id": call_id,
        "outcome": desk.form.get("outcome", ""),
        "note": desk.form.get("note", "").strip(),
    }
    await desk.ask("call.settle", asked)
    return desk.go(f"/calls/{call_id}", "settled")


def _row(row: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    actor = {"kind": row["actor_kind"], "id": row["actor_id"], "name": known.get(row["actor_id"], "")}
    return {
        "id": row["call_id"],
        "state": row["state"],
        "action": row["action"],
        "created_at": row["asked_at"],
        "actor": actor,
        "code_title": words.title(row["code"]) if row["code"] else "",
    }


def _life(call: dict[str, Any], card: dict[str, Any] | None, known: dict[str, str]) -> list[dict[str, Any]]:
    """Asked, held, decided, ended: the steps that are known, in order."""
    steps: list[dict[str, Any]] = [
        {"word": words.Word("Asked", "right", "run"), "at": call["asked_at"], "text": ""}
    ]
    if card:
        steps.append(
            {"word": words.Word("Held", "wait", "wait"), "at": card["asked_at"], "text": card["why"]}
        )
        if card["decided_at"]:
            yes = card["state"] != "rejected"
            by = known.get(card["decided_by"], card["decided_by"] or "")
            word = words.Word("Approved", "check", "ok") if yes else words.Word("Rejected", "reject", "no")
            steps.append(
                {
                    "word": word,
                    "at": card["decided_at"],
                    "text": f"by {by}" + (f": {card['reason']}" if card["reason"] else ""),
                }
            )
    if call["state"] not in ("held", "rejected"):
        steps.append(
            {"word": words.state(call["state"]), "at": call["changed_at"], "text": words.title(call["code"])}
        )
    return steps
