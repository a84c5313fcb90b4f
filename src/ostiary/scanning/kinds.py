"""What content is, by its first bytes, then its name: text, a document for the confined reader, or something that says why it is not looked at."""

from enum import StrEnum
from functools import cache

from ostiary.documents import formats

HEAD_BYTES = 64 * 1024
CONTROL_SHARE_MAX = 0.01
"""Of the first bytes of a text; binary content has more."""
TEXTS = frozenset({"text", "json", "jsonl", "csv", "tsv"})
"""Formats that are looked at as the text that they are."""
_CONTROLS = bytes(each for each in range(32) if each not in b"\t\n\r\f\b\x1b") + b"\x7f"
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM")
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"!<arch>")  # fmt: skip
_ENCRYPTED = (b"-----BEGIN PGP MESSAGE", b"Salted__", b"age-encryption.org/", b"LUKS\xba\xbe")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SQLITE = b"SQLite format 3\0"


class What(StrEnum):
    """How content is looked at, or, with the name of a state, why it is not."""

    TEXT = "text"
    TABLE = "table"
    DOCUMENT = "document"
    PICTURE = "picture"
    ARCHIVE = "archive"
    DATABASE = "database"
    ENCRYPTED = "encrypted"
    UNSUPPORTED = "unsupported"


def what_is(content: bytes, name: str) -> What:
    """What these bytes are; `name` decides only between kinds of text, and of what nothing tells."""
    told = _by_magic(content)
    if told is not None:
        return told
    ending = _ending(name)
    if ending in _documents():
        return What.DOCUMENT
    if not is_texty(content):
        return What.UNSUPPORTED
    return What.TABLE if ending in {"csv", "tsv"} else What.TEXT


def is_plain(content: bytes) -> bool:
    """Whether this reads as text, and its first bytes are not those of anything else."""
    return _by_magic(content) is None and is_texty(content)


def _by_magic(content: bytes) -> What | None:
    if content.startswith(_SQLITE):
        return What.DATABASE
    if content.startswith(_ENCRYPTED):
        return What.ENCRYPTED
    if content.startswith(_PICTURES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return What.PICTURE
    if b"%PDF-" in content[:1024] or content.startswith((b"PK\x03\x04", _OLE)):
        return What.DOCUMENT
    if content.startswith(_ARCHIVES) or content[257:262] == b"ustar":
        return What.ARCHIVE
    return None


def is_texty(content: bytes) -> bool:
    """Whether this reads as text in some encoding, by its first bytes."""
    head = content[:HEAD_BYTES]
    if head.startswith(_MARKS):
        return True
    if len(head) >= 4 and (not head[1:200:2].strip(b"\0") or not head[0:200:2].strip(b"\0")):
        return any(head)
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return controls <= len(head) * CONTROL_SHARE_MAX


def is_archive(content: bytes) -> bool:
    """Whether this is an archive of some kind, which may also be a document."""
    return content.startswith(_ARCHIVES)


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


@cache
def _documents() -> frozenset[str]:
    """Endings of formats that need a parser."""
    return frozenset(ending for each in formats.FORMATS if each.name not in TEXTS for ending in each.endings)
