"""Verification of an export, offline, streaming, with the standard library and `cryptography` only: what an auditor runs.

Whoever holds the log's signing key can rebuild the log and sign it anew. So only a checkpoint kept outside proves that nothing is missing: the export must
begin with exactly the events that it covers. Without one an export is self-consistent at best. An event whose body retention has dropped is there by its leaf
hash, and a later event of the same log must say that retention did so.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ostiary.audit import lines
from ostiary.audit._c2sp_note import (
    NOTE_CHARACTERS_MAX,
    Checkpoint,
    NoteInvalid,
    VerifierKey,
    parse_key,
    verify,
)
from ostiary.audit._rfc6962 import EMPTY, append, leaf_hash, root_of

VERIFIED = "verified: complete and unchanged up to the checkpoint"
SELF_CONSISTENT = "self-consistent, completeness not proven"
NOT_VERIFIED = "not verified"

LINE_BYTES_MAX = 64 * 1024 * 1024
PURGE = "retention.purge_step"
DROPPED_BEFORE = "dropped_before"
"""The count by which such an event says that bodies of events before this place may be gone."""


@dataclass(frozen=True, slots=True)
class Report:
    """What verification found. `ok`: nothing is wrong. `complete`: a checkpoint from outside proves that nothing is missing up to it.

    `size` and `root` (hex) are those of the events that were read; `checkpoint_size` is the outside checkpoint's, 0 for none. `faults` says what is wrong and where.
    `dropped` is how many events have no body any more.
    """

    ok: bool
    complete: bool
    verdict: str
    log: str
    size: int
    root: str
    checkpoint_size: int
    faults: tuple[str, ...]
    dropped: int = 0


class Broken(Exception):
    """Verification stops here; the text says what is wrong and where."""


class Recount:
    """Counts a log's events anew, one after the other, and compares the end with what was signed.

    `outside` is a checkpoint kept outside, whose signature was checked already.
    """

    def __init__(self, outside: Checkpoint | None = None) -> None:
        self.outside = outside
        self.size = 0
        self._frontier: list[bytes] = []
        self._met = outside is None
        self.dropped = 0
        self._dropped_last = -1
        self._may_drop_before = 0

    def root(self) -> bytes:
        return root_of(self._frontier)

    def add(self, index: int, envelope: bytes, blobs: Sequence[bytes]) -> None:
        """The next event. Raises Broken."""
        said = _read(envelope)
        if commitments(said) != [hashlib.sha256(blob).hexdigest() for blob in blobs]:
            raise Broken(f"the sealed parts of event {index} are not those that it commits to")
        self._append(index, leaf_hash(envelope))
        if said.get("action") == PURGE and said.get("decision") == "ran":
            self._may_drop_before = max(self._may_drop_before, _told_before(said))

    def add_dropped(self, index: int, leaf: bytes) -> None:
        """The next event, of which only the leaf hash is kept. Raises Broken."""
        self._append(index, leaf)
        self.dropped += 1
        self._dropped_last = index

    def _append(self, index: int, leaf: bytes) -> None:
        if index != self.size:
            raise Broken(f"event {self.size} is missing or out of order")
        self._meet()
        append(self._frontier, self.size, leaf)
        self.size += 1

    def _meet(self) -> None:
        """Where the outside checkpoint stands, the tree must be the one that it signed. Raises Broken."""
        if self.outside is None or self._met or self.size != self.outside.size:
            return
        if self.root() != self.outside.root:
            raise Broken(
                f"the first {self.size} events are not those of the checkpoint: one was changed, removed or reordered"
            )
        self._met = True

    def finish(self, signed: Checkpoint) -> None:
        """The end: `signed` is the log's own checkpoint, its signature checked. Raises Broken."""
        self._meet()
        if signed.size != self.size:
            raise Broken(
                f"there are {self.size} events, and the log signed {signed.size}: some are missing or added"
            )
        if (self.root() if self.size else EMPTY) != signed.root:
            raise Broken("the events are not those that the log signed: at least one was changed")
        if self._dropped_last >= self._may_drop_before:
            raise Broken(
                f"the body of event {self._dropped_last} is gone, and no event of the log says that retention dropped it"
            )
        if not self._met and self.outside is not None:
            raise Broken(
                f"the log ends after {self.size} events, and the checkpoint covers {self.outside.size}: events are missing"
            )

    def report(self, log: str, *faults: str) -> Report:
        """The verdict."""
        complete = not faults and self.outside is not None
        verdict = NOT_VERIFIED if faults else VERIFIED if complete else SELF_CONSISTENT
        covered = self.outside.size if self.outside else 0
        return Report(
            not faults, complete, verdict, log, self.size, self.root().hex(), covered, faults, self.dropped
        )


def commitments(said: Mapping[str, Any]) -> list[str]:
    """The SHA-256 of each sealed part, as the envelope states it. Raises Broken when the envelope cannot be read."""
    try:
        return [str(part["sha256"]) for part in said.get("sealed", [])]
    except (TypeError, KeyError, AttributeError):
        raise Broken("an event cannot be read") from None


def _read(envelope: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(envelope)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Broken("an event cannot be read")
    return said


def _told_before(said: Mapping[str, Any]) -> int:
    counts = said.get("counts")
    told = counts.get(DROPPED_BEFORE, 0) if isinstance(counts, dict) else 0
    return told if type(told) is int else 0


@dataclass(frozen=True, slots=True)
class _Form:
    """How an export is read: JSON Lines or CSV."""

    header: Callable[[bytes], lines.Header]
    entry: Callable[[bytes], lines.EntryLine]
    checkpoint: Callable[[bytes], str]


_JSON_LINES = _Form(lines.read_header, lines.read_entry, lines.read_checkpoint)
_CSV = _Form(lines.read_csv_header, lines.read_csv_entry, lines.read_csv_checkpoint)


def verify_export(path: Path, checkpoint_path: Path | None = None, key: str | None = None) -> Report:
    """Verify an export (JSON Lines or CSV) against a checkpoint and a key (C2SP verifier key) that were kept outside, as far as there are any.

    Raises OSError when a file cannot be read; everything else is in the report.
    """
    outside = checkpoint_path.read_bytes()[: 4 * NOTE_CHARACTERS_MAX] if checkpoint_path else None
    with path.open("rb") as export:
        return verify_stream(export, outside, key)


def verify_stream(export: BinaryIO, outside: bytes | None = None, key: str | None = None) -> Report:
    """`verify_export` of an open file and the outside checkpoint's bytes."""
    recount, place, log = Recount(), _Place(), ""
    try:
        rows = _rows(export, place)
        form, first = _form(_next(rows), rows)
        header = form.header(first)
        log = header.log
        own = _key(header, key)
        recount = Recount(_outside(outside, own))
        for _ in range(header.size):
            entry = form.entry(_next(rows))
            if entry.dropped:
                recount.add_dropped(entry.index, entry.dropped)
            else:
                recount.add(entry.index, entry.envelope, entry.blobs)
        signed = verify(form.checkpoint(_next(rows)), own, alone=True)
        if next(rows, None) is not None:
            raise Broken("the export goes on after its checkpoint")
        recount.finish(signed)
    except (Broken, lines.LineInvalid, NoteInvalid) as error:
        return recount.report(log, f"line {place.line}: {error}")
    return recount.report(log)


@dataclass(slots=True)
class _Place:
    line: int = 0


def _rows(export: BinaryIO, place: _Place) -> Iterator[bytes]:
    """Whole lines, ends included. Raises Broken for one that is cut short or too long."""
    while line := export.readline(LINE_BYTES_MAX + 1):
        place.line += 1
        if not line.endswith(b"\n"):
            raise Broken("the line is cut short" if len(line) <= LINE_BYTES_MAX else "the line is too long")
        yield line


def _next(rows: Iterator[bytes]) -> bytes:
    line = next(rows, None)
    if line is None:
        raise Broken("the export ends here, before its checkpoint: something is missing")
    return line


def _form(first: bytes, rows: Iterator[bytes]) -> tuple[_Form, bytes]:
    """The export's form, told by its first line, and its header line."""
    if first == lines.csv_columns():
        return _CSV, _next(rows)
    return _JSON_LINES, first


def _key(header: lines.Header, trusted: str | None) -> VerifierKey:
    """The key that must have signed. Raises Broken when the export is of another key than the trusted one, NoteInvalid when it is none."""
    if trusted is not None and trusted.strip() != header.key:
        raise Broken("the export is signed by another key than the one given")
    key = parse_key(header.key)
    if key.name != header.log:
        raise Broken("the key is of another log than the export")
    return key


def _outside(note: bytes | None, key: VerifierKey) -> Checkpoint | None:
    if note is None:
        return None
    try:
        return verify(note.decode(), key)
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise Broken(f"the checkpoint kept outside does not fit this log: {error}") from None
