"""What can be asked of a log: find, show and open events, prove them, take a checkpoint, export, verify."""

import base64
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, JsonValue, Recorded, Risk, Route
from ostiary.audit import reading, store
from ostiary.audit._c2sp_note import NOTE_CHARACTERS_MAX
from ostiary.audit.event import Decision, unpack
from ostiary.audit.log import Audit
from ostiary.audit.store import EventRow, Facets
from ostiary.clock import rfc3339
from ostiary.errors import Conflict, Fault, InvalidParameters
from ostiary.ids import SubjectId, TenantId
from ostiary.shapes import Answer, Empty, Page, Params, own_action

INSTANT_US_MAX = 253_402_300_799_000_000
SIZE_MAX = 2**53 - 1

EventId = Annotated[str, Field(max_length=64, pattern=r"^[!-~]+$", description="An event's id, evt_...")]
Size = Annotated[int, Field(ge=0, le=SIZE_MAX)]
Instant = Annotated[int, Field(ge=0, le=INSTANT_US_MAX, description="Microseconds since 1970, UTC")]
Facet = Annotated[str, Field(max_length=200, pattern=r"^[ -~]*$")]


class Search(Page):
    """Facets narrow together; an empty one does not narrow. `action` may end in `.*`; `subject` and `actor` are ids, or pseudonyms as events show them."""

    actor: Facet = ""
    action: Facet = ""
    decision: Decision | None = None
    subject: Facet = ""
    call: Facet = ""
    code: Facet = ""
    since_us: Instant | None = None
    until_us: Instant | None = None


class OneEvent(Params):
    event_id: EventId


class OneProof(OneEvent):
    """`size` is that of a checkpoint you keep; 0 is the log as it stands."""

    size: Size = 0


class TwoSizes(Params):
    """The sizes of two checkpoints; `second` 0 is the log as it stands."""

    first: Annotated[int, Field(ge=1, le=SIZE_MAX)]
    second: Size = 0


class ExportPage(Params):
    """Events from `start` on, before `end` (0: the log as it stands). The answer says where to go on."""

    start: Size = 0
    end: Size = 0
    limit: Annotated[int, Field(ge=1, le=reading.EXPORT_ROWS_MAX)] = reading.EXPORT_ROWS_MAX


class Verify(Params):
    """`checkpoint` is a signed note that you kept; without one, completeness is not proven."""

    checkpoint: Annotated[str, Field(max_length=NOTE_CHARACTERS_MAX)] = ""


class SealedPart(Answer):
    """That an event has content about one subject (a pseudonym), and the SHA-256 of the sealed bytes."""

    subject: str
    sha256: str


class EventView(Answer):
    """An event's public envelope, with its place in the log (`index`)."""

    index: int
    id: str
    at: str
    at_us: int
    action: str
    decision: Decision
    actor_kind: str
    actor_id: str
    face: str
    call: str
    code: str = ""
    contract: str = ""
    approval: str = ""
    risk: str = ""
    surface: str = ""
    duration_us: int = 0
    behalf: str = ""
    address: str = ""
    digest: str = ""
    counts: dict[str, int] = Field(default_factory=dict)
    sealed: list[SealedPart] = Field(default_factory=list)


class Events(Answer):
    events: list[EventView]
    next: str


class OneView(Answer):
    event: EventView


class OpenedPart(Answer):
    """`state`: opened, gone (the subject's key was destroyed) or changed (it is not what was recorded)."""

    subject: str
    state: str
    content: JsonValue


class OpenedEvent(Answer):
    event: EventView
    parts: list[OpenedPart]


class Proof(Answer):
    """RFC 9162 inclusion proof: `leaf` is SHA-256 of a zero byte and `envelope`; hashes are hex. `checkpoint` is empty for an older size."""

    index: int
    size: int
    leaf: str
    root: str
    hashes: list[str]
    envelope: str
    checkpoint: str
    key: str


class ConsistencyProof(Answer):
    """RFC 9162 consistency proof; hashes are hex. `checkpoint` is empty where `second` is not the log as it stands."""

    first: int
    second: int
    first_root: str
    second_root: str
    hashes: list[str]
    checkpoint: str
    key: str


class SignedCheckpoint(Answer):
    """Keep `checkpoint` (a C2SP signed note) outside, with `key`: it proves later that nothing up to `size` was changed or removed."""

    log: str
    size: int
    root: str
    at: str
    checkpoint: str
    key: str


class ExportEntry(Answer):
    """`leaf` (hex) stands for an event whose body retention has dropped; `event` and `sealed` are empty then."""

    event: dict[str, JsonValue]
    index: int
    sealed: list[str]
    leaf: str = ""


class ExportedPage(Answer):
    """`sealed` is base64. `next` is where the next page starts; null at the end."""

    entries: list[ExportEntry]
    next: int | None


class Verdict(Answer):
    """`ok`: nothing is wrong; `complete`: your checkpoint proves that nothing is missing up to `checkpoint_size`. `dropped`: how many bodies
    retention has dropped; their leaf hashes were counted."""

    ok: bool
    complete: bool
    verdict: str
    log: str
    size: int
    root: str
    checkpoint_size: int
    faults: list[str]
    dropped: int = 0


def actions(audit: Audit) -> list[Action]:
    """The actions of this room."""
    counting: set[TenantId] = set()

    async def search(call: Call, asked: Search) -> Events:
        facets, before = _facets(audit, call.tenant, asked), _cursor(asked.cursor)
        rows = await audit.database.run(
            lambda connection: store.search(
                connection, call.tenant, facets, before=before, limit=asked.limit + 1
            )
        )
        more = str(rows[asked.limit - 1].number) if len(rows) > asked.limit else ""
        return Events(events=[view(row) for row in rows[: asked.limit]], next=more)

    async def show(call: Call, asked: OneEvent) -> OneView:
        row = await audit.database.run(lambda c: reading.whole(c, call.tenant, asked.event_id))
        return OneView(event=view(row))

    async def reveal(call: Call, asked: OneEvent) -> OpenedEvent:
        def look(connection: Any) -> tuple[EventRow, list[reading.Opened]]:
            row = reading.whole(connection, call.tenant, asked.event_id)
            return row, reading.opened(audit, call.tenant, row)

        row, parts = await audit.database.run(look)
        shown = [OpenedPart(subject=part.subject, state=part.state, content=part.content) for part in parts]
        return OpenedEvent(event=view(row), parts=shown)

    async def proof(call: Call, asked: OneProof) -> Proof:
        found = await audit.database.run(
            lambda c: reading.inclusion(audit, c, call.tenant, asked.event_id, asked.size)
        )
        return Proof(
            index=found.row.number,
            size=found.size,
            leaf=found.leaf.hex(),
            root=found.root.hex(),
            hashes=[step.hex() for step in found.hashes],
            envelope=found.row.envelope.decode(),
            checkpoint=found.checkpoint,
            key=audit.verifier(call.tenant).text(),
        )

    async def consistency(call: Call, asked: TwoSizes) -> ConsistencyProof:
        found = await audit.database.run(
            lambda c: reading.consistency(audit, c, call.tenant, first=asked.first, second=asked.second)
        )
        return ConsistencyProof(
            first=found.first,
            second=found.second,
            first_root=found.first_root.hex(),
            second_root=found.second_root.hex(),
            hashes=[step.hex() for step in found.hashes],
            checkpoint=found.checkpoint,
            key=audit.verifier(call.tenant).text(),
        )

    async def checkpoint(call: Call, _asked: Empty) -> SignedCheckpoint:
        now = await audit.database.run(lambda c: reading.standing(audit, c, call.tenant))
        key = audit.verifier(call.tenant)
        return SignedCheckpoint(
            log=key.name,
            size=now.size,
            root=now.root.hex(),
            at=rfc3339(now.at_us),
            checkpoint=now.checkpoint,
            key=key.text(),
        )

    async def export(call: Call, asked: ExportPage) -> ExportedPage:
        def look(connection: Any) -> tuple[list[ExportEntry], int]:
            size = reading.standing(audit, connection, call.tenant).size
            end = min(asked.end or size, size)
            rows = reading.page(connection, call.tenant, start=asked.start, end=end, limit=asked.limit)
            return [_entry(connection, call.tenant, row) for row in rows], end

        entries, end = await audit.database.run(look)
        after = entries[-1].index + 1 if entries else end
        return ExportedPage(entries=entries, next=after if after < end else None)

    async def verify(call: Call, asked: Verify) -> Verdict:
        if call.tenant in counting:
            raise Conflict("this log is being verified already")
        counting.add(call.tenant)
        try:
            report = await reading.recount(audit, call.tenant, asked.checkpoint)
        finally:
            counting.discard(call.tenant)
        return Verdict(
            ok=report.ok,
            complete=report.complete,
            verdict=report.verdict,
            log=report.log,
            size=report.size,
            root=report.root,
            checkpoint_size=report.checkpoint_size,
            faults=list(report.faults),
            dropped=report.dropped,
        )

    events = "/v1/audit/events"
    look = partial(
        own_action, permission="audit.read", subject_of=_searched_for, hash="1",
        keeps_answer=False,  # what was revealed of a subject is not kept again, under the key of who looked
    )  # fmt: skip
    one = f"{events}/{{event_id}}"
    return [
        look("audit.search", "Search the log", "Events, the newest first, narrowed by facets.", Search, Events, search, Route("GET", events)),
        look("audit.show", "Show an event", "One event's public envelope.", OneEvent, OneView, show, Route("GET", one)),
        look("audit.reveal", "Open an event's details", "The sealed content of an event. That it was opened is recorded.",
             OneEvent, OpenedEvent, reveal, Route("POST", one + "/reveal"), permission="audit.reveal", risk=Risk.MEDIUM, recorded=Recorded.DURABLE),
        look("audit.proof", "Prove an event", "The inclusion proof of an event in the log as it stands, or as it stood at a size.",
             OneProof, Proof, proof, Route("GET", one + "/proof")),
        look("audit.consistency", "Prove that the log only grew", "The consistency proof between two sizes of the log.",
             TwoSizes, ConsistencyProof, consistency, Route("GET", "/v1/audit/consistency")),
        look("audit.checkpoint", "Take a checkpoint", "The log's signed checkpoint as it stands. Keep it outside.",
             Empty, SignedCheckpoint, checkpoint, Route("GET", "/v1/audit/checkpoint")),
        look("audit.export", "Export the log", "A page of events with their sealed parts, in the log's order.",
             ExportPage, ExportedPage, export, Route("GET", "/v1/audit/entries"), permission="audit.export", recorded=Recorded.DURABLE),
        look("audit.verify", "Verify the log", "Counts the whole log anew and compares it with its checkpoint, and with one that you kept.",
             Verify, Verdict, verify, Route("POST", "/v1/audit/verify"), recorded=Recorded.DURABLE),
    ]  # fmt: skip


def _searched_for(params: Mapping[str, JsonValue]) -> tuple[SubjectId, ...]:
    """Who was looked for is not left in the record of the search."""
    return (SubjectId(str(params["subject"])),) if params.get("subject") else ()


def view(row: EventRow) -> EventView:
    """An event as it is shown."""
    envelope = orjson.loads(row.envelope)
    sealed = [SealedPart(**part) for part in envelope.pop("sealed", [])]
    decision = Decision(envelope.pop("decision"))
    del envelope["v"], envelope["tenant"]
    at = rfc3339(envelope["at_us"])
    return EventView(index=row.number, at=at, decision=decision, sealed=sealed, **envelope)


def _entry(connection: Connection, tenant: TenantId, row: EventRow) -> ExportEntry:
    if not row.envelope:
        leaf = reading.leaf(connection, tenant, row).hex()
        return ExportEntry(event={}, index=row.number, sealed=[], leaf=leaf)
    sealed = [base64.b64encode(blob).decode() for blob in unpack(row.parts)]
    return ExportEntry(event=orjson.loads(row.envelope), index=row.number, sealed=sealed)


def _facets(audit: Audit, tenant: TenantId, asked: Search) -> Facets:
    return Facets(
        actors=_names(audit, tenant, asked.actor),
        action=asked.action,
        decision=asked.decision.value if asked.decision else "",
        subjects=_names(audit, tenant, asked.subject),
        call=asked.call,
        code=asked.code,
        since_us=asked.since_us,
        until_us=asked.until_us,
    )


def _names(audit: Audit, tenant: TenantId, given: str) -> tuple[str, ...]:
    """An id as it is, and its pseudonym, which is how customers and subjects stand in envelopes."""
    return (given, audit.vault.pseudonym(tenant, given)) if given else ()


def _cursor(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidParameters(faults=(Fault("/cursor", "give back the answer's `next`"),))
    return int(text)
