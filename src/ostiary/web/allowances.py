"""What was allowed beforehand: the list, taking back, and a form, filled from a card where somebody came from one."""

import json
from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, Forbidden, InvalidParameters, OffContract, SelfApproval
from ostiary.web.desk import Desk
from ostiary.web.people import names

FIELDS = ("agent", "contract", "values", "amount_max", "amount_total", "count", "hours", "note")
NEW = {**dict.fromkeys(FIELDS, ""), "count": "1", "hours": "8", "values": "{}"}
ROWS = 100


async def page(desk: Desk) -> Response:
    return await _page(desk, {**NEW, **await _from_card(desk, desk.query("card"))})


async def allow(desk: Desk) -> Response:
    asked = {name: desk.form.get(name, "").strip() for name in FIELDS}
    try:
        await desk.ask("approval.allow", _params(asked))
    except (InvalidParameters, Conflict, SelfApproval, OffContract, Forbidden) as error:
        faults = [f"{fault.pointer.lstrip('/')}: {fault.detail}" for fault in error.faults]
        return await _page(desk, asked, faults or [str(error)])
    return desk.go("/allowances", "allowed")


async def take_back(desk: Desk) -> Response:
    await desk.ask("approval.disallow", {"allowance_id": desk.path("allowance_id")})
    return desk.go("/allowances", "taken-back")


def _params(asked: dict[str, str]) -> dict[str, Any]:
    """The form as parameters; what is no number or no JSON is said by the action, at its name."""
    try:
        values = json.loads(asked["values"] or "{}")
    except ValueError:
        raise InvalidParameters('Values: write a JSON object, such as {"customer_id": "C-1001"}.') from None
    count = int(asked["count"]) if asked["count"].isdigit() else 0
    hours = int(asked["hours"]) if asked["hours"].isdigit() and len(asked["hours"]) < 5 else 0
    kept = {name: asked[name] for name in ("agent", "contract", "amount_max", "amount_total", "note")}
    return {**kept, "values": values, "count": count, "expires_in_s": hours * 3600}


async def _from_card(desk: Desk, approval_id: str) -> dict[str, str]:
    """A call like that one: its agent, its contract, its exact values; the amount as the most of one call."""
    card = await desk.ask_or(None, "approval.show", {"approval_id": approval_id}) if approval_id else None
    if not card:
        return {}
    whole = [row for row in card["parameters"] if row["pointer"].count("/") == 1]
    values = {row["name"]: row["value"] for row in whole if row["label"] not in ("amount", "content")}
    amount = next((str(row["value"]) for row in whole if row["label"] == "amount"), "")
    written = json.dumps(values, ensure_ascii=False)
    return {"agent": card["asked_by"]["id"], "contract": card["action"], "values": written, "amount_max": amount}  # fmt: skip


async def _page(desk: Desk, values: dict[str, str], faults: list[str] | None = None) -> Response:
    rows = (await desk.ask("approval.allowances", {"state": "any", "limit": ROWS}))["allowances"]
    keys = (await desk.ask_or({"keys": []}, "key.list"))["keys"]
    agents = {key["key_id"]: key["name"] for key in keys}
    known = await names(desk) if rows else {}
    return await desk.page(
        "approvals/allowances.html",
        status=422 if faults else 200,
        rows=[
            {
                **row,
                "agent_name": agents.get(row["agent"], ""),
                "by": known.get(row["made_by"], row["made_by"]),
                "exactly": json.dumps(row["values"], ensure_ascii=False),
            }
            for row in rows
        ],
        values=values,
        agents=agents,
        faults=faults or [],
    )
