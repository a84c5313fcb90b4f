"""A tenant's end, step by step, as a job of the installation: the tenant's own log can record nothing once its keys are gone.

begin     its day has come and no hold stands, or nothing is done; from here there is no way back, and nobody enters
shred     the ledger names the tenant; then every key of it is destroyed, in every process within a second
rows      table by table, batch by batch; the log keeps places, ids, times, hashes and its last checkpoint
files     everything of it in blob storage
certify   counted again, signed by the installation's log, with the tenant's last checkpoint and verifier key
"""

import asyncio
from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary import work
from ostiary.actions import Action, Call, Trace
from ostiary.audit import store as audit_store
from ostiary.audit.event import Decision
from ostiary.clock import DAY_US, rfc3339
from ostiary.ids import INSTALL, CallId, TenantId
from ostiary.retention import store
from ostiary.retention.certificate import CERTIFIED, FORMAT, VERSION, digest, sign
from ostiary.retention.ending import store as rows_of
from ostiary.retention.kinds import BATCH_ROWS
from ostiary.retention.services import Retention
from ostiary.retention.store import EndingRow
from ostiary.shapes import ModelShape, Params
from ostiary.work import Going, Kind, Step

FILES_PER_STEP = 200
STEPS = 5
AGAIN_US = DAY_US
"""A hold that stands when the day comes puts the end off by so much, again and again."""


class Ending(Params):
    tenant: Annotated[str, Field(max_length=64)]
    ending: Annotated[str, Field(max_length=64)]


KIND = Kind(
    name="tenant.destroy",
    title="Destroy a tenant",
    description="Destroys every key, row and file of a tenant whose waiting time is over, and certifies it.",
    permission="install.manage",
    step="tenant.destroy_step",
    params=ModelShape(Ending),
    startable=False,
)

RESIDUALS = (
    ("the log's hashes, event ids and times, and its last signed checkpoint", "old proofs go on to verify; nothing that an event said is left"),
    ("people's accounts belong to the installation, not to the tenant", "they may be members elsewhere"),
)  # fmt: skip


def actions(retention: Retention) -> list[Action]:
    async def step(call: Call, going: Going) -> Step:
        tenant, ending = TenantId(going.params.tenant), going.params.ending
        row = await retention.database.run(lambda c: rows_of.find_ending(c, tenant, ending))
        if row is None or row.state not in ("waiting", "destroying"):
            return Step(done=True, count=STEPS, total=STEPS, note="It was taken back, or is done.")
        phase, _, cursor = going.cursor.partition(":")
        if row.state == "waiting" or not phase:
            return await _begin(retention, call, tenant, row)
        return await _PHASES[phase](retention, call, tenant, row, cursor)

    return [work.step(KIND, step)]


async def _begin(retention: Retention, call: Call, tenant: TenantId, row: EndingRow) -> Step:
    if row.state == "destroying":
        return Step(cursor="shred:", count=1, total=STEPS)

    def look(connection: Connection) -> tuple[int, bool, dict[str, Any]]:
        turn = store.look_at_gate(connection, tenant).turn
        return turn, bool(store.holds(connection, tenant)), counts(connection, tenant)

    turn, held, before = await retention.database.run(look)
    if held or call.at_us < row.due_us:
        due_us = max(row.due_us, call.at_us + AGAIN_US)
        params = {"tenant": tenant, "ending": row.id}
        call.write(retention.enqueue(INSTALL, KIND, params, due_us=due_us))
        return Step(
            done=True, total=STEPS, note="A legal hold stands, or its day has not come: it is tried again."
        )
    before["versions"] = len(await asyncio.to_thread(retention.vault.versions, tenant))
    found = {"before": before, "key": retention.audit.verifier(tenant).text()}

    def begin(connection: Connection) -> None:
        store.pass_gate(connection, tenant, turn)
        changes = {"state": "destroying", "found": orjson.dumps(found)}
        rows_of.move_ending(connection, tenant, row.id, expected="waiting", changes=changes)
        store.move_gate(connection, tenant, {"turn": turn + 1})
        retention.shut(connection, tenant)

    call.write(begin)
    return Step(cursor="shred:", count=1, total=STEPS)


async def _shred(retention: Retention, call: Call, tenant: TenantId, row: EndingRow, _cursor: str) -> Step:
    def shred() -> dict[str, Any]:
        retention.ledger.name_tenant(tenant, row.id)
        gone = retention.vault.destroy_tenant(tenant)
        return {"data_keys": gone.data_keys, "digest": gone.digest, "versions": list(gone.versions), "names": list(gone.names)}  # fmt: skip

    gone = await asyncio.to_thread(shred)
    found = orjson.loads(row.found or b"{}")
    if gone["versions"] or "keys" not in found:  # done again after a crash, it finds nothing left
        found["keys"] = gone

    def note(connection: Connection) -> None:
        changes = {"found": orjson.dumps(found)}
        rows_of.move_ending(connection, tenant, row.id, expected="destroying", changes=changes)

    call.write(note)
    return Step(cursor="rows:0", count=2, total=STEPS)


async def _rows(retention: Retention, _call: Call, tenant: TenantId, _row: EndingRow, cursor: str) -> Step:
    tables, at = rows_of.emptied(), int(cursor)
    if at < len(tables):
        gone = await retention.database.change(
            lambda c: rows_of.remove_rows(c, tenant, tables[at], BATCH_ROWS)
        )
        return Step(cursor=f"rows:{at if gone == BATCH_ROWS else at + 1}", count=2, total=STEPS)
    return Step(cursor="log:0", count=2, total=STEPS)


async def _log(retention: Retention, _call: Call, tenant: TenantId, _row: EndingRow, cursor: str) -> Step:
    start = int(cursor)

    def drop(connection: Connection) -> int:
        numbers = [row.number for row in store.old_events(connection, tenant, start, BATCH_ROWS)]
        return store.drop_bodies(connection, tenant, numbers) if numbers else 0

    dropped = await retention.database.change(drop)
    following = f"log:{start + BATCH_ROWS}" if dropped == BATCH_ROWS else "files:"
    return Step(cursor=following, count=3, total=STEPS)


async def _files(retention: Retention, _call: Call, tenant: TenantId, _row: EndingRow, _cursor: str) -> Step:
    def forget() -> int:
        stored = retention.blobs.list(tenant, limit=FILES_PER_STEP)
        for each in stored:
            retention.blobs.delete(tenant, each.id)
        return len(stored)

    left = await asyncio.to_thread(forget)
    return Step(cursor="files:" if left else "certify:", count=4, total=STEPS)


async def _certify(retention: Retention, call: Call, tenant: TenantId, row: EndingRow, _cursor: str) -> Step:
    if not await asyncio.to_thread(retention.vault.is_destroyed, tenant):
        return Step(cursor="shred:", count=1, total=STEPS)  # a restore brought them back meanwhile
    after = await retention.database.run(lambda c: counts(c, tenant))
    if any(after.values()):
        return Step(cursor="rows:0", count=2, total=STEPS)  # of a call that was under way: it goes too
    head = await retention.database.run(lambda c: audit_store.head(c, tenant))
    statement = _statement(retention, call, tenant, row, after, head.checkpoint if head else "")
    document = sign(statement, retention.vault.signer(INSTALL), retention.audit.verifier(INSTALL))

    def done(connection: Connection) -> None:
        rows_of.move_ending(
            connection,
            tenant,
            row.id,
            expected="destroying",
            changes={"state": "done", "ended_us": call.at_us},
        )
        copy = EndingRow(
            row.id,
            "done",
            row.requested_us,
            row.requested_by,
            row.due_us,
            call.at_us,
            None,
            orjson.dumps(document),
        )
        rows_of.add_ending(connection, INSTALL, copy)

    call.write(done)
    call.traces.append(Trace(CallId(row.id), CERTIFIED, Decision.RAN, digest=digest(statement)))
    return Step(done=True, count=STEPS, total=STEPS)


def counts(connection: Connection, tenant: TenantId) -> dict[str, Any]:
    """What is left of a tenant, by table; of the log, how many events still say something."""
    tables = rows_of.emptied()
    rows = {str(table.name): rows_of.count_rows(connection, tenant, table) for table in tables}
    return {**rows, "audit_event": rows_of.count_bodies(connection, tenant)}


def _statement(
    retention: Retention, call: Call, tenant: TenantId, row: EndingRow, after: dict[str, Any], checkpoint: str
) -> dict[str, Any]:
    found = orjson.loads(row.found or b"{}")
    until_us = call.at_us + retention.keys_backup_days * DAY_US
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "tenant",
        "id": row.id,
        "tenant": tenant,
        "log": retention.audit.log_name(INSTALL),
        "requested_at": rfc3339(row.requested_us),
        "requested_by": retention.vault.pseudonym(INSTALL, row.requested_by),
        "begun_at": rfc3339(row.due_us),
        "ended_at": rfc3339(call.at_us),
        "keys": found.get("keys", {}),
        "counts": {"before": found.get("before", {}), "after": after},
        "checks": [{"asked": "rows, bodies of events and files of the tenant", "answer": 0}],
        "last": {"checkpoint": checkpoint, "key": found.get("key", "")},
        "backups": {"keys_days": retention.keys_backup_days, "keys_until": rfc3339(until_us)},
        "residuals": [{"what": what, "basis": basis} for what, basis in RESIDUALS],
    }


_PHASES = {"shred": _shred, "rows": _rows, "log": _log, "files": _files, "certify": _certify}
