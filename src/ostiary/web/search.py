"""Search without JavaScript, and where the palette sends an id: pages and contracts by name, the rest by a whole id."""

from starlette.responses import Response

from ostiary import ids
from ostiary.web.desk import PLACES, Desk

TERM_CHARACTERS_MAX = 200
FOUND_MAX = 20
BY_ID = {
    "apr": "/approvals/{}",
    "cal": "/calls/{}",
    "era": "/retention/erasures/{}",
    "evt": "/audit?event={}",
    "job": "/jobs/{}",
    "key": "/keys/{}",
    "per": "/audit?actor={}",
}


async def page(desk: Desk) -> Response:
    term = desk.query("q").strip()[:TERM_CHARACTERS_MAX]
    for kind, path in BY_ID.items():
        if ids.is_id(term, kind):
            address, _, query = path.format(term).partition("?")
            return desk.go(address, **dict([query.split("=", 1)] if query else []))
    return await desk.page("search.html", term=term, found=await _found(desk, term.lower()) if term else [])


async def _found(desk: Desk, term: str) -> list[dict[str, str]]:
    found = [
        {"path": place.path, "title": place.title, "hint": place.hint, "icon": place.icon}
        for place in PLACES
        if desk.may(place.permission) and (term in place.title.lower() or term in place.hint)
    ]
    if desk.may("contract.read"):
        for row in (await desk.ask_or({}, "contract.list")).get("contracts", []):
            if term in f"{row['name']} {row.get('title', '')}".lower():
                hint = row.get("title") or "contract"
                found.append(
                    {
                        "path": f"/contracts/{row['name']}",
                        "title": row["name"],
                        "hint": hint,
                        "icon": "contracts",
                    }
                )
    return found[:FOUND_MAX]
