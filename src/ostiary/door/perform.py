"""Run, redact, record: the last three steps of the path, for calls that come straight in and for calls that were held first."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext

from sqlalchemy.exc import IntegrityError

from ostiary import log, metrics, turns
from ostiary.actions import Action, Call, JsonValue, Masking, Recorded, Surface, Write
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.clock import Clock
from ostiary.consent.binding import canonical
from ostiary.consent.ledger import Ledger
from ostiary.consent.store import State
from ostiary.door import record
from ostiary.door.times import RECORD, REDACT, RUN, Times
from ostiary.errors import (
    AuditUnavailable,
    Conflict,
    InFlight,
    InvalidParameters,
    NotFound,
    OstiaryError,
    OutcomeUnknown,
    StoreUnavailable,
    TargetAnswerInvalid,
    TargetTimeout,
)
from ostiary.privacy.policy import Masker
from ostiary.provenance.provenance import Provenance, tells_of_others
from ostiary.turns import Turns
from ostiary.vault.sealing import Vault

_LOG = log.get("door")

MASKED_HERE_BYTES_MAX = 65_536
"""Larger answers are masked in a thread."""
LARGE_AT_ONCE = 1
"""So many threads at that: each takes its share of the interpreter from the event loop that all the others are on."""


class Performer:
    """`inside` for what changes nothing or only our own rows, `outside` for what cannot be rolled back."""

    def __init__(
        self,
        ledger: Ledger,
        masker: Masker,
        provenance: Provenance,
        audit: Audit,
        vault: Vault,
        clock: Clock,
        *,
        call_timeout_s: int,
    ) -> None:
        self._ledger = ledger
        self._masker = masker
        self._provenance = provenance
        self._audit = audit
        self._vault = vault
        self._clock = clock
        self._call_timeout_s = call_timeout_s
        self._owed: list[tuple[Call, Entry]] = []
        self._large = Turns(LARGE_AT_ONCE)

    async def inside(
        self,
        call: Call,
        params: object,
        plain: JsonValue,
        claims: tuple[Write, ...],
        row_of: Callable[[Call, JsonValue, JsonValue], Write] | None,
        times: Times,
    ) -> JsonValue:
        """Reads, and changes of our own rows: outcome, rows and record commit together, so nothing is ever half done."""
        result = await self._redacted(call, await self._timed(call, params, times), times)
        event = record.event(
            self._vault, call, Decision.RAN, params=plain, answer=result, duration_us=times.took_us
        )
        writes = (*claims, *call.writes, *call.charges.answered(call.counts))
        if row_of:
            writes = (*writes, row_of(call, plain, {"result": record.without_secrets(call.whole(result))}))
        await self._recorded(call, Entry((event, *record.traces(call)), writes))
        for hook in call.after:
            hook()
        metrics.calls(call.face, "ran").inc()
        return call.whole(result)

    async def outside(self, call: Call, params: object, plain: JsonValue, times: Times) -> JsonValue:
        """The deed is done after its intent was committed; whatever becomes of it is committed before anyone is told.

        Raises InFlight where this process was taken for dead meanwhile, and another goes on with the call.
        """
        try:
            return await self._outside(call, params, plain, times)
        finally:
            if all(owed is not call for owed, _ in self._owed):
                self._ledger.leave(call.id, call.tenant)

    async def _outside(self, call: Call, params: object, plain: JsonValue, times: Times) -> JsonValue:
        try:
            if (
                not self._ledger.processes.alive
            ):  # since the intent was committed somebody else may have gone on with it
                raise StoreUnavailable(
                    "This process had lost its database for some seconds; nothing was done."
                )
            result = await self._redacted(call, await self._timed(call, params, times), times)
        except OstiaryError as error:
            unsure = getattr(error, "maybe_done", False)
            await self._ended(call, plain, State.UNKNOWN if unsure else State.FAILED, error, times)
            if unsure:
                raise OutcomeUnknown(f"{error.title()} Call {call.id}.") from error
            raise
        except Exception as fault:
            _LOG.error("call.broke", call=call.id, error=type(fault).__name__, where=log.where(fault))
            await self._ended(call, plain, State.UNKNOWN, OstiaryError(), times)
            raise OutcomeUnknown from fault
        # Who may only submit reads nothing back.
        told = None if call.actor.surface is Surface.WRITE_ONLY else call.whole(result)
        answer = {"result": record.without_secrets(told)}
        event = record.event(
            self._vault, call, Decision.RAN, params=plain, answer=result, duration_us=times.took_us
        )
        row = self._ledger.end(call, plain, State.DONE, code="", answer=answer, expected=State.RUNNING)
        try:
            await self._durable(
                call,
                Entry((event, *record.traces(call)), (row, *call.writes, *call.charges.settled(call.counts))),
            )
        except (Conflict, NotFound) as error:  # a held change of our own rows that no longer fits
            await self._ended(call, plain, State.FAILED, error, times)
            raise
        for hook in call.after:
            hook()
        metrics.calls(call.face, "ran").inc()
        return told

    async def _durable(self, call: Call, entry: Entry) -> None:
        """What was done outside must get its record: where the log is away just now it is owed, and paid as soon as the log is back."""
        try:
            await self._audit.record(entry)
        except AuditUnavailable:
            self._owed.append((call, entry))
            raise

    def owed(self) -> int:
        """How many outcomes are still to be recorded."""
        return len(self._owed)

    async def pay(self) -> None:
        """Record what is owed. Raises AuditUnavailable while the log is still away; what turns out to be recorded already is owed no more."""
        while self._owed:
            call, entry = self._owed[0]
            try:
                await self._audit.record(entry)
            except (
                Conflict,
                NotFound,
                IntegrityError,
            ) as error:  # its commit stood, though the answer to it was lost; or another process has gone on with it
                _LOG.warning("owed.dropped", error=type(error).__name__)
            self._owed.pop(0)
            self._ledger.leave(call.id, call.tenant)

    async def _ended(
        self, call: Call, plain: JsonValue, state: State, error: OstiaryError, times: Times
    ) -> None:
        times.to(RECORD)
        decision = Decision.UNKNOWN if state is State.UNKNOWN else Decision.FAILED
        event = record.event(
            self._vault, call, decision, code=error.code, params=plain, duration_us=times.took_us
        )
        row = self._ledger.end(
            call, plain, state, code=error.code, answer={"problem": error.problem()}, expected=State.RUNNING
        )
        try:
            await self._durable(
                call, Entry((event,), (row, *(() if state is State.UNKNOWN else call.charges.undone())))
            )
        except Conflict:
            _LOG.warning("call.taken_over", call=call.id)
            raise InFlight from error
        metrics.calls(call.face, decision).inc()

    async def _timed(self, call: Call, params: object, times: Times) -> JsonValue:
        times.to(RUN)
        try:
            async with turns.away() if call.action.contract else nullcontext():  # it reaches out
                async with asyncio.timeout(self._call_timeout_s):
                    found = record.plain(await call.action.run(call, params))
            return answered(call.action, found)
        except TimeoutError:
            raise TargetTimeout(maybe_done=True) from None

    async def _redacted(self, call: Call, result: JsonValue, times: Times) -> JsonValue:
        if call.action.masking is not Masking.POLICY:
            if tells_of_others(call, result):
                await self._provenance.remember(call, result)
            times.to(RECORD)
            return result
        times.to(REDACT)
        policy = await self._masker.ready(call.tenant)
        # A large answer takes up to seconds: nobody else waits for it.
        if len(canonical(result)) > MASKED_HERE_BYTES_MAX:
            async with turns.away(), self._large.turn(call.tenant):
                masked, counts = await asyncio.to_thread(self._masker.mask, call.actor, result, policy)
        else:
            masked, counts = self._masker.mask(call.actor, result, policy)
        if rows := record.rows_of(result):
            call.counts |= {"rows": len(rows), "columns": len(record.columns(result))}
        for category, count in counts.items():
            call.counts[f"masked.{category}"] = count
            metrics.MASKED.labels(category).inc(count)
        await self._provenance.remember(call, result)
        times.to(RECORD)
        return masked

    async def _recorded(self, call: Call, entry: Entry) -> None:
        if call.action.recorded is Recorded.DURABLE or entry.writes:
            await self._audit.record(entry)
        elif call.action.recorded is Recorded.BATCHED:
            self._audit.submit(entry)


def answered(action: Action, answer: JsonValue) -> JsonValue:
    """The answer, if it is what the contract says. Raises TargetAnswerInvalid."""
    if not action.contract:
        return answer
    try:
        action.result.parse(answer)
    except InvalidParameters as error:
        raise TargetAnswerInvalid(faults=error.faults) from None
    return answer
