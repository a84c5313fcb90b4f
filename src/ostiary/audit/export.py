"""An export: the pages of `audit.export` as a file of JSON Lines or CSV, which `audit.verify` checks offline; or a bundle for auditors (ZIP), with the
published checkpoints and the stand-alone verifier beside it."""

import base64
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from ostiary.audit import lines, verifier_file
from ostiary.audit.lines import EntryLine, Header


class ExportFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


BUNDLE_README = """An audit log of Ostiary, for somebody who does not trust whoever made this bundle.

log.jsonl           every event, and the log's own checkpoint at its end
checkpoint.txt      that checkpoint
published/          checkpoints as they were published, with the cosignatures of witnesses
ostiary_verify.py   verifies all of it; one file, Python 3.9 or later and the package `cryptography`. Better take it from a release that you trust.

    python3 ostiary_verify.py export log.jsonl --checkpoint CHECKPOINT-THAT-YOU-KEPT --key KEY-OF-THE-LOG

The checkpoints in this bundle came from the same hands as the events: only one that you got earlier, or that a witness you trust cosigned (--witness), proves
that nothing is missing.
"""

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
            if entry.get("leaf"):
                yield lines.entry_line(EntryLine(entry["index"], b"", (), bytes.fromhex(entry["leaf"])))
                continue
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


def write_bundle(export: Iterable[bytes], path: Path, published: Iterable[tuple[int, str]]) -> int:
    """Write a bundle: the export, its checkpoint, those published before (size, note), the verifier and how to use it; the number of events.

    The file appears whole or not at all. Raises OSError.
    """
    unfinished, log = path.with_name(path.name + ".part"), path.with_name(path.name + ".log")
    checkpoint = path.with_name(path.name + ".checkpoint")
    try:
        count = write_export(export, log, ExportFormat.JSONL, checkpoint)
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            with ZipFile(file, "w", ZIP_DEFLATED) as bundle:
                bundle.write(log, "log.jsonl")
                bundle.write(checkpoint, "checkpoint.txt")
                for size, note in published:
                    bundle.writestr(f"published/{size}.txt", note)
                bundle.writestr(verifier_file.NAME, verifier_file.source())
                bundle.writestr("README.txt", BUNDLE_README)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        for left in (log, checkpoint, unfinished):
            left.unlink(missing_ok=True)
    return count


def _csv(line: bytes) -> bytes:
    if line.startswith((b'{"event"', b'{"dropped"')):
        return lines.csv_entry(lines.read_entry(line))
    if line.startswith(b'{"checkpoint"'):
        return lines.csv_checkpoint(lines.read_checkpoint(line))
    return lines.csv_columns() + lines.csv_header(lines.read_header(line))
