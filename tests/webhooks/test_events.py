"""Which event is told under which type, and to whom it may be."""

import pytest

from ostiary.audit.event import Decision, Event
from ostiary.ids import INSTALL, TenantId
from ostiary.webhooks import events
from ostiary.webhooks.events import INSTALL_TYPES, TENANT_TYPES, install_type_of, matches, type_of

BASE = {
    "tenant": TenantId("ten_1"),
    "actor_kind": "agent",
    "actor_id": "key_1",
    "face": "rest",
    "call": "cal_1",
    "at_us": 1,
}


def event(action: str, decision: Decision, **more: str) -> Event:
    return Event(action=action, decision=decision, **{**BASE, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("recorded", "name"),
    [
        (event("pay.send", Decision.HELD, approval="apr_1"), "approval.requested"),
        (event("pay.send", Decision.APPROVED, approval="apr_1"), "approval.decided"),
        (event("pay.send", Decision.REJECTED, approval="apr_1"), "approval.decided"),
        (event("pay.send", Decision.EXPIRED, approval="apr_1"), "approval.expired"),
        (event("pay.send", Decision.UNKNOWN), "incident.outcome_unknown"),
        (event("shield.stop", Decision.RAN), "incident.stopped"),
        (event("shield.stop", Decision.REFUSED, code="params.invalid"), ""),
        (event("erasure.certified", Decision.RAN), "privacy.erased"),
        (event("hold.place", Decision.RAN), "privacy.hold_changed"),
        (event("pay.send", Decision.RAN), ""),
        (event("pay.send", Decision.REFUSED, code="contract.unknown"), "audit.refused"),
        (event("pay.send", Decision.REFUSED, code="limit.rate"), ""),
        (event("pay.send", Decision.REFUSED, code="limit.reached"), "limit.reached"),
        (event("pay.send", Decision.REFUSED, code="access.forbidden", actor_kind="anonymous"), ""),
    ],
)
def test_an_event_has_its_type_or_none(recorded: Event, name: str) -> None:
    assert type_of(recorded) == name


def test_a_type_a_family_and_everything_are_named() -> None:
    assert matches(["approval.requested"], "approval.requested")
    assert not matches(["approval.requested"], "approval.decided")
    assert matches(["approval.*"], "approval.decided")
    assert not matches(["approval.*"], "audit.refused")
    assert matches(["*"], "audit.refused")
    assert not matches([], "audit.refused")


def test_only_what_is_known_may_be_named() -> None:
    assert all(TENANT_TYPES.is_pattern(text) for text in ("*", "approval.*", "privacy.erased"))
    assert not any(
        TENANT_TYPES.is_pattern(text)
        for text in ("", "approval", "approval.", ".*", "nothing.*", "approval.re*", "**", "webhook.test")
    )


def test_a_subscription_takes_the_permission_of_each_family() -> None:
    assert TENANT_TYPES.permissions(["approval.*"]) == {"approval.read"}
    assert TENANT_TYPES.permissions(["incident.stopped", "approval.requested"]) == {
        "audit.read",
        "approval.read",
    }
    assert TENANT_TYPES.permissions(["*"]) == {"approval.read", "audit.read", "call.read", "connector.read", "privacy.discover"}  # fmt: skip


@pytest.mark.parametrize(
    ("recorded", "name"),
    [
        (event("backup.taken", Decision.RAN, tenant=INSTALL), "backup.taken"),
        (event("backup.taken", Decision.REFUSED, tenant=INSTALL, code="access.forbidden"), ""),
        (event("erasure.certified", Decision.RAN, tenant=INSTALL), "tenant.ended"),
        (event("erasure.certified", Decision.RAN), ""),
        (event("tenant.created", Decision.RAN), "tenant.created"),
        (event("tenant.pin", Decision.RAN), "cell.pinned"),
        (event("tenant.pin", Decision.RAN, tenant=INSTALL), "cell.pinned"),
        (event("session.operator", Decision.RAN, tenant=INSTALL), "operator.signed_in"),
        (event("session.operator", Decision.RAN), ""),
        (event("shield.stop", Decision.RAN), ""),
        (event("shield.stop", Decision.RAN, tenant=INSTALL), "incident.stopped"),
        (
            event("session.start", Decision.REFUSED, tenant=INSTALL, code="auth.code_refused"),
            "access.refused",
        ),
        (event("session.start", Decision.REFUSED, code="auth.code_refused"), ""),
        (event("webhook.deliver_step", Decision.RAN, tenant=INSTALL), ""),
    ],
)
def test_an_event_that_the_operator_is_told_of_has_its_type(recorded: Event, name: str) -> None:
    assert install_type_of(recorded) == name


def test_what_stands_in_the_installations_log_is_told_to_no_tenant() -> None:
    assert type_of(event("erasure.certified", Decision.RAN, tenant=INSTALL)) == ""
    assert type_of(event("shield.stop", Decision.RAN, tenant=INSTALL)) == ""


def test_the_two_catalogues_are_apart_and_the_operators_takes_one_permission() -> None:
    assert INSTALL_TYPES.is_pattern("backup.*")
    assert not TENANT_TYPES.is_pattern("backup.*")
    assert not INSTALL_TYPES.is_pattern("approval.requested")
    assert INSTALL_TYPES.permissions(["*"]) == {"install.manage"}


def test_what_is_told_of_actions_names_types_that_there_are() -> None:
    told = set(events.TOLD.values())
    install = {*events.TOLD_THE_OPERATOR.values(), *events.IN_THE_INSTALLATIONS_LOG.values()}
    assert told <= {each.name for each in TENANT_TYPES.types}
    assert install <= {each.name for each in INSTALL_TYPES.types}
    for catalogue in (TENANT_TYPES, INSTALL_TYPES):
        assert {each.family for each in catalogue.types} == set(catalogue.families)
