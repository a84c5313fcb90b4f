"""The company's own back-end: it checks our signature, and then really refunds, pays and sends letters.

Refunds, payments, replacements and tickets honour an Idempotency-Key: a repeated key is done once and answered the same. Letters do not: each request is one more
letter. Both kinds exist in every company, and the gateway has to be right with both. `Mood` is for tests and drills: to be slow, to lie, to vanish
after the work is done.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ostiary.clock import SECOND_US, Clock, SystemClock
from ostiary.sample.signed import TOLERANCE_S, BadSignature, received
from ostiary.sample.store import Books, KeyTaken, Ledger
from ostiary.secret import Secret

BODY_BYTES_MAX = 64 * 1024
SIGNATURE_HEADER = "Ostiary-Signature"
KEY_HEADER = "Idempotency-Key"
_MONEY = re.compile(r"[0-9]{1,7}\.[0-9]{2}")


@dataclass
class Mood:
    """How the back-end misbehaves. `vanish` counts down: that many works are done and never answered. `heard` counts requests that were let in."""

    delay_s: float = 0.0
    vanish: int = 0
    lie: bool = False
    down: bool = False
    huge_bytes: int = 0
    heard: int = field(default=0)


@dataclass(frozen=True, slots=True)
class Backend:
    """What the handlers share. `secrets`: the connector's signing secret, two while it is rotated."""

    books: Books
    ledger: Ledger
    secrets: Sequence[Secret]
    clock: Clock
    mood: Mood


class Refused(Exception):
    """The back-end says no: `status` and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class _Vanished(Response):
    """An answer that stops before its promised end, as when the process dies after the work: the caller cannot know what happened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b'{"status":', "more_body": True})


def application(
    *,
    books: Path,
    company: Path,
    secrets: Sequence[Secret],
    mood: Mood | None = None,
    clock: Clock | None = None,
) -> Starlette:
    """The back-end as an ASGI application. Its books are a SQLite file; the company's database is read, never written."""
    backend = Backend(Books(books), Ledger(company), secrets, clock or SystemClock(), mood or Mood())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> Any:
        yield
        backend.books.close()
        backend.ledger.close()

    def route(path: str, method: str, handle: "Handler") -> Route:
        return Route(path, partial(_guarded, backend, handle), methods=[method])

    routes = [
        route("/refunds", "POST", _refund),
        route("/payments", "POST", _payment),
        route("/letters", "POST", _letter),
        route("/tickets", "POST", _ticket),
        route("/replacements", "POST", _replacement),
        route("/invoices/{id}", "GET", _read_invoice),
        route("/tickets/{id}", "GET", _read_ticket),
        route("/orders/{id}", "GET", _read_order),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


Asked = dict[str, Any]
Handler = Callable[[Backend, Request, Asked], Awaitable[Asked]]


async def _guarded(backend: Backend, handle: Handler, request: Request) -> Response:
    """Who asks, then what: a request that is not signed reaches nothing."""
    try:
        body = await _body(request)
        await _check(backend, request, body)
        answer = await handle(backend, request, _parsed(request, body))
    except BadSignature as error:
        return _json(401, {"error": str(error)})
    except Refused as error:
        return _json(error.status, {"error": error.sentence})
    return await _answered(backend, answer)


async def _answered(backend: Backend, answer: Asked) -> Response:
    mood = backend.mood
    if mood.delay_s:
        await anyio.sleep(mood.delay_s)
    if mood.vanish > 0:
        mood.vanish -= 1
        return _Vanished()
    if mood.huge_bytes:
        return _json(200, {"status": "x" * mood.huge_bytes})
    return _json(200, {"stauts": 7, "note": ["not what was agreed"]} if mood.lie else answer)


async def _body(request: Request) -> bytes:
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > BODY_BYTES_MAX:
            raise Refused(413, "the body is too large")
    return bytes(taken)


async def _check(backend: Backend, request: Request, body: bytes) -> None:
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["raw_path"].decode("latin-1")
    now_s = backend.clock.now_us() // SECOND_US
    check = partial(
        received,
        request.headers.get(SIGNATURE_HEADER, ""),
        secrets=[secret.reveal().encode() for secret in backend.secrets],
        method=request.method,
        target=f"{path}?{query}" if query else path,
        body=body,
        now_s=now_s,
        first_time=partial(backend.books.first_time, now_s=now_s, kept_s=2 * TOLERANCE_S),
    )
    await anyio.to_thread.run_sync(check)
    backend.mood.heard += 1
    if backend.mood.down:
        raise Refused(503, "closed for stocktaking")


def _parsed(request: Request, body: bytes) -> Asked:
    if request.method == "GET":
        return {}
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(asked, dict):
        raise Refused(400, "the body is not an object")
    return asked


async def _refund(backend: Backend, request: Request, asked: Asked) -> Asked:
    """Money back for a paid invoice, at most what was paid. It does not ask whether it was refunded before: that is what the key is for."""
    content = _text(asked, "invoice_id", "amount", "currency", "reason")
    invoice = await anyio.to_thread.run_sync(backend.ledger.invoice, content["invoice_id"])
    if invoice is None:
        raise Refused(404, "no such invoice")
    amount = _money(content["amount"])
    if invoice["status"] != "paid" or content["currency"] != invoice["currency"]:
        raise Refused(409, "that invoice is not paid in that currency")
    if not 0 < amount <= Decimal(invoice["amount"]):
        raise Refused(422, "more than was paid")
    return {**await _keyed(backend, request, "refund", content), **content}


async def _payment(backend: Backend, request: Request, asked: Asked) -> Asked:
    content = _text(asked, "iban", "beneficiary", "amount", "currency", "reference")
    if _money(content["amount"]) <= 0:
        raise Refused(422, "pay more than nothing")
    return await _keyed(backend, request, "payment", content)


async def _ticket(backend: Backend, request: Request, asked: Asked) -> Asked:
    return await _keyed(backend, request, "ticket", _text(asked, "subject", "body"))


async def _replacement(backend: Backend, request: Request, asked: Asked) -> Asked:
    return await _keyed(backend, request, "replacement", _text(asked, "customer_id", "pickup_point"))


async def _letter(backend: Backend, request: Request, asked: Asked) -> Asked:
    """One more letter for each request: the printer knows no keys."""
    content = _text(asked, "customer_id", "subject", "text")
    deed, _ = await anyio.to_thread.run_sync(backend.books.do, "letter", content)
    return deed.answer


async def _keyed(backend: Backend, request: Request, kind: str, content: Asked) -> Asked:
    key = request.headers.get(KEY_HEADER, "")
    if not 8 <= len(key) <= 200:
        raise Refused(400, "an Idempotency-Key of 8 to 200 characters is required")
    try:
        deed, _ = await anyio.to_thread.run_sync(partial(backend.books.do, kind, content, key=key))
    except KeyTaken:
        raise Refused(422, "that key was used with other content") from None
    return deed.answer


async def _read_invoice(backend: Backend, request: Request, _asked: Asked) -> Asked:
    return await _read(backend.ledger.invoice, request)


async def _read_ticket(backend: Backend, request: Request, _asked: Asked) -> Asked:
    return await _read(backend.ledger.ticket, request)


async def _read_order(backend: Backend, request: Request, _asked: Asked) -> Asked:
    return await _read(backend.ledger.order, request)


async def _read(find: Callable[[str], Asked | None], request: Request) -> Asked:
    row = await anyio.to_thread.run_sync(find, request.path_params["id"])
    if row is None:
        raise Refused(404, "no such record")
    return row


def _text(asked: Asked, *names: str) -> Asked:
    if set(asked) != set(names) or not all(isinstance(asked[name], str) and asked[name] for name in names):
        raise Refused(422, f"wanted exactly, as text: {', '.join(names)}")
    return {name: asked[name] for name in names}


def _money(text: str) -> Decimal:
    if _MONEY.fullmatch(text) is None:
        raise Refused(422, "an amount looks like 12.50")
    return Decimal(text)


def _json(status: int, content: Asked) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
