"""Events for tests: one call each, by the same key, unless said otherwise."""

from dataclasses import replace
from typing import Any

from ostiary.audit.event import Decision, Entry, Event, Part
from ostiary.ids import SubjectId, TenantId
from tests.conftest import StillClock as StillClock

ACME = TenantId("ten_acme")
OTHER = TenantId("ten_other")

REFUND = Event(
    tenant=ACME,
    action="shop.refund",
    decision=Decision.RAN,
    actor_kind="agent",
    actor_id="key_1",
    face="mcp",
    call="cal_1",
    at_us=1_760_000_000_000_000,
)


def refund(**changes: Any) -> Event:
    return replace(REFUND, **changes)


def entry(**changes: Any) -> Entry:
    return Entry((refund(**changes),))


def about(subject: str, content: Any) -> Part:
    return Part(SubjectId(subject), content)
