"""Calls that wait for a person: the list, the card, and the two answers."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ostiary.actions import JsonValue
from ostiary.errors import InvalidParameters
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

TABS = (
    ("waiting", "Waiting"),
    ("approved", "Approved"),
    ("rejected", "Rejected"),
    ("expired", "Expired"),
    ("any", "All"),
)
LIST_ROWS_MAX = 100
ALONE: Mapping[str, Any] = {"reasons": [], "quorum": 1, "agreed": [], "approvers": [], "four_eyes": False}
"""What a card of the release before does not say."""
_SEEN_IN = re.compile(r"(.{1,500}) \((cal_[0-9a-f]{32})\)")
CONFIRM_WORD = "approve"
"""What is typed for a call of high risk where the button cannot be held."""


async def listed(desk: Desk) -> Response:
    return await desk.page("approvals/page.html", **await _list(desk, ""), card=None)


async def one(desk: Desk) -> Response:
    chosen = desk.path("approval_id")
    card = await _card(desk, chosen)
    return await desk.page("approvals/page.html", **await _list(desk, chosen), card=card)


async def list_part(desk: Desk) -> Response:
    return desk.part("approvals/list.html", **await _list(desk, desk.query("chosen")))


async def card_part(desk: Desk) -> Response:
    return desk.part("approvals/card.html", card=await _card(desk, desk.path("approval_id")))


async def approve(desk: Desk) -> Response:
    """Yes. A call of high risk needs the deliberate act as well: held with the mouse or the keys, or the word typed."""
    approval_id = desk.path("approval_id")
    card = await desk.ask("approval.show", {"approval_id": approval_id})
    if card["risk"] == "high" and desk.form.get("confirm", "").strip().lower() != CONFIRM_WORD:
        raise InvalidParameters(f"This is of high risk: hold the button, or type {CONFIRM_WORD}.")
    await desk.ask("approval.approve", {"approval_id": approval_id, "digest": desk.form.get("digest", "")})
    return desk.go(f"/approvals/{approval_id}", "approved")


async def reject(desk: Desk) -> Response:
    approval_id = desk.path("approval_id")
    await desk.ask(
        "approval.reject", {"approval_id": approval_id, "reason": desk.form.get("reason", "").strip()}
    )
    return desk.go(f"/approvals/{approval_id}", "rejected")


async def _list(desk: Desk, chosen: str) -> dict[str, Any]:
    asked = desk.query("state", "waiting")
    state = asked if asked in dict(TABS) else "waiting"
    found = await desk.ask("approval.list", {"state": state, "limit": LIST_ROWS_MAX})
    return {
        "cards": [readable(card) for card in found["approvals"]],
        "waiting_now": found["waiting"],
        "state": state,
        "tabs": TABS,
        "chosen": chosen,
    }


async def _card(desk: Desk, approval_id: str) -> dict[str, Any]:
    card = readable(await desk.ask("approval.show", {"approval_id": approval_id}))
    if card["decided_by"]:
        known = await names(desk)
        card["decided_by"] = known.get(card["decided_by"], card["decided_by"])
    card["enrolled"] = True
    if card["needs_code"]:
        card["enrolled"] = bool((await desk.ask_or({}, "me.show")).get("second_factor"))
    return card


def readable(card: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The card with what the page adds: the sentence in pieces, marks of untrusted text, the refusal in words."""
    code = str(card["code"] or "")
    answer = card["answer"] or {}
    parameters = [{**row, **_source(row["source"])} for row in card["parameters"]]
    return {
        **ALONE,
        **card,
        "parameters": parameters,
        "pieces": words.pieces(card["sentence"] or card["title"] or card["action"], parameters),
        "needs_code": bool(card["step_up"] and card["can_decide"] and card["why_not"]),
        "taint": any(row["origin"] == "untrusted" for row in parameters),
        "answer": answer.get("result") if "result" in answer else None,
        "code_title": words.title(code),
        "remedy": words.REMEDIES.get(code, ""),
    }


def _source(text: str) -> dict[str, str]:
    """`ticket.read /body (cal_...)` -> where it was seen, and the call whose answer it was in."""
    seen = _SEEN_IN.fullmatch(text)
    return {"source": seen[1], "seen_in": seen[2]} if seen else {"source": text, "seen_in": ""}
