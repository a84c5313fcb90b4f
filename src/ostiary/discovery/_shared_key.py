"""How Azure's storage wants a request without a body authorised: with the account's key (Shared Key), or with a SAS token in the query.

https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote

from ostiary.discovery.storage import Credentials
from ostiary.secret import Secret

VERSION = "2021-12-02"
"""Of the protocol: the first that spells names which XML cannot hold."""
ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_EMPTY_HEADERS = 11
"""Between the verb and our own headers: Content-Encoding to Range. We send none of them."""


def is_usable(secret: Secret) -> bool:
    """Whether it is an account's key (base64) or a SAS token."""
    return _sas(secret) is not None or _key(secret) is not None


def signed(path: str, query: Mapping[str, str], credentials: Credentials | None, *, headers: Mapping[str, str], at_us: int) -> tuple[str, dict[str, str]]:  # fmt: skip
    """The target and the headers to send. `path` is percent-encoded, `query` is not; `headers`: of Azure's own (`x-ms-...`), spelled small.

    Without credentials: what everybody may read.
    """
    at = format_datetime(datetime.fromtimestamp(at_us // 1_000_000, UTC), usegmt=True)
    sent = {**headers, "x-ms-date": at, "x-ms-version": VERSION}
    token = _sas(credentials.secret) if credentials else None
    asked = encoded({**query, **dict(token)} if token else query)
    target = f"{path}?{asked}" if asked else path
    key = _key(credentials.secret) if credentials and token is None else None
    if credentials is None or key is None:
        return target, sent
    own = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    resource = f"/{credentials.access_key}{path}" + "".join(f"\n{name.lower()}:{query[name]}" for name in sorted(query))  # fmt: skip
    text = "GET\n" + "\n" * _EMPTY_HEADERS + own + resource
    signature = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    return target, {**sent, "Authorization": f"SharedKey {credentials.access_key}:{signature}"}


def encoded(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items())  # fmt: skip


def _sas(secret: Secret) -> list[tuple[str, str]] | None:
    pairs = parse_qsl(secret.reveal().removeprefix("?"))
    return pairs if "sig" in dict(pairs) and "sv" in dict(pairs) else None


def _key(secret: Secret) -> bytes | None:
    try:
        return base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        return None
