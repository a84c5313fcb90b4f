"""Streams of an upstream that stay open: what it has to say between calls (GET in 2025-11-25, `subscriptions/listen` in 2026-07-28).

`opened` is recorded before the first byte and `closed`, with counts, after the last. Each event is masked. Every second it is asked again whether this
actor may still listen: a stop by a person or a revoked key ends the stream.

How a stream ends tells its client what to make of it (MCP 2026-07-28, Subscriptions). A gateway that stops ends it with the result of the request; who may not
listen any more is told why; where the upstream's stream broke off, ours breaks off as well, without its end, so that nobody takes it for whole.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from ostiary import log
from ostiary.access.authorise import Refused, authorise
from ostiary.actions import Actor, JsonValue
from ostiary.asgi.wire import Receive, Send, answer, answer_json
from ostiary.clock import Clock
from ostiary.connectors.mcp.sse import Event
from ostiary.connectors.mcp.upstream import Upstream
from ostiary.connectors.upstreams.generic import CARRIED, KIND_OF
from ostiary.connectors.upstreams.shelf import PREFIX, Upstreams
from ostiary.door.door import Door
from ostiary.errors import CredentialRefused, InvalidParameters, NotFound, OstiaryError, TargetUnavailable
from ostiary.identity.gate import Entrance
from ostiary.mcp_server.held_back import HeldBack
from ostiary.mcp_server.passthrough_calls import Asked, Through, rpc_error
from ostiary.net.http import Streaming
from ostiary.privacy.policy import Masker

STREAMS_MAX = 1_024
"""Open at once, of everybody; `STREAMS_OF_ACTOR_MAX` of one actor."""
STREAMS_OF_ACTOR_MAX = 32
CHECK_EVERY_S = 1.0
QUIET_S = 15.0
"""A stream on which nothing came for so long gets a comment: proxies cut what is silent for a minute."""
LAST_S = 2.0
"""How long a client that does not read is waited for at the end."""
COMMENT = b":\n\n"
INTERNAL_ERROR, INVALID_PARAMS = -32603, -32602
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_LOG = log.get("mcp")

WhoNow = Callable[[Actor], Awaitable[Actor | None]]


class Streams:
    """Opens, watches and ends them."""

    def __init__(
        self, door: Door, through: Through, upstreams: Upstreams, masker: Masker, who_now: WhoNow, stopping: Callable[[], bool], clock: Clock
    ) -> None:  # fmt: skip
        self._door = door
        self._through = through
        self._upstreams = upstreams
        self._masker = masker
        self._who_now = who_now
        self._stopping = stopping
        self._clock = clock
        self._open: dict[str, int] = {}

    async def get(self, asked: Asked, receive: Receive, send: Send) -> None:
        """What the upstream says in a session between calls. Raises OstiaryError before anything was sent."""
        await self._told(asked, asked.entrance, {"method": "stream/open", "params": {}}, "session")
        await self._stream(Stream(asked, "session", None, receive, send))

    async def listen(self, asked: Asked, receive: Receive, send: Send) -> None:
        """The stream that answers `subscriptions/listen`."""
        judged = {key: value for key, value in asked.params.items() if key not in CARRIED}
        kind = KIND_OF["subscriptions/listen"]
        carried = {key: value for key, value in asked.params.items() if key in CARRIED}
        message = {key: asked.message[key] for key in ("jsonrpc", "id") if key in asked.message}
        message |= {"method": "subscriptions/listen", "params": {**judged, **carried}}
        stream = Stream(asked, kind, message, receive, send)
        try:
            await self._told(asked, asked.entrance, {"method": "told", "params": judged}, kind)
            await self._stream(stream)
        except OstiaryError as error:
            if stream.begun:
                raise
            code = INVALID_PARAMS if isinstance(error, InvalidParameters) else INTERNAL_ERROR
            told = rpc_error(message.get("id"), code, error.title(), error.problem())
            await answer_json(send, error.status, told)

    async def _stream(self, stream: "Stream") -> None:
        asked, actor = stream.asked, stream.asked.actor.id
        if sum(self._open.values()) >= STREAMS_MAX or self._open.get(actor, 0) >= STREAMS_OF_ACTOR_MAX:
            raise TargetUnavailable("Too many streams are open.")
        self._open[actor] = self._open.get(actor, 0) + 1
        try:
            async with self._upstreams.connectors.upstream(
                asked.actor.tenant, asked.upstream.name
            ) as upstream:
                await self._opened(stream, upstream)
        finally:
            self._open[actor] -= 1
            if not self._open[actor]:
                del self._open[actor]
            closing = {"method": "stream/close", "params": {"events": stream.events}}
            with suppress(OstiaryError):
                await self._told(asked, Entrance(asked.actor), closing, "session")

    async def _opened(self, stream: "Stream", upstream: Upstream) -> None:
        asked, wire = stream.asked, upstream.wire
        if wire is None:
            async with upstream.hearing(asked.actor, stream.message) as events:
                await self._relayed(stream, upstream, events)
            return
        async with upstream.listening(asked.actor, stream.message, asked.headers) as streaming:
            if _flows(streaming):
                await self._relayed(stream, upstream, wire.events(streaming))
            else:
                await self._plain(asked, streaming, stream.send)

    async def _relayed(
        self, stream: "Stream", upstream: Upstream, events: AsyncIterator[tuple[Event, JsonValue]]
    ) -> None:
        """Pass on until somebody ends it."""
        stream.begun = True
        await stream.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await stream.send({"type": "http.response.body", "body": b"", "more_body": True})
        passing = asyncio.ensure_future(self._events(stream, upstream, events))
        left = asyncio.ensure_future(gone(stream.receive))
        allowed = asyncio.ensure_future(self._allowed(stream))
        tasks = [passing, left, allowed, asyncio.ensure_future(_beat(stream))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if left.done() and not left.cancelled():
            return
        if passing.done() and not passing.cancelled():
            broke = passing.exception()
            if isinstance(broke, OstiaryError):
                _LOG.info("stream.broke_off", code=broke.code)
                return  # without its end: whoever serves us closes the connection
            passing.result()
            await stream.end(b"")
        elif allowed.done() and not allowed.cancelled():
            await stream.end(stream.farewell(allowed.result()))

    async def _events(
        self, stream: "Stream", upstream: Upstream, events: AsyncIterator[tuple[Event, JsonValue]]
    ) -> None:
        """Returns where the upstream ends it. Raises the Target errors where it breaks off."""
        actor = stream.asked.actor

        async def show(event: Event, message: JsonValue) -> None:
            policy = await self._masker.ready(actor.tenant)
            await stream.say(self._through.masked(actor, event, message, policy))
            stream.events += 1

        async def reveal() -> frozenset[str]:
            return (await self._masker.ready(actor.tenant)).reveals(actor.roles)

        held = HeldBack(show, reveal, self._clock)
        try:
            async for event, message in events:
                if isinstance(message, dict) and message.get("method") == "notifications/tools/list_changed":
                    await upstream.heard_of_change(actor)
                await held.say(event, message)
                if stream.answered_by(message):
                    break
            await held.end()
        except OstiaryError:
            await held.end()
            raise
        finally:
            held.drop()

    async def _allowed(self, stream: "Stream") -> OstiaryError | None:
        """Returns as soon as this actor may not listen any more, with the reason; or the gateway stops: None."""
        asked = stream.asked
        name = f"{PREFIX}{asked.upstream.word}.{stream.kind}"
        while not self._stopping():
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await self._door.still(asked.actor, name)
                now = await self._who_now(asked.actor)
                if now is None:
                    raise CredentialRefused
                action = await self._upstreams.action(asked.actor.tenant, name)
                if action is None:
                    raise NotFound
                if isinstance(refused := authorise(now, action), Refused):
                    raise refused.error
                found = await self._upstreams.named(asked.actor.tenant, asked.upstream.name)
                if found is None or found.configured != asked.upstream.configured:
                    raise TargetUnavailable("The connector was changed: listen again.")
            except OstiaryError as error:
                return error
        return None

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


@dataclass(slots=True)
class Stream:
    """One open stream to a client. `kind`: of the generic action that opened it. `message`: the request that it answers, None for GET. `events`: how many
    have passed."""

    asked: Asked
    kind: str
    message: Mapping[str, JsonValue] | None
    receive: Receive
    send: Send
    events: int = 0
    said: int = 0
    begun: bool = False

    async def say(self, body: bytes) -> None:
        self.said += 1
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, last: bytes) -> None:
        """The proper end, with the last event. Whoever does not read gets none: the connection ends."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self.send({"type": "http.response.body", "body": last})

    def answered_by(self, message: JsonValue) -> bool:
        """Whether this is the answer to the request: the upstream ends the subscription itself."""
        if self.message is None or not isinstance(message, dict) or "method" in message:
            return False
        return message.get("id") == self.message.get("id")

    def farewell(self, error: OstiaryError | None) -> bytes:
        """The last event of a stream that we end: why, or that it is complete (MCP 2026-07-28, SubscriptionsListenResult). GET has no request to answer."""
        if self.message is None:
            return b""
        number = self.message.get("id")
        if error is not None:
            told = rpc_error(number, INTERNAL_ERROR, error.title(), error.problem())
        else:
            result = {"resultType": "complete", "_meta": {SUBSCRIPTION: number}}
            told = {"jsonrpc": "2.0", "id": number, "result": result}
        return Event(orjson.dumps(told).decode()).written()


def _flows(streaming: Streaming) -> bool:
    kind = streaming.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    return streaming.status == 200 and kind == "text/event-stream"


def upstream_message(body: bytes) -> Any:
    """The JSON object that a body is; None for anything else."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


async def gone(receive: Receive) -> None:
    """Returns when the client has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _beat(stream: Stream) -> None:
    """A comment whenever it was quiet for a while."""
    while True:
        said = stream.said
        await asyncio.sleep(QUIET_S)
        if stream.said == said:
            await stream.say(COMMENT)
