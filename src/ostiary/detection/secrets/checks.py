"""Checks of secrets: what no issuer would give out is a placeholder; where an issuer publishes a checksum or a structure, it must hold."""

import base64
import binascii
import hashlib
import json
import re
import zlib

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHECKSUM_CHARACTERS = 6
DIFFERENT_MIN = 6
"""Fewer different characters than this in the last TAIL are a filler, such as 0000 or abababab."""
TAIL = 24

_FILLER = re.compile(
    r"(?i)example|placeholder|your[_\-]?|x{4}|\*{3}|<[a-z]|\$\{|\{\{|changeme|redacted|dummy|insert[_\-]|replace[_\-]|\[[a-z_]+\]|\.{3}|\0"
)


def genuine(text: str) -> bool:
    """No placeholder: neither a word that says so, nor one character over and over."""
    return len(set(text[-TAIL:])) >= DIFFERENT_MIN and _FILLER.search(text) is None


def crc32_base62(body: str) -> str:
    """Six characters of CRC-32 in base 62, as GitHub and npm end their tokens (github.blog, "Behind GitHub's new authentication token formats", 2021)."""
    rest, letters = zlib.crc32(body.encode()), ""
    while rest:
        rest, digit = divmod(rest, 62)
        letters = _BASE62[digit] + letters
    return letters.rjust(CHECKSUM_CHARACTERS, "0")


def crc32_ends(text: str) -> bool:
    """Prefix, underscore, random characters, and their checksum."""
    body = text.partition("_")[2]
    return body[-CHECKSUM_CHARACTERS:] == crc32_base62(body[:-CHECKSUM_CHARACTERS])


def decoded(text: str) -> bytes:
    """Base64 of either alphabet, with or without padding; nothing where it is none."""
    plain = re.sub(r"[\s\\]", "", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        return b""


def jwt(text: str) -> bool:
    """RFC 7515 and 7516: the first part is a JSON object that names its algorithm."""
    raw = decoded(text.split(".", 1)[0])
    try:
        head = json.loads(raw)
    except (ValueError, RecursionError):  # a header nested a thousand deep is an attack on its reader
        return raw.startswith(b'{"') and b'"alg"' in raw
    return isinstance(head, dict) and bool({"alg", "enc", "typ", "kid"} & head.keys())


def json_in_base64(text: str) -> bool:
    """The part that begins with `eyJ` holds the beginning of a JSON object."""
    return decoded(text[text.index("eyJ") :][:40].rstrip("="))[:2] == b'{"'


def pypi(text: str) -> bool:
    """A macaroon (version 2) whose location is the package index; a long one may be of another index."""
    return b"pypi.org" in decoded(text.removeprefix("pypi-")[:24]) or (len(text) >= 60 and genuine(text))


def data_center(text: str) -> bool:
    """Jira, Confluence and Bitbucket Data Center: base64 of a number of twelve digits, a colon, and twenty random bytes."""
    number, colon, _ = decoded(text).partition(b":")
    return bool(colon) and len(number) == 12 and number.isdigit()


def user_and_password(text: str) -> bool:
    """RFC 7617: base64 of `user:password`, both of them printable."""
    raw = decoded(text)
    try:
        user, colon, password = raw.decode("utf-8").partition(":")
    except UnicodeDecodeError:
        return False
    return bool(user and colon and password) and (user + password).isprintable() and genuine(text)


def base58_checked(text: str) -> bool:
    """The last four bytes are the double SHA-256 of the rest (BIP 32, wallet import format)."""
    value = 0
    for char in text:
        value = value * 58 + _BASE58.index(char)
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def private_key_in_base64(text: str) -> bool:
    return b"PRIVATE KEY" in decoded(re.split(r"[^A-Za-z0-9+/=\s\\]", text)[0])


PEM_CHARACTERS_MIN = 16
_PEM_EDGE = re.compile(r"-{4,5} ?(?:BEGIN|END) [A-Za-z0-9 ]{0,60}-{4,5}")


def pem_body(text: str) -> bool:
    """RFC 7468: something stands between the lines; a mere header, or one with dots for a body, is no key."""
    body = _PEM_EDGE.sub("", text)
    return len(re.sub(r"[^A-Za-z0-9+/]", "", body)) >= PEM_CHARACTERS_MIN and not re.search(
        r"\*{3}|<[a-z]", body
    )


def age_key(text: str) -> bool:
    return len(set(text[16:])) > DIFFERENT_MIN
