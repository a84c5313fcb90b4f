"""Around the whole application, once: allowed hosts (DNS rebinding), security headers on every answer, HTTPS only behind a proxy."""

import ipaddress

from ostiary.asgi.caller import Proxies
from ostiary.asgi.wire import App, Header, Message, Receive, Scope, Send, answer_problem, text_header
from ostiary.errors import CrossSite, WrongHost

HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
DENY_ALL = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)
HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OPEN_PATHS = frozenset({"/livez", "/readyz"})
"""Probes come by address, not by name, and from inside: they tell nothing, so any host name and plain HTTP will do."""

LOCAL_PATHS = frozenset({"/metrics"})
"""What answers to the operator's collectors alone, who come past the proxy and by address: plain HTTP will do, and any address of ours as host."""


def guard(app: App, *, hosts: frozenset[str], proxies: Proxies, https: bool) -> App:
    """`https`: callers reach us by HTTPS only (our own TLS, or a proxy's): plain HTTP is refused, and HSTS is sent."""
    always = (*HEADERS, HSTS) if https else HEADERS

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append(DENY_ALL)
                message["headers"] = [*headers, *always]
            await send(message)

        if scope["path"] not in OPEN_PATHS:
            host = host_of(scope)
            if host not in hosts and not (scope["path"] in LOCAL_PATHS and is_address(host)):
                await answer_problem(sending, WrongHost())
                return
            if https and scope["path"] not in LOCAL_PATHS and not proxies.is_secure(scope):
                await answer_problem(sending, WrongHost("This gateway is reached by HTTPS only."))
                return
        await app(scope, receive, sending)

    return guarded


def host_of(scope: Scope) -> str:
    """The host that the caller asked for, lower case and without port; an IPv6 address without brackets. Empty where several are named."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    host = named[0].decode("latin-1").strip().lower() if len(named) == 1 else ""
    if host.startswith("["):
        return host[1:].split("]", 1)[0]
    return host.rsplit(":", 1)[0] if host.rsplit(":", 1)[-1].isdigit() else host


def is_address(host: str) -> bool:
    """Whether this is an IP address, which no name of somebody else's can stand for."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def same_site(scope: Scope, public_origins: frozenset[str]) -> None:
    """For requests that a browser's cookie authorises. Raises CrossSite unless the browser says that our own page sent it.

    Fetch Metadata where the browser sends it, else Origin; a request with neither is not from a browser that could be tricked, and is refused too.
    """
    if scope["method"] in SAFE_METHODS:
        return
    site = text_header(scope, b"sec-fetch-site")
    origin = text_header(scope, b"origin")
    if origin and origin not in public_origins:
        raise CrossSite
    if site and site not in ("same-origin", "none"):
        raise CrossSite
    if not site and not origin:
        raise CrossSite
