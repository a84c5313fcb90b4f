"""How long each kind of data is kept, as actions."""

from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from ostiary.actions import Action, Call, Effect, Risk, Route
from ostiary.errors import Fault, InvalidParameters
from ostiary.ids import TenantId
from ostiary.retention import store
from ostiary.retention.hold_actions import PERMISSION
from ostiary.retention.kinds import DAYS_MAX, KeptKind
from ostiary.retention.services import AUDIT, Retention
from ostiary.shapes import Answer, Empty, Params, own_action


class Rule(Answer):
    """One kind of data: `days` is how long it is kept, `decided` whether the tenant decided so itself."""

    kind: str
    title: str
    description: str
    days: int
    days_default: int
    days_min: int
    days_max: int
    decided: bool


class Rules(Answer):
    rules: list[Rule]


class RulePut(Params):
    kind: Annotated[str, Field(max_length=32)]
    days: Annotated[int, Field(ge=0, le=DAYS_MAX)]


def actions(retention: Retention) -> list[Action]:
    async def show(call: Call, _asked: Empty) -> Rules:
        return await retention.database.run(lambda c: _rules(retention, c, call.tenant))

    async def put(call: Call, asked: RulePut) -> Rules:
        tenant = call.tenant
        kind = next((kind for kind in retention.kinds_of(tenant) if kind.name == asked.kind), None)
        if kind is None:
            raise InvalidParameters(faults=(Fault("/kind", "there is no such kind of data"),))
        now = await retention.database.run(lambda c: _rules(retention, c, tenant))
        days = {rule.kind: rule.days for rule in now.rules} | {asked.kind: asked.days}
        _check(kind, asked.days, days)

        def rows(connection: Connection) -> None:
            store.gate(connection, tenant)
            store.put_rule(connection, tenant, kind.name, asked.days, at_us=call.at_us, by=call.actor.id)

        call.write(rows)
        changed = [
            rule.model_copy(update={"days": asked.days, "decided": True}) if rule.kind == kind.name else rule
            for rule in now.rules
        ]
        return Rules(rules=changed)

    return [
        own_action("retention.get", "Show how long data is kept", "The days that each kind of data is kept, and the bounds.",
                   Empty, Rules, show, Route("GET", "/v1/retention"), permission=PERMISSION),
        own_action("retention.put", "Decide how long data is kept", "What is older goes with the next daily purge, unless a legal hold stands on it. The log is never kept for less than its floor.",
                   RulePut, Rules, put, Route("PUT", "/v1/retention"), permission=PERMISSION, effect=Effect.LOCAL, risk=Risk.HIGH, step_up=True,
                   sentence="Keep {kind} for {days} days"),
    ]  # fmt: skip


def _rules(retention: Retention, connection: Connection, tenant: TenantId) -> Rules:
    decided = store.rules(connection, tenant)
    return Rules(
        rules=[
            Rule(
                kind=kind.name,
                title=kind.title,
                description=kind.description,
                days=decided.get(kind.name, kind.days),
                days_default=kind.days,
                days_min=kind.days_min,
                days_max=kind.days_max,
                decided=kind.name in decided,
            )
            for kind in retention.kinds_of(tenant)
        ]
    )


def _check(kind: KeptKind, days: int, all_days: dict[str, int]) -> None:
    """Raises InvalidParameters: within the kind's bounds, and nothing outlives the log that explains it."""
    if not kind.days_min <= days <= kind.days_max:
        raise InvalidParameters(faults=(Fault("/days", f"from {kind.days_min} to {kind.days_max} days"),))
    longer = [name for name, kept in all_days.items() if kept > all_days[AUDIT]]
    if longer:
        detail = f"nothing is kept for longer than the log that explains it: {', '.join(sorted(longer))}"
        raise InvalidParameters(faults=(Fault("/days", detail),))
