"""Tables and SQL of reviews: tickets for uploads, reviews, and the decisions of each, of which none is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Index, Integer, String, Table, delete, func, select

from ostiary.db import marks
from ostiary.db.marks import mark, marked
from ostiary.db.scope import of_tenant
from ostiary.db.signals import tell
from ostiary.db.tables import clear, metadata, sealed
from ostiary.errors import Conflict
from ostiary.ids import TenantId

CHANGED = "document"
"""The signal that a review has changed; the detail is its id."""
MOVED = "Somebody else decided about this meanwhile: look at it and decide again."

UPLOAD = Table(
    "document_upload",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("actor", String(64)),
    clear("state", String(8)),
    clear("expires_us", BigInteger),
    mark(),
    Index(None, "tenant", "expires_us"),
    info=marked(),
)

REVIEW = Table(
    "document_review",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("id", String(40), primary_key=True),
    clear("actor", String(64)),
    clear("source", String(64)),
    clear("plan", String(64)),
    clear("state", String(12)),
    clear("code", String(64)),
    clear("exports", Integer),
    clear("created_us", BigInteger),
    clear("changed_us", BigInteger),
    sealed("about"),
    mark(),
    Index(None, "tenant", "created_us"),
    info=marked(),
)

DECISION = Table(
    "document_decision",
    metadata,
    clear("tenant", String(64), primary_key=True),
    clear("review", String(40), primary_key=True),
    clear("number", Integer, primary_key=True, autoincrement=False),
    clear("actor", String(64)),
    clear("at_us", BigInteger),
    sealed("said"),
    mark(),
    info=marked(),
)


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A ticket. `state`: waiting, then used: by whoever got it, once."""

    id: str
    actor: str
    state: str
    expires_us: int


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """`source`: the blob that was handed in. `state`: reading, open, failed (it cannot be read), exporting. `code`: why the last reading or export failed.
    `exports`: how many were made; the last one's files stand. `about`: sealed; the file's name and what was learnt of it."""

    id: str
    actor: str
    source: str
    plan: str
    state: str
    code: str
    exports: int
    created_us: int
    changed_us: int
    about: bytes


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One decision; numbers count from 1 within a review."""

    review: str
    number: int
    actor: str
    at_us: int
    said: bytes


@of_tenant
def add_upload(connection: Connection, tenant: TenantId, row: UploadRow, *, most: int, at_us: int) -> None:
    """Raises Conflict where so many tickets of this actor wait already."""
    c = UPLOAD.c
    mine = select(func.count()).where(
        c.tenant == tenant, c.actor == row.actor, c.state == "waiting", c.expires_us > at_us
    )
    if connection.execute(mine).scalar_one() >= most:
        raise Conflict(f"{most} uploads of yours wait already: use one, or wait ten minutes.")
    marks.add(connection, tenant, UPLOAD, _values(row))


@of_tenant
def find_upload(connection: Connection, tenant: TenantId, upload: str) -> UploadRow | None:
    found = marks.first(
        connection, tenant, select(UPLOAD).where(UPLOAD.c.tenant == tenant, UPLOAD.c.id == upload)
    )
    return UploadRow(**found) if found else None


@of_tenant
def move_upload(connection: Connection, tenant: TenantId, upload: str, *, expected: str, state: str) -> None:
    """Raises Conflict where it is not as expected: a ticket is good once."""
    where = [UPLOAD.c.id == upload, UPLOAD.c.state == expected]
    if not marks.change(connection, tenant, UPLOAD, where, {"state": state}):
        raise Conflict("This upload was used already.")


@of_tenant
def forget_uploads(connection: Connection, tenant: TenantId, *, before_us: int) -> None:
    """Those that ended before: what was not opened by then is nobody's."""
    connection.execute(delete(UPLOAD).where(UPLOAD.c.tenant == tenant, UPLOAD.c.expires_us < before_us))


@of_tenant
def add_review(connection: Connection, tenant: TenantId, row: ReviewRow) -> None:
    marks.add(connection, tenant, REVIEW, _values(row))
    tell(connection, tenant, CHANGED, row.id)


@of_tenant
def count_reviews(connection: Connection, tenant: TenantId) -> int:
    return int(
        connection.execute(
            select(func.count()).select_from(REVIEW).where(REVIEW.c.tenant == tenant)
        ).scalar_one()
    )


@of_tenant
def find_review(connection: Connection, tenant: TenantId, review: str) -> ReviewRow | None:
    found = marks.first(
        connection, tenant, select(REVIEW).where(REVIEW.c.tenant == tenant, REVIEW.c.id == review)
    )
    return ReviewRow(**found) if found else None


@of_tenant
def list_reviews(connection: Connection, tenant: TenantId, *, before: str, limit: int) -> list[ReviewRow]:
    """Newest first."""
    query = select(REVIEW).where(REVIEW.c.tenant == tenant)
    if before:
        query = query.where(REVIEW.c.id < before)
    rows = marks.read(connection, tenant, query.order_by(REVIEW.c.id.desc()).limit(limit))
    return [ReviewRow(**row) for row in rows]


@of_tenant
def move_review(
    connection: Connection,
    tenant: TenantId,
    review: str,
    *,
    expected: Sequence[str],
    changes: dict[str, Any],
    about: bytes | None = None,
) -> None:
    """Raises Conflict where its state is another than expected, or what is sealed is not `about`."""
    where = [REVIEW.c.id == review, REVIEW.c.state.in_(expected)]
    if about is not None:
        where.append(REVIEW.c.about == about)
    if not marks.change(connection, tenant, REVIEW, where, changes):
        raise Conflict(MOVED)
    tell(connection, tenant, CHANGED, review)


@of_tenant
def begin_export(
    connection: Connection, tenant: TenantId, row: ReviewRow, *, version: int, changes: dict[str, Any]
) -> None:
    """Raises Conflict where somebody has decided since, or it is exported already."""
    move_review(connection, tenant, row.id, expected=(row.state,), changes=changes)
    c = DECISION.c
    last = select(func.max(c.number)).where(c.tenant == tenant, c.review == row.id)
    if (connection.execute(last).scalar_one() or 0) != version:
        raise Conflict(MOVED)


@of_tenant
def old_reviews(
    connection: Connection, tenant: TenantId, *, before_us: int, after: str, limit: int
) -> list[ReviewRow]:
    c = REVIEW.c
    query = select(REVIEW).where(c.tenant == tenant, c.created_us < before_us, c.id > after)
    return [ReviewRow(**row) for row in marks.read(connection, tenant, query.order_by(c.id).limit(limit))]


@of_tenant
def remove_reviews(connection: Connection, tenant: TenantId, reviews: Sequence[str]) -> None:
    """With their decisions."""
    for review in reviews:
        connection.execute(delete(DECISION).where(DECISION.c.tenant == tenant, DECISION.c.review == review))
        connection.execute(delete(REVIEW).where(REVIEW.c.tenant == tenant, REVIEW.c.id == review))
        tell(connection, tenant, CHANGED, review)


@of_tenant
def claimed(connection: Connection, tenant: TenantId) -> set[str]:
    """What files may belong to: the ids of all reviews and of their uploads, and of uploads that may yet be opened. REVIEWS_MAX bounds them."""
    reviews = connection.execute(select(REVIEW.c.id, REVIEW.c.source).where(REVIEW.c.tenant == tenant)).all()
    waiting = connection.execute(select(UPLOAD.c.id).where(UPLOAD.c.tenant == tenant)).all()
    opened = {row.source.partition("-")[2] for row in reviews}
    return {row.id for row in reviews} | opened | {row.id for row in waiting}


@of_tenant
def decisions(connection: Connection, tenant: TenantId, review: str) -> list[DecisionRow]:
    """All of a review's, oldest first: DECISIONS_MAX bounds them."""
    c = DECISION.c
    query = select(DECISION).where(c.tenant == tenant, c.review == review).order_by(c.number)
    return [DecisionRow(**row) for row in marks.read(connection, tenant, query)]


@of_tenant
def add_decision(connection: Connection, tenant: TenantId, row: DecisionRow) -> None:
    """Raises Conflict where its number is taken, the review is gone, or it is being exported."""
    state = connection.execute(
        select(REVIEW.c.state).where(REVIEW.c.tenant == tenant, REVIEW.c.id == row.review).with_for_update()
    ).scalar_one_or_none()
    if state != "open" or not marks.add(connection, tenant, DECISION, _values(row), once=True):
        raise Conflict(MOVED)
    tell(connection, tenant, CHANGED, row.review)


def _values(row: UploadRow | ReviewRow | DecisionRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__slots__}
