"""One request in, one JSON answer out, for both eras: the protocol server's own kernel without a transport in between.

The library's transports are made for streams and sessions: four queues and two tasks for each request of the older era. A request that wants no stream needs
none of them. What the protocol demands of such a request stands here; what a request means stays with the library (`ServerRunner`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.lowlevel import Server
from mcp.server.runner import ServerRunner, modern_error_data
from mcp.server.streamable_http import check_accept_headers
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import NoBackChannelError
from mcp.shared.inbound import (
    ERROR_CODE_HTTP_STATUS,
    InboundLadderRejection,
    classify_inbound_request,
    find_duplicated_routing_header,
    unsupported_protocol_version_rejection,
)
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.transport_context import TransportContext
from mcp_types import DEFAULT_NEGOTIATED_VERSION, HEADER_MISMATCH, INVALID_REQUEST, ErrorData
from mcp_types.jsonrpc import JSONRPCNotification, JSONRPCRequest, jsonrpc_message_adapter
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import ValidationError
from starlette.requests import Request

from ostiary.actions import JsonValue

_NO_MESSAGE = ErrorData(
    code=INVALID_REQUEST, message="The body must be one JSON-RPC request or notification."
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP status and a JSON body; None for no body (202, 406)."""

    status: int
    body: JsonValue = None


@dataclass
class _Exchange:
    """The library's `DispatchContext` for one request that is answered once: nothing can be sent in between."""

    request_id: Any
    message_metadata: ServerMessageMetadata
    transport: TransportContext
    can_send_request: bool = False
    cancel_requested: anyio.Event = field(default_factory=anyio.Event)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        raise NoBackChannelError(method)

    async def notify(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> None:
        """There is no stream to say it on."""

    async def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """As above; who wants to hear of progress gets a stream."""


async def exchanged(server: Server[Any], request: Request, message: JsonValue) -> Reply:
    """The answer to a parsed body. `message` is not validated yet."""
    if not check_accept_headers(request)[0]:
        return Reply(406)
    version = request.headers.get("mcp-protocol-version", DEFAULT_NEGOTIATED_VERSION)
    if version in HANDSHAKE_PROTOCOL_VERSIONS:
        return await _older(server, request, message, version)
    return await _newer(server, request, message, version)


async def _older(server: Server[Any], request: Request, message: JsonValue, version: str) -> Reply:
    """2025-11-25 and before. Errors are answered 200, as JSON-RPC over HTTP had it."""
    try:
        typed = jsonrpc_message_adapter.validate_python(message, by_name=False)
    except ValidationError:
        return _refused(_NO_MESSAGE, None, 400)
    if not isinstance(typed, JSONRPCRequest):
        return Reply(202)
    return await _ran(server, request, typed, Connection.from_envelope(version, None, None), older=True)


async def _newer(server: Server[Any], request: Request, message: JsonValue, version: str) -> Reply:
    """2026-07-28: the request carries its own envelope, and headers that must agree with it."""
    silent = isinstance(message, dict) and "id" not in message
    try:
        typed = (JSONRPCNotification if silent else JSONRPCRequest).model_validate(message)
    except ValidationError:
        return _refused(_NO_MESSAGE, None, 400)
    if isinstance(typed, JSONRPCNotification):
        unserved = unsupported_protocol_version_rejection(version)
        return _rejected(unserved, None) if unserved else Reply(202)
    if twice := find_duplicated_routing_header(request.headers.items()):
        return _rejected(
            InboundLadderRejection(HEADER_MISMATCH, f"{twice} header appears more than once"), typed.id
        )
    verdict = classify_inbound_request(message, headers=request.headers)
    if isinstance(verdict, InboundLadderRejection):
        return _rejected(verdict, typed.id)
    connection = Connection.from_envelope(
        verdict.protocol_version, verdict.client_info, verdict.client_capabilities
    )
    return await _ran(server, request, typed, connection, older=False)


async def _ran(
    server: Server[Any], request: Request, message: JSONRPCRequest, connection: Connection, *, older: bool
) -> Reply:
    context = _Exchange(
        message.id,
        ServerMessageMetadata(request_context=request),
        TransportContext(kind="streamable-http", can_send_request=False, headers=request.headers),
    )
    runner: ServerRunner[Any] = ServerRunner(server, connection, {})
    try:
        result = await runner.on_request(context, message.method, message.params)
    except Exception as fault:  # noqa: BLE001 - the library's own mapping: what is no protocol error is logged and shown as internal
        error = modern_error_data(fault)
        return _refused(error, message.id, 200 if older else ERROR_CODE_HTTP_STATUS.get(error.code, 200))
    return Reply(200, {"jsonrpc": "2.0", "id": message.id, "result": result})


def _rejected(rejection: InboundLadderRejection, message_id: Any) -> Reply:
    error = ErrorData(code=rejection.code, message=rejection.message, data=rejection.data)
    return _refused(error, message_id, ERROR_CODE_HTTP_STATUS.get(rejection.code, 400))


def _refused(error: ErrorData, message_id: Any, status: int) -> Reply:
    told = error.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Reply(status, {"jsonrpc": "2.0", "id": message_id, "error": told})
