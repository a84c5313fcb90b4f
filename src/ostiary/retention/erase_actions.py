"""The erasure of a subject, as actions: look what would be lost, ask for it, see how it stands, take the certificate."""

from functools import partial
from typing import Annotated, Any

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Call, Effect, JsonValue, Recorded, Risk, Route
from ostiary.audit import reading
from ostiary.audit.reading import Inclusion
from ostiary.clock import DAY_US, rfc3339
from ostiary.errors import Conflict, InvalidParameters, NotFound
from ostiary.errors import Fault as Mistake
from ostiary.ids import SubjectId, TenantId
from ostiary.retention import erasing, store
from ostiary.retention.certificate import CERTIFIED
from ostiary.retention.kinds import Whom
from ostiary.retention.ledger import store as key_rows
from ostiary.retention.services import PURPOSE, Retention, hold_on_subject, refuse_held, words_place
from ostiary.retention.store import ErasingRow
from ostiary.shapes import Answer, Page, Params, own_action

PERMISSION = "subject.erase"

Subject = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", description="The subject's id, as the contracts label it")]  # fmt: skip


class Preview(Params):
    subject: Subject


class Erase(Params):
    """`confirm` repeats the subject's id: what was typed is what is erased."""

    subject: Subject
    confirm: Annotated[str, Field(max_length=200)]


class ErasureNamed(Params):
    erasure_id: Annotated[str, Field(max_length=64)]


class KeyLost(Answer):
    purpose: str
    keys: int


class WhatIsLost(Answer):
    """`rows` by table, and the living keys by purpose. `hold` is the legal hold that stands on it, empty for none. `backups_until` is when the last backup
    that still holds the keys is gone, if it is erased now."""

    pseudonym: str
    rows: dict[str, int]
    keys: list[KeyLost]
    hold: str
    backups_until: str


class ErasureShown(Answer):
    """`state`: asked, destroying (there is no way back), done, or refused (a legal hold stood on it, or it did not begin within a week: its job was
    cancelled, or its asker lost the right)."""

    id: str
    state: str
    pseudonym: str
    requested_at: str
    requested_by: str
    begun_at: str
    ended_at: str


class Erasures(Answer):
    erasures: list[ErasureShown]
    next: str


class Certificate(Answer):
    """What was destroyed, signed with the log's key; `proof` shows the event of the log that vouches for it. `ostiary erase verify FILE` checks it offline."""

    certificate: dict[str, JsonValue]
    key: str
    signature: str
    proof: dict[str, JsonValue]


def actions(retention: Retention) -> list[Action]:
    async def preview(call: Call, asked: Preview) -> WhatIsLost:
        return await _lost(retention, call.tenant, retention.whom(call.tenant, SubjectId(asked.subject)))

    async def erase(call: Call, asked: Erase) -> ErasureShown:
        if asked.confirm != asked.subject:
            raise InvalidParameters(faults=(Mistake("/confirm", "repeat the subject's id exactly"),))
        tenant = call.tenant
        whom = retention.whom(tenant, SubjectId(asked.subject))
        await retention.vault.prepare(tenant, PURPOSE, [])
        row = _row(retention, call, whom)

        def look(connection: Connection) -> int:
            turn = store.look_at_gate(connection, tenant).turn
            refuse_held(hold_on_subject(connection, tenant, store.holds(connection, tenant), whom))
            return turn

        turn = await retention.database.run(look)
        refuse_held((await retention.sought(tenant, whom)).hold)
        job = retention.enqueue(tenant, erasing.KIND, {"erasure": row.id}, by=call.actor, slot=row.id)

        def rows(connection: Connection) -> None:
            store.pass_gate(connection, tenant, turn)
            if store.unfinished(connection, tenant, subject=whom.pseudonym):
                raise Conflict("This subject is being erased already.")
            store.add_erasing(connection, tenant, row)

        call.write(rows)
        call.write(job)
        return _shown(row)

    async def listed(call: Call, asked: Page) -> Erasures:
        rows = await retention.database.run(
            lambda c: store.list_erasing(c, call.tenant, before=asked.cursor, limit=asked.limit + 1)
        )
        more = rows[asked.limit - 1].id if len(rows) > asked.limit else ""
        return Erasures(erasures=[_shown(row) for row in rows[: asked.limit]], next=more)

    async def show(call: Call, asked: ErasureNamed) -> ErasureShown:
        return _shown(await _found(retention, call.tenant, asked.erasure_id))

    async def certificate(call: Call, asked: ErasureNamed) -> Certificate:
        row = await _found(retention, call.tenant, asked.erasure_id)
        if row.certificate is None:
            raise Conflict("There is no certificate yet: the erasure has not ended.")
        document = orjson.loads(row.certificate)
        proof = await retention.database.run(lambda c: prove(retention, c, call.tenant, row.id))
        return Certificate(**document, proof=proof)

    look = partial(own_action, permission=PERMISSION, subject_of=_subject_of)
    return [
        look("subject.preview", "See what an erasure destroys", "What is held of a subject, counted; nothing is opened.", Preview, WhatIsLost, preview,
                Route("POST", "/v1/erasures/preview"), recorded=Recorded.DURABLE),
        look("subject.erase", "Erase a subject", "Destroys the subject's keys for good, in every process and after every restore. It cannot be taken back.",
                Erase, ErasureShown, erase, Route("POST", "/v1/erasures", 202), effect=Effect.LOCAL, risk=Risk.HIGH, step_up=True),
        look("erasure.list", "List erasures", "Who was erased, by pseudonym, and how it stands.", Page, Erasures, listed, Route("GET", "/v1/erasures")),
        look("erasure.show", "Show an erasure", "How an erasure stands.", ErasureNamed, ErasureShown, show, Route("GET", "/v1/erasures/{erasure_id}")),
        look("erasure.certificate", "Take the certificate of an erasure", "The signed certificate with the proof that the log vouches for it.", ErasureNamed, Certificate,
                certificate, Route("GET", "/v1/erasures/{erasure_id}/certificate"), recorded=Recorded.DURABLE),
    ]  # fmt: skip


def prove(retention: Retention, connection: Connection, tenant: TenantId, erasure: str) -> dict[str, Any]:
    """That the log, as it stands, holds the event that vouches for the certificate. Raises NotFound."""
    found = store.certified(connection, tenant, erasure, CERTIFIED)
    if found is None:
        raise NotFound
    proof: Inclusion = reading.inclusion(retention.audit, connection, tenant, found, 0)
    return {
        "envelope": proof.row.envelope.decode(),
        "index": proof.row.number,
        "hashes": [step.hex() for step in proof.hashes],
        "checkpoint": proof.checkpoint,
    }


async def _lost(retention: Retention, tenant: TenantId, whom: Whom) -> WhatIsLost:
    def look(connection: Connection) -> tuple[dict[str, int], str]:
        hold = hold_on_subject(connection, tenant, store.holds(connection, tenant), whom)
        return erasing.found(retention, connection, tenant, whom), hold.id if hold else ""

    rows, hold = await retention.database.run(look)
    sought = await retention.sought(tenant, whom)
    rows |= sought.rows
    hold = hold or (sought.hold.id if sought.hold else "")
    keys = await retention.keys_database.run(lambda c: key_rows.keys_of(c, tenant, whom.index))
    purposes = sorted({key.purpose for key in keys if key.living})
    until_us = retention.clock.now_us() + retention.keys_backup_days * DAY_US
    return WhatIsLost(
        pseudonym=whom.pseudonym,
        rows=rows,
        keys=[
            KeyLost(purpose=each, keys=sum(key.living and key.purpose == each for key in keys))
            for each in purposes
        ],
        hold=hold,
        backups_until=rfc3339(until_us),
    )


async def _found(retention: Retention, tenant: TenantId, erasure: str) -> ErasingRow:
    row = await retention.database.run(lambda c: store.find_erasing(c, tenant, erasure))
    if row is None:
        raise NotFound
    return row


def _row(retention: Retention, call: Call, whom: Whom) -> ErasingRow:
    erasure = ids.new("era")
    words = retention.vault.seal_json(
        words_place(call.tenant, "erasing", erasure), {"subject": whom.id}, purpose=PURPOSE
    )
    return ErasingRow(
        id=erasure,
        state="asked",
        subject=whom.pseudonym,
        subject_index=whom.index,
        words=words,
        requested_us=call.at_us,
        requested_by=call.actor.id,
        begun_us=None,
        ended_us=None,
        found=None,
        certificate=None,
    )


def _shown(row: ErasingRow) -> ErasureShown:
    return ErasureShown(
        id=row.id,
        state=row.state,
        pseudonym=row.subject,
        requested_at=rfc3339(row.requested_us),
        requested_by=row.requested_by,
        begun_at=rfc3339(row.begun_us) if row.begun_us else "",
        ended_at=rfc3339(row.ended_us) if row.ended_us else "",
    )


def _subject_of(params: Any) -> tuple[SubjectId, ...]:
    """So that who is erased is not left in the record of their erasure."""
    return (SubjectId(str(params["subject"])),) if params.get("subject") else ()
