"""What is found in the pieces of a document, and every other place where the same values stand."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from ostiary.detection.engine import detect, find
from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet
from ostiary.documents import encoded
from ostiary.documents.document import Piece
from ostiary.documents.sought import Sought, joined
from ostiary.redaction.structured import by_field, hint_of

PLAIN_CHARACTERS_MIN = 5
"""Shorter pieces that are no language and of a field that says nothing (`rows: 12`) are not looked at."""
ELSEWHERE = "stands elsewhere in the document"
OTHERWISE = "stands there in another writing"


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
    for number, finding in _written_otherwise(pieces, rules):
        found.setdefault(number, []).append(finding)
    return {number: own for number, own in found.items() if own}


def _written_otherwise(pieces: Sequence[Piece], rules: RuleSet) -> Iterator[tuple[int, Finding]]:
    """What base64 and its like say, taken for the whole of what says it; and files that stand so in a text."""
    left = encoded.Left()
    said = [(piece.number, run) for piece in pieces for run in encoded.deeper(piece.text, left)]
    texts = [(number, run) for number, run in said if not run.file]
    for (number, run), own in zip(texts, detect([run.text for _, run in texts], rules), strict=True):
        if own:
            most = max(own, key=lambda each: each.score)
            yield number, Finding(run.start, run.end, most.category, most.country, most.score, OTHERWISE)
    for number, run in said:
        if run.file:
            yield number, Finding(run.start, run.end, encoded.EMBEDDED, "", 1.0, OTHERWISE)


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
    left = encoded.Left()
    for piece in pieces:
        for run in encoded.deeper(piece.text, left) if values else ():
            for first in sought.find(run.text)[:1]:
                like = values[first.joined]
                own = Finding(run.start, run.end, like.category, like.country, like.score, ELSEWHERE)
                found.setdefault(piece.number, []).append(own)
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
