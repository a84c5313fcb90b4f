"""Proof Key for Code Exchange (RFC 7636), S256 only: `plain` is what a downgrade would ask for."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from ostiary.ids import token

METHOD = "S256"
VERIFIER_CHARACTERS = 64
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # section 4.1
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url, section 4.2


def new_verifier() -> str:
    return token(VERIFIER_CHARACTERS)


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")


def is_challenge(text: str) -> bool:
    return _CHALLENGE.fullmatch(text) is not None


def fits(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one that the challenge was made of (section 4.6)."""
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(
        challenge_of(verifier), challenge
    )
