"""What a client carries for us and brings back, as text: sealed for its place, so that nobody reads or changes it or uses it anywhere else. Any process opens it,
after a restart too, and none keeps anything."""

import base64
import binascii

from ostiary.actions import JsonValue
from ostiary.errors import SealBroken
from ostiary.ids import SubjectId
from ostiary.vault.sealing import Place, Vault


async def sealed(vault: Vault, place: Place, content: JsonValue, *, purpose: str) -> str:
    """base64url (RFC 4648, section 5)."""
    await vault.prepare(place.tenant, purpose, (SubjectId(""),))
    return base64.urlsafe_b64encode(vault.seal_json(place, content, purpose=purpose)).decode()


def opened(vault: Vault, place: Place, text: str, *, characters_max: int) -> JsonValue:
    """What `sealed` made for the same place. Raises SealBroken for all else."""
    if len(text) > characters_max:
        raise SealBroken
    try:
        return vault.open_json(place, base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise SealBroken from None
