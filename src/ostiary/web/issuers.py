"""Authorization servers of others whose tokens count here: the list, trusting one, and forgetting one."""

from typing import Any

from starlette.responses import Response

from ostiary.errors import AddressRefused, Conflict, InvalidParameters, NotFound, OAuthScopeRefused
from ostiary.web import words
from ostiary.web.desk import Desk
from ostiary.web.people import names

HERE = "/issuers"
SCOPES = {"contracts:read": "Look things up", "contracts": "Look things up and change them"}
FIELDS = {
    "issuer": "Address", "audience": "Audience", "domains": "Email domains", "scopes": "What its tokens may carry", "jwks_url": "Address of its keys",
    "token_type": "Token type", "ca_pem": "Certificates",
}  # fmt: skip
NEW = {**dict.fromkeys(FIELDS, ""), "scopes": "contracts:read", "token_type": "at+jwt"}


async def page(desk: Desk) -> Response:
    return await _page(desk, {**NEW, "audience": f"{desk.request.base_url}mcp"})


async def trust(desk: Desk) -> Response:
    given = {name: desk.form.get(name, "").strip() for name in FIELDS}
    asked: dict[str, Any] = {
        **given,
        "domains": _listed(given["domains"].lower()),
        "scopes": _listed(given["scopes"]),
    }
    try:
        await desk.ask("oauth.issuer_trust", asked)
    except InvalidParameters as error:
        faults = words.faults(error.faults, FIELDS)
        return await _page(desk, given, faults or [("", error.detail)])
    except (AddressRefused, Conflict, OAuthScopeRefused) as error:
        return await _page(desk, given, [("", error.detail or error.title())])
    return desk.go(HERE, "issuer-trusted")


async def forget(desk: Desk) -> Response:
    issuer_id = desk.path("issuer_id")
    found = (await desk.ask("oauth.issuers"))["issuers"]
    row = next((row for row in found if row["issuer_id"] == issuer_id), None)
    if row is None:
        raise NotFound
    if desk.form.get("issuer", "").strip() != row["issuer"]:
        raise InvalidParameters("Type the issuer's address to forget it.")
    await desk.ask("oauth.issuer_forget", {"issuer_id": issuer_id})
    return desk.go(HERE, "issuer-forgotten")


async def _page(desk: Desk, values: dict[str, str], faults: list[tuple[str, str]] | None = None) -> Response:
    rows = (await desk.ask("oauth.issuers"))["issuers"]
    known = await names(desk) if rows else {}
    return await desk.page(
        "issuers/page.html",
        status=422 if faults else 200,
        issuers=[{**row, "by": known.get(row["made_by"], row["made_by"])} for row in rows],
        values=values,
        faults=faults or [],
        scopes=SCOPES,
    )


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()
