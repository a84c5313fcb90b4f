"""AWS Signature Version 4 for requests without a body, as S3 and what speaks like it want it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from ostiary.discovery.storage import Credentials

EMPTY = hashlib.sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A GET. `path` is as it is sent, percent-encoded; `query` is not encoded yet."""

    host: str
    path: str
    query: Mapping[str, str]


def encoded(query: Mapping[str, str]) -> str:
    """The canonical query: what is signed, and what is sent."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def path_of(*parts: str) -> str:
    """The canonical path to these parts, each of which may hold slashes."""
    return "/" + "/".join(quote(part, safe="/-_.~") for part in parts)


def signed(request: Unsigned, credentials: Credentials | None, *, region: str, at_us: int) -> dict[str, str]:
    """The headers to send with it. Without credentials: none, for what everybody may read."""
    if credentials is None:
        return {}
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    headers = {"host": request.host, "x-amz-content-sha256": EMPTY, "x-amz-date": at}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    canonical = f"GET\n{request.path}\n{encoded(request.query)}\n{lines}\n{names}\n{EMPTY}"
    text = f"{_ALGORITHM}\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + credentials.secret.reveal().encode()
    for step in (at[:8], region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {
        "x-amz-content-sha256": EMPTY,
        "x-amz-date": at,
        "Authorization": f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}",
    }
