"""The work of a run, a step at a time.

    look    the next items of the place in the order of their keys: those that have not changed since they were looked at are counted as they were then, the others
            are read and looked at, for about a second or two
    away    items that the run has not met are noted as gone

A step commits the rows of its items, the sums and the cursor at once, or none of them; a run that was paused, cancelled or handed to another job writes nothing more.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection

from ostiary import log, turns
from ostiary.actions import Action, Call
from ostiary.clock import SECOND_US
from ostiary.detection.categories import family_of
from ostiary.detection.rules import RuleSet
from ostiary.discovery import store
from ostiary.discovery.places import opened
from ostiary.discovery.services import DONE, GOING, PURPOSE, STANDING, Discovery, Known
from ostiary.discovery.store import ItemRow, RunRow
from ostiary.errors import OstiaryError, TargetAnswerTooLarge, TargetUnavailable
from ostiary.ids import SubjectId
from ostiary.scanning.inventory import Tally
from ostiary.scanning.look import Limits, Looked
from ostiary.scanning.place import IN_PART, LOOKED, Item, Place, PlaceUnreadable, Unreadable
from ostiary.scanning.through import read, unseen
from ostiary.shapes import ModelShape, Params
from ostiary.work import Going, Kind, Step, step

ITEMS_A_STEP = 200
STEP_S = 1.5
COUNT_S = 0.7
"""How long the first step counts what there is, so that progress has an end."""
ITEM_BYTES_MAX = 16 << 20
DOCUMENT_SECONDS_MAX = 30
ITEMS_MAX = 5_000_000
GONE_A_STEP = 200
IDLE_S = 30
SEEN = frozenset({LOOKED, IN_PART})
FINISHED, FOUND = "discovery.finished", "discovery.found"
LIMITS = Limits(bytes_max=ITEM_BYTES_MAX, text_bytes_max=ITEM_BYTES_MAX, document_seconds_max=DOCUMENT_SECONDS_MAX)  # fmt: skip

_LOG = log.get("discovery")


class Running(Params):
    run: Annotated[str, Field(max_length=64)]


RUN = Kind(
    name="discovery.run",
    title="Look through a place",
    description="Looks through a folder, a bucket or a database for sensitive data, item by item, and counts what is where.",
    permission="privacy.discover",
    step="discovery.run_step",
    params=ModelShape(Running),
    scope="discovery.start",
    startable=False,
)
SCHEDULE = Kind(
    name="discovery.schedule",
    title="Look through places on schedule",
    description="Begins a run of each place whose time has come.",
    permission="privacy.discover",
    step="discovery.schedule_step",
    every_s=900,
    startable=False,
)
KINDS = (RUN, SCHEDULE)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What a step did: the rows of its items, the sums with them, and where it stopped. last: there are no more items."""

    rows: tuple[ItemRow, ...]
    tally: Tally
    cursor: str
    looked: int
    unchanged: int
    not_looked: int
    last: bool


@dataclass(frozen=True, slots=True)
class _Task:
    """What the items of a step are looked at by. rules_word changes with the rules."""

    known: Known
    run: RunRow
    rules: RuleSet
    rules_word: str
    at_us: int


def actions(discovery: Discovery) -> list[Action]:
    async def run_step(call: Call, going: Going) -> Step:
        row = await discovery.database.run(lambda c: store.find_run(c, call.tenant, going.params.run))
        if row is None or row.state != GOING or row.job != going.job:
            return _told(row, done=True) if row else Step(done=True)
        if row.phase == "away":
            return await _away(discovery, call, row)
        return await _look(discovery, call, row)

    async def schedule(call: Call, going: Going) -> Step:
        return await _schedule(discovery, call, going)

    return [step(RUN, run_step), step(SCHEDULE, schedule)]


async def _look(discovery: Discovery, call: Call, row: RunRow) -> Step:
    tenant = call.tenant
    known = await discovery.place(tenant, row.place)
    rules, word = await discovery.rules(tenant, known.settings.rules)
    await discovery.vault.prepare(tenant, PURPOSE, [SubjectId("")])
    task = _Task(known, row, rules, word, call.at_us)
    async with opened(known.settings, known.credentials, tenant, discovery.grounds, bytes_max=ITEM_BYTES_MAX + 1) as place:  # fmt: skip
        try:
            expected = row.expected if row.steps else await _expected(discovery, place, call, row)
            batch = await _batch(discovery, call, place, task)
        except PlaceUnreadable as wrong:
            raise TargetUnavailable(str(wrong)) from None
    if row.items + len(batch.rows) > ITEMS_MAX:
        raise TargetAnswerTooLarge(f"There are more than {ITEMS_MAX} items.")
    inventory = batch.tally.inventory()
    changes: dict[str, Any] = {
        "phase": "away" if batch.last else "look",
        "steps": row.steps + 1,
        "cursor": discovery.sealed_cursor(tenant, row.id, batch.cursor),
        "totals": discovery.sealed_totals(tenant, row.id, batch.tally),
        "expected": row.items + len(batch.rows) if batch.last else expected,
        "items": row.items + len(batch.rows),
        "looked": row.looked + batch.looked,
        "unchanged": row.unchanged + batch.unchanged,
        "not_looked": row.not_looked + batch.not_looked,
        "findings": inventory.findings,
        "risk": round(inventory.risk),
        "changed_us": call.at_us,
    }

    def rows(connection: Connection) -> None:
        store.move_run(connection, tenant, row.id, changes, states=STANDING, steps=row.steps, job=row.job)
        store.put_items(connection, tenant, batch.rows)

    call.write(rows)
    call.counts |= {"items.looked": batch.looked, "items.unchanged": batch.unchanged, "items.not_looked": batch.not_looked}  # fmt: skip
    asyncio.get_running_loop().call_later(IDLE_S, _rest, discovery, discovery.looker.uses)
    return _told(replace(row, **changes), done=False)


def _rest(discovery: Discovery, uses: int) -> None:
    """End the process that looks, if nothing was looked at since."""
    if uses == discovery.looker.uses:
        asyncio.get_running_loop().run_in_executor(None, discovery.looker.close, uses)


def _told(row: RunRow, *, done: bool) -> Step:
    total = max(row.expected, row.items) if row.expected else 0
    note = f"{row.looked} looked at, {row.unchanged} unchanged, {row.not_looked} not looked at"
    return Step(done=done, count=row.items, total=total, note=note)


async def _expected(discovery: Discovery, place: Place, call: Call, row: RunRow) -> int:
    """How many items there are, if they can be counted in a moment; else how many there were at the run before; else 0."""
    clock = discovery.grounds.clock
    until_us = clock.monotonic_us() + int(COUNT_S * SECOND_US)

    async with turns.away():
        counted = await asyncio.to_thread(_counted, place, clock, until_us)
    if counted is not None:
        return counted
    before = await discovery.database.run(lambda c: store.done_before(c, call.tenant, row.place))
    return before.items if before else 0


def _counted(place: Place, clock: Any, until_us: int) -> int | None:
    """None: it would take too long."""
    number = 0
    for _ in place.items(""):
        number += 1
        if clock.monotonic_us() > until_us:
            return None
    return number


async def _batch(discovery: Discovery, call: Call, place: Place, task: _Task) -> _Batch:
    """The next items, looked at. Raises PlaceUnreadable."""
    tenant, row = call.tenant, task.run
    after = await asyncio.to_thread(discovery.cursor, tenant, row)
    async with turns.away(), discovery.plans.turns.turn(tenant):
        items = await asyncio.to_thread(lambda: list(islice(place.items(after), ITEMS_A_STEP)))
        named = {discovery.item_of(tenant, row.place, item.key): item for item in items}
        before = await discovery.database.run(lambda c: store.known(c, tenant, row.place, list(named)))
        return await asyncio.to_thread(_looked_at, discovery, call, place, task, items, before)


def _looked_at(
    discovery: Discovery, call: Call, place: Place, task: _Task, items: Sequence[Item], before: Mapping[bytes, ItemRow]
) -> _Batch:  # fmt: skip
    """In a thread: as many of the items as fit into a step, one at least."""
    clock, tenant, row = discovery.grounds.clock, call.tenant, task.run
    until_us = clock.monotonic_us() + int(STEP_S * SECOND_US)
    tally = discovery.totals(tenant, row)
    key = discovery.content_key(tenant)
    rows: list[ItemRow] = []
    looked = unchanged = not_looked = 0
    cursor = discovery.cursor(tenant, row)
    for item in items:
        name = discovery.item_of(tenant, row.place, item.key)
        stamp = discovery.stamp_of(tenant, task.rules_word, item.version)
        known = before.get(name)
        if known is not None and item.version and known.stamp == stamp:
            tally.add(replace(discovery.looked(tenant, known), size=item.size))
            rows.append(replace(known, run=row.id, gone_us=None))
            unchanged += known.state in SEEN
            not_looked += known.state not in SEEN
        else:
            seen = _look_at(discovery, place, item, task, key)
            tally.add(seen)
            if not seen.version:  # it could not be read: the next run tries again
                stamp = discovery.stamp_of(tenant, task.rules_word, "")
            rows.append(discovery.item_row(tenant, row.place, row.id, seen, stamp=stamp, at_us=task.at_us))
            looked += seen.state in SEEN
            not_looked += seen.state not in SEEN
        cursor = item.key
        if clock.monotonic_us() > until_us:
            break
    last = len(rows) == len(items) < ITEMS_A_STEP
    return _Batch(tuple(rows), tally, cursor, looked, unchanged, not_looked, last)


def _look_at(discovery: Discovery, place: Place, item: Item, task: _Task, key: bytes) -> Looked:
    try:
        return discovery.looker.look(item, read(place, item, LIMITS), task.rules, LIMITS, key)
    except Unreadable as wrong:
        return unseen(item, wrong)


async def _away(discovery: Discovery, call: Call, row: RunRow) -> Step:
    """Note some of what is gone; nothing more is: the run is done."""
    tenant = call.tenant
    missing = await discovery.database.run(lambda c: store.missing(c, tenant, row.place, row.id, GONE_A_STEP))
    changes: dict[str, Any] = {
        "steps": row.steps + 1,
        "gone": row.gone + len(missing),
        "changed_us": call.at_us,
    }
    if not missing:
        changes |= {"state": DONE, "ended_us": call.at_us}
        await _announce(discovery, call, row)

    def rows(connection: Connection) -> None:
        # A run that is paused at this moment goes on later; it is not done behind its back.
        store.move_run(connection, tenant, row.id, changes, states=(GOING,), steps=row.steps, job=row.job)
        store.note_gone(connection, tenant, row.place, missing, call.at_us)

    call.write(rows)
    return _told(replace(row, **changes), done=not missing)


async def _announce(discovery: Discovery, call: Call, row: RunRow) -> None:
    """Whoever wants to know is told that the run is over, and of families that the run before had not."""
    tenant = call.tenant
    before = await discovery.database.run(lambda c: store.done_before(c, tenant, row.place, row.id))
    now = await asyncio.to_thread(lambda: _families(discovery.totals(tenant, row)))
    then = await asyncio.to_thread(lambda: _families(discovery.totals(tenant, before)) if before else set())
    said = {"place": row.place, "run_id": row.id, "items": row.items, "findings": row.findings, "risk": row.risk}  # fmt: skip
    call.write(discovery.announce(tenant, FINISHED, {**said, "gone": row.gone, "not_looked": row.not_looked}))
    if new := sorted(now - then):
        call.write(discovery.announce(tenant, FOUND, {**said, "families": list(new)}))


def _families(tally: Tally) -> set[str]:
    return {str(family_of(each.name)) for each in tally.inventory().categories}


async def _schedule(discovery: Discovery, call: Call, going: Going) -> Step:
    """One place a step, in the order of their names."""
    tenant = call.tenant
    rows = await discovery.database.run(lambda c: store.places(c, tenant))
    last = await discovery.database.run(lambda c: store.last_runs(c, tenant))
    busy = {
        row.place
        for row, state, _ in await discovery.standing(tenant, list(last.values()))
        if state in STANDING
    }
    due = [
        row
        for row in rows
        if row.name > going.cursor and 0 < row.next_us <= call.at_us and row.name not in busy
    ]
    if due:
        try:
            await discovery.begin(call, await discovery.place(tenant, due[0].name), None)
        except OstiaryError as error:
            _LOG.info("discovery.not_begun", code=error.code)
    return Step(cursor=due[0].name if due else going.cursor, done=len(due) < 2, count=len(due[:1]))
