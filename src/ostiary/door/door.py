"""The one path. Every operation, whoever asks and whichever face they use, is a call of a registered action and passes here, in this order:

    enter       who asks: address and rate first, then the credential; nobody is an actor too
    admit       shield: the actor's limits
    authorise   access: tenant, role, scope, surface
    contract    parameters against the pinned schema; whose record it is
    consent     run, ask a person, or refuse
    intend      record and idempotency row committed, before anything outside is touched
    run         the action's function, which reaches out only through a connector
    redact      what the actor may not see is masked on the way out
    record      the outcome is durable before the answer leaves

Nothing passes that is not recorded: if the log cannot be written, the call is refused (no audit, no passage).
"""

import asyncio
from collections.abc import Coroutine

from sqlalchemy.exc import IntegrityError

from ostiary import ids, log, metrics
from ostiary.access.authorise import Refused as NotAuthorised
from ostiary.access.authorise import authorise
from ostiary.actions import (
    Action,
    Actor,
    ActorKind,
    Call,
    Effect,
    Face,
    JsonValue,
    Recorded,
    Registry,
    Surface,
)
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.clock import Clock
from ostiary.consent import policy
from ostiary.consent.ledger import Ledger, Question
from ostiary.consent.store import CallRow, State
from ostiary.contracts.book import Book, visible
from ostiary.contracts.provenance import Provenance
from ostiary.door import record
from ostiary.door.outcome import Done, Held, Outcome
from ostiary.door.passage import Passage, asked
from ostiary.door.perform import Performer
from ostiary.errors import (
    ApprovalRejected,
    AuditUnavailable,
    InFlight,
    KeysUnavailable,
    NotAuthenticated,
    NotYourRecord,
    OffContract,
    OstiaryError,
    OutcomeUnknown,
    Replayed,
    StoreUnavailable,
    TooMany,
    by_code,
)
from ostiary.identity.gate import Entrance, Gate
from ostiary.identity.presented import Presented
from ostiary.ids import CallId
from ostiary.shield.admission import Shield
from ostiary.vault.sealing import Vault

_LOG = log.get("door")

ENTER = "door.enter"
"""What the log calls a request whose credential was refused: it never became a call."""

UNKNOWN_ACTION = "off.contract"
"""What the log calls an action that does not exist: the name that was asked for is the caller's text, and is kept sealed."""


class Door:
    """`enter` says who asks, `call` is the path. Built once, by `app`."""

    def __init__(
        self,
        registry: Registry,
        gate: Gate,
        shield: Shield,
        book: Book,
        provenance: Provenance,
        ledger: Ledger,
        performer: Performer,
        audit: Audit,
        vault: Vault,
        clock: Clock,
        *,
        step_up_s: int,
    ) -> None:
        self._registry = registry
        self._gate = gate
        self._shield = shield
        self._book = book
        self._provenance = provenance
        self._ledger = ledger
        self._performer = performer
        self._audit = audit
        self._vault = vault
        self._clock = clock
        self._step_up_s = step_up_s
        self._under_way: set[asyncio.Task[JsonValue]] = set()

    async def enter(self, presented: Presented) -> Entrance:
        """Who asks. Raises CredentialRefused, SignatureRefused, Replayed or TooMany; what fails counts against its address, and is recorded."""
        try:
            entrance = await self._gate.enter(presented)
        except OstiaryError as error:
            self._shield.stranger(presented.address)
            actor = await self._gate.whose(presented)
            await self.turned_away(actor, ENTER, error, face=presented.face)
            raise
        if entrance.actor.kind is ActorKind.ANONYMOUS:
            self._shield.stranger(presented.address)
        return entrance

    async def call(
        self, entrance: Entrance, name: str, raw: JsonValue, *, face: Face, key: str = "", behalf: str = ""
    ) -> Outcome:
        """Take one call through. Raises the OstiaryError that refused or failed it, after it has been recorded.

        `raw`: the parameters as JSON gave them. `key`: the caller's Idempotency-Key. `behalf`: whom an agent says it acts for; shown, never trusted.
        """
        clock = self._clock
        passage = Passage(
            entrance.actor, face, CallId(ids.new("cal")), clock.now_us(), clock.monotonic_us(), entrance.claims, raw, key, behalf, name,
        )  # fmt: skip
        self._shield.begin(entrance.actor)
        try:
            outcome = await self._pass(passage)
        except OstiaryError as error:
            await self._refused(passage, error)
            raise
        except Exception as fault:
            _LOG.error("call.broke", call=passage.call, error=type(fault).__name__, where=log.where(fault))
            await self._refused(passage, OstiaryError())
            raise OstiaryError from fault
        finally:
            self._shield.end(entrance.actor)
            metrics.seconds(face).observe((clock.monotonic_us() - passage.started_us) / 1e6)
        return outcome

    async def turned_away(self, actor: Actor, name: str, error: OstiaryError, *, face: Face) -> None:
        """Record a request that is refused before it is a call: its credential does not count, or it cannot be read. Raises TooMany instead where it
        comes faster than the actor's calls may."""
        self._shield.admit(actor)
        metrics.REFUSALS.labels(error.code).inc()
        if isinstance(error, StoreUnavailable | KeysUnavailable):
            return  # the log is in the same database: the caller is told, and there is nowhere to write it
        event = record.refusal(
            self._vault, actor, name, face, CallId(ids.new("cal")), self._clock.now_us(), error, duration_us=0, asked={}
        )  # fmt: skip
        await self._audit.record(Entry((event,)))

    async def visible(self, actor: Actor) -> list[Action]:
        """The actions that this actor could call: what a face lists (tools, OpenAPI, pages)."""
        known = [*self._registry.all().values(), *(await self._book.actions(actor.tenant)).values()]
        return visible(actor, known)

    async def _pass(self, passage: Passage) -> Outcome:
        actor = passage.actor
        self._shield.admit(actor)  # admit
        action = passage.action = await self._known(passage)
        if isinstance(allowed := authorise(actor, action), NotAuthorised):  # authorise
            raise allowed.error
        params = action.params.parse(passage.raw)  # contract
        plain = passage.plain = record.plain(params)
        own_record(actor, action, plain)
        call = Call(passage.call, actor, action, passage.face, passage.at_us, passage.call, passage.behalf)
        if not actor.id:
            passage.key = ""  # nobody's key would be everybody's: another stranger could ask for the answer
        if passage.key and action.effect is not Effect.NONE:
            earlier = await self._ledger.earlier(actor, action.name, plain, passage.key)
            if earlier:
                call.id = earlier.id
                again = record.event(self._vault, call, Decision.REPEATED, code=earlier.state, params=plain)
                await self._commit(passage, Entry((again,), passage.claims))
                return await self.outcome_of(earlier)
        verdict = policy.decide(action, actor, now_us=passage.at_us, step_up_s=self._step_up_s)  # consent
        if isinstance(verdict, policy.Refuse):
            raise verdict.error
        if isinstance(verdict, policy.Ask) and not (
            verdict.memory
            and actor.surface
            is not Surface.WRITE_ONLY  # whoever comes with that key is somebody else each time
            and await self._ledger.has_memory(actor, action, plain)
        ):
            return await self._hold(passage, call, params, plain, verdict)
        return await self._run(passage, call, params, plain)

    async def _known(self, passage: Passage) -> Action:
        action = self._registry.get(passage.name) or await self._book.get(passage.actor.tenant, passage.name)
        if action is None:
            raise NotAuthenticated if passage.actor.kind is ActorKind.ANONYMOUS else OffContract
        return action

    async def _hold(
        self, passage: Passage, call: Call, params: object, plain: JsonValue, verdict: policy.Ask
    ) -> Outcome:
        """Nothing runs: the question and the call's row are committed together."""
        await self._vault.prepare(
            call.tenant, "call", (self._ledger.subject(call.action, call.actor, plain),)
        )
        action = call.action
        question = Question(
            rule=verdict.rule,
            sentence=action.sentence,
            title=action.title,
            description=action.description,
            parameters=[
                {"name": origin.name, "pointer": origin.pointer, "value": origin.value, "origin": origin.kind, "source": origin.source}
                for origin in self._provenance.explain(call.actor, record.recordable(action, plain))
            ],
            request=action.preview(call, params) if action.preview else None,
        )  # fmt: skip
        row = self._ledger.opened(call, plain, State.HELD, key=passage.key)
        approval = self._ledger.asked(call, plain, question)
        held = record.event(
            self._vault, call, Decision.HELD, code=verdict.rule, approval=approval.id, params=plain
        )
        await self._commit(passage, Entry((held,), (*passage.claims, *self._ledger.hold(row, approval))))
        self._ledger.watch.touch(call.tenant)
        metrics.calls(call.face, "held").inc()
        return Held(call.id, approval.id, approval.expires_us, verdict.rule)

    async def _run(self, passage: Passage, call: Call, params: object, plain: JsonValue) -> Outcome:
        if call.action.effect is Effect.OUTSIDE:  # intend
            await self._vault.prepare(
                call.tenant, "call", (self._ledger.subject(call.action, call.actor, plain),)
            )
            row = self._ledger.opened(call, plain, State.RUNNING, key=passage.key)
            intended = record.event(self._vault, call, Decision.INTENDED, params=plain)
            await self._commit(passage, Entry((intended,), (*passage.claims, self._ledger.insert(row))))
            result = await self._seen_through(
                self._performer.outside(call, params, plain, passage.started_us)
            )
        else:
            passage.began, passage.recorded = True, call.action.recorded is Recorded.COUNTED
            row_of = (
                self._ledger.done_row(passage.key)
                if passage.key and call.action.effect is Effect.LOCAL
                else None
            )
            result = await self._performer.inside(
                call, params, plain, passage.claims, row_of, passage.started_us
            )
        return Done(call.id, result, {} if call.actor.surface is Surface.WRITE_ONLY else call.counts)

    async def _seen_through(self, work: Coroutine[None, None, JsonValue]) -> JsonValue:
        """What has begun outside goes on to its record, also when the caller hangs up."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def drain(self, timeout_s: float) -> None:
        """Wait for what is under way outside, when the gateway stops."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=timeout_s)

    async def outcome_of(self, row: CallRow) -> Outcome:
        """What became of a call that stands in the ledger. Raises what it failed with, InFlight or OutcomeUnknown."""
        if row.state in (State.HELD, State.APPROVED):
            approval = await self._ledger.approval_of(row.tenant, row.id)
            if approval:
                return Held(row.id, approval.id, approval.expires_us, approval.rule)
        if row.state in (State.RUNNING, State.APPROVED, State.HELD):
            raise InFlight
        if row.state is State.UNKNOWN:
            raise OutcomeUnknown
        if row.state is State.REJECTED:
            question = await self._ledger.approval_of(row.tenant, row.id)
            raise ApprovalRejected(self._ledger.reason_of(question) if question else "")
        answer = self._ledger.answer_of(row)
        if row.state is State.DONE:
            return Done(row.id, answer["result"] if answer else None, {})
        problem = answer["problem"] if answer else {}
        raise by_code(row.code)(str(problem.get("detail", "")))

    async def _commit(self, passage: Passage, entry: Entry) -> None:
        """Commit the first rows of a call. The same idempotency key at the same moment: one wins, the other is told that it is under way."""
        try:
            await self._audit.record(entry)
        except IntegrityError:
            raise InFlight from None
        passage.recorded = True

    async def _refused(self, passage: Passage, error: OstiaryError) -> None:
        metrics.REFUSALS.labels(error.code).inc()
        if passage.recorded or isinstance(error, AuditUnavailable):
            return
        if isinstance(error, TooMany) and not self._shield.worth_recording(passage.actor):
            return
        action = passage.action
        event = record.refusal(
            self._vault, passage.actor, action.name if action else UNKNOWN_ACTION, passage.face, passage.call, passage.at_us, error,
            duration_us=self._clock.monotonic_us() - passage.started_us, asked=asked(passage),
            contract=action.hash if action and action.contract else "", risk=action.risk if action else "",
            decision=Decision.FAILED if passage.began else Decision.REFUSED,
        )  # fmt: skip
        metrics.calls(passage.face, event.decision).inc()
        # A nonce that is taken cannot be claimed: trying again would undo the record too.
        claims = () if isinstance(error, Replayed) else passage.claims
        await self._audit.record(Entry((event,), claims))


def own_record(actor: Actor, action: Action, params: JsonValue) -> None:
    """On the customer surface, the record must be the customer's own. Raises NotYourRecord: what is another's does not exist."""
    if (
        actor.surface is Surface.CUSTOMER
        and action.own
        and (not actor.subject or params.get(action.own) is None or str(params[action.own]) != actor.subject)
    ):
        raise NotYourRecord  # ids that are numbers in the contract are compared as they are written
