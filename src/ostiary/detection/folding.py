"""One plain spelling for every way of writing the same value, so that no look-alike hides it.

A text is folded to Latin-1, at most one byte a code point: digits of every script become ASCII digits, wide and mathematical letters become plain ones,
accents go, every space is a space and every dash a hyphen, and what cannot be seen (zero-width, soft hyphen, bidirectional controls, tags) is
dropped. `offsets` leads from the folded text back to the code points of the original.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

LETTER = "\xe9"
"""Stands for any letter with upper and lower case that has no plain counterpart."""
OTHER = "\xa4"
"""Stands for everything else that is no ASCII: ideographs, symbols, punctuation."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u02d7\u05be\u1806\ufe58\ufe63\uff0d\u2e3a\u2e3b\u301c\u30fc"
_LOOKS_LIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαν∕⁄∶։：。․·•＠﹫∙⋅",
    "aeopcyxijshdqwABEKMHOPCTYXIJSABEZHIKMNOPTYXoav//:::....@@..",
)
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufeff")


@dataclass(frozen=True, slots=True)
class Folded:
    """`data` is the folded text in Latin-1. `offsets` is None when byte i is code point i; else offsets[i] is, with one more entry for the end."""

    data: bytes
    offsets: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From folded to original offsets; the end falls right after the last character that belongs to the span."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1


_CONTROLS = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"


def fold(text: str) -> Folded:
    """The folded text; free for ASCII without control characters."""
    if text.isascii():
        data = text.encode("ascii")
        if len(data.translate(None, _CONTROLS)) == len(data):
            return Folded(data, None)
    letters: list[str] = []
    offsets: list[int] = []
    for index, char in enumerate(text):
        plain = char if " " <= char <= "~" else _plain(char)
        if plain:
            letters.append(plain)
            offsets.append(index)
    offsets.append(len(text))
    return Folded("".join(letters).encode("latin-1"), tuple(offsets))


@lru_cache(maxsize=8192)
def _plain(char: str) -> str:
    """One Latin-1 character, or none for what is not seen."""
    if char in "\t\n\r":
        return char
    if char in _DASHES:
        return "-"
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Mn", "Me", "Cs", "Co") or char in _INVISIBLE:
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(char))
    return _lettered(char)


def _lettered(char: str) -> str:
    similar = char.translate(_LOOKS_LIKE)
    if similar.isascii():
        return similar
    apart = unicodedata.normalize("NFKD", char)[0].translate(_LOOKS_LIKE)
    if apart.isascii() and apart.isprintable():
        return apart
    return LETTER if char.lower() != char.upper() else OTHER
