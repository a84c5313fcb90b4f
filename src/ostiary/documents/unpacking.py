"""Everything that lies in a file's bytes, by no parser of ours: every ZIP entry that any local header speaks of (also those that the directory does not list), every zlib, gzip and
PDF stream, every run of base64 and of quoted-printable, and each of them again. It is how the verifier looks at what was written.
"""

import base64
import binascii
import contextlib
import gzip
import html
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from ostiary.documents.document import Limits
from ostiary.errors import DocumentUnpacksTooLarge

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{4}\r?\n?){5,}[A-Za-z0-9+/_-]{0,3}={0,2}")
_STREAM = re.compile(rb"stream\r?\n")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}\s?){12,}")
_QUOTED = re.compile(rb"=(?:[0-9A-F]{2}|\r?\n)")
_TAG = re.compile(r"<[^<>]{0,100000}>")
_BREAK = re.compile(
    r"</?(?:[\w.-]+:)?(?:p|tr|td|th|tc|tbl|div|br|li|ul|ol|h[1-6]|si|row|c|table-cell|table-row|tab|title|body|head|html)\b[^<>]{0,10000}>",
    re.I,
)
ROUNDS_MAX = 5


@dataclass(slots=True)
class _Left:
    """How many bytes may still be unpacked."""

    count: int

    def spent(self, data: bytes) -> bytes:
        self.count -= len(data)
        if self.count < 0:
            raise DocumentUnpacksTooLarge
        return data


def blobs(content: bytes, limits: Limits) -> Iterator[bytes]:
    """The content, and everything that can be unpacked from it. DocumentUnpacksTooLarge."""
    left = _Left(limits.unpacked_bytes_max * 2)
    waiting = [(content, 0)]
    while waiting:
        data, round_ = waiting.pop()
        yield data
        if round_ < ROUNDS_MAX:
            waiting += [(each, round_ + 1) for each in _unpacked(data, left)]


def _unpacked(data: bytes, left: _Left) -> Iterator[bytes]:
    yield from _entries(data, left)
    if data[:2] == b"\x1f\x8b":
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield left.spent(gzip.decompress(data))
    if b"endstream" in data:
        for found in _STREAM.finditer(data):
            yield from _inflated(data[found.end() :], left, zlib.MAX_WBITS)
    yield from _texts_within(data, left)


def _entries(data: bytes, left: _Left) -> Iterator[bytes]:
    at = data.find(b"PK\x03\x04")
    while at >= 0 and at + 30 <= len(data):
        method, size, name, extra = struct.unpack_from("<H8xI4xHH", data, at + 8)
        begin = at + 30 + name + extra
        yield data[at + 30 : begin]
        if method == 8:
            yield from _inflated(data[begin:], left, -zlib.MAX_WBITS)
        elif method == 0 and size:
            yield left.spent(data[begin : begin + size])
        at = data.find(b"PK\x03\x04", at + 4)


def _inflated(data: bytes, left: _Left, bits: int) -> Iterator[bytes]:
    machine = zlib.decompressobj(bits)
    try:
        made = machine.decompress(data, left.count + 1)
    except zlib.error:
        return
    if made:
        yield left.spent(made)


def _texts_within(data: bytes, left: _Left) -> Iterator[bytes]:
    for found in _BASE64.finditer(data):
        run = re.sub(rb"\s", b"", found[0]).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            yield left.spent(base64.b64decode(run + b"=" * (-len(run) % 4)))
        except binascii.Error:
            yield left.spent(base64.b64decode(run[: len(run) // 4 * 4]))
    for found in _HEX.finditer(data):
        digits = re.sub(rb"\s", b"", found[0])
        yield left.spent(binascii.unhexlify(digits[: len(digits) // 2 * 2]))
    if len(_QUOTED.findall(data[:1_000_000])) >= 3:
        yield left.spent(binascii.a2b_qp(data))


def views(blob: bytes) -> Iterator[str]:
    """The ways to read a blob as text: as it stands, without markup and escapes, and in two bytes a letter."""
    try:
        text = blob.decode("utf-8")
    except UnicodeDecodeError:
        text = blob.decode("latin-1")
    yield text
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
        yield text
    if "&" in text or "\\u" in text:
        text = html.unescape(re.sub(r"\\u([0-9a-fA-F]{4})", lambda each: chr(int(each[1], 16)), text))
        yield text
    if "%" in text:
        yield unquote(text)
    if b"\0" in blob:
        for skipped in (0, 1):
            yield blob[skipped:].decode("utf-16-le", "replace")
            yield blob[skipped:].decode("utf-16-be", "replace")
