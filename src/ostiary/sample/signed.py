"""How a receiver checks the gateway's signature, written from docs/connectors.md with the standard library alone.

It shares no code with `net.signature` on purpose: what a tenant's engineer would write has to work. `received` is the whole of it.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence

TOLERANCE_S = 300


class BadSignature(Exception):
    """The request does not come from who holds the secret, or comes late, or comes again."""


def received(
    header: str,
    *,
    secrets: Sequence[bytes],
    method: str,
    target: str,
    body: bytes,
    now_s: int,
    first_time: Callable[[str], bool],
) -> None:
    """Pass if one of the signatures fits one of the secrets, the time is near and the nonce is new. Raises BadSignature.

    `target` is the path with its query as it came on the request line; `first_time` remembers nonces for twice TOLERANCE_S.
    """
    parts = [part.partition("=") for part in header.split(",")]
    values = {name: value for name, _, value in parts if name != "v1"}
    at, nonce = values.get("t", ""), values.get("n", "")
    message = "\n".join(("v1", at, nonce, method, target, hashlib.sha256(body).hexdigest())).encode()
    wanted = [hmac.new(secret, message, hashlib.sha256).hexdigest() for secret in secrets]
    given = [value for name, _, value in parts if name == "v1"]
    if not any(hmac.compare_digest(want.encode(), have.encode()) for want in wanted for have in given):
        raise BadSignature("the signature does not fit")
    if not at.isdigit() or abs(now_s - int(at)) > TOLERANCE_S:
        raise BadSignature("the time is too far off")
    if not first_time(nonce):
        raise BadSignature("this request came before")
