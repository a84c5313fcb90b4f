"""Calls that were held go on here after a person said yes, and so do calls whose process died.

Before anything runs, everything is checked anew: the asker's rights, the contract, and that what would run is what was approved, to the byte. A call
whose process died is sent again only to a target that honours our Idempotency-Key; any other is `unknown`, and a person settles it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ostiary import log
from ostiary.access.authorise import Refused as NotAuthorised
from ostiary.access.authorise import authorise
from ostiary.actions import Action, Actor, Call, Effect, Face, JsonValue, Registry, Risk
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.clock import Clock
from ostiary.consent.ledger import Ledger
from ostiary.consent.store import ApprovalRow, CallRow, State
from ostiary.contracts.book import Book
from ostiary.contracts.schema import SchemaShape
from ostiary.door import record
from ostiary.door.perform import Performer
from ostiary.errors import (
    ApprovalClosed,
    ApprovalExpired,
    ApprovalStale,
    Conflict,
    CredentialRefused,
    KeysUnavailable,
    OffContract,
    OstiaryError,
    OutcomeUnknown,
    SealBroken,
)
from ostiary.ids import TenantId
from ostiary.vault.sealing import Vault

_LOG = log.get("resume")

ATTEMPTS_MAX = 5
BEAT_S = 1.0
AT_ONCE_MAX = 16
RECORD_S = 60
"""How long after its time is over a call may take to be recorded, before it counts as nobody's."""

WhoIsThisNow = Callable[[Actor], Awaitable[Actor | None]]
"""The actor with the rights of this moment; None where the credential or the person is no more."""


class Resumer:
    """One loop: it goes on with what is approved or orphaned, and closes what nobody decided in time."""

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
        call_timeout_s: int,
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
        self._stale_s = call_timeout_s + RECORD_S
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
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
        for tenant in await self._tenants():
            try:
                await self.beat(tenant)
            except (SealBroken, KeysUnavailable) as error:  # this tenant's keys: the others go on
                _LOG.error("beat.failed", tenant=tenant, code=error.code)

    async def beat(self, tenant: TenantId) -> None:
        """One round for one tenant. A row that does not open is left where it is, and stops nobody else's."""
        for approval in await self._ledger.lapsed(tenant):
            try:
                await self._lapse(approval)
            except (SealBroken, Conflict, ApprovalClosed) as error:
                _LOG.error("approval.stuck", approval=approval.id, code=error.code)
        for row in await self._ledger.pending(tenant, self._stale_s):
            if row.id not in self._under_way:
                self._under_way[row.id] = asyncio.create_task(self._one(row))

    async def drain(self, timeout_s: float) -> None:
        """Wait for what is under way, when the gateway stops."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=timeout_s)

    async def _one(self, row: CallRow) -> None:
        async with self._slots:
            try:
                await self._go_on(row)
            except OstiaryError as error:
                _LOG.info("call.ended", call=row.id, code=error.code)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours must not stop the loop; the row stays and is seen
                _LOG.error("call.broke", call=row.id, error=type(fault).__name__, where=log.where(fault))
            finally:
                self._under_way.pop(row.id, None)

    async def _go_on(self, row: CallRow) -> None:
        started_us = self._clock.monotonic_us()
        params = self._ledger.params_of(row)
        then = self._ledger.actor_of(row)
        action = self._registry.get(row.action) or await self._book.get(row.tenant, row.action)
        actor = await self._who_now(then)
        call = _call(row, actor or then, action)
        try:
            parsed = await self._checked(row, call, actor, action, params)
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
        await self._audit.record(Entry((intended,), (self._ledger.begin(row, attempt=call.attempt),)))
        self._ledger.watch.touch(row.tenant)
        await self._performer.outside(call, parsed, params, started_us)

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
            self._bound(approval, call, parsed, params)
        elif row.state is State.APPROVED or self._ledger.was_held(row):
            raise ApprovalStale
        return parsed

    def _bound(self, approval: ApprovalRow, call: Call, parsed: object, params: JsonValue) -> None:
        if call.attempt == 1 and approval.expires_us <= self._clock.now_us():
            raise ApprovalExpired
        request = call.action.preview(call, parsed) if call.action.preview else None
        made = self._ledger.binding(
            call.actor, call.action, params, request, approval.expires_us, approval.nonce
        )
        own = approval.decided_by == call.actor.id and not call.action.self_approval
        if not self._ledger.is_vouched(approval) or own or made != approval.binding:
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
            call, params, state, code=error.code, answer={"problem": error.problem()}, expected=row.state
        )
        await self._audit.record(Entry((event,), (rows,)))
        self._ledger.watch.touch(row.tenant)

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
        )
        await self._audit.record(Entry((event,), (rows,)))
        self._ledger.watch.touch(row.tenant)

    async def _lapse(self, approval: ApprovalRow) -> None:
        """Nobody decided: the question closes and the call ends, together."""
        row = await self._ledger.call_row(approval.tenant, approval.call)
        if row is None or row.state is not State.HELD:
            return
        action = self._registry.get(row.action) or await self._book.get(row.tenant, row.action)
        call, params, error = (
            _call(row, self._ledger.actor_of(row), action),
            self._ledger.params_of(row),
            ApprovalExpired(),
        )
        event = record.event(
            self._vault, call, Decision.EXPIRED, code=error.code, approval=approval.id, params=params
        )
        rows = self._ledger.end(
            call,
            params,
            State.EXPIRED,
            code=error.code,
            answer={"problem": error.problem()},
            expected=State.HELD,
        )
        await self._audit.record(Entry((event,), (self._ledger.close(approval), rows)))
        self._ledger.watch.touch(row.tenant)


def _call(row: CallRow, actor: Actor, action: Action | None) -> Call:
    """The call as it was, under its own id and idempotency key, for another attempt."""
    known = action or _gone(row.action)
    attempt = row.attempt + 1 if row.state is State.RUNNING else row.attempt
    return Call(row.id, actor, known, Face(row.face), row.created_us, idempotency_key=row.id, attempt=attempt)


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
