"""Streams of an upstream that stay open: what it has to say between calls (GET in 2025-11-25, `subscriptions/listen` in 2026-07-28).

`opened` is recorded before the first byte and `closed`, with counts, after the last. Each event is masked. Every second it is asked again whether this
actor may still listen: a stop by a person or a revoked key ends the stream.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from ostiary.actions import Actor, JsonValue
from ostiary.asgi.wire import Receive, Send, answer, answer_json
from ostiary.connectors.connectors import Connectors
from ostiary.connectors.mcp.upstream import Upstream
from ostiary.connectors.upstreams.generic import CARRIED, KIND_OF
from ostiary.connectors.upstreams.shelf import PREFIX
from ostiary.door.door import Door
from ostiary.errors import CredentialRefused, OstiaryError, TargetUnavailable
from ostiary.identity.gate import Entrance
from ostiary.mcp_server.passthrough_calls import Asked, Through, rpc_error
from ostiary.net.http import Streaming
from ostiary.privacy.policy import Masker

STREAMS_MAX = 1_024
"""Open at once, of everybody; `STREAMS_OF_ACTOR_MAX` of one actor."""
STREAMS_OF_ACTOR_MAX = 32
CHECK_EVERY_S = 1.0
INTERNAL_ERROR = -32603

WhoNow = Callable[[Actor], Awaitable[Actor | None]]


class Streams:
    """Opens, watches and ends them."""

    def __init__(
        self, door: Door, through: Through, connectors: Connectors, masker: Masker, who_now: WhoNow, stopping: Callable[[], bool]
    ) -> None:  # fmt: skip
        self._door = door
        self._through = through
        self._connectors = connectors
        self._masker = masker
        self._who_now = who_now
        self._stopping = stopping
        self._open: dict[str, int] = {}

    async def get(self, asked: Asked, receive: Receive, send: Send) -> None:
        """What the upstream says in a session between calls. Raises OstiaryError before anything was sent."""
        await self._told(asked, asked.entrance, {"method": "stream/open", "params": {}}, "session")
        await self._stream(asked, None, receive, send)

    async def listen(self, asked: Asked, receive: Receive, send: Send) -> None:
        """The stream that answers `subscriptions/listen`."""
        judged = {key: value for key, value in asked.params.items() if key not in CARRIED}
        try:
            await self._told(
                asked, asked.entrance, {"method": "told", "params": judged}, KIND_OF["subscriptions/listen"]
            )
        except OstiaryError as error:
            told = rpc_error(asked.message.get("id"), INTERNAL_ERROR, error.title(), error.problem())
            await answer_json(send, error.status, told)
            return
        carried = {key: value for key, value in asked.params.items() if key in CARRIED}
        message = {key: asked.message[key] for key in ("jsonrpc", "id") if key in asked.message}
        message |= {"method": "subscriptions/listen", "params": {**judged, **carried}}
        await self._stream(asked, message, receive, send)

    async def _stream(
        self, asked: Asked, message: Mapping[str, JsonValue] | None, receive: Receive, send: Send
    ) -> None:
        actor = asked.actor.id
        if sum(self._open.values()) >= STREAMS_MAX or self._open.get(actor, 0) >= STREAMS_OF_ACTOR_MAX:
            raise TargetUnavailable("Too many streams are open.")
        self._open[actor] = self._open.get(actor, 0) + 1
        events = 0
        try:
            async with (
                self._connectors.upstream(asked.actor.tenant, asked.upstream.name) as upstream,
                upstream.listening(asked.actor, message, asked.headers) as streaming,
            ):
                events = await self._relayed(asked, upstream, streaming, receive, send)
        finally:
            self._open[actor] -= 1
            if not self._open[actor]:
                del self._open[actor]
            closing = {"method": "stream/close", "params": {"events": events}}
            with suppress(OstiaryError):
                await self._told(asked, Entrance(asked.actor), closing, "session")

    async def _relayed(
        self, asked: Asked, upstream: Upstream, streaming: Streaming, receive: Receive, send: Send
    ) -> int:
        """Pass on until somebody ends it; how many events."""
        kind = streaming.headers.get("content-type", "").split(";", 1)[0].strip().lower()
        if streaming.status != 200 or kind != "text/event-stream":
            await self._plain(asked, streaming, send)
            return 0
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        count = Count()
        tasks = [
            asyncio.ensure_future(self._events(asked, upstream, streaming, send, count)),
            asyncio.ensure_future(_gone(receive)),
            asyncio.ensure_future(self._allowed(asked)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b""})
        return count.events

    async def _events(
        self, asked: Asked, upstream: Upstream, streaming: Streaming, send: Send, count: "Count"
    ) -> None:
        policy = await self._masker.ready(asked.actor.tenant)
        wire = upstream.wire
        assert wire is not None  # this is its stream
        async for event, message in wire.events(streaming):
            if isinstance(message, dict) and message.get("method") == "notifications/tools/list_changed":
                await upstream.heard_of_change(asked.actor)
            body = self._through.masked(asked.actor, event, message, policy)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            count.events += 1
            policy = await self._masker.ready(asked.actor.tenant)

    async def _allowed(self, asked: Asked) -> None:
        """Returns as soon as this actor may not listen any more, or the gateway stops."""
        action = f"{PREFIX}{asked.upstream.word}.session"
        while not self._stopping():
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await self._door.still(asked.actor, action)
                if await self._who_now(asked.actor) is None:
                    raise CredentialRefused
            except OstiaryError:
                return

    async def _plain(self, asked: Asked, streaming: Streaming, send: Send) -> None:
        """An answer that is no stream: the upstream has none, or refuses it."""
        body = await streaming.body()
        policy = await self._masker.ready(asked.actor.tenant)
        message = upstream_message(body)
        if message is None:
            await answer(send, streaming.status if streaming.status != 200 else 502, b"")
            return
        seen, _counts = self._masker.mask(asked.actor, message, policy)
        await answer_json(send, streaming.status, seen)

    async def _told(self, asked: Asked, entrance: Entrance, raw: dict[str, JsonValue], kind: str) -> None:
        """Through the door, for the record: who listens, to what, and how much they heard."""
        await self._through.told(asked, entrance, f"{PREFIX}{asked.upstream.word}.{kind}", raw)


class Count:
    """How many events have passed."""

    events = 0


def upstream_message(body: bytes) -> Any:
    """The JSON object that a body is; None for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
