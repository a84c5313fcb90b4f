"""Reversible tokens: `ostk_email_1_9q2k...u` stands for a value, says nothing about it but category and length, and opens only with the scope's key.

Deterministic authenticated encryption, AES-SIV (RFC 5297) with 256-bit keys: the same value in a scope gives the same token as long as the key version is the same,
two values never give one token (it holds the value), and a token that was changed in any character, or comes from another tenant, scope, category or
version, is refused: a forgery succeeds with probability 2 ** -128.

Form: `ostk_` category `_` version `_` payload `u`. The payload is base-32 in letters and digits without i, l, o and u, so that a token is one word in text, URLs, JSON, CSV and
Markdown, survives a change of letter case, and ends at its `u` whatever stands before and follows. It is padded to no length: how long a value is can be seen.

What is canonical. One value is often written in several ways; CANONICAL says for which families we know which. All spellings of a value share the token's stem (the
payload before `o`); a spelling that is not the canonical one follows, sealed as well, so that restoring gives back exactly what was written. Where a rule could
merge two different values there is none: local parts of e-mail addresses, names, and numbers of which separators may be a part are taken as they stand.
"""

import base64
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ostiary.redaction.keys import KeyDestroyed, Scope, derived

VALUE_BYTES_MAX = 16_384
"""The longest value that a token can hold, in UTF-8."""
TOKEN_CHARACTERS_MAX = 60_000
"""No token is longer: a canonical value, its spelling, two synthetic initialisation vectors, in base 32."""
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RFC_4648 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
DIGITS_MAX = 4000
"""Longer runs of digits are packed as text: Python reads no longer numbers."""
_PAYLOAD = "[0-9a-hjkmnp-tv-z]"
PREFIX = "ostk_"
TOKEN = re.compile(
    rf"ostk_((?!ostk_)[a-z](?:(?!ostk_)[a-z0-9_]){{0,63}})_([1-9][0-9]{{0,3}})_({_PAYLOAD}{{28,28000}}+)(?:o({_PAYLOAD}{{28,28000}}+))?u",
    re.IGNORECASE | re.ASCII,
)
"""What looks like a token. Whether it is one, only the key says."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a token stood for."""

    category: str
    value: str


@dataclass(frozen=True, slots=True)
class Refused:
    """reason: "no_token" (not the form), "key_destroyed" (no key of its version), "not_ours" (changed, or of another tenant, scope or category)."""

    reason: str


class ValueTooLong(ValueError):
    """A token cannot hold a value of that length."""


def token(scope: Scope, category: str, value: str) -> str:
    """The token of a value. ValueTooLong, KeyDestroyed; ValueError for what is no category."""
    if not re.fullmatch(r"[a-z](?:[a-z0-9_]{0,62}[a-z0-9])?", category):
        raise ValueError("a category is a lower-case word of at most 64 characters")
    if not 0 < len(value.encode("utf-8", "surrogatepass")) <= VALUE_BYTES_MAX:
        raise ValueTooLong
    siv = _siv(scope, category, scope.version)
    bound = [category.encode(), scope.version.to_bytes(2, "big")]
    plain = canonical(category, value)
    stem = siv.encrypt(_packed(plain), [*bound, b"value"])
    spelling = (
        "" if plain == value else "o" + _encoded(siv.encrypt(_packed(value), [*bound, b"spelling", stem]))
    )
    return f"{PREFIX}{category}_{scope.version}_{_encoded(stem)}{spelling}u"


def restored(scope: Scope, text: str) -> Restored | Refused:
    """The value of a token, in any letter case. Refuses everything that was not made in this scope."""
    found = TOKEN.fullmatch(text)
    if found is None:
        return Refused("no_token")
    category, version = found[1].lower(), int(found[2])
    bound = [category.encode(), version.to_bytes(2, "big")]
    try:
        siv = _siv(scope, category, version)
        stem = _decoded(found[3])
        plain = _unpacked(siv.decrypt(stem, [*bound, b"value"]))
        value = plain
        if found[4] is not None:
            value = _unpacked(siv.decrypt(_decoded(found[4]), [*bound, b"spelling", stem]))
    except KeyDestroyed:
        return Refused("key_destroyed")
    except (InvalidTag, ValueError):
        return Refused("not_ours")
    return Restored(category, value)


def is_token(scope: Scope | None, text: str) -> bool:
    """Whether the whole text is a token of this scope."""
    return scope is not None and isinstance(restored(scope, text), Restored)


def canonical(category: str, value: str) -> str:
    """The one spelling under which equal values meet; the value itself where we know no other that is surely the same."""
    rule = CANONICAL.get(category)
    return rule(value) if rule is not None else value


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    return f"{local}{at}{domain.lower()}" if at and domain.isascii() else value


def _number(value: str) -> str:
    """Card numbers and IBANs (ISO/IEC 7812, ISO 13616): groups are for the eye, letters are upper-case."""
    plain = re.sub(r"[ \-\u00a0\u202f\u2010\u2011.]", "", value).upper()
    return plain if plain.isascii() and plain.isalnum() else value


def _phone(value: str) -> str:
    """E.164 with its plus; a number without one could ring in any country, and is left."""
    if not value.startswith("+") or "(0)" in value:
        return value
    plain = "+" + re.sub(r"[ ().\-/\u00a0\u202f\u2010\u2011]", "", value[1:])
    return plain if re.fullmatch(r"\+[0-9]{7,15}", plain) else value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        return value


def _hardware(value: str) -> str:
    plain = re.sub(r"[:.\-]", "", value).lower()
    return plain if re.fullmatch(r"[0-9a-f]{12}", plain) else value


def _composed(value: str) -> str:
    """Unicode's canonical equivalence (UAX 15, NFC): the same letters, put together."""
    return unicodedata.normalize("NFC", value)


CANONICAL: Mapping[str, Callable[[str], str]] = {
    "email": _email,
    "card": _number,
    "iban": _number,
    "phone": _phone,
    "ip_address": _address,
    "mac_address": _hardware,
    "person": _composed,
    "organisation": _composed,
    "location": _composed,
    "address": _composed,
}


def _siv(scope: Scope, category: str, version: int) -> AESSIV:
    return AESSIV(derived(scope, "token", category, version=version, length=64))


def _packed(value: str) -> bytes:
    """Bytes that say which value: digits alone take less than half a byte each (a leading 1 keeps their zeros), anything else is UTF-8."""
    if value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX:
        number = int("1" + value)
        return b"\x01" + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\x00" + value.encode("utf-8", "surrogatepass")


def _unpacked(data: bytes) -> str:
    if data[:1] == b"\x01":
        return str(int.from_bytes(data[1:], "big"))[1:]
    return data[1:].decode("utf-8", "surrogatepass")


_TO_OURS = str.maketrans(_RFC_4648, _ALPHABET)
_FROM_OURS = str.maketrans(_ALPHABET, _RFC_4648)


def _encoded(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").translate(_TO_OURS)


def _decoded(text: str) -> bytes:
    """ValueError unless it is exactly what `_encoded` writes: no two texts are one token but by letter case."""
    plain = text.lower()
    data = base64.b32decode(plain.translate(_FROM_OURS) + "=" * (-len(plain) % 8))
    if _encoded(data) != plain:
        raise ValueError("spare bits are not zero")
    return data
