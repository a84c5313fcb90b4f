"""What can be asked of what was found: the inventory, its items, how it changed from run to run, and a report to take away."""

import asyncio
import re
from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection

import ostiary
from ostiary.actions import Action, Call, Recorded, Route
from ostiary.clock import rfc3339
from ostiary.discovery import store
from ostiary.discovery.services import DONE, Discovery
from ostiary.discovery.settings import NAME
from ostiary.discovery.shown import (
    ChangeShown,
    InventoryShown,
    ItemsShown,
    ReportShown,
    TrendPoint,
    TrendShown,
    inventory_shown,
    item_shown,
    run_shown,
)
from ostiary.discovery.store import ItemRow, RunRow
from ostiary.errors import Conflict, Fault, InvalidParameters
from ostiary.ids import TenantId
from ostiary.scanning.inventory import Inventory, level_of, trend
from ostiary.scanning.report import About, report
from ostiary.shapes import Page, Params, own_action

RUNS_READ = 200
POINTS_MAX = 30
REPORT_ITEMS_MAX = 10_000
"""Items in a CSV report."""
MEDIA = {"json": "application/json", "csv": "text/csv", "html": "text/html"}
_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{64})")

Name = Annotated[str, Field(pattern=NAME)]


class OfPlace(Params):
    place: Name


class OfPlaceReport(OfPlace):
    format: Literal["json", "csv", "html"] = "json"


class OfPlaceItems(Page):
    """`which`: those in which something was found, those that were not looked at, those that are gone, or all that are there; the most findings first."""

    place: Name
    which: Literal["found", "skipped", "gone", "all"] = "found"


class _Desk:
    def __init__(self, discovery: Discovery) -> None:
        self._of = discovery

    async def inventory(self, call: Call, asked: OfPlace) -> InventoryShown:
        row, found = await self._newest(call.tenant, asked.place)
        if row is None or found is None:
            return InventoryShown(place=asked.place, run=None)
        standing = (await self._of.standing(call.tenant, [row]))[0]
        return inventory_shown(asked.place, run_shown(standing, call.at_us), found)

    async def items(self, call: Call, asked: OfPlaceItems) -> ItemsShown:
        of, tenant = self._of, call.tenant
        await of.place(tenant, asked.place)
        after = _after(asked.cursor)
        rows = await of.database.run(
            lambda c: store.page_of_items(c, tenant, asked.place, which=asked.which, after=after, limit=asked.limit + 1)
        )  # fmt: skip
        shown = rows[: asked.limit]
        looked = await asyncio.to_thread(lambda: [of.looked(tenant, row) for row in shown])
        return ItemsShown(
            items=[
                item_shown(each, looked_us=row.looked_us, gone_us=row.gone_us)
                for row, each in zip(shown, looked, strict=True)
            ],
            next=_cursor(shown[-1]) if len(rows) > len(shown) else "",
        )

    async def trend(self, call: Call, asked: OfPlace) -> TrendShown:
        of, tenant = self._of, call.tenant
        await of.place(tenant, asked.place)
        rows = await of.database.run(lambda c: store.runs(c, tenant, asked.place, limit=RUNS_READ))
        done = [row for row in rows if row.state == DONE][:POINTS_MAX]
        found = await asyncio.to_thread(lambda: [of.totals(tenant, row).inventory() for row in done])
        points = [_point(row, each) for row, each in zip(done, found, strict=True)]
        changes = trend(points[1].distinct, found[0]) if len(points) > 1 else ()
        return TrendShown(
            points=points[::-1],
            changes=[ChangeShown(category=each.name, before=each.before, now=each.now) for each in changes],
        )

    async def report(self, call: Call, asked: OfPlaceReport) -> ReportShown:
        """Raises NotFound; Conflict where the place was never looked through."""
        of, tenant = self._of, call.tenant
        row, found = await self._newest(tenant, asked.place)
        if row is None or found is None:
            raise Conflict("This place was never looked through: begin a run first.")
        before = await of.database.run(lambda c: store.done_before(c, tenant, asked.place, row.id))
        items = (
            await of.database.run(lambda c: _items(c, tenant, asked.place)) if asked.format == "csv" else []
        )

        def written() -> str:
            changes = trend(_distinct(of.totals(tenant, before).inventory()), found) if before else ()
            when = rfc3339(before.ended_us or before.changed_us) if before else ""
            about = About(rfc3339(row.ended_us or row.changed_us), ostiary.__version__, when, changes)
            return report(found, asked.format, about, (of.looked(tenant, each) for each in items))

        text = await asyncio.to_thread(written)
        return ReportShown(format=asked.format, media_type=MEDIA[asked.format], text=text)

    async def _newest(self, tenant: TenantId, place: str) -> tuple[RunRow | None, Inventory | None]:
        """The newest run, and what it found. Raises NotFound."""
        of = self._of
        await of.place(tenant, place)
        rows = await of.database.run(lambda c: store.runs(c, tenant, place, limit=1))
        if not rows:
            return None, None
        return rows[0], await asyncio.to_thread(lambda: of.totals(tenant, rows[0]).inventory())


def _items(connection: Connection, tenant: TenantId, place: str) -> list[ItemRow]:
    """The items of a report, those with the most findings first."""
    return store.page_of_items(connection, tenant, place, which="all", after=None, limit=REPORT_ITEMS_MAX)


def _distinct(found: Inventory) -> dict[str, int]:
    return {each.name: each.distinct for each in found.categories}


def _point(row: RunRow, found: Inventory) -> TrendPoint:
    return TrendPoint(
        run_id=row.id,
        ended_at=rfc3339(row.ended_us or row.changed_us),
        items=found.items,
        findings=found.findings,
        risk=found.risk,
        level=level_of(found.risk),
        distinct=_distinct(found),
    )


def _cursor(row: ItemRow) -> str:
    return f"{row.findings}.{row.item.hex()}"


def _after(cursor: str) -> tuple[int, bytes] | None:
    if not cursor:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidParameters(faults=(Fault("/cursor", "hand back `next` as it was"),))
    return int(match[1]), bytes.fromhex(match[2])


def actions(discovery: Discovery) -> list[Action]:
    desk = _Desk(discovery)
    look = partial(own_action, permission="privacy.discover", keeps_answer=False)
    one = "/v1/discovery/places/{place}"
    return [
        look("discovery.inventory", "Show an inventory", "What a place holds by its newest run: by category, by folder or table, with the risk, and what was not looked at.",
             OfPlace, InventoryShown, desk.inventory, Route("GET", one + "/inventory")),
        look("discovery.items", "List items", "The items of a place with what was found in each; their names, never a value.", OfPlaceItems, ItemsShown, desk.items,
             Route("GET", one + "/items")),
        look("discovery.trend", "Show a trend", "What each run over a place found, and what changed between the last two.", OfPlace, TrendShown, desk.trend,
             Route("GET", one + "/trend")),
        look("discovery.report", "Take a report", "The inventory of a place as a file: JSON, CSV, or HTML that needs nothing else.", OfPlaceReport, ReportShown, desk.report,
             Route("GET", one + "/report"), recorded=Recorded.DURABLE),
    ]  # fmt: skip
