"""Calling a tenant's HTTP service: signed, bounded, once.

A write carries `Idempotency-Key`. A request is sent again only where that is safe: if it surely never left, or if it is a read, or if the service
honours the key; each time with a fresh signature. What the service says about a failure is not relayed, but for its status and a code that the
contract lists.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from ostiary import ids, traces
from ostiary.actions import Call, Effect, JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.connectors.targets import HttpTarget
from ostiary.connectors.template import ABSENT, Absent, encode, fill_json, fill_path, fill_text, scalar
from ostiary.errors import (
    Fault,
    InvalidParameters,
    OstiaryError,
    TargetAnswerInvalid,
    TargetRefused,
    TargetUnavailable,
)
from ostiary.net import signature
from ostiary.net.http import Answer, Client, Request
from ostiary.secret import Secret

BACKOFF_S = (0.1, 0.4)
"""The pauses before the second and the third attempt; no attempt starts in the second half of the time that one may take."""
NONCE_CHARACTERS = 24
HEADER_CHARACTERS_MAX = 1024


@dataclass(frozen=True, slots=True)
class Service:
    """How one service is spoken to. `signing()` gives the secrets that are valid now, newest first."""

    signing: Callable[[], Sequence[Secret]]
    credential: Secret
    credential_header: str
    honours_key: bool
    backoff_s: Sequence[float] = BACKOFF_S


class HttpService:
    """One service: its pool of connections, its secrets."""

    def __init__(self, client: Client, service: Service, clock: Clock) -> None:
        self._client = client
        self._service = service
        self._clock = clock

    async def call(self, call: Call, target: HttpTarget, params: Mapping[str, JsonValue]) -> JsonValue:
        """The answer's JSON, None for an empty one. Raises InvalidParameters, AddressRefused and the Target errors."""
        request = self._request(call, target, params)
        safe = call.action.effect is Effect.NONE or self._service.honours_key
        half_time_us = self._clock.monotonic_us() + int(self._client.bounds.timeout_s * SECOND_US / 2)
        pauses = iter(self._service.backoff_s)
        maybe_done = False
        while True:
            try:
                return _read(await self._client.send(self._sealed(request)), target)
            except OstiaryError as error:
                error.maybe_done = maybe_done = maybe_done or error.maybe_done
                pause = next(pauses, None)
                again = isinstance(error, TargetUnavailable) and (safe or not maybe_done)
                if pause is None or not again or self._clock.monotonic_us() > half_time_us:
                    raise
            await asyncio.sleep(pause)

    def preview(self, call: Call, target: HttpTarget, params: Mapping[str, JsonValue]) -> JsonValue:
        """What `call` would send: method, url, headers (secrets and the signature, which is made at the last moment, are left out), body."""
        request = self._request(call, target, params)
        endpoint = self._client.endpoint
        return {
            "method": request.method,
            "url": f"{endpoint.scheme}://{endpoint.authority}{request.target}",
            "headers": dict(request.headers),
            "body": orjson.loads(request.body) if request.body else None,
        }

    def _request(self, call: Call, target: HttpTarget, params: Mapping[str, JsonValue]) -> Request:
        path = self._client.endpoint.path + fill_path(target.path, params)
        query = _query(target, params)
        headers = {"Accept": "application/json", "User-Agent": "ostiary", "Ostiary-Call": call.id}
        if call.action.effect is not Effect.NONE:
            headers["Idempotency-Key"] = call.idempotency_key or call.id
        for name, text in target.headers:
            value = _header(name, text, params)
            if not isinstance(value, Absent):
                headers[name] = value
        body = b"" if target.body is None else _body(target, params)
        if body:
            headers["Content-Type"] = "application/json"
        return Request(target.method, f"{path}?{query}" if query else path, headers, body)

    def _sealed(self, request: Request) -> Request:
        """The request with what only the wire may see: our signature and the service's credential."""
        now_s = self._clock.now_us() // SECOND_US
        headers = {**request.headers, **traces.outgoing()}
        secrets = self._service.signing()
        if secrets:
            headers[signature.HEADER] = signature.sign(
                secrets,
                method=request.method,
                path=request.target,
                body=request.body,
                now_s=now_s,
                nonce=ids.token(NONCE_CHARACTERS),
            )
        if self._service.credential:
            name, text = self._service.credential_header, self._service.credential.reveal()
            headers[name] = f"Bearer {text}" if name == "Authorization" else text
        return Request(request.method, request.target, headers, request.body)

    async def probe(self) -> int:
        """The status of a signed GET of the base address. Raises as `call` does."""
        request = Request(
            "GET",
            (self._client.endpoint.path or "") + "/",
            {"Accept": "application/json", "User-Agent": "ostiary"},
        )
        return (await self._client.send(self._sealed(request))).status

    async def close(self) -> None:
        await self._client.close()


def _query(target: HttpTarget, params: Mapping[str, JsonValue]) -> str:
    items: list[tuple[str, str]] = []
    for name, template in target.query:
        value = fill_json(template, params)
        if value is ABSENT or value is None:
            continue
        items += [(name, scalar(name, each)) for each in (value if isinstance(value, list) else [value])]
    try:
        return urlencode(items, quote_via=lambda text, *_: encode(text))
    except UnicodeEncodeError:
        raise InvalidParameters(faults=(Fault("", "a text is not valid Unicode"),)) from None


def _header(name: str, text: Any, params: Mapping[str, JsonValue]) -> str | Absent:
    value = fill_text(text, params)
    if isinstance(value, str) and (
        len(value) > HEADER_CHARACTERS_MAX or not value.isascii() or not value.isprintable()
    ):
        raise InvalidParameters(faults=(Fault("", f"the header {name} takes one line of plain text"),))
    return value


def _body(target: HttpTarget, params: Mapping[str, JsonValue]) -> bytes:
    filled = fill_json(target.body, params)
    try:
        return b"" if filled is ABSENT else orjson.dumps(filled)
    except orjson.JSONEncodeError:
        raise InvalidParameters(faults=(Fault("", "a value cannot be sent as JSON"),)) from None


def _read(answer: Answer, target: HttpTarget) -> JsonValue:
    """The JSON of a 2xx answer. Raises TargetRefused (4xx: it says that it did nothing), TargetUnavailable (5xx), TargetAnswerInvalid."""
    if 300 <= answer.status < 400:
        raise TargetAnswerInvalid(
            "The connected system answered with a redirect, which is not followed.", maybe_done=True
        )
    if answer.status >= 400:
        detail = f"The connected system answered with status {answer.status}{_code(answer, target)}."
        raise TargetRefused(detail) if answer.status < 500 else TargetUnavailable(detail, maybe_done=True)
    if not answer.body:
        return None
    if not _is_json(answer.headers.get("content-type", "")):
        raise TargetAnswerInvalid("The answer's content type is not JSON.", maybe_done=True)
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise TargetAnswerInvalid("The answer is not JSON.", maybe_done=True) from None


def _is_json(content_type: str) -> bool:
    kind = content_type.split(";", 1)[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _code(answer: Answer, target: HttpTarget) -> str:
    """` (code)` if the answer holds one of the codes that the contract lists, else nothing."""
    if not target.codes or not _is_json(answer.headers.get("content-type", "")):
        return ""
    try:
        value: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    for step in target.code_pointer[1:].split("/"):
        value = value.get(step) if isinstance(value, dict) else None
    return f" ({value})" if isinstance(value, str) and value in target.codes else ""
