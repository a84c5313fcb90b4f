"""The text of an API key: `ost_<env>_<id>_<secret>_<checksum>`, and `opk_...` for publishable keys.

The prefix lets secret scanners find it, the checksum (CRC-32 in base62) lets them and us drop a mistyped one without a look-up. The id (12
characters) is stable across rotations and not secret; the secret is 43 base62 characters, 256 bits.
"""

import re
from dataclasses import dataclass
from zlib import crc32

from ostiary import ids
from ostiary.errors import CredentialRefused
from ostiary.secret import Secret

ENVIRONMENTS = ("live", "test")
ID_LENGTH = 12
SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_TEXT = re.compile(r"((ost|opk)_(?:live|test)_([0-9A-Za-z]{12})_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})")


@dataclass(frozen=True, slots=True)
class KeyText:
    """An API key taken apart. `message` is what its MAC is made over: all but the checksum."""

    publishable: bool
    id: str
    message: bytes


def mint(key_id: str, *, environment: str, publishable: bool) -> Secret:
    """A fresh key text for an id."""
    head = f"{'opk' if publishable else 'ost'}_{environment}_{key_id}_{ids.token(SECRET_LENGTH)}"
    return Secret(f"{head}_{checksum(head)}")


def parse(bearer: Secret) -> KeyText:
    """The parts. Raises CredentialRefused on anything that is not a key with a fitting checksum."""
    found = _TEXT.fullmatch(bearer.reveal())
    if found is None:
        raise CredentialRefused
    head, prefix, key_id, claimed = found.groups()
    if checksum(head) != claimed:  # no secret is compared here: anybody can compute it
        raise CredentialRefused
    return KeyText(prefix == "opk", key_id, head.encode())


def checksum(head: str) -> str:
    """CRC-32 of the text before it, as six base62 digits."""
    rest = crc32(head.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, 62)
        digits = ids.BASE62[digit] + digits
    return digits
