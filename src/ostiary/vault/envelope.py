"""One key wrapped by another, and the unambiguous text that binds a ciphertext to where it belongs.

AES-256-GCM with a random 96-bit nonce: a wrapping key wraps far fewer than 2**32 keys (NIST SP 800-38D section 8.3) and is replaced by rotation.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostiary.errors import SealBroken
from ostiary.ids import random_bytes

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


def bound(*parts: str) -> bytes:
    """`("a", "bc")` -> `b"1:a2:bc"`: each part behind its length in characters, so that no two lists of parts give the same bytes."""
    return "".join([f"{len(part)}:{part}" for part in parts]).encode("utf-8", "surrogatepass")


def new_key() -> bytes:
    """256 random bits."""
    return random_bytes(KEY_BYTES)


def wrap(key: AESGCM, plaintext: bytes, aad: bytes) -> bytes:
    """nonce (12) | ciphertext and tag."""
    nonce = random_bytes(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plaintext, aad)


def unwrap(key: AESGCM, wrapped: bytes, aad: bytes) -> bytes:
    """The reverse of `wrap`. Raises SealBroken."""
    if len(wrapped) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken
    try:
        return key.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], aad)
    except InvalidTag as error:
        raise SealBroken from error
