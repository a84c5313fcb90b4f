"""What is found in the pieces of a document, and every other place where the same values stand."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from ostiary.detection.engine import detect, find
from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet
from ostiary.documents.document import Piece
from ostiary.documents.sought import Sought, joined
from ostiary.redaction.structured import by_field, hint_of

PLAIN_CHARACTERS_MIN = 5
"""Shorter pieces that are no language and of a field that says nothing (`rows: 12`) are not looked at."""
ELSEWHERE = "stands elsewhere in the document"


def findings(pieces: Sequence[Piece], rules: RuleSet) -> dict[int, list[Finding]]:
    """The findings of each piece, by its number. They may overlap."""
    found: dict[int, list[Finding]] = {}
    prose = [piece for piece in pieces if piece.prose]
    for piece, own in zip(prose, detect([piece.text for piece in prose], rules), strict=True):
        found[piece.number] = list(own)
    for piece in pieces:
        hint = hint_of(piece.hint) if piece.hint else ""
        if piece.prose and not hint:
            continue
        if not hint and len(piece.text) < PLAIN_CHARACTERS_MIN:
            continue
        more = by_field(piece.text, hint)
        if more is not None and not _wanted(more, rules):
            more = None
        found.setdefault(piece.number, []).extend([more] if more else find(piece.text, hint, rules))
    return {number: own for number, own in found.items() if own}


def _wanted(finding: Finding, rules: RuleSet) -> bool:
    """Whether the rules ask for this category at all; the model and the patterns ask that themselves."""
    return rules.wants(finding.category)


def elsewhere(pieces: Sequence[Piece], values: Mapping[str, Finding]) -> dict[int, list[Finding]]:
    """Each place of a value (by its joined form), in any spelling, also where it runs over two pieces."""
    sought = Sought(values)
    starts: list[int] = []
    length = 0
    for piece in pieces:
        starts.append(length)
        length += len(piece.text) + 1
    found: dict[int, list[Finding]] = {}
    for hit in sought.find("\n".join(piece.text for piece in pieces)):
        like = values[hit.joined]
        at = bisect_right(starts, hit.start) - 1
        while at < len(pieces) and starts[at] < hit.end:
            text = pieces[at].text
            start, end = max(hit.start - starts[at], 0), min(hit.end - starts[at], len(text))
            if start < end:
                own = Finding(start, end, like.category, like.country, like.score, ELSEWHERE)
                found.setdefault(pieces[at].number, []).append(own)
            at += 1
    return found


def by_joined(pieces: Sequence[Piece], found: Mapping[int, Sequence[Finding]]) -> dict[str, Finding]:
    """The values that were found, by their joined form, with the surest finding of each."""
    values: dict[str, Finding] = {}
    for number, own in found.items():
        for finding in own:
            form = joined(pieces[number].text[finding.start : finding.end])
            if form and (form not in values or values[form].score < finding.score):
                values[form] = finding
    return values
