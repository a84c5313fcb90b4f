"""ZIP packages, which most formats are: read with every bound, written anew, so that nothing of the old file's bytes, times, comments or slack is left."""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping

from ostiary.documents.document import Limits
from ostiary.errors import (
    DocumentEncrypted,
    DocumentMalformed,
    DocumentTooManyPieces,
    DocumentUnpacksTooLarge,
)

ENTRIES_MAX = 20_000
_BEFORE_1981 = (1980, 1, 1, 0, 0, 0)
_READ_BYTES = 1024 * 1024
_UPWARDS = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|^[A-Za-z]:|\\|\x00")
BROKEN = (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises for archives that cannot be read."""


def is_package(content: bytes) -> bool:
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def names(content: bytes) -> list[str]:
    """What the package lists; nothing where it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return package.namelist()
    except BROKEN:
        return []


def unpacked(content: bytes, limits: Limits) -> dict[str, bytes]:
    """Every file of the package, by its name, in order. DocumentMalformed, DocumentEncrypted, DocumentUnpacksTooLarge, DocumentTooManyPieces."""
    parts: dict[str, bytes] = {}
    left = limits.unpacked_bytes_max
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            entries = package.infolist()
            if len(entries) > ENTRIES_MAX:
                raise DocumentTooManyPieces
            for entry in entries:
                if entry.flag_bits & 0x1:
                    raise DocumentEncrypted
                if _UPWARDS.search(entry.filename) or entry.filename in parts:
                    raise DocumentMalformed("A name in the package leads out of it, or stands there twice.")
                if entry.is_dir():
                    continue
                parts[entry.filename] = bytes_of(package, entry, left)
                left -= len(parts[entry.filename])
    except BROKEN:
        raise DocumentMalformed("The package cannot be unpacked.") from None
    return parts


def bytes_of(package: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """One file of the package. DocumentUnpacksTooLarge where it is larger than `most`, whatever it says of itself."""
    made = io.BytesIO()
    with package.open(entry) as opened:
        while chunk := opened.read(_READ_BYTES):
            if made.tell() + len(chunk) > most:
                raise DocumentUnpacksTooLarge
            made.write(chunk)
    return made.getvalue()


def packed(parts: Mapping[str, bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    """A package of these files. stored: those that stand first and uncompressed (OpenDocument's `mimetype`)."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        for name in (
            *(each for each in stored if each in parts),
            *(each for each in parts if each not in stored),
        ):
            entry = zipfile.ZipInfo(name, _BEFORE_1981)
            entry.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            package.writestr(entry, parts[name])
    return made.getvalue()
