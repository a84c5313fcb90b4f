"""What is read from a log: the checkpoint as it stands, proofs, pages of events, opened parts, and the whole counted anew."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from ostiary.actions import JsonValue
from ostiary.audit import _rfc6962, store, tiles
from ostiary.audit._c2sp_note import Checkpoint, NoteInvalid, VerifierKey, sign, verify
from ostiary.audit._c2sp_tlog_tiles import TilePath
from ostiary.audit._c2sp_tlog_tiles import bundle as write_bundle
from ostiary.audit._rfc6962 import Read
from ostiary.audit.event import open_part, unpack
from ostiary.audit.log import Audit, tile_reader
from ostiary.audit.store import EventRow
from ostiary.audit.tiles import read_node
from ostiary.audit.verify import Broken, Recount, Report
from ostiary.errors import BodyDropped, Fault, InvalidParameters, LogInconsistent, NotFound, SealBroken
from ostiary.ids import TenantId

EXPORT_BYTES_MAX = 4 << 20
EXPORT_ROWS_MAX = 500
CHUNK_ROWS = 50
COUNT_ROWS = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """A log as it stands."""

    size: int
    root: bytes
    checkpoint: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That one event is at its place in the tree of `size` events. `checkpoint` is empty where the log has grown beyond that size."""

    row: EventRow
    leaf: bytes
    size: int
    root: bytes
    hashes: list[bytes]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """That the tree of `second` events begins with the tree of `first`."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    hashes: list[bytes]
    checkpoint: str


def standing(audit: Audit, connection: Connection, tenant: TenantId) -> Standing:
    """The head and its signed checkpoint; an empty log's checkpoint is signed on demand. Raises KeysUnavailable."""
    head = store.head(connection, tenant)
    if head is not None:
        return Standing(head.size, head.root, head.checkpoint, head.at_us)
    empty = Checkpoint(audit.log_name(tenant), 0, _rfc6962.EMPTY)
    return Standing(0, _rfc6962.EMPTY, sign(empty, audit.vault.signer(tenant), audit.verifier(tenant)), 0)


def event(connection: Connection, tenant: TenantId, event_id: str) -> EventRow:
    """One event. Raises NotFound."""
    row = store.find(connection, tenant, event_id)
    if row is None:
        raise NotFound
    return row


def whole(connection: Connection, tenant: TenantId, event_id: str) -> EventRow:
    """One event whose body stands. Raises NotFound; BodyDropped where retention has dropped it: its proofs go on."""
    row = event(connection, tenant, event_id)
    if not row.envelope:
        raise BodyDropped
    return row


def leaf(connection: Connection, tenant: TenantId, row: EventRow) -> bytes:
    """The event's leaf hash: of its envelope, or, where that was dropped, as the tree has it."""
    if row.envelope:
        return _rfc6962.leaf_hash(row.envelope)
    return _reader(connection, tenant)(0, row.number)


def as_recorded(
    connection: Connection, tenant: TenantId, envelopes: Iterable[tuple[int, bytes]]
) -> frozenset[int]:
    """At which of these places the envelope is the one that the tree has there, to the byte: what a row's other columns say is nobody's word."""
    read = _reader(connection, tenant)

    def holds(number: int, envelope: bytes) -> bool:
        try:
            return read(0, number) == _rfc6962.leaf_hash(envelope)
        except KeyError:
            return False

    return frozenset(number for number, envelope in envelopes if holds(number, envelope))


def inclusion(audit: Audit, connection: Connection, tenant: TenantId, event_id: str, size: int) -> Inclusion:
    """The proof of one event in the tree of `size` events, 0 for the log as it stands. Raises NotFound, InvalidParameters."""
    row = event(connection, tenant, event_id)
    now = standing(audit, connection, tenant)
    size = size or now.size
    if not row.number < size <= now.size:
        raise _misfit("size", f"the event is in trees of {row.number + 1} to {now.size} events")
    read = _reader(connection, tenant)
    return Inclusion(
        row=row,
        leaf=leaf(connection, tenant, row),
        size=size,
        root=_rfc6962.root_of(_rfc6962.frontier(size, read)),
        hashes=_rfc6962.inclusion_proof(row.number, size, read),
        checkpoint=now.checkpoint if size == now.size else "",
    )


def consistency(
    audit: Audit, connection: Connection, tenant: TenantId, *, first: int, second: int
) -> Consistency:
    """The proof between two sizes, `second` 0 for the log as it stands. Raises InvalidParameters."""
    now = standing(audit, connection, tenant)
    second = second or now.size
    if second > now.size:
        raise _misfit("second", f"the log has {now.size} events")
    if first > second:
        raise _misfit("first", f"the second tree has {second} events")
    read = _reader(connection, tenant)
    return Consistency(
        first=first,
        second=second,
        first_root=_rfc6962.root_of(_rfc6962.frontier(first, read)),
        second_root=_rfc6962.root_of(_rfc6962.frontier(second, read)),
        hashes=_rfc6962.consistency_proof(first, second, read),
        checkpoint=now.checkpoint if second == now.size else "",
    )


def consistency_proof(connection: Connection, tenant: TenantId, first: int, second: int) -> list[bytes]:
    """The proof from the tree of `first` events (none for 0) to that of `second`. Raises ValueError, KeyError where a tile is not there."""
    return _rfc6962.consistency_proof(first, second, _reader(connection, tenant)) if first else []


def tile(connection: Connection, tenant: TenantId, path: TilePath, size: int) -> bytes:
    """The hashes of a tile in the tree of `size` events. Raises NotFound where that tree has no such tile, or none so wide."""
    level = path.level or 0
    if (size >> (tiles.HEIGHT * level)) < path.number * tiles.WIDTH + path.width:
        raise NotFound
    found = store.tile(connection, tenant, level, path.number) or b""
    hashes = found[: path.width * _rfc6962.HASH_BYTES]
    if len(hashes) != path.width * _rfc6962.HASH_BYTES:
        raise LogInconsistent
    return hashes


def bundle(connection: Connection, tenant: TenantId, path: TilePath, size: int) -> bytes:
    """The events under a tile of level 0, as C2SP writes them. Raises NotFound, and BodyDropped where one of them has no body any more."""
    start = path.number * tiles.WIDTH
    if size < start + path.width:
        raise NotFound
    rows = store.events(connection, tenant, start, start + path.width)
    if len(rows) != path.width:
        raise LogInconsistent
    if not all(row.envelope for row in rows):
        raise BodyDropped
    return write_bundle(row.envelope for row in rows)


def page(connection: Connection, tenant: TenantId, *, start: int, end: int, limit: int) -> list[EventRow]:
    """Events from `start` on, before `end`: at most `limit`, and about EXPORT_BYTES_MAX (one event at least)."""
    rows: list[EventRow] = []
    end = min(end, start + min(limit, EXPORT_ROWS_MAX))
    size = 0
    while start < end and size < EXPORT_BYTES_MAX:
        chunk = store.events(connection, tenant, start, min(start + CHUNK_ROWS, end))
        for row in chunk:
            rows.append(row)
            size += len(row.envelope) + len(row.parts)
            if size >= EXPORT_BYTES_MAX:
                break
        if len(chunk) < CHUNK_ROWS:
            break
        start += CHUNK_ROWS
    return rows


@dataclass(frozen=True, slots=True)
class Opened:
    """One part of an event: its content, or why there is none (`gone`: its key was destroyed; `changed`: it is not what was recorded)."""

    subject: str
    state: str
    content: JsonValue


def opened(audit: Audit, tenant: TenantId, row: EventRow) -> list[Opened]:
    """An event's sealed parts, opened. Raises KeysUnavailable when the keys cannot be had at all."""
    stated = orjson.loads(row.envelope).get("sealed", [])
    found = []
    for number, (part, blob) in enumerate(zip(stated, unpack(row.parts), strict=True)):
        found.append(_opened(audit, tenant, row.id, number, part, blob))
    return found


def _opened(
    audit: Audit, tenant: TenantId, event_id: str, number: int, part: dict[str, str], blob: bytes
) -> Opened:
    if hashlib.sha256(blob).hexdigest() != part["sha256"]:
        return Opened(part["subject"], "changed", None)
    try:
        content = open_part(audit.vault, tenant, event_id, number, blob)
        return Opened(
            part["subject"], "opened", audit.large.fetch(tenant, content) if audit.large else content
        )
    except (SealBroken, NotFound):
        return Opened(part["subject"], "gone", None)


async def recount(audit: Audit, tenant: TenantId, outside_note: str = "") -> Report:
    """The whole log counted anew from its events, against its own checkpoint and one from outside, off the event loop and a chunk at a time."""
    now = await audit.database.run(lambda connection: standing(audit, connection, tenant))
    key = audit.verifier(tenant)
    counted = Recount()
    try:
        counted = Recount(_outside(outside_note, key))
        while counted.size < now.size:
            await audit.database.run(lambda connection: _count(connection, tenant, counted, now.size))
        signed = verify(now.checkpoint, key, alone=True)
        if (signed.size, signed.root) != (now.size, now.root):
            raise Broken("the head of the log is not what its checkpoint says")
        counted.finish(signed)
    except (Broken, NoteInvalid) as error:
        return counted.report(key.name, str(error))
    return counted.report(key.name)


def _count(connection: Connection, tenant: TenantId, counted: Recount, size: int) -> None:
    start, end = counted.size, min(counted.size + COUNT_ROWS, size)
    rows = store.events(connection, tenant, start, end)
    if not rows:
        raise Broken(f"event {start} is missing")
    read = _reader(connection, tenant)
    for row, found_by in zip(rows, store.searched_by(connection, tenant, start, end), strict=True):
        if not row.envelope:
            counted.add_dropped(row.number, read(0, row.number))
            continue
        counted.add(row.number, row.envelope, _parts(row))
        said = orjson.loads(row.envelope)
        if found_by != {name: said.get(name, "") for name in store.SEARCHED_BY}:
            raise Broken(f"event {row.number} is found by other words than its own")


def _parts(row: EventRow) -> tuple[bytes, ...]:
    try:
        return unpack(row.parts)
    except ValueError as error:
        raise Broken(f"event {row.number}: {error}") from None


def _outside(note: str, key: VerifierKey) -> Checkpoint | None:
    if not note:
        return None
    try:
        return verify(note, key)
    except NoteInvalid as error:
        raise Broken(f"the checkpoint kept outside does not fit this log: {error}") from None


def _reader(connection: Connection, tenant: TenantId) -> Read:
    tile = tile_reader(connection, tenant)
    return lambda level, index: read_node(level, index, tile)


def _misfit(name: str, detail: str) -> InvalidParameters:
    return InvalidParameters(faults=(Fault(f"/{name}", detail),))
