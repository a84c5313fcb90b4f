"""The limits that a call meets, and what it takes from them.

`Limits.charges` is asked before a call runs, in memory; it refuses what surely does not fit. What it gives is counted in the transaction that records the call: for an effect outside the one that commits the intent, for a read the one that records its answer, which is not given where it does not
fit. So nothing is counted twice, and no two processes let more through than there is. What surely was not done is given back; what may have been done
stays counted.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Connection

from ostiary.access.authorise import covers
from ostiary.actions import UNLIMITED, Action, Actor, ActorKind, JsonValue, Unlimited, Write
from ostiary.clock import SECOND_US, Clock, rfc3339
from ostiary.db.database import Database
from ostiary.db.kept import Kept
from ostiary.errors import LimitReached, OutsideHours
from ostiary.ids import TenantId
from ostiary.labelled import Amounts, values_at
from ostiary.shield.limits import store
from ostiary.shield.limits.periods import Hours, Per, period, read_hours
from ostiary.shield.limits.store import LimitRow

TENANTS_MAX = 10_000
FULL_MAX = 10_000
MICRO = 1_000_000
"""Money is counted in millionths of its unit."""
MOST = 2**62
CURRENCY = "currency"
MACHINES = frozenset({ActorKind.PROGRAM, ActorKind.AGENT, ActorKind.CUSTOMER})


class Whom(StrEnum):
    """Whose use is counted together: the whole tenant's, a key's (or an OAuth grant's), an agent's, a session's, a person's with all that acts for them."""

    TENANT = "tenant"
    KEY = "key"
    AGENT = "agent"
    SESSION = "session"
    PERSON = "person"


class Measure(StrEnum):
    """rows: of answers. money: by the contract's `amount` label. tokens: as far as a connector reports them. hours: no count; when calls may come at all."""

    CALLS = "calls"
    ROWS = "rows"
    MONEY = "money"
    TOKENS = "tokens"
    HOURS = "hours"


BEFORE = (Measure.CALLS, Measure.MONEY)
"""Known before a call runs; the others are known by its answer."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit, ready to be asked."""

    row: LimitRow
    measure: Measure
    hours: Hours | None

    def who(self, actor: Actor, session: str) -> str:
        """Whose use counts, empty where the limit is not about this caller."""
        found = {
            Whom.TENANT: str(actor.tenant),
            Whom.KEY: actor.id.partition(".")[0] if actor.kind in MACHINES else "",
            Whom.AGENT: actor.id.partition(".")[0] if actor.kind is ActorKind.AGENT else "",
            Whom.SESSION: session,
            Whom.PERSON: actor.person,
        }[Whom(self.row.whom)]
        return found if self.row.target in ("", found) else ""

    def covers(self, action: Action) -> bool:
        return not self.row.actions or covers((self.row.actions,), action.name)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one call takes from one limit; `count` 0 where only the answer tells."""

    tenant: TenantId
    limit: Limit
    who: str
    from_us: int
    until_us: int
    count: int

    @property
    def before(self) -> bool:
        return self.limit.measure in BEFORE

    def told(self, counts: Mapping[str, int]) -> int:
        """What it takes, once the answer has been counted."""
        return self.count if self.before else max(0, counts.get(self.limit.measure.value, 0))


@dataclass(frozen=True, slots=True)
class Charges(Unlimited):
    """What one call takes from all limits that it meets, as rows to be written in the transactions that record it."""

    limits: "Limits"
    charges: tuple[Charge, ...]

    def waiting(self) -> tuple[Write, ...]:
        """Nothing is counted yet: the call waits for a person. Raises LimitReached inside the transaction where it would not fit now."""
        return tuple(self.limits.fits(charge) for charge in self.charges)

    def intended(self) -> tuple[Write, ...]:
        """What is known before the call runs. Raises LimitReached inside the transaction."""
        return tuple(self.limits.spend(charge, charge.count) for charge in self.charges if charge.before)

    def answered(self, counts: Mapping[str, int]) -> tuple[Write, ...]:
        """All of a call without an effect outside, with what its answer counts. Raises LimitReached inside the transaction: then it is not given."""
        return tuple(self.limits.spend(charge, charge.told(counts)) for charge in self.charges)

    def settled(self, counts: Mapping[str, int]) -> tuple[Write, ...]:
        """After an effect outside: what its answer took, which cannot be refused any more; the next call is."""
        return tuple(
            self.limits.spend(charge, charge.told(counts), strict=False)
            for charge in self.charges
            if not charge.before
        )

    def undone(self) -> tuple[Write, ...]:
        """Nothing was done, for sure: what was taken is given back."""
        return tuple(_give_back(charge) for charge in self.charges if charge.before and charge.count)


class Limits:
    """Every tenant's limits. Where the database cannot be asked nothing passes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kept: Kept[tuple[Limit, ...]] = Kept(database.signals, store.CHANGED, most=TENANTS_MAX)
        self._full: OrderedDict[tuple[str, int, str, int], None] = OrderedDict()

    async def charges(
        self, actor: Actor, action: Action, params: JsonValue, amounts: Amounts, *, session: str
    ) -> Unlimited:
        """What this call of a contract would take. `amounts`: those of its parameters. Raises LimitReached or OutsideHours for what surely does not fit, StoreUnavailable."""
        if not action.contract or not (limits := await self._of(actor.tenant)):
            return UNLIMITED
        now_us = self._clock.now_us()
        found: list[Charge] = []
        for limit in limits:
            who = limit.who(actor, session)
            if not who or not limit.covers(action):
                continue
            if limit.hours is not None:
                if not limit.hours.is_open(now_us):
                    raise OutsideHours(f"Calls of this kind may come {limit.row.hours}.")
            elif (count := _count(limit, action, params, amounts)) is not None:
                charge = Charge(actor.tenant, limit, who, *period(Per(limit.row.per), now_us), count)
                if self._is_full(charge):
                    raise self._reached(charge)
                found.append(charge)
        return Charges(self, tuple(found)) if found else UNLIMITED

    def spend(self, charge: Charge, count: int, *, strict: bool = True) -> Write:
        """Count it, whatever is used already or (strict) only where it fits."""
        row = charge.limit.row

        def spend(connection: Connection) -> None:
            keep_us = charge.from_us - (charge.until_us - charge.from_us)
            most = row.most if strict else None
            if count and not store.spend(
                connection,
                charge.tenant,
                row.id,
                charge.who,
                charge.from_us,
                count=count,
                most=most,
                keep_us=keep_us,
            ):
                raise self._reached(charge)

        return spend

    def fits(self, charge: Charge) -> Write:
        """Whether it would fit now."""
        row = charge.limit.row

        def look(connection: Connection) -> None:
            used = store.used(connection, charge.tenant, row.id, charge.who, charge.from_us)
            if used + max(charge.count, 1) > row.most:
                raise self._reached(charge)

        return look

    def _is_full(self, charge: Charge) -> bool:
        return _name(charge) in self._full or charge.count > charge.limit.row.most

    def _reached(self, charge: Charge) -> LimitReached:
        """And, where not even the smallest call fits any more, the next is refused without the database."""
        row = charge.limit.row
        if charge.limit.measure is Measure.CALLS:
            self._full[_name(charge)] = None
            if len(self._full) > FULL_MAX:
                self._full.popitem(last=False)
        wait_s = max(1, (charge.until_us - self._clock.now_us()) // SECOND_US)
        return LimitReached(
            f"The limit is {shown(row)} for {_WHOM[Whom(row.whom)]}; it begins anew at {rfc3339(charge.until_us)}.",
            retry_after_s=wait_s,
        )

    async def _of(self, tenant: TenantId) -> tuple[Limit, ...]:
        held = self._kept.get(tenant)
        if held is None:
            mark = self._kept.mark()
            rows = await self._database.run(lambda connection: store.limits(connection, tenant))
            held = ready(rows)
            self._kept.keep(tenant, tenant, held, mark)
        return held


def ready(rows: Sequence[LimitRow]) -> tuple[Limit, ...]:
    """The rows as they are asked."""
    return tuple(
        Limit(row, Measure(row.measure), read_hours(row.hours) if row.measure == Measure.HOURS else None)
        for row in rows
    )


def shown(row: LimitRow) -> str:
    """A limit in words: `500 EUR a day`."""
    if row.measure == Measure.HOURS:
        return row.hours
    if row.measure == Measure.MONEY:
        return f"{counted(row.most, row.measure)} {row.currency or 'of money'} a {row.per}"
    return f"{row.most} {row.measure} a {row.per}"


def counted(count: int, measure: str) -> str:
    """What is counted, as people write it; money without idle zeros: 12.5 is `12.50`, 500 is `500`."""
    if measure != Measure.MONEY:
        return str(count)
    amount = Decimal(count) / MICRO
    if amount == amount.to_integral_value():
        return f"{amount:.0f}"
    return f"{amount:.2f}" if amount == round(amount, 2) else f"{amount.normalize():f}"


_WHOM = {
    Whom.TENANT: "this tenant",
    Whom.KEY: "this key",
    Whom.AGENT: "this agent",
    Whom.SESSION: "this session",
    Whom.PERSON: "this person",
}


def _count(limit: Limit, action: Action, params: JsonValue, amounts: Amounts) -> int | None:
    """What the parameters say that the call takes; None where the limit is not about it. Raises LimitReached where an amount cannot be read: what cannot be
    counted is not let through."""
    if limit.measure is Measure.CALLS:
        return 1
    if limit.measure is not Measure.MONEY:
        return 0
    if not amounts or not _is_in(limit.row.currency, action, params):
        return None
    if any(amount is None for amount in amounts):
        raise LimitReached(
            "There is a limit of money here, and the amount of this call is not a plain number."
        )
    total = sum((abs(amount) for amount in amounts if amount is not None), Decimal(0))
    return min(MOST, -int(-(total * MICRO) // 1))


def _is_in(currency: str, action: Action, params: JsonValue) -> bool:
    """Whether the call is about this currency: one that says none is, and a limit that says none counts all alike."""
    said = [
        value
        for path, label in action.labels.items()
        if label == CURRENCY
        for value in values_at(params, path)
    ]
    return not currency or not said or any(str(value).strip().upper() == currency for value in said)


def _give_back(charge: Charge) -> Write:
    def give_back(connection: Connection) -> None:
        store.give_back(
            connection, charge.tenant, charge.limit.row.id, charge.who, charge.from_us, count=charge.count
        )

    return give_back


def _name(charge: Charge) -> tuple[str, int, str, int]:
    return (charge.limit.row.id, charge.limit.row.changed_us, charge.who, charge.from_us)
