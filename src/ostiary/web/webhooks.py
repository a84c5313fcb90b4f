"""Where notices go: the webhooks, what was delivered to each, and who is mailed about approvals. And where the link in such a mail leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from ostiary.clock import SECOND_US
from ostiary.errors import AddressRefused, InvalidParameters, OstiaryError
from ostiary.web import words
from ostiary.web.desk import Desk

OVERLAPS = (
    ("86400", "A day"),
    ("3600", "An hour"),
    ("604800", "A week"),
    ("0", "None: the old one ends now"),
)
FORMATS = (
    ("standard", "Standard Webhooks", "a signed JSON notice for a program"),
    ("slack", "A chat message", "as Slack's incoming webhooks take it"),
)
SIGNINGS = (
    ("symmetric", "A secret", "HMAC-SHA256 (v1): it and we hold the same secret"),
    (
        "asymmetric",
        "A key of ours",
        "Ed25519 (v1a): whoever has the public key can verify, and nobody can forge",
    ),
)
TABS = (("", "All"), ("waiting", "Waiting"), ("done", "Delivered"), ("dead", "Dead letters"))
ROWS = 50
_STATES = {
    "active": words.Word("Active", "done", "ok"),
    "paused": words.Word("Paused", "wait", "wait"),
    "disabled": words.Word("Switched off", "fail", "no"),
    "failing": words.Word("Failing", "warn", "wait"),
}
_DELIVERED = {
    "waiting": words.Word("Waiting", "wait", "wait"),
    "done": words.Word("Delivered", "done", "ok"),
    "dead": words.Word("Dead letter", "fail", "no"),
}
_REASONS = {
    "gone": "It answered 410: it wants no more notices.",
    "failing": "It took nothing for five days, although it was tried.",
}


@dataclass(frozen=True, slots=True)
class At:
    """Whose webhooks a page is about: the tenant's, or the installation's, which have pages and actions of their own and look the same."""

    base: str
    room: str
    manage: str
    install: bool = False

    def action(self, name: str) -> str:
        return f"{self.room}.{name}"


_OF_TENANT = At("/webhooks", "webhook", "webhook.manage")
_OF_INSTALL = At("/install/webhooks", "install_webhook", "install.manage", install=True)


def _at(desk: Desk) -> At:
    return _OF_INSTALL if desk.request.url.path.startswith(_OF_INSTALL.base) else _OF_TENANT


async def listed(desk: Desk) -> Response:
    return await _list(desk)


async def ask_new(desk: Desk) -> Response:
    types = ["*"] if _at(desk).install else ["approval.*"]
    return await _form(desk, {"types": types, "format": "standard", "signing": "symmetric"})


async def create(desk: Desk) -> Response:
    asked = {**_settings(desk), "url": desk.form.get("url", "").strip(), "signing": desk.form.get("signing", "symmetric")}  # fmt: skip
    try:
        made = await desk.ask(_at(desk).action("create"), asked)
    except (InvalidParameters, AddressRefused) as error:
        return await _form(desk, asked, error)
    return await _one(desk, made["webhook"]["id"], secret=made["secret"], heading="The signing secret.")


async def one(desk: Desk) -> Response:
    return await _one(desk, desk.path("endpoint_id"))


async def change(desk: Desk) -> Response:
    endpoint = desk.path("endpoint_id")
    asked = {"endpoint_id": endpoint, **_settings(desk)}
    if url := desk.form.get("url", "").strip():
        asked["url"] = url
    version = desk.form.get("version", "")
    if version.isdigit():
        asked["version"] = int(version)
    try:
        await desk.ask(_at(desk).action("put"), asked)
    except (InvalidParameters, AddressRefused) as error:
        return await _one(desk, endpoint, problem=error)
    return desk.go(f"{_at(desk).base}/{endpoint}", "webhook-saved")


async def pause(desk: Desk) -> Response:
    return await _paused(desk, paused=True)


async def resume(desk: Desk) -> Response:
    return await _paused(desk, paused=False)


async def rotate(desk: Desk) -> Response:
    endpoint, overlap = desk.path("endpoint_id"), desk.form.get("overlap_s", "")
    asked: dict[str, Any] = {"endpoint_id": endpoint, "overlap_s": int(overlap) if overlap.isdigit() else 86_400}  # fmt: skip
    if signing := desk.form.get("signing", ""):
        asked["signing"] = signing
    made = await desk.ask(_at(desk).action("rotate"), asked)
    return await _one(desk, endpoint, secret=made["secret"], heading="The new secret.")


async def test(desk: Desk) -> Response:
    endpoint = desk.path("endpoint_id")
    await desk.ask(_at(desk).action("test"), {"endpoint_id": endpoint})
    return desk.go(f"{_at(desk).base}/{endpoint}", "webhook-tested")


async def replay_range(desk: Desk) -> Response:
    endpoint, form = desk.path("endpoint_id"), desk.form
    asked = {
        "endpoint_id": endpoint,
        "since_us": _day_us(form.get("since", "")),
        "until_us": _day_us(form.get("until", ""), days=1),
        "only_failed": form.get("which", "failed") == "failed",
    }
    try:
        done = await desk.ask(_at(desk).action("replay_range"), asked)
    except InvalidParameters as error:
        return await _one(desk, endpoint, problem=error)
    return desk.go(f"{_at(desk).base}/{endpoint}", "webhook-again" if done["count"] else "webhook-none-again")


async def remove(desk: Desk) -> Response:
    await desk.ask(_at(desk).action("remove"), {"endpoint_id": desk.path("endpoint_id")})
    return desk.go(_at(desk).base, "webhook-removed")


async def delivery(desk: Desk) -> Response:
    found = await desk.ask(_at(desk).action("delivery"), {"delivery_id": desk.path("delivery_id")})
    endpoint = await desk.ask(_at(desk).action("show"), {"endpoint_id": found["delivery"]["endpoint"]})
    tried = [
        {**each, "code_title": words.title(each["code"]) if each["code"] else ""} for each in found["tried"]
    ]
    return await desk.page(
        "webhooks/delivery.html", at=_at(desk), row=_delivered(found["delivery"]), body=found["body"], tried=tried, endpoint=_shown(endpoint)
    )  # fmt: skip


async def replay(desk: Desk) -> Response:
    delivery_id = desk.path("delivery_id")
    await desk.ask(_at(desk).action("replay"), {"delivery_id": delivery_id})
    return desk.go(f"{_at(desk).base}/deliveries/{delivery_id}", "webhook-again")


async def save_mailing(desk: Desk) -> Response:
    whom = desk.form.get("whom", "everybody")
    roles = desk.lists.get("roles", []) if whom == "roles" else []
    if whom == "roles" and not roles:
        raise InvalidParameters("Choose a role, or everybody who may decide.")
    await desk.ask("mailing.put", {"mail": whom != "nobody", "roles": roles})
    return desk.go("/webhooks", "mailing-saved")


async def follow(desk: Desk) -> Response:
    """The link in a mail, once one is signed in: to the card, or to the tenant that it is in first."""
    found = await desk.ask("mailing.follow", {"token": desk.query("link")[:300]})
    if found["here"]:
        return desk.go(f"/approvals/{found['approval_id']}")
    me = await desk.ask("me.show")
    names = [row["name"] for row in me.get("tenants", []) if row["tenant"] == found["tenant"]]
    return await desk.page("webhooks/elsewhere.html", tenant=found["tenant"], name=names[0] if names else "")


async def _paused(desk: Desk, *, paused: bool) -> Response:
    endpoint = desk.path("endpoint_id")
    await desk.ask(_at(desk).action("put"), {"endpoint_id": endpoint, "paused": paused})
    return desk.go(f"{_at(desk).base}/{endpoint}", "webhook-paused" if paused else "webhook-resumed")


def _settings(desk: Desk) -> dict[str, Any]:
    return {
        "types": desk.lists.get("types", []),
        "format": desk.form.get("format", "standard"),
        "description": desk.form.get("description", "").strip(),
    }


async def _list(desk: Desk) -> Response:
    found = await desk.ask(_at(desk).action("list"))
    mailing = None if _at(desk).install else await desk.ask_or(None, "mailing.show")
    roles = (
        (await desk.ask_or({}, "role.list")).get("roles", [])
        if mailing and desk.may("webhook.manage")
        else []
    )
    return await desk.page(
        "webhooks/page.html", at=_at(desk), rows=[_shown(row) for row in found["webhooks"]], mailing=mailing, roles=roles, mailed=desk.fittings.mailed
    )  # fmt: skip


async def _form(desk: Desk, values: Mapping[str, Any], problem: OstiaryError | None = None) -> Response:
    return await desk.page(
        "webhooks/new.html", at=_at(desk), status=422 if problem else 200, values=values, formats=FORMATS, signings=SIGNINGS, families=await _families(desk),
        faults=_faults(problem) if problem else [],
    )  # fmt: skip


async def _one(
    desk: Desk, endpoint: str, *, secret: str = "", heading: str = "", problem: OstiaryError | None = None
) -> Response:
    row = _shown(await desk.ask(_at(desk).action("show"), {"endpoint_id": endpoint}))
    asked = desk.query("state")
    state = asked if asked in dict(TABS) else ""
    found = await desk.ask(
        _at(desk).action("deliveries"),
        {"endpoint_id": endpoint, "state": state or "any", "limit": ROWS, "cursor": desk.query("before")},
    )
    return await desk.page(
        "webhooks/one.html", at=_at(desk), status=422 if problem else 200, row=row, deliveries=[_delivered(each) for each in found["deliveries"]],
        next=found["next"], state=state, tabs=TABS, secret=secret, heading=heading, overlaps=OVERLAPS, formats=FORMATS, signings=SIGNINGS,
        families=await _families(desk) if desk.may(_at(desk).manage) else [], faults=_faults(problem) if problem else [],
    )  # fmt: skip


async def _families(desk: Desk) -> list[dict[str, Any]]:
    """The types by family, as far as one may be told of them."""
    known = [
        each for each in (await desk.ask(_at(desk).action("types")))["types"] if desk.may(each["permission"])
    ]
    families: dict[str, list[dict[str, Any]]] = {}
    for each in known:
        families.setdefault(each["name"].partition(".")[0], []).append(each)
    return [{"name": name, "pattern": f"{name}.*", "types": types} for name, types in families.items()]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook with its state in words."""
    state = "failing" if row["state"] == "active" and row["failing_since"] else row["state"]
    return {
        **row,
        "word": _STATES[state],
        "why": _REASONS.get(row["reason"], ""),
        "title": row["description"] or row["url"],
    }


def _delivered(row: Mapping[str, Any]) -> dict[str, Any]:
    word = _DELIVERED[row["state"]]
    if row["state"] == "waiting" and row["tries"]:
        word = words.Word("Tries again", "wait", "wait")
    answered = str(row["status"]) if row["status"] else words.title(row["code"]) if row["code"] else ""
    return {**row, "word": word, "answered": answered}


def _day_us(text: str, *, days: int = 0) -> int:
    """The beginning of a day (UTC) as its field has it, or that of so many days later; 0 for none. Raises InvalidParameters."""
    if not text:
        return 0
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
        return max(0, int(day.timestamp()) * SECOND_US)
    except (ValueError, OverflowError):
        raise InvalidParameters("A day is written 2026-11-22.") from None


def _faults(error: OstiaryError) -> list[str]:
    told = [f"{fault.pointer.removeprefix('/')}: {fault.detail}" for fault in error.faults]
    return told or [error.detail or error.title()]
