"""The lines of an export, byte for byte: each has exactly one form, so that a change of any byte shows. Standard library only.

JSON Lines: a header, one line an event with its sealed parts (or with its leaf hash alone, where retention has dropped the body), the signed checkpoint. CSV: the same three, and columns for people beside the event; a cell that
a spreadsheet would take for a formula gets an apostrophe.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.clock import rfc3339

FORMAT = "ostiary-audit-export"
VERSION = 1
COLUMNS = (
    "index",
    "at",
    "action",
    "decision",
    "actor_kind",
    "actor_id",
    "face",
    "call",
    "code",
    "event",
    "sealed",
)

_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(,|$)')
_EVENT, _INDEX, _SEALED = b'{"event":', b',"index":', b',"sealed":['
_DROPPED = b'{"dropped":"'
LEAF_BYTES = 32


class LineInvalid(ValueError):
    """A line that is not in its one form. The text says what it should be."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the export says of itself: the log's name, how many events follow, and the key (C2SP) that signed the checkpoint."""

    log: str
    size: int
    key: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One event of an export: its canonical envelope and its sealed parts. `dropped` is the leaf hash where there is no body any more."""

    index: int
    envelope: bytes
    blobs: tuple[bytes, ...]
    dropped: bytes = b""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def header_line(header: Header) -> bytes:
    made = {"format": FORMAT, "key": header.key, "log": header.log, "size": header.size, "version": VERSION}
    return canonical(made) + b"\n"


def read_header(line: bytes) -> Header:
    """Raises LineInvalid."""
    made = _object(line)
    header = Header(str(made.get("log")), _number(made.get("size")), str(made.get("key")))
    if header_line(header) != line:
        raise LineInvalid("this is not the header of an export, or it was changed")
    return header


def entry_line(entry: EntryLine) -> bytes:
    if entry.dropped:
        return canonical({"dropped": entry.dropped.hex(), "index": entry.index}) + b"\n"
    sealed = b",".join(b'"' + base64.b64encode(blob) + b'"' for blob in entry.blobs)
    return _EVENT + entry.envelope + _INDEX + str(entry.index).encode() + _SEALED + sealed + b"]}\n"


def read_entry(line: bytes) -> EntryLine:
    """Raises LineInvalid."""
    if line.startswith(_DROPPED):
        return _read_dropped(line)
    event, _, rest = line.rpartition(_INDEX)
    index, _, sealed = rest.partition(_SEALED)
    blobs = tuple(_blob(text.strip(b'"')) for text in sealed[:-3].split(b",") if text)
    entry = EntryLine(_digits(index), event[len(_EVENT) :], blobs)
    if entry_line(entry) != line:
        raise LineInvalid("this is not an event of an export, or it was changed")
    return entry


def _read_dropped(line: bytes) -> EntryLine:
    made = _object(line)
    entry = EntryLine(_number(made.get("index")), b"", (), _leaf(made.get("dropped")))
    if entry_line(entry) != line:
        raise LineInvalid("this is not an event of an export, or it was changed")
    return entry


def checkpoint_line(note: str) -> bytes:
    return canonical({"checkpoint": note}) + b"\n"


def read_checkpoint(line: bytes) -> str:
    """The signed note. Raises LineInvalid."""
    note = _object(line).get("checkpoint")
    if not isinstance(note, str) or checkpoint_line(note) != line:
        raise LineInvalid("this is not the checkpoint of an export, or it was changed")
    return note


def csv_columns() -> bytes:
    return _row(COLUMNS)


def csv_header(header: Header) -> bytes:
    return _special("log", header_line(header)[:-1].decode())


def read_csv_header(line: bytes) -> Header:
    """Raises LineInvalid."""
    header = read_header(_cells(line)[-2].encode() + b"\n")
    if csv_header(header) != line:
        raise LineInvalid("this is not the header of an export, or it was changed")
    return header


def csv_entry(entry: EntryLine) -> bytes:
    if entry.dropped:
        dropped = canonical({"dropped": entry.dropped.hex()}).decode()
        return _row((str(entry.index), *[""] * (len(COLUMNS) - 3), dropped, ""))
    event = _object(entry.envelope)
    cells = [str(entry.index), _instant(event.get("at_us"))]
    cells += [str(event.get(name, "")) for name in COLUMNS[2:9]]
    sealed = " ".join(base64.b64encode(blob).decode() for blob in entry.blobs)
    return _row((*cells, entry.envelope.decode(), sealed))


def read_csv_entry(line: bytes) -> EntryLine:
    """Raises LineInvalid."""
    cells = _cells(line)
    index = _digits(cells[0].encode())
    if cells[-2].encode().startswith(_DROPPED):
        entry = EntryLine(index, b"", (), _leaf(_object(cells[-2].encode()).get("dropped")))
    else:
        blobs = tuple(_blob(text.encode()) for text in cells[-1].split(" ") if text)
        entry = EntryLine(index, cells[-2].encode(), blobs)
    if csv_entry(entry) != line:
        raise LineInvalid("this is not an event of an export, or it was changed")
    return entry


def csv_checkpoint(note: str) -> bytes:
    return _special("checkpoint", checkpoint_line(note)[:-1].decode())


def read_csv_checkpoint(line: bytes) -> str:
    """The signed note. Raises LineInvalid."""
    note = read_checkpoint(_cells(line)[-2].encode() + b"\n")
    if csv_checkpoint(note) != line:
        raise LineInvalid("this is not the checkpoint of an export, or it was changed")
    return note


def _special(kind: str, text: str) -> bytes:
    return _row((kind, *[""] * (len(COLUMNS) - 3), text, ""))


def _row(cells: Sequence[str]) -> bytes:
    return (",".join(map(_cell, cells)) + "\n").encode()


def _cell(text: str) -> str:
    if text.startswith(("=", "+", "-", "@")):
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in '",\r\n') else text


def _cells(line: bytes) -> list[str]:
    """A row's cells. Raises LineInvalid unless there is one for each column."""
    text, at = _text(line.removesuffix(b"\n")), 0
    cells: list[str] = []
    while len(cells) < len(COLUMNS):
        match = _CELL.match(text, at)
        if match is None:
            raise LineInvalid("this is not a row of an export")
        cells.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        at = match.end()
        if not match[3]:
            break
    if len(cells) != len(COLUMNS) or at != len(text):
        raise LineInvalid("this row has not the columns of an export")
    return cells


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        made = json.loads(line)
    except (ValueError, RecursionError):
        raise LineInvalid("this line is not JSON") from None
    if not isinstance(made, dict):
        raise LineInvalid("this line is not a JSON object")
    return made


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise LineInvalid("this line is not UTF-8") from None


def _instant(at_us: Any) -> str:
    try:
        return rfc3339(_number(at_us))
    except (ValueError, OverflowError, OSError):
        raise LineInvalid("an event has no time") from None


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise LineInvalid("this is not a whole number")
    return value


def _leaf(text: Any) -> bytes:
    try:
        leaf = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise LineInvalid("a leaf hash is not hexadecimal") from None
    if len(leaf) != LEAF_BYTES:
        raise LineInvalid("a leaf hash is not 32 bytes")
    return leaf


def _digits(text: bytes) -> int:
    if not text.isdigit() or len(text) > 18:
        raise LineInvalid("this line has no place in the log")
    return int(text)


def _blob(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LineInvalid("a sealed part is not base64") from None
