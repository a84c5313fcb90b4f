"""What can be asked of documents under review: tickets for uploads, opening, looking, removing. Decisions and exports stand in files of their own."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import orjson
from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, Call, Effect, Recorded, Route
from ostiary.clock import rfc3339
from ostiary.documents.reading import shown_apart
from ostiary.errors import Conflict, NotFound
from ostiary.ids import TenantId
from ostiary.privacy.plans.document import NAME
from ostiary.review import decide_actions, deciding, export_actions, filenames, intake, jobs, store
from ostiary.review.deciding import Mark
from ostiary.review.going import Going
from ostiary.review.paper import BYTES_MAX, LIMITS
from ostiary.review.reviews import FULL, REVIEWS_MAX, Reviewed, Reviews, page_name, source_name
from ostiary.review.shown import LONGEST, UNSEEN, DocumentNamed, FindingShown, finding_shown
from ostiary.review.store import ReviewRow, UploadRow
from ostiary.shapes import Answer, Empty, Nothing, Page, Params, own_action

REVIEW = "document.review"
PAGE_BYTES_MAX = 64 * 1024 * 1024
KINDS = jobs.KINDS


class UploadNamed(Params):
    upload_id: Annotated[str, Field(pattern=r"^upl_[0-9a-f]{32}$")]


class Ticket(Answer):
    """Send the file's bytes once by PUT to `/v1/document-uploads/{upload_id}`, with Content-Type application/octet-stream."""

    upload_id: str
    bytes_max: int
    expires_at: str


class Received(Answer):
    """How many bytes came, and their SHA-256, hexadecimal: `document.open` asks for it. Both are empty until they have come."""

    upload_id: str
    bytes: int = 0
    sha256: str = ""


class Open(Params):
    """`upload_id` and `sha256` (hexadecimal) of what was uploaded. `plan`: a redaction plan by name; empty: everything that the product knows is looked for, and replaced by its kind.
    `subject`: whom it is about, so that all dates of a person are moved alike; `language`, if known (ISO 639-1). `strict`: pages become pictures, without any text. `all_decided`: it
    cannot be exported while a finding waits for a decision. `four_eyes`: who opened it or decided in it does not export it."""

    upload_id: Annotated[str, Field(pattern=r"^upl_[0-9a-f]{32}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    name: Annotated[str, Field(min_length=1, max_length=500, json_schema_extra=UNSEEN)]
    plan: Annotated[str, Field(pattern=f"{NAME}|^$")] = ""
    language: Annotated[str, Field(pattern="^([a-z]{2})?$")] = ""
    subject: Annotated[str, Field(max_length=200, json_schema_extra=UNSEEN)] = ""
    strict: bool = False
    all_decided: bool = False
    four_eyes: bool = False


class Output(Answer):
    """The last export: `version` is up to which decision it goes."""

    name: str
    sha256: str
    bytes: int
    record_bytes: int
    version: int
    by: str
    at: str


class DocumentShown(Answer):
    """`state`: reading, open, failed (`code` says why; remove it), exporting. In state open, `code` is why the last export was refused, empty if it was not. `version`: how many decisions
    were made. `pages`: how many can be drawn."""

    id: str
    name: str
    state: str
    code: str
    plan: str
    language: str
    format: str
    bytes: int
    found: int
    pages: int
    strict: bool
    all_decided: bool
    four_eyes: bool
    opened_by: str
    opened_at: str
    changed_at: str
    output: Output | None


class DocumentsListed(Answer):
    documents: list[DocumentShown]
    next: str


class Leaf(DocumentNamed):
    """A document is shown in leaves (pages, or stretches of text), which count from 0."""

    leaf: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class PieceShown(Answer):
    """A piece of text in reading order. `kind`: visible, hidden, metadata or attachment."""

    number: int
    place: str
    kind: str
    text: str


class WordShown(Answer):
    """Where a stretch of a piece stands on a page: points (pixels of a picture) from the lower left corner."""

    piece: int
    start: int
    end: int
    page: int
    box: list[float]


class LeafShown(Answer):
    """`counts`: all findings of the document by category and state. `leaves`: for each leaf, how many findings wait for a decision. `page`: which one this leaf is, 0: none. `torn`:
    findings that are to stay though the same value goes elsewhere."""

    version: int
    leaf: int
    leaves: list[int]
    page: int
    pieces: list[PieceShown]
    words: list[WordShown]
    findings: list[FindingShown]
    counts: dict[str, dict[str, int]]
    carriers: dict[str, int]
    torn: list[str]


class PageNamed(DocumentNamed):
    page: Annotated[int, Field(ge=1, le=10_000)]


class Picture(Answer):
    """`png`: base64, `width` by `height` pixels from the upper left corner. `to_page`: six numbers a to f that take a pixel (x, y) to the point (a x + c y + e, b x + d y + f) of the boxes;
    `to_picture` is the way back."""

    png: str
    width: int
    height: int
    to_page: list[float]
    to_picture: list[float]


def actions(reviews: Reviews, going: Going) -> list[Action]:
    look = partial(own_action, permission=REVIEW, recorded=Recorded.DURABLE, keeps_answer=False)
    change = partial(own_action, permission=REVIEW, effect=Effect.LOCAL, keeps_answer=False)
    doings = _Documents(reviews)
    one = "/v1/documents/{document_id}"
    return [
        change("document.upload", "Ask for an upload", f"A ticket for one file of at most {BYTES_MAX // 1024 // 1024} MiB, good once and for ten minutes.", Empty, Ticket, doings.upload,
               Route("POST", "/v1/document-uploads", 201)),
        change("document.receive", "Use an upload", "Uses up a ticket; the file's bytes follow.", UploadNamed, Received, doings.receive,
               Route("PUT", "/v1/document-uploads/{upload_id}"), takes_bytes=True),
        change("document.open", "Open a document for review", "Reads what was uploaded and looks for what the plan asks for; people then decide about each finding.", Open, DocumentShown,
               doings.open, Route("POST", "/v1/documents", 202), sentence="Open document {upload_id} for review"),
        look("document.list", "List documents under review", "Documents, newest first.", Page, DocumentsListed, doings.listed, Route("GET", "/v1/documents")),
        look("document.show", "Show a document under review", "How a review stands.", DocumentNamed, DocumentShown, doings.show, Route("GET", one)),
        look("document.look", "Look at a leaf of a document", "Text and findings of one leaf, with who decided what and why it was found.", Leaf, LeafShown, doings.look,
             Route("GET", one + "/leaves/{leaf}")),
        look("document.page", "Draw a page of a document", "A page of a PDF or a picture, drawn apart.", PageNamed, Picture, doings.page, Route("GET", one + "/pages/{page}")),
        change("document.remove", "Remove a document", "The document, what was found and decided, and what was exported are removed.", DocumentNamed, Nothing, doings.remove,
               Route("DELETE", one), sentence="Remove document {document_id}"),
        *decide_actions.actions(reviews),
        *export_actions.actions(reviews),
        *jobs.actions(reviews, going),
    ]  # fmt: skip


class _Documents:
    def __init__(self, reviews: Reviews) -> None:
        self._reviews = reviews

    async def upload(self, call: Call, _asked: Params) -> Ticket:
        row = UploadRow(ids.new("upl"), call.actor.id, "waiting", intake.expires_us(call.at_us))
        call.write(lambda c: store.add_upload(c, call.tenant, row, most=intake.TICKETS_MAX, at_us=call.at_us))
        return Ticket(upload_id=row.id, bytes_max=BYTES_MAX, expires_at=rfc3339(row.expires_us))

    async def receive(self, call: Call, asked: UploadNamed) -> Received:
        await intake.used(self._reviews, call.tenant, asked.upload_id, call.actor.id)
        call.write(
            lambda c: store.move_upload(c, call.tenant, asked.upload_id, expected="waiting", state="used")
        )
        return Received(upload_id=asked.upload_id)

    async def open(self, call: Call, asked: Open) -> DocumentShown:
        reviews, tenant = self._reviews, call.tenant
        ticket = await intake.used(reviews, tenant, asked.upload_id, call.actor.id, kept_s=intake.KEPT_S)
        stored = await asyncio.to_thread(reviews.blobs.find, tenant, source_name(ticket.id))
        if ticket.state != "used" or stored is None:
            raise Conflict("Nothing was uploaded with this ticket.")
        size = await asyncio.to_thread(self._checked, tenant, ticket.id, asked.sha256)
        await reviews.plan(tenant, asked.plan)
        if await reviews.database.run(lambda c: store.count_reviews(c, tenant)) >= REVIEWS_MAX:
            raise Conflict(FULL)
        name = filenames.plain(asked.name)
        about = {
            "name": name, "ending": filenames.ending(name), "sha256": asked.sha256, "bytes": size, "language": asked.language, "subject": asked.subject,
            "strict": asked.strict, "all_decided": asked.all_decided, "four_eyes": asked.four_eyes, "format": "", "pages": 0, "found": 0, "output": None,
        }  # fmt: skip
        review = ids.new("rev")
        job = reviews.job(call, jobs.READ, review)
        about["job"] = job.id
        sealed = await reviews.sealed(tenant, review, about)
        row = ReviewRow(review, call.actor.id, source_name(ticket.id), asked.plan, "reading", "", 0, call.at_us, call.at_us, sealed)  # fmt: skip
        call.write(lambda c: store.move_upload(c, tenant, ticket.id, expected="used", state="opened"))
        call.write(lambda c: store.add_review(c, tenant, row))
        call.write(reviews.queue.add(job))
        return shown(row, about)

    def _checked(self, tenant: Any, upload: str, sha256: str) -> int:
        """The size of what was uploaded. Raises Conflict where it is not what its sender says it is."""
        content = self._reviews.get(tenant, source_name(upload))
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Conflict("What was uploaded has another SHA-256.")
        return len(content)

    async def listed(self, call: Call, asked: Page) -> DocumentsListed:
        rows = await self._reviews.database.run(
            lambda c: store.list_reviews(c, call.tenant, before=asked.cursor, limit=asked.limit + 1)
        )
        more = rows[asked.limit - 1].id if len(rows) > asked.limit else ""
        documents: list[DocumentShown] = []
        for each in rows[: asked.limit]:
            with suppress(NotFound):
                row = await self._reviews.standing(call.tenant, each)
                documents.append(shown(row, self._reviews.about(call.tenant, row)))
        return DocumentsListed(documents=documents, next=more)

    async def show(self, call: Call, asked: DocumentNamed) -> DocumentShown:
        row = await self._reviews.row(call.tenant, asked.document_id)
        return shown(row, self._reviews.about(call.tenant, row))

    async def look(self, call: Call, asked: Leaf) -> LeafShown:
        found = await self._reviews.whole(call.tenant, asked.document_id)
        if asked.leaf >= len(found.paper.leaves):
            raise NotFound
        return await asyncio.to_thread(_leaf, found, asked.leaf)

    async def page(self, call: Call, asked: PageNamed) -> Picture:
        reviews, tenant = self._reviews, call.tenant
        row = await reviews.row(tenant, asked.document_id)
        about = reviews.about(tenant, row)
        if row.state in ("reading", "failed") or asked.page > about["pages"]:
            raise NotFound
        name = page_name(row.id, asked.page)
        try:
            kept = await asyncio.to_thread(reviews.get, tenant, name)
        except NotFound:
            kept = await reviews.plans.apart(tenant, self._drawn, tenant, row, about, asked.page)
        return Picture(**orjson.loads(kept))

    def _drawn(self, tenant: TenantId, row: ReviewRow, about: Mapping[str, Any], page: int) -> bytes:
        """A page, drawn apart and kept: it is looked at again and again."""
        drawn = shown_apart(self._reviews.get(tenant, row.source), f"x.{about['ending']}", page, LIMITS)
        said = {"png": base64.b64encode(drawn.png).decode(), "width": drawn.width, "height": drawn.height,
                "to_page": drawn.to_page, "to_picture": _inverse(drawn.to_page)}  # fmt: skip
        made = orjson.dumps(said)
        self._reviews.put(tenant, page_name(row.id, page), made, bytes_max=PAGE_BYTES_MAX)
        return made

    async def remove(self, call: Call, asked: DocumentNamed) -> Nothing:
        reviews, tenant = self._reviews, call.tenant
        row = await reviews.row(tenant, asked.document_id)
        pages = int(reviews.about(tenant, row)["pages"])
        await asyncio.to_thread(reviews.forget, tenant, row, pages)
        call.write(lambda c: store.remove_reviews(c, tenant, [row.id]))
        return Nothing()


def shown(row: ReviewRow, about: dict[str, Any]) -> DocumentShown:
    made = about["output"]
    output = Output(
        name=made["name"], sha256=made["sha256"], bytes=made["size"], record_bytes=made["record_size"], version=made["version"], by=made["by"],
        at=rfc3339(made["at_us"]),
    ) if made else None  # fmt: skip
    return DocumentShown(
        id=row.id, name=about["name"], state=row.state, code=row.code, plan=row.plan, language=about["language"], format=about["format"], bytes=about["bytes"],
        found=about["found"], pages=about["pages"], strict=about["strict"], all_decided=about["all_decided"],
        four_eyes=about["four_eyes"], opened_by=row.actor, opened_at=rfc3339(row.created_us), changed_at=rfc3339(row.changed_us), output=output,
    )  # fmt: skip


def _leaf(found: Reviewed, at: int) -> LeafShown:
    paper, marks = found.paper, found.marks
    numbers = paper.leaves[at]
    waiting = [0] * len(paper.leaves)
    counts: dict[str, dict[str, int]] = {}
    here: list[Mark] = []
    for mark in marks.values():
        leaf = leaf_of(found, mark)
        waiting[leaf] += mark.state == "proposed"
        own = counts.setdefault(mark.category, {"proposed": 0, "accepted": 0, "rejected": 0})
        own[mark.state] += 1
        if leaf == at:
            here.append(mark)
    here.sort(key=lambda each: (each.area is None, each.piece, each.start))
    words = [
        WordShown(piece=number, start=word[0], end=word[1], page=word[2], box=list(word[3:]))
        for number in numbers
        for word in paper.parts[number].words
    ]
    return LeafShown(
        version=found.version, leaf=at, leaves=waiting, page=at + 1 if at < paper.pages else 0, words=words[:LONGEST], counts=dict(sorted(counts.items())), carriers=dict(paper.carriers),
        pieces=[PieceShown(number=each, place=paper.parts[each].place, kind=paper.parts[each].kind, text=paper.parts[each].text) for each in numbers if paper.parts],
        findings=[finding_shown(found, mark) for mark in here], torn=sorted(deciding.torn(marks)),
    )  # fmt: skip


def leaf_of(found: Reviewed, mark: Mark) -> int:
    """The leaf on which a finding is shown."""
    return found.paper.leaf_of[mark.piece] if mark.area is None else mark.area[0] - 1


def _inverse(way: Sequence[float]) -> list[float]:
    """The way back of an affine map."""
    a, b, c, d, e, f = way
    size = a * d - b * c
    return [d / size, -b / size, -c / size, a / size, (c * f - d * e) / size, (b * e - a * f) / size]
