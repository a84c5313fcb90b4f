"""Agents that people let in, and people's own accounts elsewhere: the page that asks "may it?", the way back from another authorization server, and the list
of what was allowed.

A form of ours may lead to another site only where a client's answer has to go: that page alone names the one address in its policy.
"""

from typing import Any

from starlette.responses import RedirectResponse, Response

from ostiary.errors import (
    InvalidParameters,
    NotFound,
    OAuthClientRefused,
    OAuthRequestInvalid,
    OAuthScopeRefused,
    OstiaryError,
)
from ostiary.web.desk import Desk

ASKED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "resource", "code_challenge", "code_challenge_method",
)  # fmt: skip
LIFETIMES = ((1, "a day"), (30, "30 days"), (90, "90 days"))
SCOPES = {"contracts:read": "Look things up", "contracts": "Look things up and change them"}
HERE = "/connected"


async def authorize(desk: Desk) -> Response:
    """A client has sent its person here."""
    pairs = desk.request.query_params.multi_items()
    asked = {name: value for name, value in pairs if name in ASKED}
    if len(asked) != sum(name in ASKED for name, _ in pairs):  # RFC 6749 section 3.1
        return await _unanswerable(desk, OAuthRequestInvalid("A parameter is given twice."))
    return await _consent(desk, asked)


async def decide(desk: Desk) -> Response:
    """What the person said."""
    asked = {name: desk.form[name] for name in ASKED if name in desk.form}
    if desk.form.get("decision") != "allow":
        found = await desk.ask("oauth.ask", asked)
        return _leave(found["denied"])
    allowed = desk.lists.get("allowed", [])
    days = desk.form.get("days", "")
    try:
        given = await desk.ask(
            "oauth.allow",
            {**asked, "allowed": allowed, "days": int(days) if days.isdigit() and len(days) < 4 else 0},
        )
    except (InvalidParameters, OAuthScopeRefused):
        return await _consent(desk, asked, problem="Choose at least one thing that it may do, and how long.")
    return _leave(given["secret"])


async def callback(desk: Desk) -> Response:
    """The person is back from another authorization server."""
    asked = {name: desk.query(name) for name in ("state", "code", "iss", "error")}
    given = await desk.ask("oauth.connected", asked)
    return desk.go(HERE, "account-connected", connector=given["connector"])


async def page(desk: Desk) -> Response:
    return await _page(desk)


async def withdraw(desk: Desk) -> Response:
    await desk.ask("oauth.withdraw", {"grant": desk.path("grant")})
    return desk.go(HERE, "grant-withdrawn")


async def connect(desk: Desk) -> Response:
    """To the system's own authorization server, by a page that leads on: the policy lets no form go there."""
    given = await desk.ask("oauth.connect", {"connector": desk.path("connector")})
    response = await desk.page(
        "oauth/away.html", bare=True, connector=desk.path("connector"), url=given["secret"]
    )
    response.headers["Refresh"] = f"0; url={given['secret']}"
    return response


async def disconnect(desk: Desk) -> Response:
    await desk.ask("oauth.disconnect", {"connector": desk.path("connector")})
    return desk.go(HERE, "account-disconnected")


async def register(desk: Desk) -> Response:
    uris = [line.strip() for line in desk.form.get("redirect_uris", "").splitlines() if line.strip()]
    asked = {
        "name": desk.form.get("name", "").strip(),
        "redirect_uris": uris,
        "kind": desk.form.get("kind", "public"),
    }
    try:
        made = await desk.ask("oauth.client_register", asked)
    except InvalidParameters as error:
        return await _page(desk, faults=error.faults, values=desk.form)
    return await _page(desk, made=made)


async def remove(desk: Desk) -> Response:
    await desk.ask("oauth.client_remove", {"client": desk.path("client")})
    return desk.go(HERE, "client-removed")


async def _page(desk: Desk, *, made: Any = None, faults: Any = (), values: Any = None) -> Response:
    mine = (await desk.ask("oauth.grants"))["grants"]
    everybody = (
        (await desk.ask_or({}, "oauth.grants", {"whose": "all"})).get("grants", [])
        if desk.may("key.read")
        else []
    )
    others = [each for each in everybody if each["person"] != desk.actor.id]
    accounts = (await desk.ask_or({}, "oauth.accounts")).get("accounts", [])
    clients = (await desk.ask_or({}, "oauth.clients")).get("clients", []) if desk.may("key.read") else []
    return await desk.page(
        "oauth/page.html", status=422 if faults else 200, mine=mine, others=others, accounts=accounts, clients=clients,
        scopes=SCOPES, made=made, faults=faults, values=values or {},
    )  # fmt: skip


async def _consent(desk: Desk, asked: dict[str, str], *, problem: str = "") -> Response:
    try:
        found = await desk.ask("oauth.ask", asked)
    except (OAuthClientRefused, OAuthRequestInvalid, InvalidParameters) as error:
        return await _unanswerable(desk, error)
    if found["refused"]:
        return _leave(found["back"])
    response = await desk.page(
        "oauth/consent.html", bare=True, status=422 if problem else 200, asked=asked, found=found, lifetimes=LIFETIMES, scopes=SCOPES,
        may="contract.call" in desk.actor.permissions, problem=problem, tenant=await _tenant(desk),
    )  # fmt: skip
    policy = response.headers["Content-Security-Policy"]
    leads = f"form-action 'self' {found['form_source']}"
    response.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", leads)
    return response


async def _tenant(desk: Desk) -> str:
    me = await desk.ask_or({}, "me.show")
    here = [row["name"] for row in me.get("tenants", []) if row["tenant"] == desk.actor.tenant]
    return str(here[0]) if here else ""


async def _unanswerable(desk: Desk, error: OstiaryError) -> Response:
    """Nobody is sent anywhere: it is not known who would get the answer."""
    if isinstance(error, NotFound):
        raise error
    return await desk.page(
        "oauth/refused.html", bare=True, status=400, title=error.title(), detail=error.detail
    )


def _leave(url: str) -> Response:
    """See other, so that what was sent here is not sent there too (RFC 9700 section 4.12)."""
    return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
