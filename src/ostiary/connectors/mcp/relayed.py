"""A client's message for a program over stdio. The program is one for everybody who uses its credential, so the conversation with it is ours: we greet each client
in its place, and pass on what is asked and answered.

What a program says of its progress goes to whoever asked, since each request goes out with a token of ours; what it says of changes, to whoever listens for
them. Logs and questions name no client: they are given to none, and nobody is promised them. A client of 2025-11-25 gets a session of ours, which holds nothing: it says whose request a
`notifications/cancelled` means.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson

from ostiary import ids
from ostiary.actions import JsonValue
from ostiary.connectors.mcp.listeners import LISTS, Listener, Wanted
from ostiary.connectors.mcp.passing import Passing
from ostiary.connectors.mcp.session import META, METHOD_NOT_FOUND, NEWER, OLDER, OLDER_SPOKEN
from ostiary.connectors.mcp.sse import Event
from ostiary.connectors.mcp.stdio import OnProgress, StdioSession
from ostiary.connectors.mcp.wire import SESSION, VERSION
from ostiary.errors import Fault, InvalidParameters, MethodNotAllowed

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
SUBSCRIPTION = f"{META}/subscriptionId"


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
        return _answer(message, {**_about(session, older=True), "protocolVersion": _version(params)})
    if method == "server/discover":
        await session.started()
        spoken: list[JsonValue] = [NEWER, *sorted(OLDER_SPOKEN)]
        return _answer(
            message,
            {
                **UNCACHED,
                **_about(session, older=False),
                "resultType": "complete",
                "supportedVersions": spoken,
            },
        )
    if method == "ping":
        return _answer(message, {})
    if method not in ASKED:
        error = {"code": METHOD_NOT_FOUND, "message": "Method not found"}
        return {"jsonrpc": "2.0", "id": message["id"], "error": error}
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


def _about(session: StdioSession, *, older: bool) -> dict[str, JsonValue]:
    """The program's greeting, with what is served here. Resources are subscribed to by `subscriptions/listen` alone: in the older era the wish and the stream
    come apart, and may meet two processes of ours."""
    able: dict[str, JsonValue] = {}
    for name, told in _told(session).items():
        if name in KEPT:
            flags = ("listChanged",) if older else ("listChanged", "subscribe")
            able[name] = {flag: True for flag in flags if isinstance(told, dict) and told.get(flag) is True}
    kept: dict[str, JsonValue] = {
        name: session.greeting[name] for name in ("serverInfo", "instructions") if name in session.greeting
    }
    return {**kept, "capabilities": able}


def _told(session: StdioSession) -> Mapping[str, Any]:
    told = session.greeting.get("capabilities")
    return told if isinstance(told, dict) else {}


@asynccontextmanager
async def listened(
    session: StdioSession, message: Mapping[str, Any] | None
) -> AsyncIterator[AsyncIterator[tuple[Event, JsonValue]]]:
    """What the program says of changes: to a request that says which (2026-07-28), or all that is said of lists (None). Raises the Target errors,
    InvalidParameters, and MethodNotAllowed where nothing will ever be said."""
    asked = None if message is None else _filter(message)
    await session.started()
    wanted = _wanted(session, asked)
    if message is None and not wanted.lists:
        raise MethodNotAllowed
    async with session.listeners.listening(wanted) as listener:
        yield _events(listener, message)


def _filter(message: Mapping[str, Any]) -> Mapping[str, Any]:
    params = message.get("params")
    asked = params.get("notifications") if isinstance(params, dict) else None
    if not isinstance(asked, dict) or "id" not in message:
        raise InvalidParameters(faults=(Fault("/notifications", "a request says what to listen for"),))
    return asked


def _wanted(session: StdioSession, asked: Mapping[str, Any] | None) -> Wanted:
    """What is asked for, as far as the program has promised it."""
    told = _told(session)

    def promised(name: str, flag: str) -> bool:
        found = told.get(name)
        return isinstance(found, dict) and found.get(flag) is True

    lists = frozenset(
        method
        for method, (name, wish) in LISTS.items()
        if promised(name, "listChanged") and (asked is None or asked.get(wish) is True)
    )
    uris = asked.get("resourceSubscriptions") if asked and promised("resources", "subscribe") else None
    return Wanted(
        lists, tuple(each for each in uris if isinstance(each, str)) if isinstance(uris, list) else ()
    )


async def _events(
    listener: Listener, message: Mapping[str, Any] | None
) -> AsyncIterator[tuple[Event, JsonValue]]:
    """The acknowledgement first, then each change; stamped with the request's id where there is one (MCP 2026-07-28, Subscriptions)."""
    stamp: dict[str, Any] = {}
    if message is not None:
        stamp = {"_meta": {SUBSCRIPTION: message.get("id")}}
        honoured = {"notifications": listener.honoured.asked(), **stamp}
        yield Event(), _notice("notifications/subscriptions/acknowledged", honoured)
    while True:
        method, uri = await listener.next()
        yield Event(), _notice(method, {**({"uri": uri} if uri else {}), **stamp})


def _notice(method: str, params: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {"jsonrpc": "2.0", "method": method, **({"params": dict(params)} if params else {})}


def _version(params: Mapping[str, JsonValue]) -> JsonValue:
    asked = params.get("protocolVersion")
    return asked if asked in OLDER_SPOKEN else OLDER
