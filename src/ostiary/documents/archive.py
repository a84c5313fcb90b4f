"""ZIP archives of documents: every file in them is read by its own format, and so is its name. What cannot be read means that the archive is refused, since it would go out unread.

The archive is written anew: names without ways out of it, no times, comments, extra fields, links or bytes between the files. Bounded: files, depth, bytes, and how much more there is
unpacked than packed.
"""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.documents import nested, packages
from ostiary.documents.document import Change, Document, Limits, Options
from ostiary.documents.nested import FileName, FormatOf, Inner
from ostiary.errors import (
    DocumentEncrypted,
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentTooManyPieces,
)

ENTRIES_MAX = 5_000
RATIO_MAX = 200
RATIO_FROM_BYTES = 32 * 1024 * 1024
"""Smaller archives may unpack to any multiple of themselves."""
TYPES_SAID_MAX = 8
NAME_CHARACTERS_MAX = 200
HEADER_BYTES = 30
"""The least that stands before the bytes of a file."""
_OTHERS = re.compile(r"\[Content_Types\]\.xml|mimetype|META-INF/.*|AndroidManifest\.xml")
"""Packages that are one document or program, not an archive of several."""
_LINK = 0o120000
_KIND = 0o170000
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@dataclass(slots=True)
class _File:
    name: FileName
    inner: Inner


@dataclass(frozen=True, slots=True)
class Archive:
    """ZIP (PKWARE's APPNOTE). format_of: by which the files in it are told."""

    format_of: FormatOf
    name: str = "zip"
    endings: tuple[str, ...] = ("zip",)

    def recognises(self, content: bytes) -> bool:
        return packages.is_package(content) and not any(map(_OTHERS.fullmatch, packages.names(content)))

    def read(self, content: bytes, limits: Limits) -> Document:
        files, carriers = self._opened(content, limits)
        return nested.document(self.name, _members(files), carriers, limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        files, _ = self._opened(content, limits)
        nested.apply(_members(files), changes, options)
        parts: dict[str, bytes] = {}
        taken: set[str] = set()
        for each in files:
            parts[_free(_safe(each.name.fitting(each.inner)), taken)] = each.inner.new
        return packages.packed(parts)

    def _opened(self, content: bytes, limits: Limits) -> tuple[list[_File], Counter[str]]:
        own, carriers = nested.deeper(limits), Counter[str]()
        unpacked = _unpacked(content, limits, carriers)
        left = limits.unpacked_bytes_max - sum(len(data) for _, data in unpacked)
        own = replace(own, unpacked_bytes_max=left)
        files: list[_File] = []
        unknown: set[str] = set()
        for number, (name, data) in enumerate(unpacked, start=1):
            try:
                format_ = self.format_of(data, name)
                files.append(
                    _File(FileName(name), nested.inner(f"file {number} ({format_.name})", data, format_, own))
                )
            except DocumentFormatUnknown as error:
                unknown.add(nested.ending_of(name).lower() or error.detail or "one without an ending")
        if unknown:
            said = ", ".join(sorted(unknown)[:TYPES_SAID_MAX])
            raise DocumentFormatUnknown(f"It holds files of types that are not read: {said}.")
        return files, carriers


def _members(files: Sequence[_File]) -> list[nested.Member]:
    return [
        each
        for number, file in enumerate(files, start=1)
        for each in (file.name.group(f"name of file {number}"), file.inner)
    ]


def _unpacked(content: bytes, limits: Limits, carriers: Counter[str]) -> list[tuple[str, bytes]]:
    """The files, by their harmless names. DocumentEncrypted, DocumentMalformed, DocumentTooManyPieces, DocumentUnpacksTooLarge."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            entries = package.infolist()
            if len(entries) > ENTRIES_MAX:
                raise DocumentTooManyPieces
            _apart(entries, len(content))
            _counted(package, entries, carriers)
            return _files(package, entries, len(content), limits)
    except packages.BROKEN:
        raise DocumentMalformed("The archive cannot be unpacked.") from None


def _files(
    package: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], packed: int, limits: Limits
) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    total = 0
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise DocumentEncrypted
        if entry.compress_type not in _METHODS:
            raise DocumentMalformed("A file is packed in a way that is not read.")
        if entry.is_dir() or _is_link(entry):
            continue
        most = limits.unpacked_bytes_max
        if packed * RATIO_MAX < most:
            most = max(packed * RATIO_MAX, min(RATIO_FROM_BYTES, most))
        data = packages.bytes_of(package, entry, most - total)
        total += len(data)
        files.append((_safe(entry.filename), data))
    return files


def _apart(entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    """DocumentMalformed where two files share bytes: such archives unpack to far more than they are."""
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise DocumentMalformed("Files in the archive overlap.")
        end = entry.header_offset + HEADER_BYTES + entry.compress_size
    if end > size:
        raise DocumentMalformed("The archive cannot be unpacked.")


def _counted(package: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], carriers: Counter[str]) -> None:
    for what, count in (
        ("comments", bool(package.comment) + sum(bool(each.comment) for each in entries)),
        ("extra fields", sum(bool(each.extra) for each in entries)),
        ("links", sum(map(_is_link, entries))),
    ):
        if count:
            carriers[what] += count


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return (entry.external_attr >> 16) & _KIND == _LINK


def _safe(name: str) -> str:
    """A name that leads nowhere else, on any system."""
    parts = [_UNFIT.sub("_", part).strip(" .") for part in name.replace("\\", "/").split("/")]
    kept = [part for part in parts if part and not re.fullmatch(r"[A-Za-z]_", part)]
    if not kept:
        return "file"
    last, ending = kept[-1], nested.ending_of(kept[-1])
    folders = [part[:NAME_CHARACTERS_MAX] for part in kept[:-1]]
    return "/".join([*folders, last.removesuffix(ending)[:NAME_CHARACTERS_MAX] + ending])


def _free(name: str, taken: set[str]) -> str:
    """The name, or the next one like it: two names may have become one, also for a system that does not tell letter cases apart."""
    ending, number, free = nested.ending_of(name), 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name.removesuffix(ending)} ({number}){ending}"
    taken.add(free.casefold())
    return free
