"""Bytes of text to text and back, in the encoding that they came in."""

import codecs
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """mark: the byte order mark that stood before the text."""

    text: str
    encoding: str
    mark: bytes = b""

    def encoded(self, text: str) -> bytes:
        """A letter that the encoding does not have becomes a question mark."""
        return self.mark + text.encode(self.encoding, "replace")


def decoded(content: bytes) -> Decoded:
    """The text: by its byte order mark, as UTF-8, as UTF-16 where every other byte is zero, else in Windows' Western letters, which takes any byte."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return Decoded(content[len(mark) :].decode(encoding, "replace"), encoding, mark)
    if len(content) >= 4 and len(content) % 2 == 0:
        for encoding, zeros in (("utf-16-le", content[1:200:2]), ("utf-16-be", content[0:200:2])):
            if not zeros.strip(b"\0"):
                return Decoded(content.decode(encoding, "replace"), encoding)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return Decoded(content.decode("latin-1"), "latin-1")


def is_text(content: bytes) -> bool:
    """Whether this is surely text: with a byte order mark, or UTF-8 without control characters."""
    if any(content.startswith(mark) for mark, _ in _MARKS):
        return True
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(letter < " " and letter not in "\t\n\r\f\x1b" for letter in text[:100_000])
