"""From annotated documents to what is trained on: segments whose tokens each carry the set of tags that are right there.

A set, because corpora differ: where one does not annotate dates, a date may be a date or nothing. A set is a bit mask over the tags. The split is by a
hash of the text, so that it never changes; no document that is held out, nor a person named in it, is seen in training.
"""

import hashlib
import io
import json
import os
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random

from ostiary.detection.model_labels import BEGIN, END, INSIDE, LABELS, OUTSIDE, SINGLE, tag
from ostiary.detection.model_tokens import Segment, paragraphs, segments
from training.corpora import CORPORA, NOTHING, Corpus, ours

HELD_OUT_OF = 7
"""One document in so many is held out."""
OWN_LINES = 30
_WITH_DIGITS = frozenset({"date", "age", "address", "id_number", "organisation"})
_SMALL = frozenset({"date", "age", "job_title", "medical", "nationality"})
_CAPITAL = frozenset(
    {"person", "organisation", "location", "address", "date", "nationality", "job_title", "medical"}
)
OTHERS_PARTS = 8
PERSON_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir madam lady lord herr frau m mme mlle monsieur madame sr sra srta señor señora signor signora dott pan pani "
    "dhr mevr lt gen col capt sgt maj hon rev judge president king queen prince princess emperor saint".split()
)


@dataclass(frozen=True, slots=True)
class Annotated:
    """start and end (exclusive) in code points; `labels`: ours, more than one where it is not told which, "" where it may be nothing."""

    start: int
    end: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    spans: tuple[Annotated, ...]
    silent: frozenset[str] = frozenset()
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """`allowed`: for each token of the segment the bit mask of its right tags."""

    segment: Segment
    allowed: list[int]


def corpora_path() -> Path:
    """Where the corpora lie."""
    return Path(os.environ.get("OSTIARY_CORPORA", "../shared/data"))


def is_held_out(text: str) -> bool:
    return hashlib.blake2b(text.encode(), digest_size=2).digest()[0] % HELD_OUT_OF == 0


def records(name: str, folder: Path | None = None) -> Iterator[dict[str, object]]:
    """The lines of one corpus. Raises FileNotFoundError where the corpora are not."""
    path = (folder or corpora_path()) / "pii" / f"{name}.jsonl"
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def documents(corpus: Corpus, *, held_out: bool) -> Iterator[Document]:
    """The corpus's documents of one side of the split, with its labels in ours; of the training side the corpus's share."""
    for record in records(corpus.name):
        text = str(record["text"])
        if is_held_out(text) != held_out or (not held_out and not _shared(text, corpus.share)):
            continue
        spans = [
            _annotated(corpus, text, span["start"], span["end"], span["label"])
            for span in record["spans"]  # type: ignore[attr-defined]
        ]
        yield Document(text, tuple(span for span in spans if span), corpus.silent, corpus.loose)


def _shared(text: str, share: float) -> bool:
    return hashlib.blake2b(text.encode(), digest_size=2).digest()[1] < share * 256


def _annotated(corpus: Corpus, text: str, start: int, end: int, label: str) -> Annotated | None:
    labels = ours(corpus, label)
    if corpus.not_person and not corpus.not_person.isdisjoint(text[start:end].lower().split()):
        return Annotated(start, end, (NOTHING, *labels))
    if "person" in labels:
        start = _without_title(text, start, end)
    return Annotated(start, end, labels) if start < end else None


def _without_title(text: str, start: int, end: int) -> int:
    """Where the name begins: a title before it belongs to no name."""
    while True:
        head, _, rest = text[start:end].partition(" ")
        if not rest or head.rstrip(".").lower() not in PERSON_TITLES:
            return start
        start = end - len(rest.lstrip())


def _bits(labels: Iterable[str], places: tuple[int, ...] = (BEGIN, INSIDE, END, SINGLE)) -> int:
    mask = 0
    for label in labels:
        for place in places:
            mask |= 1 << tag(label, place)
    return mask


ALL = _bits(LABELS) | 1 << OUTSIDE


def examples(document: Document) -> Iterator[Example]:
    """The document's segments with the allowed tags of each token."""
    outside = 1 << OUTSIDE | _bits(document.silent)
    spans = sorted(document.spans, key=lambda span: (span.start, -span.end))
    for low, high in paragraphs(document.text):
        for segment in segments(document.text[low:high]):
            allowed = [outside] * len(segment.words)
            if document.loose:
                allowed = [outside if word[0].islower() else ALL for word in segment.words]
            first, last = segment.starts[0] + low, segment.ends[-1] + low
            for span in spans:
                if span.start < last and span.end > first:
                    _allow(allowed, segment, low, span, document)
            yield Example(segment, allowed)


def _allow(allowed: list[int], segment: Segment, low: int, span: Annotated, document: Document) -> None:
    """Set the tags of one span's tokens; a span that a segment's end cuts is left as any of its tags."""
    tokens = [
        index
        for index, (start, end) in enumerate(zip(segment.starts, segment.ends, strict=True))
        if start + low < span.end and end + low > span.start
    ]
    if not tokens:
        return
    labels = [label for label in span.labels if label != NOTHING]
    if NOTHING in span.labels or document.loose or len(labels) > 2:
        small = all(segment.words[index].islower() for index in tokens)
        for index in tokens:
            mask = _bits(_fitting(labels, segment.words[index], small=small))
            free = NOTHING in span.labels or not segment.words[index][0].isalnum()
            allowed[index] = mask | (1 << OUTSIDE | _bits(document.silent) if free else 0)
        return
    for index in tokens:
        allowed[index] = _bits(labels, (INSIDE,))
    allowed[tokens[0]], allowed[tokens[-1]] = _bits(labels, (BEGIN,)), _bits(labels, (END,))
    if len(tokens) == 1:
        allowed[tokens[0]] = _bits(labels, (SINGLE,))


def _fitting(labels: list[str], word: str, *, small: bool) -> list[str]:
    """Which of many labels a word may have by how it is written; `small`: whether all of its span is written small. What is left open is learnt as anything."""
    if len(labels) <= 2:
        return labels
    if word[0].isdigit():
        fitting = _WITH_DIGITS
    elif small:
        fitting = _SMALL
    else:
        fitting = _CAPITAL if word[0].isalpha() else _WITH_DIGITS | _CAPITAL
    return [label for label in labels if label in fitting]


def own_code(folder: Path) -> Iterator[Document]:
    """Our own source, some lines at a time: nobody is named in it, and no place. `folder` holds the package; the sample company and the detectors, which do name, are left out."""
    for path in sorted(folder.rglob("*.py")):
        if {"sample", "detection"}.isdisjoint(path.parts):
            yield from _code(path.read_text(encoding="utf-8").splitlines(keepends=True))


def _code(lines: list[str]) -> Iterator[Document]:
    for at in range(0, len(lines), OWN_LINES):
        text = "".join(lines[at : at + OWN_LINES])
        yield Document(text, (), silent=frozenset({"organisation", "date", "id_number", "other"}))


def held_out_people() -> frozenset[str]:
    """The words of every person's name in what is held out, small: generated text leaves them out."""
    found: set[str] = set()
    for corpus in CORPORA:
        for document in documents(corpus, held_out=True):
            for span in document.spans:
                if span.labels == ("person",):
                    found.update(
                        word.strip(".,'\"").lower() for word in document.text[span.start : span.end].split()
                    )
    return frozenset(word for word in found if len(word) > 2)


OTHERS = ("torch", "sympy", "networkx", "mpmath")
"""Packages that PyTorch brings (BSD licences). Their code is read, never kept; nobody is named in it once its comments and texts are left out."""
_REMARKS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
TEXT_LETTERS_MAX = 24


def others_code(seed: int, files: int) -> Iterator[Document]:
    """Python and C++ of other people, so many files of each, without comments and long texts: who wrote it may be named there."""
    random = Random(seed)
    folders = [Path(spec.origin).parent for name in OTHERS if (spec := find_spec(name)) and spec.origin]
    python = sorted(path for folder in folders for path in folder.rglob("*.py"))
    headers = sorted(path for folder in folders for path in folder.rglob("*.h"))
    for paths, without in ((python, _without_remarks), (headers, lambda text: _REMARKS.sub("", text))):
        for path in random.sample(paths, min(files, len(paths))):
            lines = without(path.read_text(encoding="utf-8", errors="replace")).splitlines(keepends=True)
            yield from _code(lines[: OWN_LINES * OTHERS_PARTS])


def _without_remarks(source: str) -> str:
    """Python without comments and long strings; nothing where it cannot be read."""
    kept = source.splitlines(keepends=True)
    try:
        found = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return ""
    for token in reversed(found):
        (first, begin), (last, end) = token.start, token.end
        if token.type == tokenize.COMMENT or (
            token.type == tokenize.STRING and len(token.string) > TEXT_LETTERS_MAX
        ):
            kept[first - 1 : last] = [kept[first - 1][:begin] + kept[last - 1][end:]]
    return "".join(kept)
