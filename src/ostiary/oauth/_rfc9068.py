"""Access tokens as JWTs (RFC 9068), read strictly: the algorithms are ours to choose and never the token's, `none` and shared secrets are no signatures,
and everything that the profile asks for has to be there and right. Nothing of a token is believed before its signature fits."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from ostiary.errors import CredentialRefused

TYPE = "at+jwt"
OWN_ALGORITHMS = ("Ed25519",)
ISSUER_ALGORITHMS = ("Ed25519", "EdDSA", "ES256", "PS256", "RS256")
"""RFC 9864 names Ed25519 what RFC 8037 called EdDSA. Public keys only: with HS256 the issuer's published key would be the secret (RFC 8725 section 3.1)."""
TOKEN_CHARACTERS_MAX = 8000
LEEWAY_S = 30
"""How far the clocks of another issuer may be from ours."""
LIFE_S_MAX = 24 * 3600
"""A token that claims to be valid for longer is no access token."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says of itself, unverified: only good for finding the key that it has to fit."""

    issuer: str
    kid: str
    algorithm: str
    audiences: tuple[str, ...]


def signed(key: OKPKey, kid: str, claims: Mapping[str, Any]) -> str:
    header = {"alg": OWN_ALGORITHMS[0], "kid": kid, "typ": TYPE}
    return jwt.encode(header, dict(claims), key, algorithms=list(OWN_ALGORITHMS))


def claimed(text: str) -> Claimed:
    """Raises CredentialRefused for what is not a signed JWT of a shape that we take."""
    parts = text.split(".")
    if len(parts) != 3 or not all(parts) or len(text) > TOKEN_CHARACTERS_MAX or not text.isascii():
        raise CredentialRefused
    header, body = _opened(parts[0]), _opened(parts[1])
    if "crit" in header or any(name in header for name in ("jwk", "jku", "x5u", "x5c")):
        raise CredentialRefused  # a key that the token brings along proves nothing
    return Claimed(_text(body, "iss"), _text(header, "kid"), _text(header, "alg"), audiences(body))


def verified(
    text: str, keys: KeySet, *, algorithms: tuple[str, ...], issuer: str, now_s: int, strict_type: bool = True
) -> Mapping[str, Any]:
    """The claims, after the signature, the type, the issuer and the times have been checked. The audience is the caller's. Raises CredentialRefused."""
    said = claimed(text)
    if said.algorithm not in algorithms or said.issuer != issuer:
        raise CredentialRefused
    try:
        token = jwt.decode(text, keys, algorithms=list(algorithms))
    except (JoseError, ValueError, TypeError, KeyError):
        raise CredentialRefused from None
    kind = str(token.header.get("typ", "")).lower().removeprefix("application/")
    if kind != TYPE and (strict_type or kind != "jwt"):
        raise CredentialRefused  # an id token is not an access token (RFC 9068 section 4)
    claims = token.claims
    expires: Any = claims.get("exp")
    issued: Any = claims.get("iat")
    if not _is_time(expires) or not _is_time(issued) or claims.get("iss") != issuer:
        raise CredentialRefused
    begins: Any = claims.get("nbf", issued)
    if (
        not _is_time(begins)
        or now_s >= expires + LEEWAY_S
        or now_s < begins - LEEWAY_S
        or now_s < issued - LEEWAY_S
    ):
        raise CredentialRefused
    if expires - issued > LIFE_S_MAX:
        raise CredentialRefused
    return claims


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """`aud` is one text or a list of them (RFC 7519 section 4.1.3)."""
    found = claims.get("aud", ())
    several = [found] if isinstance(found, str) else found
    if not isinstance(several, list) or not all(isinstance(each, str) for each in several):
        return ()
    return tuple(several[:20])


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**40


def _opened(part: str) -> dict[str, Any]:
    try:
        found = orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise CredentialRefused from None
    if not isinstance(found, dict):
        raise CredentialRefused
    return found


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name, "")
    return value if isinstance(value, str) and len(value) <= 500 else ""
