"""Exports: the redacted document and its signed record, made by a job and fetched in parts. Nothing of a document is ever served as anything but a file to be saved."""

import asyncio
import base64
from functools import partial
from typing import Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import Field

from ostiary.actions import Action, Call, Effect, Recorded, Route
from ostiary.errors import Conflict, FourEyes, NotFound, Undecided
from ostiary.review import jobs, store
from ostiary.review.reviews import BUSY, Reviewed, Reviews, output_name, record_name
from ostiary.review.shown import DocumentNamed
from ostiary.shapes import Answer, own_action

EXPORT = "document.export"
PART_BYTES = 2 * 1024 * 1024
PARTS_MAX = 1_000


class Export(DocumentNamed):
    """`seen`: the version that was looked at; another one refuses it, so that nobody exports what they have not seen. 0 for a document without decisions."""

    seen: Annotated[int, Field(ge=0, le=1_000_000)]


class Exporting(Answer):
    """Look at the document: when its state is open again, there is an output, or a code that says why not."""

    document_id: str
    export: int


class Fetch(DocumentNamed):
    """`what`: the redacted document, or the record (a DSSE envelope, JSON). `part` counts from 0."""

    what: Literal["document", "record"] = "document"
    part: Annotated[int, Field(ge=0, le=PARTS_MAX)] = 0


class Part(Answer):
    """`content`: base64; put together in order, the parts are the file. `next` is null at the end."""

    name: str
    sha256: str
    content: str
    next: int | None


class Key(Answer):
    """The public key that verifies the records of this tenant, as PEM and as 32 bytes in base64."""

    pem: str
    key: str


def actions(reviews: Reviews) -> list[Action]:
    async def export(call: Call, asked: Export) -> Exporting:
        found = await reviews.whole(call.tenant, asked.document_id)
        row = found.row
        if row.state != "open":
            raise Conflict(BUSY)
        if asked.seen != found.version:
            raise Conflict(store.MOVED)
        _may_export(found, call.actor.id)
        number = row.exports + 1
        job = reviews.job(call, jobs.EXPORT, row.id, number)
        about = await reviews.sealed(call.tenant, row.id, {**found.about, "job": job.id})
        changes = {"state": "exporting", "code": "", "changed_us": call.at_us, "about": about}
        call.write(lambda c: store.begin_export(c, call.tenant, row, version=found.version, changes=changes))
        call.write(reviews.queue.add(job))
        return Exporting(document_id=row.id, export=number)

    async def fetch(call: Call, asked: Fetch) -> Part:
        row = await reviews.row(call.tenant, asked.document_id)
        made = reviews.about(call.tenant, row)["output"]
        if not made:
            raise NotFound
        record = asked.what == "record"
        file = (record_name if record else output_name)(row.id, row.exports)
        content = await asyncio.to_thread(reviews.get, call.tenant, file)
        start, end = asked.part * PART_BYTES, (asked.part + 1) * PART_BYTES
        if asked.part and start >= len(content):
            raise NotFound
        return Part(
            name=f"{made['name']}.record.json" if record else made["name"],
            sha256="" if record else made["sha256"],
            content=base64.b64encode(content[start:end]).decode(),
            next=asked.part + 1 if end < len(content) else None,
        )

    async def key(call: Call, _asked: DocumentNamed) -> Key:
        await reviews.row(call.tenant, _asked.document_id)
        raw = await asyncio.to_thread(reviews.vault.verifier, call.tenant)
        public = Ed25519PublicKey.from_public_bytes(raw)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return Key(pem=pem, key=base64.b64encode(raw).decode())

    one = "/v1/documents/{document_id}"
    look = partial(own_action, permission=EXPORT, recorded=Recorded.DURABLE, keeps_answer=False)
    return [
        own_action("document.export", "Export a reviewed document", "Redacts the document as it was decided, verifies the output, and signs the record. What nobody has decided goes.", Export,
                   Exporting, export, Route("POST", one + "/exports", 202), permission=EXPORT, effect=Effect.LOCAL, sentence="Export document {document_id}"),
        look("document.fetch", "Fetch an exported document", "A part of the redacted document, or of its signed record.", Fetch, Part, fetch, Route("GET", one + "/exports/{what}")),
        look("document.key", "Show the key of a document's record", "The public key by which `ostiary verify-redaction` checks the record.", DocumentNamed, Key, key, Route("GET", one + "/key")),
    ]  # fmt: skip


def _may_export(found: Reviewed, actor: str) -> None:
    """Raises Undecided, FourEyes: what was asked for when the document was opened."""
    if found.about["all_decided"] and any(mark.state == "proposed" for mark in found.marks.values()):
        raise Undecided
    if found.about["four_eyes"] and actor in {found.row.actor, *(each.by for each in found.decisions)}:
        raise FourEyes
