"""Values that were cut: a reader puts pieces of text together again, so they are looked at together.

What an MCP server says may come in many pieces: blocks of one answer, notices one after another. A mail address that ends in the next block is masked where it begins, and
gone where it goes on; a number is judged with the word before it, whichever piece holds that. Masking the pieces alone comes after this, and changes nothing of it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from ostiary.actions import JsonValue
from ostiary.detection.categories import Family, family_of
from ostiary.detection.engine import find
from ostiary.detection.finding import Finding
from ostiary.detection.rules import RuleSet
from ostiary.privacy.masking import MASKED, mask_of

GLUES = ("", " ")
"""How a reader may put pieces together."""
_LISTS = ("content", "contents", "messages")
_WITHIN = ("result", "params", "error", "data")
_RULES = RuleSet(categories=frozenset(MASKED))


def mask_pieces(texts: Sequence[str], reveal: frozenset[str]) -> tuple[list[str], dict[str, int]]:
    """The texts as one text would be masked, each in its place; and how many were masked, by family."""
    pieces, counts = list(texts), dict[str, int]()
    for glue in GLUES:
        findings = [each for each in find(glue.join(pieces), "", _RULES) if _hidden(each.category, reveal)]
        if findings:
            pieces = _masked(pieces, findings, len(glue), counts)
    return pieces, counts


def mask_blocks(value: JsonValue, reveal: frozenset[str]) -> tuple[JsonValue, dict[str, int]]:
    """An answer or a notice of MCP, with its blocks of text masked as one. The value itself where nothing was; else a copy as far as it changed."""
    counts: dict[str, int] = {}
    return _blocks(value, reveal, counts), counts


def _blocks(value: JsonValue, reveal: frozenset[str], counts: dict[str, int]) -> JsonValue:
    if not isinstance(value, dict):
        return value
    changed: dict[str, JsonValue] = {}
    for name in _WITHIN:
        if isinstance(value.get(name), dict):
            inner = _blocks(value[name], reveal, counts)
            if inner is not value[name]:
                changed[name] = inner
    for name in _LISTS:
        listed = value.get(name)
        if isinstance(listed, list) and len(listed) > 1:
            masked = _list(listed, reveal, counts)
            if masked is not listed:
                changed[name] = masked
    return {**value, **changed} if changed else value


def _list(listed: list[Any], reveal: frozenset[str], counts: dict[str, int]) -> list[Any]:
    """Blocks that follow one another are one text; what is no text (a picture) does not part them: a reader goes on behind it."""
    places = [(at, text) for at, block in enumerate(listed) if (text := _text(block)) is not None]
    if len(places) < 2:
        return listed
    masked, more = mask_pieces([text for _, text in places], reveal)
    if all(new == old for new, (_, old) in zip(masked, places, strict=True)):
        return listed
    for family, count in more.items():
        counts[family] = counts.get(family, 0) + count
    done = list(listed)
    for (at, _), new in zip(places, masked, strict=True):
        done[at] = _with_text(listed[at], new)
    return done


def _text(block: Any) -> str | None:
    """The text of a block; of a message, its content's; of an embedded resource, its own."""
    if not isinstance(block, dict):
        return None
    if isinstance(block.get("text"), str):
        return str(block["text"])
    return next((_text(block[name]) for name in ("content", "resource") if isinstance(block.get(name), dict)), None)  # fmt: skip


def _with_text(block: dict[str, Any], text: str) -> dict[str, Any]:
    if isinstance(block.get("text"), str):
        return {**block, "text": text}
    name = next(name for name in ("content", "resource") if isinstance(block.get(name), dict))
    return {**block, name: _with_text(block[name], text)}


def _hidden(category: str, reveal: frozenset[str]) -> bool:
    family = family_of(category)
    return family in MASKED and category not in reveal and family not in reveal


def _masked(
    pieces: Sequence[str], findings: Sequence[Finding], glue: int, counts: dict[str, int]
) -> list[str]:
    """A mask where each finding begins, and what it covers taken out of every piece. Linear in the pieces and the findings, whoever cut them."""
    starts = [0, *accumulate(len(piece) + glue for piece in pieces)]
    edits: dict[int, list[tuple[int, int, str]]] = {}
    for finding in findings:
        covered = list(_covered(pieces, starts, finding))
        if family_of(finding.category) is Family.EMAIL and _ends_before(pieces, covered):
            covered = covered[:1]
        raw = "".join(pieces[at][low:high] for at, low, high in covered)
        family = family_of(finding.category)
        mask = mask_of(family, raw)
        if not covered or mask == raw:
            continue
        counts[family.value] = counts.get(family.value, 0) + 1
        for number, (at, low, high) in enumerate(covered):
            edits.setdefault(at, []).append((low, high, "" if number else mask))
    return [_edited(piece, edits.get(at, ())) for at, piece in enumerate(pieces)]


def _ends_before(pieces: Sequence[str], covered: Sequence[tuple[int, int, int]]) -> bool:
    """Whether a mail address may end with its first piece: then what follows is either the first word of another message, which is no part of it, or some letters of a
    top-level domain, which tell nothing."""
    (at, low, high), *after = covered
    domain = pieces[at][low:high].partition("@")[2]
    return "." in domain and not any("." in pieces[other][begin:end] for other, begin, end in after)


def _covered(
    pieces: Sequence[str], starts: Sequence[int], finding: Finding
) -> Iterator[tuple[int, int, int]]:
    """(number of the piece, from, to)."""
    at = bisect_right(starts, finding.start) - 1
    while at < len(pieces) and starts[at] < finding.end:
        low, high = max(finding.start - starts[at], 0), min(finding.end - starts[at], len(pieces[at]))
        if low < high:
            yield at, low, high
        at += 1


def _edited(piece: str, edits: Sequence[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    position = 0
    for low, high, new in edits:
        parts += (piece[position:low], new)
        position = high
    return "".join((*parts, piece[position:]))
