"""An OAuth client by hand: it asks, its person answers in the console, it exchanges what it got. Over a whole gateway in memory."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from re import findall
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.house import BASE, House

FORM = {"origin": BASE, "sec-fetch-site": "same-origin"}
BACK = "http://127.0.0.1:7777/back"
VERIFIER = "v" * 50


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@asynccontextmanager
async def browser(house: House, session: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A browser without JavaScript; of the owner, or whose session it is."""
    transport = httpx.ASGITransport(house.gateway.asgi, client=("127.0.0.1", 40001))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60, headers=FORM) as made:
        made.cookies.set("ostiary", session or house.owner)
        yield made


@dataclass
class Agent:
    """`person` is the session of whom it asks; "" for the owner."""

    house: House
    client: str
    person: str = ""
    scope: str = "contracts:read"
    resource: str = BASE + "/mcp"
    redirect: str = BACK
    access: str = ""
    refresh: str = ""
    more: dict[str, str] = field(default_factory=dict)

    def asked(self, **changed: str) -> dict[str, str]:
        """The parameters of its authorization request; "" takes one away."""
        found = {
            "response_type": "code", "client_id": self.client, "redirect_uri": self.redirect, "scope": self.scope, "state": "s1",
            "resource": self.resource, "code_challenge": challenge(), "code_challenge_method": "S256", **changed,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}

    async def consent(self, *, decision: str = "allow", allowed: tuple[str, ...] = (), days: str = "30", **changed: str) -> httpx.Response:  # fmt: skip
        """What the person's browser gets after they answered on the page; the page's own answer where it asks nothing."""
        async with browser(self.house, self.person) as page:
            shown = await page.get("/oauth/authorize", params=self.asked(**changed))
            if shown.status_code != 200:
                return shown
            hidden = findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.text)
            scopes = allowed or tuple(findall(r'name="allowed" value="([^"]+)"', shown.text))
            fields = {name: unescape(value) for name, value in hidden}
            answered: dict[str, Any] = {**fields, "allowed": list(scopes), "days": days, "decision": decision}
            return await page.post("/oauth/authorize", data=answered)

    async def code(self, **changed: Any) -> str:
        return self.answer(await self.consent(**changed))["code"]

    @staticmethod
    def answer(response: httpx.Response) -> dict[str, str]:
        """What the client finds in the address that its person was sent to."""
        assert response.status_code == 303, (response.status_code, response.text[:3000])
        return {
            name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()
        }

    async def post(self, path: str = "/oauth/token", **fields: str) -> httpx.Response:
        return await self.house.client.post(path, data={"client_id": self.client, **self.more, **fields})

    async def exchange(self, code: str, **changed: str) -> httpx.Response:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "code_verifier": VERIFIER,
            **changed,
        }
        return await self.post(**{name: value for name, value in fields.items() if value})

    def keep(self, response: httpx.Response) -> dict[str, Any]:
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        self.access, self.refresh = told["access_token"], told["refresh_token"]
        return told

    async def enter(self, **changed: Any) -> dict[str, Any]:
        """The whole way to a token."""
        return self.keep(await self.exchange(await self.code(**changed)))

    async def renew(self, **changed: str) -> httpx.Response:
        return await self.post(**{"grant_type": "refresh_token", "refresh_token": self.refresh, **changed})

    async def mcp(self, method: str, path: str = "/mcp", token: str = "", **params: Any) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {token or self.access}", "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
        }  # fmt: skip
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self.house.client.post(path, json=body, headers=headers)

    async def tool(self, name: str, token: str = "", **arguments: Any) -> httpx.Response:
        return await self.mcp("tools/call", token=token, name=name, arguments=arguments)


async def registered(
    house: House, *, kind: str = "public", uris: tuple[str, ...] = (BACK,), **more: Any
) -> Agent:
    made = await house.good(
        "POST", "/v1/oauth/clients", json={"name": "Desk helper", "redirect_uris": list(uris), "kind": kind}
    )
    secret = {"client_secret": made["secret"]} if made["secret"] else {}
    return Agent(house, made["client"], more=secret, **more)
