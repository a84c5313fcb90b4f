"""Of findings that cover the same text one stays: the strongest, by the most exact name."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import replace

from ostiary.detection.categories import family_of
from ostiary.detection.finding import Finding

REMAINDER_MIN = 4
"""A finding that another overlaps keeps its rest, if that holds at least so many letters and digits."""


def without_overlaps(found: list[Finding], text: str) -> list[Finding]:
    """The strongest first, the longer, the earlier; of a weaker one the parts outside the stronger remain, if they say anything. In order of their start."""
    taken: list[Finding] = []
    for finding in sorted(
        _exact(found), key=lambda f: (-f.score, f.start - f.end, f.start, f.category, f.why)
    ):
        for part in _outside(finding, taken, text):
            insort(taken, part, key=_start)
    return taken


def without_guesses(guessed: list[Finding], found: list[Finding], own: frozenset[str]) -> list[Finding]:
    """What a model guessed, without what others know better: a rule set's `own` categories win over any guess, and every pattern over the guess that a number is one of some kind."""
    if not guessed or not found:
        return guessed
    ours = _covered(each for each in found if each.category in own)
    numbers = _covered(found)
    return [each for each in guessed if not _touches(each, numbers if each.category == "id_number" else ours)]


def _covered(found: Iterable[Finding]) -> list[tuple[int, int]]:
    """What they cover together, in order and apart."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted((each.start, each.end) for each in found):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _touches(finding: Finding, spans: list[tuple[int, int]]) -> bool:
    after = bisect_left(spans, (finding.end, 0))
    return after > 0 and spans[after - 1][1] > finding.start


def _start(finding: Finding) -> int:
    return finding.start


def _exact(found: list[Finding]) -> list[Finding]:
    """Where a label says `id` and a check says which, the check names the span: a category of a family's own name gives way to a finer one of equal span."""
    finer: dict[tuple[int, int, str], Finding] = {}
    for each in found:
        family = family_of(each.category)
        place = (each.start, each.end, family)
        if each.category != family and (place not in finer or finer[place].score < each.score):
            finer[place] = each
    if not finer:
        return found
    kept = []
    for each in found:
        named = finer.get((each.start, each.end, each.category))
        kept.append(each if named is None else replace(named, score=max(each.score, named.score)))
    return kept


def _outside(finding: Finding, taken: list[Finding], text: str) -> list[Finding]:
    """The parts of a finding that no taken one covers. `taken` is ordered and does not overlap, so only neighbours are looked at."""
    near = max(bisect_right(taken, finding.start, key=_start) - 1, 0)
    rest: list[tuple[int, int]] = []
    position, whole = finding.start, True
    while near < len(taken) and taken[near].start < finding.end:
        other = taken[near]
        if other.end > position:
            rest.append((position, other.start))
            position, whole = other.end, False
        near += 1
    if whole:
        return [finding]
    rest.append((position, finding.end))
    telling = [
        (low, high)
        for low, high in rest
        if high - low >= REMAINDER_MIN and sum(map(str.isalnum, text[low:high])) >= REMAINDER_MIN
    ]
    return [replace(finding, start=low, end=high) for low, high in telling]
