"""Values that stand in a text in another writing: base64, hexadecimal, quoted-printable, also one within another. What is found in them takes the whole run out, since half a run is neither.

A run that is a file (a picture, an archive, a document) goes unread, as any file does that lies where no format says what it is.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

import re2

CHARACTERS_MAX = 1_000_000
"""Of one document, decoded and looked at. A run beyond goes unread, as a file does."""
RUNS_MAX = 50_000
"""Of one document; likewise."""
ROUNDS_MAX = 3
RUN_MIN = 12
FIRST_MIN = 64
"""Characters of a run that are decoded first, which shows nearly every run that is neither text nor a file."""
FILE_BYTES_MIN = 24
SAID_MIN = 9
"""Bytes that a run must say before it breaks off, as RUN_MIN of base64 do."""
PARTS_MAX = 8
LINE_MIN, LINE_MAX = 60, 80
EMBEDDED = "embedded_file"
_BASE64 = re2.compile("[A-Za-z0-9+/_-]{12,}={0,2}")
_SMALL = re2.compile("[a-z]")
_OTHER = re2.compile("[A-Z0-9]")
_HEX = re2.compile("(?:[0-9A-Fa-f]{2}[ :]?){8,}")
_QUOTED = re2.compile(r"(?:[\x21-\x3c\x3e-\x7e]*=[0-9A-F]{2}){4,}[\x21-\x3c\x3e-\x7e]*")
_FILES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"BZh", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"RIFF")  # fmt: skip
_UNREADABLE = re2.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}\x{fffd}\x{fffe}\x{ffff}]")


@dataclass(frozen=True, slots=True)
class Run:
    """The code points start to end (exclusive) of a text, and what they say. file: they are a file of some format or go unread, and `text` is empty. part: only their beginning says something, and what follows is none of it."""

    start: int
    end: int
    text: str
    file: bool = False
    part: bool = False


@dataclass(slots=True)
class Left:
    """How much of one document may still be decoded and looked at."""

    characters: int = CHARACTERS_MAX
    runs: int = RUNS_MAX

    def takes(self, characters: int) -> bool:
        """Whether a run of so many characters may be read. What is refused leaves the rest for shorter ones."""
        if characters > self.characters or not self.runs:
            return False
        self.characters -= characters
        self.runs -= 1
        return True


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A run by its form. kind: "base64", "hex" or "quoted"."""

    start: int
    end: int
    kind: str

    def first(self, text: str) -> bytes:
        """What its first characters say."""
        own = text[self.start : min(self.end, self.start + FIRST_MIN)]
        if self.kind == "quoted" and "=" in own[-2:]:
            own = own[: own.rfind("=")]
        return _bytes(own, self.kind)

    def whole(self, text: str) -> bytes:
        return _bytes(text[self.start : self.end], self.kind)


def runs(text: str, left: Left | None = None) -> list[Run]:
    """Every run of a text that says something in another writing. What is none costs one look at its beginning."""
    left = left or Left()
    found: list[Run] = []
    for parts in _candidates(text):
        for each in parts:
            run = _run(text, each, left)
            if run is not None:
                found.append(run)
                if not run.part:
                    break
    return found


def _run(text: str, each: _Candidate, left: Left) -> Run | None:
    first = each.first(text)
    if first.startswith(_FILES):
        long_enough = len(each.whole(text[: min(each.end, each.start + 2 * FIRST_MIN)])) >= FILE_BYTES_MIN
        return Run(each.start, each.end, "", file=True) if long_enough else None
    cut = each.end - each.start > FIRST_MIN
    said, whole = _said(first)
    if not whole and len(said.encode()) < SAID_MIN:
        return None
    if not left.takes(each.end - each.start):
        return Run(each.start, each.end, "", file=True)
    if cut:
        said, whole = _said(each.whole(text))
    return Run(each.start, each.end, said, part=not whole) if said else None


def _candidates(text: str) -> Iterator[Iterator[_Candidate]]:
    """The runs by their form, and for each the beginnings that it may have, of which the first that says something counts."""
    for start, end in _lines(text):
        own = text[start:end]
        if _SMALL.search(own) and _OTHER.search(own):
            yield _parts(text, start, end)
    for each in _HEX.finditer(text):
        start, end = each.span()
        yield iter((_Candidate(start, end - (text[end - 1] in " :"), "hex"),))
    if "=" in text:
        for each in _QUOTED.finditer(text):
            own = each[0]
            start = each.start() + own.rfind(":", 0, own.find("=", own.find(":"))) + 1
            yield iter((_Candidate(start, each.end(), "quoted"),))


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """What looks like base64; lines of one width, one below the other, are one run."""
    open_: tuple[int, int] | None = None
    last = 0
    for each in _BASE64.finditer(text):
        start, end = each.span()
        if open_ is not None:
            between = text[open_[1] : start] if start - open_[1] <= 3 else "none"
            if LINE_MIN <= last <= LINE_MAX and between.rstrip(" \t") in ("\n", "\r\n"):
                open_, last = (open_[0], end), end - start
                continue
            yield open_
        open_, last = (start, end), end - start
    if open_ is not None:
        yield open_


def _parts(text: str, start: int, end: int) -> Iterator[_Candidate]:
    """The run, and what begins after each slash in it: the path of an address runs into what follows it."""
    yield _Candidate(start, end, "base64")
    at = start
    for _ in range(PARTS_MAX):
        at = text.find("/", at, end) + 1
        if not at or end - at < RUN_MIN:
            return
        yield _Candidate(at, end, "base64")


def _bytes(run: str, kind: str) -> bytes:
    if kind == "hex":
        digits = run.replace(" ", "").replace(":", "")
        return binascii.unhexlify(digits[: len(digits) // 2 * 2])
    if kind == "quoted":
        return binascii.a2b_qp(run.encode())
    plain = "".join(run.split()).rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _said(data: bytes) -> tuple[str, bool]:
    """The text that the bytes are up to the first that cannot be one, and whether that is all of them. Broken off, UTF-16 counts only where every second byte is zero: it takes nearly any bytes for letters of some script."""
    encoding = "utf-8"
    if len(data) > 3 and 0 in data[:4]:
        encoding = "utf-16-le" if data[1] == 0 else "utf-16-be"
    whole = True
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text, whole = data[: error.start].decode(encoding), False
    text = text.removeprefix("\ufeff")
    broken = _UNREADABLE.search(text)
    if broken is None and whole:
        return text, True
    if encoding != "utf-8" and data[:SAID_MIN].count(0) < SAID_MIN // 2:
        return "", False
    return text[: broken.start()] if broken else text, False


def deeper(text: str, left: Left | None = None) -> Iterator[Run]:
    """The runs of a text, and for each what the runs within it say, down to ROUNDS_MAX: all in the places of the outermost."""
    left = left or Left()
    for run in runs(text, left):
        yield run
        inner, round_ = [run.text], 1
        while inner and round_ < ROUNDS_MAX:
            more = [each for one in inner for each in runs(one, left)]
            for each in more:
                yield Run(run.start, run.end, each.text, file=each.file)
            inner, round_ = [each.text for each in more], round_ + 1
