"""The daily purge: for each kind of data in turn, batch by batch, what is older than the tenant keeps it; nothing that a hold stands on.

Of the log's own events, what they are and how old is what their envelopes say, where the tree has these to the byte: whoever can write the database can not
have an event dropped by making its row older. What is not as it was recorded stays.

A batch is read, then committed together with its event, if no hold was placed or released in between; else it is read anew. The event of the log's own
batch says up to which place it dropped bodies: verifiers want to see it.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

import orjson
from sqlalchemy import Connection

from ostiary import log, work
from ostiary.actions import Action, Call
from ostiary.audit import reading
from ostiary.audit.verify import DROPPED_BEFORE, PURGE
from ostiary.clock import DAY_US
from ostiary.ids import TenantId
from ostiary.retention import erasing, store
from ostiary.retention.files import files_of, forget_files
from ostiary.retention.hold import Item, covering
from ostiary.retention.kinds import BATCH_ROWS, Batch, KeptKind
from ostiary.retention.services import AUDIT, Retention
from ostiary.work import Going, Kind, Step

ASKED_FOR_US = 7 * DAY_US
"""An erasure that has not begun for so long is refused; it may be asked for again."""
FILES_MAX = 100
"""Files of one batch: their names travel in the job's cursor."""

_LOG = log.get("retention")

KIND = Kind(
    name="retention.purge",
    title="Purge what is over its time",
    description="Lets go of what is older than the tenant keeps it, kind by kind; what a legal hold stands on stays.",
    permission="retention.manage",
    step=PURGE,
    every_s=24 * 3600,
)


@dataclass(frozen=True, slots=True)
class _Old:
    """A batch of the log's old events: those to drop, the files that go with them, where the next batch begins."""

    numbers: list[int]
    files: list[str]
    held: int
    next: int
    last: bool


def actions(retention: Retention) -> list[Action]:
    async def step(call: Call, going: Going) -> Step:
        kinds = retention.kinds_of(call.tenant)
        name, _, cursor = going.cursor.partition(":")
        if not name:
            return await _begin(retention, call, kinds[0].name if kinds else "")
        if name == AUDIT:
            files = cursor.split(",") if cursor else []
            return await _log(retention, call, files, _after(kinds, name))
        return await _kind(retention, call, name, cursor, _after(kinds, name))

    return [work.step(KIND, step)]


def _after(kinds: tuple[KeptKind, ...], name: str) -> str:
    names = [kind.name for kind in kinds]
    at = names.index(name) + 1 if name in names else len(names)
    return f"{names[at]}:" if at < len(names) else ""


async def _begin(retention: Retention, call: Call, first: str) -> Step:
    """Erasures that have begun and never ended go on first. One that never began was cancelled, or its asker has lost the right to it: nobody else begins it."""
    left = await retention.database.run(lambda c: store.unfinished(c, call.tenant))
    for row in left:
        if row.state == "destroying":
            call.write(retention.enqueue(call.tenant, erasing.KIND, {"erasure": row.id}, slot=row.id))
        elif row.requested_us < call.at_us - ASKED_FOR_US:
            given_up = {"state": "refused", "ended_us": call.at_us, "words": None}
            call.write(partial(store.move_erasing, tenant=call.tenant, erasure=row.id, expected="asked", changes=given_up))  # fmt: skip
    return Step(cursor=f"{first}:", done=not first)


async def _kind(retention: Retention, call: Call, name: str, cursor: str, after: str) -> Step:
    tenant = call.tenant
    let_go = next((kind.purge for kind in retention.kinds_of(tenant) if kind.name == name), None)
    if let_go is None:
        return Step(cursor=after, done=not after)

    def purge(connection: Connection) -> tuple[int, int, str, bool]:
        store.gate(connection, tenant)
        batch = Batch(
            retention.before_us(retention.days(connection, tenant)[name]),
            cursor,
            store.holds(connection, tenant),
        )
        done = let_go(connection, tenant, batch)
        return done.count, done.held, done.cursor, done.done

    count, held, further, done = await retention.database.change(purge)
    call.counts |= {f"purged.{name}": count, f"held.{name}": held}
    following = after if done else f"{name}:{further}"
    return Step(cursor=following, done=not following, count=count)


async def _log(retention: Retention, call: Call, files: list[str], after: str) -> Step:
    """Files of what the step before has dropped, then the next batch. A file is never removed before its event is dropped: a hold may come in between."""
    tenant = call.tenant
    await asyncio.to_thread(forget_files, retention.blobs, tenant, files)

    def look(connection: Connection) -> tuple[store.GateRow, _Old]:
        gate = store.look_at_gate(connection, tenant)
        days = retention.days(connection, tenant)[AUDIT]
        return gate, _old(retention, connection, tenant, gate.next, retention.before_us(days))

    gate, old = await retention.database.run(look)
    before = (
        old.numbers[-1] + 1 if old.numbers else 0
    )  # of this batch: the gate's row is no proof of the others

    def drop(connection: Connection) -> None:
        store.pass_gate(connection, tenant, gate.turn)
        if old.numbers:
            store.drop_bodies(connection, tenant, old.numbers)
        store.move_gate(
            connection, tenant, {"next": old.next, "dropped_before": max(gate.dropped_before, before)}
        )

    call.write(drop)
    call.counts |= {"purged.audit": len(old.numbers), "held.audit": old.held, DROPPED_BEFORE: before}
    following = after if old.last and not old.files else f"{AUDIT}:{','.join(old.files)}"
    return Step(cursor=following, done=not following, count=len(old.numbers))


def _old(retention: Retention, connection: Connection, tenant: TenantId, start: int, before_us: int) -> _Old:
    """The events to drop at the next BATCH_ROWS places: those that are old enough and under no hold. The purge goes on where the first young one stands."""
    rows = store.old_events(connection, tenant, start, BATCH_ROWS)
    whole = [(row.number, row.envelope) for row in rows if row.whole]
    recorded = reading.as_recorded(connection, tenant, whole)
    holds = store.holds(connection, tenant)
    numbers: list[int] = []
    files: list[str] = []
    held, following = 0, start + len(rows)
    for row in rows:
        if not row.whole:
            continue
        if row.number not in recorded:
            _LOG.error("purge.not_as_recorded", number=row.number)
            continue
        said = orjson.loads(row.envelope)
        if said["at_us"] >= before_us:
            following = min(following, row.number)
            continue
        actor = {said["actor_id"], retention.vault.pseudonym(tenant, said["actor_id"])}
        about = frozenset(part["subject"] for part in said.get("sealed", ()))
        if covering(holds, Item(about | actor, said["action"], said["at_us"])):
            held += 1
            continue
        numbers.append(row.number)
        files += files_of(row, said["id"])
        if len(files) >= FILES_MAX:
            following = min(following, row.number + 1)
            break
    full = len(files) >= FILES_MAX or (len(rows) == BATCH_ROWS and following == start + len(rows))
    return _Old(numbers, files, held, following, not full)
