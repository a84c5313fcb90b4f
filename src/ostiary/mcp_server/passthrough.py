"""`/mcp/<upstream>`: one upstream with its own names, and the door in between.

A client speaks with the upstream in the upstream's own words: sessions, streams, prompts, resources, completion, subscriptions. Each message is a call at the
door under the action that stands for it; what the door has judged is sent, and nothing else of the message; what comes back, notifications and questions
included, is masked and recorded. The gateway keeps no session: the id that a client gets is the upstream's, sealed for this actor.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from mcp.shared.inbound import find_duplicated_routing_header
from mcp_types import HEADER_MISMATCH, INVALID_REQUEST, METHOD_NOT_FOUND
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ostiary.actions import Actor, JsonValue
from ostiary.asgi.wire import (
    JSON_TYPE,
    Header,
    Receive,
    Scope,
    Send,
    answer,
    answer_json,
    answer_problem,
)
from ostiary.connectors.mcp.wire import SESSION
from ostiary.connectors.upstreams.generic import KIND_OF
from ostiary.connectors.upstreams.shelf import Upstreamed, Upstreams
from ostiary.errors import MalformedRequest, MethodNotAllowed, NotFound, OstiaryError
from ostiary.identity.gate import Entrance
from ostiary.mcp_server.face import McpFace, named, unreadable
from ostiary.mcp_server.passthrough_calls import Asked, Reply, Through, rpc_error
from ostiary.mcp_server.passthrough_streams import Streams, gone
from ostiary.mcp_server.sealed_session import Sessions

PREFIX = "/mcp/"
SESSION_GONE = -32001
METHODS = (b"allow", b"GET, POST, DELETE")
_OURS = frozenset({"stream/open", "stream/close", "session/end", "reply", "told"})
"""Names of ours for what is no request of the protocol."""


class Passthrough:
    """The ASGI application below `/mcp/`. `front` is `/mcp` itself, which takes the first steps of every request."""

    def __init__(
        self, front: McpFace, upstreams: Upstreams, through: Through, streams: Streams, sessions: Sessions
    ) -> None:
        self._front = front
        self._upstreams = upstreams
        self._through = through
        self._streams = streams
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answered(scope, receive, send)
        except MethodNotAllowed as error:
            await answer_problem(send, error, headers=[METHODS])
        except MalformedRequest as error:
            await answer(send, 400, unreadable(error), [JSON_TYPE])
        except OstiaryError as error:
            await answer_problem(send, error)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("POST", "GET", "DELETE"):
            raise MethodNotAllowed
        body = await self._front.body(scope, receive)
        entrance = await self._front.enter(scope, body)
        upstream = await self._upstream(entrance, scope["path"])
        scope = named(scope, entrance)
        session = self._session(scope, entrance.actor, upstream)
        if session is None:
            await answer_json(send, 404, rpc_error(None, SESSION_GONE, "Session not found"))
            return
        if twice := find_duplicated_routing_header(_pairs(scope)):
            error = rpc_error(None, HEADER_MISMATCH, f"{twice} header appears more than once")
            await answer_json(send, 400, error)
            return
        headers = _protocol_headers(scope) | ({SESSION: session} if session else {})
        if scope["method"] == "POST":
            message = await self._front.message(scope, body, entrance)
            await self._post(Asked(entrance, upstream, headers, message), receive, send)
        elif scope["method"] == "DELETE":
            reply = await self._through.ended(Asked(entrance, upstream, headers, {}))
            await answer(send, reply.status or 200, b"")
        else:
            await self._streams.get(Asked(entrance, upstream, headers, {}), receive, send)

    async def _upstream(self, entrance: Entrance, path: str) -> Upstreamed:
        """The upstream that the path names. What this actor may not reach does not exist; the refusal is recorded."""
        name = unquote(path.removeprefix(PREFIX))
        found = await self._upstreams.named(entrance.actor.tenant, name)
        if found is None or (found.roles and not found.roles & entrance.actor.roles):
            await self._front.turned_away(entrance, NotFound())
            raise NotFound
        return found

    def _session(self, scope: Scope, actor: Actor, upstream: Upstreamed) -> str | None:
        """The upstream's session id; "" without one, None for one that is not this actor's."""
        given = _texts(scope).get(SESSION, "")
        return self._sessions.opened(actor, upstream.name, given) if given else ""

    async def _post(self, asked: Asked, receive: Receive, send: Send) -> None:
        message = asked.message
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not _well_formed(message):
            await self._front.turned_away(asked.entrance, MalformedRequest())
            error = rpc_error(None, INVALID_REQUEST, "The body must be one JSON-RPC message.")
            await answer_json(send, 400, error)
            return
        method = message.get("method")
        if method == "subscriptions/listen":
            await self._streams.listen(asked, receive, send)
            return
        how = self._way(message)
        if how is None:
            await self._front.turned_away(asked.entrance, MalformedRequest())
            modern = asked.headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS
            error = rpc_error(message["id"], METHOD_NOT_FOUND, "Method not found")
            await answer_json(send, 404 if modern else 200, error)
            return
        # Before, who hangs up may come back for the answer (2025-11-25, Sending Messages to the Server).
        if asked.modern:
            asked = replace(asked, gone=lambda: gone(receive))
        writer = Writer(
            send, lambda sid: self._sessions.sealed(asked.entrance.actor, asked.upstream.name, sid)
        )
        await writer.end(await how(asked, writer.event))

    def _way(self, message: Mapping[str, Any]) -> Callable[..., Awaitable[Reply]] | None:
        """How a message is taken through; None for a request that is not passed."""
        method = message.get("method")
        if method is None:
            return self._through.replied
        if "id" not in message:
            return self._through.notified
        if method == "tools/call":
            return self._through.tool
        return self._through.request if method in KIND_OF and method not in _OURS else None


class Writer:
    """The answer to one POST: JSON, or an event stream from the first event on."""

    def __init__(self, send: Send, seal: Callable[[str], Awaitable[str]]) -> None:
        self._send = send
        self._seal = seal
        self._streaming = False

    async def event(self, written: bytes, session: str = "") -> None:
        """An event before the answer."""
        if not self._streaming:
            self._streaming = True
            headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
            headers += await self._session(session)
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": written, "more_body": True})

    async def end(self, reply: Reply) -> None:
        if self._streaming:
            body = reply.event().written() if reply.body is not None else b""
            await self._send({"type": "http.response.body", "body": body})
        elif reply.body is None:
            await answer(self._send, reply.status or 202, b"", await self._session(reply.session))
        else:
            await answer_json(self._send, reply.status or 200, reply.body, await self._session(reply.session))

    async def _session(self, session: str) -> list[Header]:
        return [(SESSION.encode(), (await self._seal(session)).encode())] if session else []


def _well_formed(message: Mapping[str, JsonValue]) -> bool:
    """A request, a notification or an answer (JSON-RPC 2.0, sections 4 and 5), as far as we look into it."""
    if "id" in message and (not isinstance(message["id"], str | int) or isinstance(message["id"], bool)):
        return False
    if "method" in message:
        return isinstance(message["method"], str) and isinstance(message.get("params", {}), dict)
    return "id" in message and (("result" in message) != ("error" in message))


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]


def _texts(scope: Scope) -> dict[str, str]:
    return dict(_pairs(scope))


def _protocol_headers(scope: Scope) -> dict[str, str]:
    """What of a client's headers is the protocol's own; credentials and all else stay here. One that is not plain ASCII is left out, and the upstream
    finds what should repeat the body missing."""
    kept = ("mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id", "accept")
    return {
        "Accept" if name == "accept" else name: value
        for name, value in _pairs(scope)
        if (name in kept or name.startswith("mcp-param-"))
        and value.isascii()
        and value.isprintable()
        and len(name) <= 64
    }
