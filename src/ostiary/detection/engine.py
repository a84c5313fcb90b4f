"""Finding what is sensitive in texts. `detect` is a pure function over a batch, so it runs in process, in a worker or on a cluster alike.

How it stays cheap: a text is folded, then cut into windows; over each window one automaton (re2.Set) says which detectors could match at all, and those
that count only beside a context word are asked only where such a word stands. Only then do single patterns and check digits run. Everything is linear
in the text: RE2 does not backtrack, and a match is at most MATCH_BYTES_MAX long.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import re2

from ostiary.detection.categories import NAMES
from ostiary.detection.detector import CONTEXT_RAISE, THRESHOLD, Detector
from ostiary.detection.detectors import DETECTORS
from ostiary.detection.finding import Finding
from ostiary.detection.folding import Folded, fold

WINDOW_BYTES = 1024
AHEAD_BYTES = 512
"""How far a window reads past its end, so that what begins in it is seen; longer matches are followed to MATCH_BYTES_MAX."""
MATCH_BYTES_MAX = 16_384
TRIMMED_MIN = 12
"""Detectors that trim try a match without any number of its last groups, down to twelve characters; the search then goes on at the second group."""
_GROUP = re.compile(rb"[0-9A-Za-z]+")
REMAINDER_MIN = 4
"""A finding that another overlaps keeps its rest, if that holds at least so many letters and digits."""

Tier = Callable[[Folded, str], list[Finding]]
"""One way of finding: (the folded text, words of the field's name) -> findings in folded offsets. They may overlap."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """patterns: (regular expression, number of the group that holds the value). context: None where no word raises the score."""

    certain: Any
    certain_ids: tuple[int, ...]
    doubtful: Any
    doubtful_ids: tuple[int, ...]
    patterns: tuple[tuple[Any, int], ...]
    context: tuple[Any, ...]
    any_context: Any
    unless: tuple[Any, ...]


def detect(batch: Sequence[str]) -> list[list[Finding]]:
    """The findings of each text, in order of their start, not overlapping. The same text gives the same findings in any batch."""
    return [find(text) for text in batch]


def find(text: str, hint: str = "") -> list[Finding]:
    """The findings of one text. `hint`: lower-case words that stand by it elsewhere, such as the name of its field."""
    folded = fold(text)
    found = [finding for tier in TIERS for finding in tier(folded, hint)]
    if not found:
        return found
    return [_placed(finding, folded) for finding in _without_overlaps(found, folded.data)]


def warm() -> None:
    """Compile every pattern, which takes a tenth of a second, so that no call waits for it."""
    _compiled()


def nothing_certain(data: bytes) -> bool:
    """Whether no detector that needs no context can match anywhere in these bytes."""
    return not _compiled().certain.Match(data)


def doubtful_words() -> frozenset[str]:
    """Every word on which a detector that needs context waits."""
    return frozenset(
        word for detector in DETECTORS if detector.score < THRESHOLD for word in detector.context
    )


def pattern(expression: str) -> Any:
    """A compiled RE2 expression over folded bytes."""
    return re2.compile(expression.encode("latin-1"), _options())


def has_context(words: str) -> bool:
    """Whether any detector takes these lower-case words for context."""
    return _compiled().any_context.search(words.encode("latin-1", "replace")) is not None


def patterns(folded: Folded, hint: str) -> list[Finding]:
    """The pattern tier: DETECTORS over the folded text."""
    data = _without_masks(folded.data)
    found: list[Finding] = []
    resume: dict[int, int] = {}
    for start in range(0, len(data), WINDOW_BYTES):
        stop = min(start + WINDOW_BYTES + AHEAD_BYTES, len(data))
        for index in _asked(data, start, stop, hint):
            for finding in _scan(index, data, max(start, resume.get(index, 0)), stop, hint):
                if isinstance(finding, Finding):
                    found.append(finding)
                else:
                    resume[index] = finding
    return found


_MASK = re.compile(rb"\[(?:" + "|".join(sorted(NAMES)).encode() + rb")(?: \*[0-9A-Za-z]{4})?\]")


def _without_masks(data: bytes) -> bytes:
    """Masks of ours are blanked: what they say is no context, so that masking what is masked changes nothing."""
    return _MASK.sub(lambda mask: b"\0" * len(mask[0]), data) if b"]" in data else data


TIERS: tuple[Tier, ...] = (patterns,)
"""Every tier, in order. A model that knows names and addresses joins here."""


def _asked(data: bytes, start: int, stop: int, hint: str) -> list[int]:
    """The detectors that could match in the window, in the list's order."""
    compiled = _compiled()
    piece = data[start:stop]
    asked = [compiled.certain_ids[hit] for hit in compiled.certain.Match(piece) or ()]
    if hint or compiled.any_context.search(data[max(0, start - 64) : stop + 32]) is not None:
        asked += [compiled.doubtful_ids[hit] for hit in compiled.doubtful.Match(piece) or ()]
    return sorted(asked)


def _scan(index: int, data: bytes, position: int, stop: int, hint: str) -> Iterator[Finding | int]:
    """Findings of one detector whose match begins in the window; an integer says where the next window goes on."""
    detector = DETECTORS[index]
    expression, group = _compiled().patterns[index]
    edge = stop - AHEAD_BYTES if stop < len(data) else stop
    while position < edge:
        match = expression.search(data, position, stop)
        if match is None:
            return
        low, high = match.span()
        if low >= edge:
            return
        if stop < len(data) and (high == stop or detector.follows):
            match = expression.match(data, low, min(len(data), low + MATCH_BYTES_MAX)) or match
            high = match.end()
        start, end = match.span(group) if group else (low, high)
        span = _checked(detector, data, start, end)
        if detector.trims:
            position = _after_group(data, low, high) if span is None else span[1]
        else:
            position = max(high, low + 1)
        if span is not None and (finding := _weighed(index, detector, data, span, hint)):
            yield finding
        yield position


def _after_group(data: bytes, start: int, end: int) -> int:
    while start < end and chr(data[start]).isalnum():
        start += 1
    return max(start, 1) + (start < end)


def _checked(detector: Detector, data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The span if it is valid and no part of something longer; for detectors that trim, the first part of it that is."""
    if detector.trims:
        parts = (part for part in _parts(data, start, end) if _valid(detector, data, part))
        return next((part for part in parts if not (detector.numeric and _glued(data, *part))), None)
    if detector.numeric and _glued(data, start, end):
        return None
    return (start, end) if _valid(detector, data, (start, end)) else None


def _valid(detector: Detector, data: bytes, span: tuple[int, int]) -> bool:
    return detector.valid is None or detector.valid(data[span[0] : span[1]].decode("latin-1"))


def _parts(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span, then what is left of it without groups at its end; groups are runs of letters and digits."""
    groups = [match.span() for match in _GROUP.finditer(data, start, end)]
    low = groups[0][0]
    for _, high in reversed(groups):
        if high - low < TRIMMED_MIN:
            return
        yield low, high


_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_JOINS = b".-/+"


def _glued(data: bytes, start: int, end: int) -> bool:
    """Whether the number is a part of a longer number, a word or a UUID."""
    before, after = data[max(0, start - 5) : start], data[end : end + 5]
    if (before and _wordy(before[-1])) or (after and _wordy(after[0])):
        return True
    if len(before) > 1 and before[-1] in _JOINS and 48 <= before[-2] <= 57:
        return True
    if len(after) > 1 and after[0] in b".-" and 48 <= after[1] <= 57:
        return True
    return (len(before) == 5 and before[-1] == 0x2D and _HEXADECIMAL.issuperset(before[:4])) or (
        len(after) == 5 and after[0] == 0x2D and _HEXADECIMAL.issuperset(after[1:])
    )


def _wordy(byte: int) -> bool:
    return byte == 0x5F or (byte < 0x80 and chr(byte).isalnum())


def _weighed(index: int, detector: Detector, data: bytes, span: tuple[int, int], hint: str) -> Finding | None:
    """The finding, if its score with what stands around it reaches the threshold."""
    start, end = span
    compiled = _compiled()
    unless = compiled.unless[index]
    if unless is not None and unless.search(data[max(0, start - 24) : start]) is not None:
        return None
    score, why = detector.score, detector.name
    context = compiled.context[index]
    if context is not None and _stands_by(context, detector, data, start, end, hint):
        score, why = min(score + CONTEXT_RAISE, 0.99), f"{detector.name}, context"
    if score < THRESHOLD:
        return None
    return Finding(start, end, detector.category, detector.country, round(score, 2), why)


def _stands_by(context: Any, detector: Detector, data: bytes, start: int, end: int, hint: str) -> bool:
    if hint and context.search(hint.encode("latin-1", "replace")) is not None:
        return True
    before, after = detector.reach
    around = data[max(0, start - before) : start] + b" \0 " + data[end : end + after]
    return context.search(around) is not None


def _without_overlaps(found: list[Finding], data: bytes) -> list[Finding]:
    """The strongest first, the longer, the earlier; of a weaker one the parts outside the stronger remain, if they say anything."""
    taken: list[Finding] = []
    for finding in sorted(found, key=lambda f: (-f.score, f.start - f.end, f.start, f.category, f.why)):
        taken += _outside(finding, taken, data)
    return sorted(taken, key=lambda f: f.start)


def _outside(finding: Finding, taken: list[Finding], data: bytes) -> list[Finding]:
    """The parts of a finding that no taken one covers."""
    rest = [(finding.start, finding.end)]
    for other in taken:
        if other.start < finding.end and finding.start < other.end:
            rest = [
                part
                for low, high in rest
                for part in ((low, min(high, other.start)), (max(low, other.end), high))
                if part[0] < part[1]
            ]
    if rest == [(finding.start, finding.end)]:
        return [finding]
    telling = [
        (low, high) for low, high in rest if sum(chr(b).isalnum() for b in data[low:high]) >= REMAINDER_MIN
    ]
    return [replace(finding, start=low, end=high) for low, high in telling]


def _placed(finding: Finding, folded: Folded) -> Finding:
    if folded.offsets is None:
        return finding
    start, end = folded.span(finding.start, finding.end)
    return replace(finding, start=start, end=end)


def _words(words: tuple[str, ...]) -> str:
    return r"(?i:(?:^|[^a-z])(?:" + "|".join(re2.escape(word) for word in words) + r")(?:$|[^a-z]))"


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 256 << 20
    options.log_errors = False
    return options


@cache
def _compiled() -> _Compiled:
    def either(indexes: tuple[int, ...]) -> Any:
        automaton = re2.Set.SearchSet(_options())
        for index in indexes:
            automaton.Add(DETECTORS[index].pattern.encode("latin-1"))
        automaton.Compile()
        return automaton

    certain = tuple(i for i, detector in enumerate(DETECTORS) if detector.score >= THRESHOLD)
    doubtful = tuple(i for i, detector in enumerate(DETECTORS) if detector.score < THRESHOLD)
    expressions = [pattern(detector.pattern) for detector in DETECTORS]
    return _Compiled(
        certain=either(certain),
        certain_ids=certain,
        doubtful=either(doubtful),
        doubtful_ids=doubtful,
        patterns=tuple((expression, _value_group(expression)) for expression in expressions),
        context=tuple(
            pattern(_words(detector.context)) if detector.context else None for detector in DETECTORS
        ),
        any_context=pattern(_words(tuple(sorted(doubtful_words())))),
        unless=tuple(pattern(detector.unless) if detector.unless else None for detector in DETECTORS),
    )


def _value_group(expression: Any) -> int:
    """Which group holds the value: the one named `v`, else the whole match."""
    return next((number for name, number in expression.groupindex.items() if name in ("v", b"v")), 0)
