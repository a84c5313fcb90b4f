"""Where an answer may be sent: the address exactly as it was registered, never a pattern (OAuth 2.1 section 2.3.1).

One thing may differ, the port of a program on the person's own machine, which takes the one that is free (RFC 8252 section 7.3).
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

URI_CHARACTERS_MAX = 1000
URIS_MAX = 20
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PLAIN = re.compile(r"[!-~]+")
_NETLOC = re.compile(r"[A-Za-z0-9.:\[\]_-]*")
"""Nothing that would end a source in a Content-Security-Policy, and no user or password."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,40}")
_NEVER = frozenset(
    {"about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "javascript", "jar", "mailto", "view-source", "vbscript", "ws", "wss"}
)  # fmt: skip
"""Schemes that a browser or a system gives a meaning of its own."""


def acceptable(uri: str) -> bool:
    """Whether an address may be registered at all: https, http on the person's own machine, or the scheme of an app of theirs; spelled plainly."""
    if len(uri) > URI_CHARACTERS_MAX or not _PLAIN.fullmatch(uri) or "\\" in uri or "#" in uri:
        return False
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    if uri.partition(":")[0] != parts.scheme or not _SCHEME.fullmatch(parts.scheme) or parts.scheme in _NEVER:
        return False
    if not _NETLOC.fullmatch(parts.netloc):
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return host in LOOPBACK
    return ":/" in uri  # an app's own scheme; a bare `name:text` can be anything


def fits(asked: str, registered: Iterable[str]) -> bool:
    """Whether the answer may be sent to `asked`."""
    return acceptable(asked) and any(asked == uri or _same_but_port(asked, uri) for uri in registered)


def is_local(uri: str) -> bool:
    """Whether it leads to a program on the person's own machine: whoever listens there gets the answer."""
    parts = urlsplit(uri)
    return parts.scheme != "https"


def shown(uri: str) -> str:
    """The part of an address that a person can judge."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def form_source(uri: str) -> str:
    """The address as a source of Content-Security-Policy: what a form may lead to."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"


def with_answer(uri: str, answer: dict[str, str]) -> str:
    """The address with the answer in its query, beside what was there (RFC 6749 section 4.1.2)."""
    parts = urlsplit(uri)
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        *((name, text) for name, text in answer.items() if text),
    ]
    return parts._replace(query=urlencode(query)).geturl()


def _same_but_port(asked: str, registered: str) -> bool:
    one, other = urlsplit(asked), urlsplit(registered)
    if one.scheme != "http" or other.scheme != "http" or one.hostname not in LOOPBACK:
        return False
    same = one.hostname == other.hostname and one.path == other.path and one.query == other.query
    return same and acceptable(registered)
