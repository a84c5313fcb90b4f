"""A client's message for a program over stdio. The program is one for everybody who uses its credential, so the conversation with it is ours: we greet each client
in its place, and pass on what is asked and answered.

What a program says of its progress goes to whoever asked, since each request goes out with a token of ours. What it says in between names no client: logs and
questions are given to none, and nobody is promised them. A client of 2025-11-25 gets a session of ours, which holds nothing: it says whose request a
`notifications/cancelled` means.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from ostiary import ids
from ostiary.actions import JsonValue
from ostiary.connectors.mcp.passing import Passing
from ostiary.connectors.mcp.session import NEWER, OLDER, OLDER_SPOKEN
from ostiary.connectors.mcp.sse import Event
from ostiary.connectors.mcp.stdio import OnProgress, StdioSession
from ostiary.connectors.mcp.wire import SESSION, VERSION
from ostiary.errors import TargetRefused

ASKED = frozenset(
    {
        "tools/list", "tools/call", "prompts/list", "prompts/get", "resources/list", "resources/templates/list", "resources/read", "completion/complete",
    }
)  # fmt: skip
CACHED = frozenset(
    {"tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"}
)
UNCACHED: Mapping[str, JsonValue] = {"ttlMs": 0, "cacheScope": "private"}
"""What 2026-07-28 wants of a result that could be kept: it is one key's, and nobody says when it changes."""
KEPT = frozenset({"tools", "prompts", "resources", "completions"})


async def relayed(
    session: StdioSession, passing: Passing, message: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The answer to a message, as the program gave it; None for a notification. Raises the Target errors."""
    method = message.get("method")
    params = message.get("params") or {}
    if "id" not in message:
        if method == "notifications/cancelled":
            _given_up(session, passing, params.get("requestId"))
        return None
    if method == "initialize":
        await session.started()
        passing.began(200, {SESSION: ids.token()})
        return _answer(message, {**_about(session), "protocolVersion": _version(params)})
    if method == "server/discover":
        await session.started()
        spoken: list[JsonValue] = [NEWER, *sorted(OLDER_SPOKEN)]
        return _answer(
            message, {**UNCACHED, **_about(session), "resultType": "complete", "supportedVersions": spoken}
        )
    if method == "ping":
        return _answer(message, {})
    if method not in ASKED:
        raise TargetRefused("A program over stdio takes no such message: it has no streams.")
    asked = {
        name: value
        for name, value in params.items()
        if name not in ("_meta", "requestState", "inputResponses")
    }
    with _cancellable(session, passing, message["id"]) as given_up:
        answered = await session.exchange(method, asked, _progress(passing, params), given_up)
    result = answered.get("result")
    if passing.headers.get(VERSION) == NEWER and isinstance(result, dict):
        newer = {"resultType": "complete", **(UNCACHED if method in CACHED else {})}
        return {**answered, "result": {**newer, **result}, "id": message["id"]}
    return {**answered, "id": message["id"]}


def _progress(passing: Passing, params: Mapping[str, Any]) -> OnProgress | None:
    """Gives a program's progress to the client that wants it, under the client's own token."""
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    if type(token) not in (str, int) or "text/event-stream" not in passing.headers.get("Accept", ""):
        return None

    async def show(told: dict[str, Any]) -> None:
        message = {
            "jsonrpc": "2.0",
            "method": "notifications/progress",
            "params": {**told, "progressToken": token},
        }
        await passing.show(Event(), message)

    return show


@contextmanager
def _cancellable(
    session: StdioSession, passing: Passing, number: JsonValue
) -> Iterator[asyncio.Future[None] | None]:
    """A future that is done when the client does not want the answer any more: it says so, or hangs up where that means it. None: it cannot say."""
    place = (passing.headers.get(SESSION, ""), orjson.dumps(number).decode())
    if passing.gone is not None:
        left = asyncio.ensure_future(passing.gone())
        try:
            yield left
        finally:
            left.cancel()
    elif not place[0] or place in session.running:
        yield None
    else:
        session.running[place] = asyncio.get_running_loop().create_future()
        try:
            yield session.running[place]
        finally:
            session.running.pop(place).cancel()


def _given_up(session: StdioSession, passing: Passing, number: JsonValue) -> None:
    """The client cancels a request of its own session; what is none of those is nothing (MCP, Cancellation, Error Handling)."""
    found = session.running.get((passing.headers.get(SESSION, ""), orjson.dumps(number).decode()))
    if found is not None and not found.done():
        found.set_result(None)


def _answer(message: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": dict(result)}


def _about(session: StdioSession) -> dict[str, JsonValue]:
    """The program's greeting, without what would need a stream."""
    told: Any = session.greeting.get("capabilities")
    able: dict[str, JsonValue] = {
        name: {} for name in (told if isinstance(told, dict) else {}) if name in KEPT
    }
    kept: dict[str, JsonValue] = {
        name: session.greeting[name] for name in ("serverInfo", "instructions") if name in session.greeting
    }
    return {**kept, "capabilities": able}


def _version(params: Mapping[str, JsonValue]) -> JsonValue:
    asked = params.get("protocolVersion")
    return asked if asked in OLDER_SPOKEN else OLDER
