"""Scopes: which there are, and destroying the key of one, for good, with the certificate that every erasure gets.

    begin      no hold stands on anything, or nothing is done; from here there is no way back
    shred      the ledger of erasures names the key, so that a restored backup destroys it again; then it is destroyed, in every process within a second
    certify    the key store is asked again: the key opens nothing; then the certificate is signed and logged

Each step bears being done again.
"""

import asyncio
from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids, work
from ostiary.actions import Action, Call, Effect, Risk, Route, Trace
from ostiary.audit.event import Decision
from ostiary.clock import DAY_US, rfc3339
from ostiary.errors import Conflict, InvalidParameters, NotFound, OnHold
from ostiary.errors import Fault as Mistake
from ostiary.ids import CallId, SubjectId, TenantId
from ostiary.privacy.plans.actions import Name
from ostiary.privacy.plans.plans import PREFIX, Plans
from ostiary.retention import store
from ostiary.retention.certificate import CERTIFIED, FORMAT, VERSION, digest, sign
from ostiary.retention.erase_actions import ErasureShown
from ostiary.retention.ledger.ledger import LedgerEntry
from ostiary.retention.services import Retention
from ostiary.retention.store import ErasingRow
from ostiary.shapes import Answer, Empty, ModelShape, Params, own_action
from ostiary.work import Going, Kind, Step

STEPS = 2
RESIDUALS = (
    ("tokens, hashes and surrogates of the scope stay where they were written, and open nowhere: their key is destroyed", "nobody can turn them back"),
    ("equal values still have equal tokens there", "who keeps such texts can count and compare, not read"),
)  # fmt: skip


class Shredding(Params):
    erasure: Annotated[str, Field(max_length=64)]
    scope: Name


KIND = Kind(
    name="redaction_scope.destroy",
    title="Destroy a scope",
    description="Destroys the key of one scope of tokens, checks that nothing opens any more, and certifies it.",
    permission="subject.erase",
    step="redaction_scope.destroy_step",
    params=ModelShape(Shredding),
    startable=False,
)


class ScopeShown(Answer):
    """`living`: its tokens can be restored. A destroyed scope is never used again. `erasure`: the erasure that destroys or destroyed it, which has the
    certificate; empty if none."""

    name: str
    living: bool
    erasure: str


class Scopes(Answer):
    scopes: list[ScopeShown]


class DestroyScope(Params):
    """`confirm` repeats the scope's name: what was typed is what is destroyed."""

    name: Name
    confirm: Annotated[str, Field(max_length=64)]


def actions(plans: Plans, retention: Retention) -> list[Action]:
    async def listed(call: Call, _asked: Empty) -> Scopes:
        tenant = call.tenant
        found = await asyncio.to_thread(plans.scopes, tenant)
        known = {name: retention.vault.pseudonym(tenant, SubjectId(PREFIX + name)) for name in found}
        erasing = await retention.database.run(lambda c: store.erasing_of(c, tenant, list(known.values())))
        return Scopes(
            scopes=[
                ScopeShown(name=name, living=living, erasure=erasing.get(known[name], ""))
                for name, living in sorted(found.items())
            ]
        )

    async def destroy(call: Call, asked: DestroyScope) -> ErasureShown:
        found = await asyncio.to_thread(plans.scopes, call.tenant)
        if asked.name not in found:
            raise NotFound
        if asked.confirm != asked.name:
            raise InvalidParameters(faults=(Mistake("/confirm", "repeat the scope's name exactly"),))
        if not found[asked.name]:
            raise Conflict("This scope's key was destroyed already.")
        return await _asked(retention, call, asked.name)

    async def step(call: Call, going: Going) -> Step:
        tenant, wanted = call.tenant, going.params
        row = await retention.database.run(lambda c: store.find_erasing(c, tenant, wanted.erasure))
        if row is None:
            raise NotFound
        if row.state == "asked":
            return await _begin(retention, call, row)
        if row.state != "destroying":
            return Step(done=True, count=STEPS, total=STEPS)
        return await _shred(retention, call, row, wanted.scope)

    return [
        own_action("redaction_scope.list", "List scopes", "Every scope that tokens were made in, and whether they can still be restored.", Empty, Scopes, listed,
                   Route("GET", "/v1/redaction-scopes"), permission="privacy.read"),
        own_action("redaction_scope.destroy", "Destroy a scope", "Destroys the key of a scope, for good: its tokens are never restored again. A signed certificate says so.",
                   DestroyScope, ErasureShown, destroy, Route("POST", "/v1/redaction-scopes/{name}/destroy", 202), permission="subject.erase",
                   effect=Effect.LOCAL, risk=Risk.HIGH, step_up=True, sentence="Destroy the tokens of {name}"),
        work.step(KIND, step),
    ]  # fmt: skip


async def _asked(retention: Retention, call: Call, scope: str) -> ErasureShown:
    tenant, key = call.tenant, SubjectId(PREFIX + scope)
    row = ErasingRow(
        id=ids.new("era"),
        state="asked",
        subject=retention.vault.pseudonym(tenant, key),
        subject_index=retention.vault.subject_index(tenant, key),
        words=None,
        requested_us=call.at_us,
        requested_by=call.actor.id,
        begun_us=None,
        ended_us=None,
        found=None,
        certificate=None,
    )

    def look(connection: Connection) -> int:
        _refuse_held(connection, tenant)
        return store.look_at_gate(connection, tenant).turn

    turn = await retention.database.run(look)
    params = {"erasure": row.id, "scope": scope}
    job = retention.enqueue(tenant, KIND, params, by=call.actor, slot=row.id)

    def rows(connection: Connection) -> None:
        store.pass_gate(connection, tenant, turn)
        if store.unfinished(connection, tenant, subject=row.subject):
            raise Conflict("This scope is being destroyed already.")
        store.add_erasing(connection, tenant, row)

    call.write(rows)
    call.write(job)
    return ErasureShown(
        id=row.id, state=row.state, pseudonym=row.subject, requested_at=rfc3339(row.requested_us), requested_by=row.requested_by, begun_at="", ended_at=""
    )  # fmt: skip


def _refuse_held(connection: Connection, tenant: TenantId) -> None:
    """Whom a scope's tokens are about nobody knows without restoring them: so any hold stands on all of them. Raises OnHold."""
    for hold in store.holds(connection, tenant):
        raise OnHold(f"Hold {hold.id} may stand on what these tokens stand for; release it first.")


async def _begin(retention: Retention, call: Call, row: ErasingRow) -> Step:
    tenant = call.tenant

    def look(connection: Connection) -> tuple[int, bool]:
        return store.look_at_gate(connection, tenant).turn, bool(store.holds(connection, tenant))

    turn, held = await retention.database.run(look)
    changes: dict[str, Any] = (
        {"state": "refused", "ended_us": call.at_us}
        if held
        else {"state": "destroying", "begun_us": call.at_us}
    )

    def begin(connection: Connection) -> None:
        store.pass_gate(connection, tenant, turn)
        store.move_erasing(connection, tenant, row.id, expected="asked", changes=changes)
        store.move_gate(connection, tenant, {"turn": turn + 1})

    call.write(begin)
    if held:
        return Step(done=True, total=STEPS, note="A legal hold stands: nothing was destroyed.")
    return Step(cursor="shred", count=1, total=STEPS)


async def _shred(retention: Retention, call: Call, row: ErasingRow, scope: str) -> Step:
    tenant = call.tenant
    entry = await asyncio.to_thread(_destroyed, retention, tenant, row.id, PREFIX + scope)
    statement = _statement(retention, call, row, scope, entry)
    signed = sign(statement, retention.vault.signer(tenant), retention.audit.verifier(tenant))

    def done(connection: Connection) -> None:
        changes = {"state": "done", "ended_us": call.at_us, "certificate": orjson.dumps(signed)}
        store.move_erasing(connection, tenant, row.id, expected="destroying", changes=changes)

    call.write(done)
    call.traces.append(Trace(CallId(row.id), CERTIFIED, Decision.RAN, digest=digest(statement)))
    call.counts |= {"keys.destroyed": 1}
    return Step(done=True, count=STEPS, total=STEPS)


def _destroyed(retention: Retention, tenant: TenantId, erasure: str, key: str) -> LedgerEntry:
    """Name the key in the ledger, destroy it, and ask whether it opens. In this thread. Raises KeysUnavailable, BlobsUnavailable, LedgerBroken."""
    entry = retention.ledger.name_key(tenant, erasure, key)
    retention.vault.destroy_named(tenant, key)
    if not retention.vault.is_gone(tenant, key):
        raise Conflict("The key still opens: it will be destroyed again.")
    return entry


def _statement(
    retention: Retention, call: Call, row: ErasingRow, scope: str, entry: LedgerEntry
) -> dict[str, Any]:
    until_us = entry.at_us + retention.keys_backup_days * DAY_US
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": "scope",
        "id": row.id,
        "tenant": call.tenant,
        "log": retention.audit.log_name(call.tenant),
        "scope": scope,
        "requested_at": rfc3339(row.requested_us),
        "requested_by": retention.vault.pseudonym(call.tenant, row.requested_by),
        "begun_at": rfc3339(row.begun_us or call.at_us),
        "destroyed_at": rfc3339(entry.at_us),
        "ended_at": rfc3339(call.at_us),
        "keys": {"destroyed": list(entry.keys)},
        "counts": {},
        "checks": [{"asked": "named_key: the scope's key opens", "answer": 0}],
        "backups": {"keys_days": retention.keys_backup_days, "keys_until": rfc3339(until_us)},
        "residuals": [{"what": what, "basis": basis} for what, basis in RESIDUALS],
    }
