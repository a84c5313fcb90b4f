"""Which customer is behind a publishable key: a short-lived token that the tenant's own back-end signs.

    Ostiary-Customer: s=<subject>,e=<unix seconds>,v1=<hex>

`v1` is HMAC-SHA256 with the tenant's signing secret over four lines joined by a newline: `customer-v1`, the tenant's id, the subject, the expiry.
The subject never comes from a parameter, so a customer cannot name another one.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from ostiary.errors import CredentialRefused
from ostiary.ids import SubjectId, TenantId
from ostiary.secret import Secret

HEADER = "Ostiary-Customer"
LIFETIME_S_MAX = 3600
HEADER_LENGTH_MAX = 300
_HEADER = re.compile(r"s=([A-Za-z0-9._:@-]{1,128}),e=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: Secret, *, tenant: TenantId, subject: SubjectId, expires_s: int) -> str:
    """The header's value, as a tenant's back-end makes it."""
    value = f"s={subject},e={expires_s},v1={_mac(secret, tenant, subject, str(expires_s))}"
    if _HEADER.fullmatch(value) is None:
        raise ValueError("a subject is 1 to 128 characters of A-Z a-z 0-9 . _ : @ -")
    return value


def check(header: str, secrets: Sequence[Secret], *, tenant: TenantId, now_s: int) -> SubjectId:
    """The subject of a valid token. Raises CredentialRefused: malformed, forged, expired, or valid for longer than LIFETIME_S_MAX."""
    parsed = _HEADER.fullmatch(header) if len(header) <= HEADER_LENGTH_MAX else None
    if parsed is None:
        raise CredentialRefused
    subject, expires, claimed = parsed.groups()
    fitting = [hmac.compare_digest(_mac(secret, tenant, subject, expires), claimed) for secret in secrets]
    if True not in fitting or not now_s < int(expires) <= now_s + LIFETIME_S_MAX:
        raise CredentialRefused
    return SubjectId(subject)


def _mac(secret: Secret, tenant: TenantId, subject: str, expires: str) -> str:
    message = "\n".join(("customer-v1", tenant, subject, expires)).encode()
    return hmac.new(secret.reveal().encode(), message, hashlib.sha256).hexdigest()
