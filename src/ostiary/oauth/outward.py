"""JSON from servers that a tenant, a client or an upstream has named: to vetted addresses only (`net`), small, quick, without redirects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from ostiary.errors import AddressRefused, TargetAnswerInvalid
from ostiary.net.address import Egress, Endpoint, parse_url
from ostiary.net.http import Answer, Bounds, Client, Request

BOUNDS = Bounds(connect_timeout_s=5, timeout_s=10, answer_bytes_max=64 << 10, connections_max=1)
_JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is None where it is no JSON object. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None


class Outward:
    """`allowed` is what the operator lets this gateway reach."""

    def __init__(self, allowed: Egress, bounds: Bounds = BOUNDS) -> None:
        self._allowed = allowed
        self._bounds = bounds

    async def get(self, url: str, *, secure: bool = True, ca_pem: str = "") -> Reply:
        """Raises AddressRefused, TargetUnavailable, TargetTimeout, TargetAnswerTooLarge, TargetAnswerInvalid."""
        endpoint, target = located(url, secure=secure)
        return await self._sent(endpoint, Request("GET", target, _JSON), ca_pem)

    async def post_form(
        self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] = {}, secure: bool = True, ca_pem: str = ""
    ) -> Reply:  # fmt: skip
        """As `get`."""
        endpoint, target = located(url, secure=secure)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._sent(
            endpoint,
            Request("POST", target, {**_JSON, **kind, **headers}, urlencode(fields).encode()),
            ca_pem,
        )

    async def post_json(
        self, url: str, value: Any, *, headers: Mapping[str, str] = {}, secure: bool = True, ca_pem: str = ""
    ) -> Reply:
        """As `get`."""
        endpoint, target = located(url, secure=secure)
        kind = {"Content-Type": "application/json"}
        return await self._sent(
            endpoint, Request("POST", target, {**_JSON, **kind, **headers}, orjson.dumps(value)), ca_pem
        )

    async def _sent(self, endpoint: Endpoint, request: Request, ca_pem: str) -> Reply:
        client = Client(endpoint, self._allowed, self._bounds, ca_pem=ca_pem)
        try:
            return _read(await client.send(request))
        finally:
            await client.close()


def located(url: str, *, secure: bool) -> tuple[Endpoint, str]:
    """The server and the request target of an address. `secure`: https only. Raises AddressRefused for what is not plainly spelled."""
    if any(ord(letter) <= 32 or ord(letter) >= 127 for letter in url):  # urlsplit would drop some of these
        raise AddressRefused("The address holds characters that an address does not have.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise AddressRefused("The address cannot be read.") from None
    endpoint = parse_url(
        parts._replace(query="").geturl(), schemes=("https",) if secure else ("https", "http")
    )
    if url.endswith("?") or any(letter not in _QUERY for letter in parts.query):
        raise AddressRefused("The address cannot be read.")
    path = parts.path or "/"
    return endpoint, f"{path}?{parts.query}" if parts.query else path


_QUERY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%")


def object_of(reply: Reply, status: int = 200) -> dict[str, Any]:
    """The JSON object of a good answer. Raises TargetAnswerInvalid."""
    if reply.status != status or reply.body is None:
        raise TargetAnswerInvalid
    return reply.body


def _read(answer: Answer) -> Reply:
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    return Reply(answer.status, answer.headers, found if isinstance(found, dict) else None)
