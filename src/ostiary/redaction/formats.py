"""Format-preserving encryption of what people write: digits stay digits, letters letters of the same case, and everything else stays where it is.

Digits alone are FF1 in radix 10, as others compute it. Where letters join, the value is numbered among all of its form, and that number is encrypted
by FF1 in radix 2 and again until it is a number of the form (cycle walking). Both ways are one to one, so no two values of a form become one.

card: the check digit is not encrypted but follows (ISO/IEC 7812-1): a number whose Luhn digit is right stays so, one whose digit is wrong stays wrong by as much.
With `luhn="broken"` it is off by five instead, so that the result is never a number that a bank could have issued. phone: the country code after `+` or `00` stays, or
else the trunk zero and the first digit after it (so that no number becomes one that begins otherwise).
"""

import re

from ostiary.detection.checksum import luhn
from ostiary.redaction import _sp800_38g
from ostiary.redaction._sp800_38g import DOMAIN_MIN, DomainTooSmall

WALKS_MAX = 1000
CHARACTERS_MAX = 256
_TWO_DIGIT_CODES = frozenset(
    ("20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98")
)  # fmt: skip
_BROKEN_BY = 5


def encrypted(key: bytes, kind: str, text: str, *, luhn_kept: bool = True) -> str:
    """`text` in its own form. kind: card, phone, or anything else. DomainTooSmall; ValueError for letters or digits beyond ASCII."""
    return _changed(key, kind, text, forward=True, broken_by=0 if luhn_kept else _BROKEN_BY)


def decrypted(key: bytes, kind: str, text: str, *, luhn_kept: bool = True) -> str:
    """What `encrypted` was given. There is no check in it: another key gives another value."""
    return _changed(key, kind, text, forward=False, broken_by=0 if luhn_kept else -_BROKEN_BY)


def _changed(key: bytes, kind: str, text: str, *, forward: bool, broken_by: int) -> str:
    if len(text) > CHARACTERS_MAX:
        raise ValueError("too long")
    if any(char.isalnum() and not char.isascii() for char in text):
        raise ValueError("letters or digits beyond ASCII")
    kept = _kept(text) if kind == "phone" else 0
    places = [i for i, char in enumerate(text) if char.isalnum() and i >= kept]
    chars = [text[i] for i in places]
    if kind == "card" and chars and all(char.isdigit() for char in chars):
        changed = _card(key, "".join(chars), broken_by, forward=forward)
    else:
        changed = _mixed(key, kind.encode(), "".join(chars), forward=forward)
    letters = list(text)
    for place, char in zip(places, changed, strict=True):
        letters[place] = char
    return "".join(letters)


def _card(key: bytes, digits: str, broken_by: int, *, forward: bool) -> str:
    off = (int(digits[-1]) - _luhn_digit(digits[:-1])) % 10
    body = _mixed(key, b"card", digits[:-1], forward=forward)
    return body + str((_luhn_digit(body) + off + broken_by) % 10)


def _luhn_digit(body: str) -> int:
    return next(digit for digit in range(10) if luhn(body + str(digit)))


def _mixed(key: bytes, tweak: bytes, chars: str, *, forward: bool) -> str:
    change = _sp800_38g.encrypt if forward else _sp800_38g.decrypt
    if chars.isdigit():
        return "".join(map(str, change(key, tweak, [int(char) for char in chars], radix=10)))
    forms = [_form(char) for char in chars]
    domain = 1
    for radix, _ in forms:
        domain *= radix
    if domain < DOMAIN_MIN:
        raise DomainTooSmall
    number = 0
    for char, (radix, first) in zip(chars, forms, strict=True):
        number = number * radix + ord(char) - first
    bits = (domain - 1).bit_length()
    for _ in range(WALKS_MAX):
        numerals = [number >> i & 1 for i in reversed(range(bits))]
        number = int("".join(map(str, change(key, tweak + b" mixed", numerals, radix=2))), 2)
        if number < domain:
            break
    else:  # less likely than 2 ** -1000
        raise ValueError("no value of the form was met")
    drawn = []
    for radix, first in reversed(forms):
        number, rest = divmod(number, radix)
        drawn.append(chr(first + rest))
    return "".join(reversed(drawn))


def _form(char: str) -> tuple[int, int]:
    if char.isdigit():
        return 10, ord("0")
    return 26, ord("a" if char.islower() else "A")


_LEAD = re.compile(r"[^0-9A-Za-z]*(?:\+|00)[ ]?")


def _kept(text: str) -> int:
    """How many characters at the start of a phone number say where it rings, not whose it is (ITU-T E.164 country codes)."""
    lead = _LEAD.match(text)
    if lead is None:
        first = re.match(r"[^0-9A-Za-z]*0*[^0-9A-Za-z]*[1-9]?", text)
        return first.end() if first else 0
    code = text[lead.end() : lead.end() + 3]
    length = 1 if code[:1] in ("1", "7") else 2 if code[:2] in _TWO_DIGIT_CODES else 3
    return lead.end() + length
