from dataclasses import replace

import pytest

from ostiary.errors import Conflict, Forbidden, InvalidParameters, NotFound
from tests.identity.house import House


def test_members_are_added_listed_changed_and_removed(house: House) -> None:
    owner = house.owner()
    added = house.call(owner, "member.add", email="max@example.com", name="Max", role="support")
    listed = house.call(owner, "member.list").members
    assert [(member.email, member.name, member.role) for member in listed] == [
        ("olga@example.com", "Olga", "owner"),
        ("max@example.com", "Max", "support"),
    ]
    house.call(owner, "member.change_role", person=added.person, role="admin")
    house.call(owner, "member.remove", person=added.person)
    assert len(house.call(owner, "member.list").members) == 1
    again = house.call(owner, "member.add", email="MAX@example.com", name="Max", role="viewer")
    assert again.person == added.person


def test_a_member_is_added_once(house: House) -> None:
    owner = house.owner()
    house.call(owner, "member.add", email="max@example.com", name="Max", role="support")
    with pytest.raises(Conflict):
        house.call(owner, "member.add", email="max@example.com", name="Max", role="viewer")


def test_the_last_owner_stays(house: House) -> None:
    owner = house.owner()
    for name, params in (("member.remove", {}), ("member.change_role", {"role": "admin"})):
        with pytest.raises(Conflict):
            house.call(owner, name, person=owner.id, **params)
    second = house.member(owner, "max@example.com", "owner")
    house.call(second, "member.remove", person=owner.id)
    with pytest.raises(Conflict):
        house.call(second, "member.remove", person=second.id)


def test_nobody_gives_or_takes_a_role_above_their_own(house: House) -> None:
    owner = house.owner()
    admin = house.member(owner, "max@example.com", "admin")
    with pytest.raises(Forbidden):
        house.call(admin, "member.add", email="eve@example.com", name="Eve", role="owner")
    with pytest.raises(Forbidden):
        house.call(admin, "member.change_role", person=admin.id, role="owner")
    with pytest.raises(Forbidden):
        house.call(admin, "member.change_role", person=owner.id, role="viewer")
    with pytest.raises(Forbidden):
        house.call(admin, "member.remove", person=owner.id)
    assert house.call(admin, "member.add", email="eve@example.com", name="Eve", role="admin").role == "admin"


def test_who_may_not_manage_members_may_not(house: House) -> None:
    viewer = house.member(house.owner(), "max@example.com", "viewer")
    assert len(house.call(viewer, "member.list").members) == 2
    with pytest.raises(Forbidden):
        house.call(viewer, "member.add", email="eve@example.com", name="Eve", role="viewer")


def test_a_member_of_another_tenant_does_not_exist(house: House) -> None:
    owner = house.owner()
    other = house.member(owner, "max@example.com", "viewer")
    tenant = house.call(owner, "tenant.create", name="Second").tenant
    house.call(owner, "session.switch_tenant", tenant=tenant)
    secret = house.sign_in("olga@example.com").secret
    house.call(house.at(secret), "session.switch_tenant", tenant=tenant)
    elsewhere = house.at(secret)
    for name, params in (("member.remove", {}), ("member.change_role", {"role": "admin"})):
        with pytest.raises(NotFound):
            house.call(elsewhere, name, person=other.id, **params)
    assert [member.email for member in house.call(elsewhere, "member.list").members] == ["olga@example.com"]


def test_a_role_that_does_not_exist_is_a_fault(house: House) -> None:
    owner = house.owner()
    with pytest.raises(InvalidParameters) as refused:
        house.call(owner, "member.add", email="max@example.com", name="Max", role="emperor")
    assert refused.value.faults[0].pointer == "/role"


def test_a_tenants_own_role_is_defined_used_and_removed(house: House) -> None:
    owner = house.owner()
    put = house.call(
        owner,
        "role.put",
        name="refund_desk",
        title="Refund desk",
        permissions=["approval.read", "approval.decide"],
    )
    assert put.permissions == ["approval.decide", "approval.read", "me.own", "session.own"]
    member = house.member(owner, "max@example.com", "refund_desk")
    assert "approval.decide" in member.permissions
    assert "contract.call" not in member.permissions
    with pytest.raises(Conflict):
        house.call(owner, "role.remove", name="refund_desk")
    house.call(owner, "role.put", name="refund_desk", permissions=["approval.read"])
    assert "approval.decide" not in house.at(house.sign_in("max@example.com").secret).permissions
    house.call(owner, "member.remove", person=member.id)
    house.call(owner, "role.remove", name="refund_desk")
    listed = house.call(owner, "role.list")
    assert [role.name for role in listed.roles] == ["viewer", "developer", "support", "admin", "owner"]
    with pytest.raises(NotFound):
        house.call(owner, "role.remove", name="refund_desk")


def test_a_role_that_a_key_has_stays(house: House) -> None:
    owner = house.owner()
    house.call(owner, "role.put", name="reader", permissions=["contract.read"])
    created = house.call(owner, "key.create", name="k", kind="program", roles=["reader"])
    with pytest.raises(Conflict):
        house.call(owner, "role.remove", name="reader")
    house.call(owner, "key.revoke", key_id=created.key.key_id)
    house.call(owner, "role.remove", name="reader")


@pytest.mark.parametrize("name", ["owner", "viewer"])
def test_built_in_roles_stay_as_they_are(house: House, name: str) -> None:
    owner = house.owner()
    with pytest.raises(Forbidden):
        house.call(owner, "role.put", name=name, permissions=["audit.read"])
    with pytest.raises(Forbidden):
        house.call(owner, "role.remove", name=name)


def test_an_unknown_permission_is_a_fault(house: House) -> None:
    owner = house.owner()
    with pytest.raises(InvalidParameters) as refused:
        house.call(owner, "role.put", name="mine", permissions=["audit.read", "everything", "install.manage"])
    assert [fault.pointer for fault in refused.value.faults] == ["/permissions/1", "/permissions/2"]


def test_the_operator_resets_a_lost_second_factor_and_nobody_else_does(house: House) -> None:
    owner = house.owner()
    _, admin = house.enrol(house.member(owner, "max@example.com", "admin"))
    other = house.member(owner, "eve@example.com", "owner")
    with pytest.raises(Forbidden):
        house.call(other, "member.reset_second_factor", person=admin.id)
    assert house.registry.all()["member.reset_second_factor"].step_up
    house.call(owner, "member.reset_second_factor", person=admin.id)
    listed = house.call(owner, "session.list").sessions
    assert len(listed) == 1
    assert not house.sign_in("max@example.com").second_factor_required
    tenant = house.call(owner, "tenant.create", name="Second").tenant
    house.call(owner, "session.switch_tenant", tenant=tenant)
    elsewhere = replace(owner, tenant=tenant)
    with pytest.raises(NotFound):
        house.call(elsewhere, "member.reset_second_factor", person=admin.id)
