"""Run, redact, record: the last three steps of the path, for calls that come straight in and for calls that were held first."""

import asyncio
from collections.abc import Callable

from sqlalchemy.exc import IntegrityError

from ostiary import log, metrics
from ostiary.actions import Action, Call, JsonValue, Masking, Recorded, Surface, Write
from ostiary.audit.event import Decision, Entry
from ostiary.audit.log import Audit
from ostiary.clock import Clock
from ostiary.consent.binding import canonical
from ostiary.consent.ledger import Ledger
from ostiary.consent.store import State
from ostiary.contracts.provenance import Provenance
from ostiary.door import record
from ostiary.errors import (
    AuditUnavailable,
    Conflict,
    InvalidParameters,
    NotFound,
    OstiaryError,
    OutcomeUnknown,
    TargetAnswerInvalid,
    TargetTimeout,
)
from ostiary.privacy.policy import Masker
from ostiary.vault.sealing import Vault

_LOG = log.get("door")

MASKED_HERE_BYTES_MAX = 65_536
"""Larger answers are masked in a thread."""


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
        self._owed: list[Entry] = []

    async def inside(
        self,
        call: Call,
        params: object,
        plain: JsonValue,
        claims: tuple[Write, ...],
        row_of: Callable[[Call, JsonValue, JsonValue], Write] | None,
        started_us: int,
    ) -> JsonValue:
        """Reads, and changes of our own rows: outcome, rows and record commit together, so nothing is ever half done."""
        result = await self._redacted(call, await self._timed(call, params))
        event = record.event(
            self._vault, call, Decision.RAN, params=plain, answer=result, duration_us=self._since(started_us)
        )
        writes = (*claims, *call.writes)
        if row_of:
            writes = (*writes, row_of(call, plain, {"result": record.without_secrets(result)}))
        await self._recorded(call, Entry((event, *record.traces(call)), writes))
        for hook in call.after:
            hook()
        metrics.calls(call.face, "ran").inc()
        return result

    async def outside(self, call: Call, params: object, plain: JsonValue, started_us: int) -> JsonValue:
        """The deed is done after its intent was committed; whatever becomes of it is committed before anyone is told."""
        try:
            result = await self._redacted(call, await self._timed(call, params))
        except OstiaryError as error:
            unsure = getattr(error, "maybe_done", False)
            await self._ended(call, plain, State.UNKNOWN if unsure else State.FAILED, error, started_us)
            if unsure:
                raise OutcomeUnknown(f"{error.title()} Call {call.id}.") from error
            raise
        except Exception as fault:
            _LOG.error("call.broke", call=call.id, error=type(fault).__name__, where=log.where(fault))
            await self._ended(call, plain, State.UNKNOWN, OstiaryError(), started_us)
            raise OutcomeUnknown from fault
        # Who may only submit reads nothing back.
        told = None if call.actor.surface is Surface.WRITE_ONLY else result
        answer = {"result": record.without_secrets(told)}
        event = record.event(
            self._vault, call, Decision.RAN, params=plain, answer=result, duration_us=self._since(started_us)
        )
        row = self._ledger.end(call, plain, State.DONE, code="", answer=answer, expected=State.RUNNING)
        try:
            await self._durable(Entry((event, *record.traces(call)), (row, *call.writes)))
        except (Conflict, NotFound) as error:  # a held change of our own rows that no longer fits
            await self._ended(call, plain, State.FAILED, error, started_us)
            raise
        for hook in call.after:
            hook()
        self._ledger.watch.touch(call.tenant)
        metrics.calls(call.face, "ran").inc()
        return told

    async def _durable(self, entry: Entry) -> None:
        """What was done outside must get its record: where the log is away just now it is owed, and paid as soon as the log is back."""
        try:
            await self._audit.record(entry)
        except AuditUnavailable:
            self._owed.append(entry)
            raise

    async def pay(self) -> None:
        """Record what is owed. Raises AuditUnavailable while the log is still away; what turns out to be recorded already is owed no more."""
        while self._owed:
            try:
                await self._audit.record(self._owed[0])
            except (
                Conflict,
                NotFound,
                IntegrityError,
            ) as error:  # its commit stood, though the answer to it was lost
                _LOG.warning("owed.dropped", error=type(error).__name__)
            self._owed.pop(0)

    async def _ended(
        self, call: Call, plain: JsonValue, state: State, error: OstiaryError, started_us: int
    ) -> None:
        decision = Decision.UNKNOWN if state is State.UNKNOWN else Decision.FAILED
        event = record.event(
            self._vault, call, decision, code=error.code, params=plain, duration_us=self._since(started_us)
        )
        row = self._ledger.end(
            call, plain, state, code=error.code, answer={"problem": error.problem()}, expected=State.RUNNING
        )
        await self._durable(Entry((event,), (row,)))
        self._ledger.watch.touch(call.tenant)
        metrics.calls(call.face, decision).inc()

    async def _timed(self, call: Call, params: object) -> JsonValue:
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return answered(call.action, record.plain(await call.action.run(call, params)))
        except TimeoutError:
            raise TargetTimeout(maybe_done=True) from None

    async def _redacted(self, call: Call, result: JsonValue) -> JsonValue:
        if call.action.masking is not Masking.POLICY:
            return result
        await self._masker.ready(call.tenant)
        # A large answer takes up to seconds: nobody else waits for it.
        if len(canonical(result)) > MASKED_HERE_BYTES_MAX:
            masked, counts = await asyncio.to_thread(self._masker.mask, call.actor, result)
        else:
            masked, counts = self._masker.mask(call.actor, result)
        if rows := record.rows_of(result):
            call.counts |= {"rows": len(rows), "columns": len(record.columns(result))}
        for category, count in counts.items():
            call.counts[f"masked.{category}"] = count
            metrics.MASKED.labels(category).inc(count)
        self._provenance.remember(call.actor, call, call.action, result)
        return masked

    async def _recorded(self, call: Call, entry: Entry) -> None:
        if call.action.recorded is Recorded.DURABLE or entry.writes:
            await self._audit.record(entry)
        elif call.action.recorded is Recorded.BATCHED:
            self._audit.submit(entry)

    def _since(self, started_us: int) -> int:
        return self._clock.monotonic_us() - started_us


def answered(action: Action, answer: JsonValue) -> JsonValue:
    """The answer, if it is what the contract says. Raises TargetAnswerInvalid."""
    if not action.contract:
        return answer
    try:
        action.result.parse(answer)
    except InvalidParameters as error:
        raise TargetAnswerInvalid(faults=error.faults) from None
    return answer
