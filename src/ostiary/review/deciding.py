"""Decisions, and what they come to: pure. A decision names findings of a review; the last one that stands about a finding counts, and without any it is proposed.

    accept, reject, propose   these findings are to go, to stay, to be decided again
    add                       a stretch of text or an area of a page is to go; the finding's id says which decision made it
    undo                      an earlier decision counts no more

Nobody overwrites what they have not seen: a decision says up to which one its maker had looked, and is refused where a later one is about the same findings.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ostiary.documents.sought import joined
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.review.paper import Paper, Rectangle

DECISIONS_MAX = 5_000
STATES = {"accept": "accepted", "reject": "rejected", "propose": "proposed"}
DID = {"accept": "accepted", "reject": "rejected", "propose": "took back", "add": "added", "undo": "undid"}
TOLD_MAX = 5
UNDOABLE = "This was undone already, or others have decided about the same since."


@dataclass(frozen=True, slots=True)
class Decision:
    """`kind`: a word of the list above. `ids`: the findings it is about. `made`: of an added one: category, and either places (piece, start, end) or an area of a page."""

    number: int
    by: str
    at_us: int
    kind: str
    ids: tuple[str, ...] = ()
    reason: str = field(default="", repr=False)
    undoes: int = 0
    made: Mapping[str, Any] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """What is sealed."""
        return {"kind": self.kind, "ids": self.ids, "reason": self.reason, "undoes": self.undoes, "made": dict(self.made)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding as it stands. `area` where it is a part of a page and no text; else piece, start and end. `by` is empty where nobody has decided."""

    id: str
    piece: int
    start: int
    end: int
    category: str
    score: float
    why: str
    like: str = field(repr=False)
    area: Rectangle | None = None
    state: str = "proposed"
    by: str = ""
    at_us: int = 0
    reason: str = field(default="", repr=False)


def decision_of(row_number: int, by: str, at_us: int, said: Mapping[str, Any]) -> Decision:
    return Decision(
        row_number, by, at_us, said["kind"], tuple(said["ids"]), said["reason"], said["undoes"], said["made"]
    )


def standing(decisions: Sequence[Decision]) -> list[Decision]:
    """Those that count: without the undone, and without the undoing."""
    undone = {each.undoes for each in decisions if each.kind == "undo"}
    return [each for each in decisions if each.kind != "undo" and each.number not in undone]


def marks(paper: Paper, decisions: Sequence[Decision]) -> dict[str, Mark]:
    """Every finding of the document and every one that was added, as it stands."""
    found = {
        each.id: Mark(each.id, each.piece, each.start, each.end, each.category, each.score, each.why, each.like)
        for each in paper.found
    }  # fmt: skip
    decided: dict[str, Decision] = {}
    for each in standing(decisions):
        if each.kind == "add":
            found |= {mark.id: mark for mark in _added(paper, each)}
        for one in each.ids:
            decided[one] = each
    return {
        name: _as_decided(mark, decided[name]) if name in decided else mark for name, mark in found.items()
    }


def added_ids(number: int, count: int) -> tuple[str, ...]:
    """What the findings are called that a decision adds."""
    return tuple(f"m{number}-{at}" for at in range(count))


def _added(paper: Paper, decision: Decision) -> list[Mark]:
    made, category = decision.made, decision.made["category"]
    if area := made.get("area"):
        page, left, bottom, right, top = area
        box = (int(page), float(left), float(bottom), float(right), float(top))
        return [Mark(decision.ids[0], -1, 0, 0, category, 1.0, "marked on the page", "", box)]
    marks = []
    for name, (piece, start, end) in zip(decision.ids, made["places"], strict=True):
        like = joined(paper.text(piece, start, end))
        marks.append(Mark(name, piece, start, end, category, 1.0, "marked in the text", like))
    return marks


def _as_decided(mark: Mark, decision: Decision) -> Mark:
    state = "accepted" if decision.kind == "add" else STATES[decision.kind]
    return Mark(
        mark.id, mark.piece, mark.start, mark.end, mark.category, mark.score, mark.why, mark.like, mark.area,
        state, decision.by, decision.at_us, decision.reason,
    )  # fmt: skip


def unseen(decisions: Sequence[Decision], seen: int, ids: Iterable[str]) -> None:
    """Raises Conflict where a decision after `seen` is about one of these, undoing counted with what it undid: it says who did what to how many."""
    ours = set(ids)
    about = {each.number: set(each.ids) for each in decisions}
    last: dict[str, Decision] = {}
    for each in decisions:
        if each.number > seen:
            touched = about.get(each.undoes, set()) if each.kind == "undo" else about[each.number]
            last |= dict.fromkeys(ours & touched, each)
    if last:
        raise Conflict(_since(last.values()))


def _since(last: Iterable[Decision]) -> str:
    """Who did what last to how many: principals by id, and no word of what the findings say."""
    counted = Counter((each.by, each.kind) for each in last)
    said = [f"{by} {DID[kind]} {count}" for (by, kind), count in sorted(counted.items())]
    if len(said) > TOLD_MAX:
        said = [*said[:TOLD_MAX], "and others more"]
    return f"Since you looked, {', '.join(said)} of these findings: look at it and decide again."


def undoable(decisions: Sequence[Decision], number: int) -> Decision:
    """The decision that is to be undone. Raises NotFound; Conflict where a later one that stands is about the same findings."""
    wanted = next((each for each in decisions if each.number == number), None)
    if wanted is None:
        raise NotFound
    stands = standing(decisions)
    later = any(each.number > number and set(each.ids) & set(wanted.ids) for each in stands)
    if wanted not in stands or later:
        raise Conflict(UNDOABLE)
    return wanted


def last_of(decisions: Sequence[Decision], by: str) -> int:
    """The number of this person's last decision that stands; 0: none."""
    return max((each.number for each in standing(decisions) if each.by == by), default=0)


def torn(found: Mapping[str, Mark]) -> list[str]:
    """Findings that are to stay though the same value is to go somewhere else: a value goes everywhere or nowhere, or the output would show what was to be hidden."""
    going = {each.like for each in found.values() if each.state != "rejected" and each.like}
    return [name for name, each in found.items() if each.state == "rejected" and each.like in going]


def check_stretch(paper: Paper, piece: int, start: int, end: int) -> None:
    """Raises InvalidParameters where it is no stretch of the document's text."""
    if piece >= len(paper.parts):
        raise InvalidParameters(faults=(Fault("/piece", "there is no such piece"),))
    if not start < end <= len(paper.parts[piece].text) or not paper.text(piece, start, end).strip():
        raise InvalidParameters(faults=(Fault("/end", "this is no stretch of the piece's text"),))
