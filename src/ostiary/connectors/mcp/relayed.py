"""A client's message for a program over stdio. The program is one for everybody who uses its credential, so the conversation with it is ours: we greet each client
in its place, and pass on what is asked and answered.

What a program says of itself in between (changes, logs, progress, questions) names no client; it is given to none, and nobody is promised it.
"""

from collections.abc import Mapping
from typing import Any

from ostiary.actions import JsonValue
from ostiary.connectors.mcp.passing import Passing
from ostiary.connectors.mcp.session import NEWER, OLDER, OLDER_SPOKEN
from ostiary.connectors.mcp.stdio import StdioSession
from ostiary.connectors.mcp.wire import VERSION
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
    """The answer to a message, as the program gave it; None for a notification, which goes no further. Raises the Target errors."""
    method = message.get("method")
    if "id" not in message:
        return None
    params = message.get("params") or {}
    if method == "initialize":
        await session.started()
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
    answered = await session.exchange(method, asked)
    result = answered.get("result")
    if passing.headers.get(VERSION) == NEWER and isinstance(result, dict):
        newer = {"resultType": "complete", **(UNCACHED if method in CACHED else {})}
        return {**answered, "result": {**newer, **result}, "id": message["id"]}
    return {**answered, "id": message["id"]}


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
