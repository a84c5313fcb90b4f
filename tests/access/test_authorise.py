from typing import Any

import pytest

from ostiary.access.authorise import ALLOWED, Refused, authorise, covers, within
from ostiary.access.roles import BUILT_IN, INSTALL_ONLY, PERMISSIONS, WITHHELD_FROM_AGENTS, held_by
from ostiary.actions import Action, Actor, ActorKind, Call, Effect, Risk, Surface
from ostiary.errors import Forbidden, NotAuthenticated, OutOfScope, WrongSurface
from ostiary.ids import INSTALL, TenantId
from ostiary.shapes import Empty, ModelShape, Nothing

A = TenantId("ten_a")


async def nothing(_call: Call, _params: Any) -> Nothing:
    return Nothing()


def action(name: str = "invoice.refund", **more: Any) -> Action:
    values: dict[str, Any] = {
        "name": name, "title": "t", "description": "d", "permission": "contract.call", "risk": Risk.LOW,
        "effect": Effect.NONE, "params": ModelShape(Empty), "result": ModelShape(Nothing), "run": nothing,
    }  # fmt: skip
    return Action(**{**values, **more})


def actor(**more: Any) -> Actor:
    values: dict[str, Any] = {
        "tenant": A, "kind": ActorKind.PROGRAM, "id": "k", "permissions": frozenset({"contract.call"}),
        "roles": frozenset({"support"}),
    }  # fmt: skip
    return Actor(**{**values, **more})


def refusal(who: Actor, what: Action) -> type[Exception] | None:
    decision = authorise(who, what)
    return type(decision.error) if isinstance(decision, Refused) else None


def test_who_holds_the_permission_may_and_who_does_not_may_not() -> None:
    assert authorise(actor(), action()) is ALLOWED
    assert refusal(actor(permissions=frozenset()), action()) is Forbidden


def test_nobody_may_only_what_is_public() -> None:
    nobody = Actor(INSTALL, ActorKind.ANONYMOUS, "", permissions=frozenset({"contract.call"}))
    assert refusal(nobody, action()) is NotAuthenticated
    assert refusal(nobody, action(public=True)) is None


def test_a_contract_with_roles_asks_for_one_of_them() -> None:
    assert refusal(actor(), action(roles=frozenset({"support", "admin"}))) is None
    assert refusal(actor(), action(roles=frozenset({"admin"}))) is Forbidden


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (None, True),
        (frozenset(), False),
        (frozenset({"invoice.refund"}), True),
        (frozenset({"invoice.*"}), True),
        (frozenset({"invoice.ref*"}), False),
        (frozenset({"invoice"}), False),
        (frozenset({"*"}), False),
        (frozenset({"invoices.*"}), False),
        (frozenset({"ticket.*", "invoice.refund"}), True),
    ],
)
def test_scopes_narrow_a_key(scopes: frozenset[str] | None, allowed: bool) -> None:
    assert (refusal(actor(scopes=scopes), action()) is None) is allowed
    if not allowed:
        assert refusal(actor(scopes=scopes), action()) is OutOfScope


def test_a_narrow_key_may_still_ask_about_its_own() -> None:
    narrow = {
        "scopes": frozenset({"invoice.refund"}),
        "permissions": frozenset({"contract.call", "me.own", "call.read"}),
    }
    assert refusal(actor(**narrow), action("call.show", permission="me.own")) is None
    assert refusal(actor(**narrow), action("call.export", permission="call.read")) is OutOfScope


def test_a_contracts_own_scope_is_matched_beside_its_name() -> None:
    assert refusal(actor(scopes=frozenset({"money.*"})), action(scope="money.out")) is None
    assert refusal(actor(scopes=frozenset({"money.*"})), action(scope="")) is OutOfScope


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("contracts", True), ("contracts:read", True), ("mcp.crm.create", True), ("mcp.crm.*", True), ("mcp.crm.session", True),
        ("mcp.crm", False), ("mcp.crmx.create", False), ("mcp.other.*", False), ("crm.create", False), ("", False),
    ],
)  # fmt: skip
def test_whoever_may_ask_an_upstream_anything_may_speak_with_it(scope: str, allowed: bool) -> None:
    narrow = actor(scopes=frozenset({scope}))
    spoken = refusal(narrow, action("mcp.crm.session", handshake=True))
    assert (spoken is None) is allowed
    assert refusal(narrow, action("mcp.crm.delete", handshake=False)) is (
        None if scope == "mcp.crm.*" else OutOfScope
    )


def test_the_surface_comes_first() -> None:
    customer = actor(surface=Surface.CUSTOMER, permissions=frozenset())
    assert refusal(customer, action()) is WrongSurface
    assert refusal(customer, action(public=True)) is WrongSurface
    assert refusal(customer, action(surfaces=frozenset({Surface.CUSTOMER}))) is Forbidden


def test_a_customer_needs_the_surface_and_the_list_not_a_staff_role() -> None:
    offered = action(surfaces=frozenset({Surface.ADMIN, Surface.CUSTOMER}), roles=frozenset({"support"}))
    customer = actor(
        kind=ActorKind.CUSTOMER,
        surface=Surface.CUSTOMER,
        roles=frozenset(),
        scopes=frozenset({"invoice.refund"}),
    )
    assert refusal(customer, offered) is None
    assert refusal(actor(roles=frozenset()), offered) is Forbidden


def test_a_pattern_within_another() -> None:
    outer = frozenset({"invoice.*", "ticket.show"})
    assert within(["invoice.refund", "invoice.*", "ticket.show"], outer)
    assert not within(["ticket.*"], outer)
    assert not within(["invoice.refund", "order.show"], outer)
    assert within(["anything"], None)
    assert not covers([], "a.b")


def test_the_built_in_roles_stand_above_each_other() -> None:
    viewer, developer, support = BUILT_IN["viewer"], BUILT_IN["developer"], BUILT_IN["support"]
    assert viewer < developer < BUILT_IN["admin"] < BUILT_IN["owner"]
    assert viewer < support < BUILT_IN["admin"]
    assert BUILT_IN["owner"] == PERMISSIONS.keys() - INSTALL_ONLY
    assert "approval.decide" not in developer
    assert "contract.manage" not in support


def test_what_a_kind_holds_of_its_roles() -> None:
    everything = frozenset(PERMISSIONS)
    assert "install.manage" not in held_by(ActorKind.PERSON, everything)
    assert not held_by(ActorKind.AGENT, everything) & WITHHELD_FROM_AGENTS
    assert held_by(ActorKind.PROGRAM, everything) == everything - {"install.manage", "session.own"}
    assert held_by(ActorKind.PERSON, []) == {"me.own", "session.own"}
