"""The erasure of a subject, step by step, as a job that any worker goes on with.

    begin     no hold stands on it, or nothing is done; from here there is no way back, and a hold that comes later is told so
    settle    what waits about the subject is closed; what is under way ends
    shred     the ledger names every key of the subject; then they are destroyed, in every process within a second
    clear     rows whose only content was the subject's are overwritten; idempotent answers are forgotten
    files     sealed files of the log are removed
    documents what lies under the tenant's own keys and was opened about the subject is removed
    certify   everything is asked for again: no key lives, nothing opens; then the certificate is signed and logged

Each step bears being done again. Success is said at the end only, and by the certificate.
"""

import asyncio
from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary import work
from ostiary.actions import Action, Call, Trace
from ostiary.audit import reading
from ostiary.audit.event import Decision, open_part, unpack
from ostiary.clock import DAY_US, rfc3339
from ostiary.errors import NotFound, SealBroken
from ostiary.ids import CallId, SubjectId, TenantId
from ostiary.retention import store
from ostiary.retention.certificate import CERTIFIED, FORMAT, VERSION, digest, sign
from ostiary.retention.files import files_of, forget_files
from ostiary.retention.kinds import Whom
from ostiary.retention.ledger import store as key_rows
from ostiary.retention.ledger.ledger import LedgerEntry
from ostiary.retention.services import Retention, hold_on_subject, names_of, words_place
from ostiary.retention.store import ErasingRow
from ostiary.shapes import ModelShape, Params
from ostiary.work import Going, Kind, Step

SETTLE_S = 0.5
SETTLE_STEPS_MAX = 240
"""Two minutes: longer than any call may take."""
EVENTS_PER_STEP = 500
TRIED_MAX = 200
STEPS = 5


class Erasure(Params):
    erasure: Annotated[str, Field(max_length=64)]


KIND = Kind(
    name="subject.erase",
    title="Erase a subject",
    description="Destroys the keys of one subject, clears what is only about it, checks that nothing opens any more, and certifies it.",
    permission="subject.erase",
    step="subject.erase_step",
    params=ModelShape(Erasure),
    startable=False,
)

RESIDUALS = (
    ("the log's envelopes keep the subject's pseudonym, the time and the kind of each call", "integrity of the log, GDPR art. 17(3)(b) and (e); the pseudonym is a keyed hash"),
    ("sealed bytes of the log stay, and open nowhere: their key is destroyed", "old proofs go on to verify"),
    ("documents under review that name the subject and were not opened about it", "each goes after the days that the tenant keeps documents, or when it is removed"),
    ("what connected systems keep of the subject is theirs", "each controller answers for its own"),
)  # fmt: skip


def actions(retention: Retention) -> list[Action]:
    async def step(call: Call, going: Going) -> Step:
        row = await retention.database.run(lambda c: store.find_erasing(c, call.tenant, going.params.erasure))
        if row is None:
            raise NotFound
        if row.state not in ("asked", "destroying"):
            return Step(done=True, count=STEPS, total=STEPS)
        phase, _, cursor = going.cursor.partition(":")
        if row.state == "asked" or not phase:
            return await _begin(retention, call, row)
        return await _PHASES[phase](retention, call, row, cursor)

    return [work.step(KIND, step)]


def subject_of(retention: Retention, tenant: TenantId, row: ErasingRow) -> Whom:
    """Whom it is about; the id is known until the end. Raises SealBroken where the row was made to name somebody else."""
    if not row.words:
        return Whom(SubjectId(""), row.subject, row.subject_index)
    words = retention.vault.open_json(words_place(tenant, "erasing", row.id), row.words)
    whom = retention.whom(tenant, SubjectId(words["subject"]))
    if (whom.pseudonym, whom.index) != (row.subject, row.subject_index):
        raise SealBroken
    return whom


def found(retention: Retention, connection: Connection, tenant: TenantId, whom: Whom) -> dict[str, int]:
    """How many rows of each table are about the subject, counted now."""
    names = names_of(whom)
    calls = store.calls_of(connection, tenant, names)
    counts = {"audit_event": store.count_events(connection, tenant, names)}
    for holder in retention.holders:
        counts |= holder.count(connection, tenant, calls, whom)
    return counts


def living_keys(retention: Retention, tenant: TenantId, whom: Whom) -> list[key_rows.KeyRow]:
    """The subject's keys that still open something."""
    rows = retention.keys_database.read(lambda c: key_rows.keys_of(c, tenant, whom.index))
    return [row for row in rows if row.living]


async def _begin(retention: Retention, call: Call, row: ErasingRow) -> Step:
    if row.state == "destroying":
        return Step(cursor="settle:0", total=STEPS)
    tenant, whom = call.tenant, subject_of(retention, call.tenant, row)

    def look(connection: Connection) -> tuple[int, bool, dict[str, int]]:
        turn = store.look_at_gate(connection, tenant).turn
        held = hold_on_subject(connection, tenant, store.holds(connection, tenant), whom)
        return turn, held is not None, found(retention, connection, tenant, whom)

    turn, held, counts = await retention.database.run(look)
    # After the turn was read: a hold that comes now is seen at the gate.
    sought = await retention.sought(tenant, whom)
    held, counts = held or sought.hold is not None, counts | sought.rows
    keys = await asyncio.to_thread(living_keys, retention, tenant, whom)
    counts["data_key"] = len(keys)

    def begin(connection: Connection) -> None:
        store.pass_gate(connection, tenant, turn)
        changes = (
            {"state": "refused", "ended_us": call.at_us, "words": None}
            if held
            else {"state": "destroying", "begun_us": call.at_us, "found": orjson.dumps(counts)}
        )
        store.move_erasing(connection, tenant, row.id, expected="asked", changes=changes)
        store.move_gate(connection, tenant, {"turn": turn + 1})

    call.write(begin)
    if held:
        return Step(done=True, total=STEPS, note="A legal hold stands on the subject: nothing was erased.")
    return Step(cursor="settle:0", count=1, total=STEPS)


async def _settle(retention: Retention, call: Call, row: ErasingRow, cursor: str) -> Step:
    """Close what waits; wait for what is under way, so that its record is not made under a fresh key after the shredding."""
    tenant, whom, tried = call.tenant, subject_of(retention, call.tenant, row), int(cursor or 0)

    def look(connection: Connection) -> tuple[list[str], bool]:
        calls = store.calls_of(connection, tenant, names_of(whom))
        return calls, any(holder.busy(connection, tenant, calls) for holder in retention.holders)

    calls, busy = await retention.database.run(look)

    def close(connection: Connection) -> None:
        for holder in retention.holders:
            holder.clear(connection, tenant, calls, whom, call.at_us)

    call.write(close)
    if busy and tried < SETTLE_STEPS_MAX:
        await asyncio.sleep(SETTLE_S)
        return Step(
            cursor=f"settle:{tried + 1}", count=1, total=STEPS, note="Waits for calls that are under way."
        )
    return Step(cursor="shred:", count=2, total=STEPS)


async def _shred(retention: Retention, call: Call, row: ErasingRow, _cursor: str) -> Step:
    tenant, whom = call.tenant, subject_of(retention, call.tenant, row)
    await asyncio.to_thread(shred, retention, tenant, row.id, whom)
    return Step(cursor="clear:", count=3, total=STEPS)


def shred(retention: Retention, tenant: TenantId, erasure: str, whom: Whom) -> LedgerEntry:
    """Name the keys in the ledger, then destroy them, until none lives that the ledger does not name. In this thread. Raises KeysUnavailable,
    BlobsUnavailable, LedgerBroken."""
    while True:
        entry = retention.ledger.name_subject(tenant, erasure, whom.index)
        destroyed = retention.vault.destroy_subject(tenant, whom.id)
        if set(destroyed.ids) <= set(entry.keys):
            return entry


async def _clear(retention: Retention, call: Call, row: ErasingRow, _cursor: str) -> Step:
    tenant, whom = call.tenant, subject_of(retention, call.tenant, row)
    calls = await retention.database.run(lambda c: store.calls_of(c, tenant, names_of(whom)))

    def clear(connection: Connection) -> None:
        for holder in retention.holders:
            holder.clear(connection, tenant, calls, whom, call.at_us)

    call.write(clear)
    return Step(cursor="files:0", count=4, total=STEPS)


async def _files(retention: Retention, call: Call, row: ErasingRow, cursor: str) -> Step:
    tenant, whom = call.tenant, subject_of(retention, call.tenant, row)

    def look(connection: Connection) -> tuple[list[store.OldRow], frozenset[int]]:
        rows = store.events_about(connection, tenant, [row.subject], start=int(cursor), limit=EVENTS_PER_STEP)
        whole = [(each.number, each.envelope) for each in rows if each.whole]
        return rows, reading.as_recorded(connection, tenant, whole)

    rows, recorded = await retention.database.run(look)
    own = _own_files(whom, [each for each in rows if each.number in recorded])
    await asyncio.to_thread(forget_files, retention.blobs, tenant, own)
    if len(rows) < EVENTS_PER_STEP:
        return Step(cursor="documents:0", count=4, total=STEPS)
    return Step(cursor=f"files:{rows[-1].number + 1}", count=4, total=STEPS)


async def _documents(retention: Retention, call: Call, row: ErasingRow, cursor: str) -> Step:
    """What is being worked on is waited for: its job would leave files behind."""
    whom, at = subject_of(retention, call.tenant, row), int(cursor)
    if at < len(retention.searchers) and not await retention.searchers[at].erase(call, whom):
        await asyncio.sleep(SETTLE_S)
        note = "Waits for documents that are being read or exported."
        return Step(cursor=f"documents:{at}", count=4, total=STEPS, note=note)
    more = at + 1 < len(retention.searchers)
    return Step(cursor=f"documents:{at + 1}" if more else "certify:", count=4, total=STEPS)


def _own_files(whom: Whom, rows: list[store.OldRow]) -> list[str]:
    """The files of parts that are the subject's own."""
    named = []
    for row in rows:
        said = orjson.loads(row.envelope)
        event, stated = said["id"], said.get("sealed", [])
        theirs = {
            f"{event}-{number}" for number, part in enumerate(stated) if part["subject"] == whom.pseudonym
        }
        named += [file for file in files_of(row, event) if file in theirs]
    return named


async def _certify(retention: Retention, call: Call, row: ErasingRow, _cursor: str) -> Step:
    """Ask again for everything; a certificate only where nothing is left."""
    tenant, whom = call.tenant, subject_of(retention, call.tenant, row)
    entries = await asyncio.to_thread(retention.ledger.of, tenant, row.id)
    keys = [key for entry in entries for key in entry.keys]
    living = await asyncio.to_thread(
        retention.keys_database.read, lambda c: key_rows.living_of(c, tenant, keys)
    )
    if living or not entries:
        return Step(cursor="shred:", count=2, total=STEPS)  # they came back, or were never named
    names = names_of(whom)
    events = await retention.database.run(
        lambda c: store.events_about(c, tenant, names, start=0, limit=TRIED_MAX)
    )
    tried, opened = await asyncio.to_thread(try_to_open, retention, tenant, whom.pseudonym, set(keys), events)
    if opened:
        return Step(cursor="shred:", count=2, total=STEPS)
    sought = await retention.sought(tenant, whom)
    if any(sought.rows.values()):
        return Step(cursor="documents:0", count=4, total=STEPS)  # one was opened meanwhile
    after = await retention.database.run(lambda c: found(retention, c, tenant, whom)) | sought.rows
    statement = _statement(retention, call, row, entries, tried, after)
    document = sign(statement, retention.vault.signer(tenant), retention.audit.verifier(tenant))

    def done(connection: Connection) -> None:
        changes = {
            "state": "done",
            "ended_us": call.at_us,
            "words": None,
            "certificate": orjson.dumps(document),
        }
        store.move_erasing(connection, tenant, row.id, expected="destroying", changes=changes)

    call.write(done)
    call.traces.append(Trace(CallId(row.id), CERTIFIED, Decision.RAN, digest=digest(statement)))
    call.counts |= {"keys.destroyed": len(keys), "sealed.tried": tried}
    return Step(done=True, count=STEPS, total=STEPS)


def try_to_open(
    retention: Retention, tenant: TenantId, pseudonym: str, keys: set[str], events: list[store.OldRow]
) -> tuple[int, int]:
    """Try the subject's sealed parts that the destroyed keys had sealed: how many were tried, how many opened."""
    tried = opened = 0
    for row in events:
        stated = orjson.loads(row.envelope).get("sealed", []) if row.whole else []
        for number, (part, blob) in enumerate(zip(stated, unpack(row.parts), strict=True)):
            if part["subject"] != pseudonym or blob[1:17].hex() not in keys:
                continue
            tried += 1
            try:
                open_part(retention.vault, tenant, row.id, number, blob)
                opened += 1
            except SealBroken:
                continue
    return tried, opened


def _statement(
    retention: Retention, call: Call, row: ErasingRow, entries: list[LedgerEntry], tried: int, after: dict[str, int]
) -> dict[str, Any]:  # fmt: skip
    tenant, begun_us = call.tenant, row.begun_us or call.at_us
    destroyed_us = max(entry.at_us for entry in entries)
    until_us = destroyed_us + retention.keys_backup_days * DAY_US
    generations = {purpose: number for entry in entries for purpose, number in entry.generations.items()}
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "subject",
        "id": row.id,
        "tenant": tenant,
        "log": retention.audit.log_name(tenant),
        "subject": {"pseudonym": row.subject, "index": row.subject_index.hex()},
        "requested_at": rfc3339(row.requested_us),
        "requested_by": retention.vault.pseudonym(tenant, row.requested_by),
        "begun_at": rfc3339(begun_us),
        "destroyed_at": rfc3339(destroyed_us),
        "ended_at": rfc3339(call.at_us),
        "keys": {
            "destroyed": sorted({key for entry in entries for key in entry.keys}),
            "generations": generations,
        },
        "counts": {"before": orjson.loads(row.found or b"{}"), "after": after},
        "checks": [
            {"asked": "data_key: living keys among those destroyed", "answer": 0},
            {"asked": f"audit_event: sealed parts of the subject opened, of {tried} tried", "answer": 0},
        ],
        "backups": {"keys_days": retention.keys_backup_days, "keys_until": rfc3339(until_us)},
        "residuals": [{"what": what, "basis": basis} for what, basis in RESIDUALS],
    }


_PHASES = {
    "settle": _settle,
    "shred": _shred,
    "clear": _clear,
    "files": _files,
    "documents": _documents,
    "certify": _certify,
}
