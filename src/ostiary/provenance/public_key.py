"""The public half of an Ed25519 key as people have it: a PEM file (RFC 8410, what `openssl pkey -pubout` writes) or 32 bytes as base64url (RFC 8037's `x`).

Whoever pastes the private half is told so: it has been where it should not have been.
"""

import binascii
import re
from base64 import b64decode, urlsafe_b64encode

TEXT_CHARACTERS_MAX = 2_000
_HEAD = bytes.fromhex("302a300506032b6570032100")
"""SubjectPublicKeyInfo of an Ed25519 key is this and the 32 bytes (RFC 8410 section 4)."""
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{43}")
_EXPECTED = "It is no Ed25519 public key: write PEM (BEGIN PUBLIC KEY), or 43 characters of base64url."


class NoPublicKey(ValueError):
    """The text is a sentence for whoever gave it."""


def read(text: str) -> str:
    """The 43 characters of base64url that `intent_key.register` takes. Raises NoPublicKey."""
    plain = text.strip()
    if len(plain) > TEXT_CHARACTERS_MAX:
        raise NoPublicKey(_EXPECTED)
    if "PRIVATE KEY" in plain:
        raise NoPublicKey(
            "This is the private half, and nothing was sent on. It stays with the application; give the public half."
        )
    if _PLAIN.fullmatch(plain):
        return plain
    found = _PEM.fullmatch(plain)
    if found is None:
        raise NoPublicKey(_EXPECTED)
    try:
        raw = b64decode("".join(found[1].split()), validate=True)
    except binascii.Error:
        raise NoPublicKey(_EXPECTED) from None
    if not raw.startswith(_HEAD) or len(raw) != len(_HEAD) + 32:
        raise NoPublicKey("It is a public key of another kind: only Ed25519 is taken.")
    return urlsafe_b64encode(raw[len(_HEAD) :]).rstrip(b"=").decode()
