"""The ledger of calls with an effect: what the door writes when it holds, begins and ends one, and how it finds one again.

Each step is a `Write` that moves the row from one state to the next, or raises: so a step happens once, whoever else tries. The door commits it in the
transaction that holds the audit event for the same step.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from ostiary import ids, metrics
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
from ostiary.consent.quorum import needs
from ostiary.consent.quorum import store as quorum_store
from ostiary.consent.quorum.needs import ONE_PERSON, Needs
from ostiary.consent.quorum.store import VoteRow
from ostiary.consent.rules import Rules
from ostiary.consent.store import ApprovalRow, CallRow, State, Waiting
from ostiary.consent.watch import Watch
from ostiary.db.database import Database
from ostiary.errors import ApprovalExpired, IdempotencyMismatch, OstiaryError
from ostiary.ids import CallId, SubjectId, TenantId
from ostiary.jobs.processes import Processes
from ostiary.vault.sealing import Place, Vault

PURPOSE = "call"
PENDING_MAX = 200
WAITING_PER_ACTOR_MAX = 2_000
"""How many questions of one actor may wait for a person: more would only tire whoever has to read them."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is shown. `parameters`: [{name, pointer, value, origin, source, ...}]; `request`: what would be sent; `reasons`: why, as data; `needs`: who
    has to say yes; `rules`: the policy by which it is asked."""

    rule: str
    sentence: str
    title: str
    description: str
    parameters: list[JsonValue]
    request: JsonValue
    reasons: list[JsonValue] = field(default_factory=list)
    needs: Needs = ONE_PERSON
    rules: Rules = field(default_factory=Rules)


class Ledger:
    """`under_way`: the calls that this process is at, and whether somebody elsewhere may wait for one. A row that runs under a process that is no more, or
    under this one without being under way, was left."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        watch: Watch,
        processes: Processes,
        *,
        approval_ttl_s: int,
        idempotency_ttl_s: int,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self.watch = watch
        self.processes = processes
        self.boot = processes.id
        self.under_way: dict[CallId, bool] = {}
        watch.follow(database.signals, store.CHANGED)
        self._approval_ttl_us = approval_ttl_s * SECOND_US
        self._idempotency_ttl_us = idempotency_ttl_s * SECOND_US
        self.on_hold: Callable[[ApprovalRow], Write] = lambda approval: lambda connection: None
        """The jobs that go with a question; the app says which."""

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

    async def pending(self, tenant: TenantId) -> list[CallRow]:
        """What somebody has to go on with: approved calls, and running ones that were left. Raises StoreUnavailable.

        A process that has begun since the last beat is asked for anew before a call of its is taken for one that was left.
        """
        mine = list(self.under_way)
        known = self.processes.known
        rows = await self._database.run(
            lambda c: store.pending_calls(c, tenant, self.boot, known, mine, PENDING_MAX)
        )
        orphans = {row.boot for row in rows if row.state is State.RUNNING} - {self.boot}
        live = await self.processes.live() if orphans else known
        return [row for row in rows if row.state is State.APPROVED or self._was_left(row, live)]

    def _was_left(self, row: CallRow, live: frozenset[str]) -> bool:
        return row.id not in self.under_way if row.boot == self.boot else row.boot not in live

    async def lapsed(self, tenant: TenantId) -> list[ApprovalRow]:
        now = self._clock.now_us()
        return await self._database.run(lambda c: store.expired_approvals(c, tenant, now, PENDING_MAX))

    async def standing(self, tenant: TenantId) -> store.Standing:
        """What waits for somebody, in numbers."""
        return await self._database.run(lambda c: store.standing(c, tenant))

    async def next_expiry(self, tenant: TenantId) -> int:
        """When the next question lapses that has not yet; 0 where none waits."""
        now = self._clock.now_us()
        return (await self._database.run(lambda c: store.waiting_after(c, tenant, now))).first_us

    async def waiting_until(self, tenant: TenantId) -> Waiting:
        """How many calls wait for a person, and when the first of them lapses."""
        now = self._clock.now_us()
        return await self._database.run(lambda c: store.waiting_after(c, tenant, now))

    def decided(self, approval: ApprovalRow, decision: str) -> None:
        """Count how long a question took to its end, once that is durable."""
        metrics.DECIDED.labels(decision).observe((self._clock.now_us() - approval.asked_us) / SECOND_US)

    async def forget(self, tenant: TenantId) -> None:
        """Let idempotency keys go whose time is over."""
        before = self._clock.now_us() - self._idempotency_ttl_us
        await self._database.change(lambda c: store.forget_keys(c, tenant, before))

    async def has_memory(self, call: Call, params: JsonValue, rules: Rules) -> bool:
        """Whether a yes earlier in this session covers this call: the same contract hash, the same session (the agent's own, or else the sign-in or key), the
        same sink values, under the same policy, an hour at most. Without a session of the agent's, what was said in one does not count."""
        action, actor = call.action, call.actor
        since = self._clock.now_us() - min(rules.once_per_session_s, policy.ONCE_PER_SESSION_S) * SECOND_US
        chosen = binding.sinks(self._vault, actor.tenant, action, params)
        said = await self._database.run(
            lambda c: store.remembered(
                c,
                actor.tenant,
                actor_id=actor.id,
                session=session_of(call),
                contract=action.hash,
                sinks=chosen,
                since_us=since,
            )
        )
        return any(self._still_counts(row, rules) for row in said)

    def _still_counts(self, row: ApprovalRow, rules: Rules) -> bool:
        card = self.card_of(row) if row.policy == policy.VERSION and self.is_vouched(row) else None
        return card is not None and card["rules"] == rules.hash

    async def votes(self, tenant: TenantId, calls: Sequence[CallId]) -> dict[CallId, list[VoteRow]]:
        """The yeses of these calls that were said through the door, in order."""
        found = await self._database.run(lambda c: quorum_store.votes(c, tenant, calls)) if calls else []
        return {call: [vote for vote in found if vote.call == call] for call in calls}

    async def agreed(self, approval: ApprovalRow) -> tuple[str, ...]:
        """Who has said yes to it, each once, as far as it is vouched for."""
        if not self.is_vouched(approval):
            return ()
        if self.needs_of(approval).quorum == 1:
            return (approval.decided_by or "",)
        votes = (await self.votes(approval.tenant, [approval.call]))[approval.call]
        return tuple(dict.fromkeys(vote.person for vote in votes if self.is_cast(approval, vote)))

    def is_cast(self, approval: ApprovalRow, vote: VoteRow) -> bool:
        made = self.vouch(approval, by=vote.person, at_us=vote.at_us)
        return vote.approval == approval.id and hmac.compare_digest(vote.vouched, made)

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
            acts_for=kept.get("acts_for", ""),
        )

    def agent_session_of(self, row: CallRow) -> str:
        """The agent's session in which the call was asked; "" for none."""
        kept = orjson.loads(self._open(row.tenant, "call", "actor", row.id, row.actor))
        return str(kept.get("agent_session", ""))

    def needs_of(self, row: ApprovalRow) -> Needs:
        """Who has to say yes, as the card says it."""
        return needs.read(self.card_of(row).get("needs"))

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
        if hmac.compare_digest(row.vouched, self.vouch(row, by=row.decided_by, at_us=row.decided_us)):
            return True
        then = binding.vouch_before(self._vault, row.tenant, approval=row.id, binding=row.binding, by=row.decided_by, at_us=row.decided_us)  # fmt: skip
        return row.policy == binding.BEFORE and hmac.compare_digest(row.vouched, then)

    def vouch(self, row: ApprovalRow, *, by: str, at_us: int) -> bytes:
        """What makes a yes one."""
        return binding.vouch(
            self._vault,
            row.tenant,
            approval=row.id,
            binding=row.binding,
            terms=_terms(row),
            by=by,
            at_us=at_us,
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
        kept = {"surface": actor.surface, "subject": actor.subject, "session": actor.session, "name": actor.name, "address": actor.address,
                "acts_for": actor.acts_for, "agent_session": call.session, "held": state is State.HELD}  # fmt: skip
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
            "reasons": question.reasons,
            "needs": question.needs.data(),
            "rules": question.rules.hash,
            "session": call.session,
        }
        row = ApprovalRow(
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
            session=session_of(call),
            step_up=action.step_up or action.risk == "high",
            self_approval=action.self_approval and not question.needs.four_eyes,
            sinks=binding.sinks(self._vault, tenant, action, params),
            binding=b"",
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
        return replace(row, binding=self.binding(call, params, question.request, row, card, question.rules))

    def binding(
        self, call: Call, params: JsonValue, request: JsonValue, row: ApprovalRow, card: JsonValue, rules: Rules
    ) -> bytes:  # fmt: skip
        """What a yes to this question is bound to, made of what would run now. A question of the release before knew no policy: it counts as long as there is none."""
        if row.policy == binding.BEFORE and not rules.version:
            return binding.bind_before(
                self._vault, actor=call.actor, action=call.action, params=params, request=request, expires_us=row.expires_us, nonce=row.nonce
            )  # fmt: skip
        return binding.bind(
            self._vault,
            actor=call.actor,
            action=call.action,
            params=params,
            request=request,
            card=card,
            terms=_terms(row),
            rules=rules.hash,
        )

    def insert(self, row: CallRow) -> Write:
        """The row of a call that goes straight on."""
        return lambda c: store.insert_call(c, row)

    def hold(self, row: CallRow, approval: ApprovalRow) -> tuple[Write, ...]:
        """The rows of a call that waits for a person. Raises TooMany where too many wait already."""
        return (
            lambda c: store.must_have_room(c, row.tenant, row.actor_id, WAITING_PER_ACTOR_MAX),
            lambda c: store.insert_call(c, row),
            lambda c: store.insert_approval(c, approval),
            self.on_hold(approval),
        )

    def done_row(self, key: str) -> Callable[[Call, JsonValue, JsonValue], Write]:
        """For a change of our own rows with an idempotency key: a row that is done when it is made, in the same transaction as the change."""

        def row_of(call: Call, params: JsonValue, answer: JsonValue) -> Write:
            return self.insert(self.opened(call, params, State.DONE, key=key, answer=answer))

        return row_of

    def begin(self, row: CallRow, *, attempt: int) -> Write:
        """approved (or left) -> running, by this process. Raises Conflict where somebody else has begun."""
        at_us = self._clock.now_us()
        return lambda c: store.move_call(
            c, row.tenant, row.id, expected=row.state, held_by=(row.boot, row.attempt), to=State.RUNNING, at_us=at_us,
            boot=self.boot, attempt=attempt,
        )  # fmt: skip

    def end(
        self, call: Call, params: JsonValue, state: State, *, code: str, answer: JsonValue, expected: State, held_by: tuple[str, int] | None = None
    ) -> Write:  # fmt: skip
        """-> done, failed, unknown, rejected or expired, with the sealed answer. `held_by`: the process and attempt that the row must be of still; this
        process's by default. So who comes late, after another has taken the call over, changes nothing: Conflict."""
        subject = self.subject(call.action, call.actor, params)
        sealed_answer = self._seal(call.tenant, "call", "answer", call.id, orjson.dumps(answer), subject)
        at_us, holder = self._clock.now_us(), held_by or (self.boot, call.attempt)
        told = self.under_way.get(call.id, True)
        return lambda c: store.move_call(
            c, call.tenant, call.id, expected=expected, held_by=holder, told=told, to=state, at_us=at_us, code=code,
            answer=sealed_answer,
        )  # fmt: skip

    def leave(self, call: CallId, tenant: TenantId) -> None:
        """This process is done with the call. Who waits for one that went straight on waits here."""
        if self.under_way.pop(call, True) is False:
            self.watch.touch(tenant)

    def lapse(self, row: CallRow, why: OstiaryError | None = None) -> Write:
        """held -> expired. Raises Conflict where somebody decided in the last moment."""
        error = why or ApprovalExpired()
        problem, at_us = {"problem": error.problem()}, self._clock.now_us()
        answer = self._seal(
            row.tenant, "call", "answer", row.id, orjson.dumps(problem), SubjectId(row.actor_id)
        )
        return lambda c: store.move_call(
            c, row.tenant, row.id, expected=State.HELD, to=State.EXPIRED, at_us=at_us, code=error.code, answer=answer
        )  # fmt: skip

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


def session_of(call: Call) -> str:
    """In which session a yes counts again: the agent's own, else the sign-in or the key."""
    return call.session or call.actor.session


def _terms(row: ApprovalRow) -> dict[str, JsonValue]:
    """What the row says beside the card."""
    return {
        "approval": row.id,
        "call": row.call,
        "rule": row.rule,
        "risk": row.risk,
        "engine": row.policy,
        "action": row.action,
        "contract": row.contract,
        "actor": row.actor_id,
        "session": row.session,
        "step_up": row.step_up,
        "self_approval": row.self_approval,
        "sinks": row.sinks.hex(),
        "asked": row.asked_us,
        "expires": row.expires_us,
        "nonce": row.nonce,
    }
