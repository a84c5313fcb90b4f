"""A connected system for tests: it counts what it did. `/pay` does a repeated Idempotency-Key once, `/mail` does every request;
`/pay/{to}` tells how often somebody was paid."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ostiary.sample.serving import served

CONTRACTS = """
version: 1
actions:
  - name: pay.send
    title: Pay
    description: Pays somebody.
    parameters:
      properties:
        to: {type: string, minLength: 1, maxLength: 40}
        amount: {type: integer, minimum: 1, maximum: 10000}
      required: [to, amount]
    roles: [support, owner]
    risk: high
    confirmation: always
    sentence: Pay {amount} to {to}
    labels: {to: recipient, amount: amount}
    target: {connector: shop, http: {method: POST, path: /pay, body: {to: '{to}', amount: '{amount}'}}}
  - name: mail.send
    title: Write
    description: Sends a letter.
    parameters: {properties: {to: {type: string, maxLength: 40}}, required: [to]}
    roles: [support, owner]
    risk: medium
    confirmation: never
    sentence: Write to {to}
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}'}}}
  - name: mail.ask
    title: Write after asking once
    description: Sends a letter.
    parameters: {properties: {to: {type: string, maxLength: 40}, text: {type: string, maxLength: 40}}, required: [to, text]}
    roles: [support, owner]
    risk: medium
    confirmation: once_per_session
    sentence: Write to {to}
    labels: {to: recipient, text: content}
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}', text: '{text}'}}}
"""


class _Vanish(Response):
    """The effect happened, and the connection breaks before anybody hears of it."""

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionResetError


@dataclass
class Shop:
    """`done` counts effects by recipient; `keys` what came with each request. `vanish`: how many of the next answers get lost. `says`: what it answers a letter
    with, beside that it was sent."""

    url: str = ""
    done: Counter[str] = field(default_factory=Counter)
    answers: dict[str, dict[str, object]] = field(default_factory=dict)
    requests: int = 0
    vanish: int = 0
    status: int = 200
    says: dict[str, object] = field(default_factory=dict)

    async def pay(self, request: Request) -> Response:
        body, key = await request.json(), request.headers["idempotency-key"]
        self.requests += 1
        if self.status != 200:
            return JSONResponse({"error": "no"}, self.status)
        if key not in self.answers:
            self.done[body["to"]] += 1
            self.answers[key] = {"paid": body["amount"], "number": len(self.answers) + 1}
        return self._answered(self.answers[key])

    async def look(self, request: Request) -> Response:
        return JSONResponse({"paid": self.done[request.path_params["to"]]})

    async def mail(self, request: Request) -> Response:
        self.requests += 1
        self.done[(await request.json())["to"]] += 1
        return self._answered({"sent": True, **self.says})

    def _answered(self, content: dict[str, object]) -> Response:
        if self.vanish:
            self.vanish -= 1
            return _Vanish()
        return JSONResponse(content)


@contextmanager
def running() -> Iterator[Shop]:
    shop = Shop()
    routes = [
        Route("/pay", shop.pay, methods=["POST"]),
        Route("/pay/{to}", shop.look),
        Route("/mail", shop.mail, methods=["POST"]),
    ]
    # A gateway that is killed while it sends: nothing was asked.
    handlers = {ClientDisconnect: lambda _request, _error: Response(status_code=400)}
    with served(Starlette(routes=routes, exception_handlers=handlers)) as url:  # type: ignore[arg-type]
        shop.url = url
        yield shop
