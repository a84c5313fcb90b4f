"""One signature for both directions: for calls that programs send to us, and for calls that we send to a tenant's systems.

    Ostiary-Signature: t=<unix seconds>,n=<nonce>,v1=<hex>[,v1=<hex>]

`v1` is HMAC-SHA256 with a shared secret over these six lines, joined by a newline (no newline at the end):

    v1
    <unix seconds>
    <nonce>
    <METHOD>
    <path with query, as on the request line>
    <hex SHA-256 of the raw body>

Two `v1` are sent while a secret is being rotated: one made with each. A receiver accepts if any fits. The nonce makes a captured request useless
twice, if the receiver remembers nonces for as long as the tolerance. docs/connectors.md shows a receiver.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from ostiary.errors import SignatureRefused
from ostiary.secret import Secret

HEADER = "Ostiary-Signature"
TOLERANCE_S = 300
HEADER_LENGTH_MAX = 512
_HEADER = re.compile(r"t=([0-9]{1,12}),n=([A-Za-z0-9_-]{16,64})((?:,v1=[0-9a-f]{64}){1,4})")


def sign(secrets: Sequence[Secret], *, method: str, path: str, body: bytes, now_s: int, nonce: str) -> str:
    """The header's value. `path` includes the query; `nonce` is 16 to 64 characters of A-Z a-z 0-9 _ -, never used before."""
    message = _message(str(now_s), nonce, method, path, body)
    value = f"t={now_s},n={nonce}" + "".join(f",v1={_mac(secret, message)}" for secret in secrets)
    if _HEADER.fullmatch(value) is None or "\n" in method + path:
        raise ValueError("one to four secrets and a nonce of 16 to 64 characters of A-Z a-z 0-9 _ -")
    return value


def check(
    header: str,
    secrets: Sequence[Secret],
    *,
    method: str,
    path: str,
    body: bytes,
    now_s: int,
    tolerance_s: int = TOLERANCE_S,
) -> str:
    """The nonce of a valid header, to be remembered for at least twice `tolerance_s` by who accepts it. Raises SignatureRefused.

    Every signature is compared with every secret, each in constant time, so that the time taken says nothing.
    """
    parsed = _HEADER.fullmatch(header) if len(header) <= HEADER_LENGTH_MAX else None
    if parsed is None or "\n" in method + path:  # a line more in one field would be a line less in the next
        raise SignatureRefused("The header is missing or not of the form t=...,n=...,v1=....")
    at, nonce, listed = parsed.groups()
    message = _message(at, nonce, method, path, body)
    given = [part.removeprefix("v1=") for part in listed[1:].split(",")]
    fitting = [hmac.compare_digest(_mac(secret, message), claimed) for secret in secrets for claimed in given]
    if True not in fitting:
        raise SignatureRefused("The signature does not fit the method, path, body, time and nonce.")
    if abs(now_s - int(at)) > tolerance_s:
        raise SignatureRefused(f"The time is more than {tolerance_s} seconds off; check the clock.")
    return nonce


def _message(at: str, nonce: str, method: str, path: str, body: bytes) -> bytes:
    return "\n".join(("v1", at, nonce, method.upper(), path, hashlib.sha256(body).hexdigest())).encode()


def _mac(secret: Secret, message: bytes) -> str:
    return hmac.new(secret.reveal().encode(), message, hashlib.sha256).hexdigest()
