"""A plan, a text, its findings: the redacted text, and for each finding what was done and where it stood and stands.

Findings may come in any order and overlap. Those that overlap are one: the strongest (score, then length, then place) says what it is, and the whole stretch that they cover is
replaced, so nothing of a weaker one is left beside it. Adjacent findings stay two. A token of the scope itself is never torn: a finding within it is left (redacting twice changes nothing),
one that reaches beyond it takes it in whole. What merely looks like a token is text like any other.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ostiary.detection.categories import family_of
from ostiary.detection.finding import Finding
from ostiary.redaction import tokens
from ostiary.redaction.operators import Surroundings, Value, replaced
from ostiary.redaction.plan import Plan


@dataclass(frozen=True, slots=True)
class Change:
    """What was done with a stretch of the old text, and where its replacement stands in the new one; offsets in code points, ends exclusive.

    `operator` is the one that did it, which may be an `otherwise` of the rule; "kept" for a token that was there already. `merged`: the categories of overlapped findings.
    """

    start: int
    end: int
    new_start: int
    new_end: int
    category: str
    operator: str
    why: str
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redacted:
    """text: without what was found; changes: in order, not overlapping."""

    text: str
    changes: tuple[Change, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is replaced as one. `finding` says what it is."""

    start: int
    end: int
    finding: Finding
    merged: tuple[str, ...] = ()


def redacted(
    text: str, findings: Iterable[Finding], plan: Plan, around: Surroundings | None = None
) -> Redacted:
    """The text with every finding replaced as the plan says. operators.Unfit where it cannot be; ValueError for findings beyond the text."""
    around = around or Surroundings()
    parts: list[str] = []
    changes: list[Change] = []
    position = length = 0
    for stretch in stretches(text, findings, around):
        kept = text[position : stretch.start]
        new, operator = replacement(text[stretch.start : stretch.end], stretch.finding, plan, around)
        parts += (kept, new)
        length += len(kept)
        found = stretch.finding
        changes.append(
            Change(
                stretch.start,
                stretch.end,
                length,
                length + len(new),
                found.category,
                operator,
                found.why,
                stretch.merged,
            )
        )
        length += len(new)
        position = stretch.end
    parts.append(text[position:])
    return Redacted("".join(parts), tuple(changes))


def replacement(raw: str, finding: Finding, plan: Plan, around: Surroundings) -> tuple[str, str]:
    """(what stands in place of `raw`, the operator that did it). Unfit."""
    if tokens.is_token(around.scope, raw):
        return raw, "kept"
    category = str(finding.category)
    family = str(family_of(category))
    return replaced(Value(raw, category, family, finding.country), plan.operator(category, family), around)


def stretches(text: str, findings: Iterable[Finding], around: Surroundings) -> list[Stretch]:
    """What is replaced, in order and apart. ValueError for findings beyond the text."""
    found = sorted(findings, key=lambda each: (each.start, -each.end, each.category))
    if any(not 0 <= each.start < each.end <= len(text) for each in found):
        raise ValueError("a finding is beyond the text")
    if not found:
        return []
    whole = _own_tokens(text, around)
    joined: list[list[Finding]] = []
    ends: list[tuple[int, int]] = []
    for finding in found:
        start, end = _around_tokens(finding.start, finding.end, whole)
        if ends and start < ends[-1][1]:
            joined[-1].append(finding)
            ends[-1] = (min(start, ends[-1][0]), max(end, ends[-1][1]))
        else:
            joined.append([finding])
            ends.append((start, end))
    return [_stretch(group, span) for group, span in zip(joined, ends, strict=True)]


def _stretch(group: Sequence[Finding], span: tuple[int, int]) -> Stretch:
    """What covers all of it says what it is, however sure its parts are: a mail address that holds a name is a mail address."""

    def rank(each: Finding) -> tuple[bool, float, int, int]:
        return each.start <= span[0] and each.end >= span[1], each.score, each.end - each.start, -each.start

    strongest = max(group, key=rank)
    others = tuple(sorted({str(each.category) for each in group} - {str(strongest.category)}))
    return Stretch(*span, strongest, others)


def _own_tokens(text: str, around: Surroundings) -> list[tuple[int, int]]:
    scope = around.scope
    if scope is None:
        return []
    return [match.span() for match in tokens.TOKEN.finditer(text) if tokens.is_token(scope, match[0])]


def _around_tokens(start: int, end: int, whole: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The span, with every token that it cuts into taken in whole."""
    at = bisect_right(whole, start, key=lambda span: span[1])
    if at < len(whole) and whole[at][0] < end:
        start = min(start, whole[at][0])
        last = bisect_left(whole, end, key=lambda span: span[0]) - 1
        end = max(end, whole[last][1])
    return start, end
