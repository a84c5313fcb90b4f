"""The closed list of routes that bypass the door: they tell nothing about anyone, and must answer when the log is away."""

import ipaddress
from collections.abc import Awaitable, Callable

from prometheus_client import generate_latest

from ostiary import metrics
from ostiary.asgi.wire import Receive, Scope, Send, answer, answer_problem
from ostiary.clock import DAY_US, Clock, rfc3339
from ostiary.errors import MethodNotAllowed, NotFound

PATHS = frozenset({"/livez", "/readyz", "/metrics", "/.well-known/security.txt", "/security.txt"})
TEXT = (b"content-type", b"text/plain; charset=utf-8")
SECURITY_TXT_DAYS = 180


class Probes:
    """`ready` says whether calls would pass now: the databases answer and the log can be written."""

    def __init__(
        self, clock: Clock, ready: Callable[[], Awaitable[bool]], *, contact: str, public_url: str
    ) -> None:
        self._clock = clock
        self._ready = ready
        self._contact = contact
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await answer_problem(send, MethodNotAllowed(), headers=[(b"allow", b"GET, HEAD")])
            return
        path: str = scope["path"]
        if path == "/livez":
            await answer(send, 200, b"ok\n", [TEXT])
        elif path == "/readyz":
            ready = await self._ready()
            await answer(send, 200 if ready else 503, b"ready\n" if ready else b"not ready\n", [TEXT])
        elif path == "/metrics":
            await self._metrics(scope, send)
        else:
            await answer(send, 200, self._security_txt().encode(), [TEXT])

    async def _metrics(self, scope: Scope, send: Send) -> None:
        """Counts, for a collector on this machine; to anybody else there is nothing here."""
        if not _is_local(scope):
            await answer_problem(send, NotFound())
            return
        await answer(
            send, 200, generate_latest(metrics.REGISTRY), [(b"content-type", b"text/plain; version=0.0.4")]
        )

    def _security_txt(self) -> str:
        """RFC 9116."""
        day_us = self._clock.now_us() // DAY_US * DAY_US
        expires = rfc3339(day_us + SECURITY_TXT_DAYS * DAY_US).replace(".000000", "")
        canonical = f"{self._public_url}/.well-known/security.txt"
        return (
            f"Contact: {self._contact}\nExpires: {expires}\nPreferred-Languages: en\nCanonical: {canonical}\n"
        )


def _is_local(scope: Scope) -> bool:
    peer: str = scope["client"][0] if scope.get("client") else "0.0.0.0"  # noqa: S104 - stands for nobody
    forwarded = any(name in (b"x-forwarded-for", b"forwarded") for name, _ in scope["headers"])
    return ipaddress.ip_address(peer).is_loopback and not forwarded
