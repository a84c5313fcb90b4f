"""Documents that were opened about a subject go when the subject is erased: they are sealed under the tenant's keys, which an erasure leaves alone.

Of each, first the state says that nobody works on it any more, then its files go, and its row last: whatever dies in between, the row still names what is to be removed.
"""

import asyncio
from contextlib import suppress

from ostiary.actions import Call
from ostiary.errors import Conflict, DocumentStopped, NotFound
from ostiary.ids import TenantId
from ostiary.retention.hold import Hold, Item, covering
from ostiary.retention.kinds import Searcher, Sought, Whom
from ostiary.review import store
from ostiary.review.reviews import REVIEWS_MAX, WORKING, Reviews
from ostiary.review.store import ReviewRow

REMOVED_A_STEP = 20


def searcher(reviews: Reviews) -> Searcher:
    """What the erasure of a subject asks of this room."""

    async def seek(tenant: TenantId, whom: Whom, holds: tuple[Hold, ...]) -> Sought:
        rows = await _about(reviews, tenant, whom)
        held = next(filter(None, (covering(holds, _item(row)) for row in rows)), None)
        return Sought({"document_review": len(rows)}, held)

    async def erase(call: Call, whom: Whom) -> bool:
        rows = await _about(reviews, call.tenant, whom)
        removed: list[str] = []
        for row in rows:
            if len(removed) < REMOVED_A_STEP and await _emptied(reviews, call, row):
                removed.append(row.id)
        call.write(lambda c: store.remove_reviews(c, call.tenant, removed))
        return len(removed) == len(rows)

    return Searcher("documents", seek, erase)


async def _about(reviews: Reviews, tenant: TenantId, whom: Whom) -> list[ReviewRow]:
    """The reviews that were opened about the subject: none where its id is not known. Raises SealBroken, KeysUnavailable."""
    if not whom.id:
        return []
    rows = await reviews.database.run(lambda c: store.list_reviews(c, tenant, before="", limit=REVIEWS_MAX))

    def look() -> list[ReviewRow]:
        return [row for row in rows if reviews.about(tenant, row)["subject"] == whom.id]

    return await asyncio.to_thread(look)


async def _emptied(reviews: Reviews, call: Call, row: ReviewRow) -> bool:
    """Whether all files of it are gone; not while a job reads or exports it, whose output would come after."""
    tenant = call.tenant
    with suppress(NotFound):
        row = await reviews.standing(tenant, row)
    if row.state in WORKING:
        return False
    changes = {"state": "failed", "code": DocumentStopped.code, "changed_us": call.at_us}
    try:
        await reviews.database.change(
            lambda c: store.move_review(c, tenant, row.id, expected=(row.state,), changes=changes)
        )
    except Conflict:
        return False  # an export began, or somebody removes it
    pages = int(reviews.about(tenant, row)["pages"])
    await asyncio.to_thread(reviews.forget, tenant, row, pages)
    return True


def _item(row: ReviewRow) -> Item:
    return Item(frozenset({row.actor}), "document.open", row.created_us)
