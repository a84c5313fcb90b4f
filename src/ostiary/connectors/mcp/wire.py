"""MCP over Streamable HTTP, to one server: a message goes out, its answer comes back as JSON or at the end of an event stream.

Both eras are one wire: 2025-11-25 has sessions and streams that may be taken up again (`Last-Event-ID`), 2026-07-28 has neither.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from ostiary.actions import JsonValue
from ostiary.connectors.mcp.sse import Event, Reader
from ostiary.errors import (
    OstiaryError,
    TargetAnswerInvalid,
    TargetRefused,
    TargetUnavailable,
)
from ostiary.net.http import Client, Request, Streaming
from ostiary.secret import Secret

ACCEPT = "application/json, text/event-stream"
SESSION = "mcp-session-id"
VERSION = "mcp-protocol-version"
LAST_EVENT = "last-event-id"
RESUMED_MAX = 8
RETRY_MS = 500
RETRY_MS_MAX = 5_000
DRAIN_S = 0.25
STREAM_SILENT_S = 3_600.0
"""How long an open stream may say nothing: servers send a comment now and then, clients end what they no longer want."""
JSON_DEPTH_MAX = 64
CHALLENGE_CHARACTERS_MAX = 8_000

_TOO_LITTLE = re.compile(r'error="?insufficient_scope\b', re.IGNORECASE)


class Challenged(TargetRefused):
    """The connected system refused the call."""

    def __init__(self, status: int, challenge: str) -> None:
        """status: 401 (the credential is not taken), or 403 (it allows too little). challenge: `WWW-Authenticate`. The server did nothing."""
        super().__init__(f"The server answered with status {status}: check its credential.")
        self.answered = status
        self.challenge = challenge[:CHALLENGE_CHARACTERS_MAX]

    @property
    def too_little(self) -> bool:
        """Whether it says that another scope would do (RFC 6750 section 3.1)."""
        return self.answered == 403 and bool(_TOO_LITTLE.search(self.challenge))


OnEvent = Callable[[Event, JsonValue], Awaitable[None]]
"""An event that is not the answer, with its message; None: it has none."""


@dataclass(frozen=True, slots=True)
class Answered:
    """`message`: the JSON-RPC answer, None where there is none (202). `last`: the event that brought it."""

    status: int
    headers: Mapping[str, str]
    message: dict[str, Any] | None
    last: Event | None = None


class Wire:
    """`calls` and `streams`: two pools, so that streams which stay open take no connection from calls."""

    def __init__(self, calls: Client, streams: Client, *, credential_header: str = "Authorization") -> None:
        self._calls = calls
        self._streams = streams
        self._header = credential_header
        self.event_bytes_max = calls.bounds.answer_bytes_max

    async def post(
        self,
        message: Mapping[str, JsonValue],
        headers: Mapping[str, str],
        credential: Secret,
        on_event: OnEvent,
        *,
        began: Callable[[int, Mapping[str, str]], None] = lambda _status, _headers: None,
    ) -> Answered:
        """Send one message. Raises the Target errors and AddressRefused; an answer that is an error of the protocol is an answer."""
        request = self._request("POST", headers, credential, orjson.dumps(message))
        streaming = await self._calls.open(request, silent_s=self._calls.bounds.timeout_s)
        flows = _kind(streaming) == "text/event-stream" and streaming.status < 300
        rest_s = 0.0
        try:
            began(streaming.status, streaming.headers)
            if not flows:
                return Answered(streaming.status, streaming.headers, await _json_of(streaming))
            answered = await self._followed(streaming, message.get("id"), headers, credential, on_event)
            rest_s = DRAIN_S  # the stream's end follows its answer; nobody waits for it
            return answered
        except OstiaryError as error:
            error.maybe_done = error.maybe_done or flows
            raise
        finally:
            streaming.close(drain_s=rest_s)

    async def end(self, headers: Mapping[str, str], credential: Secret) -> Answered:
        """End a session of the older era (DELETE)."""
        async with self._calls.stream(
            self._request("DELETE", headers, credential), silent_s=self._calls.bounds.timeout_s
        ) as streaming:
            return Answered(streaming.status, streaming.headers, await _json_of(streaming))

    @asynccontextmanager
    async def listening(
        self, message: Mapping[str, JsonValue] | None, headers: Mapping[str, str], credential: Secret
    ) -> AsyncIterator[Streaming]:
        """A stream that stays open: by GET in the older era, as the answer to `message` in the newer one."""
        method, body = ("GET", b"") if message is None else ("POST", orjson.dumps(message))
        request = self._request(method, headers, credential, body)
        async with self._streams.stream(request, silent_s=STREAM_SILENT_S) as streaming:
            yield streaming

    async def events(self, streaming: Streaming) -> AsyncIterator[tuple[Event, JsonValue]]:
        """The events of a stream, each with its message."""
        reader = Reader(self.event_bytes_max)
        while chunk := await streaming.piece():
            for event in reader.feed(chunk):
                yield event, _message(event)

    async def close(self) -> None:
        await self._calls.close()
        await self._streams.close()

    def _request(
        self, method: str, headers: Mapping[str, str], credential: Secret, body: bytes = b""
    ) -> Request:
        sent = {"Accept": ACCEPT if body else "text/event-stream", "User-Agent": "ostiary", **headers}
        if body:
            sent["Content-Type"] = "application/json"
        if credential:
            text = credential.reveal()
            sent[self._header] = f"Bearer {text}" if self._header == "Authorization" else text
        return Request(method, self._calls.endpoint.path or "/", sent, body)

    async def _followed(
        self, streaming: Streaming, message_id: JsonValue, headers: Mapping[str, str], credential: Secret, on_event: OnEvent
    ) -> Answered:  # fmt: skip
        """The answer at the end of a stream; one that breaks off is taken up again where it stood, if the server numbers its events."""
        stand = _Stand()
        found = await self._until(streaming, message_id, on_event, stand)
        for _ in range(RESUMED_MAX):
            if found is not None or not stand.place:
                break
            await asyncio.sleep(min(stand.retry_ms, RETRY_MS_MAX) / 1000)
            again = {**headers, LAST_EVENT: stand.place}
            async with self.listening(None, again, credential) as resumed:
                if resumed.status != 200 or _kind(resumed) != "text/event-stream":
                    break
                found = await self._until(resumed, message_id, on_event, stand)
        if found is None:
            raise TargetUnavailable("The server's stream ended before its answer.", maybe_done=True)
        return Answered(streaming.status, streaming.headers, *found)

    async def _until(
        self, streaming: Streaming, message_id: JsonValue, on_event: OnEvent, stand: "_Stand"
    ) -> tuple[dict[str, Any], Event] | None:
        """Read up to the answer; None where the stream ends before it."""
        reader = Reader(self.event_bytes_max)
        while chunk := await streaming.piece():
            for event in reader.feed(chunk):
                stand.place = event.id if event.id is not None else stand.place
                stand.retry_ms = event.retry_ms if event.retry_ms is not None else stand.retry_ms
                message = _message(event)
                if message is not None and _answers(message, message_id):
                    return message, event
                await on_event(event, message)
        return None


@dataclass(slots=True)
class _Stand:
    """Where a stream stands: the last event's id, and how long to wait before it is taken up again."""

    place: str = ""
    retry_ms: int = RETRY_MS


def challenge_of(streaming: Streaming) -> Challenged | None:
    """What is about the credential and not about the message: any 401, and a 403 that says so."""
    if streaming.status not in (401, 403):
        return None
    found = Challenged(streaming.status, streaming.headers.get("www-authenticate", ""))
    return found if found.answered == 401 or found.too_little else None


def _kind(streaming: Streaming) -> str:
    return streaming.headers.get("content-type", "").split(";", 1)[0].strip().lower()


async def _json_of(streaming: Streaming) -> dict[str, Any] | None:
    """The JSON-RPC message of an answer that does not flow. Raises Challenged, and TargetUnavailable and TargetAnswerInvalid for a failure that is none."""
    body = await streaming.body()
    if refused := challenge_of(streaming):
        raise refused
    message = _parsed(body) if body and _kind(streaming) == "application/json" else None
    if message is not None and ("result" in message or "error" in message):
        return message
    if streaming.status >= 500:
        raise TargetUnavailable(f"The server answered with status {streaming.status}.", maybe_done=True)
    if 300 <= streaming.status < 400:
        raise TargetAnswerInvalid("The server answered with a redirect, which is not followed.")
    if streaming.status == 403:
        raise Challenged(403, streaming.headers.get("www-authenticate", ""))
    if streaming.status < 300 and body:
        raise TargetAnswerInvalid("The server's answer is no message of the protocol.", maybe_done=True)
    return None


def _message(event: Event) -> dict[str, Any] | None:
    """The event's message; None for an event without data. Raises TargetAnswerInvalid."""
    if not event.data.strip():
        return None
    message = _parsed(event.data.encode())
    if message is None:
        raise TargetAnswerInvalid("The server's stream holds what is no message of the protocol.")
    return message


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _answers(message: JsonValue, message_id: JsonValue) -> bool:
    return isinstance(message, dict) and "method" not in message and message.get("id") == message_id
