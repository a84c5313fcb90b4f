"""The export of a log as a job: one sealed file a step, so that it goes on where it stopped; together they are the JSON Lines that `audit verify` checks.

The first step takes the checkpoint that the export ends at. Whoever may export fetches the parts in order for EXPORT_KEPT_S; then they are removed.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, Effect, Masking, Risk, Route
from ostiary.audit import lines, reading
from ostiary.audit.event import unpack
from ostiary.audit.lines import EntryLine, Header
from ostiary.audit.log import Audit
from ostiary.audit.store import EventRow
from ostiary.blobs.storage import Blobs
from ostiary.clock import SECOND_US, Clock
from ostiary.errors import NotFound
from ostiary.ids import TenantId
from ostiary.shapes import Answer, ModelShape, Params
from ostiary.vault.files import open_file, put_file
from ostiary.vault.sealing import Vault
from ostiary.work import Going, Kind, Step, step

PURPOSE = "audit-export"
PREFIX = "exp-"
PART_BYTES_MAX = 64 * 1024 * 1024
PARTS_MAX = 1_000_000
EXPORT_KEPT_S = 7 * 86400
TIDY_A_STEP = 200

EXPORT = Kind(
    name="audit.export",
    title="Export the audit log",
    description="Writes the whole log, up to a checkpoint, to sealed files that can be fetched for seven days and verified offline.",
    permission="audit.export",
    step="audit.export_step",
)
TIDY = Kind(
    name="audit.export_tidy",
    title="Remove old exports",
    description="Removes the files of exports of the log that are older than seven days.",
    permission="audit.export",
    step="audit.export_tidy_step",
    every_s=86400,
    startable=False,
)


class OnePart(Params):
    """Parts count from 0. The answer of each says whether there is a next one."""

    job_id: Annotated[str, Field(pattern=r"^job_[0-9a-f]{32}$", description="The export's job")]
    part: Annotated[int, Field(ge=0, le=PARTS_MAX)] = 0


class ExportPart(Answer):
    """`text` is JSON Lines. `next` is null at the end; `complete`: this is the last part of an export that is done."""

    text: str
    next: int | None
    complete: bool


@dataclass(frozen=True, slots=True)
class _At:
    """Where an export stands: the next event, the next part, and the checkpoint that it goes up to."""

    start: int
    part: int
    size: int
    note: str


def actions(audit: Audit, vault: Vault, blobs: Blobs, clock: Clock) -> list[Action]:
    """What fetches an export, and this room's steps."""

    async def part(call: Call, asked: OnePart) -> ExportPart:
        def fetch() -> tuple[bytes, bool]:
            found = b"".join(open_file(vault, blobs, call.tenant, _name(asked.job_id, asked.part)))
            return found, blobs.find(call.tenant, _name(asked.job_id, asked.part + 1)) is not None

        found, more = await asyncio.to_thread(fetch)
        complete = not more and found.rstrip().rpartition(b"\n")[2].startswith(b'{"checkpoint"')
        return ExportPart(text=found.decode(), next=asked.part + 1 if more else None, complete=complete)

    async def export(call: Call, going: Going) -> Step:
        at, rows = await audit.database.run(lambda c: _look(audit, c, call.tenant, going.cursor))
        following = rows[-1].number + 1 if rows else at.size
        done = following >= at.size
        key = audit.verifier(call.tenant)

        def pieces() -> Iterator[bytes]:
            if at.part == 0:
                yield lines.header_line(Header(key.name, at.size, key.text()))
            yield from written
            if done:
                yield lines.checkpoint_line(at.note)

        written = await audit.database.run(lambda c: [_line(c, call.tenant, row) for row in rows])
        name = _name(going.job, at.part)
        await asyncio.to_thread(_put, vault, blobs, call.tenant, name, pieces())
        cursor = orjson.dumps([following, at.part + 1, at.size, at.note]).decode()
        return Step(cursor=cursor, done=done, count=following, total=at.size, note=f"{at.part + 1} files")

    async def tidy(call: Call, going: Going) -> Step:
        before_us = clock.now_us() - EXPORT_KEPT_S * SECOND_US
        after = going.cursor or PREFIX
        found = await asyncio.to_thread(blobs.list, call.tenant, after=after, limit=TIDY_A_STEP)
        ours = [stored for stored in found if stored.id.startswith(PREFIX)]
        for stored in ours:
            if stored.changed_us < before_us:
                await asyncio.to_thread(blobs.delete, call.tenant, stored.id)
        return Step(cursor=ours[-1].id if ours else "", done=len(ours) < TIDY_A_STEP)

    fetch = Action(
        "audit.export_part", "Fetch a part of an export", "One part of an export of the log that a job has written.", "audit.export",
        Risk.LOW, Effect.NONE, ModelShape(OnePart), ModelShape(ExportPart), part,
        route=Route("GET", "/v1/audit/exports/{job_id}"), masking=Masking.OWN, keeps_answer=False, hash="1",
    )  # fmt: skip
    return [fetch, step(EXPORT, export), step(TIDY, tidy)]


def _look(audit: Audit, connection: Connection, tenant: TenantId, cursor: str) -> tuple[_At, list[EventRow]]:
    if cursor:
        at = _At(*orjson.loads(cursor))
    else:
        standing = reading.standing(audit, connection, tenant)
        at = _At(0, 0, standing.size, standing.checkpoint)
    rows = reading.page(connection, tenant, start=at.start, end=at.size, limit=reading.EXPORT_ROWS_MAX)
    return at, rows


def _line(connection: Connection, tenant: TenantId, row: EventRow) -> bytes:
    if not row.envelope:
        return lines.entry_line(EntryLine(row.number, b"", (), reading.leaf(connection, tenant, row)))
    return lines.entry_line(EntryLine(row.number, row.envelope, unpack(row.parts)))


def _put(vault: Vault, blobs: Blobs, tenant: TenantId, name: str, pieces: Iterator[bytes]) -> None:
    """A part that a worker wrote before it died is written anew."""
    blobs.delete(tenant, name)
    put_file(vault, blobs, tenant, name, pieces, purpose=PURPOSE, bytes_max=PART_BYTES_MAX)


def _name(job: str, part: int) -> str:
    if part > PARTS_MAX:
        raise NotFound
    return f"{PREFIX}{job}-{part:07d}"
