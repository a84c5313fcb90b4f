"""Limits as actions: set one, change how much, remove it, and see what is used."""

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import Field

from ostiary import ids
from ostiary.actions import Action, Call, Effect, Masking, Recorded, Risk, Route
from ostiary.clock import Clock, rfc3339
from ostiary.db.database import Database
from ostiary.errors import Conflict, Fault, InvalidParameters, NotFound
from ostiary.shapes import Answer, Empty, ModelShape, Nothing, Params
from ostiary.shield.limits import store
from ostiary.shield.limits.limits import MICRO, MOST, Measure, counted, shown
from ostiary.shield.limits.periods import Per, period, read_hours
from ostiary.shield.limits.store import CountRow, LimitRow

PERMISSION = "limit.manage"
LIMITS_MAX = 200
"""A tenant's limits: each call is held against all of them."""
COUNTS_SHOWN_MAX = 1_000

LimitId = Annotated[str, Field(pattern=r"^lim_[0-9a-f]{32}$")]
_Most = Annotated[
    str, Field(max_length=30, description="A whole number, or for money an amount such as 500 or 12.50.")
]


class SetLimit(Params):
    """`whom`: whose use counts together; `target` names one (a key's id, an OAuth grant's, a session's, a person's), empty is each by itself. `actions`: a
    contract's name or `invoice.*`, empty is all. `measure` rows counts the rows of answers, money the contract's amount, tokens what a connector reports;
    hours counts nothing and says when calls may come: `mon-fri 08:00-18:00 Europe/Berlin`. Periods are UTC's."""

    whom: Literal["tenant", "key", "agent", "session", "person"]
    target: Annotated[str, Field(max_length=64, pattern=r"^[a-z]*(_[0-9A-Za-z]+)*$")] = ""
    actions: Annotated[str, Field(max_length=100, pattern=r"^([a-z][a-z0-9_.]*(\.\*)?)?$")] = ""
    measure: Literal["calls", "rows", "money", "tokens", "hours"]
    most: _Most = ""
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    per: Literal["", "hour", "day", "week", "month"] = ""
    hours: Annotated[str, Field(max_length=80)] = ""


class ChangeLimit(Params):
    limit_id: LimitId
    most: _Most


class OneLimit(Params):
    limit_id: LimitId


class UsedView(Answer):
    """Of one caller in the present period."""

    who: str
    used: str


class LimitView(Answer):
    """`used`: of the present period, the most first. `begins_anew_at`: when the next one begins."""

    limit_id: str
    whom: str
    target: str
    actions: str
    measure: str
    most: str
    currency: str
    per: str
    hours: str
    words: str
    used: list[UsedView]
    begins_anew_at: str | None
    changed_at: str
    changed_by: str


class LimitList(Answer):
    limits: list[LimitView]


def actions(database: Database, clock: Clock) -> list[Action]:
    async def listed(call: Call, _asked: Empty) -> LimitList:
        now_us = clock.now_us()
        since = [period(per, now_us)[0] for per in Per]
        rows, counts = await database.run(
            lambda c: (
                store.limits(c, call.tenant),
                store.counts(c, call.tenant, since, most=COUNTS_SHOWN_MAX),
            )
        )
        return LimitList(limits=[_view(row, counts, now_us) for row in rows])

    async def add(call: Call, asked: SetLimit) -> LimitView:
        row = _row(asked, call)
        known = await database.run(lambda c: store.limits(c, call.tenant))
        if len(known) >= LIMITS_MAX:
            raise Conflict(f"A tenant has at most {LIMITS_MAX} limits: remove one first.")
        if any(_same(row, other) for other in known):
            raise Conflict("There is such a limit already: change how much it allows.")
        call.write(lambda c: store.add(c, call.tenant, row))
        return _view(row, [], clock.now_us())

    async def change(call: Call, asked: ChangeLimit) -> LimitView:
        now_us = clock.now_us()
        rows = await database.run(lambda c: store.limits(c, call.tenant))
        row = next((each for each in rows if each.id == asked.limit_id), None)
        if row is None:
            raise NotFound
        most = _most(asked.most, Measure(row.measure))
        by, at_us = call.actor.id, call.at_us
        call.write(lambda c: store.change(c, call.tenant, row.id, most=most, by=by, at_us=at_us))
        return _view(replace(row, most=most, changed_us=at_us, changed_by=by), [], now_us)

    async def remove(call: Call, asked: OneLimit) -> Nothing:
        call.write(lambda c: store.remove(c, call.tenant, asked.limit_id))
        return Nothing()

    return [
        Action(
            "limit.list", "List limits", "What agents, keys, sessions, people and the tenant may do at most of what was agreed, and how much of it is used.",
            PERMISSION, Risk.LOW, Effect.NONE, ModelShape(Empty), ModelShape(LimitList), listed,
            route=Route("GET", "/v1/limits"), masking=Masking.OWN, recorded=Recorded.BATCHED,
        ),
        Action(
            "limit.set", "Set a limit", "So many calls, rows or tokens, so much money an hour, a day, a week or a month; or the hours at which calls may come. It counts in every process within a second.",
            PERMISSION, Risk.MEDIUM, Effect.LOCAL, ModelShape(SetLimit), ModelShape(LimitView), add,
            route=Route("POST", "/v1/limits", 201), masking=Masking.OWN, sentence="Limit {measure} of {whom} to {most} a {per}",
        ),
        Action(
            "limit.change", "Change a limit", "How much it allows. What is used so far stays counted.",
            PERMISSION, Risk.MEDIUM, Effect.LOCAL, ModelShape(ChangeLimit), ModelShape(LimitView), change,
            route=Route("PUT", "/v1/limits/{limit_id}"), masking=Masking.OWN, sentence="Change the limit {limit_id} to {most}",
        ),
        Action(
            "limit.remove", "Remove a limit", "Nothing is counted against it any more.",
            PERMISSION, Risk.MEDIUM, Effect.LOCAL, ModelShape(OneLimit), ModelShape(Nothing), remove,
            route=Route("DELETE", "/v1/limits/{limit_id}"), masking=Masking.OWN, sentence="Remove the limit {limit_id}",
        ),
    ]  # fmt: skip


def _row(asked: SetLimit, call: Call) -> LimitRow:
    """Raises InvalidParameters with all that is wrong."""
    measure, faults = Measure(asked.measure), []
    if measure is Measure.HOURS:
        if asked.most or asked.per or asked.currency:
            faults.append(Fault("/measure", "hours counts nothing: leave out most, per and currency"))
        try:
            read_hours(asked.hours)
        except ValueError as error:
            faults.append(Fault("/hours", str(error)))
        most = 0
    else:
        if not asked.per:
            faults.append(Fault("/per", "say of which period: hour, day, week or month"))
        if asked.hours:
            faults.append(Fault("/hours", "hours are a limit of their own: measure hours"))
        if asked.currency and measure is not Measure.MONEY:
            faults.append(Fault("/currency", "only money has a currency"))
        try:
            most = _most(asked.most, measure)
        except InvalidParameters as error:
            most, faults = 0, [*faults, *error.faults]
    if asked.whom == "tenant" and asked.target:
        faults.append(Fault("/target", "a limit of the tenant names nobody"))
    if faults:
        raise InvalidParameters(faults=tuple(faults))
    return LimitRow(
        ids.new("lim"), asked.whom, asked.target, asked.actions, asked.measure, most, asked.currency, asked.per,
        asked.hours.strip(), call.at_us, call.actor.id,
    )  # fmt: skip


def _most(text: str, measure: Measure) -> int:
    """As it is counted. Raises InvalidParameters."""
    if measure is Measure.HOURS:
        raise InvalidParameters(
            faults=(Fault("/most", "hours counts nothing: remove the limit and set another"),)
        )
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidParameters(faults=(Fault("/most", "write a number, such as 500"),)) from None
    scaled = number * (MICRO if measure is Measure.MONEY else 1) if number.is_finite() else Decimal(-1)
    if not 0 <= scaled <= MOST or scaled != int(scaled):
        raise InvalidParameters(
            faults=(
                Fault("/most", "write a number that is not negative; only money has decimals, six at most"),
            )
        )
    return int(scaled)


def _same(row: LimitRow, other: LimitRow) -> bool:
    names = ("whom", "target", "actions", "measure", "currency", "per", "hours")
    return all(getattr(row, name) == getattr(other, name) for name in names)


def _view(row: LimitRow, counts: list[CountRow], now_us: int) -> LimitView:
    from_us, until_us = period(Per(row.per), now_us) if row.per else (0, 0)
    mine = [each for each in counts if each.limit_id == row.id and each.from_us == from_us]
    return LimitView(
        limit_id=row.id,
        whom=row.whom,
        target=row.target,
        actions=row.actions,
        measure=row.measure,
        most="" if row.measure == Measure.HOURS else counted(row.most, row.measure),
        currency=row.currency,
        per=row.per,
        hours=row.hours,
        words=shown(row),
        used=[UsedView(who=each.who, used=counted(each.used, row.measure)) for each in mine],
        begins_anew_at=rfc3339(until_us) if until_us else None,
        changed_at=rfc3339(row.changed_us),
        changed_by=row.changed_by,
    )
