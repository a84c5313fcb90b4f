"""Looking at one item: its content in, how much of what is in it out. Pure and picklable, so it runs in process, in worker processes or on a cluster alike.

What comes out holds no value: counts by category, and a digest that only the holder of the key could compare.
"""

import codecs
import csv
import hashlib
import hmac
import io
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from ostiary.detection.engine import detect, find
from ostiary.detection.finding import Finding
from ostiary.detection.pieces import of_the_whole, pieces
from ostiary.detection.rules import RuleSet
from ostiary.documents import document, looking
from ostiary.documents.encoding import decoded
from ostiary.documents.reading import Reader
from ostiary.errors import OstiaryError
from ostiary.redaction.structured import by_field, hints_of
from ostiary.scanning.found import Found, add_all
from ostiary.scanning.kinds import HEAD_BYTES, What, is_archive, is_plain, what_is
from ostiary.scanning.place import IN_PART, LOOKED, Item, Sample
from ostiary.scanning.sampled import held

BYTES_MAX = 64 * 1024 * 1024
TEXT_BYTES_MAX = 1024 * 1024 * 1024
DOCUMENT_SECONDS_MAX = 60
DISTINCT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one item may cost. bytes_max: of a document, and of what is held in memory. text_bytes_max: a longer text is looked at up to here.

    distinct_max: distinct values of an item that are told apart; beyond, the count is a lower bound. pictures: whether letters in pictures are read, which takes seconds each.
    names: whether the model looks for names of people and places too, which takes ten times as long.
    """

    bytes_max: int = BYTES_MAX
    text_bytes_max: int = TEXT_BYTES_MAX
    document_seconds_max: int = DOCUMENT_SECONDS_MAX
    distinct_max: int = DISTINCT_MAX
    pictures: bool = True
    names: bool = True


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of an item; it holds no value of it.

    digest: HMAC-SHA-256 of the content under the caller's key, hexadecimal; "" without a key. state: one of `place.STATES`. counts: findings by category; of a
    column: values of the sample. distinct: distinct values by category. share: of a column, the part of the sampled values that are findings of its first category;
    0 for files. code: the error code where it was not looked at. rows, values: of a column, the table's rows as estimated and how many values were looked at.
    """

    key: str
    version: str
    size: int
    digest: str
    state: str
    counts: Mapping[str, int] = field(default_factory=dict)
    distinct: Mapping[str, int] = field(default_factory=dict)
    share: float = 0.0
    code: str = ""
    rows: int = 0
    values: int = 0


CSV_ROWS_MAX = 1_000_000
CHUNK_CHARACTERS = 64 * 1024
_STATES = {
    "document.encrypted": "encrypted",
    "document.malformed": "malformed",
    "document.library_missing": "library_missing",
    "document.format_unknown": "unsupported",
    "document.too_large": "too_large",
}
"""Errors of documents as states; every other says that it was too costly."""
SAID = frozenset({"metadata", "thumbnails", "alternative texts", "attributes", "printer settings", "external links", "trace headers", "signatures", "fields", "bookmarks", "field codes", "formulas", "defined names", "revision marks", "embedded fonts", "views", "conditional formats", "tables' definitions", "protected ranges"})  # fmt: skip
"""What a document carries beside what its reader shows, that hardly holds more. Anything else (comments, hidden rows, embedded files) may."""
PARTS_UNREAD = "document.parts_unread"


def look(item: Item, content: bytes | Sample, rules: RuleSet, limits: Limits, key: bytes = b"") -> Looked:
    """What is in this content. It does not raise for anything that content can be: what cannot be looked at is told by its state."""
    told = Looked(item.key, item.version, item.size, digest_of(content, key), LOOKED)
    if isinstance(content, Sample):
        own = held(content, rules, limits.distinct_max, names=limits.names)
        return replace(
            told,
            counts=own.counts,
            distinct=own.distinct,
            share=own.share,
            rows=content.rows_estimate,
            values=len(content.values),
        )
    told = replace(told, size=max(item.size, len(content)))
    what = what_is(content, item.key)
    if what in (What.TEXT, What.TABLE):
        told = replace(told, state=LOOKED if len(content) >= item.size else IN_PART)
        return _by_text(told, content, rules, limits, table=what is What.TABLE)
    if what in (What.DOCUMENT, What.PICTURE):
        if len(content) < item.size:
            return replace(told, state="too_large")
        if what is What.PICTURE and not limits.pictures:
            return replace(told, state="unwanted")
        return _by_document(told, content, rules, limits)
    return replace(told, state=what.value)


def look_long(
    item: Item, chunks: Iterable[bytes], rules: RuleSet, limits: Limits, key: bytes = b""
) -> Looked:
    """A text that is too long to be held: read in chunks, in bounded memory, a finding at a border found once. Raises what `chunks` raises."""
    found, digest = Found(limits.distinct_max), hmac.new(key or b"\0", digestmod=hashlib.sha256)
    read = 0

    def told() -> Iterator[bytes]:
        nonlocal read
        for chunk in chunks:
            chunk = chunk[: limits.text_bytes_max - read]
            read += len(chunk)
            digest.update(chunk)
            yield chunk
            if read >= limits.text_bytes_max:
                return

    _count_text(found, _letters(told()), rules, limits)
    state = LOOKED if read >= item.size else IN_PART
    size = max(item.size, read)
    return Looked(
        item.key, item.version, size, digest.hexdigest() if key else "", state, dict(found.counts), dict(found.distinct)
    )  # fmt: skip


def is_long_text(head: bytes, name: str) -> bool:
    """Whether what begins so can be read in chunks."""
    return what_is(head, name) in (What.TEXT, What.TABLE)


def digest_of(content: bytes | Sample, key: bytes) -> str:
    """Equal for equal content under one key; tells nothing without it. "" without a key."""
    if not key:
        return ""
    data = "\0".join(content.values).encode("utf-8", "replace") if isinstance(content, Sample) else content
    return hmac.new(key, data, hashlib.sha256).hexdigest()


def _by_text(told: Looked, content: bytes, rules: RuleSet, limits: Limits, *, table: bool) -> Looked:
    found = Found(limits.distinct_max)
    text = decoded(content).text
    chunks = (text[at : at + CHUNK_CHARACTERS] for at in range(0, len(text), CHUNK_CHARACTERS))
    _count_text(found, chunks, rules, limits)
    counts, distinct = dict(found.counts), dict(found.distinct)
    if table:
        for category, (cells, different) in _by_header(text, rules, limits).items():
            counts[category] = max(counts.get(category, 0), cells)
            distinct[category] = max(distinct.get(category, 0), different)
    return replace(told, counts=counts, distinct=distinct)


def _count_text(found: Found, chunks: Iterable[str], rules: RuleSet, limits: Limits) -> None:
    looked_at = ((piece, _findings(piece.text, rules, limits)) for piece in pieces(chunks))
    for piece, findings in of_the_whole(looked_at):
        for each in findings:
            found.add(str(each.category), piece.text[each.start - piece.offset : each.end - piece.offset])


def _findings(text: str, rules: RuleSet, limits: Limits) -> list[Finding]:
    return detect([text], rules)[0] if limits.names else find(text, "", rules)


def _letters(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text of chunks, in the encoding that the first of them shows."""
    decoder: codecs.IncrementalDecoder | None = None
    for chunk in chunks:
        if decoder is None:
            encoding = decoded(_whole_letters(chunk)).encoding
            decoder = codecs.getincrementaldecoder(encoding)("replace")
        yield decoder.decode(chunk)
    if decoder is not None:
        yield decoder.decode(b"", final=True)


def _whole_letters(chunk: bytes) -> bytes:
    """The head of a chunk, not cut within a letter of UTF-8."""
    head = chunk[:HEAD_BYTES]
    for cut in range(min(4, len(head))):
        if head[len(head) - 1 - cut] & 0xC0 != 0x80:
            return head[: len(head) - 1 - cut]
    return head


def _by_header(text: str, rules: RuleSet, limits: Limits) -> dict[str, tuple[int, int]]:
    """Of a table whose first row names its columns: cells that are what their column's name says, by category, and how many are distinct."""
    found = Found(limits.distinct_max)
    delimiter = max(",;\t|", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = [name.strip() for name in next(rows, [])]
        hints = {number: hint for number, hint in enumerate(hints_of(names)) if hint}
        for row in islice(rows, CSV_ROWS_MAX) if hints else ():
            for number, hint in hints.items():
                if number < len(row) and (own := by_field(row[number], hint)) and rules.wants(own.category):
                    found.add(str(own.category), row[number])
    except csv.Error:  # what is no table is a text, and was looked at as one
        pass
    return {category: (count, found.distinct[category]) for category, count in found.counts.items()}


def _by_document(told: Looked, content: bytes, rules: RuleSet, limits: Limits) -> Looked:
    """By the reader in its confined process; what it cannot read and is text is looked at as text."""
    try:
        read = _reader(limits).read(content, told.key.rpartition("/")[2])
    except OstiaryError as error:
        if is_plain(content):
            return _by_text(told, content, rules, limits, table=False)
        state = _STATES.get(error.code, "too_costly")
        if state == "unsupported" and is_archive(content):
            state = "archive"
        version = "" if state == "library_missing" else told.version  # by the next scan it may be there
        return replace(told, state=state, code=error.code, version=version)
    found = Found(limits.distinct_max)
    pieces_of = read.pieces if limits.names else [replace(each, prose=False) for each in read.pieces]
    for number, findings in looking.findings(pieces_of, rules).items():
        add_all(found, read.pieces[number].text, findings)
    told = replace(told, counts=dict(found.counts), distinct=dict(found.distinct))
    if {each.what for each in read.carriers} <= SAID:
        return told
    if not is_plain(content):
        return replace(told, state=IN_PART, code=PARTS_UNREAD)
    return _more(told, _by_text(told, content, rules, limits, table=False))  # its comments, its scripts


def _more(one: Looked, other: Looked) -> Looked:
    """Of two looks at the same content, by category what saw more."""
    counts = {name: max(one.counts.get(name, 0), other.counts.get(name, 0)) for name in {**one.counts, **other.counts}}  # fmt: skip
    distinct = {name: max(one.distinct.get(name, 0), other.distinct.get(name, 0)) for name in counts}
    return replace(one, counts=counts, distinct=distinct)


_HERE = threading.local()


def _reader(limits: Limits) -> Reader:
    """This thread's own, kept: it starts a process, which a document that harms it cannot outlive by much."""
    own = document.Limits(bytes_max=limits.bytes_max, seconds_max=limits.document_seconds_max)
    if getattr(_HERE, "limits", None) != own:
        close()
        _HERE.limits, _HERE.reader = own, Reader(own)
    reader: Reader = _HERE.reader
    return reader


def close() -> None:
    """End this thread's reader, if it has one."""
    reader: Reader | None = getattr(_HERE, "reader", None)
    if reader is not None:
        reader.close()
        _HERE.reader = _HERE.limits = None
