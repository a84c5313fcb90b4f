"""What happens now: what waits, what was called, what was refused and why, and how the log stands."""

from typing import Any

from starlette.responses import Response

from ostiary.clock import HOUR_US
from ostiary.web import words
from ostiary.web.approvals import readable
from ostiary.web.audit import is_look
from ostiary.web.desk import Desk

HOURS = 24
REFUSED_ROWS = 6
EVENTS_PAGE = 200
EVENTS_MAX = 600
"""How many events are looked at for the chart; a busier day is counted from its latest ones, and says so."""
PARTS = (("ran", "Ran"), ("held", "Held"), ("refused", "Refused"), ("failed", "Failed"))
_PART_OF = {
    "ran": "ran",
    "held": "held",
    "refused": "refused",
    "rejected": "refused",
    "failed": "failed",
    "unknown": "failed",
}
WIDTH, HEIGHT = 480, 100


async def page(desk: Desk) -> Response:
    context: dict[str, Any] = {
        "cards": [],
        "chart": None,
        "refused": [],
        "log": None,
        "accounts": await _accounts(desk),
    }
    if desk.may("approval.read"):
        context["cards"] = await _cards(desk)
    if desk.may("audit.read"):
        events = await _events(desk)
        context["chart"] = chart(
            [event for event in events if not is_look(event)], desk.now_us(), cut=len(events) >= EVENTS_MAX
        )
        context["refused"] = await _refused(desk)
        context["log"] = await _log(desk)
    return await desk.page("overview/page.html", **context)


async def waiting(desk: Desk) -> Response:
    return desk.part("overview/waiting.html", cards=await _cards(desk))


async def _cards(desk: Desk) -> list[dict[str, Any]]:
    found = await desk.ask_or({"approvals": []}, "approval.list", {"state": "waiting"})
    return [readable(card) for card in found["approvals"]]


async def _accounts(desk: Desk) -> list[dict[str, Any]]:
    """One's own accounts at other systems that want something of the person."""
    found = await desk.ask_or({}, "oauth.accounts")
    return [row for row in found.get("accounts", []) if row["state"] in ("again", "wider")]


async def _events(desk: Desk) -> list[dict[str, Any]]:
    since_us = desk.now_us() - HOURS * HOUR_US
    events: list[dict[str, Any]] = []
    cursor = ""
    while len(events) < EVENTS_MAX:
        found = await desk.ask_or(
            {}, "audit.search", {"since_us": since_us, "limit": EVENTS_PAGE, "cursor": cursor}
        )
        events += found.get("events", [])
        cursor = found.get("next", "")
        if not cursor:
            break
    return events


async def _refused(desk: Desk) -> list[dict[str, Any]]:
    found = await desk.ask_or({}, "audit.search", {"decision": "refused", "limit": REFUSED_ROWS})
    return [
        {**event, "title": words.title(event["code"]), "remedy": words.REMEDIES.get(event["code"], "")}
        for event in found.get("events", [])
    ]


async def _log(desk: Desk) -> dict[str, Any] | None:
    checkpoint = await desk.ask_or(None, "audit.checkpoint")
    return checkpoint if checkpoint and checkpoint.get("size") else None


def chart(events: list[dict[str, Any]], now_us: int, *, cut: bool = False) -> dict[str, Any]:
    """Events -> stacked bars, one an hour, in a 480 by 100 box, and the same as rows for a table."""
    start_us = (now_us // HOUR_US - HOURS + 1) * HOUR_US
    counts = [dict.fromkeys((name for name, _ in PARTS), 0) for _ in range(HOURS)]
    for event in events:
        hour = (event["at_us"] - start_us) // HOUR_US
        part = _PART_OF.get(event["decision"])
        if part and 0 <= hour < HOURS:
            counts[hour][part] += 1
    highest = max((sum(hour.values()) for hour in counts), default=0) or 1
    totals = [(name, label, sum(hour[name] for hour in counts)) for name, label in PARTS]
    return {
        "cut": EVENTS_MAX if cut else 0,
        "start": start_us,
        "total": sum(count for _, _, count in totals),
        "totals": totals,
        "bars": [bar for index, hour in enumerate(counts) for bar in _bars(index, hour, highest)],
        "rows": [
            {"at": start_us + index * HOUR_US, "counts": list(hour.values())}
            for index, hour in enumerate(counts)
        ],
    }


def _bars(index: int, hour: dict[str, int], highest: int) -> list[dict[str, Any]]:
    step = WIDTH / HOURS
    x, width = round(index * step + 2, 2), round(step - 4, 2)
    if not sum(hour.values()):
        return [{"part": "none", "x": x, "y": HEIGHT - 2, "width": width, "height": 2}]
    bars, top = [], float(HEIGHT)
    for name, count in hour.items():
        if count:
            height = round(count / highest * HEIGHT, 2)
            top = round(top - height, 2)
            bars.append({"part": name, "x": x, "y": top, "width": width, "height": height})
    return bars
