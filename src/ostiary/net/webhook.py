"""Standard Webhooks: how what we post is signed, so that any of its libraries verifies it; and how the address of a webhook is read. Pure.

    webhook-id: <id, the same each time it is sent>
    webhook-timestamp: <unix seconds>
    webhook-signature: v1,<base64 HMAC-SHA256 over `id.timestamp.body`>[ v1,...]
                       v1a,<base64 Ed25519 (RFC 8032) over the same>[ v1a,...]

A secret is `whsec_` and base64; a signing key is `whsk_` and base64, and never leaves us: receivers have its public half, `whpk_` and base64. While one is
being replaced, two signatures are sent: a receiver accepts if any fits.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ostiary.errors import AddressRefused
from ostiary.ids import random_bytes
from ostiary.net.address import URL_CHARACTERS_MAX, Endpoint, parse_url
from ostiary.secret import Secret

PREFIX = "whsec_"
PRIVATE, PUBLIC = "whsk_", "whpk_"
SECRET_BYTES = 32
_QUERY = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]*")
"""RFC 3986 section 3.4, without what would have to be encoded."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a webhook is posted. `target` is the path with its query, as on the request line: unlike a system's base address it may have one."""

    endpoint: Endpoint
    target: str


def destination(url: str) -> Destination:
    """Raises AddressRefused for whatever is not plainly spelled."""
    if len(url) > URL_CHARACTERS_MAX:
        raise AddressRefused("The address is too long.")
    base, mark, query = url.partition("?")
    endpoint = parse_url(base)
    if not _QUERY.fullmatch(query):
        raise AddressRefused("The query must be plain and percent-encoded, without a fragment.")
    slash = "/" if base.endswith("/") or not endpoint.path else ""
    return Destination(endpoint, endpoint.path + slash + mark + query)


def new_secret() -> Secret:
    return Secret(PREFIX + base64.b64encode(random_bytes(SECRET_BYTES)).decode())


def new_key() -> Secret:
    """A signing key: the 32 bytes that RFC 8032 section 5.1.5 calls the private key."""
    return Secret(PRIVATE + base64.b64encode(random_bytes(SECRET_BYTES)).decode())


def public_key(secret: Secret) -> str:
    """The public half of a signing key, for whoever verifies; empty for a secret, which has none."""
    if not _is_key(secret):
        return ""
    return PUBLIC + base64.b64encode(_ed25519(secret).public_key().public_bytes_raw()).decode()


def headers(secrets: Sequence[Secret], *, message: str, now_s: int, body: bytes) -> dict[str, str]:
    """What is sent beside the body: a signature by each of the secrets and signing keys. `message` is the message's id. Raises ValueError where there is no
    secret, or an id with a dot in it."""
    if not secrets or not message or "." in message:
        raise ValueError("a webhook has a secret, and an id without a dot")
    signed = f"{message}.{now_s}.".encode() + body
    return {
        "webhook-id": message,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: Secret, signed: bytes) -> str:
    if _is_key(secret):
        return "v1a," + base64.b64encode(_ed25519(secret).sign(signed)).decode()
    return "v1," + base64.b64encode(hmac.digest(_bytes(secret, PREFIX), signed, hashlib.sha256)).decode()


def _is_key(secret: Secret) -> bool:
    return secret.reveal().startswith(PRIVATE)


def _ed25519(secret: Secret) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_bytes(secret, PRIVATE))


def _bytes(secret: Secret, prefix: str) -> bytes:
    try:
        return base64.b64decode(secret.reveal().removeprefix(prefix), validate=True)
    except binascii.Error as error:
        raise ValueError(f"the secret is {prefix} and base64") from error
