"""Before one is signed in: the address, the code, the second factor; the first owner; and the way out."""

from contextlib import suppress
from typing import Any

from starlette.responses import Response

from ostiary.errors import CodeRefused, CredentialRefused, InvalidParameters, OstiaryError, TooMany
from ostiary.web.desk import Desk, within


async def ask_email(desk: Desk) -> Response:
    if desk.signed_in:
        return desk.go(within(desk.query("next", "/")))
    return await _email(desk, after=within(desk.query("next", "/")))


async def request_code(desk: Desk) -> Response:
    """The answer is the same whether the address has an account or not."""
    email, after = desk.form.get("email", "").strip(), within(desk.form.get("next", "/"))
    try:
        given = await desk.ask("session.request_code", {"email": email})
    except InvalidParameters:
        return await _email(
            desk, email=email, after=after, problem="That does not look like an email address."
        )
    except TooMany:
        return await _email(
            desk,
            email=email,
            after=after,
            problem="Too many codes were asked for. Wait a minute, then ask again.",
        )
    return await _code(desk, email=email, after=after, ticket=given["request"])


async def start(desk: Desk) -> Response:
    email, after = desk.form.get("email", ""), within(desk.form.get("next", "/"))
    ticket, code = desk.form.get("request", ""), desk.form.get("code", "").replace(" ", "")
    try:
        given = await desk.ask("session.start", {"request": ticket, "code": code})
    except (CodeRefused, InvalidParameters):
        said = "That code is wrong, used or too old. After five tries you need a new one."
        return await _code(desk, email=email, after=after, ticket=ticket, problem=said)
    response = (
        desk.go("/sign-in/second-factor", next=after) if given["second_factor_required"] else desk.go(after)
    )
    desk.keep_session(given)
    return response


async def ask_second_factor(desk: Desk) -> Response:
    return await desk.page(
        "signin/second_factor.html", bare=True, next=within(desk.query("next", "/")), problem=""
    )


async def second_factor(desk: Desk) -> Response:
    after = within(desk.form.get("next", "/"))
    try:
        given = await desk.ask("session.second_factor", {"code": desk.form.get("code", "").replace(" ", "")})
    except CredentialRefused:
        return desk.go("/sign-in", next=after)
    except (CodeRefused, InvalidParameters):
        said = "That code is wrong, used or too old. Take the one your app shows now."
        return await desk.page("signin/second_factor.html", bare=True, status=422, next=after, problem=said)
    desk.keep_session(given)
    return desk.go(after)


async def sign_out(desk: Desk) -> Response:
    with suppress(OstiaryError):  # signed out already: the cookie goes either way
        await desk.ask("session.end")
    response = desk.go("/sign-in", "signed-out")
    response.delete_cookie(
        desk.fittings.cookie, path="/", secure=desk.fittings.secure, httponly=True, samesite="lax"
    )
    return response


async def ask_setup(desk: Desk) -> Response:
    return await desk.page("signin/setup.html", bare=True, email="", name="", tenant="", problem="")


async def setup(desk: Desk) -> Response:
    """The first owner, against the set-up token; they are signed in at once."""
    asked = {name: desk.form.get(name, "").strip() for name in ("token", "email", "name", "tenant")}
    try:
        given = await desk.ask("setup.begin", asked)
    except OstiaryError as error:
        said = _said(error)
        shown = {name: asked[name] for name in ("email", "name", "tenant")}
        return await desk.page("signin/setup.html", bare=True, status=error.status, problem=said, **shown)
    desk.keep_session(given)
    return desk.go("/settings")


def _said(error: OstiaryError) -> str:
    faults = " ".join(f"{fault.pointer.removeprefix('/')}: {fault.detail}." for fault in error.faults)
    return f"{error.title()} {error.detail} {faults}".strip()


async def _email(desk: Desk, *, after: str, email: str = "", problem: str = "") -> Response:
    return await desk.page(
        "signin/email.html",
        bare=True,
        status=422 if problem else 200,
        email=email,
        next=after,
        problem=problem,
    )


async def _code(desk: Desk, *, email: str, after: str, ticket: str, problem: str = "") -> Response:
    shown: dict[str, Any] = {"mailed": desk.fittings.mailed, "code_place": desk.fittings.code_place}
    status = 422 if problem else 200
    return await desk.page(
        "signin/code.html",
        bare=True,
        status=status,
        email=email,
        next=after,
        ticket=ticket,
        problem=problem,
        **shown,
    )
