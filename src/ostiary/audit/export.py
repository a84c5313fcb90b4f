"""An export: the pages of `audit.export` as a file of JSON Lines or CSV, which `audit.verify` checks offline."""

import base64
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from ostiary.audit import lines
from ostiary.audit.lines import EntryLine, Header


class ExportFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


Page = Callable[[int, int], Mapping[str, Any]]
"""Asks for `audit.export` with `start` and `end`; the answer has `entries` and `next`."""


def export_lines(checkpoint: Mapping[str, Any], page: Page) -> Iterator[bytes]:
    """The lines of a whole log as JSON Lines: `checkpoint` is the answer of `audit.checkpoint`, which fixes where the export ends."""
    size = int(checkpoint["size"])
    yield lines.header_line(Header(str(checkpoint["log"]), size, str(checkpoint["key"])))
    start: int | None = 0
    while start is not None and start < size:
        answer = page(start, size)
        for entry in answer["entries"]:
            blobs = tuple(base64.b64decode(text) for text in entry["sealed"])
            yield lines.entry_line(EntryLine(entry["index"], lines.canonical(entry["event"]), blobs))
        start = answer["next"]
    yield lines.checkpoint_line(str(checkpoint["checkpoint"]))


def write_export(
    export: Iterable[bytes],
    path: Path,
    form: ExportFormat = ExportFormat.JSONL,
    checkpoint_path: Path | None = None,
) -> int:
    """Write the lines of `export_lines` to a file that only its owner may read, and the checkpoint beside it; the number of events.

    The file appears whole or not at all. Raises OSError.
    """
    unfinished = path.with_name(path.name + ".part")
    count, note = -2, ""
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for line in export:
            file.write(_csv(line) if form is ExportFormat.CSV else line)
            count += 1
            if line.startswith(b'{"checkpoint"'):
                note = lines.read_checkpoint(line)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    if checkpoint_path is not None:
        checkpoint_path.write_bytes(note.encode())
    return count


def _csv(line: bytes) -> bytes:
    if line.startswith(b'{"event"'):
        return lines.csv_entry(lines.read_entry(line))
    if line.startswith(b'{"checkpoint"'):
        return lines.csv_checkpoint(lines.read_checkpoint(line))
    return lines.csv_columns() + lines.csv_header(lines.read_header(line))
