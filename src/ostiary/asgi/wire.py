"""Reading a request and writing an answer, each in one place, each with a bound."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson

from ostiary.actions import JsonValue
from ostiary.errors import (
    Fault,
    MalformedRequest,
    NotAuthenticated,
    OstiaryError,
    OutOfScope,
    RequestTimeout,
    RequestTooLarge,
    TooMany,
    UnsupportedMedia,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON_DEPTH_MAX = 64
BODY_TIMEOUT_S = 60
LENGTH_DIGITS_MAX = 18
JSON_TYPE = (b"content-type", b"application/json")
PROBLEM_TYPE = (b"content-type", b"application/problem+json")
NO_STORE = (b"cache-control", b"no-store")
_HEADERS = "ostiary.headers"


def header(scope: Scope, name: bytes) -> bytes:
    """The header's value, empty if absent; the first one where it is repeated. The request's headers are gone through once."""
    headers, held = scope["headers"], scope.get(_HEADERS)
    if held is None or held[0] is not headers:  # a copy of the scope may bring headers of its own
        held = scope[_HEADERS] = (headers, dict(reversed(list(headers))))
    found: bytes = held[1].get(name, b"")
    return found


def text_header(scope: Scope, name: bytes) -> str:
    return header(scope, name).decode("latin-1")


def all_of(scope: Scope, name: bytes) -> str:
    """A list header whole, where proxies may have added lines of their own: the lines in order, joined by commas (RFC 9110 section 5.3)."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)


def target(scope: Scope) -> str:
    """Path with query as on the request line, which is what a signature covers."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return (raw + b"?" + query if query else raw).decode("latin-1")


async def read_body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """The whole body. Raises RequestTooLarge as soon as it is clear, RequestTimeout, and MalformedRequest if the caller hangs up half-way."""
    announced = header(scope, b"content-length")
    if announced.isdigit() and (len(announced) > LENGTH_DIGITS_MAX or int(announced) > bytes_max):
        raise RequestTooLarge
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _whole(receive, bytes_max)
    except TimeoutError:
        raise RequestTimeout from None


async def pieces(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes, for who bounds it (`review.intake`). Raises MalformedRequest if the caller hangs up half-way."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The request ended before its body was complete.")
        more = bool(message.get("more_body"))
        if body := message.get("body", b""):
            yield body


async def _whole(receive: Receive, bytes_max: int) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise MalformedRequest("The request ended before its body was complete.")
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _within(body, bytes_max)
    parts, size = [body], len(body)
    while message.get("more_body"):
        if size > bytes_max:
            raise RequestTooLarge
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedRequest("The request ended before its body was complete.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return _within(b"".join(parts), bytes_max)


def _within(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise RequestTooLarge
    return body


def read_json(scope: Scope, body: bytes) -> JsonValue:
    """The body as JSON; an empty body is an empty object. Raises UnsupportedMedia and MalformedRequest."""
    if not body:
        return {}
    kind = header(scope, b"content-type").split(b";", 1)[0].strip().lower()
    if kind != b"application/json":
        raise UnsupportedMedia("Send application/json.")
    if body.count(b"[") + body.count(b"{") > JSON_DEPTH_MAX and _depth(body) > JSON_DEPTH_MAX:
        raise MalformedRequest(f"JSON may be nested {JSON_DEPTH_MAX} levels deep at most.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(
            "The body is not JSON.", faults=(Fault("", f"line {error.lineno}, column {error.colno}"),)
        ) from None


def _depth(body: bytes) -> int:
    """How deep brackets nest, strings left out."""
    depth = deepest = 0
    quoted = escaped = False
    for byte in body:
        if quoted:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                quoted = False
        elif byte == 0x22:
            quoted = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (0x5D, 0x7D):
            depth -= 1
    return deepest


async def answer(send: Send, status: int, body: bytes, headers: Iterable[Header] = ()) -> None:
    """One complete response; its length is stated."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


async def answer_json(send: Send, status: int, value: JsonValue, headers: Iterable[Header] = ()) -> None:
    await answer(send, status, orjson.dumps(value), (JSON_TYPE, NO_STORE, *headers))


async def answer_problem(
    send: Send, error: OstiaryError, *, instance: str = "", headers: Iterable[Header] = ()
) -> None:
    """RFC 9457, with WWW-Authenticate (RFC 6750), Retry-After and RateLimit where they belong."""
    extra: list[Header] = [PROBLEM_TYPE, NO_STORE, *headers]
    if error.status == 401:
        extra.append(
            (
                b"www-authenticate",
                b"Bearer" if isinstance(error, NotAuthenticated) else b'Bearer error="invalid_token"',
            )
        )
    if (
        isinstance(error, OutOfScope) and error.scope
    ):  # RFC 6750 section 3.1: whoever has a token may ask for a wider one
        asks = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        extra.append((b"www-authenticate", asks.encode()))
    if isinstance(error, RequestTimeout):
        extra.append((b"connection", b"close"))  # whoever drips a body does not keep the connection by it
    if error.retry_after_s is not None:
        extra.append((b"retry-after", str(error.retry_after_s).encode()))
    if isinstance(error, TooMany) and error.policy:  # draft-ietf-httpapi-ratelimit-headers-10
        name = error.policy.partition(";")[0]
        extra.append((b"ratelimit-policy", error.policy.encode()))
        extra.append((b"ratelimit", f"{name};r=0;t={error.retry_after_s}".encode()))
    await answer(send, error.status, orjson.dumps(error.problem(instance)), extra)
