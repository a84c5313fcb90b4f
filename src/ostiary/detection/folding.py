"""One plain spelling for every way of writing the same value, so that no look-alike hides it.

A text is folded to Latin-1, at most one byte a code point: digits of every script become ASCII digits, wide and mathematical letters become plain ones,
accents go, every space is a space and every dash a hyphen, and what cannot be seen (zero-width, soft hyphen, bidirectional controls, tags) is
dropped. What is escaped once or twice, for HTML, for a URL, in JSON or in code, is read as what it stands for, and so is a full stop or an at sign in brackets (`example[.]com`);
what is written letter by letter (`4 1 1 1 ...`) is read as one word. `offsets` leads from the folded text back to the code points of the original.
"""

import codecs
import html
import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import re2

from ostiary.detection.matching import stands

LETTER = "\xe9"
"""Stands for any letter with upper and lower case that has no plain counterpart."""
OTHER = "\xa4"
"""Stands for everything else that is no ASCII: ideographs, symbols, punctuation."""

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u02d7\u05be\u1806\ufe58\ufe63\uff0d\u2e3a\u2e3b\u301c\u30fc"
_LOOKS_LIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝӏѵɡɑıԌѴӀᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢʙɢʜɪʟɴʀʏАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαν∕⁄∶։：。․·•＠﹫∙⋅",
    "aeopcyxijshdqwlvgaiGVIacdejkmoptuvwzbghilnryABEKMHOPCTYXIJSABEZHIKMNOPTYXoav//:::....@@..",
)
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufeff")


_ENTITY = r"&(?:amp;)?(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|#[0-9]{2,3}(?![0-9;])|(?:commat|period|sol|colon|lowbar|nbsp|ensp|emsp|thinsp|hyphen|dash|ndash|num|plus|equals|quot|apos|amp|lpar|rpar|excl|percnt|shy|zwj|zwnj|ZeroWidthSpace);)"
_PERCENT = (
    r"(?<=[0-9A-Z)])%(?:25)?20(?=[0-9A-Z(%])|%(?:25)?(?:2[1-9A-Fa-f]|3[0-9A-Fa-f]|[46][0-9A-Fa-f]|[57][0-9A-Ea-e])"
    r"|%(?:25)?[CDEFcdef][0-9A-Fa-f](?:%(?:25)?[89ABab][0-9A-Fa-f]){1,3}"
)
_BACKSLASH = r"\\{1,2}(?:u[0-9a-fA-F]{4}|U00[01][0-9a-fA-F]{5}|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}|[nrt](?=[0-9+(]|[A-Z]{1,2}[0-9]))"
_BRACKETED = r" ?[\[({<] ?(?:[.@]|[aA][tT]|[dD][oO][tT]|AT|DOT) ?[\])}>] ?"
_UNSEEN = r"<wbr ?/?>|(?<=[0-9])</?(?:b|i|u|em|strong|span|font|mark)(?: [^<>]{0,80})?>(?=[0-9])|(?<=[0-9.@])=\r?\n(?=[0-9.@])"
_MARKUP = r"(?<![^\s(\"'])_{1,2}(?=[+(]?[0-9]|[A-Z]{2}[0-9])|(?<=[0-9A-Z])_{1,2}(?=[\s,;:)!?]|\.?\Z|\.\s)"
_LETTER = r"[0-9A-Za-z@.\-+/()_:']"
_SPELLED = rf"(?<! {_LETTER} )(?<!{_LETTER})(?:{_LETTER} ){{8,}}{_LETTER}(?! ?{_LETTER})"
_QUOTED = r"(?<=[0-9]) ?\r?\n[ \t]?>[> \t]{0,6}(?=[0-9])"
_DIGIT = r"(?:[zZ]ero|ZERO|[oO]ne|ONE|[tT](?:wo|hree)|T(?:WO|HREE)|[fF](?:our|ive)|F(?:OUR|IVE)|[sS](?:ix|even)|S(?:IX|EVEN)|[eE]ight|EIGHT|[nN]ine|NINE)"
_NUMBER_WORDS = rf"(?<![A-Za-z]){_DIGIT}(?:[ ,\-]{{1,2}}{_DIGIT}){{6,40}}(?![A-Za-z])"
_KINDS = (_ENTITY, _PERCENT, _BACKSLASH, _BRACKETED, _UNSEEN, _MARKUP, _SPELLED, _QUOTED, _NUMBER_WORDS)
_ESCAPE = re.compile("|".join(_KINDS))
"""What stands for one character, for none, or for a word that is written letter by letter: entities, percent encoding (of a space between digits and capitals only, so that a URL stays one),
escapes of JSON and code (of a line's end only before a number), bracketed full stops and at signs, soft ends of lines, marks of emphasis, a line's end with the mark of a quotation
within a number, and numbers that are said digit by digit (`four one one ...`)."""
SPELLED_MAX = 96
"""A longer row of single letters and digits is a table."""


@dataclass(frozen=True, slots=True)
class Folded:
    """`data` is the folded text in Latin-1. `offsets` is None when byte i is code point i; else offsets[i] is, with one more entry for the end.

    widths: how many code points a byte stands for, where it is an escape.
    """

    data: bytes
    offsets: tuple[int, ...] | None
    widths: Mapping[int, int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From folded to original offsets; the end falls right after the last character that belongs to the span."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + (
            self.widths.get(end - 1, 1) if self.widths else 1
        )


_CONTROLS = bytes(range(9)) + bytes(range(14, 32)) + b"\x7f"
_CONTROLS_AND_BREAKS = _CONTROLS + b"\x0b\x0c"
_PLAINLY = "ostiary.plain"


def _plainly(error: UnicodeError) -> tuple[bytes, int]:
    """What the encoder asks about whatever is no ASCII, so that the rest of a text is copied at the speed of memory."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])).encode("latin-1"), error.end


codecs.register_error(_PLAINLY, _plainly)


_HINTS = (
    rb"&(?:#|[a-zZ])",
    rb"%[2-7C-Fc-f]",
    rb"\\(?:[uUx]|[nrt][0-9+(A-Z])",
    rb"[\[({<] ?(?:[.@]|(?i:at|dot))",
    rb"<wbr|[0-9]</?[a-z]|=\r?\n[0-9.@]",
    rb"(?:^|[^0-9A-Za-z_\-])_{1,2}(?:[+(]?[0-9]|[A-Z]{2}[0-9])|[0-9A-Z]_{1,2}(?:$|[^0-9A-Za-z_\-])",
    rb"(?:[0-9A-Za-z@.\-+/()_:'] ){8}",
    rb"[0-9] ?\r?\n[ \t]?>",
    rb"(?i:(?:zero|one|two|three|four|five|six|seven|eight|nine)[ ,\-]{1,2}){6}",
)
"""What the ASCII text holds wherever there is an escape of the kind."""
may_escape = stands(re2.compile(b"|".join(_HINTS)))
"""Whether anything in the ASCII text may stand for a character that is not written. It may say so too often, never too seldom."""


def _automaton() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    automaton = re2.Set.SearchSet(options)
    for hint in _HINTS:
        automaton.Add(hint)
    automaton.Compile()
    return automaton


_AUTOMATON = _automaton()


@lru_cache(maxsize=512)
def _escape_of(kinds: tuple[int, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_KINDS[kind] for kind in kinds))


def _escapes(text: str, data: bytes) -> list[re.Match[str]]:
    """The escapes in a text whose ASCII is `data`. Only the kinds that may stand there are looked for, which is most of what folding costs."""
    kinds = tuple(sorted(_AUTOMATON.Match(data) or ()))
    return list(_escape_of(kinds).finditer(text)) if kinds else []


def fold(text: str) -> Folded:
    """The folded text; free for ASCII without control characters and escapes."""
    data = text.encode("ascii", _PLAINLY)
    escaped = _escapes(text, data) if may_escape(data) else []
    if not escaped:
        unseen = _CONTROLS if text.isascii() else _CONTROLS_AND_BREAKS
        if len(data) == len(text) == len(data.translate(None, unseen)):
            return Folded(data, None)
    letters: list[str] = []
    offsets: list[int] = []
    widths: dict[int, int] = {}
    position = 0
    for escape in escaped:
        _add(text, position, escape.start(), letters, offsets)
        if escape[0][1:2] == " " and len(escape[0]) >= SPELLED_MIN:
            _spell(escape[0], escape.start(), letters, offsets)
        elif escape[0][0].isalpha():
            _say(escape[0], escape.start(), letters, offsets, widths)
        elif meant := _meant(escape[0]):
            widths[len(letters)] = escape.end() - escape.start()
            letters.append(meant)
            offsets.append(escape.start())
        position = escape.end()
    _add(text, position, len(text), letters, offsets)
    offsets.append(len(text))
    return Folded("".join(letters).encode("latin-1"), tuple(offsets), widths or None)


SPELLED_MIN = 17
"""Nine letters and what stands between them."""


def _spell(escape: str, start: int, letters: list[str], offsets: list[int]) -> None:
    """Without the spaces between its letters, unless it is too long for a word."""
    step = 2 if len(escape) <= SPELLED_MAX else 1
    letters += escape[::step]
    offsets += range(start, start + len(escape), step)


_WORD = re.compile(r"[A-Za-z]+")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SAID = {word: str(digit) for digit, word in enumerate(_DIGITS)}


def _say(escape: str, start: int, letters: list[str], offsets: list[int], widths: dict[int, int]) -> None:
    """A digit for each word."""
    for word in _WORD.finditer(escape):
        widths[len(letters)] = len(word[0])
        letters.append(_SAID[word[0].lower()])
        offsets.append(start + word.start())


_ODD = re.compile(r"[^\t\n\r -~]")
"""What is not its own plain spelling."""


def _add(text: str, start: int, end: int, letters: list[str], offsets: list[int]) -> None:
    position = start
    for odd in _ODD.finditer(text, start, end):
        index = odd.start()
        letters += text[position:index]
        offsets += range(position, index)
        plain = _plain(odd[0])
        if plain:
            letters.append(plain)
            offsets.append(index)
        position = index + 1
    letters += text[position:end]
    offsets += range(position, end)


def _meant(escape: str) -> str:
    """The character that an escape stands for, folded; none for what is not seen."""
    if escape[0] in "&%\\":
        return _decoded(escape)
    if escape[0] == "_":
        return " "
    if ">" in escape and "\n" in escape and "<" not in escape:
        return "\n"
    if escape[0] == "=" or _TAG.match(escape):
        return ""
    return "@" if "@" in escape or escape.strip(" [](){}<>").lower()[1:] == "t" else "."


@lru_cache(maxsize=4096)
def _decoded(escape: str) -> str:
    if escape[0] == "&":
        return _plain_or_self(html.unescape(html.unescape(escape)))
    if escape[0] == "%":
        return _plain_or_self(unquote(escape.replace("%25", "%"), errors="replace"))
    code = escape.lstrip("\\")
    return " " if code in ("n", "r", "t") else _plain_or_self(_of_code(int(code[1:].strip("{}"), 16)))


_TAG = re.compile(r"</?(?:wbr|b|i|u|em|strong|span|font|mark)\b")


def _of_code(code: int) -> str:
    return chr(code) if code <= sys.maxunicode else ""


def _plain_or_self(text: str) -> str:
    return text if len(text) == 1 and " " <= text <= "~" else _plain(text[0]) if text else ""


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
    digit = unicodedata.digit(char, None)  # in a circle, in brackets, raised, with a full stop
    if digit is not None:
        return str(digit)
    similar = char.translate(_LOOKS_LIKE)
    if similar.isascii():
        return similar
    apart = unicodedata.normalize("NFKD", char)[0].translate(_LOOKS_LIKE)
    if apart.isascii() and apart.isprintable():
        return apart
    return LETTER if char.lower() != char.upper() else OTHER
