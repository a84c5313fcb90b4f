"""The headers of a message that stay: decoded, as pieces, and written so that every reader takes them. A name and an address that were replaced still make a valid header."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import Header as Folded
from email.header import decode_header
from email.utils import getaddresses
from urllib.parse import quote

from ostiary.documents import slots

PLACEHOLDER = "redacted@redacted.invalid"
"""Stands where a header must have an address, and its own was replaced (RFC 2606: it reaches nobody)."""
ADDRESSED = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
NAMES = {each.lower(): each for each in ("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Date", "Comments", "Keywords", "Importance", "Priority", "Thread-Topic")}  # fmt: skip
_WORDS = re.compile(r"=\?[\w.:+*-]{1,60}\?[bq]\?", re.I)
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,120}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
)
_BREAKS = re.compile(r"[\r\n\0]+[ \t]*")


@dataclass(slots=True)
class Address:
    """A display name and an address; either may be empty."""

    name: str
    address: str


@dataclass(slots=True)
class Header:
    """One header. addresses: of a header that holds such; text: of any other."""

    name: str
    text: str = ""
    addresses: list[Address] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, raw: str) -> "Header":
        """From what stands in the message, encoded words and all."""
        proper = NAMES[name.lower()]
        if name.lower() not in ADDRESSED:
            return cls(proper, decoded(raw))
        plain = _BREAKS.sub(" ", raw)
        found = [
            Address(decoded(who), decoded(where)) for who, where in getaddresses([plain]) if who or where
        ]
        if not found or not _is_whole(plain, found):
            found = [Address(decoded(raw), "")]
        return cls(proper, addresses=found)

    def group(self, place: str) -> slots.Group:
        where = f"{place}, {self.name}" if place else self.name
        if self.name.lower() not in ADDRESSED:
            return slots.Group(where, [slots.gap(f"{self.name}: "), slots.Slot(self.text, self._put)])
        made = [slots.gap(f"{self.name}: ")]
        for each in self.addresses:
            made.append(slots.Slot(each.name, _putter(each, "name")))
            if each.address and each.address != PLACEHOLDER:
                made += [slots.gap(" <"), slots.Slot(each.address, _putter(each, "address")), slots.gap(">")]
            made.append(slots.gap(", "))
        return slots.Group(where, made[:-1])

    def _put(self, new: str) -> None:
        self.text = new

    def value(self) -> str:
        return self.text if self.name.lower() not in ADDRESSED else "".join(map(_written, self.addresses))

    def written(self) -> str:
        """The whole header, folded, ASCII, without the last line's end."""
        if self.name.lower() not in ADDRESSED:
            return f"{self.name}: {_phrase(_BREAKS.sub(' ', self.text).strip(), len(self.name) + 2)}"
        return f"{self.name}: " + ",\r\n ".join(map(_written, self.addresses))


def _putter(address: Address, what: str) -> Callable[[str], None]:
    def put(new: str) -> None:
        setattr(address, what, new)

    return put


def _is_whole(raw: str, found: list[Address]) -> bool:
    """Whether what was found is about all that stands there: a parser that lost the half of it is not believed."""
    letters = re.sub(r"[\W_]+", "", decoded(re.sub(r"\([^()]*\)", "", raw)))
    kept = re.sub(r"[\W_]+", "", "".join(each.name + each.address for each in found))
    return len(kept) >= len(letters)


def _written(each: Address) -> str:
    name, address = _BREAKS.sub(" ", each.name).strip(), each.address.strip()
    if not _ADDRESS.fullmatch(address):
        name, address = f"{name} {address}".replace(PLACEHOLDER, "").strip(), PLACEHOLDER
    if not name:
        return f"<{address}>"
    if name.isascii() and len(name) < 60 and not _WORDS.search(name):
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return f'"{quoted}"\r\n <{address}>'
    return f"{_phrase(name, 12)}\r\n <{address}>"


def _phrase(text: str, before: int) -> str:
    """Text as ASCII; letters beyond it as encoded words (RFC 2047)."""
    if text.isascii() and text.isprintable() and len(text) + before < 76 and not _WORDS.search(text):
        return text
    folded = Folded(
        text.encode("utf-8", "replace").decode(), "utf-8", maxlinelen=75, header_name="x" * before
    )
    return folded.encode(linesep="\r\n")


def decoded(raw: str) -> str:
    """The text of a header: encoded words are decoded, bytes beyond ASCII are taken as UTF-8 or as Western letters."""
    data = raw.encode("utf-8", "surrogateescape")
    try:
        plain = data.decode("utf-8")
    except UnicodeDecodeError:
        plain = data.decode("latin-1")
    plain = _BREAKS.sub(" ", plain).strip()
    if not _WORDS.search(plain):
        return plain
    try:
        return "".join(_text(part, charset) for part, charset in decode_header(plain)).strip()
    except (HeaderParseError, ValueError):
        return "[unreadable]"


def _text(part: str | bytes, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    return decoded_as(part, charset or "ascii")


def decoded_as(data: bytes, charset: str) -> str:
    """Bytes as text in the charset that is said, where there is such a one; else as UTF-8, or Western letters."""
    for each in (charset.strip("\"' ").lower(), "utf-8"):
        if each in _NO_CHARSETS:
            continue
        try:
            return data.decode(each, "strict" if each == "utf-8" else "replace")
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("latin-1")


_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


def encoded(name: str) -> str:
    """A file's name as a parameter (RFC 2231), in lines that are short enough."""
    name = _BREAKS.sub(" ", name).strip() or "file"
    if name.isascii() and name.isprintable() and len(name) < 60:
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return f'filename="{quoted}"'
    whole = quote(name.encode("utf-8", "replace"), safe="")
    parts = [whole[at : at + 60] for at in range(0, len(whole), 60)]
    if len(parts) == 1:
        return f"filename*=UTF-8''{whole}"
    # a percent sign and its two digits may stand in two parts: readers join the parts before they decode them
    return ";\r\n ".join(
        f"filename*{number}*={chr(85) + 'TF-8' + chr(39) * 2 if not number else ''}{part}"
        for number, part in enumerate(parts)
    )
