"""The command line's own requests: to the operator's own gateway, one at a time, blocking, with a bound on the time and on what comes back.

The address is the operator's, so it is not vetted; no proxy is taken from the environment and no redirect is followed, so the key goes to that address
and nowhere else.
"""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 60
ANSWER_BYTES_MAX = 64 << 20


class Unreachable(Exception):
    """No gateway answers at that address. The text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    status: int
    body: bytes


def ask(url: str, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Reply:
    """One request to the gateway at `url`. `target`: path and query, percent-encoded. Raises Unreachable."""
    at = urlsplit(url)
    if at.scheme not in ("http", "https") or not at.hostname or at.username is not None:
        raise Unreachable("OSTIARY_URL must be an address such as https://gate.example.com.")
    try:
        connection = connection_to(at.scheme, at.hostname, at.port)
        try:
            connection.request(method, at.path.rstrip("/") + target, body=body, headers=dict(headers))
            answer = connection.getresponse()
            content = answer.read(ANSWER_BYTES_MAX + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(
            f"No gateway answers at {url} ({type(error).__name__}). Is `ostiary serve` running?"
        ) from error
    if len(content) > ANSWER_BYTES_MAX:
        raise Unreachable(f"The answer from {url} is larger than {ANSWER_BYTES_MAX} bytes.")
    return Reply(answer.status, content)


def connection_to(
    scheme: str, host: str, port: int | None, *, timeout_s: int = TIMEOUT_S
) -> http.client.HTTPConnection:
    """A connection to an address of the operator's; TLS is 1.2 or later and verified."""
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
