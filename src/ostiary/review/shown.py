"""What the actions of this room share: how a finding is shown, and what is never in the log."""

from typing import Annotated

from pydantic import Field

from ostiary.clock import rfc3339
from ostiary.detection.categories import family_of
from ostiary.privacy.plans.actions import UNSEEN as UNSEEN
from ostiary.review.deciding import Mark
from ostiary.review.reviews import Reviewed
from ostiary.shapes import Answer, Params

LONGEST = 20_000
"""Words of one leaf that are placed on its page."""

FindingId = Annotated[str, Field(pattern=r"^[fm][0-9]{1,7}(-[0-9]{1,5})?$")]


class DocumentNamed(Params):
    document_id: Annotated[str, Field(pattern=r"^rev_[0-9a-f]{32}$")]


class FindingShown(Answer):
    """`piece`, `start`, `end`: where it stands, in code points, the end exclusive; `piece` -1: an area of a page. `boxes`: page, left, bottom, right, top. `alike`: how many findings have
    the same value. `state`: proposed, accepted, rejected; `by` and `at` are empty where nobody has decided. `added`: by hand."""

    id: str
    piece: int
    start: int
    end: int
    text: str
    category: str
    family: str
    score: float
    why: str
    boxes: list[list[float]]
    alike: int
    added: bool
    state: str
    by: str
    at: str
    reason: str


def finding_shown(found: Reviewed, mark: Mark) -> FindingShown:
    area = mark.area is not None
    boxes = [mark.area] if mark.area else found.paper.rectangles(mark.piece, mark.start, mark.end)
    return FindingShown(
        id=mark.id, piece=mark.piece, start=mark.start, end=mark.end, text="" if area else found.paper.text(mark.piece, mark.start, mark.end),
        category=mark.category, family=family_of(mark.category).value, score=mark.score, why=mark.why, boxes=[list(each) for each in boxes],
        alike=found.alike[mark.like] if mark.like else 1, added=mark.id.startswith("m"), state=mark.state, by=mark.by,
        at=rfc3339(mark.at_us) if mark.at_us else "", reason=mark.reason,
    )  # fmt: skip
