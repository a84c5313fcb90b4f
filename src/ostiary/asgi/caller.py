"""Who is calling, from where: the address behind trusted proxies, and what the request presents as proof."""

import ipaddress
from dataclasses import dataclass

from ostiary.actions import Face
from ostiary.asgi.wire import Scope, all_of, header, target, text_header
from ostiary.config import Network
from ostiary.identity.presented import Presented
from ostiary.secret import Secret

KEY_PREFIXES = ("ost_", "opk_")
HEADER_CHARACTERS_MAX = 8192
TOKEN_DOTS = 2
"""A signed JWT has three parts (RFC 7515 section 3.1); no key and no session token of ours holds a dot."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """The networks whose X-Forwarded-For and X-Forwarded-Proto are believed; nobody else's are."""

    networks: tuple[Network, ...] = ()

    def trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)

    def address(self, scope: Scope) -> str:
        """The caller's address: the right-most forwarded one that is not a trusted proxy's; the peer's where that is no address."""
        peer = scope["client"][0] if scope.get("client") else ""
        if not self.networks or not self.trusts(peer):
            return str(peer)
        hops = [hop.strip() for hop in all_of(scope, b"x-forwarded-for").split(",") if hop.strip()]
        nearest = next((hop for hop in reversed(hops) if not self.trusts(hop)), "")
        return nearest if _is_address(nearest) else str(peer)

    def is_secure(self, scope: Scope) -> bool:
        """Whether the caller's own connection was HTTPS."""
        peer = scope["client"][0] if scope.get("client") else ""
        if self.networks and self.trusts(peer):
            return all_of(scope, b"x-forwarded-proto").rsplit(",", 1)[-1].strip().lower() == "https"
        return scope.get("scheme") == "https"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def presented(
    scope: Scope, body: bytes, face: Face, proxies: Proxies, *, session: Secret | None = None
) -> Presented:
    """What the request shows. A bearer that is neither one of our keys nor a JWT is a person's session token; cookies are the console's affair."""
    authorization = header(scope, b"authorization")
    bearer = token = None
    if authorization[:7].lower() == b"bearer " and len(authorization) <= HEADER_CHARACTERS_MAX:
        shown = authorization[7:].strip().decode("latin-1")
        if shown.startswith(KEY_PREFIXES):
            bearer = Secret(shown)
        elif shown.count(".") == TOKEN_DOTS:
            token = Secret(shown)
        else:
            session = Secret(shown)
    elif authorization:
        bearer = Secret("unreadable")
    signature = text_header(scope, b"ostiary-signature")
    return Presented(
        face=face,
        bearer=bearer,
        session=session,
        signature=signature,
        customer=text_header(scope, b"ostiary-customer"),
        method=scope["method"],
        path=target(scope),
        body=body,
        address=proxies.address(scope),
        user_agent=text_header(scope, b"user-agent")[:256],
        token=token,
    )
