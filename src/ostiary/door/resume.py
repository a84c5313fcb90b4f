"""Calls that were held go on here after a person said yes, and so do calls whose process died. Every process does this; the row decides who is first.

Before anything runs, everything is checked anew: the asker's rights, the contract, and that what would run is what was approved, to the byte. A call
whose process died is sent again only to a target that honours our Idempotency-Key; any other is `unknown`, and a person settles it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ostiary import log, traces
from ostiary.access.authorise import Refused as NotAuthorised
from ostiary.access.authorise import authorise
from ostiary.actions import Action, Actor, Call, Effect, Face, JsonValue, Registry, Risk
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.clock import SECOND_US, Clock
from ostiary.consent.approving import Approving
from ostiary.consent.ledger import Ledger
from ostiary.consent.policies.policies import Policies
from ostiary.consent.store import ApprovalRow, CallRow, State
from ostiary.contracts.book import Book
from ostiary.contracts.schema import SchemaShape
from ostiary.door import record
from ostiary.door.perform import Performer
from ostiary.door.times import ADMIT, Times
from ostiary.errors import (
    ApprovalExpired,
    ApprovalStale,
    Conflict,
    CredentialRefused,
    KeysUnavailable,
    LimitReached,
    OffContract,
    OstiaryError,
    OutcomeUnknown,
    SealBroken,
    Stopped,
)
from ostiary.ids import TenantId
from ostiary.labelled import amounts_of
from ostiary.shield.limits.limits import Limits
from ostiary.shield.stops import Stops
from ostiary.vault.sealing import Vault

_LOG = log.get("resume")

ATTEMPTS_MAX = 5
BEAT_S = 1.0
AT_ONCE_MAX = 16
OTHERS_MAX = 10_000
GRACE_S = 2
"""An approved call is begun at once by the process where the yes was said, and by the others only after this long: so that they do not all try."""

WhoIsThisNow = Callable[[Actor], Awaitable[Actor | None]]
"""The actor with the rights of this moment; None where the credential or the person is no more."""


class Resumer:
    """One loop: it goes on with what is approved or orphaned."""

    def __init__(
        self,
        registry: Registry,
        book: Book,
        ledger: Ledger,
        performer: Performer,
        audit: Audit,
        vault: Vault,
        clock: Clock,
        *,
        tenants: Callable[[], Awaitable[list[TenantId]]],
        who_now: WhoIsThisNow,
        stops: Stops,
        limits: Limits,
        policies: Policies,
        approving: Approving,
    ) -> None:
        self._registry = registry
        self._book = book
        self._ledger = ledger
        self._performer = performer
        self._audit = audit
        self._vault = vault
        self._clock = clock
        self._tenants = tenants
        self._who_now = who_now
        self._stops = stops
        self._limits = limits
        self._policies = policies
        self._approving = approving
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._others: dict[str, int] = {}  # approved at another process, and when it was first seen here
        self._slots = asyncio.Semaphore(AT_ONCE_MAX)

    def wake(self) -> None:
        """There is something to go on with: do not wait for the next beat."""
        self._wake.set()

    async def run(self) -> None:
        """Beat until cancelled. A database that is away is tried again at the next beat."""
        while True:
            try:
                await self._round()
            except OstiaryError as error:
                _LOG.warning("beat.failed", code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours must not end the loop that all approvals wait for
                _LOG.error("beat.broke", error=type(fault).__name__, where=log.where(fault))
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    BEAT_S
                ):  # not wait_for: in Python 3.11 that may swallow a cancellation
                    await self._wake.wait()

    async def _round(self) -> None:
        await self._performer.pay()
        if not self._ledger.processes.alive:
            return  # others go on with what is there
        for tenant in await self._tenants():
            try:
                await self.beat(tenant)
            except (SealBroken, KeysUnavailable) as error:  # this tenant's keys: the others go on
                _LOG.error("beat.failed", tenant=tenant, code=error.code)

    async def beat(self, tenant: TenantId) -> None:
        """One round for one tenant. A row that does not open is left where it is, and stops nobody else's."""
        for row in await self._ledger.pending(tenant):
            if row.id not in self._under_way and self._is_ours(row):
                self._under_way[row.id] = asyncio.create_task(self._one(row))

    def _is_ours(self, row: CallRow) -> bool:
        """Whether it is for this process to go on with the row now."""
        if row.state is not State.APPROVED or row.boot == self._ledger.boot:
            return True
        if row.boot not in self._ledger.processes.known:
            return True
        now = self._clock.monotonic_us()
        if len(self._others) > OTHERS_MAX:
            self._others.clear()
        if now - self._others.setdefault(row.id, now) < GRACE_S * SECOND_US:
            return False
        del self._others[row.id]
        return True

    async def drain(self, timeout_s: float) -> None:
        """Wait for what is under way, when the gateway stops."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=timeout_s)

    async def _one(self, row: CallRow) -> None:
        async with self._slots:
            try:
                await self._go_on(row)
            except Conflict:
                _LOG.debug("call.taken", call=row.id)  # by another process, which was faster
            except OstiaryError as error:
                _LOG.info("call.ended", call=row.id, code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours must not stop the loop; the row stays and is seen
                _LOG.error("call.broke", call=row.id, error=type(fault).__name__, where=log.where(fault))
            finally:
                self._under_way.pop(row.id, None)

    async def _go_on(self, row: CallRow) -> None:
        held = log.CALL.set(row.id)
        try:
            with traces.root("held call", traces.Kind.INTERNAL) as span:
                if span:
                    span.attributes |= {"ostiary.call": row.id, "ostiary.action": row.action}
                await self._go_through(row, Times(self._clock, ADMIT))
        finally:
            log.CALL.reset(held)

    async def _go_through(self, row: CallRow, times: Times) -> None:
        times.trace(traces.steps())
        params = self._ledger.params_of(row)
        then = self._ledger.actor_of(row)
        action = self._registry.get(row.action) or await self._book.get(row.tenant, row.action)
        actor = await self._who_now(then)
        call = _call(row, actor or then, action, session=self._ledger.agent_session_of(row))
        try:
            parsed = await self._checked(row, call, actor, action, params)
            await self._stops.check(call.actor, row.action)
            if row.state is State.APPROVED:  # what was begun before has been counted
                call.charges = await self._limits.charges(
                    call.actor,
                    call.action,
                    params,
                    amounts_of(call.action, params),
                    session=call.session,
                )
        except Stopped:
            return  # it waits until a person lets it go on
        except OstiaryError as error:
            await self._refuse(row, call, params, error)
            return
        if row.state is State.RUNNING and not self._again(row, call):
            await self._lose(row, call, params)
            return
        await self._vault.prepare(
            call.tenant, "call", (self._ledger.subject(call.action, call.actor, params),)
        )
        intended = record.event(self._vault, call, Decision.INTENDED, params=params)
        self._ledger.under_way[row.id] = True
        try:
            begun = self._ledger.begin(row, attempt=call.attempt)
            await self._audit.record(Entry((intended,), (begun, *call.charges.intended())))
        except LimitReached as error:
            self._ledger.leave(row.id, row.tenant)
            await self._refuse(row, call, params, error)
            return
        except BaseException:  # where the commit stood all the same, a later beat finds the row
            self._ledger.leave(row.id, row.tenant)
            raise
        await self._performer.outside(call, parsed, params, times)
        times.end()

    async def _checked(
        self, row: CallRow, call: Call, actor: Actor | None, action: Action | None, params: JsonValue
    ) -> object:
        """The parameters, if this may run now as it was approved. Raises what stands against it."""
        if actor is None:
            raise CredentialRefused
        if action is None:
            raise OffContract
        if action.hash != row.contract:
            raise ApprovalStale
        if isinstance(allowed := authorise(actor, action), NotAuthorised):
            raise allowed.error
        parsed = action.params.parse(params)
        approval = await self._ledger.approval_of(row.tenant, row.id)
        if approval:
            await self._bound(approval, call, parsed, params)
        elif row.state is State.APPROVED or self._ledger.was_held(row):
            raise ApprovalStale
        return parsed

    async def _bound(self, approval: ApprovalRow, call: Call, parsed: object, params: JsonValue) -> None:
        """What was approved is what would run, under the policy of then, and whoever said yes might say so still. Raises ApprovalStale, ApprovalExpired."""
        if call.attempt == 1 and approval.expires_us <= self._clock.now_us():
            raise ApprovalExpired
        request = call.action.preview(call, parsed) if call.action.preview else None
        rules = await self._policies.ready(call.tenant)
        card = self._ledger.card_of(approval)
        made = self._ledger.binding(call, params, request, approval, card, rules)
        if made != approval.binding or not await self._approving.stands(approval, call.actor):
            raise ApprovalStale

    def _again(self, row: CallRow, call: Call) -> bool:
        """Whether an interrupted call may be sent again: it changes nothing outside, or the target does a repeated key once."""
        safe = call.action.effect is not Effect.OUTSIDE or call.action.honours_key
        return safe and row.attempt < ATTEMPTS_MAX

    async def _refuse(self, row: CallRow, call: Call, params: JsonValue, error: OstiaryError) -> None:
        """A running row whose check fails may have had its effect: unknown. An approved one has not begun: failed, and nothing was done."""
        if row.state is State.RUNNING:
            await self._lose(row, call, params)
            return
        state = State.EXPIRED if isinstance(error, ApprovalExpired) else State.FAILED
        decision = Decision.EXPIRED if state is State.EXPIRED else Decision.REFUSED
        event = record.event(self._vault, call, decision, code=error.code, params=params)
        rows = self._ledger.end(
            call,
            params,
            state,
            code=error.code,
            answer={"problem": error.problem()},
            expected=row.state,
            held_by=(row.boot, row.attempt),
        )
        await self._audit.record(Entry((event,), (rows,)))

    async def _lose(self, row: CallRow, call: Call, params: JsonValue) -> None:
        error = OutcomeUnknown()
        event = record.event(self._vault, call, Decision.UNKNOWN, code=error.code, params=params)
        rows = self._ledger.end(
            call,
            params,
            State.UNKNOWN,
            code=error.code,
            answer={"problem": error.problem()},
            expected=row.state,
            held_by=(row.boot, row.attempt),
        )
        await self._audit.record(Entry((event,), (rows,)))


def _call(row: CallRow, actor: Actor, action: Action | None, *, session: str) -> Call:
    """The call as it was, under its own id and idempotency key, for another attempt."""
    known = action or _gone(row.action)
    attempt = row.attempt + 1 if row.state is State.RUNNING else row.attempt
    return Call(row.id, actor, known, Face(row.face), row.created_us, idempotency_key=row.id, attempt=attempt, session=session)  # fmt: skip


async def _nothing(call: Call, params: object) -> JsonValue:
    raise OffContract


def _gone(name: str) -> Action:
    """Stands for a contract that was removed while its call waited: it can be recorded, and never runs."""
    anything = SchemaShape({"type": "object"})
    return Action(
        name,
        name,
        "",
        "contract.call",
        Risk.HIGH,
        Effect.OUTSIDE,
        anything,
        anything,
        _nothing,
        contract=True,
    )
