"""Outlook's messages (.msg, [MS-OXMSG]): the properties that people read, the texts and the attachments; written as a message of the internet (.eml), since nothing else writes .msg.

Of the hundreds of properties only those of the lists below are read; whatever else stands in the file goes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

from ostiary.documents import mail, nested, richtext
from ostiary.documents.document import Change, Document, Limits, Options
from ostiary.documents.libraries import library
from ostiary.documents.mail_headers import Address, Header, decoded_as
from ostiary.documents.mail_parts import PARTS_MAX, Many, Message, Node, Note, Walk
from ostiary.documents.nested import FormatOf
from ostiary.errors import (
    DocumentEncrypted,
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentTooManyPieces,
    DocumentUnpacksTooLarge,
    OstiaryError,
)

MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
PROPERTIES = "__properties_version1.0"
MARK = PROPERTIES.encode("utf-16-le")
_STREAM, _RECIPIENT, _ATTACHMENT = "__substg1.0_", "__recip_version1.0_#", "__attach_version1.0_#"
_SUBJECT, _BODY, _HTML, _RTF, _CLASS = "0037", "1000", "1013", "1009", "001A"
_SENDER = (("0C1A", ("5D01", "0C1F")), ("0042", ("5D02", "0065")))
"""(name, addresses in the order in which they are believed) of who sent it, and of in whose name it was sent."""
_WHO = ("3001", ("39FE", "3003"))
_DATA, _LONG_NAME, _SHORT_NAME = "3701", "3707", "3704"
_SENT, _DELIVERED, _TO, _CODE_PAGE, _HTML_PAGE = 0x0039, 0x0E06, 0x0C15, 0x3FFD, 0x3FDE
_KINDS = {1: "To", 2: "Cc", 3: "Bcc"}
_PAGES = {65001: "utf-8", 20127: "ascii", 28591: "latin-1", 1200: "utf-16-le", 50220: "iso-2022-jp"}
_ENTRY_BYTES = 16
_BEGIN = datetime(1601, 1, 1, tzinfo=UTC)
_READ = frozenset({_SUBJECT, _BODY, _HTML, _RTF, _CLASS, _DATA, _LONG_NAME, _SHORT_NAME, "0C1A", "5D01", "0C1F", "0042", "5D02", "0065", "3001", "39FE", "3003"})  # fmt: skip

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """One message as Outlook saves it. format_of: by which its attachments are told."""

    format_of: FormatOf
    name: str = "msg"
    endings: tuple[str, ...] = ("msg",)

    def recognises(self, content: bytes) -> bool:
        return content.startswith(MAGIC) and MARK in content

    def read(self, content: bytes, limits: Limits) -> Document:
        message, carriers = _opened(content, self.format_of, limits)
        document = nested.document(self.name, mail.members(message), carriers, limits)
        return replace(document, becomes="eml")

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        message, _ = _opened(content, self.format_of, limits)
        nested.apply(mail.members(message), changes, options)
        return mail.written(message)


def _opened(content: bytes, format_of: FormatOf, limits: Limits) -> tuple[Message, Counter[str]]:
    reader = _Reader(format_of, limits)
    try:
        with library("olefile").OleFileIO(BytesIO(content)) as ole:
            reader.begin(ole)
            return reader.message((), "", nested.deeper(limits)), reader.walk.carriers
    except RecursionError:
        raise DocumentTooDeep from None
    except (OstiaryError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - a parser of foreign bytes: whatever it says, the file is damaged
        raise DocumentMalformed("It is no message that could be read.") from None


class _Reader:
    """One way through a file."""

    def __init__(self, format_of: FormatOf, limits: Limits) -> None:
        self.walk = Walk(format_of, limits)
        self._left = limits.unpacked_bytes_max
        self._ole: Any = None
        self._streams: dict[Path, list[str]] = {}

    def begin(self, ole: Any) -> None:
        self._ole = ole
        for path in ole.listdir():
            self._streams.setdefault(tuple(path), path)
        unread = sum(
            each[-1].startswith(_STREAM) and each[-1][len(_STREAM) :][:4].upper() not in _READ
            for each in self._streams
        )
        if unread:
            self.walk.carriers["properties of the message"] = unread

    def message(self, at: Path, place: str, limits: Limits) -> Message:
        """The message in a storage. limits: those of what lies in it."""
        kind = self._text(at, _CLASS).lower()
        if "smime" in kind:
            if "multipartsigned" in kind:
                raise DocumentFormatUnknown("It is signed (S/MIME): save it as .eml first.")
            raise DocumentEncrypted
        headers = list(self._headers(at))
        texts = list(self._texts(at, place, limits))
        files = [self._file(each, place, limits) for each in self._storages(at, _ATTACHMENT)]
        body: Node = texts[0] if len(texts) == 1 else Many("alternative", texts)
        return Message(place, headers, Many("mixed", [body, *files]) if files else body)

    def _headers(self, at: Path) -> Iterator[Header]:
        senders = [self._address(at, *each) for each in _SENDER]
        if known := [each for each in senders if each is not None]:
            yield Header("From", addresses=known[-1:])
            if known[0] != known[-1]:
                yield Header("Sender", addresses=known[:1])
        by_kind: dict[str, list[Address]] = {}
        for each in self._storages(at, _RECIPIENT):
            who = self._address(each, *_WHO)
            if who is not None:
                kind = _KINDS.get(self._number(each, _TO, 8), "To")
                by_kind.setdefault(kind, []).append(who)
        for kind, addresses in by_kind.items():
            yield Header(kind, addresses=addresses)
        if subject := self._text(at, _SUBJECT).strip():
            yield Header("Subject", subject)
        head = 32 if not at else 24
        ticks = self._number(at, _SENT, head) or self._number(at, _DELIVERED, head)
        if 0 < ticks < 1 << 62:
            yield Header("Date", format_datetime(_BEGIN + timedelta(microseconds=ticks // 10)))

    def _address(self, at: Path, name: str, addresses: tuple[str, ...]) -> Address | None:
        found = [text.strip() for each in addresses if (text := self._text(at, each))]
        who, where = self._text(at, name).strip(), next((each for each in found if "@" in each), "")
        return Address(who, where) if who or where else None

    def _texts(self, at: Path, place: str, limits: Limits) -> Iterator[Node]:
        plain, html = self._text(at, _BODY), self._html(at)
        rich = () if html else self._rich(at)
        if rich and rich[1]:
            html = rich[0]
        elif rich and not plain:
            plain = rich[0]
        damaged = not plain and not html and not rich and self._is_there(at, _RTF)
        if plain or not (html or damaged):
            yield self.walk.body(plain, "plain", place, limits)
        if html:
            yield self.walk.body(html, "html", place, limits)
        if damaged:
            self.walk.carriers["text in RTF"] += 1
            yield Note("a text in RTF")

    def _rich(self, at: Path) -> tuple[str, bool] | tuple[()]:
        """What the body in RTF says, and whether it is HTML; nothing where there is none, or a damaged one."""
        data = self._bytes((*at, f"{_STREAM}{_RTF}0102"))
        if data is None:
            return ()
        try:
            rtf = richtext.unpacked(data, self._left)
            self._left -= len(rtf)
            return richtext.read(rtf)
        except DocumentMalformed:
            return ()

    def _html(self, at: Path) -> str:
        data = self._bytes((*at, f"{_STREAM}{_HTML}0102"))
        if data is None:
            return self._text(at, _HTML)
        page = self._number(at, _HTML_PAGE, 32 if not at else 24)
        return decoded_as(data, _PAGES.get(page, f"cp{page}"))

    def _file(self, at: Path, place: str, limits: Limits) -> Node:
        name = self._text(at, _LONG_NAME) or self._text(at, _SHORT_NAME) or "attachment"
        within = (*at, f"{_STREAM}{_DATA}000D")
        if any(path[: len(within)] == within for path in self._streams):
            where = f"{place}, attached message" if place else "attached message"
            if (*within, PROPERTIES) in self._streams:
                return self.message(within, where, nested.deeper(limits))
            self.walk.carriers["embedded objects"] += 1
            return Note("an embedded object")
        data = self._bytes((*at, f"{_STREAM}{_DATA}0102"))
        if data is None:
            self.walk.carriers["attachment that is elsewhere"] += 1
            return Note("an attachment that is elsewhere")
        return self.walk.file(name, data, place, limits)

    def _storages(self, at: Path, kind: str) -> list[Path]:
        found = sorted(
            {path[: len(at) + 1] for path in self._streams if path[: len(at)] == at and len(path) > len(at) + 1 and path[len(at)].startswith(kind)}
        )  # fmt: skip
        if len(found) > PARTS_MAX:
            raise DocumentTooManyPieces
        return found

    def _is_there(self, at: Path, what: str) -> bool:
        return any((*at, f"{_STREAM}{what}{kind}") in self._streams for kind in ("001F", "001E", "0102"))

    def _text(self, at: Path, what: str) -> str:
        """A property that is text: in two bytes a letter, or in the code page that the message says."""
        data = self._bytes((*at, f"{_STREAM}{what}001F"))
        if data is not None:
            return data.decode("utf-16-le", "replace").replace("\0", "")
        data = self._bytes((*at, f"{_STREAM}{what}001E"))
        if data is None:
            return ""
        page = self._number((), _CODE_PAGE, 32) or 1252
        return decoded_as(data, _PAGES.get(page, f"cp{page}")).replace("\0", "")

    def _number(self, at: Path, what: int, head: int) -> int:
        """A property of fixed size; 0 where there is none. head: how many bytes stand before the first one."""
        data = self._bytes((*at, PROPERTIES)) or b""
        for place in range(head, len(data) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            tag = int.from_bytes(data[place : place + 4], "little")
            if tag >> 16 == what:
                size = 4 if tag & 0xFFFF == 3 else 8
                return int.from_bytes(data[place + 8 : place + 8 + size], "little")
        return 0

    def _bytes(self, path: Path) -> bytes | None:
        """A stream. DocumentUnpacksTooLarge where all of them together are more than may be: entries may share their bytes."""
        if path not in self._streams:
            return None
        with self._ole.openstream(self._streams[path]) as opened:
            data: bytes = opened.read()
        self._left -= len(data)
        if self._left < 0:
            raise DocumentUnpacksTooLarge
        return data
