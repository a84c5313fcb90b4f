"""A statement of intent: what a person wants of an agent, signed by a key that the agent does not hold. A JWS in its compact form (RFC 7515) with EdDSA over
Ed25519 (RFC 8037), and nothing else of JOSE: no other algorithm, no key in the header, nothing that is critical.

    header   {"alg": "EdDSA", "kid": "ink_...", "typ": "ostiary-intent+jwt"}
    claims   aud: the tenant; sub: the agent's key; jti: used once; iat, exp: seconds; intent: the person's words
             session: the session that the words are added to, where it is open already; max_s: how long a new session may last
"""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ostiary.actions import JsonValue
from ostiary.errors import StatementRefused

STATEMENT_CHARACTERS_MAX = 40_000
LIFE_S_MAX = 900
SKEW_S = 60
TYPE = "ostiary-intent+jwt"
KEY_BYTES = 32

_COMPACT = re.compile(r"([A-Za-z0-9_-]{1,1000})\.([A-Za-z0-9_-]{1,39000})\.([A-Za-z0-9_-]{86})")
_NAMES = frozenset({"alg", "kid", "typ"})
_CLAIMS = frozenset({"aud", "sub", "jti", "iat", "exp", "intent", "session", "max_s"})
_JTI = re.compile(r"[A-Za-z0-9_.:-]{8,64}")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A statement whose signature nobody has looked at yet: whose key it names."""

    key: str
    signed: bytes
    signature: bytes
    claims: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that counts. `session` is empty where it opens a new one; `max_s` 0 where it does not say."""

    key: str
    agent: str
    jti: str
    intent: str
    session: str
    max_s: int


def read(text: str) -> Claimed:
    """The parts of a compact JWS of ours. Raises StatementRefused."""
    parts = _COMPACT.fullmatch(text) if len(text) <= STATEMENT_CHARACTERS_MAX else None
    if parts is None:
        raise StatementRefused("It is not a JWS in compact form.")
    header, claims = _json(parts[1]), _json(parts[2])
    if set(header) != _NAMES or header["alg"] != "EdDSA" or header["typ"] != TYPE:
        raise StatementRefused(f"Its header must be exactly alg EdDSA, kid, and typ {TYPE}.")
    if not isinstance(header["kid"], str):
        raise StatementRefused("kid must name an intent key.")
    return Claimed(header["kid"], f"{parts[1]}.{parts[2]}".encode(), _bytes(parts[3]), claims)


def checked(claimed: Claimed, public: bytes, *, tenant: str, agent: str, now_s: int) -> Statement:
    """The statement, if this key made it, for this tenant and agent, and its time is now. Raises StatementRefused; the signature is looked at first."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(claimed.signature, claimed.signed)
    except (InvalidSignature, ValueError):
        raise StatementRefused("The signature does not fit.") from None
    claims = claimed.claims
    if unknown := sorted(set(claims) - _CLAIMS):
        raise StatementRefused(f"It claims something that is not known: {unknown[0][:40]!r}.")
    if claims.get("aud") != tenant:
        raise StatementRefused("It is not for this tenant (aud).")
    if claims.get("sub") != agent:
        raise StatementRefused("It is not for this agent (sub).")
    _timely(claims.get("iat"), claims.get("exp"), now_s)
    intent, jti = claims.get("intent"), claims.get("jti")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise StatementRefused("jti must be 8 to 64 characters of A-Z a-z 0-9 _ . : -")
    if not isinstance(intent, str):
        raise StatementRefused("intent must be text.")
    session, max_s = claims.get("session", ""), claims.get("max_s", 0)
    if not isinstance(session, str) or not _whole(max_s):
        raise StatementRefused("session must be a session's id, max_s whole seconds.")
    return Statement(claimed.key, agent, jti, intent, session, max_s)


def _timely(issued: JsonValue, expires: JsonValue, now_s: int) -> None:
    if not _whole(issued) or not _whole(expires):
        raise StatementRefused("iat and exp must be whole seconds.")
    if not issued - SKEW_S <= now_s < expires or expires - issued > LIFE_S_MAX:
        raise StatementRefused(f"It is not of now, or it counts for longer than {LIFE_S_MAX} seconds.")


def _whole(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def public_bytes(text: str) -> bytes:
    """The 32 bytes of a public key as base64url (RFC 8037's `x`). Raises ValueError for what is no point that signs."""
    raw = _decoded(text)
    if len(raw) != KEY_BYTES:
        raise ValueError("32 bytes as base64url without padding")
    Ed25519PublicKey.from_public_bytes(raw)
    return raw


def _bytes(text: str) -> bytes:
    try:
        return _decoded(text)
    except ValueError:
        raise StatementRefused("It is not base64url without padding.") from None


def _decoded(text: str) -> bytes:
    """base64url, strictly: one text for one value (RFC 7515 section 2)."""
    try:
        raw = b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if binascii.b2a_base64(raw, newline=False).translate(_URL).rstrip(b"=") != text.encode("ascii"):
        raise ValueError("not canonical base64url")
    return raw


_URL = bytes.maketrans(b"+/", b"-_")


def _json(text: str) -> dict[str, JsonValue]:
    try:
        value = orjson.loads(_bytes(text))
    except orjson.JSONDecodeError:
        raise StatementRefused("Header and claims must be JSON objects.") from None
    if not isinstance(value, dict):
        raise StatementRefused("Header and claims must be JSON objects.")
    return value
