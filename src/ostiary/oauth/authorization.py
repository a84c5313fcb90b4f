"""What a client asks a person for, checked (RFC 6749 section 4.1.1, OAuth 2.1, RFC 7636, RFC 8707).

First whether there is a client that may be answered at this address at all; only then may anything be sent there, an error included.
"""

from dataclasses import dataclass

from ostiary.errors import OAuthRequestInvalid, OAuthResponseUnsupported, OstiaryError
from ostiary.ids import TenantId
from ostiary.oauth import redirects, scopes
from ostiary.oauth._rfc7636 import METHOD, is_challenge
from ostiary.oauth.clients import Clients, Registered
from ostiary.oauth.resources import Resources

STATE_CHARACTERS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request as it came, unbelieved; "" for what is absent."""

    response_type: str = ""
    client_id: str = ""
    redirect_uri: str = ""
    scope: str = ""
    state: str = ""
    resource: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be answered. `error` is what is wrong with it nevertheless; the client is told at `redirect_uri`."""

    client: Registered
    redirect_uri: str
    state: str
    scopes: tuple[str, ...] = ()
    resource: str = ""
    challenge: str = ""
    error: OstiaryError | None = None


async def read(clients: Clients, resources: Resources, tenant: TenantId, asked: Asked) -> Request:
    """Raises OAuthClientRefused, and OAuthRequestInvalid for an address that is not the client's: then nobody is sent anywhere."""
    client = await clients.find(tenant, asked.client_id)
    redirect = asked.redirect_uri
    if not redirect and len(client.redirect_uris) == 1 and redirects.acceptable(client.redirect_uris[0]):
        redirect = client.redirect_uris[0]
    if not redirects.fits(redirect, client.redirect_uris):
        raise OAuthRequestInvalid("The redirect URI is not one that this client has registered.")
    state = asked.state if len(asked.state) <= STATE_CHARACTERS_MAX else ""
    try:
        _checked(asked)
        wanted, resource = scopes.asked_or_least(asked.scope), resources.known(asked.resource)
    except OstiaryError as error:
        return Request(client, redirect, state, error=error)
    return Request(client, redirect, state, wanted, resource, asked.code_challenge)


def _checked(asked: Asked) -> None:
    if asked.response_type != "code":
        raise OAuthResponseUnsupported
    if asked.code_challenge_method != METHOD or not is_challenge(asked.code_challenge):
        raise OAuthRequestInvalid("PKCE with S256 is required: code_challenge and code_challenge_method.")
    if len(asked.state) > STATE_CHARACTERS_MAX:
        raise OAuthRequestInvalid("The state is too long.")


def error_name(error: OstiaryError) -> str:
    """What the protocol calls an error of ours (RFC 6749 sections 4.1.2.1 and 5.2)."""
    if error.code.startswith("oauth."):
        return error.code.removeprefix("oauth.")
    if error.status == 503:
        return "temporarily_unavailable"
    return (
        "server_error"
        if error.status >= 500
        else "access_denied"
        if error.status == 403
        else "invalid_request"
    )
