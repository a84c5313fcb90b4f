"""One's own account: second factor, sessions, look, and the tenant one is in."""

import base64
from typing import Any

from starlette.responses import RedirectResponse, Response

from ostiary.errors import CodeRefused, InvalidParameters
from ostiary.web import quotas
from ostiary.web.desk import THEME_COOKIE, THEMES, YEAR_S, Desk, within

_DRAWING = "data:image/svg+xml;base64,"
DRAWING_CHARACTERS_MAX = 40_000
WRONG = "That code is wrong, used or too old. Take the one your app shows now."


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def enrol(desk: Desk) -> Response:
    given = await desk.ask("me.totp_enrol")
    return await _page(desk, enrolment=_enrolment(given["secret"]))


async def confirm(desk: Desk) -> Response:
    try:
        desk.keep_session(
            await desk.ask("me.totp_confirm", {"code": desk.form.get("code", "").replace(" ", "")})
        )
    except (CodeRefused, InvalidParameters):
        shown = {"key": desk.form.get("key", ""), "qr": desk.form.get("qr", "")}
        return await _page(desk, enrolment=shown if _is_drawing(shown["qr"]) else None, problem=WRONG)
    return desk.go("/settings", "totp-on")


async def remove_factor(desk: Desk) -> Response:
    await desk.ask("me.totp_remove")
    return desk.go("/settings", "totp-off")


async def end_session(desk: Desk) -> Response:
    await desk.ask("session.end", {"session": desk.form.get("session", "")})
    return desk.go("/settings", "session-ended")


async def end_all(desk: Desk) -> Response:
    await desk.ask("session.end_all", {"keep_this": True})
    return desk.go("/settings", "sessions-ended")


async def create_tenant(desk: Desk) -> Response:
    await desk.ask("tenant.create", {"name": desk.form.get("name", "").strip()})
    return desk.go("/settings", "tenant-created")


async def switch_tenant(desk: Desk) -> Response:
    await desk.ask("session.switch_tenant", {"tenant": desk.form.get("tenant", "")})
    return desk.go("/", "switched")


async def theme(desk: Desk) -> Response:
    """Light, dark or as the system: a cookie of its own, so that the first paint is right and it works without JavaScript."""
    response = RedirectResponse(within(desk.form.get("back", "/")), 303)
    chosen = desk.form.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=YEAR_S, path="/", secure=desk.fittings.secure, samesite="lax"
        )
    else:
        response.delete_cookie(THEME_COOKIE, path="/", secure=desk.fittings.secure, samesite="lax")
    return response


async def _page(desk: Desk, *, enrolment: Any = None, problem: str = "") -> Response:
    sessions = (await desk.ask_or({}, "session.list")).get("sessions", [])
    rows = [{**row, "where": row.get("address") or "Unknown address"} for row in sessions]
    quota = await desk.ask_or(None, "quota.own") if desk.may("tenant.manage") else None
    return await desk.page(
        "settings/page.html",
        status=422 if problem else 200,
        limits=quotas.in_words(quota) if quota else (),
        sessions=rows,
        enrolment=enrolment,
        problem=problem,
    )


def _enrolment(secret: dict[str, Any]) -> dict[str, str]:
    """The key for typing, and the QR code as a data: image (img-src allows it; an image runs nothing)."""
    return {"key": secret["key"], "qr": _DRAWING + base64.b64encode(secret["qr_svg"].encode()).decode()}


def _is_drawing(text: str) -> bool:
    return text.startswith(_DRAWING) and len(text) <= DRAWING_CHARACTERS_MAX
