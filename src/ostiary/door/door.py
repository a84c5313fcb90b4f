"""The one path. Every operation, whoever asks and whichever face they use, is a call of a registered action and passes here, in this order:

    enter       who asks: address and rate first, then the credential; nobody is an actor too
    admit       shield: the actor's limits
    authorise   access: tenant, role, scope, surface; and that no person has stopped it
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
from contextlib import nullcontext

from sqlalchemy.exc import IntegrityError

from ostiary import ids, log, metrics, traces
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
from ostiary.audit.event import Decision, Entry, Event
from ostiary.audit.log import Audit
from ostiary.clock import Clock
from ostiary.consent import policy
from ostiary.consent.ledger import Ledger
from ostiary.consent.store import CallRow, State
from ostiary.contracts.book import Book, visible
from ostiary.door import record
from ostiary.door.consenting import Consenting, Decided, previewed, question_of, used
from ostiary.door.outcome import Done, Held, Outcome
from ostiary.door.passage import Passage, asked
from ostiary.door.perform import Performer
from ostiary.door.times import ADMIT, AUTHORISE, CONSENT, CONTRACT, INTEND, RECORD, Times
from ostiary.door.times import ENTER as ENTERING
from ostiary.errors import (
    AllowanceSpent,
    ApprovalRejected,
    AuditUnavailable,
    Elsewhere,
    InFlight,
    KeysUnavailable,
    NotAuthenticated,
    NotYourRecord,
    OffContract,
    OstiaryError,
    OutcomeUnknown,
    Replayed,
    StoreUnavailable,
    TenantMoves,
    TooMany,
    by_code,
)
from ostiary.identity.gate import Entrance, Gate
from ostiary.identity.presented import Presented
from ostiary.ids import CallId
from ostiary.labelled import amounts_of
from ostiary.provenance.provenance import Provenance
from ostiary.shield.admission import Shield
from ostiary.turns import Turns, away
from ostiary.vault.sealing import Vault

_LOG = log.get("door")

ENTER = "door.enter"
"""What the log calls a request whose credential was refused: it never became a call."""

STORING = frozenset(
    {"connector.put", "contract.apply", "redaction_plan.put", "redaction_rules.put", "document.upload"}
)
"""Changes of our own rows that may be large."""
STORING_JOBS = frozenset({"audit.export"})
"""Kinds of jobs that make files."""

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
        consenting: Consenting,
        ledger: Ledger,
        performer: Performer,
        audit: Audit,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._gate = gate
        self._shield = shield
        self._book = book
        self._provenance = provenance
        self._consenting = consenting
        self._ledger = ledger
        self._performer = performer
        self._audit = audit
        self._vault = vault
        self._clock = clock
        self._under_way: set[asyncio.Task[JsonValue]] = set()
        self._turns = Turns()

    async def enter(self, presented: Presented) -> Entrance:
        """Who asks. Raises CredentialRefused, SignatureRefused, Replayed or TooMany; what fails counts against its address, and is recorded. Elsewhere or
        TenantMoves: of a tenant that other processes serve."""
        times = Times(self._clock, ENTERING)
        try:
            with traces.span("enter"):
                entrance = await self._gate.enter(presented)
        except (Elsewhere, TenantMoves) as error:
            metrics.REFUSALS.labels(
                error.code
            ).inc()  # the credential is good, and what becomes of it stands in the log of its tenant
            raise
        except OstiaryError as error:
            await self._shield.stranger(presented.address)
            actor = await self._gate.whose(presented)
            await self.turned_away(actor, ENTER, error, face=presented.face)
            raise
        finally:
            times.end()
        if entrance.actor.kind is ActorKind.ANONYMOUS:
            await self._shield.stranger(presented.address)
        return entrance

    async def call(
        self,
        entrance: Entrance,
        name: str,
        raw: JsonValue,
        *,
        face: Face,
        key: str = "",
        behalf: str = "",
        session: str = "",
        dry: bool = False,
    ) -> Outcome:
        """Take one call through. Raises the OstiaryError that refused or failed it, after it has been recorded.

        `raw`: the parameters as JSON gave them. `key`: the caller's Idempotency-Key. `behalf`: whom an agent says it acts for; shown, never trusted.
        `session`: the agent's session that it names; the door looks whether it is open, and this actor's. `dry`: say what would become of it, and do nothing.
        """
        times = Times(self._clock, ADMIT)
        passage = Passage(
            entrance.actor, face, CallId(ids.new("cal")), self._clock.now_us(), times, entrance.claims, raw, "" if dry else key, behalf, name, session, dry,
        )  # fmt: skip
        held = log.CALL.set(passage.call)
        self._shield.begin(entrance.actor)
        try:
            with traces.span("call") as span:
                async with self._turns.turn(entrance.actor.tenant) if face is not Face.JOB else nullcontext():
                    return await (self._traced(passage, span) if span else self._through(passage))
        finally:
            self._shield.end(entrance.actor)
            metrics.seconds(face).observe(times.end())
            log.CALL.reset(held)

    async def _traced(self, passage: Passage, span: traces.Span) -> Outcome:
        passage.times.trace(traces.steps())
        span.attributes |= {"ostiary.face": passage.face, "ostiary.call": passage.call}
        try:
            outcome = await self._through(passage)
            span.attributes["ostiary.decision"] = type(outcome).__name__.lower()
            return outcome
        finally:
            passage.times.end()
            if passage.action:
                span.attributes["ostiary.action"] = passage.action.name

    async def _through(self, passage: Passage) -> Outcome:
        try:
            return await self._pass(passage)
        except OstiaryError as error:
            await self._refused(passage, error)
            raise
        except Exception as fault:
            _LOG.error("call.broke", call=passage.call, error=type(fault).__name__, where=log.where(fault))
            await self._refused(passage, OstiaryError())
            raise OstiaryError from fault

    async def still(self, actor: Actor, action: str = "") -> None:
        """For whoever is kept waiting, or worked for. Raises Stopped as soon as a person has stopped them, or that action."""
        await self._shield.stops.check(actor, action)

    async def turned_away(self, actor: Actor, name: str, error: OstiaryError, *, face: Face) -> None:
        """Record a request that is refused before it is a call: its credential does not count, or it cannot be read. Raises TooMany instead where it
        comes faster than the actor's calls may."""
        await self._shield.admit(actor)
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
        times = passage.times
        await self._shield.admit(actor)
        times.to(AUTHORISE)
        action = passage.action = await self._known(passage)
        if isinstance(allowed := authorise(actor, action), NotAuthorised):
            raise allowed.error
        await self._shield.stops.check(actor, action.name)  # the kill switch
        times.to(CONTRACT)
        params = action.params.parse(passage.raw)
        plain = passage.plain = record.plain(params)
        own_record(actor, action, plain)
        call = Call(passage.call, actor, action, passage.face, passage.at_us, passage.call, passage.behalf)
        if passage.session:
            await self._provenance.sessions.named(actor, passage.session)
            call.session = passage.session
        if not actor.id:
            passage.key = ""  # nobody's key would be everybody's: another stranger could ask for the answer
        if passage.key and action.effect is not Effect.NONE:
            earlier = await self._ledger.earlier(actor, action.name, plain, passage.key)
            if earlier:
                call.id = earlier.id
                again = record.event(self._vault, call, Decision.REPEATED, code=earlier.state, params=plain)
                await self._commit(passage, Entry((again,), passage.claims))
                return await self.outcome_of(earlier)
        if _stores(action, plain):
            await self._shield.storing(actor)
        amounts = amounts_of(action, plain)
        call.charges = await self._shield.charges(call, plain, amounts)
        times.to(CONSENT)
        decided = await self._consenting.decided(call, plain, amounts)
        passage.facts = call.facts = decided.facts
        if isinstance(decided.judged.verdict, policy.Refuse):
            raise decided.judged.verdict.error
        if passage.dry:
            return await self._previewed(passage, call, params, plain, decided)
        if decided.asks:
            return await self._hold(passage, call, params, plain, decided)
        try:
            return await self._run(passage, call, params, plain, decided)
        except AllowanceSpent:  # somebody was faster: a person is asked, as if there had been none
            decided = await self._consenting.decided(call, plain, amounts, answered=False)
            call.facts = decided.facts
            return await self._hold(passage, call, params, plain, decided)

    async def _known(self, passage: Passage) -> Action:
        action = self._registry.get(passage.name) or await self._book.get(passage.actor.tenant, passage.name)
        working = passage.face is Face.JOB and passage.actor.kind is ActorKind.SERVICE
        if (
            action is None or action.step is not working
        ):  # a step is the worker's alone, and all that it calls
            raise NotAuthenticated if passage.actor.kind is ActorKind.ANONYMOUS else OffContract
        return action

    async def _previewed(
        self, passage: Passage, call: Call, params: object, plain: JsonValue, decided: Decided
    ) -> Outcome:
        """A dry run: what would become of the call, and what would be sent, for who may read contracts. Nothing is done, asked or used up."""
        shows = call.action.preview if "contract.read" in call.actor.permissions else None
        request = shows(call, params) if shows else None
        event = record.event(self._vault, call, Decision.PREVIEWED, code=decided.judged.rule, params=plain)
        await self._commit(passage, Entry((event,), passage.claims))
        metrics.calls(call.face, "previewed").inc()
        return previewed(call.id, decided, request)

    async def _hold(
        self, passage: Passage, call: Call, params: object, plain: JsonValue, decided: Decided
    ) -> Outcome:
        """Nothing runs: the question and the call's row are committed together."""
        passage.times.to(INTEND)
        await self._vault.prepare(
            call.tenant, "call", (self._ledger.subject(call.action, call.actor, plain),)
        )
        question = question_of(call, params, decided)
        row = self._ledger.opened(call, plain, State.HELD, key=passage.key)
        approval = self._ledger.asked(call, plain, question)
        held = record.event(
            self._vault, call, Decision.HELD, code=question.rule, approval=approval.id, params=plain
        )
        told = await self._provenance.written(call, decided.evidence, held=True)
        await self._commit(
            passage,
            Entry(
                (held,), (*passage.claims, *self._ledger.hold(row, approval), *told, *call.charges.waiting())
            ),
        )
        metrics.calls(call.face, "held").inc()
        return Held(call.id, approval.id, approval.expires_us, question.rule)

    async def _run(
        self, passage: Passage, call: Call, params: object, plain: JsonValue, decided: Decided
    ) -> Outcome:
        if call.action.effect is Effect.OUTSIDE:
            passage.times.to(INTEND)
            await self._vault.prepare(
                call.tenant, "call", (self._ledger.subject(call.action, call.actor, plain),)
            )
            row = self._ledger.opened(call, plain, State.RUNNING, key=passage.key)
            intended = self._intended(call, plain, decided)
            told = await self._provenance.written(call, decided.evidence)
            self._ledger.under_way[call.id] = False
            try:
                rows = (
                    *passage.claims,
                    self._ledger.insert(row),
                    *told,
                    *call.charges.intended(),
                    *used(decided),
                )
                await self._commit(passage, Entry((intended,), rows))
            except BaseException:  # where the commit stood all the same, the resumer finds the row
                self._ledger.leave(call.id, call.tenant)
                raise
            outside = self._in_turn(call, self._performer.outside(call, params, plain, passage.times))
            async with away():
                result = await self._seen_through(outside)
        else:
            if (
                decided.covered
            ):  # used up before anything is read: an answer that cannot be counted is not got
                await self._commit(
                    passage, Entry((self._intended(call, plain, decided),), (*passage.claims, *used(decided)))
                )
                passage.claims, passage.facts = (), None
            passage.began, passage.recorded = True, call.action.recorded is Recorded.COUNTED
            row_of = (
                self._ledger.done_row(passage.key)
                if passage.key and call.action.effect is Effect.LOCAL
                else None
            )
            result = await self._performer.inside(call, params, plain, passage.claims, row_of, passage.times)
        return Done(call.id, result, {} if call.actor.surface is Surface.WRITE_ONLY else call.counts)

    def _intended(self, call: Call, plain: JsonValue, decided: Decided) -> Event:
        """The first event of a call that goes straight on; the facts are in it, and in no later one."""
        covered = decided.covered.id if decided.covered else ""
        event = record.event(self._vault, call, Decision.INTENDED, approval=covered, params=plain)
        call.facts = None
        return event

    async def _in_turn(self, call: Call, work: Coroutine[None, None, JsonValue]) -> JsonValue:
        async with self._turns.turn(call.tenant):
            return await work

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
        passage.times.to(RECORD)
        metrics.REFUSALS.labels(error.code).inc()
        if passage.recorded or isinstance(error, AuditUnavailable):
            return
        if isinstance(error, TooMany) and not self._shield.worth_recording(passage.actor):
            return
        action = passage.action
        event = record.refusal(
            self._vault, passage.actor, action.name if action else UNKNOWN_ACTION, passage.face, passage.call, passage.at_us, error,
            duration_us=passage.times.took_us, asked=asked(passage),
            contract=action.hash if action and action.contract else "", risk=action.risk if action else "",
            decision=Decision.FAILED if passage.began else Decision.REFUSED,
            about=record.one_subject(action, passage.raw if passage.plain is None else passage.plain),
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


def _stores(action: Action, plain: JsonValue) -> bool:
    """Whether a call leaves more behind than its record: what a contract does keeps parameters and answer. Our own changes are small, and some make room."""
    starts = action.name == "job.start" and isinstance(plain, dict) and plain.get("kind") in STORING_JOBS
    return starts or action.name in STORING or (action.contract and action.effect is not Effect.NONE)
