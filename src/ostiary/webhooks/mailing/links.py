"""The link in a mail that leads to one card. It is signed, so that it is ours and not a guess, and it decides nothing: who follows it signs in first, as whom it was
mailed to, and then looks at the card as anybody who may decide does.

    v1.<tenant>.<person>.<approval>.<unix seconds>.<mac>

The MAC is HMAC-SHA256 with a key of the installation, over what stands before it.
"""

import base64
import hmac
import re
from dataclasses import dataclass

from ostiary.clock import SECOND_US
from ostiary.errors import LinkRefused
from ostiary.ids import INSTALL, TenantId
from ostiary.vault.sealing import Vault

PURPOSE = "approval-link"
CHARACTERS_MAX = 300
_TOKEN = re.compile(
    r"(v1\.([a-z0-9_]{1,64})\.(per_[0-9a-f]{32})\.(apr_[0-9a-f]{32})\.([0-9]{1,12}))\.([A-Za-z0-9_-]{43})"
)


@dataclass(frozen=True, slots=True)
class Link:
    """Whom it was mailed to, and where it leads, until when."""

    tenant: TenantId
    person: str
    approval: str
    until_us: int


def token(vault: Vault, link: Link) -> str:
    """What stands in the address. Raises KeysUnavailable."""
    said = f"v1.{link.tenant}.{link.person}.{link.approval}.{link.until_us // SECOND_US}"
    return f"{said}.{_mac(vault, said)}"


def read(vault: Vault, text: str, *, person: str, now_us: int) -> Link:
    """The link, if we made it for this person and its time is not over. Raises LinkRefused."""
    found = _TOKEN.fullmatch(text) if len(text) <= CHARACTERS_MAX else None
    if found is None or not hmac.compare_digest(_mac(vault, found[1]), found[6]):
        raise LinkRefused("It was cut short or changed on its way; look under Approvals.")
    link = Link(TenantId(found[2]), found[3], found[4], int(found[5]) * SECOND_US)
    if link.person != person:
        raise LinkRefused("It was mailed to somebody else; sign in with the address that got it.")
    if link.until_us <= now_us:
        raise LinkRefused("What it led to is over: the call lapsed or was decided.")
    return link


def _mac(vault: Vault, said: str) -> str:
    return base64.urlsafe_b64encode(vault.mac(INSTALL, PURPOSE, said.encode())).rstrip(b"=").decode()
