"""A protocol session of our own with one upstream, for calls by contract: opened once, used by many calls, opened anew where the server forgot it."""

import asyncio
import base64
import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

from ostiary.actions import JsonValue
from ostiary.connectors.mcp.sse import Event
from ostiary.connectors.mcp.wire import SESSION, VERSION, Answered, Challenged, Wire
from ostiary.errors import TargetAnswerInvalid, TargetRefused, TargetUnavailable
from ostiary.secret import Secret

NEWER = "2026-07-28"
OLDER = "2025-11-25"
OLDER_SPOKEN = frozenset({OLDER, "2025-06-18", "2025-03-26"})
META = "io.modelcontextprotocol"
METHOD_NOT_FOUND = -32601
CAPABILITY_MISSING = -32021
TASKS = "io.modelcontextprotocol/tasks"
_NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
_PLAIN = re.compile(r"[\x20-\x7e]*")
_SENTINEL = re.compile(r"=\?base64\?.*\?=")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")


class Denied(TargetRefused):
    """The connected system refused the call."""

    def __init__(self, error: JsonValue) -> None:
        """error: of the protocol; no more than its code is told."""
        told = error if isinstance(error, dict) else {}
        code = told.get("code")
        super().__init__(
            f"The server refused it with code {code}." if isinstance(code, int) else "The server refused it."
        )
        data = told.get("data")
        able = data.get("requiredCapabilities") if isinstance(data, dict) else None
        extensions = able.get("extensions") if isinstance(able, dict) else None
        self.wants_tasks = (
            code == CAPABILITY_MISSING and isinstance(extensions, dict) and list(extensions) == [TASKS]
        )
        """Nothing was done, and it would be for a client that says that it knows tasks."""


class Session(Protocol):
    """One conversation with an upstream. `changed`: set where the server has said that its tools are others now."""

    changed: bool

    @property
    def idle(self) -> bool:
        """Whether nothing is lost when it is closed now."""
        ...

    async def request(
        self, method: str, params: Mapping[str, JsonValue], schema: JsonValue = None
    ) -> dict[str, Any]:
        """The result. `schema`: of the tool that is called, for parameters that are mirrored into headers. Raises the Target errors."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What was agreed with the server. `session` "": it gave none."""

    version: str
    session: str = ""

    def headers(self) -> dict[str, str]:
        return {VERSION: self.version, **({SESSION: self.session} if self.session else {})}


class HttpSession:
    """Over Streamable HTTP, in the era that the server speaks."""

    def __init__(self, wire: Wire, credential: Secret) -> None:
        self.changed = False
        self._wire = wire
        self._credential = credential
        self._spoken: _Spoken | None = None
        self._ids = itertools.count(1)
        self._opening = asyncio.Lock()

    @property
    def idle(self) -> bool:
        return True  # what is under way goes on without it

    async def request(
        self, method: str, params: Mapping[str, JsonValue], schema: JsonValue = None
    ) -> dict[str, Any]:
        spoken = self._spoken or await self._open(None)
        answered = await self._sent(spoken, method, params, schema)
        if (
            answered.status == 404 and spoken.session
        ):  # the server forgot the session: it did nothing (2025-11-25, Session Management)
            spoken = await self._open(spoken)
            answered = await self._sent(spoken, method, params, schema)
        return _result(answered)

    async def close(self) -> None:
        """Whatever the server thinks of the session ends with its own time limit."""

    async def _open(self, forgotten: _Spoken | None) -> _Spoken:
        async with self._opening:
            if self._spoken is not None and self._spoken is not forgotten:
                return self._spoken  # somebody was faster
            self._spoken = None
            self._spoken = await self._newer() or await self._older()
            return self._spoken

    async def _newer(self) -> _Spoken | None:
        newer = _Spoken(NEWER)
        try:
            answered = await self._sent(newer, "server/discover", {}, None)
        except Challenged:
            raise
        except (TargetRefused, TargetAnswerInvalid):
            return None
        found = (answered.message or {}).get("result")
        versions = found.get("supportedVersions") if isinstance(found, dict) else None
        return newer if isinstance(versions, list) and NEWER in versions else None

    async def _older(self) -> _Spoken:
        asked = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": us()}
        answered = await self._post(
            {"jsonrpc": "2.0", "id": next(self._ids), "method": "initialize", "params": asked}, {}
        )
        version = _result(answered).get("protocolVersion")
        if version not in OLDER_SPOKEN:
            raise TargetAnswerInvalid(
                "The server speaks no version of the protocol that this gateway speaks."
            )
        older = _Spoken(str(version), answered.headers.get(SESSION, ""))
        await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, older.headers())
        return older

    async def _sent(
        self, spoken: _Spoken, method: str, params: Mapping[str, JsonValue], schema: JsonValue
    ) -> Answered:
        sent: dict[str, JsonValue] = dict(params)
        headers = spoken.headers()
        if spoken.version == NEWER:
            tasks = sent.pop("task", None) is not None or method.startswith("tasks/")
            sent["_meta"] = {
                f"{META}/protocolVersion": NEWER,
                f"{META}/clientInfo": us(),
                f"{META}/clientCapabilities": {"extensions": {TASKS: {}}} if tasks else {},
            }
            headers |= {"mcp-method": method, **mirrored(method, params, schema)}
        message = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": sent}
        return await self._post(message, headers)

    async def _post(self, message: Mapping[str, JsonValue], headers: Mapping[str, str]) -> Answered:
        return await self._wire.post(message, headers, self._credential, partial(self._heard, headers))

    async def _heard(self, headers: Mapping[str, str], _event: Event, message: JsonValue) -> None:
        """What the server says in between: nobody is there to be asked, and its tools may have changed."""
        if not isinstance(message, dict):
            return
        if message.get("method") == "notifications/tools/list_changed":
            self.changed = True
        elif "method" in message and "id" in message:
            error = {"code": METHOD_NOT_FOUND, "message": "Nobody can be asked here."}
            kept = {name: headers[name] for name in (VERSION, SESSION) if name in headers}
            await self._post({"jsonrpc": "2.0", "id": message["id"], "error": error}, kept)


@functools.cache
def us() -> dict[str, JsonValue]:
    """Who we are; read once, since it stands in a file."""
    return {"name": "ostiary", "version": version("ostiary")}


def _result(answered: Answered) -> dict[str, Any]:
    """The result of an answer. Raises TargetRefused, TargetUnavailable, TargetAnswerInvalid."""
    if answered.message is None:
        detail = f"The server answered with status {answered.status} and nothing else."
        raise TargetUnavailable(detail) if answered.status >= 500 else TargetAnswerInvalid(detail)
    return result_of(answered.message)


def result_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """The result in a JSON-RPC answer. Raises TargetRefused for an error, of which no more than its code is told, and TargetAnswerInvalid."""
    if "error" in message:
        raise Denied(message["error"])
    result = message.get("result")
    if not isinstance(result, dict):
        raise TargetAnswerInvalid("The server's result is no object.", maybe_done=True)
    return result


def mirrored(method: str, params: Mapping[str, JsonValue], schema: JsonValue) -> dict[str, str]:
    """The headers that repeat parts of the body (MCP 2026-07-28, Standard and Custom Headers)."""
    headers: dict[str, str] = {}
    key = _NAMED.get(method)
    name = params.get(key) if key else None
    if isinstance(name, str):
        headers["mcp-name"] = written(name)
    arguments = params.get("arguments")
    for header, steps in _annotated(schema, ()):
        value: Any = arguments
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, str | int):
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            headers[f"mcp-param-{header.lower()}"] = written(text)
    return headers


def _annotated(schema: JsonValue, steps: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    properties = schema.get("properties") if isinstance(schema, dict) and len(steps) < 16 else None
    for name, part in properties.items() if isinstance(properties, dict) else ():
        header = part.get("x-mcp-header") if isinstance(part, dict) else None
        if isinstance(header, str) and _TOKEN.fullmatch(header):
            yield header, (*steps, name)
        yield from _annotated(part, (*steps, name))


def written(value: str) -> str:
    """A value as a header takes it: what would not come through plain goes as base64, marked as such."""
    if _PLAIN.fullmatch(value) and value == value.strip() and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode(errors='surrogatepass')).decode()}?="
