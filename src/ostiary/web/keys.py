"""What programs, agents and customer surfaces come in with. A secret is shown once, on the page that answers its making."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ostiary.actions import JsonValue
from ostiary.clock import DAY_US, parse_rfc3339
from ostiary.errors import InvalidParameters, NotFound
from ostiary.web import words
from ostiary.web.desk import Desk

KINDS = (
    ("agent", "An AI agent", "asks through MCP or REST; never holds what could approve its own calls"),
    ("program", "A program", "your own code, with what its roles may"),
    ("publishable", "A customer surface", "may be seen by anyone; reaches only the customer's own records"),
)
LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "a year"))
OVERLAPS = ((3_600, "an hour"), (86_400, "a day"), (604_800, "a week"), (0, "none: the old one stops now"))

_STATES = {
    "live": words.Word("Active", "done", "ok"),
    "expired": words.Word("Expired", "expire"),
    "revoked": words.Word("Revoked", "reject", "no"),
}


async def listed(desk: Desk) -> Response:
    found, stops = await desk.ask("key.list"), await _stops(desk)
    stopped = {each["target"] for each in stops}
    rows = [_row(row, desk.now_us(), stopped=row["key_id"] in stopped) for row in found["keys"]]
    return await desk.page("keys/page.html", keys=rows)


async def one(desk: Desk) -> Response:
    return await _one(desk, desk.path("key_id"))


async def ask_new(desk: Desk) -> Response:
    return await _form(desk, {"days": "90", "roles": ["support"]})


async def create(desk: Desk) -> Response:
    scopes = [line.strip() for line in desk.form.get("scopes", "").splitlines() if line.strip()]
    days = desk.form.get("days", "90")
    asked = {
        "name": desk.form.get("name", "").strip(),
        "kind": desk.form.get("kind", "agent"),
        "roles": desk.lists.get("roles", []),
        **_narrowed(desk.form, scopes),
        "expires_days": int(days) if days.isdigit() else 90,
    }
    try:
        made = await desk.ask("key.create", asked)
    except InvalidParameters as error:
        return await _form(desk, {**asked, "scopes": "\n".join(scopes), "days": days}, error.faults)
    return await _one(desk, made["key"]["key_id"], secret=made["secret"], heading="The key.")


async def rotate(desk: Desk) -> Response:
    key_id, overlap = desk.path("key_id"), desk.form.get("overlap_s", "")
    given = await desk.ask(
        "key.rotate", {"key_id": key_id, "overlap_s": int(overlap) if overlap.isdigit() else 3_600}
    )
    return await _one(desk, key_id, secret=given["secret"], heading="The new secret.")


async def signing_secret(desk: Desk) -> Response:
    key_id = desk.path("key_id")
    given = await desk.ask("key.signing_secret", {"key_id": key_id})
    return await _one(desk, key_id, secret=given["secret"], heading="The signing secret.")


async def revoke(desk: Desk) -> Response:
    key_id = desk.path("key_id")
    key = await _key(desk, key_id)
    if desk.form.get("name", "").strip() != key["name"]:
        raise InvalidParameters("Type the key's name to revoke it.")
    await desk.ask("key.revoke", {"key_id": key_id})
    return desk.go(f"/keys/{key_id}", "key-revoked")


async def stop(desk: Desk) -> Response:
    key_id = desk.path("key_id")
    asked = {"kind": "key", "target": key_id, "reason": desk.form.get("reason", "").strip()}
    await desk.ask("shield.stop", asked)
    return desk.go(f"/keys/{key_id}", "key-stopped")


async def resume(desk: Desk) -> Response:
    key_id = desk.path("key_id")
    for each in await _stops(desk):
        if each["target"] == key_id:
            await desk.ask("shield.resume", {"stop_id": each["stop_id"]})
    return desk.go(f"/keys/{key_id}", "key-resumed")


async def _stops(desk: Desk) -> list[dict[str, Any]]:
    """The stops of keys; none for who may not see them."""
    found = (await desk.ask_or({}, "shield.stops")).get("stops", []) if desk.may("stop.manage") else []
    return [each for each in found if each["kind"] == "key"]


async def _key(desk: Desk, key_id: str, *, stopped: bool = False) -> dict[str, Any]:
    found = await desk.ask("key.list")
    rows = [row for row in found["keys"] if row["key_id"] == key_id]
    if not rows:
        raise NotFound
    return _row(rows[0], desk.now_us(), stopped=stopped)


async def _one(desk: Desk, key_id: str, *, secret: str = "", heading: str = "") -> Response:
    stops = [each for each in await _stops(desk) if each["target"] == key_id]
    key = await _key(desk, key_id, stopped=bool(stops))
    return await desk.page(
        "keys/one.html", key=key, stops=stops, secret=secret, heading=heading, overlaps=OVERLAPS
    )


async def _form(desk: Desk, values: Mapping[str, Any], faults: Any = ()) -> Response:
    roles = (await desk.ask_or({}, "role.list")).get("roles", [])
    return await desk.page(
        "keys/new.html",
        status=422 if faults else 200,
        kinds=KINDS,
        lifetimes=LIFETIMES,
        roles=roles,
        values=values,
        faults=faults,
    )


def _narrowed(form: Mapping[str, str], scopes: list[str]) -> dict[str, Any]:
    """A publishable key names the contracts it may call and a surface; the others are narrowed by scopes."""
    if form.get("kind") == "publishable":
        return {"surface": "customer", "contracts": scopes, "roles": []}
    return {"scopes": scopes or None}


def _row(row: Mapping[str, JsonValue], now_us: int, *, stopped: bool = False) -> dict[str, Any]:
    """The key with its state in words; what expires within a week says so."""
    word = _STATES.get(row["state"], words.Word(row["state"], "info"))
    live = row["state"] == "live"
    if live and row["expires_at"] and parse_rfc3339(row["expires_at"]) <= now_us + 7 * DAY_US:
        word = words.Word("Expires soon", "warn", "wait")
    if live and stopped:
        word = words.Word("Stopped", "reject", "no")
    return {**row, "word": word, "active": live}
