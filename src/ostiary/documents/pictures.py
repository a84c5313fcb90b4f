"""Pictures within office files: read by OCR and painted over as pictures on their own are, where that is possible; else an empty one stands in their place."""

import struct
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ostiary.documents import nested, ocr
from ostiary.documents.document import Limits
from ostiary.documents.images import IMAGE, encoding_of, pixels_of
from ostiary.documents.nested import Inner
from ostiary.errors import (
    DocumentLibraryMissing,
    DocumentMalformed,
    DocumentTooManyPages,
    DocumentTooManyPixels,
)

PICTURES_MAX = 40
"""Pictures of one document that are read, which costs seconds each; the others become empty."""
ENDINGS = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "TIFF": "tiff"}


@dataclass(slots=True)
class Pictures:
    """The pictures of a document, by the names that they get. inner: those that are read; blank: those that become empty."""

    inner: dict[str, Inner] = field(default_factory=dict)
    blank: list[str] = field(default_factory=list)

    def written(self) -> dict[str, bytes]:
        """What they became. Only after `nested.apply`."""
        return {name: each.new for name, each in self.inner.items()} | {
            name: blank_picture() for name in self.blank
        }


def ending(data: bytes) -> str:
    """How the name of a picture ends once it is written: "png" for one that becomes empty."""
    return ENDINGS.get(encoding_of(data), "png") if ocr.is_there() else "png"


def read(given: Mapping[str, bytes], carriers: Counter[str], limits: Limits) -> Pictures:
    """given: the pictures by their new names, in order, which end as `ending` says."""
    made = Pictures()
    left = limits.pixels_max
    for name, data in given.items():
        inner = None
        if len(made.inner) < PICTURES_MAX and encoding_of(data) and ocr.is_there():
            inner, left = _inner(f"picture {len(made.inner) + 1}", data, left, limits)
        if inner is not None:
            made.inner[name] = inner
        else:
            made.blank.append(name)
            if data != blank_picture():
                carriers["pictures"] += 1
    return made


def _inner(place: str, data: bytes, left: int, limits: Limits) -> tuple[Inner | None, int]:
    """A picture as it was read, none where it cannot be; and how many pixels are left after it."""
    try:
        left -= pixels_of(data)
        own = replace(limits, pixels_max=left)
        return (nested.inner(place, data, IMAGE, own), left) if left >= 0 else (None, left)
    except (DocumentMalformed, DocumentTooManyPages, DocumentTooManyPixels, DocumentLibraryMissing):
        return None, left


def blank_picture() -> bytes:
    """One white point (PNG, ISO/IEC 15948)."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\x00\xff"))
        + chunk(b"IEND", b"")
    )
