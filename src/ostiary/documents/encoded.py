"""Values that stand in a text in another writing: base64, hexadecimal, quoted-printable, also one within another. What is found in them takes the whole run out, since half a run is neither.

A run that is a file (a picture, an archive, a document) goes unread, as any file does that lies where no format says what it is.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

RUN_CHARACTERS_MAX = 4_000_000
RUNS_MAX = 50_000
"""Of one text; more are left to the verifier, which refuses."""
ROUNDS_MAX = 3
FILE_BYTES_MIN = 24
PARTS_MAX = 8
EMBEDDED = "embedded_file"
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{60,80}\r?\n[ \t]?)*[A-Za-z0-9+/_-]{12,}={0,2}")
_MIXED = re.compile(r"[a-z].*[A-Z0-9]|[A-Z0-9].*[a-z]", re.S)
"""No words: what base64 says in words of one letter case is nothing."""
_HEX = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}[ :]?){8,}(?![0-9A-Fa-f])")
_QUOTED = re.compile(r"(?:[\x21-\x3c\x3e-\x7e]*=[0-9A-F]{2}){4,}[\x21-\x3c\x3e-\x7e]*")
_FILES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"BZh", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"RIFF")  # fmt: skip
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Run:
    """The code points start to end (exclusive) of a text, and what they say. file: they are a file of some format, and `text` is empty."""

    start: int
    end: int
    text: str
    file: bool = False


def runs(text: str) -> list[Run]:
    """Every run of a text that says something in another writing. What is none costs one look at it."""
    found: list[Run] = []
    for start, end, data in _decoded(text):
        if len(found) >= RUNS_MAX:
            break
        if said := _said(data):
            found.append(Run(start, end, said))
        elif len(data) >= FILE_BYTES_MIN and data.startswith(_FILES):
            found.append(Run(start, end, "", file=True))
    return found


def _decoded(text: str) -> Iterator[tuple[int, int, bytes]]:
    for each in _BASE64.finditer(text):
        if not _MIXED.search(each[0]):
            continue
        for start, end in _parts(text, each.start(), each.end()):
            yield start, end, _of_base64(text[start:end])
    for each in _HEX.finditer(text):
        digits = re.sub("[ :]", "", each[0])[:RUN_CHARACTERS_MAX]
        yield each.start(), each.end(), binascii.unhexlify(digits)
    if "=" in text:
        for each in _QUOTED.finditer(text):
            start = each.start() + (each[0].rfind(":", 0, each[0].find("=", each[0].find(":"))) + 1)
            yield start, each.end(), binascii.a2b_qp(text[start : each.end()].encode())


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The run, and what begins after each slash in it: the path of an address runs into what follows it."""
    yield start, end
    at = start
    for _ in range(PARTS_MAX):
        at = text.find("/", at, end) + 1
        if not at or end - at < 12:
            return
        yield at, end


def _of_base64(run: str) -> bytes:
    plain = "".join(run[:RUN_CHARACTERS_MAX].split()).rstrip("=").replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _said(data: bytes) -> str:
    """The text that the bytes are; empty where they are none."""
    encodings = ["utf-8"]
    if len(data) > 3 and 0 in data[:4]:
        encodings = ["utf-16-le" if data[1] == 0 else "utf-16-be"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            return ""
        return "" if _UNREADABLE.search(text.removeprefix("\ufeff")) else text
    return ""


def deeper(text: str) -> Iterator[Run]:
    """The runs of a text, and for each what the runs within it say, down to ROUNDS_MAX: all in the places of the outermost."""
    for run in runs(text):
        yield run
        inner, round_ = [run.text], 1
        while inner and round_ < ROUNDS_MAX:
            more = [each for one in inner for each in runs(one)]
            for each in more:
                yield Run(run.start, run.end, each.text, file=each.file)
            inner, round_ = [each.text for each in more], round_ + 1
