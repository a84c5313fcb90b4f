"""Messages (RFC 5322, MIME): the headers that people read, the texts, and every attachment by its own format, to a bounded depth. The message is written anew from what was read.

Every other header goes (traces of servers, ids, X-...), and so do signatures, which hold no longer, preambles, and parts that are not read: a note stands in their place. Messages that
are encrypted are refused.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ostiary.documents import mail_parts, nested
from ostiary.documents.document import Change, Document, Limits, Options
from ostiary.documents.mail_headers import NAMES, Header, encoded
from ostiary.documents.mail_parts import Body, File, Many, Message, Node, Note
from ostiary.documents.nested import FormatOf, Member

LINE_BYTES_MAX = 900
HEAD_BYTES_MAX = 256 * 1024
NOTE = "[A part was removed here, because it is not read: {what}.]"
TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "text": "text/plain",
    "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
"""The media types of attachments, by their formats; pictures say their own."""
_PICTURES = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
}
_FIELD = re.compile(rb"([!-9;-~]{1,76}):[ \t]?[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n")
_SURE = frozenset({b"mime-version", b"message-id", b"received", b"return-path", b"content-transfer-encoding", b"content-type", b"delivered-to", b"dkim-signature", b"date"})  # fmt: skip
_KNOWN = _SURE | {b"from", b"to", b"cc", b"bcc", b"subject", b"reply-to", b"sender"}


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as a file. format_of: by which its attachments are told."""

    format_of: FormatOf
    name: str = "eml"
    endings: tuple[str, ...] = ("eml",)

    def recognises(self, content: bytes) -> bool:
        """Whether it begins with headers, one of which only a message has."""
        at, seen = 0, set()
        head = content[:HEAD_BYTES_MAX]
        while found := _FIELD.match(head, at):
            seen.add(found[1].lower())
            at = found.end()
        return len(seen & _KNOWN) >= 2 and bool(seen & _SURE) and head[at : at + 1] in (b"", b"\r", b"\n")

    def read(self, content: bytes, limits: Limits) -> Document:
        message, carriers = mail_parts.opened(content, self.format_of, limits)
        return nested.document(self.name, members(message), carriers, limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        message, _ = mail_parts.opened(content, self.format_of, limits)
        nested.apply(members(message), changes, options)
        return written(message)


def members(message: Message) -> list[Member]:
    """The pieces of a message: its headers, then its parts in order."""
    own: list[Member] = [header.group(message.place) for header in message.headers]
    _gather(message.root, own)
    return own


def _gather(node: Node, made: list[Member]) -> None:
    if isinstance(node, Many):
        for child in node.children:
            _gather(child, made)
    elif isinstance(node, Message):
        made += members(node)
    elif isinstance(node, File):
        made += [node.name.group(f"name of {node.inner.place}"), node.inner]
    elif isinstance(node, Body):
        made.append(node.inner)


@dataclass(slots=True)
class _Written:
    """What a part is written as: its headers, its body."""

    headers: list[str] = field(default_factory=list)
    body: bytes = b""

    def bytes(self) -> bytes:
        return "".join(f"{each}\r\n" for each in self.headers).encode("ascii") + b"\r\n" + self.body


def written(message: Message) -> bytes:
    """The message as bytes."""
    root = _part(message.root)
    own = [header.written() for header in message.headers if header.value()]
    return _Written([*own, "MIME-Version: 1.0", *root.headers], root.body).bytes()


def _part(node: Node) -> _Written:
    if isinstance(node, Many):
        return _many(node)
    if isinstance(node, Message):
        return _Written(["Content-Type: message/rfc822", "Content-Disposition: attachment"], written(node))
    if isinstance(node, Note):
        return _text(NOTE.format(what=node.what).encode(), "plain")
    if isinstance(node, Body):
        return _text(node.inner.new, node.subtype)
    return _attached(node)


def _many(node: Many) -> _Written:
    children = [_part(child).bytes() for child in node.children]
    if not children:
        return _text(b"", "plain")
    mark = "=_part_" + hashlib.sha256(b"\0".join(children)).hexdigest()[:32]
    body = b"".join(b"--%b\r\n%b\r\n" % (mark.encode(), child) for child in children)
    return _Written(
        [f'Content-Type: multipart/{node.subtype}; boundary="{mark}"'], body + b"--%b--\r\n" % mark.encode()
    )


def _text(text: bytes, subtype: str) -> _Written:
    """Text as it stands where that is plain ASCII in short lines, else in base64."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", text.removeprefix(b"\xef\xbb\xbf"))
    if lines.isascii() and b"\0" not in lines and max(map(len, lines.split(b"\r\n"))) <= LINE_BYTES_MAX:
        return _Written(
            [f"Content-Type: text/{subtype}; charset=us-ascii", "Content-Transfer-Encoding: 7bit"], lines
        )
    return _Written(
        [f"Content-Type: text/{subtype}; charset=utf-8", "Content-Transfer-Encoding: base64"], _base64(lines)
    )


def _attached(node: File) -> _Written:
    kind = TYPES.get(node.inner.format.name, "application/octet-stream")
    for magic, subtype in _PICTURES.items():
        if node.inner.format.name == "image" and node.inner.new.startswith(magic):
            kind = f"image/{subtype}"
    name = node.name.fitting(node.inner)
    return _Written(
        [
            f"Content-Type: {kind}",
            "Content-Transfer-Encoding: base64",
            f"Content-Disposition: attachment;\r\n {encoded(name)}",
        ],
        _base64(node.inner.new),
    )


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def composed(headers: Iterable[tuple[str, str]], root: Node) -> Message:
    """A message of headers, as plain text, and a part: for formats that are read as one."""
    own = [Header.of(name, value) for name, value in headers if name.lower() in NAMES and value.strip()]
    return Message("", own, root)
