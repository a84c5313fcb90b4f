"""Past decisions taken again under another policy, on the facts that the log keeps sealed: which calls would have gone otherwise. The same each time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from ostiary.actions import JsonValue
from ostiary.audit import reading
from ostiary.audit import store as audit_store
from ostiary.audit.log import Audit
from ostiary.audit.store import EventRow, Facets
from ostiary.consent import facts
from ostiary.consent.deciding import Judged
from ostiary.consent.facts import Past
from ostiary.consent.policy import Ask
from ostiary.consent.quorum.needs import Needs
from ostiary.consent.rules import Rules
from ostiary.evidence import reason_data
from ostiary.ids import TenantId

RUN, ASK = "run", "ask"
MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Flip:
    """One call that would have gone otherwise. `before` and `after`: run, ask or refuse; `covered`: why nobody was asked although the rule asks.
    `before_needs`, `after_needs`: who had, and would have, to say yes; None where nobody is asked."""

    number: int
    call: str
    at_us: int
    action: str
    actor_kind: str
    actor_id: str
    before: str
    before_rule: str
    covered: str
    after: str
    after_rule: str
    reasons: list[JsonValue]
    before_needs: Needs | None
    after_needs: Needs | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """A page. `looked`: events; `decided`: those with facts; `closed`: whose content does not open any more, or is not what was recorded; `next`: the place of
    the event to go on before, 0 at the end."""

    looked: int
    decided: int
    closed: int
    flips: list[Flip]
    next: int


async def replayed(
    audit: Audit, tenant: TenantId, rules: Rules, *, since_us: int, until_us: int, before: int | None, limit: int, step_up_s: int
) -> Replayed:  # fmt: skip
    """The newest `limit` events before the place `before`, within [since_us, until_us). Raises StoreUnavailable, KeysUnavailable."""
    facets = Facets(since_us=since_us, until_us=until_us)

    def look(connection: Connection) -> tuple[list[EventRow], frozenset[int]]:
        rows = audit_store.search(connection, tenant, facets, before=before, limit=limit)
        kept = [(row.number, row.envelope) for row in rows if row.envelope]
        return rows, reading.as_recorded(connection, tenant, kept)

    rows, genuine = await audit.database.run(look)
    return await asyncio.to_thread(
        _page, audit, tenant, rules, rows, genuine, limit=limit, step_up_s=step_up_s
    )


def _page(
    audit: Audit, tenant: TenantId, rules: Rules, rows: list[EventRow], genuine: frozenset[int], *, limit: int, step_up_s: int
) -> Replayed:  # fmt: skip
    flips, decided, closed = [], 0, 0
    for row in rows:
        if row.number not in genuine:
            closed += 1
            continue
        parts = reading.opened(audit, tenant, row)
        closed += any(part.state != "opened" for part in parts)
        found = next((content for part in parts if (content := _facts(part.content))), None)
        past = facts.past(found, tenant) if found else None
        if past is None:
            continue
        decided += 1
        said = orjson.loads(row.envelope)
        now = past.under(rules, at_us=said["at_us"], step_up_s=step_up_s)
        flip = flipped(row.number, said, past, now)
        flips += [flip] if flip else []
    more = rows[-1].number if len(rows) == limit else 0
    return Replayed(len(rows), decided, closed, flips, more)


def _facts(content: JsonValue) -> JsonValue:
    return content.get(facts.FIELD) if isinstance(content, dict) else None


def flipped(number: int, said: Mapping[str, JsonValue], past: Past, now: Judged) -> Flip | None:
    """The difference, if there is one; `said` is the event's envelope. An answered question counts as run, and stays answered where the new rules still let that answer count."""
    before = RUN if past.covered else past.outcome
    after = RUN if now.outcome == ASK and _still_covered(past, now) else now.outcome
    before_needs = past.needs if before == ASK else None
    after_needs = now.needs if after == ASK else None
    if before == after and before_needs == after_needs:
        return None
    return Flip(
        number, said["call"], said["at_us"], past.action.name, past.actor.kind.value, past.actor.id, before, past.rule, past.covered, after, now.rule,
        [reason_data(reason) for reason in now.reasons], before_needs, after_needs,
    )  # fmt: skip


def _still_covered(past: Past, now: Judged) -> bool:
    if not past.covered or not isinstance(now.verdict, Ask):
        return False
    return now.verdict.memory if past.covered == MEMORY else not now.added and now.needs.quorum == 1
