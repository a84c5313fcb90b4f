from typing import Any

import pytest

from ostiary.actions import Actor, Surface
from ostiary.errors import Conflict, CredentialRefused, Forbidden, InvalidParameters, NotFound, OutOfScope
from ostiary.identity.api_keys import customer
from ostiary.ids import SubjectId
from ostiary.secret import Secret
from tests.identity.house import House


def create(house: House, by: Actor, **params: Any) -> Any:
    return house.call(
        by, "key.create", **{"name": "night job", "kind": "program", "roles": ["viewer"], **params}
    )


def test_a_created_key_opens_and_is_listed_without_its_secret(house: House) -> None:
    owner = house.owner()
    created = create(house, owner, scopes=["invoice.*"])
    assert created.secret.startswith(f"ost_live_{created.key.key_id}_")
    actor = house.enter(Secret(created.secret)).actor
    assert (actor.tenant, actor.scopes) == (owner.tenant, frozenset({"invoice.*"}))
    (listed,) = house.call(owner, "key.list").keys
    assert (listed.name, listed.state, listed.roles) == ("night job", "live", ["viewer"])
    assert listed.created_by == owner.id
    assert created.secret not in listed.model_dump_json()


def test_a_rotated_key_keeps_its_id_and_overlaps(house: House) -> None:
    owner = house.owner()
    created = create(house, owner)
    house.enter(Secret(created.secret))
    rotated = house.call(owner, "key.rotate", key_id=created.key.key_id, overlap_s=60)
    for text in (created.secret, rotated.secret):
        assert house.enter(Secret(text)).actor.id == created.key.key_id
    house.clock.advance(60)
    assert house.enter(Secret(rotated.secret)).actor.id == created.key.key_id
    with pytest.raises(CredentialRefused):
        house.enter(Secret(created.secret))


def test_rotating_without_overlap_ends_the_old_secret_at_once(house: House) -> None:
    owner = house.owner()
    created = create(house, owner)
    house.enter(Secret(created.secret))
    rotated = house.call(owner, "key.rotate", key_id=created.key.key_id, overlap_s=0)
    with pytest.raises(CredentialRefused):
        house.enter(Secret(created.secret))
    house.enter(Secret(rotated.secret))


def test_two_secrets_of_a_key_are_valid_at_most(house: House) -> None:
    owner = house.owner()
    texts = [create(house, owner).secret]
    for _ in range(2):
        key_id = texts[0].split("_")[2]
        texts.append(house.call(owner, "key.rotate", key_id=key_id).secret)
    with pytest.raises(CredentialRefused):
        house.enter(Secret(texts[0]))
    for text in texts[1:]:
        house.enter(Secret(text))


def test_a_revoked_key_opens_nothing(house: House) -> None:
    owner = house.owner()
    created, other = create(house, owner), create(house, owner)
    house.enter(Secret(created.secret))
    house.call(owner, "key.revoke", key_id=created.key.key_id)
    with pytest.raises(CredentialRefused):
        house.enter(Secret(created.secret))
    house.enter(Secret(other.secret))
    with pytest.raises(Conflict):
        house.call(owner, "key.rotate", key_id=created.key.key_id)
    states = {key.key_id: key.state for key in house.call(owner, "key.list").keys}
    assert states == {created.key.key_id: "revoked", other.key.key_id: "live"}


def test_a_key_ends_with_its_days(house: House) -> None:
    owner = house.owner()
    created = create(house, owner, expires_days=1)
    house.clock.advance(86_399)
    house.enter(Secret(created.secret))
    house.clock.advance(1)
    with pytest.raises(CredentialRefused):
        house.enter(Secret(created.secret))
    assert house.call(owner, "key.list").keys[0].state == "expired"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"roles": []}, "/roles"),
        ({"roles": ["emperor"]}, "/roles/0"),
        ({"contracts": ["a.b"]}, "/contracts"),
        ({"surface": "customer"}, "/surface"),
        ({"scopes": ["*"]}, "/scopes/0"),
        ({"expires_days": 0}, "/expires_days"),
        ({"kind": "publishable"}, "/surface"),
        ({"kind": "publishable", "roles": [], "surface": "customer"}, "/contracts"),
        ({"kind": "publishable", "roles": ["viewer"], "surface": "customer", "contracts": ["a.b"]}, "/roles"),
        (
            {"kind": "publishable", "roles": [], "surface": "customer", "contracts": ["a.b"], "scopes": []},
            "/scopes",
        ),
    ],
)
def test_what_does_not_fit_a_kind_of_key_is_a_fault(
    house: House, params: dict[str, Any], pointer: str
) -> None:
    owner = house.owner()
    with pytest.raises(InvalidParameters) as refused:
        create(house, owner, **params)
    assert pointer in [fault.pointer for fault in refused.value.faults]


def test_a_publishable_key_serves_customers(house: House) -> None:
    owner = house.owner()
    created = create(
        house, owner, kind="publishable", roles=[], surface="customer", contracts=["order.status"]
    )
    assert created.secret.startswith("opk_live_")
    secret = house.call(owner, "tenant.signing_secret").secret
    expires_s = house.clock.now_us() // 1_000_000 + 600
    header = customer.sign(Secret(secret), tenant=owner.tenant, subject=SubjectId("c-1"), expires_s=expires_s)
    actor = house.enter(Secret(created.secret), customer=header).actor
    assert (actor.surface, actor.subject) == (Surface.CUSTOMER, "c-1")
    house.call(owner, "tenant.signing_secret", overlap_s=0)
    with pytest.raises(CredentialRefused):
        house.enter(Secret(created.secret), customer=header)


def test_a_key_may_sign_with_two_secrets_during_a_rotation(house: House) -> None:
    owner = house.owner()
    created = create(house, owner, signature_required=True)
    first = house.call(owner, "key.signing_secret", key_id=created.key.key_id)
    second = house.call(owner, "key.signing_secret", key_id=created.key.key_id, overlap_s=60)
    assert (first.version, first.previous_valid_until, second.version) == (1, "", 2)
    from tests.hostile.test_identity_keys import signed

    for number, secret in enumerate((first, second)):
        house.enter(Secret(created.secret), **signed(house, Secret(secret.secret), nonce=f"{number}" * 20))
    publishable = create(house, owner, kind="publishable", roles=[], surface="customer", contracts=["a.b"])
    with pytest.raises(Conflict):
        house.call(owner, "key.signing_secret", key_id=publishable.key.key_id)


def test_nobody_makes_or_renews_a_key_above_their_own(house: House) -> None:
    owner = house.owner()
    developer = house.member(owner, "dev@example.com", "developer")
    with pytest.raises(Forbidden):
        create(house, developer, roles=["support"])
    with pytest.raises(Forbidden):
        create(house, developer, roles=["viewer", "admin"])
    above = create(house, owner, roles=["admin"])
    for name in ("key.rotate", "key.signing_secret"):
        with pytest.raises(Forbidden):
            house.call(developer, name, key_id=above.key.key_id)
    own = create(house, developer, roles=["developer"])
    house.call(developer, "key.rotate", key_id=own.key.key_id)


def test_a_scoped_key_makes_no_wider_one(house: House) -> None:
    owner = house.owner()
    scoped = create(house, owner, roles=["developer"], scopes=["key.*", "invoice.*"])
    wide = create(house, owner, roles=["developer"])
    actor = house.enter(Secret(scoped.secret)).actor
    for scopes in (None, ["ticket.*"], ["invoice.show", "ticket.show"]):
        with pytest.raises(OutOfScope):
            create(house, actor, roles=["developer"], scopes=scopes)
    with pytest.raises(OutOfScope):
        house.call(actor, "key.rotate", key_id=wide.key.key_id)
    create(house, actor, roles=["developer"], scopes=["invoice.show"])


def test_a_key_of_another_tenant_does_not_exist(house: House) -> None:
    owner = house.owner()
    created = create(house, owner)
    tenant = house.call(owner, "tenant.create", name="Second").tenant
    secret = house.sign_in("olga@example.com").secret
    house.call(house.at(secret), "session.switch_tenant", tenant=tenant)
    elsewhere = house.at(secret)
    for name in ("key.rotate", "key.revoke", "key.signing_secret"):
        with pytest.raises(NotFound):
            house.call(elsewhere, name, key_id=created.key.key_id)
    assert house.call(elsewhere, "key.list").keys == []
    house.enter(Secret(created.secret))
