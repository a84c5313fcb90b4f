"""Long work with documents as jobs: one is read and looked through, one is redacted and verified, and what nobody speaks of any more is removed.

Reading and redacting go on in a process of their own (`documents.confined`) beside the steps (`going`). What a document itself does not allow ends the job well and stands in the review,
so that people see why; what is away just now (keys, files, database) is tried again.
"""

import asyncio
import hashlib
from typing import Annotated, Any

from pydantic import Field

from ostiary import log, work
from ostiary.actions import Action, Call
from ostiary.clock import SECOND_US
from ostiary.errors import (
    BlobsUnavailable,
    KeysUnavailable,
    NotFound,
    OstiaryError,
    StoreUnavailable,
)
from ostiary.review import apart, exporting, store
from ostiary.review.going import Going as Work
from ostiary.review.paper import Paper
from ostiary.review.reviews import PAPER_BYTES_MAX, PREFIX, Reviews, paper_name
from ostiary.review.store import ReviewRow
from ostiary.shapes import ModelShape, Params
from ostiary.work import Going, Kind, Step

AWAY = (BlobsUnavailable, KeysUnavailable, StoreUnavailable)
CHANGED_FILE = "document.malformed"
UNCLAIMED_S = 2 * 3600
"""How long a file is left that belongs to no review: it may be one that is being uploaded or read."""
TIDY_A_STEP = 200

_LOG = log.get("review")


class OneReview(Params):
    document: Annotated[str, Field(max_length=64)]
    export: Annotated[int, Field(ge=0, le=1_000_000)] = 0


READ = Kind(
    name="document.read",
    title="Read a document",
    description="Reads a document in a process of its own and looks for what its plan asks for.",
    permission="document.review",
    step="document.read_step",
    params=ModelShape(OneReview),
    scope="document.open",
    startable=False,
)
EXPORT = Kind(
    name="document.redact",
    title="Export a reviewed document",
    description="Redacts a document as it was decided, verifies the output, and signs the record.",
    permission="document.export",
    step="document.redact_step",
    params=ModelShape(OneReview),
    scope="document.export",
    startable=False,
)
TIDY = Kind(
    name="document.tidy",
    title="Remove files of documents that are gone",
    description="Removes uploads that nobody opened, and the files of reviews that were removed.",
    permission="document.review",
    step="document.tidy_step",
    every_s=24 * 3600,
    startable=False,
)
KINDS = (READ, EXPORT, TIDY)


def actions(reviews: Reviews, going: Work) -> list[Action]:
    async def read(call: Call, asked: Going) -> Step:
        row = await _row(reviews, call, asked, "reading")
        if row is None:
            return Step(done=True, note="It was removed meanwhile.")
        try:
            done, paper = await going.on(call.tenant, asked.job, lambda: _read(reviews, call, row))
        except AWAY:
            raise
        except OstiaryError as error:
            return _ended(reviews, call, row, "reading", {"state": "failed", "code": error.code})
        if not done:
            return Step(cursor="reading", note="Being read.")
        about = reviews.about(call.tenant, row) | {
            "format": paper.format,
            "pages": paper.pages,
            "found": len(paper.found),
        }
        sealed = await reviews.sealed(call.tenant, row.id, about)
        call.counts |= {"pieces": len(paper.parts), "found": len(paper.found)}
        return _ended(
            reviews,
            call,
            row,
            "reading",
            {"state": "open", "code": "", "about": sealed},
            count=len(paper.found),
        )

    async def redact(call: Call, asked: Going) -> Step:
        row = await _row(reviews, call, asked, "exporting")
        if row is None or row.exports != asked.params.export - 1:
            return Step(done=True, note="It was removed meanwhile.")
        try:
            done, exported = await going.on(
                call.tenant, asked.job, lambda: exporting.export(reviews, call, row, asked.params.export)
            )
        except AWAY:
            raise
        except OstiaryError as error:
            return _ended(reviews, call, row, "exporting", {"state": "open", "code": error.code})
        if not done:
            return Step(cursor="exporting", note="Being redacted and verified.")
        about = reviews.about(call.tenant, row) | {"output": exported.said()}
        sealed = await reviews.sealed(call.tenant, row.id, about)
        call.counts |= exported.counts
        changes = {"state": "open", "code": "", "exports": asked.params.export, "about": sealed}
        return _ended(reviews, call, row, "exporting", changes, count=sum(exported.counts.values()))

    async def tidy(call: Call, asked: Going) -> Step:
        return await _tidied(reviews, call, asked.cursor or PREFIX)

    return [work.step(READ, read), work.step(EXPORT, redact), work.step(TIDY, tidy)]


async def _row(reviews: Reviews, call: Call, asked: Going, state: str) -> ReviewRow | None:
    """None where it was removed, or this job was given up and another may be at it."""
    row = await reviews.database.run(lambda c: store.find_review(c, call.tenant, asked.params.document))
    if row is None or row.state != state or reviews.about(call.tenant, row).get("job") != asked.job:
        return None
    return row


async def _read(reviews: Reviews, call: Call, row: ReviewRow) -> Paper:
    tenant, about = call.tenant, reviews.about(call.tenant, row)
    ready = await reviews.plan(tenant, row.plan)

    def look() -> Paper:
        content = reviews.get(tenant, row.source)
        if hashlib.sha256(content).hexdigest() != about["sha256"]:
            raise NotFound
        paper = apart.read(content, f"x.{about['ending']}", ready.rules)
        reviews.put(tenant, paper_name(row.id), paper.packed(), bytes_max=PAPER_BYTES_MAX)
        return paper

    return await asyncio.to_thread(look)


def _ended(
    reviews: Reviews, call: Call, row: ReviewRow, expected: str, changes: dict[str, Any], *, count: int = 0
) -> Step:
    if changes["code"]:
        _LOG.info("document.refused", review=row.id, code=changes["code"])
    changes = {**changes, "changed_us": call.at_us}
    call.write(lambda c: store.move_review(c, call.tenant, row.id, expected=(expected,), changes=changes))
    return Step(done=True, count=count, note="It could not be done." if changes["code"] else "")


async def _tidied(reviews: Reviews, call: Call, after: str) -> Step:
    """The files of PREFIX in the order of their names, a batch a step."""
    tenant, before_us = call.tenant, reviews.clock.now_us() - UNCLAIMED_S * SECOND_US
    await reviews.database.change(lambda c: store.forget_uploads(c, tenant, before_us=before_us))
    known = await reviews.database.run(lambda c: store.claimed(c, tenant))
    found = await asyncio.to_thread(reviews.blobs.list, tenant, after=after, limit=TIDY_A_STEP)
    ours = [stored for stored in found if stored.id.startswith(PREFIX)]
    gone = [each for each in ours if each.changed_us < before_us and _claim(each.id) not in known]
    for each in gone:
        await asyncio.to_thread(reviews.blobs.delete, tenant, each.id)
    return Step(cursor=ours[-1].id if ours else "", done=len(ours) < TIDY_A_STEP, count=len(gone))


def _claim(blob: str) -> str:
    """Which upload or review a file is of: `doc-rev_...-read`, `doc-upl_...`."""
    return blob.removeprefix(PREFIX).partition("-")[0]
