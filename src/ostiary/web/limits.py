"""What may be done at most of what was agreed: each limit, how much of it is used, and a form for another."""

from typing import Any

from starlette.responses import Response

from ostiary.errors import Conflict, InvalidParameters
from ostiary.web.desk import Desk

FIELDS = ("whom", "target", "actions", "measure", "most", "currency", "per", "hours")
FRESH = {**dict.fromkeys(FIELDS, ""), "whom": "agent", "measure": "calls", "per": "day"}
"""What the form says at first."""
WHOM = (
    ("agent", "Each agent"),
    ("key", "Each API key, of agents and programs"),
    ("session", "Each session of an agent"),
    ("person", "Each person, with what acts for them"),
    ("tenant", "All of this tenant together"),
)
MEASURES = (
    ("calls", "Calls"),
    ("money", "Money"),
    ("rows", "Rows of answers"),
    ("tokens", "Tokens"),
    ("hours", "Hours at which calls may come"),
)
PERIODS = (("hour", "an hour"), ("day", "a day"), ("week", "a week"), ("month", "a month"))
_ONE = {"agent": "One agent", "key": "One key", "session": "One session", "person": "One person"}


async def page(desk: Desk) -> Response:
    return await _page(desk, FRESH)


async def add(desk: Desk) -> Response:
    asked = {name: desk.form.get(name, "").strip() for name in FIELDS}
    if asked["measure"] == "hours":
        asked["per"] = ""  # a select always says something
    try:
        await desk.ask("limit.set", asked)
    except (InvalidParameters, Conflict) as error:
        return await _page(desk, asked, error)
    return desk.go("/limits", "limit-set")


async def change(desk: Desk) -> Response:
    asked = {"limit_id": desk.path("limit_id"), "most": desk.form.get("most", "").strip()}
    try:
        await desk.ask("limit.change", asked)
    except InvalidParameters as error:
        return await _page(desk, FRESH, error)
    return desk.go("/limits", "limit-set")


async def remove(desk: Desk) -> Response:
    await desk.ask("limit.remove", {"limit_id": desk.path("limit_id")})
    return desk.go("/limits", "limit-removed")


async def _page(
    desk: Desk, values: dict[str, str], error: InvalidParameters | Conflict | None = None
) -> Response:
    rows = (await desk.ask("limit.list"))["limits"]
    return await desk.page(
        "settings/limits.html",
        status=422 if error else 200,
        rows=[_shown(row) for row in rows],
        values=values,
        faults=_faults(error),
        whom=WHOM,
        measures=MEASURES,
        periods=PERIODS,
    )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    whose = _ONE[row["whom"]] if row["target"] else dict(WHOM)[row["whom"]]
    used = [{**each, "share": _share(each["used"], row["most"])} for each in row["used"][:5]]
    return {**row, "whose": whose, "used": used, "more": max(0, len(row["used"]) - len(used))}


def _share(used: str, most: str) -> int:
    """How much of it is used, in per cent; never more than all of it."""
    limit = float(most)
    return min(100, round(100 * float(used) / limit)) if limit else 100


def _faults(error: InvalidParameters | Conflict | None) -> list[str]:
    if error is None:
        return []
    return [f"{fault.pointer.lstrip('/').capitalize()}: {fault.detail}" for fault in error.faults] or [
        str(error)
    ]
