"""A form with a file (RFC 7578), read as it comes: small fields first, then the file in pieces. Nothing of it lies on a disk in the clear, and no more than a piece in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ostiary.errors import MalformedRequest

FIELDS_MAX = 20
FIELD_BYTES_MAX = 2_000
HEADER_BYTES_MAX = 4_000
FORM = "Send the form as the page gives it."


@dataclass(frozen=True, slots=True)
class Incoming:
    """The fields that came before the file, the file's name as its sender says it, and its content as it comes."""

    fields: dict[str, str]
    name: str
    pieces: AsyncIterator[bytes]


@dataclass(slots=True)
class _Parts:
    """What the parser tells, as it goes on."""

    fields: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    ready: list[bytes] = field(default_factory=list)
    over: bool = False
    _head: dict[str, bytes] = field(default_factory=dict)
    _key: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _body: bytearray = field(default_factory=bytearray)
    _at: str = ""

    def begin(self) -> None:
        self._head, self._body, self._at = {}, bytearray(), ""

    def key(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        if len(self._value) + len(self._key) > HEADER_BYTES_MAX:
            raise MalformedRequest(FORM)

    def header(self) -> None:
        self._head[bytes(self._key).lower().decode("latin-1")] = bytes(self._value)
        self._key, self._value = bytearray(), bytearray()

    def headers(self) -> None:
        _, options = parse_options_header(self._head.get("content-disposition", b""))
        self._at = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options and self.name is None:
            self.name = options[b"filename"].decode("utf-8", "replace")

    def data(self, data: bytes, start: int, end: int) -> None:
        if self.name is not None:
            if not self.over:
                self.ready.append(data[start:end])
            return
        self._body += data[start:end]
        if len(self._body) > FIELD_BYTES_MAX:
            raise MalformedRequest(FORM)

    def end(self) -> None:
        if self.name is not None:
            self.over = True
            return
        if len(self.fields) >= FIELDS_MAX:
            raise MalformedRequest(FORM)
        self.fields[self._at] = self._body.decode("utf-8", "replace")


async def incoming(stream: AsyncIterator[bytes], kind: str) -> Incoming:
    """The form up to where its file begins. Raises MalformedRequest where it is none, or has no file."""
    name, options = parse_options_header(kind)
    if name != b"multipart/form-data" or b"boundary" not in options:
        raise MalformedRequest(FORM)
    parts = _Parts()
    parser = MultipartParser(
        options[b"boundary"],
        {
            "on_part_begin": parts.begin, "on_header_field": parts.key, "on_header_value": parts.value, "on_header_end": parts.header,
            "on_headers_finished": parts.headers, "on_part_data": parts.data, "on_part_end": parts.end,
        },
    )  # fmt: skip
    while parts.name is None:
        if not await _fed(stream, parser):
            raise MalformedRequest("Choose a file first.")
    return Incoming(parts.fields, parts.name, _file(stream, parser, parts))


async def _file(stream: AsyncIterator[bytes], parser: MultipartParser, parts: _Parts) -> AsyncIterator[bytes]:
    while True:
        while parts.ready:
            if piece := parts.ready.pop(0):
                yield piece
        if parts.over:
            return
        if not await _fed(stream, parser):
            raise MalformedRequest("The upload ended before it was complete.")


async def _fed(stream: AsyncIterator[bytes], parser: MultipartParser) -> bool:
    """Whether there was more."""
    chunk = await anext(stream, None)
    if chunk is None:
        return False
    try:
        parser.write(chunk)
    except FormParserError:
        raise MalformedRequest(FORM) from None
    return True
