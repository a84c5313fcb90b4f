"""The closed list of routes that bypass the door: they tell nothing about anyone, and must answer when the log is away.

Strangers learn whether the process is there and whether calls would pass, a word each. Numbers (`/metrics`) and reasons (`/readyz?detail`) are for the
operator's collectors: see `Audience`.
"""

import ipaddress
from collections.abc import Callable

import orjson
from prometheus_client import generate_latest

from ostiary import metrics
from ostiary.app.health import Health, is_ready
from ostiary.asgi.caller import Proxies
from ostiary.asgi.guard import host_of, is_address
from ostiary.asgi.wire import JSON_TYPE, Receive, Scope, Send, answer, answer_problem, text_header
from ostiary.clock import DAY_US, Clock, rfc3339
from ostiary.config import Network, Settings, allowed_hosts
from ostiary.errors import MethodNotAllowed, NotFound

PATHS = frozenset({"/livez", "/readyz", "/metrics", "/.well-known/security.txt", "/security.txt"})
TEXT = (b"content-type", b"text/plain; charset=utf-8")
FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip", b"via", b"x-client-ip", b"true-client-ip", b"cf-")
"""How the names of headers begin that only a proxy sends."""
SECURITY_TXT_DAYS = 180


class Audience:
    """Who may read numbers and reasons; nobody else, and to them there is nothing there.

    A collector comes straight to this process, not through a proxy that spreads its requests over several: so by network only the peer of the connection
    counts, never what a header says; whatever was forwarded, or comes from a proxy, needs the token. The token is taken over HTTPS, or straight from a network
    that is allowed. The host that was asked for is one of ours or an address, so that no page of a browser gets here by a name of its own (DNS rebinding).
    """

    def __init__(self, settings: Settings) -> None:
        self._networks: tuple[Network, ...] = settings.metrics_allow
        self._token = settings.metrics_token
        self._proxies = Proxies(settings.behind_proxy)
        self._hosts = allowed_hosts(settings)
        self._https = settings.public_url.startswith("https://")

    def admits(self, scope: Scope) -> bool:
        host = host_of(scope)
        if host not in self._hosts and not is_address(host):
            return False
        return self._is_near(scope) or self._shows_token(scope)

    def _is_near(self, scope: Scope) -> bool:
        peer = scope["client"][0] if scope.get("client") else ""
        if not is_address(peer) or any(name.startswith(FORWARDED) for name, _ in scope["headers"]):
            return False
        address = ipaddress.ip_address(peer)
        if self._proxies.trusts(peer):  # a caller may have it leave out what it forwards (`Connection: ...`)
            return False
        return address.is_loopback or any(address in network for network in self._networks)

    def _shows_token(self, scope: Scope) -> bool:
        if not self._token or (self._https and not self._proxies.is_secure(scope)):
            return False
        kind, _, shown = text_header(scope, b"authorization").partition(" ")
        return kind.lower() == "bearer" and self._token.matches(shown.strip())


class Probes:
    """`/livez` asks nobody; `/readyz` says whether calls would pass now."""

    def __init__(
        self,
        clock: Clock,
        health: Health,
        audience: Audience,
        look: Callable[[], None],
        *,
        contact: str,
        public_url: str,
    ) -> None:
        self._look = look
        self._clock = clock
        self._health = health
        self._audience = audience
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
            await self._ready(scope, send)
        elif path == "/metrics":
            await self._metrics(scope, send)
        elif path in PATHS:
            await answer(send, 200, self._security_txt().encode(), [TEXT])
        else:
            await answer_problem(send, NotFound())

    async def _ready(self, scope: Scope, send: Send) -> None:
        parts = await self._health.parts()
        ready = is_ready(parts)
        status = 200 if ready else 503
        if scope.get("query_string") != b"detail" or not self._audience.admits(scope):
            await answer(send, status, b"ready\n" if ready else b"not ready\n", [TEXT])
            return
        told = [
            {
                "component": part.component,
                "ok": part.ok,
                "since": rfc3339(part.since_us),
                "why": part.why,
                "vital": part.vital,
            }
            for part in parts
        ]
        await answer(send, status, orjson.dumps({"ready": ready, "parts": told}), [JSON_TYPE])

    async def _metrics(self, scope: Scope, send: Send) -> None:
        if not self._audience.admits(scope):
            await answer_problem(send, NotFound())
            return
        await self._health.parts()
        self._look()
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
