"""A house on a real port, clients that listen there, and an upstream over HTTP that says what a test tells it to, in both eras."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import uvicorn

NEWER = "2026-07-28"
EVENTS = [(b"content-type", b"text/event-stream")]
META = {
    "io.modelcontextprotocol/protocolVersion": NEWER,
    "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
BREAKS = "breaks"
ENDS = "ends"


@asynccontextmanager
async def on_a_port(application: Any) -> AsyncIterator[str]:
    """`http://127.0.0.1:<port>` of the application, on this very loop."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(128)
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([taken]))
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        taken.close()


@dataclass
class Talker:
    """An upstream. What it is told to say goes to each stream that is open: a message, BREAKS or ENDS."""

    streams: list[asyncio.Queue[Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def say(self, said: Any, *, to: int = 1) -> None:
        """Once so many streams are open."""
        async with asyncio.timeout(10):
            while len(self.streams) < to:
                await asyncio.sleep(0.01)
        for each in self.streams:
            each.put_nowait(said)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        message = orjson.loads(body) if body else {}
        if scope["method"] == "GET" or message.get("method") == "subscriptions/listen":
            await self._stream(message, send)
        elif "id" not in message:
            await _sent(send, 202, b"")
        else:
            result = {"tools": []} if message["method"] == "tools/list" else self._greeting(message["method"])
            await _sent(send, 200, orjson.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}))

    def _greeting(self, method: str) -> dict[str, Any]:
        able = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
        about = {"capabilities": able, "serverInfo": {"name": "t", "version": "1"}}
        if method == "initialize":
            return {**about, "protocolVersion": "2025-11-25"}
        return {
            **about,
            "resultType": "complete",
            "supportedVersions": [NEWER],
            "ttlMs": 0,
            "cacheScope": "private",
        }

    async def _stream(self, message: dict[str, Any], send: Any) -> None:
        said: asyncio.Queue[Any] = asyncio.Queue()
        self.streams.append(said)
        try:
            await self._said(message, said, send)
        finally:
            self.streams.remove(said)

    async def _said(self, message: dict[str, Any], queue: asyncio.Queue[Any], send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        if message:
            asked = message["params"]["notifications"]
            meta = {SUBSCRIPTION: message["id"]}
            params = {"notifications": asked, "_meta": meta}
            await _event(
                send,
                {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": params},
            )
        while True:
            said = await queue.get()
            if said == BREAKS:
                return
            if said == ENDS:
                if message:
                    result = {"resultType": "complete", "_meta": {SUBSCRIPTION: message["id"]}}
                    await _event(send, {"jsonrpc": "2.0", "id": message["id"], "result": result})
                await send({"type": "http.response.body", "body": b""})
                return
            stamp = {"_meta": {SUBSCRIPTION: message["id"]}} if message else {}
            await _event(send, {**said, "params": {**said["params"], **stamp}})


async def _sent(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _event(send: Any, message: Any) -> None:
    body = b"data: " + orjson.dumps(message) + b"\n\n"
    await send({"type": "http.response.body", "body": body, "more_body": True})


@dataclass
class Heard:
    """What one listener got: messages in order, comments, and how it ended ("" while it goes on)."""

    status: int = 0
    messages: list[Any] = field(default_factory=list)
    comments: int = 0
    ended: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(
        self, count: int = 0, *, ended: bool = False, comments: int = 0, within_s: float = 10
    ) -> None:
        async with asyncio.timeout(within_s):
            while len(self.messages) < count or (ended and not self.ended) or self.comments < comments:
                self.news.clear()
                await self.news.wait()


def listen(number: str | int = "l-1", **asked: Any) -> dict[str, Any]:
    """A `subscriptions/listen` request."""
    params = {"notifications": asked or {"toolsListChanged": True}, "_meta": META}
    return {"jsonrpc": "2.0", "id": number, "method": "subscriptions/listen", "params": params}


@asynccontextmanager
async def hearing(
    url: str, key: str, message: dict[str, Any] | None = None, **more: str
) -> AsyncIterator[Heard]:
    """A raw listener: by GET as in 2025-11-25, or with a request as in 2026-07-28."""
    heard = Heard()
    headers = {
        "authorization": f"Bearer {key}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": NEWER if message else "2025-11-25",
        **({"mcp-method": message["method"]} if message else {}),
        **more,
    }
    task = asyncio.create_task(_read(url, headers, message, heard))
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _read(url: str, headers: dict[str, str], message: Any, heard: Heard) -> None:
    method = "POST" if message else "GET"
    try:
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False) as client,
            client.stream(method, url, headers=headers, json=message) as answer,
        ):
            heard.status = answer.status_code
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and line != "data: ":
                    heard.messages.append(orjson.loads(line[6:]))
                elif line.startswith("{"):
                    heard.messages.append(orjson.loads(line))
                elif line.startswith(":"):
                    heard.comments += 1
                heard.news.set()
        heard.ended = "properly"
    except httpx.TransportError as error:
        heard.ended = type(error).__name__
    heard.news.set()
