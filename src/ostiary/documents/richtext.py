"""The bodies of messages that Outlook keeps in RTF: unpacked ([MS-OXRTFCP]), and read as the HTML that they were made from ([MS-OXRTFEX]), or as the text that a reader sees.

Only text comes out: pictures, objects, fields' codes, hidden and deleted text, and every destination that a reader may ignore stay behind.
"""

import re
from dataclasses import dataclass, field, replace

from ostiary.documents.mail_headers import decoded_as
from ostiary.errors import DocumentMalformed, DocumentTooDeep, DocumentUnpacksTooLarge

_PACKED, _PLAIN = b"LZFu", b"MELA"
_HEAD = 16
_RING = 4096
_KNOWN = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What every packed text may refer to before its beginning."""
_TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([\r\n]+)|([^\\{}\r\n]+)|\\"
)
_UNSEEN = frozenset({"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "filetbl", "listtable", "fldinst", "themedata", "datastore", "xe", "tc", "rxe", "bkmkstart", "bkmkend"})  # fmt: skip
_LETTERS = {"par": "\n", "line": "\n", "sect": "\n", "page": "\n", "row": "\n", "tab": "\t", "cell": "\t", "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d", "bullet": "\u2022", "endash": "\u2013", "emdash": "\u2014", "enspace": " ", "emspace": " "}  # fmt: skip
_SIGNS = {"~": "\u00a0", "_": "-", "\n": "\n", "\r": "\n", "\\": "\\", "{": "{", "}": "}"}
_PAGES = {128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250}  # fmt: skip
"""Code pages of the character sets of fonts; others are of the text's own."""
GROUPS_DEEP_MAX = 500


def unpacked(data: bytes, bytes_max: int) -> bytes:
    """The RTF of a packed body. DocumentMalformed, DocumentUnpacksTooLarge."""
    kind, said = data[8:12], int.from_bytes(data[4:8], "little")
    if kind == _PLAIN:
        return data[_HEAD : _HEAD + said]
    if kind != _PACKED:
        raise DocumentMalformed
    ring, at = bytearray(_KNOWN) + bytearray(_RING - len(_KNOWN)), len(_KNOWN)
    made, place = bytearray(), _HEAD
    while place < len(data):
        flags, place = data[place], place + 1
        for bit in range(8):
            if not flags >> bit & 1:
                new, place = bytearray(data[place : place + 1]), place + 1
            else:
                pair = int.from_bytes(data[place : place + 2])
                begin, length, place = pair >> 4, (pair & 15) + 2, place + 2
                if begin == at or place > len(data):
                    return bytes(made)
                new = bytearray()
                for step in range(length):
                    letter = ring[(begin + step) % _RING]
                    new.append(letter)
                    ring[(at + step) % _RING] = letter
                at = (at + length) % _RING
                made += new
                continue
            if not new:
                return bytes(made)
            ring[at], at = new[0], (at + 1) % _RING
            made += new
        if len(made) > bytes_max:
            raise DocumentUnpacksTooLarge
    return bytes(made)


@dataclass(frozen=True, slots=True)
class _Group:
    """What a brace saves. tag: within HTML's own markup."""

    seen: bool = True
    tag: bool = False
    html: bool = True
    skip: int = 1
    page: int = 0
    fonts: bool = False


@dataclass(slots=True)
class _Reader:
    is_html: bool
    page: int = 1252
    groups: list[_Group] = field(default_factory=lambda: [_Group()])
    fonts: dict[int, int] = field(default_factory=dict)
    font: int = 0
    starred: bool = False
    skipped: int = 0
    bytes_: bytearray = field(default_factory=bytearray)
    made: list[str] = field(default_factory=list)

    @property
    def now(self) -> _Group:
        return self.groups[-1]

    def change(self, **given: bool | int) -> None:
        self.groups[-1] = replace(self.now, **given)  # type: ignore[arg-type]  # by the names of its fields

    def shown(self, text: str) -> None:
        """Text, where it is seen: of HTML what its markup says and what stands for itself, not what RTF alone needs."""
        if self.now.seen and (self.now.tag or self.now.html):
            self.made.append(text)

    def letters(self) -> None:
        """The letters that were given as bytes, all at once: one may need two of them."""
        if self.bytes_:
            data, self.bytes_ = bytes(self.bytes_), bytearray()
            self.shown(decoded_as(data, f"cp{self.now.page or self.page}"))


def read(rtf: bytes) -> tuple[str, bool]:
    """What an RTF says, and whether it is HTML. DocumentMalformed, DocumentTooDeep."""
    if not rtf.lstrip().startswith(b"{\\rtf"):
        raise DocumentMalformed
    text = rtf.decode("latin-1")
    reader = _Reader("\\fromhtml" in text[:2000])
    place = 0
    while (found := _TOKEN.match(text, place)) is not None:
        place = found.end() + _step(reader, found)
    reader.letters()
    whole = (
        "".join(reader.made).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    )  # halves join
    return whole.replace("\0", ""), reader.is_html


def _step(reader: _Reader, found: re.Match[str]) -> int:
    """One token. How many bytes after it are no RTF."""
    word, number, code, sign, brace, _, plain = found.groups()
    if code is None:
        reader.letters()
    if word is not None:
        return _word(reader, word, int(number) if number else None)
    if brace == "{":
        if len(reader.groups) > GROUPS_DEEP_MAX:
            raise DocumentTooDeep
        reader.groups.append(reader.now)
        reader.starred = False
    elif brace == "}":
        if len(reader.groups) > 1:
            reader.groups.pop()
    elif sign == "*":
        reader.starred = True
    elif code is not None:
        if reader.skipped:
            reader.skipped -= 1
        else:
            reader.bytes_.append(int(code, 16))
    elif sign is not None:
        reader.shown(_SIGNS.get(sign, ""))
    elif plain is not None:
        kept = plain[reader.skipped :]
        reader.skipped = max(reader.skipped - len(plain), 0)
        reader.bytes_ += kept.encode("latin-1")
        reader.letters()
    return 0


def _word(reader: _Reader, word: str, number: int | None) -> int:
    starred, reader.starred = reader.starred, False
    on = number != 0
    if word == "bin":
        return max(number or 0, 0)
    if word == "htmltag" and starred:
        reader.change(tag=reader.is_html, seen=reader.is_html)
    elif word in _UNSEEN or (starred and word != "shppict"):
        reader.change(seen=False, fonts=word == "fonttbl" or reader.now.fonts)
    elif word == "htmlrtf":
        reader.change(html=not on or not reader.is_html)
    elif word in ("v", "deleted") and not reader.is_html:
        reader.change(seen=not on)
    elif word == "ansicpg":
        reader.page = number or 1252
    elif word == "uc":
        reader.change(skip=min(max(number or 0, 0), 8))
    elif word == "f":
        reader.font = number or 0
        reader.change(page=0 if reader.now.fonts else reader.fonts.get(reader.font, 0))
    elif word == "fcharset" and reader.now.fonts:
        reader.fonts[reader.font] = _PAGES.get(number or 0, 0)
    elif word == "u" and number is not None:
        reader.shown(chr(number % 0x10000))
        reader.skipped = reader.now.skip
    elif word in _LETTERS:
        reader.shown(_LETTERS[word])
    return 0
