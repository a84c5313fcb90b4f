"""What is answered: places, runs, inventories, as the faces show them."""

from typing import Annotated, Any

from pydantic import Field

from ostiary.clock import rfc3339
from ostiary.discovery.services import GOING, PAUSED, Known, Standing
from ostiary.discovery.settings import PlaceSettings, title_of
from ostiary.jobs import estimate
from ostiary.scanning.inventory import Inventory, Total, level_of
from ostiary.scanning.look import Looked
from ostiary.shapes import Answer


class RunShown(Answer):
    """A run. state: going, paused, done, failed (`code` says why; it can be resumed), cancelled. items: how many it has met: looked at now, unchanged since they were,
    or not looked at. `percent` and `left_s` are null where nobody can know. risk: 0 to 100, of what the place holds as far as the run has come."""

    run_id: str
    place: str
    state: str
    code: str
    job_id: str
    items: int
    expected: int
    looked: int
    unchanged: int
    not_looked: int
    gone: int
    findings: int
    risk: int
    level: str
    percent: int | None
    left_s: int | None
    begun_at: str
    begun_by: str
    changed_at: str
    ended_at: str | None


class RunsShown(Answer):
    runs: list[RunShown]
    next: str


class PlaceShown(Answer):
    """A place without its credentials. `where`: in a line; `every_h` 0: looked through only when asked; `next_at` null: never."""

    name: str
    kind: str
    where: str
    settings: PlaceSettings
    has_credentials: bool
    every_h: int
    next_at: str | None
    changed_at: str
    changed_by: str
    run: RunShown | None


class PlacesShown(Answer):
    places: list[PlaceShown]


class TotalShown(Answer):
    """Sums of one category, family, folder or table. items: in how many something was found. distinct: different values, an upper bound."""

    name: str
    items: int
    findings: int
    distinct: int
    risk: float
    level: str
    categories: dict[str, int]


class UnseenShown(Answer):
    item: str
    state: str
    code: str


class InventoryShown(Answer):
    """What a place holds, of its newest run. `run` null: it was never looked through. top: folders or tables, the greatest risk first. unseen: the first items that
    were not looked at, and why; `states` counts all."""

    place: str
    run: RunShown | None
    items: int = 0
    looked: int = 0
    with_findings: int = 0
    size: int = 0
    findings: int = 0
    risk: float = 0
    level: str = "none"
    states: dict[str, int] = Field(default_factory=dict)
    categories: list[TotalShown] = Field(default_factory=list)
    families: list[TotalShown] = Field(default_factory=list)
    top: list[TotalShown] = Field(default_factory=list)
    unseen: list[UnseenShown] = Field(default_factory=list)


class ItemShown(Answer):
    """share: of a column, the part of the sampled values that are findings; 0 for files."""

    item: str
    state: str
    code: str
    size: int
    findings: int
    counts: dict[str, int]
    share: float
    looked_at: str
    gone_at: str | None


class ItemsShown(Answer):
    items: list[ItemShown]
    next: str


class TrendPoint(Answer):
    """One run that came to its end: distinct values by category."""

    run_id: str
    ended_at: str
    items: int
    findings: int
    risk: float
    level: str
    distinct: dict[str, int]


class ChangeShown(Answer):
    category: str
    before: int
    now: int


class TrendShown(Answer):
    """Oldest first. changes: between the last two."""

    points: list[TrendPoint]
    changes: list[ChangeShown]


class ReportShown(Answer):
    """`text` is the whole file."""

    format: Annotated[str, Field(max_length=8)]
    media_type: str
    text: str


def run_shown(standing: Standing, now_us: int) -> RunShown:
    row, state, job = standing
    moving = state in (GOING, PAUSED)
    total = max(row.expected, row.items)
    left_us = estimate.left_us(count=row.items, total=total, took_us=now_us - row.begun_us) if state == GOING else None  # fmt: skip
    return RunShown(
        run_id=row.id, place=row.place, state=state, code=job.code if job else "", job_id=row.job, items=row.items, expected=row.expected, looked=row.looked,
        unchanged=row.unchanged, not_looked=row.not_looked, gone=row.gone, findings=row.findings, risk=row.risk, level=level_of(row.risk),
        percent=estimate.percent(count=row.items, total=total if row.expected else 0) if moving else None,
        left_s=None if left_us is None else left_us // 1_000_000, begun_at=rfc3339(row.begun_us), begun_by=row.begun_by, changed_at=rfc3339(row.changed_us),
        ended_at=rfc3339(row.ended_us) if row.ended_us else None,
    )  # fmt: skip


def place_shown(known: Known, run: RunShown | None) -> PlaceShown:
    row = known.row
    return PlaceShown(
        name=row.name, kind=row.kind, where=title_of(known.settings), settings=known.settings, has_credentials=known.credentials is not None, every_h=row.every_h,
        next_at=rfc3339(row.next_us) if row.next_us else None, changed_at=rfc3339(row.changed_us), changed_by=row.changed_by, run=run,
    )  # fmt: skip


def inventory_shown(place: str, run: RunShown, found: Inventory) -> InventoryShown:
    return InventoryShown(
        place=place, run=run, items=found.items, looked=found.looked, with_findings=found.with_findings, size=found.size, findings=found.findings, risk=found.risk,
        level=found.level, states=dict(found.states), categories=[_total(each) for each in found.categories], families=[_total(each) for each in found.families],
        top=[_total(each) for each in found.top], unseen=[UnseenShown(item=each.key, state=each.state, code=each.code) for each in found.unseen],
    )  # fmt: skip


def item_shown(looked: Looked, *, looked_us: int, gone_us: int | None) -> ItemShown:
    counts: dict[str, Any] = dict(looked.counts)
    return ItemShown(
        item=looked.key, state=looked.state, code=looked.code, size=looked.size, findings=sum(counts.values()), counts=counts, share=looked.share,
        looked_at=rfc3339(looked_us), gone_at=rfc3339(gone_us) if gone_us else None,
    )  # fmt: skip


def _total(total: Total) -> TotalShown:
    return TotalShown(
        name=total.name, items=total.items, findings=total.findings, distinct=total.distinct, risk=total.risk, level=total.level, categories=dict(total.categories)
    )  # fmt: skip
