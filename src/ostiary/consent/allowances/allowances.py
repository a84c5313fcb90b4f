"""Finding a pre-approval for a call, and using it up together with the record of the call."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ostiary.actions import Action, Actor, Call, JsonValue, Write
from ostiary.clock import Clock
from ostiary.consent.allowances import store, terms
from ostiary.consent.allowances.store import AllowanceRow
from ostiary.consent.allowances.terms import Terms
from ostiary.consent.approving import PERMISSION, Approving
from ostiary.consent.deciding import Judged
from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.evidence import Evidence
from ostiary.ids import SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

PURPOSE = "allowance"
LOOKED_AT_MAX = 100
"""Of one agent and one contract, in one look; more of them than that are not looked at, and a person is asked."""


@dataclass(frozen=True, slots=True)
class Covered:
    """The pre-approval that answers a question; `use` counts it, in the transaction that records the call, and raises AllowanceSpent where others were faster."""

    id: str
    use: Write


class Allowances:
    """One for the process."""

    def __init__(self, database: Database, vault: Vault, clock: Clock, approving: Approving) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._approving = approving

    async def covering(
        self, call: Call, params: JsonValue, evidence: Evidence, found: Judged
    ) -> Covered | None:
        """The first pre-approval that answers this question. None: a person is asked. One person's word answers no question that takes several."""
        action, actor = call.action, call.actor
        if not action.contract or found.needs.quorum > 1 or not isinstance(params, Mapping):
            return None
        now_us = self._clock.now_us()
        rows = await self._database.run(
            lambda c: store.fitting(
                c,
                call.tenant,
                actor_id=actor.id,
                action=action.name,
                contract=action.hash,
                now_us=now_us,
                limit=LOOKED_AT_MAX,
            )
        )
        for row in rows:
            said = self.terms_of(call.tenant, row)
            if said is None or not terms.covers(said, action, params):
                continue
            if not terms.answers(said, evidence, found.reasons) or not await self._counts(row, actor, found):
                continue
            micros = terms.micros(action, params) if terms.has_amount(action) else None
            if micros is not None and (row.left_micros is None or row.left_micros < micros):
                continue
            return Covered(row.id, lambda c, row=row, micros=micros: self._use(c, call, row, micros))  # type: ignore[misc]
        return None

    def _use(self, connection: Connection, call: Call, row: AllowanceRow, micros: int | None) -> None:
        store.take(connection, call.tenant, row.id, micros=micros, now_us=self._clock.now_us())

    async def _counts(self, row: AllowanceRow, asker: Actor, found: Judged) -> bool:
        """Whether whoever allowed it might say yes to this call now: their rights, their roles, and that they are not behind the question where that matters."""
        person = await self._approving.now(asker.tenant, row.made_by)
        if person is None or PERMISSION not in person.permissions or not found.needs.lets(person.roles):
            return False
        return not found.needs.four_eyes or person.id not in await self._approving.askers(asker)

    def terms_of(self, tenant: TenantId, row: AllowanceRow) -> Terms | None:
        """What was allowed; None where it does not open any more: then it covers nothing. Raises KeysUnavailable."""
        try:
            return terms.read(self._vault.open_json(_place(tenant, row.id), row.terms))
        except KeysUnavailable:
            raise
        except SealBroken:
            return None

    async def sealed(self, tenant: TenantId, allowance_id: str, said: Terms, subject: SubjectId) -> bytes:
        """The column `terms`, under the key of whom it is about."""
        await self._vault.prepare(tenant, PURPOSE, [subject])
        return await asyncio.to_thread(
            self._vault.seal_json, _place(tenant, allowance_id), said.data(), purpose=PURPOSE, subject=subject
        )


def subject_of(action: Action, values: Mapping[str, JsonValue], person: Actor) -> SubjectId:
    """The one subject that the values are about, else whoever allows it."""
    about = action.subject_of(values) if action.subject_of else ()
    return about[0] if len(about) == 1 else SubjectId(person.id)


def _place(tenant: TenantId, allowance_id: str) -> Place:
    return Place(tenant, "allowance", "terms", allowance_id)
