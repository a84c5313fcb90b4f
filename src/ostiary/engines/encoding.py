"""Rows as bytes, batch by batch: NDJSON, CSV, and Arrow's IPC stream."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

import orjson

from ostiary.engines.values import plain

Rows = Sequence[Sequence[Any]]
_INTEGERS = orjson.OPT_STRICT_INTEGER
ARROW_ROWS = 2_000
"""Of one record batch, after the first."""


class Unfit(Exception):
    """A value is not of the kind that its column was said to be."""


class Encoder(Protocol):
    """Of one answer. May keep rows until there are enough of them."""

    def rows(self, rows: Rows) -> bytes:
        """The first time with whatever comes before. Raises Unfit."""
        ...

    def end(self, count: int, truncated: bool) -> bytes:
        """Raises Unfit."""
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """`make`: for the names and kinds of an answer's columns (`engines.engine.KINDS`). `tells`: it says by itself whether there were more rows."""

    media: str
    make: Callable[[list[str], list[str]], Encoder]
    tells: bool = False


class _Ndjson:
    """The first line names the columns, each row is an array (an object a row would be six times the work and half as much again to send), the last line says how many there were."""

    def __init__(self, names: list[str], _kinds: list[str]) -> None:
        self._before = orjson.dumps({"columns": names}) + b"\n"

    def rows(self, rows: Rows) -> bytes:
        before, self._before = self._before, b""
        try:
            lines = [orjson.dumps(row, plain, _INTEGERS) for row in rows]
        except orjson.JSONEncodeError:  # whole numbers that JSON's readers would round
            lines = [orjson.dumps([plain(value) for value in row]) for row in rows]
        return before + b"\n".join((*lines, b""))

    def end(self, count: int, truncated: bool) -> bytes:
        return orjson.dumps({"rows": count, "truncated": truncated}) + b"\n"


class _Csv:
    """RFC 4180, in UTF-8, with a header; what is nothing is empty."""

    def __init__(self, names: list[str], kinds: list[str]) -> None:
        self._before: list[list[str]] = [names]
        self._unlike = [at for at, kind in enumerate(kinds) if kind.partition("(")[0] not in _AS_TEXT]

    def rows(self, rows: Rows) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerows(self._before)
        self._before = []
        writer.writerows([self._cells(row) for row in rows] if self._unlike else rows)
        return text.getvalue().encode()

    def _cells(self, row: Sequence[Any]) -> list[Any]:
        cells = list(row)
        for at in self._unlike:
            cells[at] = plain(cells[at])
        return cells

    def end(self, count: int, truncated: bool) -> bytes:
        return b""


_AS_TEXT = frozenset(["integer", "float", "text", "date", "decimal"])
"""Kinds whose values `str` writes as they are to be written."""


class _Arrow:
    """https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format. A column whose kind the engine does not say is what its first rows are; decimals of no stated size are text, since
    none would hold them all."""

    def __init__(self, names: list[str], kinds: list[str]) -> None:
        import pyarrow  # noqa: PLC0415 - a library of an extra

        self._arrow = pyarrow
        self._names, self._kinds = names, kinds
        self._columns = [itemgetter(at) for at in range(len(names))]
        self._sink = _Taken()
        self._schema: Any = None
        self._writer: Any = None
        self._waiting: list[Sequence[Any]] = []

    def rows(self, rows: Rows) -> bytes:
        if self._writer is None:
            return self._begun(rows)
        self._waiting.extend(rows)
        return self._written() if len(self._waiting) >= ARROW_ROWS else b""

    def end(self, count: int, truncated: bool) -> bytes:
        last = self._written()
        self._writer.close()
        return last + self._sink.taken()

    def _begun(self, rows: Rows) -> bytes:
        found = [
            self._type(kind or _kind_of(list(map(of, rows))))
            for kind, of in zip(self._kinds, self._columns, strict=True)
        ]
        self._schema = self._arrow.schema(list(zip(self._names, found, strict=True)))
        self._writer = self._arrow.ipc.new_stream(self._sink, self._schema)
        self._waiting.extend(rows)
        return self._written()

    def _written(self) -> bytes:
        if self._waiting:
            arrays = [self._array(list(map(of, self._waiting)), type_) for of, type_ in zip(self._columns, self._schema.types, strict=True)]  # fmt: skip
            self._waiting.clear()
            self._writer.write_batch(self._arrow.RecordBatch.from_arrays(arrays, schema=self._schema))
        return self._sink.taken()

    def _array(self, values: list[Any], type_: Any) -> Any:
        arrow = self._arrow
        try:
            return arrow.array(values, type=type_)
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, OverflowError):
            if type_ != arrow.string():
                raise Unfit from None
            return arrow.array([_text(value) for value in values], type=type_)

    def _type(self, kind: str) -> Any:
        arrow = self._arrow
        if sized := _SIZED.fullmatch(kind):
            return arrow.decimal128(int(sized[1]), int(sized[2])) if int(sized[1]) <= _DIGITS_MAX else arrow.string()  # fmt: skip
        return {
            "integer": arrow.int64(), "float": arrow.float64(), "boolean": arrow.bool_(), "bytes": arrow.binary(), "date": arrow.date32(), "timestamp": arrow.timestamp("us"),
            "timestamptz": arrow.timestamp("us", tz="UTC"),
        }.get(kind, arrow.string())  # fmt: skip


_SIZED = re.compile(r"decimal\((\d+),(\d+)\)")
_DIGITS_MAX = 38


class _Taken(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        held, self._held = self._held, []
        return b"".join(held)


def _kind_of(values: list[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bytes}:
        return "bytes"
    if kinds and kinds <= {int, float}:
        return "integer" if kinds == {int} else "float"
    return "text"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    found = plain(value)
    return found if isinstance(found, str) else orjson.dumps(found).decode()


FORMS = {
    "ndjson": Form("application/x-ndjson", _Ndjson, tells=True),
    "csv": Form("text/csv; charset=utf-8", _Csv),
    "arrow": Form("application/vnd.apache.arrow.stream", _Arrow),
}
