"""Invented values that read like the ones they stand for: names, e-mail addresses, phone numbers, addresses, places, companies, usernames.

Chosen by HMAC-SHA-256 under the scope's key, so the same value has the same surrogate in every text, stream and process of the scope, and nothing of the value is in it.
Gender, where a first name or a form of address shows it, language, letter case, initials and the order of the words are kept.

What is promised about two values: within one `Given` (an object that the caller keeps as long as it likes) they never have one surrogate, and no surrogate is a value
that was given one before; the later of two that fall together takes another. Without a common `Given` phone numbers still never fall together (they are encrypted one to one), e-mail
addresses and usernames do so with a probability below n² / 2 ** 36 among n values, and names may: the lists are finite. Who needs them apart for ever uses tokens.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from ostiary.redaction import formats, names

ATTEMPTS_MAX = 2000
CHARACTERS_MAX = 400
GIVEN_MAX = 1_000_000
"""A Given that holds so many surrogates gives no more."""


@dataclass(slots=True)
class Given:
    """Which surrogate was given to which value (as a keyed digest). Bounded by GIVEN_MAX."""

    by_value: dict[bytes, str] = field(default_factory=dict, repr=False)
    taken: dict[str, bytes] = field(default_factory=dict, repr=False)
    seen: set[bytes] = field(default_factory=set, repr=False)


def surrogate(key: bytes, text: str, family: str, language: str, given: Given) -> str | None:
    """An invented value, or None where there is none for this family (or the value is beyond CHARACTERS_MAX)."""
    maker = _MAKERS.get(family)
    if maker is None or not text.strip() or len(text) > CHARACTERS_MAX or len(given.by_value) >= GIVEN_MAX:
        return None
    identity = _digest(key, family, text)
    if identity in given.by_value:
        return given.by_value[identity]
    given.seen.add(_digest(key, family, unicodedata.normalize("NFC", text).casefold()))
    for attempt in range(ATTEMPTS_MAX):
        made = maker(_Dice(key, attempt), text, language)
        if made is None:
            return None
        form = unicodedata.normalize("NFC", made).casefold()
        plain = unicodedata.normalize("NFC", text).casefold()
        owner = _digest(key, family, plain)
        if (
            form != plain
            and given.taken.get(form, owner) == owner
            and _digest(key, family, form) not in given.seen
        ):
            given.by_value[identity], given.taken[form] = made, owner
            return made
    return None


def _digest(key: bytes, *parts: str) -> bytes:
    data = b"".join(len(part).to_bytes(4, "big") + part.encode("utf-8", "surrogatepass") for part in parts)
    return hmac.new(key, data, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class _Dice:
    """Choices that depend on nothing but the key, the attempt and what they are for."""

    key: bytes
    attempt: int

    def number(self, what: str, word: str, below: int) -> int:
        plain = unicodedata.normalize("NFC", word).casefold()
        return int.from_bytes(_digest(self.key, what, plain, str(self.attempt))[:8], "big") % below

    def one(self, what: str, word: str, among: Sequence[str]) -> str:
        return among[self.number(what, word, len(among))]


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*", re.UNICODE)


def _cased(new: str, old: str) -> str:
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new.lower() if old.islower() else new


def _language(text: str, language: str) -> str:
    if language in names.NAMES:
        return language
    for word in _WORD.findall(text):
        found = names.LANGUAGE_OF.get(word.casefold())
        if found is not None:
            return found
    return "en"


def _gender(words: Sequence[str]) -> str:
    """ "f", "m", or "" where nothing shows it."""
    for word in words:
        for gender in (names.TITLES.get(word.casefold(), ""), names.GENDER_OF.get(word.casefold(), "")):
            if gender in ("f", "m"):
                return gender
    return ""


def _person(dice: _Dice, text: str, language: str) -> str | None:
    words = list(_WORD.finditer(text))
    telling = [
        m for m in words if m[0].casefold() not in names.TITLES and m[0].casefold() not in names.PARTICLES
    ]
    if not telling:
        return None
    listed = names.NAMES[_language(text, language)]
    gender = _gender([m[0] for m in words]) or "fm"[dice.number("gender", telling[0][0], 2)]
    firsts = listed[0] if gender == "f" else listed[1]
    comma = text.find(",")
    last = telling[-1].start() if len(telling) > 1 or len(words) > 1 else -1
    if len(telling) == 1:
        known = telling[0][0].casefold() in names.GENDER_OF
        last = -1 if known else telling[0].start()
    parts: list[str] = []
    position = 0
    for match in telling:
        old = match[0]
        if len(old) == 1:
            new = dice.one("initial", old, "ABCDEFGHJKLMNPRSTW")
        elif (match.start() < comma) if comma > 0 else match.start() == last:
            new = dice.one("last", old, listed[2])
        else:
            new = dice.one("first", old, firsts)
        parts += (text[position : match.start()], _cased(new, old))
        position = match.end()
    return "".join((*parts, text[position:]))


_SAFE = "0123456789abcdefghjkmnpqrstvwxyz"


def _tail(dice: _Dice, text: str) -> str:
    """36 bits and more that set two surrogates apart, in letters and digits."""
    number = dice.number("tail", text, 2**60)
    return "".join(_SAFE[number >> 5 * i & 31] for i in range(8))


def _plain(name: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if c.isascii() and c.isalpha())
    return bare.lower() or "mail"


def _email(dice: _Dice, text: str, language: str) -> str | None:
    local, at, _ = text.rpartition("@")
    if not at:
        return None
    listed = names.NAMES[_language(local, language)]
    join = next((char for char in "._-" if char in local), ".")
    first = dice.one("first", text, (*listed[0], *listed[1]))
    made = f"{_plain(first)}{join}{_plain(dice.one('last', text, listed[2]))}{join}{_tail(dice, text)}"
    return _cased(f"{made}@example.{dice.one('top', text, ('com', 'org', 'net'))}", text)


def _username(dice: _Dice, text: str, language: str) -> str | None:
    listed = names.NAMES[_language(text, language)]
    at = "@" if text.startswith("@") else ""
    return at + _plain(dice.one("first", text, (*listed[0], *listed[1]))) + _tail(dice, text)


def _phone(dice: _Dice, text: str, language: str) -> str | None:
    """Encrypted in its own form, again for each attempt."""
    made = text
    try:
        for _ in range(dice.attempt + 1):
            made = formats.encrypted(dice.key, "phone", made)
    except ValueError:
        return None
    return made


def _address(dice: _Dice, text: str, language: str) -> str | None:
    """Word by word: figures become other figures, names of streets and towns others; words such as `street` stay."""
    listed = names.NAMES[_language(text, language)]

    def other(match: re.Match[str]) -> str:
        old = match[0]
        if old[0].isdigit():
            digits = [dice.number(f"digit {i}", text, 10 if i else 9) + (i == 0) for i in range(len(old))]
            return "".join(map(str, digits))
        if old.casefold() in names.STREET_WORDS or len(old) < 3:
            return old
        for ending in names.STREET_ENDINGS:
            if old.casefold().endswith(ending) and len(old) > len(ending):
                return _cased(dice.one("street", old, listed[2]), old) + old[-len(ending) :]
        return _cased(dice.one("street", old, (*listed[2], *listed[3])), old)

    return re.sub(r"\d+|[^\W\d_]+", other, text)


def _location(dice: _Dice, text: str, language: str) -> str | None:
    return _cased(dice.one("place", text, names.NAMES[_language(text, language)][3]), text)


def _organisation(dice: _Dice, text: str, language: str) -> str | None:
    """Two invented syllable words; the legal form stays."""
    form = re.search(rf"[ ,]+(?:{names.LEGAL_FORMS})\.?$", text, re.IGNORECASE)
    kept = text[form.start() :] if form else ""
    body = text[: len(text) - len(kept)]
    made = dice.one("head", body, names.HEADS) + dice.one("tail", body, names.TAILS)
    if " " in body:
        made += " " + dice.one("trade", body, names.TRADES)
    return _cased(made, body) + kept


_MAKERS = {
    "person": _person,
    "email": _email,
    "username": _username,
    "phone": _phone,
    "address": _address,
    "location": _location,
    "organisation": _organisation,
}
