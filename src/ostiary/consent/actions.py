"""What people do with held calls: look, approve, reject; and what askers do with their own calls: look how they ended."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from ostiary.actions import (
    Action,
    Actor,
    ActorKind,
    Call,
    Effect,
    JsonValue,
    Masking,
    Recorded,
    Risk,
    Route,
    Surface,
    Trace,
)
from ostiary.clock import Clock, rfc3339
from ostiary.consent import cards, policy, store
from ostiary.consent.approving import Approving
from ostiary.consent.cards import Approve, Asker, Card, Cards, ListApprovals, OneApproval, Reject
from ostiary.consent.ledger import Ledger
from ostiary.consent.quorum import store as quorum_store
from ostiary.consent.quorum.store import VoteRow
from ostiary.consent.store import ApprovalRow, CallRow, State
from ostiary.db.database import Database
from ostiary.errors import (  # fmt: skip
    ApprovalAgain,
    ApprovalClosed,
    ApprovalExpired,
    ApprovalStale,
    CallWithdrawn,
    Conflict,
    Forbidden,
    NotAuthenticated,
    NotFound,
    OstiaryError,
    StepUpRequired,
)
from ostiary.evidence import Kind
from ostiary.ids import CallId, TenantId
from ostiary.shapes import Answer, ModelShape, Page, Params

WAIT_S_MAX = 30
LOOK_EVERY_S = 1.0
ALL_SURFACES = frozenset(Surface)
CallIdText = Annotated[str, Field(pattern=r"^cal_[0-9a-f]{32}$")]


class ListCalls(Page):
    state: Literal[
        "held", "approved", "running", "done", "failed", "rejected", "expired", "unknown", "any"
    ] = "any"


class OneCall(Params):
    """`wait_s`: answer as soon as the call has ended, after this many seconds at most."""

    call_id: CallIdText
    wait_s: Annotated[int, Field(ge=0, le=WAIT_S_MAX)] = 0


class Withdraw(Params):
    """One's own call that waits for a person."""

    call_id: CallIdText


class Settle(Params):
    """What a person found out about a call of unknown outcome."""

    call_id: CallIdText
    outcome: Literal["done", "not_done"]
    note: Annotated[str, Field(max_length=1000)] = ""


class CallState(Answer):
    """`state` is held, approved, running, done, failed, rejected, expired or unknown. `result` when done, `problem` (RFC 9457) when not."""

    call_id: str
    state: str
    action: str
    code: str
    asked_at: str
    changed_at: str
    actor_kind: str
    actor_id: str
    approval_id: str | None
    expires_at: str | None
    result: JsonValue
    problem: JsonValue


class CallStates(Answer):
    calls: list[CallState]
    next: str


Surroundings = Callable[[TenantId, Sequence[tuple[str, JsonValue]]], Awaitable[Sequence[str]]]
"""`await surroundings(tenant, [(source, value), ...])`: an excerpt for each, empty where there is none."""


async def _none(_tenant: TenantId, places: Sequence[tuple[str, JsonValue]]) -> Sequence[str]:
    return [""] * len(places)


class Consent:
    """The functions behind the actions. `wake`: tell the gateway that an approved call waits to go on. `still`: raises Stopped for who is kept waiting, as
    soon as a person has stopped them."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        clock: Clock,
        approving: Approving,
        *,
        step_up_s: int,
        wake: Callable[[], None],
        still: Callable[[Actor], Awaitable[None]],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self._approving = approving
        self._step_up_s = step_up_s
        self._wake = wake
        self._still = still
        self.surroundings: Surroundings = _none
        """What stands around values where they were read; the app says who knows."""

    async def list_approvals(self, call: Call, asked: ListApprovals) -> Cards:
        states = [] if asked.state == "any" else [asked.state]

        def look(connection: Any) -> tuple[list[tuple[ApprovalRow, CallRow]], int]:
            rows = store.list_approvals(
                connection, call.tenant, states=states, before=asked.cursor, limit=asked.limit + 1
            )
            return rows, store.count_waiting(connection, call.tenant)

        rows, waiting = await self._database.run(look)
        shown = rows[: asked.limit]
        more = shown[-1][0].id if len(rows) > asked.limit else ""
        votes = await self._ledger.votes(call.tenant, [row.call for row, _ in shown])
        return Cards(
            approvals=[await self._card(call.actor, row, of, votes[row.call]) for row, of in shown],
            next=more,
            waiting=waiting,
        )

    async def show_approval(self, call: Call, asked: OneApproval) -> Card:
        row, of = await self._found(call.tenant, asked.approval_id)
        card = await self._card(call.actor, row, of, await self._votes(row))
        return await self._with_surroundings(call.tenant, card) if row.state == "waiting" else card

    async def _with_surroundings(self, tenant: TenantId, card: Card) -> Card:
        """What stands around the untrusted values there where they were read. It is looked up each time, and kept nowhere."""
        asked = [(part.source, part.value) for part in card.parameters]
        wanted = [part.origin == Kind.UNTRUSTED and part.value != cards.HIDDEN for part in card.parameters]
        if not any(wanted):
            return card
        found = await self.surroundings(tenant, [place if want else ("", None) for place, want in zip(asked, wanted, strict=True)])  # fmt: skip
        parts = [part.model_copy(update={"excerpt": text}) for part, text in zip(card.parameters, found, strict=True)]  # fmt: skip
        return card.model_copy(update={"parameters": parts})

    async def approve(self, call: Call, asked: Approve) -> Card:
        """Say yes. With the last yes that it wants it runs at once, as it was shown, and once."""
        row, of = await self._found(call.tenant, asked.approval_id)
        votes = await self._votes(row)
        if hindrance := await self._hindrance(call.actor, row, of, votes):
            raise hindrance
        if asked.digest != row.binding.hex():
            raise ApprovalStale("The card has changed; look at it again.")
        at_us, by = self._clock.now_us(), call.actor.id
        vouched = self._ledger.vouch(row, by=by, at_us=at_us)
        quorum = self._ledger.needs_of(row).quorum
        if quorum > 1:
            vote = VoteRow(row.call, len(votes) + 1, row.id, by, at_us, vouched)
            call.write(lambda c: quorum_store.cast(c, row.tenant, vote))
            votes = [*votes, vote]
        if quorum > len(votes) and quorum > 1:
            call.traces.append(Trace(row.call, row.action, "agreed", row.id))
            return await self._card(call.actor, row, of, votes)
        self._say_yes(call, row, at_us=at_us, vouched=vouched)
        return await self._card(call.actor, row, of, votes, state="approved", by=by, at_us=at_us)

    def _say_yes(self, call: Call, row: ApprovalRow, *, at_us: int, vouched: bytes) -> None:
        """The question is answered, and the call may go on."""
        by = call.actor.id
        call.write(
            lambda c: store.decide_approval(
                c, row.tenant, row.id, state="approved", by=by, at_us=at_us, vouched=vouched
            )
        )
        call.write(
            lambda c: store.move_call(
                c,
                row.tenant,
                row.call,
                expected=State.HELD,
                to=State.APPROVED,
                at_us=at_us,
                boot=self._ledger.boot,
            )
        )
        self._follow(call, row, "approved")
        call.then(self._wake)

    async def reject(self, call: Call, asked: Reject) -> Card:
        """Say no. Nothing is done, and the asker is told."""
        row, of = await self._found(call.tenant, asked.approval_id)
        if row.state != "waiting":
            raise ApprovalClosed
        at_us, reason = self._clock.now_us(), self._ledger.sealed_reason(row, asked.reason)
        call.write(
            lambda c: store.decide_approval(
                c, row.tenant, row.id, state="rejected", by=call.actor.id, at_us=at_us, reason=reason
            )
        )
        call.write(
            lambda c: store.move_call(
                c,
                row.tenant,
                row.call,
                expected=State.HELD,
                to=State.REJECTED,
                at_us=at_us,
                code="approval.rejected",
            )
        )
        self._follow(call, row, "rejected")
        votes = await self._votes(row)
        return await self._card(call.actor, row, of, votes, state="rejected", by=call.actor.id, at_us=at_us)

    async def show_call(self, call: Call, asked: OneCall) -> CallState:
        deadline_us = self._clock.monotonic_us() + asked.wait_s * 1_000_000
        while True:
            seen = self._ledger.watch.version(call.tenant)
            if call.actor.kind is ActorKind.ANONYMOUS:
                raise NotAuthenticated
            row = await self._own_or_read(call.actor, CallId(asked.call_id))
            left_s = (deadline_us - self._clock.monotonic_us()) / 1_000_000
            if row.state in (*store.ENDED, State.UNKNOWN) or left_s <= 0 or self._ledger.watch.stopping():
                return await self._state(call.actor, row)
            await self._still(call.actor)
            await self._ledger.watch.beyond(call.tenant, seen, min(left_s, LOOK_EVERY_S))

    async def withdraw(self, call: Call, asked: Withdraw) -> CallState:
        """Take back one's own call while it waits: nothing is done."""
        row = await self._ledger.call_row(call.tenant, CallId(asked.call_id))
        if row is None or row.actor_id != call.actor.id:
            raise NotFound
        approval = await self._ledger.approval_of(call.tenant, row.id)
        if row.state is not State.HELD or approval is None:
            raise Conflict("Only a call that waits for a person can be withdrawn.")
        call.write(self._ledger.close(approval))
        call.write(self._ledger.lapse(row, CallWithdrawn()))
        call.traces.append(Trace(row.id, row.action, "expired", approval.id, code=CallWithdrawn.code))
        call.then(lambda: self._ledger.decided(approval, "withdrawn"))
        state = await self._state(call.actor, row)
        told = {
            "state": "expired",
            "code": CallWithdrawn.code,
            "problem": CallWithdrawn().problem(),
            "expires_at": None,
        }
        return state.model_copy(update=told)

    async def list_calls(self, call: Call, asked: ListCalls) -> CallStates:
        states = [] if asked.state == "any" else [asked.state]
        mine = "" if "call.read" in call.actor.permissions else call.actor.id
        rows = await self._database.run(
            lambda c: store.list_calls(
                c, call.tenant, states=states, before=asked.cursor, limit=asked.limit + 1, actor_id=mine
            )
        )
        shown = rows[: asked.limit]
        more = shown[-1].id if len(rows) > asked.limit else ""
        return CallStates(calls=[await self._state(call.actor, row) for row in shown], next=more)

    async def settle(self, call: Call, asked: Settle) -> CallState:
        """Close a call of unknown outcome with what a person found out."""
        row = await self._ledger.call_row(call.tenant, CallId(asked.call_id))
        if row is None:
            raise NotFound
        if call.actor.kind is not ActorKind.PERSON:
            raise Forbidden("Only a person settles a call: somebody has to have looked.")
        if row.state is not State.UNKNOWN:
            raise Conflict("Only a call of unknown outcome can be settled.")
        to = State.DONE if asked.outcome == "done" else State.FAILED
        code, at_us = "" if to is State.DONE else "call.not_done", self._clock.now_us()
        call.write(
            lambda c: store.move_call(
                c, row.tenant, row.id, expected=State.UNKNOWN, to=to, at_us=at_us, code=code, answer=None
            )
        )
        call.traces.append(Trace(row.id, row.action, "settled"))
        state = await self._state(call.actor, row)
        return state.model_copy(
            update={"state": to.value, "code": code, "problem": None, "changed_at": rfc3339(at_us)}
        )

    def _follow(self, call: Call, row: ApprovalRow, decision: str) -> None:
        call.traces.append(Trace(row.call, row.action, decision, row.id))
        call.then(lambda: self._ledger.decided(row, decision))

    async def _found(self, tenant: TenantId, approval: str) -> tuple[ApprovalRow, CallRow]:
        row = await self._database.run(lambda c: store.find_approval(c, tenant, approval))
        of = await self._ledger.call_row(tenant, row.call) if row else None
        if row is None or of is None:
            raise NotFound
        return row, of

    async def _own_or_read(self, actor: Actor, call: CallId) -> CallRow:
        row = await self._ledger.call_row(actor.tenant, call)
        if row is None or (row.actor_id != actor.id and "call.read" not in actor.permissions):
            raise NotFound
        return row

    async def _votes(self, row: ApprovalRow) -> list[VoteRow]:
        return (await self._ledger.votes(row.tenant, [row.call]))[row.call]

    async def _hindrance(
        self, actor: Actor, row: ApprovalRow, of: CallRow, votes: list[VoteRow]
    ) -> OstiaryError | None:
        """Why this actor cannot say yes now; None if they can."""
        if row.state != "waiting":
            return ApprovalClosed()
        now_us = self._clock.now_us()
        if row.expires_us <= now_us:
            return ApprovalExpired()
        if hindrance := await self._approving.hindrance(row, self._ledger.actor_of(of), actor):
            return hindrance
        if any(vote.person == actor.id for vote in votes):
            return ApprovalAgain()
        if row.step_up and not policy.is_stepped_up(actor, now_us=now_us, step_up_s=self._step_up_s):
            return StepUpRequired()
        return None

    async def _card(
        self, actor: Actor, row: ApprovalRow, of: CallRow, votes: list[VoteRow], *, state: str = "", by: str | None = None,
        at_us: int | None = None,
    ) -> Card:  # fmt: skip
        card, needs = self._ledger.card_of(row), self._ledger.needs_of(row)
        decides = "approval.decide" in actor.permissions
        hindrance = await self._hindrance(actor, row, of, votes)
        opened = of.actor_id == actor.id or "audit.reveal" in actor.permissions
        answer = (
            self._ledger.answer_of(of) if decides and opened else None
        )  # it is masked for the asker's roles, not for these
        decided_us, decided_by = at_us or row.decided_us, by or row.decided_by
        return Card(
            id=row.id,
            call=row.call,
            state=state or (of.state if row.state == "approved" else row.state),
            action=row.action,
            title=card["title"],
            description=card["description"],
            risk=row.risk,
            rule=row.rule,
            why=policy.RULES.get(row.rule, ""),
            reasons=cards.reasons(card),
            sentence=card["sentence"],
            parameters=cards.parameters(card, shown=decides),
            request=card["request"] if decides else None,
            asked_by=Asker(**card["asked_by"]),
            behalf=card["behalf"],
            asked_at=rfc3339(row.asked_us),
            expires_at=rfc3339(row.expires_us),
            digest=row.binding.hex(),
            step_up=row.step_up,
            self_approval=row.self_approval,
            quorum=needs.quorum,
            agreed=[vote.person for vote in votes if self._ledger.is_cast(row, vote)],
            approvers=[sorted(group) for group in needs.approvers],
            four_eyes=needs.four_eyes,
            session=card.get("session", ""),
            can_decide=decides and (hindrance is None or isinstance(hindrance, StepUpRequired)),
            why_not=(hindrance.detail or hindrance.title()) if hindrance and decides else "",
            decided_at=rfc3339(decided_us) if decided_us else None,
            decided_by=decided_by,
            reason=self._ledger.reason_of(row),
            code=of.code,
            answer=answer,
        )

    async def _state(self, actor: Actor, row: CallRow) -> CallState:
        approval = await self._ledger.approval_of(row.tenant, row.id)
        opened = row.actor_id == actor.id or "audit.reveal" in actor.permissions
        answer = (self._ledger.answer_of(row) if opened else None) or {}
        problem = answer.get("problem")
        if row.state is State.REJECTED and approval:
            problem = {
                "code": "approval.rejected",
                "detail": self._ledger.reason_of(approval) if opened else "",
            }
        return CallState(
            call_id=row.id,
            state=row.state,
            action=row.action,
            code=row.code,
            asked_at=rfc3339(row.created_us),
            changed_at=rfc3339(row.changed_us),
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            approval_id=approval.id if approval else None,
            expires_at=rfc3339(approval.expires_us) if approval and approval.state == "waiting" else None,
            result=answer.get("result"),
            problem=problem,
        )


def actions(consent: Consent) -> list[Action]:
    """The consent room's part of the registry."""
    return [
        Action(
            "approval.list", "List approvals", "Calls that wait for a person, and what was decided.", "approval.read",
            Risk.LOW, Effect.NONE, ModelShape(ListApprovals), ModelShape(Cards), consent.list_approvals,
            route=Route("GET", "/v1/approvals"), masking=Masking.OWN, keeps_answer=False,
        ),
        Action(
            "approval.show", "Show an approval", "One held call: what would be done, who asks, why, and what would be sent.", "approval.read",
            Risk.LOW, Effect.NONE, ModelShape(OneApproval), ModelShape(Card), consent.show_approval,
            route=Route("GET", "/v1/approvals/{approval_id}"), masking=Masking.OWN, keeps_answer=False,
        ),
        Action(
            "approval.approve", "Approve", "Say yes to a held call. It then runs once, exactly as it was shown.", "approval.decide",
            Risk.MEDIUM, Effect.LOCAL, ModelShape(Approve), ModelShape(Card), consent.approve,
            route=Route("POST", "/v1/approvals/{approval_id}/approve"), masking=Masking.OWN, keeps_answer=False,
        ),
        Action(
            "approval.reject", "Reject", "Say no to a held call. Nothing is done.", "approval.decide",
            Risk.LOW, Effect.LOCAL, ModelShape(Reject), ModelShape(Card), consent.reject,
            route=Route("POST", "/v1/approvals/{approval_id}/reject"), masking=Masking.OWN, keeps_answer=False,
        ),
        Action(
            "call.list", "List calls", "Calls with an effect, newest first: one's own, or all with the permission `call.read`.", "me.own",
            Risk.LOW, Effect.NONE, ModelShape(ListCalls), ModelShape(CallStates), consent.list_calls,
            route=Route("GET", "/v1/calls"), masking=Masking.OWN, surfaces=ALL_SURFACES, keeps_answer=False,
        ),
        Action(
            "call.show", "Show a call", "How a call stands, and its answer once it has one. Whoever asked may look, whatever their scopes; others need `call.read`. `wait_s` waits for it.", "me.own",
            Risk.LOW, Effect.NONE, ModelShape(OneCall), ModelShape(CallState), consent.show_call,
            route=Route("GET", "/v1/calls/{call_id}"), masking=Masking.OWN, surfaces=ALL_SURFACES, tool=True, public=True,
            recorded=Recorded.BATCHED, keeps_answer=False,
        ),
        Action(
            "call.withdraw", "Withdraw a call", "Take back a call of one's own that waits for a person. Nothing is done, and nobody is asked any more.", "me.own",
            Risk.LOW, Effect.LOCAL, ModelShape(Withdraw), ModelShape(CallState), consent.withdraw,
            route=Route("POST", "/v1/calls/{call_id}/withdraw"), masking=Masking.OWN, surfaces=ALL_SURFACES, keeps_answer=False,
        ),
        Action(
            "call.settle", "Settle a call", "Close a call of unknown outcome with what a person found out.", "call.settle",
            Risk.MEDIUM, Effect.LOCAL, ModelShape(Settle), ModelShape(CallState), consent.settle,
            route=Route("POST", "/v1/calls/{call_id}/settle"), masking=Masking.OWN, keeps_answer=False,
        ),
    ]  # fmt: skip
