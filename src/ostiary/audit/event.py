"""What is recorded: an event, its public envelope, and the sealed parts that the envelope commits to.

The envelope is canonical JSON: sorted ASCII keys, no spaces, no floats, empty fields left out. It never holds content. A part is content about one
subject, sealed under that subject's key; the envelope holds the SHA-256 of the sealed bytes, which say nothing without the key.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from ostiary import ids
from ostiary.actions import ActorKind, JsonValue, Write
from ostiary.audit.large import INLINE_BYTES_MAX, Large
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

VERSION = 1
PURPOSE = "audit"
PART_BYTES_MAX = 1 << 20
NAME_CHARACTERS_MAX = 200
ID_CHARACTERS_MAX = 64
_LENGTH_BYTES = 4


class Decision(StrEnum):
    """What became of a call, or of a step of it. agreed: one yes of several that it wants. previewed: a dry run; nothing was done."""

    RAN = "ran"
    INTENDED = "intended"
    HELD = "held"
    AGREED = "agreed"
    APPROVED = "approved"
    REJECTED = "rejected"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    REPEATED = "repeated"
    PREVIEWED = "previewed"
    EXPIRED = "expired"
    OPENED = "opened"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Part:
    """Content about one subject. An empty subject means the actor. A large one becomes a sealed file (`audit.large`); without a place
    for files, more than `PART_BYTES_MAX` is kept as its size and SHA-256 only."""

    subject: SubjectId
    content: JsonValue


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `behalf` and `address` are pseudonyms already; `counts` are numbers by category (`masked.email`).

    `id` is made when it is empty. `digest` is the SHA-256 (hex) of a document that this event vouches for. Everything but `parts` is public: closed words, ids and numbers, never a person's data.
    """

    tenant: TenantId
    action: str
    decision: Decision
    actor_kind: str
    actor_id: str
    face: str
    call: str
    at_us: int
    id: str = ""
    code: str = ""
    contract: str = ""
    approval: str = ""
    risk: str = ""
    surface: str = ""
    duration_us: int = 0
    behalf: str = ""
    address: str = ""
    digest: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What commits together: events, and the rows that they tell of."""

    events: tuple[Event, ...]
    writes: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event as it is kept: the canonical envelope, the sealed parts in the envelope's order, and the subjects (pseudonyms) beside the actor."""

    id: str
    event: Event
    actor_id: str
    envelope: bytes
    blobs: tuple[bytes, ...]
    subjects: tuple[str, ...]


def subjects_of(event: Event) -> tuple[SubjectId, ...]:
    """Whose keys seal this event's parts."""
    return tuple(part.subject or SubjectId(event.actor_id) for part in event.parts)


def seal(
    event: Event, vault: Vault, pseudonym: Callable[[TenantId, str], str], large: Large | None = None
) -> SealedEvent:
    """The event as it is kept; `pseudonym` is the vault's, `large` takes what no row should hold. Raises BlobsUnavailable, KeysUnavailable; ValueError for public fields that are not plain."""
    event_id = event.id or ids.new("evt")
    blobs: list[bytes] = []
    commitments: list[dict[str, str]] = []
    others: list[str] = []
    for number, part in enumerate(event.parts):
        subject = part.subject or SubjectId(event.actor_id)
        content = _plain(part.content)
        if len(content) > INLINE_BYTES_MAX:
            name = f"{event_id}-{number}"
            content = large.put(event.tenant, name, content, subject) if large else _cut(content)
        blob = vault.seal(place(event.tenant, event_id, number), content, purpose=PURPOSE, subject=subject)
        named = pseudonym(event.tenant, subject)
        blobs.append(blob)
        commitments.append({"sha256": hashlib.sha256(blob).hexdigest(), "subject": named})
        if subject != event.actor_id:
            others.append(named)
    actor_id = event.actor_id
    if event.actor_kind == ActorKind.CUSTOMER:  # a customer's id is the tenant's own number for a person
        actor_id = pseudonym(event.tenant, actor_id)
    envelope = orjson.dumps(_envelope(event, event_id, actor_id, commitments))
    _check_clear(event, actor_id, envelope)
    return SealedEvent(event_id, event, actor_id, envelope, tuple(blobs), tuple(dict.fromkeys(others)))


def _envelope(
    event: Event, event_id: str, actor_id: str, commitments: list[dict[str, str]]
) -> dict[str, JsonValue]:
    """Keys in ASCII order: the envelope is canonical because this is."""
    made: dict[str, Any] = {"action": event.action, "actor_id": actor_id, "actor_kind": event.actor_kind}
    if event.address:
        made["address"] = event.address
    if event.approval:
        made["approval"] = event.approval
    made["at_us"] = event.at_us
    if event.behalf:
        made["behalf"] = event.behalf
    made["call"] = event.call
    if event.code:
        made["code"] = event.code
    if event.contract:
        made["contract"] = event.contract
    if event.counts:
        made["counts"] = dict(sorted(event.counts.items()))
    made["decision"] = event.decision
    if event.digest:
        made["digest"] = event.digest
    if event.duration_us:
        made["duration_us"] = event.duration_us
    made["face"] = event.face
    made["id"] = event_id
    if event.risk:
        made["risk"] = event.risk
    if commitments:
        made["sealed"] = commitments
    if event.surface:
        made["surface"] = event.surface
    made["tenant"] = event.tenant
    made["v"] = VERSION
    return made


def _check_clear(event: Event, actor_id: str, envelope: bytes) -> None:
    """What is kept in the clear is short printable ASCII without quotes: ids and closed words, whatever a stranger sent."""
    if not envelope.isascii() or b"\\" in envelope:
        raise ValueError("an event's public fields are ids and closed words in plain ASCII")
    if (
        len(event.action) > NAME_CHARACTERS_MAX
        or max(map(len, (event.call, event.code, actor_id))) > ID_CHARACTERS_MAX
    ):
        raise ValueError("an event's public field is too long")


def _cut(plaintext: bytes) -> bytes:
    if len(plaintext) <= PART_BYTES_MAX:
        return plaintext
    cut = {"bytes": len(plaintext), "cut": True, "sha256": hashlib.sha256(plaintext).hexdigest()}
    return orjson.dumps(cut)


def _plain(content: JsonValue) -> bytes:
    """JSON. What a stranger sent may be none that we write (half a surrogate pair, a number of a thousand digits): evidence is kept as text then."""
    try:
        return orjson.dumps(content)
    except orjson.JSONEncodeError:
        try:
            return orjson.dumps({"unusual": json.dumps(content, default=str)})
        except (ValueError, RecursionError):
            return orjson.dumps({"unusual": ""})


def place(tenant: TenantId, event_id: str, number: int) -> Place:
    """Where part `number` of an event is bound to: it opens nowhere else."""
    return Place(tenant, "audit_event", "parts", f"{event_id}/{number}")


def open_part(vault: Vault, tenant: TenantId, event_id: str, number: int, blob: bytes) -> JsonValue:
    """The content of one part. Raises SealBroken when its key is gone or it is not from there; KeysUnavailable."""
    return orjson.loads(vault.open(place(tenant, event_id, number), blob))


def pack(blobs: tuple[bytes, ...]) -> bytes:
    """Blobs in one column: each with its length before it (4 bytes, big endian)."""
    return b"".join(len(blob).to_bytes(_LENGTH_BYTES, "big") + blob for blob in blobs)


def unpack(packed: bytes) -> tuple[bytes, ...]:
    """The reverse of `pack`. Raises ValueError on anything else."""
    blobs: list[bytes] = []
    at = 0
    while at < len(packed):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(packed[at:begin], "big")
        if at > len(packed):
            raise ValueError("the packed parts are cut short")
        blobs.append(packed[begin:at])
    return tuple(blobs)
