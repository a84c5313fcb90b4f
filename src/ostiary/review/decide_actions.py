"""Decisions about findings, through the door: accept, reject, take back, add by hand, and the list of them all. The log has ids and counts by family; values and reasons are in no event."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ostiary.actions import Action, Call, Effect, Recorded, Route
from ostiary.clock import rfc3339
from ostiary.detection.categories import family_of
from ostiary.detection.finding import Finding
from ostiary.documents import looking
from ostiary.documents.document import Kind, Piece
from ostiary.documents.sought import joined
from ostiary.errors import Fault, InvalidParameters, NotFound
from ostiary.review import deciding
from ostiary.review.deciding import Decision
from ostiary.review.paper import FINDINGS_MAX, PICTURED, Paper
from ostiary.review.reviews import Reviewed, Reviews
from ostiary.review.shown import UNSEEN, DocumentNamed, FindingId
from ostiary.shapes import Answer, own_action

IDS_MAX = 5_000
PLACES_MAX = 2_000
Seen = Annotated[int, Field(ge=0, le=1_000_000)]
Reason = Annotated[str, Field(max_length=300, json_schema_extra=UNSEEN)]
Category = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Measure = Annotated[float, Field(ge=-1_000, le=100_000, allow_inf_nan=False)]


class Decide(DocumentNamed):
    """Which findings: `findings` by id, with `alike` also all others of the same values; or `category`, all of it, or only what is `proposed` yet with `waiting`. `seen`: the `version` that
    was looked at: what somebody else has decided about the same findings since refuses this."""

    decision: Literal["accept", "reject", "propose"]
    seen: Seen
    findings: Annotated[list[FindingId], Field(max_length=IDS_MAX)] = Field(default_factory=list)
    alike: bool = False
    category: Annotated[str, Field(max_length=64)] = ""
    waiting: bool = False
    reason: Reason = ""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.findings) == bool(self.category):
            raise ValueError("either `findings` or a `category` is given")
        return self


class AddText(DocumentNamed):
    """A stretch of a piece, in code points; `everywhere`: also where else the same value stands."""

    seen: Seen
    piece: Annotated[int, Field(ge=0, le=1_000_000)]
    start: Annotated[int, Field(ge=0, le=100_000_000)]
    end: Annotated[int, Field(ge=1, le=100_000_000)]
    category: Category
    everywhere: bool = True


class AddArea(DocumentNamed):
    """An area of a page: points (pixels of a picture) from the lower left corner."""

    seen: Seen
    page: Annotated[int, Field(ge=1, le=10_000)]
    left: Measure
    bottom: Measure
    right: Measure
    top: Measure
    category: Category = "drawn"


class Undo(DocumentNamed):
    """`number`: the decision; 0: the caller's own last one."""

    number: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class Decided(Answer):
    """`version`: the number of this decision; `changed`: how many findings it is about; `ids` of them. `waiting`: by category, how many of the document wait for a decision now."""

    version: int
    changed: int
    ids: list[str]
    waiting: dict[str, int]


class DecisionShown(Answer):
    """`findings`: how many it is about. `undone`: it counts no more. `undoes`: of an undo, which one."""

    number: int
    kind: str
    by: str
    at: str
    findings: int
    categories: dict[str, int]
    reason: str
    undone: bool
    undoes: int


class Decisions(Answer):
    """Newest first."""

    decisions: list[DecisionShown]


def actions(reviews: Reviews) -> list[Action]:
    async def decide(call: Call, asked: Decide) -> Decided:
        found = await reviews.whole(call.tenant, asked.document_id)
        chosen = _chosen(found, asked)
        return await _decided(reviews, call, found, asked.seen, asked.decision, chosen, asked.reason)

    async def add_text(call: Call, asked: AddText) -> Decided:
        found = await reviews.whole(call.tenant, asked.document_id)
        deciding.check_stretch(found.paper, asked.piece, asked.start, asked.end)
        places = [(asked.piece, asked.start, asked.end)]
        if asked.everywhere:
            places += await asyncio.to_thread(_elsewhere, found.paper, asked)
        taken = _taken(found)
        free = [each for each in places if not _within(each, taken)]
        if not free:
            raise InvalidParameters(faults=(Fault("/start", "this is among the findings already"),))
        free = free[:PLACES_MAX]
        made = {"category": asked.category, "places": free}
        return await _added(reviews, call, found, made, len(free))

    async def add_area(call: Call, asked: AddArea) -> Decided:
        found = await reviews.whole(call.tenant, asked.document_id)
        if found.paper.format not in PICTURED:
            raise InvalidParameters(faults=(Fault("/page", "this document has no pages to mark areas on"),))
        if asked.page > found.paper.pages:
            raise InvalidParameters(faults=(Fault("/page", "there is no such page"),))
        if asked.right - asked.left < 1 or asked.top - asked.bottom < 1:
            raise InvalidParameters(faults=(Fault("/right", "the area is too small"),))
        made = {
            "category": asked.category,
            "area": [asked.page, asked.left, asked.bottom, asked.right, asked.top],
        }
        return await _added(reviews, call, found, made, 1)

    async def undo(call: Call, asked: Undo) -> Decided:
        found = await reviews.whole(call.tenant, asked.document_id)
        number = asked.number or deciding.last_of(found.decisions, call.actor.id)
        if not number:
            raise NotFound
        wanted = deciding.undoable(found.decisions, number)
        decision = Decision(found.version + 1, call.actor.id, call.at_us, "undo", wanted.ids, undoes=number)
        await reviews.decide(call, found, decision)
        call.counts |= {"undone": len(wanted.ids)}
        return _told(found, decision)

    async def listed(call: Call, asked: DocumentNamed) -> Decisions:
        found = await reviews.whole(call.tenant, asked.document_id)
        stands = {each.number for each in deciding.standing(found.decisions)}
        every = deciding.marks(found.paper, [each for each in found.decisions if each.kind == "add"])
        rows = [
            DecisionShown(
                number=each.number, kind=each.kind, by=each.by, at=rfc3339(each.at_us), findings=len(each.ids), reason=each.reason, undoes=each.undoes,
                categories=dict(sorted(Counter(every[one].category for one in each.ids if one in every).items())),
                undone=each.kind != "undo" and each.number not in stands,
            )
            for each in reversed(found.decisions)
        ]  # fmt: skip
        return Decisions(decisions=rows)

    one = "/v1/documents/{document_id}"
    change = partial(own_action, permission="document.review", effect=Effect.LOCAL)
    return [
        change("document.decide", "Decide about findings", "Findings are accepted, rejected, or to be decided again: some by id, all of the same value, or all of a category.", Decide, Decided,
               decide, Route("POST", one + "/decisions"), sentence="{decision} findings in document {document_id}"),
        change("document.add_text", "Add a finding in the text", "A stretch of text that was not found goes too.", AddText, Decided, add_text, Route("POST", one + "/findings")),
        change("document.add_area", "Add an area of a page", "What stands in an area of a page goes, whatever it is.", AddArea, Decided, add_area, Route("POST", one + "/areas")),
        change("document.undo", "Undo a decision", "A decision counts no more; it stays to be seen.", Undo, Decided, undo, Route("POST", one + "/undo")),
        own_action("document.decisions", "List the decisions in a document", "Who decided what and when, newest first.", DocumentNamed, Decisions, listed,
                   Route("GET", one + "/decisions"), permission="document.review", recorded=Recorded.DURABLE, keeps_answer=False),
    ]  # fmt: skip


def _chosen(found: Reviewed, asked: Decide) -> list[str]:
    """The ids, in the order of the document. Raises NotFound for one that is not there, InvalidParameters where there is none to decide about."""
    marks = found.marks
    if asked.category:
        chosen = [
            name
            for name, each in marks.items()
            if each.category == asked.category and (not asked.waiting or each.state == "proposed")
        ]
    else:
        if any(name not in marks for name in asked.findings):
            raise NotFound
        wanted = set(asked.findings)
        likes = {marks[name].like for name in wanted if marks[name].like} if asked.alike else set()
        chosen = [name for name, each in marks.items() if name in wanted or each.like in likes]
    if not chosen:
        raise InvalidParameters(faults=(Fault("/category", "there is nothing to decide about"),))
    return chosen


async def _decided(
    reviews: Reviews, call: Call, found: Reviewed, seen: int, kind: str, chosen: list[str], reason: str
) -> Decided:
    deciding.unseen(found.decisions, seen, chosen)
    decision = Decision(found.version + 1, call.actor.id, call.at_us, kind, tuple(chosen), reason)
    await reviews.decide(call, found, decision)
    families = Counter(f"{kind}.{family_of(found.marks[name].category).value}" for name in chosen)
    call.counts |= dict(sorted(families.items()))
    return _told(found, decision)


async def _added(
    reviews: Reviews, call: Call, found: Reviewed, made: Mapping[str, object], count: int
) -> Decided:
    if len(found.marks) + count > FINDINGS_MAX:
        raise InvalidParameters(faults=(Fault("", "the document has too many findings"),))
    number = found.version + 1
    ids = deciding.added_ids(number, count)
    decision = Decision(number, call.actor.id, call.at_us, "add", ids, made=made)
    await reviews.decide(call, found, decision)
    call.counts |= {f"add.{family_of(str(made['category'])).value}": count}
    return _told(found, decision)


def _told(found: Reviewed, decision: Decision) -> Decided:
    """What is told of a decision that is about to be committed."""
    after = deciding.marks(found.paper, [*found.decisions, decision])
    waiting = {mark.category: 0 for mark in after.values()}
    for mark in after.values():
        waiting[mark.category] += mark.state == "proposed"
    return Decided(
        version=decision.number, changed=len(decision.ids), ids=list(decision.ids[:IDS_MAX]), waiting=waiting
    )


def _elsewhere(paper: Paper, asked: AddText) -> list[tuple[int, int, int]]:
    """Where else the value stands, in any spelling."""
    pieces = [Piece(each.number, each.place, each.text, Kind(each.kind)) for each in paper.parts]
    value = Finding(asked.start, asked.end, asked.category, "", 1.0, "")
    form = joined(paper.text(asked.piece, asked.start, asked.end))
    found = looking.elsewhere(pieces, {form: value})
    places = [(number, each.start, each.end) for number, own in sorted(found.items()) for each in own]
    own = (asked.piece, asked.start, asked.end)
    return [each for each in places if each[0] != own[0] or each[2] <= own[1] or own[2] <= each[1]]


def _taken(found: Reviewed) -> dict[int, list[tuple[int, int]]]:
    taken: dict[int, list[tuple[int, int]]] = {}
    for mark in found.marks.values():
        if mark.area is None and mark.state != "rejected":
            taken.setdefault(mark.piece, []).append((mark.start, mark.end))
    return taken


def _within(place: tuple[int, int, int], taken: dict[int, list[tuple[int, int]]]) -> bool:
    """Whether a finding that goes covers all of it."""
    return any(start <= place[1] and place[2] <= end for start, end in taken.get(place[0], ()))
