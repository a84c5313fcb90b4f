"""What an authorization server says of itself (RFC 8414, or OpenID Connect Discovery), and what a protected resource says (RFC 9728).

A document counts only if it names who was asked about: else one server could hand its visitors on to another (RFC 8414 section 3.3, the mix-up attack).
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ostiary.errors import AddressRefused, AuthorizationServerRefused
from ostiary.oauth._rfc7636 import METHOD
from ostiary.oauth.outward import Outward, Reply, located

URL_CHARACTERS_MAX = 1000
NAMES_MAX = 50
_PARAMETER = re.compile(r'([a-z_]+)=(?:"([^"\\]{0,1000})"|([^\s",]{1,1000}))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Server:
    """An authorization server; "" for what it does not offer."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str = ""
    revocation_endpoint: str = ""
    jwks_uri: str = ""
    methods: tuple[str, ...] = ()
    challenges: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    says_issuer: bool = False
    takes_documents: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    resource: str
    servers: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 or 403 says (RFC 6750 section 3, RFC 9728 section 5.1)."""

    metadata: str = ""
    scope: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """How discovery goes out. `secure`: https only, which is so for everything but a system that is itself reached by http. `ca_pem`: its own authorities."""

    outward: Outward
    secure: bool = True
    ca_pem: str = ""

    async def get(self, url: str) -> Reply:
        return await self.outward.get(url, secure=self.secure, ca_pem=self.ca_pem)


def places_of_server(issuer: str) -> list[str]:
    """RFC 8414 section 3.1, then OpenID Connect Discovery section 4.1 in both of its spellings."""
    parts = urlsplit(issuer)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    found = [
        f"{base}/.well-known/oauth-authorization-server{path}",
        f"{base}/.well-known/openid-configuration{path}",
        f"{base}{path}/.well-known/openid-configuration",
    ]
    return list(dict.fromkeys(found))


def places_of_resource(url: str) -> list[str]:
    """RFC 9728 section 3.1: beside the path, then for the whole server."""
    parts = urlsplit(url)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return list(dict.fromkeys([f"{base}/.well-known/oauth-protected-resource{path}", f"{base}/.well-known/oauth-protected-resource"]))  # fmt: skip


async def server_of(reach: Reach, issuer: str) -> Server:
    """Raises AuthorizationServerRefused, AddressRefused and the target errors."""
    for place in places_of_server(issuer):
        reply = await reach.get(place)
        if reply.status == 200 and reply.body is not None:
            return read_server(reply.body, issuer, secure=reach.secure)
        if reply.status >= 500:
            raise AuthorizationServerRefused("The authorization server does not say what it offers.")
    raise AuthorizationServerRefused("The authorization server does not say what it offers.")


async def resource_of(reach: Reach, url: str, challenge: Challenge) -> Resource | None:
    """What the resource at `url` says of itself; None where it says nothing. Raises as `server_of`."""
    for place in [challenge.metadata] if challenge.metadata else places_of_resource(url):
        reply = await reach.get(place)
        if reply.status == 200 and reply.body is not None:
            return read_resource(reply.body, url)
        if reply.status >= 500:
            raise AuthorizationServerRefused("The system does not say which authorization server is its own.")
    return None


def read_server(found: dict[str, Any], issuer: str, *, secure: bool) -> Server:
    """Raises AuthorizationServerRefused."""
    if found.get("issuer") != issuer:
        raise AuthorizationServerRefused("The authorization server's document names another issuer.")
    return Server(
        issuer,
        _address(found, "authorization_endpoint", secure=secure),
        _address(found, "token_endpoint", secure=secure),
        _address(found, "registration_endpoint", secure=secure),
        _address(found, "revocation_endpoint", secure=secure),
        _address(found, "jwks_uri", secure=secure),
        _names(found, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        _names(found, "code_challenge_methods_supported"),
        _names(found, "scopes_supported"),
        found.get("authorization_response_iss_parameter_supported") is True,
        found.get("client_id_metadata_document_supported") is True,
    )


def must_authorize(server: Server) -> None:
    """Raises AuthorizationServerRefused for a server that cannot do the code flow safely: PKCE with S256 is not optional."""
    if not server.authorization_endpoint or not server.token_endpoint:
        raise AuthorizationServerRefused("The authorization server offers no code flow.")
    if METHOD not in server.challenges:
        raise AuthorizationServerRefused("The authorization server does not offer PKCE with S256.")


def read_resource(found: dict[str, Any], url: str) -> Resource:
    """Raises AuthorizationServerRefused for a document about something else (RFC 9728 section 3.3)."""
    resource = found.get("resource")
    if not isinstance(resource, str) or not _covers(resource, url):
        raise AuthorizationServerRefused("The system's metadata names another resource.")
    return Resource(resource, _names(found, "authorization_servers"), _names(found, "scopes_supported"))


def challenge_of(header: str) -> Challenge:
    """The Bearer challenge of a WWW-Authenticate header; empty where there is none."""
    if len(header) > 8000 or "bearer" not in header.lower():
        return Challenge()
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(header)}
    return Challenge(found.get("resource_metadata", ""), found.get("scope", ""), found.get("error", ""))


def _covers(resource: str, url: str) -> bool:
    """Whether the resource is the address, or one above it on the same server."""
    one, other = urlsplit(resource), urlsplit(url)
    if (one.scheme, one.netloc.lower()) != (other.scheme, other.netloc.lower()) or one.query or one.fragment:
        return False
    return (other.path.rstrip("/") + "/").startswith(one.path.rstrip("/") + "/")


def _address(found: dict[str, Any], name: str, *, secure: bool) -> str:
    value = found.get(name, "")
    if not value:
        return ""
    if not isinstance(value, str) or len(value) > URL_CHARACTERS_MAX:
        raise AuthorizationServerRefused("The authorization server's document cannot be read.")
    try:
        located(value, secure=secure)
    except AddressRefused:
        raise AuthorizationServerRefused(
            "The authorization server names an address that is not safe."
        ) from None
    return value


def _names(found: dict[str, Any], name: str) -> tuple[str, ...]:
    values = found.get(name)
    if not isinstance(values, list):
        return ()
    return tuple(
        each for each in values[:NAMES_MAX] if isinstance(each, str) and len(each) <= URL_CHARACTERS_MAX
    )
