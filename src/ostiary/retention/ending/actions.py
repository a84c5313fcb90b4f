"""The end of a tenant, as actions: ask for it, take it back, see how it stands; and the certificates, which the operator keeps."""

from functools import partial
from typing import Annotated

import orjson
from pydantic import Field
from sqlalchemy import Connection

from ostiary import ids
from ostiary.actions import Action, Call, Effect, Risk, Route
from ostiary.clock import DAY_US, rfc3339
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound, OnHold
from ostiary.ids import INSTALL
from ostiary.retention import store
from ostiary.retention.ending import destroying
from ostiary.retention.ending import store as rows_of
from ostiary.retention.erase_actions import Certificate, prove
from ostiary.retention.services import Retention
from ostiary.retention.store import EndingRow
from ostiary.shapes import Answer, Empty, Page, Params, own_action

WAIT_DAYS = 30
"""The export window: until then it may be taken back."""


class EndTenant(Params):
    """`confirm` repeats the tenant's id."""

    confirm: Annotated[str, Field(max_length=64)]


class EndingNamed(Params):
    ending_id: Annotated[str, Field(max_length=64)]


class EndingShown(Answer):
    """`state`: none, waiting (until `due_at` everything can be exported, and it can be taken back), kept, destroying or done."""

    id: str
    state: str
    requested_at: str
    requested_by: str
    due_at: str
    ended_at: str


class Endings(Answer):
    endings: list[EndingShown]
    next: str


def actions(retention: Retention) -> list[Action]:
    async def end(call: Call, asked: EndTenant) -> EndingShown:
        return await _end(retention, call, asked)

    async def keep(call: Call, _asked: Empty) -> EndingShown:
        row = await retention.database.run(lambda c: rows_of.find_ending(c, call.tenant))
        if row is None or row.state != "waiting":
            raise Conflict("There is nothing to take back.")
        changes = {"state": "kept", "ended_us": call.at_us}
        call.write(lambda c: rows_of.move_ending(c, call.tenant, row.id, expected="waiting", changes=changes))
        return _shown(row).model_copy(update={"state": "kept", "ended_at": rfc3339(call.at_us)})

    async def show(call: Call, _asked: Empty) -> EndingShown:
        row = await retention.database.run(lambda c: rows_of.find_ending(c, call.tenant))
        if row is None:
            return EndingShown(id="", state="none", requested_at="", requested_by="", due_at="", ended_at="")
        return _shown(row)

    async def listed(_call: Call, asked: Page) -> Endings:
        rows = await retention.database.run(
            lambda c: rows_of.list_endings(c, INSTALL, before=asked.cursor, limit=asked.limit + 1)
        )
        more = rows[asked.limit - 1].id if len(rows) > asked.limit else ""
        return Endings(endings=[_shown(row) for row in rows[: asked.limit]], next=more)

    async def certificate(_call: Call, asked: EndingNamed) -> Certificate:
        row = await retention.database.run(lambda c: rows_of.find_ending(c, INSTALL, asked.ending_id))
        if row is None or row.certificate is None:
            raise NotFound
        proof = await retention.database.run(lambda c: prove(retention, c, INSTALL, row.id))
        return Certificate(**orjson.loads(row.certificate), proof=proof)

    of_tenant = partial(own_action, permission="tenant.manage")
    of_operator = partial(own_action, permission="install.manage")
    return [
        of_tenant("tenant.destroy", "End this tenant", "After 30 days, in which everything can be exported and this can be taken back, every key, row and file of the tenant is destroyed.",
                EndTenant, EndingShown, end, Route("POST", "/v1/tenant/end", 202), effect=Effect.LOCAL, risk=Risk.HIGH, step_up=True),
        of_tenant("tenant.keep", "Keep this tenant", "Takes its end back, as long as its day has not come.", Empty, EndingShown, keep,
                Route("POST", "/v1/tenant/keep"), effect=Effect.LOCAL),
        of_tenant("tenant.ending", "See whether this tenant ends", "Whether its end was asked for, and when its day comes.", Empty, EndingShown, show,
                Route("GET", "/v1/tenant/end")),
        of_operator("tenant.ended", "List tenants that have ended", "Tenants that were destroyed; each has a certificate.", Page, Endings, listed,
                Route("GET", "/v1/install/ended")),
        of_operator("tenant.certificate", "Take the certificate of a tenant's end", "The certificate, signed by the installation's log, with the proof that this log vouches for it.",
                EndingNamed, Certificate, certificate, Route("GET", "/v1/install/ended/{ending_id}")),
    ]  # fmt: skip


async def _end(retention: Retention, call: Call, asked: EndTenant) -> EndingShown:
    tenant = call.tenant
    if asked.confirm != tenant:
        raise InvalidParameters(faults=(Fault("/confirm", "repeat the tenant's id exactly"),))
    due_us = call.at_us + WAIT_DAYS * DAY_US
    row = EndingRow(ids.new("end"), "waiting", call.at_us, call.actor.id, due_us, None, None, None)

    def rows(connection: Connection) -> None:
        store.gate(connection, tenant)
        if store.holds(connection, tenant):
            raise OnHold("Release the legal holds first.")
        before = rows_of.find_ending(connection, tenant)
        if before and before.state in ("waiting", "destroying"):
            raise Conflict("The end of this tenant was asked for already.")
        rows_of.add_ending(connection, tenant, row)

    call.write(rows)
    params = {"tenant": tenant, "ending": row.id}
    call.write(retention.enqueue(INSTALL, destroying.KIND, params, due_us=due_us, slot=row.id))
    return _shown(row)


def _shown(row: EndingRow) -> EndingShown:
    return EndingShown(
        id=row.id,
        state=row.state,
        requested_at=rfc3339(row.requested_us),
        requested_by=row.requested_by,
        due_at=rfc3339(row.due_us),
        ended_at=rfc3339(row.ended_us) if row.ended_us else "",
    )
