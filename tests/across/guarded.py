"""An MCP server that takes the tokens of an authorization server of its own, and has tools that want more scope than a person gives at first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.oauth import authority
from tests.oauth.authority import Authority

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}


@dataclass
class Guarded(Authority):
    """`ran`: (tool, person) of each call that was done; `wants`: the scope of each tool beside "tools"; `granted`: what each person has allowed; `refused`: how
    often it said 401. `always`: it takes no token at all any more."""

    ran: list[tuple[str, str]] = field(default_factory=list)
    wants: dict[str, str] = field(default_factory=lambda: {"write": "files:write"})
    granted: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    always: bool = False
    grants: bool = True
    sends: str = ""

    async def authorize(self, request: Request) -> Response:
        scope = request.query_params.get("scope", "")
        self.granted[self.person] = scope if self.grants else "tools"
        return await super().authorize(request)

    def end_tokens(self) -> None:
        """Every access token that was given is no good any more, long before its time."""
        self.access.clear()

    async def mcp(self, request: Request) -> Response:
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        person = self.access.get(shown, "")
        where = f'resource_metadata="{self.url}/.well-known/oauth-protected-resource/mcp"'
        if not person or self.always:
            self.refused += 1
            body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "who?"}}
            return JSONResponse(body, 401, {"www-authenticate": f'Bearer {where}, scope="tools"'})
        if request.method == "GET":
            return Response(f"data: {self._notice(person)}\n\n", 200, media_type="text/event-stream")
        message = await request.json()
        method, params = message.get("method"), message.get("params") or {}
        if "id" not in message:
            return Response(None, 202)
        if method == "tools/call":
            wanted = self.wants.get(params["name"], "")
            if wanted and not set(wanted.split()) <= set(self.granted[person].split()):
                told = f'Bearer error="insufficient_scope", scope="{wanted}", {where}'
                body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32003, "message": "more"}}
                return JSONResponse(body, 403, {"www-authenticate": told})
            self.ran.append((params["name"], person))
        return JSONResponse(
            {"jsonrpc": "2.0", "id": message["id"], "result": self._result(method, params, person)}
        )

    def _notice(self, person: str) -> str:
        return f'{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"for {person}"}}}}'

    def _result(self, method: str, params: dict[str, Any], person: str) -> dict[str, Any]:
        if method == "server/discover":
            return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
        if method == "tools/list":
            return {"tools": [{"name": name, "inputSchema": SCHEMA} for name in ("read", "write")]}
        return {"content": [{"type": "text", "text": f"{params.get('name', method)} as {person}"}]}


@contextmanager
def running() -> Iterator[Guarded]:
    found = Guarded()
    with authority.running(found) as served:
        assert served is found
        yield found
