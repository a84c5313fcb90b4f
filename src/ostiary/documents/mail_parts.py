"""The parts of a message, as a tree: what is read of it, and what is left out."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import Message as Parsed

from ostiary.documents import nested
from ostiary.documents.document import Limits
from ostiary.documents.mail_headers import NAMES, Header, decoded, decoded_as
from ostiary.documents.markup import HTML
from ostiary.documents.nested import FileName, FormatOf, Inner
from ostiary.documents.text import Text
from ostiary.errors import (
    DocumentEncrypted,
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentTooManyPieces,
    DocumentUnpacksTooLarge,
)

PARTS_MAX = 2_000
MULTIPARTS_DEEP_MAX = 20
KEPT_SUBTYPES = frozenset({"alternative", "mixed", "related"})
TEXT = Text()
_SIGNATURES = frozenset(
    {
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
    }
)
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED_HEADERS = re.compile(r"dkim-|arc-|x-google-dkim|domainkey|authentication-results", re.I)
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})
_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]|=[^=]")
"""What does not stand in base64."""
_UUENCODED = re.compile(r"^begin(?:-base64)? [0-7]{3,4} [^\n]*\n(?:[^\n]*\n)*?(?:end|====)[ \t\r]*$", re.M)
_PGP = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*|"
    r"-----BEGIN PGP (?:SIGNATURE|PUBLIC KEY BLOCK)-----(?:[^-]|-(?!----END))*-----END PGP [A-Z ]{1,40}-----"
)


@dataclass(slots=True)
class Body:
    """A text that stands in the message itself. subtype: plain or html."""

    inner: Inner
    subtype: str


@dataclass(slots=True)
class File:
    """An attachment that is read."""

    name: FileName
    inner: Inner


@dataclass(slots=True)
class Note:
    """Where something was left out."""

    what: str


@dataclass(slots=True)
class Many:
    """Parts together."""

    subtype: str
    children: "list[Node]"


@dataclass(slots=True)
class Message:
    """A message, or one within another. place: for people."""

    place: str
    headers: list[Header]
    root: "Node"
    carriers: Counter[str] = field(default_factory=Counter)


Node = Body | File | Note | Many | Message


def opened(content: bytes, format_of: FormatOf, limits: Limits) -> tuple[Message, Counter[str]]:
    """The message, and what is left out of it. The errors of documents, and those of what is attached where it is too large, too deep or too much."""
    try:
        parsed = message_from_bytes(content)
        walk = Walk(format_of, limits)
        return walk.message(parsed, "", nested.deeper(limits)), walk.carriers
    except RecursionError:
        raise DocumentTooDeep from None
    except (ValueError, TypeError, KeyError, IndexError, LookupError, AttributeError, AssertionError):
        raise DocumentMalformed("It is no message that could be read.") from None


class Walk:
    """One way through a message. carriers: what was left out."""

    def __init__(self, format_of: FormatOf, limits: Limits) -> None:
        self.carriers: Counter[str] = Counter()
        self._format_of = format_of
        self._left = limits.unpacked_bytes_max
        self._parts = self._files = 0

    def message(self, parsed: Parsed, place: str, limits: Limits) -> Message:
        """limits: those of what lies in it."""
        return Message(place, list(self._headers(parsed)), self._node(parsed, place, limits, 0))

    def _headers(self, parsed: Parsed) -> Iterator[Header]:
        if parsed.get_unixfrom():
            self.carriers["trace headers"] += 1
        seen: set[str] = set()
        for name, value in parsed.raw_items():
            lower = name.lower()
            if lower in NAMES and lower not in seen and str(value).strip():
                seen.add(lower)
                yield Header.of(name, str(value))
            elif not lower.startswith("content-") and lower != "mime-version":
                self.carriers["signatures" if _SIGNED_HEADERS.match(name) else "trace headers"] += 1

    def _node(self, parsed: Parsed, place: str, limits: Limits, depth: int) -> Node:
        self._parts += 1
        if self._parts > PARTS_MAX:
            raise DocumentTooManyPieces
        if depth > MULTIPARTS_DEEP_MAX:
            raise DocumentTooDeep
        kind = parsed.get_content_type()
        if kind == "multipart/encrypted":
            raise DocumentEncrypted
        if kind in _SEALED:
            if str(parsed.get_param("smime-type", "")).lower() in ("signed-data", "certs-only"):
                raise DocumentFormatUnknown("It is signed as one block (S/MIME), which is not read.")
            raise DocumentEncrypted
        if parsed.is_multipart() and kind.startswith("multipart/"):
            return self._many(parsed, place, limits, depth)
        if kind == "message/rfc822" and _is_plain(parsed) and parsed.is_multipart():
            within = f"{place}, attached message" if place else "attached message"
            only: Parsed = parsed.get_payload(0)  # type: ignore[assignment]
            return self.message(only, within, nested.deeper(limits))
        if kind.startswith(("multipart/", "message/")) or parsed.is_multipart():
            return self._left_out("a part that cannot be taken apart")
        return self._leaf(parsed, kind, place, limits)

    def _many(self, parsed: Parsed, place: str, limits: Limits, depth: int) -> Node:
        if (parsed.preamble or "").strip() or (parsed.epilogue or "").strip():
            self.carriers["text between the parts"] += 1
        children: list[Node] = []
        for child in parsed.get_payload():
            if not isinstance(child, Parsed):
                raise DocumentMalformed("It is no message that could be read.")
            if child.get_content_type() in _SIGNATURES:
                self.carriers["signatures"] += 1
            else:
                children.append(self._node(child, place, limits, depth + 1))
        subtype = parsed.get_content_subtype()
        return Many(subtype if subtype in KEPT_SUBTYPES else "mixed", children)

    def _leaf(self, parsed: Parsed, kind: str, place: str, limits: Limits) -> Node:
        data = _decoded(parsed)
        if data is None:
            return self._left_out("a part in an encoding that is not read")
        name = decoded(parsed.get_filename() or "")
        attached = bool(name) or parsed.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html", "text/enriched") and not attached:
            text = decoded_as(data, str(parsed.get_content_charset() or "utf-8"))
            return self.body(text, "html" if kind == "text/html" else "plain", place, limits)
        if kind.startswith("text/") and not attached:
            name = "part.csv" if kind == "text/csv" else "part.txt"
        return self.file(name or "attachment", data, place, limits)

    def body(self, text: str, subtype: str, place: str, limits: Limits) -> Node:
        """A text of the message itself."""
        where = f"{place}, text" if place else "text"
        if subtype == "html":
            return Body(
                nested.inner(where, text.encode("utf-8", "replace") or b"<p></p>", HTML, limits), "html"
            )
        return Body(nested.inner(where, self._plain(text).encode("utf-8", "replace"), TEXT, limits), "plain")

    def _plain(self, text: str) -> str:
        if "-----BEGIN PGP MESSAGE-----" in text:
            raise DocumentEncrypted
        text, count = _UUENCODED.subn("[attachment removed]", text)
        self.carriers.update({"files within the text": count} if count else {})
        text, count = _PGP.subn("", text)
        self.carriers.update({"signatures": count} if count else {})
        return text

    def file(self, name: str, data: bytes, place: str, limits: Limits) -> Node:
        """An attachment."""
        self._files += 1
        self._left -= len(data)
        if self._left < 0:
            raise DocumentUnpacksTooLarge
        where = f"{place}, attachment {self._files}" if place else f"attachment {self._files}"
        own = replace(nested.deeper(limits), unpacked_bytes_max=self._left)
        try:
            format_ = self._format_of(data, name)
            return File(FileName(name), nested.inner(f"{where} ({format_.name})", data, format_, own))
        except DocumentFormatUnknown:
            return self._left_out("an attachment of a type that is not read")
        except DocumentEncrypted:
            return self._left_out("an attachment that is encrypted")
        except DocumentMalformed:
            return self._left_out("an attachment that is damaged")

    def _left_out(self, what: str) -> Note:
        self.carriers[what.removeprefix("an ").removeprefix("a ")] += 1
        return Note(what)


def _decoded(parsed: Parsed) -> bytes | None:
    """The bytes of a part; none where its encoding is not known or does not hold: it would go out as it stands, and nobody could read it."""
    encoding = str(parsed.get("content-transfer-encoding", "")).strip().lower()
    data = parsed.get_payload(decode=True)
    if encoding not in _ENCODINGS or not isinstance(data, bytes):
        return None
    if encoding == "base64":
        given = b"".join(str(parsed.get_payload()).encode("utf-8", "surrogateescape").split())
        if _BASE64.search(given) or len(given.rstrip(b"=")) % 4 == 1:
            return None
    return data


def _is_plain(parsed: Parsed) -> bool:
    return str(parsed.get("content-transfer-encoding", "7bit")).strip().lower() in ("7bit", "8bit", "binary")
