"""A document in, a redacted document and its record out: read, find, replace, write, read again, verify. One pure function of content, name, rules, plan, keys and options.

What is found anywhere is replaced everywhere in the document. The output is looked at as the input was: what is found in it is taken out in another pass, and after PASSES_MAX of them the
document is refused.

Where a person has decided (`Settings.reviewed`), nothing is looked for: exactly what was picked goes, and the areas that were drawn.
"""

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ostiary.detection.categories import family_of
from ostiary.detection.finding import Finding
from ostiary.detection.rules import DEFAULT, RuleSet
from ostiary.documents import formats, looking
from ostiary.documents.document import Carrier, Change, Document, Drawn, Format, Kind, Limits, Options
from ostiary.documents.sought import Sought, is_telling, joined
from ostiary.documents.verifying import Checked, uncovered, verify
from ostiary.errors import DocumentNotRedactable, DocumentResidue, DocumentTooLarge
from ostiary.redaction.apply import replacement, stretches
from ostiary.redaction.operators import Surroundings, Unfit
from ostiary.redaction.plan import Plan

PASSES_MAX = 4
SHORT_MAX = 2000
"""Replacements too short to be looked for as values (a mask with four digits), that are looked for as they are."""
KEPT = ("keep", "kept")
BLACKED = "black"
"""What is done with an area that was drawn."""
PAGED = frozenset({"pdf", "image"})
"""The formats on whose pages areas can be drawn."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Code points start to end (exclusive) of a piece, as `reading.read` numbers them, that a person wants gone, and what they are."""

    piece: int
    start: int
    end: int
    category: str
    country: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a person decided, in place of detection. findings: exactly what goes, whoever found it. drawn: areas of pages that go. input: SHA-256 of the file that was looked at, hexadecimal; empty: not checked."""

    findings: tuple[Pick, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    input: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to redact. `around` holds the keys of the scope, for operators that need them."""

    rules: RuleSet = DEFAULT
    plan: Plan = field(default_factory=Plan)
    around: Surroundings = field(default_factory=Surroundings)
    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    reviewed: Reviewed | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found, without its value."""

    place: str
    kind: Kind
    category: str
    operator: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """content: the redacted document. found: what was found, in order. carriers: what was taken out unseen. input, output: SHA-256, hexadecimal."""

    content: bytes = field(repr=False)
    format: str
    found: tuple[Found, ...]
    carriers: tuple[Carrier, ...]
    checked: Checked
    input: str
    output: str
    pieces: int = 0


@dataclass(slots=True)
class _Work:
    """What the passes gather. removed: values that must be gone; written: what stands for them."""

    settings: Settings
    found: list[Found] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    values: dict[str, Finding] = field(default_factory=dict)


def redact(content: bytes, name: str, settings: Settings) -> Redacted:
    """The document without what was found in it. Every error is one of `document.*` of errors.py."""
    if len(content) > settings.limits.bytes_max:
        raise DocumentTooLarge
    format_ = formats.format_of(content, name)
    work = _Work(settings)
    if settings.reviewed is not None:
        return _as_reviewed(content, format_, settings.reviewed, work)
    document = format_.read(content, settings.limits)
    carriers, pieces = document.carriers, len(document.pieces)
    new = content
    for number in range(PASSES_MAX):
        changes = list(_changes(document, work))
        if number and not changes:
            break
        new = format_.write(new, changes, settings.options, settings.limits)
        format_ = _same(format_, new)
        document = format_.read(new, settings.limits)
    else:
        if any(True for _ in _changes(document, work)):
            raise DocumentResidue("Something was found again after every pass.")
    checked = verify(new, document.pieces, work.removed, work.written, settings.limits)
    return Redacted(
        new, format_.name, tuple(work.found), carriers, checked, _digest(content), _digest(new), pieces
    )


def _as_reviewed(content: bytes, format_: Format, reviewed: Reviewed, work: _Work) -> Redacted:
    settings = work.settings
    if reviewed.input and reviewed.input != _digest(content):
        raise DocumentNotRedactable("The decisions are about another file.")
    if reviewed.drawn and format_.name not in PAGED:
        raise DocumentNotRedactable("It has no pages on which areas could be drawn.")
    document = format_.read(content, settings.limits)
    own = _picked(document, reviewed.findings)
    changes = [change for number in sorted(own) for change in _of_piece(document, number, own[number], work)]
    work.found += [
        Found(f"page {each.page}", Kind.VISIBLE, each.category, BLACKED) for each in reviewed.drawn
    ]
    kept = _kept(document, changes, work.removed)
    options = replace(settings.options, drawn=reviewed.drawn)
    new = format_.write(content, changes, options, settings.limits)
    format_ = _same(format_, new)
    after = format_.read(new, settings.limits)
    checked = verify(new, after.pieces, work.removed, work.written, settings.limits, kept)
    if format_.name == "pdf":
        uncovered(after.pieces, reviewed.drawn)
    return Redacted(
        new,
        format_.name,
        tuple(work.found),
        document.carriers,
        checked,
        _digest(content),
        _digest(new),
        len(document.pieces),
    )


def _picked(document: Document, picks: Sequence[Pick]) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for each in picks:
        if not 0 <= each.piece < len(document.pieces) or not 0 <= each.start < each.end <= len(
            document.pieces[each.piece].text
        ):
            raise DocumentNotRedactable("The decisions do not fit this file.")
        finding = Finding(each.start, each.end, each.category, each.country, 1.0, "picked")
        found.setdefault(each.piece, []).append(finding)
    return found


def _kept(document: Document, changes: Sequence[Change], removed: set[str]) -> Mapping[str, int]:
    """How often each removed value (by its joined form) stands where nothing was picked: there the person wanted it to stay."""
    starts: list[int] = []
    length = 0
    for piece in document.pieces:
        starts.append(length)
        length += len(piece.text) + 1
    gone = sorted((starts[each.piece] + each.start, starts[each.piece] + each.end) for each in changes)
    begins = [start for start, _ in gone]
    hits = Sought(removed).find("\n".join(piece.text for piece in document.pieces))
    return Counter(
        hit.joined
        for hit in hits
        if (at := bisect_left(begins, hit.end)) == 0 or gone[at - 1][1] <= hit.start
    )


def _same(format_: Format, content: bytes) -> Format:
    """The format of what was written: it may be another one (pages that became pictures)."""
    return next((each for each in formats.FORMATS if each.recognises(content)), format_)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _changes(document: Document, work: _Work) -> Iterator[Change]:
    found = looking.findings(document.pieces, work.settings.rules)
    ours = _Ours(document, work.written)
    found = {number: kept for number, own in found.items() if (kept := ours.without(number, own))}
    for form, finding in looking.by_joined(document.pieces, found).items():
        if not _is_kept(finding, work.settings.plan):
            work.values.setdefault(form, finding)
    for number, more in looking.elsewhere(document.pieces, work.values).items():
        found.setdefault(number, []).extend(ours.without(number, more))
    for piece in document.pieces:
        if own := found.get(piece.number):
            yield from _of_piece(document, piece.number, own, work)


def _is_kept(finding: Finding, plan: Plan) -> bool:
    category = str(finding.category)
    return plan.operator(category, str(family_of(category))).name == "keep"


class _Ours:
    """What we wrote in earlier passes, so that it is not taken for something to redact. Made once a pass: values to look for cost time to put together."""

    def __init__(self, document: Document, written: set[str]) -> None:
        self._pieces = document.pieces
        self._written = frozenset(written)
        self._sought = Sought(written)
        short = [each for each in written if len(each) > 2 and not is_telling(joined(each))]
        self._short = short if len(short) < SHORT_MAX else []

    def without(self, number: int, found: Sequence[Finding]) -> list[Finding]:
        """The findings of a piece that do not lie in what we wrote, and are nothing that we wrote."""
        if not self._written or not found:
            return list(found)
        text = self._pieces[number].text
        places = [(hit.start, hit.end) for hit in self._sought.find(text)]
        places += [span for each in self._short if each in text for span in _places(text, each)]
        return [
            each
            for each in found
            if text[each.start : each.end].strip() not in self._written
            and not self._sought.find(text[each.start : each.end])
            and not any(start <= each.start and each.end <= end for start, end in places)
        ]


def _places(text: str, sought: str) -> Iterator[tuple[int, int]]:
    at = text.find(sought)
    while at >= 0:
        yield at, at + len(sought)
        at = text.find(sought, at + 1)


def _of_piece(document: Document, number: int, own: Sequence[Finding], work: _Work) -> Iterator[Change]:
    piece, settings = document.pieces[number], work.settings
    for stretch in stretches(piece.text, own, settings.around):
        raw = piece.text[stretch.start : stretch.end]
        try:
            new, operator = replacement(raw, stretch.finding, settings.plan, settings.around)
        except Unfit as error:
            raise DocumentNotRedactable(f"{stretch.finding.category}: {error}.") from None
        work.found.append(Found(piece.place, piece.kind, str(stretch.finding.category), operator))
        if operator in KEPT or new == raw:
            continue
        if new:
            work.written.add(new)
        if joined(new) != joined(raw) and stretch.finding.why != looking.ELSEWHERE:
            work.removed.add(raw)
        yield Change(number, stretch.start, stretch.end, new)
