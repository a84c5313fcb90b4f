"""An authorization server and an MCP server of somebody else's, for our client half: it checks what an honest one checks, and can be told to cheat."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ostiary.ids import token
from ostiary.sample.serving import served


@dataclass
class Authority:
    """`person` is who is signed in there. `server` and `resource` change what the documents say; `spent` are refresh tokens that came once; `asked` is what
    the token endpoint got."""

    url: str = ""
    person: str = "ann"
    registers: bool = True
    iss: str | None = None
    expires_in: int = 3600
    server: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    spent: list[str] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    refuses: bool = False

    async def mcp(self, request: Request) -> Response:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        if shown not in self.access:
            where = f'Bearer resource_metadata="{self.url}/.well-known/oauth-protected-resource/mcp", scope="tools"'
            return JSONResponse({}, 401, {"www-authenticate": where})
        return JSONResponse({"person": self.access[shown]})

    async def about_resource(self, _request: Request) -> Response:
        return JSONResponse(
            {"resource": f"{self.url}/mcp", "authorization_servers": [self.url], **self.resource}
        )

    async def about_server(self, _request: Request) -> Response:
        told = {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke", "code_challenge_methods_supported": ["S256"], "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": True, "token_endpoint_auth_methods_supported": ["none"],
        }  # fmt: skip
        if self.registers:
            told["registration_endpoint"] = f"{self.url}/register"
        return JSONResponse({**told, **self.server})

    async def register(self, request: Request) -> Response:
        asked = await request.json()
        return JSONResponse({**asked, "client_id": "registered"}, 201)

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        code = token(20)
        self.codes[code] = {**asked, "person": self.person}
        answer = {"code": code, "state": asked["state"], "iss": self.url if self.iss is None else self.iss}
        return RedirectResponse(
            f"{asked['redirect_uri']}?{urlencode({k: v for k, v in answer.items() if v})}", 302
        )

    async def token(self, request: Request) -> Response:
        asked = {name: str(value) for name, value in (await request.form()).items()}
        self.asked.append(asked)
        if self.refuses:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if asked["grant_type"] == "refresh_token":
            return self._refreshed(asked["refresh_token"])
        known = self.codes.pop(asked["code"], None)
        fits = known and (
            base64.urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest()).decode().rstrip("=") == known["code_challenge"]
            and known["redirect_uri"] == asked["redirect_uri"] and known["client_id"] == asked["client_id"]
            and known["resource"] == asked["resource"] == f"{self.url}/mcp"
        )  # fmt: skip
        return (
            self._given(known["person"]) if known and fits else JSONResponse({"error": "invalid_grant"}, 400)
        )

    def _refreshed(self, shown: str) -> Response:
        person = self.live.pop(shown, "")
        if not person:
            self.spent.append(shown)
            return JSONResponse({"error": "invalid_grant"}, 400)
        return self._given(person)

    def _given(self, person: str) -> Response:
        access, refresh = token(30), token(30)
        self.access[access], self.live[refresh] = person, person
        told = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": refresh,
            "scope": "tools",
        }
        return JSONResponse(told)

    async def revoke(self, request: Request) -> Response:
        self.revoked.append(str((await request.form())["token"]))
        return JSONResponse({})


@contextmanager
def running(given: Authority | None = None) -> Iterator[Authority]:
    found = given or Authority()
    routes = [
        Route("/mcp", found.mcp, methods=["POST", "GET"]),
        Route("/.well-known/oauth-protected-resource/mcp", found.about_resource),
        Route("/.well-known/oauth-authorization-server", found.about_server),
        Route("/register", found.register, methods=["POST"]),
        Route("/authorize", found.authorize),
        Route("/token", found.token, methods=["POST"]),
        Route("/revoke", found.revoke, methods=["POST"]),
    ]
    with served(Starlette(routes=routes)) as url:
        found.url = url
        yield found
