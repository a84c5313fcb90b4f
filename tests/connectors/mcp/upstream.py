"""An upstream MCP server that does as a test tells it, and remembers what it was asked: both eras, sessions, streams, questions in the middle of a call."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from ostiary.sample.serving import served

NEWER = "2026-07-28"
JSON = [(b"content-type", b"application/json")]
STREAM = [(b"content-type", b"text/event-stream")]


def tool(name: str, description: str = "Does something.", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}
    return {"name": name, "description": description, "inputSchema": schema, **more}


@dataclass
class Upstream:
    """`heard`: (method, params, authorization) of every request. `answers`: what a tool gives, by its name; `says`: what comes before it on a stream."""

    era: str = NEWER
    tools: list[dict[str, Any]] = field(default_factory=lambda: [tool("echo")])
    answers: dict[str, Any] = field(default_factory=dict)
    says: list[dict[str, Any]] = field(default_factory=list)
    heard: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    told: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    page: int = 100
    broken: bytes = b""

    def methods(self) -> list[str]:
        return [method for method, _params, _key in self.heard]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.headers.append(headers)
        if scope["method"] == "DELETE":
            self.sessions.discard(headers.get("mcp-session-id", ""))
            await _say(send, 200, b"", [])
        elif scope["method"] == "GET":
            await self._stream(receive, send)
        else:
            await self._post(orjson.loads(body), headers, send)

    async def _post(self, message: dict[str, Any], headers: dict[str, str], send: Any) -> None:
        method, params = message.get("method", "reply"), message.get("params") or message.get("result") or {}
        self.heard.append((method, params, headers.get("authorization", "")))
        if self.broken:
            await _say(send, 200, self.broken, JSON)
            return
        modern = headers.get("mcp-protocol-version") == NEWER
        if modern != (self.era == NEWER) and method != "initialize":
            await _json(
                send,
                400,
                {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": -32022, "message": "no"}},
            )
            return
        if "id" not in message or "method" not in message:
            await _say(send, 202, b"", [])
            return
        session = headers.get("mcp-session-id", "")
        if not modern and method != "initialize" and session not in self.sessions:
            error = {"code": -32600, "message": "Session not found"}
            await _json(send, 404, {"jsonrpc": "2.0", "id": message["id"], "error": error})
            return
        answer, extra = self._answer(method, params)
        whole = {"jsonrpc": "2.0", "id": message["id"], **answer}
        if method == "tools/call" and self.says:
            await send({"type": "http.response.start", "status": 200, "headers": STREAM})
            for each in (*self.says, whole):
                body = b"event: message\ndata: " + orjson.dumps(each) + b"\n\n"
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        await _json(send, 200, whole, extra)

    def _answer(
        self, method: str, params: dict[str, Any]
    ) -> tuple[dict[str, Any], list[tuple[bytes, bytes]]]:
        if method == "server/discover":
            return {"result": {"supportedVersions": [NEWER], "capabilities": {"tools": {}, "tasks": {}}}}, []
        if method == "initialize":
            session = f"session-{len(self.sessions)}"
            self.sessions.add(session)
            result = {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "tasks": {}},
                "serverInfo": {"name": "fake", "version": "1"},
            }
            return {"result": result}, [(b"mcp-session-id", session.encode())]
        if method == "tools/list":
            begin = int(params.get("cursor", 0))
            listed = self.tools[begin : begin + self.page]
            more = {"nextCursor": str(begin + self.page)} if begin + self.page < len(self.tools) else {}
            return {"result": {"tools": listed, **more}}, []
        if method == "tools/call":
            given = self.answers.get(
                params["name"], {"content": [{"type": "text", "text": params["arguments"].get("text", "")}]}
            )
            return ({"error": given["error"]} if "error" in given else {"result": given}), []
        return {"result": self.answers.get(method, {})}, []

    async def _stream(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": STREAM})
        while True:
            text = await self.told.get()
            if not text:
                break
            await send(
                {"type": "http.response.body", "body": f"data: {text}\n\n".encode(), "more_body": True}
            )
        await send({"type": "http.response.body", "body": b""})


async def _say(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _json(send: Any, status: int, value: Any, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    await _say(send, status, orjson.dumps(value), JSON + (extra or []))


@contextmanager
def upstream(**more: Any) -> Iterator[tuple[Upstream, str]]:
    """(the server, its address)."""
    made = Upstream(**more)
    with served(made) as base:
        yield made, f"{base}/mcp"
