"""The ledger of calls with an effect: what the door writes when it holds, begins and ends one, and how it finds one again.

Each step is a `Write` that moves the row from one state to the next, or raises: so a step happens once, whoever else tries. The door commits it in the
transaction that holds the audit event for the same step.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from ostiary import ids
from ostiary.actions import (
    Action,
    Actor,
    ActorKind,
    Call,
    JsonValue,
    Surface,
    Write,
)
from ostiary.clock import SECOND_US, Clock
from ostiary.consent import binding, policy, store
from ostiary.consent.store import ApprovalRow, CallRow, State
from ostiary.consent.watch import Watch
from ostiary.db.database import Database
from ostiary.errors import IdempotencyMismatch
from ostiary.ids import CallId, SubjectId, TenantId
from ostiary.vault.sealing import Place, Vault

PURPOSE = "call"
PENDING_MAX = 200
WAITING_PER_ACTOR_MAX = 2_000
"""How many questions of one actor may wait for a person: more would only tire whoever has to read them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is shown. `parameters`: [{name, pointer, value, origin, source}]; `request`: what would be sent."""

    rule: str
    sentence: str
    title: str
    description: str
    parameters: list[JsonValue]
    request: JsonValue


class Ledger:
    """`boot` names this run of the process: a row that is running under another boot lost its process."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        watch: Watch,
        *,
        approval_ttl_s: int,
        idempotency_ttl_s: int,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self.watch = watch
        self.boot = ids.new("bot")
        self._approval_ttl_us = approval_ttl_s * SECOND_US
        self._idempotency_ttl_us = idempotency_ttl_s * SECOND_US

    # Finding.

    async def earlier(self, actor: Actor, action: str, params: JsonValue, key: str) -> CallRow | None:
        """The call that this actor made with this idempotency key, if any. Raises IdempotencyMismatch if it asked for something else."""
        index = binding.key_index(self._vault, actor.tenant, actor.id, key)
        row = await self._database.run(lambda c: store.find_by_key(c, actor.tenant, actor.id, index))
        if row and row.fingerprint != binding.fingerprint(self._vault, actor.tenant, action, params):
            raise IdempotencyMismatch
        return row

    async def call_row(self, tenant: TenantId, call: CallId) -> CallRow | None:
        return await self._database.run(lambda c: store.find_call(c, tenant, call))

    async def approval_of(self, tenant: TenantId, call: CallId) -> ApprovalRow | None:
        return await self._database.run(lambda c: store.approval_of(c, tenant, call))

    async def pending(self, tenant: TenantId, stale_s: int) -> list[CallRow]:
        """What somebody has to go on with. A call that has been running for `stale_s` is nobody's, also if this process began it: the commit of
        its intent stood, and the answer to that was lost."""
        stale_us = self._clock.now_us() - stale_s * SECOND_US
        return await self._database.run(
            lambda c: store.pending_calls(c, tenant, self.boot, stale_us, PENDING_MAX)
        )

    async def lapsed(self, tenant: TenantId) -> list[ApprovalRow]:
        now = self._clock.now_us()
        return await self._database.run(lambda c: store.expired_approvals(c, tenant, now, PENDING_MAX))

    async def waiting(self, tenant: TenantId) -> int:
        """How many calls wait for a person."""
        return await self._database.run(lambda c: store.count_waiting(c, tenant))

    async def forget(self, tenant: TenantId) -> None:
        """Let idempotency keys go whose time is over."""
        before = self._clock.now_us() - self._idempotency_ttl_us
        await self._database.change(lambda c: store.forget_keys(c, tenant, before))

    async def has_memory(self, actor: Actor, action: Action, params: JsonValue) -> bool:
        """Whether a yes earlier in this session covers this call."""
        since = self._clock.now_us() - policy.ONCE_PER_SESSION_S * SECOND_US
        chosen = binding.sinks(self._vault, actor.tenant, action, params)
        said = await self._database.run(
            lambda c: store.remembered(
                c,
                actor.tenant,
                actor_id=actor.id,
                session=actor.session,
                contract=action.hash,
                sinks=chosen,
                since_us=since,
            )
        )
        return any(self.is_vouched(row) for row in said)

    # Opening what is sealed.

    def params_of(self, row: CallRow) -> JsonValue:
        return (
            orjson.loads(self._open(row.tenant, "call", "params", row.id, row.params)) if row.params else {}
        )

    def answer_of(self, row: CallRow) -> JsonValue:
        """{"result": ...} or {"problem": {...}}; None when there is none or its time is over."""
        return (
            orjson.loads(self._open(row.tenant, "call", "answer", row.id, row.answer)) if row.answer else None
        )

    def actor_of(self, row: CallRow) -> Actor:
        """Who asked, as they were then. Their rights are checked anew before anything runs."""
        kept = orjson.loads(self._open(row.tenant, "call", "actor", row.id, row.actor))
        return Actor(
            tenant=row.tenant,
            kind=ActorKind(row.actor_kind),
            id=row.actor_id,
            surface=Surface(kept["surface"]),
            subject=SubjectId(kept["subject"]),
            session=kept["session"],
            name=kept["name"],
            address=kept["address"],
        )

    def card_of(self, row: ApprovalRow) -> dict[str, JsonValue]:
        card: dict[str, JsonValue] = orjson.loads(
            self._open(row.tenant, "approval", "card", row.id, row.card)
        )
        return card

    def reason_of(self, row: ApprovalRow) -> str:
        return self._open(row.tenant, "approval", "reason", row.id, row.reason).decode() if row.reason else ""

    def was_held(self, row: CallRow) -> bool:
        """Whether the call was held at first, so that it may never run without an approval."""
        return bool(orjson.loads(self._open(row.tenant, "call", "actor", row.id, row.actor))["held"])

    def is_vouched(self, row: ApprovalRow) -> bool:
        """Whether the yes that stands in the row was said through the door: the row alone proves nothing."""
        if row.state != "approved" or not row.decided_by or not row.decided_us or not row.vouched:
            return False
        return hmac.compare_digest(row.vouched, self.vouch(row, by=row.decided_by, at_us=row.decided_us))

    def vouch(self, row: ApprovalRow, *, by: str, at_us: int) -> bytes:
        """What makes a yes one."""
        return binding.vouch(
            self._vault, row.tenant, approval=row.id, binding=row.binding, by=by, at_us=at_us
        )

    def sealed_reason(self, row: ApprovalRow, reason: str) -> bytes | None:
        return (
            self._seal(row.tenant, "approval", "reason", row.id, reason.encode(), SubjectId(""))
            if reason
            else None
        )

    # Steps.

    def opened(
        self, call: Call, params: JsonValue, state: State, *, key: str, answer: JsonValue = None
    ) -> CallRow:
        """The row of a call at its first step. `key` is the caller's own idempotency key, empty if none was given."""
        actor, tenant = call.actor, call.tenant
        kept = {"surface": actor.surface, "subject": actor.subject, "session": actor.session, "name": actor.name, "address": actor.address, "held": state is State.HELD}  # fmt: skip
        subject = self.subject(call.action, actor, params)
        sealed_answer = (
            self._seal(tenant, "call", "answer", call.id, orjson.dumps(answer), subject) if answer else None
        )
        return CallRow(
            tenant=tenant,
            id=call.id,
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=call.action.name,
            contract=call.action.hash,
            face=call.face,
            state=state,
            code="",
            boot=self.boot,
            attempt=call.attempt,
            key_index=binding.key_index(self._vault, tenant, actor.id, key) if key else None,
            fingerprint=binding.fingerprint(self._vault, tenant, call.action.name, params),
            actor=self._seal(tenant, "call", "actor", call.id, orjson.dumps(kept), SubjectId("")),
            params=None
            if state is State.DONE
            else self._seal(tenant, "call", "params", call.id, orjson.dumps(params), subject),
            answer=sealed_answer,
            created_us=call.at_us,
            changed_us=call.at_us,
        )

    def asked(self, call: Call, params: JsonValue, question: Question) -> ApprovalRow:
        """The approval that goes with a held call."""
        action, actor, tenant = call.action, call.actor, call.tenant
        approval, nonce = ids.new("apr"), ids.token(32)
        expires_us = call.at_us + self._approval_ttl_us
        card = {
            "title": question.title,
            "description": question.description,
            "sentence": question.sentence,
            "parameters": question.parameters,
            "request": question.request,
            "asked_by": {"kind": actor.kind, "id": actor.id, "name": actor.name},
            "behalf": actor.subject or call.on_behalf_of,
        }
        return ApprovalRow(
            tenant=tenant,
            id=approval,
            call=call.id,
            state="waiting",
            action=action.name,
            contract=action.hash,
            risk=action.risk,
            rule=question.rule,
            policy=policy.VERSION,
            actor_id=actor.id,
            session=actor.session,
            step_up=action.step_up or action.risk == "high",
            self_approval=action.self_approval,
            sinks=binding.sinks(self._vault, tenant, action, params),
            binding=self.binding(actor, action, params, question.request, expires_us, nonce),
            nonce=nonce,
            card=self._seal(
                tenant, "approval", "card", approval, orjson.dumps(card), self.subject(action, actor, params)
            ),
            reason=None,
            asked_us=call.at_us,
            expires_us=expires_us,
            decided_us=None,
            decided_by=None,
            vouched=None,
        )

    def binding(
        self, actor: Actor, action: Action, params: JsonValue, request: JsonValue, expires_us: int, nonce: str
    ) -> bytes:
        return binding.bind(
            self._vault,
            actor=actor,
            action=action,
            params=params,
            request=request,
            expires_us=expires_us,
            nonce=nonce,
        )

    def insert(self, row: CallRow) -> Write:
        """The row of a call that goes straight on."""
        return lambda c: store.insert_call(c, row)

    def hold(self, row: CallRow, approval: ApprovalRow) -> tuple[Write, Write, Write]:
        """The rows of a call that waits for a person. Raises TooMany where too many wait already."""
        return (
            lambda c: store.must_have_room(c, row.tenant, row.actor_id, WAITING_PER_ACTOR_MAX),
            lambda c: store.insert_call(c, row),
            lambda c: store.insert_approval(c, approval),
        )

    def done_row(self, key: str) -> Callable[[Call, JsonValue, JsonValue], Write]:
        """For a change of our own rows with an idempotency key: a row that is done when it is made, in the same transaction as the change."""

        def row_of(call: Call, params: JsonValue, answer: JsonValue) -> Write:
            return self.insert(self.opened(call, params, State.DONE, key=key, answer=answer))

        return row_of

    def begin(self, row: CallRow, *, attempt: int) -> Write:
        """approved (or orphaned) -> running, under this boot. Raises Conflict where somebody else has begun."""
        at_us = self._clock.now_us()
        return lambda c: store.move_call(
            c,
            row.tenant,
            row.id,
            expected=row.state,
            to=State.RUNNING,
            at_us=at_us,
            boot=self.boot,
            attempt=attempt,
        )

    def end(
        self, call: Call, params: JsonValue, state: State, *, code: str, answer: JsonValue, expected: State
    ) -> Write:
        """-> done, failed, unknown, rejected or expired, with the sealed answer."""
        subject = self.subject(call.action, call.actor, params)
        sealed_answer = self._seal(call.tenant, "call", "answer", call.id, orjson.dumps(answer), subject)
        at_us = self._clock.now_us()
        return lambda c: store.move_call(
            c, call.tenant, call.id, expected=expected, to=state, at_us=at_us, code=code, answer=sealed_answer
        )

    def close(self, approval: ApprovalRow) -> Write:
        """The question lapses: nobody decided."""
        at_us = self._clock.now_us()
        return lambda c: store.decide_approval(
            c, approval.tenant, approval.id, state="expired", by=None, at_us=at_us
        )

    def subject(self, action: Action, actor: Actor, params: JsonValue) -> SubjectId:
        """Under whose key content about this call is sealed: the one subject that the contract labels, else the actor."""
        subjects = action.subject_of(params) if action.subject_of and isinstance(params, Mapping) else ()
        return subjects[0] if len(subjects) == 1 else SubjectId(actor.id)

    def _seal(
        self, tenant: TenantId, table: str, column: str, row: str, content: bytes, subject: SubjectId
    ) -> bytes:
        return self._vault.seal(Place(tenant, table, column, row), content, purpose=PURPOSE, subject=subject)

    def _open(self, tenant: TenantId, table: str, column: str, row: str, sealed: bytes | None) -> bytes:
        return self._vault.open(Place(tenant, table, column, row), sealed or b"")
