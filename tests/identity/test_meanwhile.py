"""What happens when something changes between a call's look and its rows, and at the bounds."""

import asyncio
from typing import Any

import pytest

from ostiary.access import store as access_store
from ostiary.actions import Actor, Call
from ostiary.errors import Conflict, CredentialRefused, Forbidden, NotAuthenticated, NotFound, Replayed
from ostiary.identity import gate as gate_module
from ostiary.identity import key_actions, member_actions, setup, store
from ostiary.identity import post as post_module
from ostiary.identity.api_keys import customer
from ostiary.identity.api_keys import store as key_store
from ostiary.identity.post import Post
from ostiary.ids import INSTALL, PersonId, SubjectId
from ostiary.secret import Secret
from tests import servers
from tests.identity.conftest import A, B
from tests.identity.house import House, id_of


def begun(house: House, actor: Actor, name: str, /, **params: Any) -> Call:
    call, _ = asyncio.run(house.begin(actor, name, params))
    return call


def test_two_set_ups_at_once_make_one_owner(house: House) -> None:
    token = setup.issue_token(house.database, house.clock).reveal()
    calls = [
        begun(
            house, house.nobody(), "setup.begin", token=token, email=f"o{n}@example.com", name="O", tenant="T"
        )
        for n in range(2)
    ]
    house.commit(calls[0])
    with pytest.raises(CredentialRefused):
        house.commit(calls[1])


def test_a_session_that_was_ended_meanwhile_is_not_renewed(house: House) -> None:
    key, owner = house.enrol(house.owner())
    step_up = begun(house, owner, "session.step_up", code=house.totp(key))
    switch = begun(house, owner, "session.switch_tenant", tenant=owner.tenant)
    house.call(owner, "session.end_all")
    for call in (step_up, switch):
        with pytest.raises(NotAuthenticated):
            house.commit(call)
    with pytest.raises(NotAuthenticated):
        house.call(
            Actor(INSTALL, owner.kind, owner.id, permissions=owner.permissions, session="ses_" + "0" * 32),
            "session.step_up",
            code="123456",
        )


def test_an_enrolment_that_was_changed_meanwhile_does_not_count(house: House) -> None:
    owner = house.owner()
    key = house.call(owner, "me.totp_enrol").secret.key
    confirm = begun(house, owner, "me.totp_confirm", code=house.totp(key))
    house.call(owner, "me.totp_enrol")
    with pytest.raises(Conflict):
        house.commit(confirm)
    assert not house.call(owner, "me.show").second_factor


def test_a_role_that_was_widened_meanwhile_is_not_given(house: House) -> None:
    owner = house.owner()
    house.call(owner, "role.put", name="desk", permissions=["approval.read"])
    admin = house.member(owner, "max@example.com", "admin")
    add = begun(house, admin, "member.add", email="eve@example.com", name="Eve", role="desk")
    make = begun(house, admin, "key.create", name="k", kind="program", roles=["desk"])
    house.call(owner, "role.put", name="desk", permissions=["tenant.manage"])
    for call in (add, make):
        with pytest.raises(Forbidden):
            house.commit(call)


def test_two_owners_who_leave_at_once_leave_one(house: House) -> None:
    owner = house.owner()
    second = house.member(owner, "max@example.com", "owner")
    first_leaves = begun(house, owner, "member.remove", person=owner.id)
    second_leaves = begun(house, second, "member.remove", person=second.id)
    house.commit(first_leaves)
    with pytest.raises(Conflict):
        house.commit(second_leaves)


def test_two_signing_secrets_at_once_make_one(house: House) -> None:
    owner = house.owner()
    calls = [begun(house, owner, "tenant.signing_secret") for _ in range(2)]
    house.commit(calls[0])
    with pytest.raises(Conflict):
        house.commit(calls[1])


def test_the_same_new_person_added_twice_at_once_is_one(house: House) -> None:
    owner = house.owner()
    calls = [
        begun(house, owner, "member.add", email="max@example.com", name="Max", role="viewer")
        for _ in range(2)
    ]
    house.commit(calls[0])
    with pytest.raises(Conflict):
        house.commit(calls[1])


def test_a_role_that_vanished_meanwhile_is_not_removed_twice(house: House) -> None:
    owner = house.owner()
    house.call(owner, "role.put", name="desk", permissions=["approval.read"])
    calls = [begun(house, owner, "role.remove", name="desk") for _ in range(2)]
    house.commit(calls[0])
    with pytest.raises(NotFound):
        house.commit(calls[1])


def test_roles_members_and_keys_have_a_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = house.owner()
    monkeypatch.setattr(access_store, "ROLES_MAX", 1)
    monkeypatch.setattr(member_actions, "MEMBERS_MAX", 2)
    monkeypatch.setattr(key_actions, "KEYS_MAX", 1)
    for number in range(2):
        asked: list[tuple[str, dict[str, Any]]] = [
            ("role.put", {"name": f"role{number}", "permissions": []}),
            ("member.add", {"email": f"m{number}@example.com", "name": "M", "role": "viewer"}),
            ("key.create", {"name": "k", "kind": "program", "roles": ["viewer"]}),
        ]
        for name, params in asked:
            if number == 0:
                house.call(owner, name, **params)
            else:
                with pytest.raises(Conflict):
                    house.call(owner, name, **params)
    house.call(owner, "role.put", name="role0", permissions=["audit.read"])  # changing one is not adding one


def test_keys_held_in_memory_have_a_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.gate.keys._kept, "_most", 2)
    texts = [house.key(A) for _ in range(3)]
    for text in texts:
        house.enter(text)
    assert list(house.gate.keys._kept._held) == [id_of(texts[1]), id_of(texts[2])]
    house.enter(texts[0])


def test_nonces_held_in_memory_have_a_bound_and_the_database_has_the_rest(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.hostile.test_identity_keys import signed

    monkeypatch.setattr(gate_module, "NONCES_HELD_MAX", 1)
    text = house.key(A, signature_required=True)
    secret = house.signing_secret(A, id_of(text))
    requests = [signed(house, secret, nonce=f"{number}" * 20) for number in range(2)]
    for request in requests:
        for claim in house.enter(text, **request).claims:
            house.database.transact(claim)
    with pytest.raises(Replayed):
        house.enter(text, **requests[1])
    (again,) = house.enter(text, **requests[0]).claims
    with pytest.raises(Replayed):
        house.database.transact(again)


def test_letters_under_way_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    async def send(email: str, _code: str) -> None:
        sent.append(email)

    async def flood() -> None:
        post = Post(send)
        for number in range(3):
            post.send(f"p{number}@example.com", "12345678")
        await post.drain()

    monkeypatch.setattr(post_module, "LETTERS_UNDER_WAY_MAX", 2)
    asyncio.run(flood())
    assert sent == ["p0@example.com", "p1@example.com"]


def test_what_is_long_over_is_forgotten(house: House) -> None:
    owner = house.owner()
    house.code_for("olga@example.com")
    tenant = owner.tenant

    def kept() -> tuple[int, int]:
        look = house.database.read
        sessions = look(lambda c: store.find_session_by_id(c, INSTALL, owner.session))
        codes = look(lambda c: store.count_codes(c, INSTALL, email=index, address=b"", since_us=0))
        return int(sessions is not None), codes[0]

    index = house.vault.blind(INSTALL, "person.email", "olga@example.com")
    house.database.transact(
        lambda c: key_store.claim_nonce(c, tenant, "k", "n" * 20, house.clock.now_us() + 1)
    )
    house.clock.advance(8 * 86_400 - 43_200)
    asyncio.run(house.gate.flush())
    assert kept() == (1, 0)
    house.database.transact(
        lambda c: key_store.claim_nonce(c, tenant, "k", "n" * 20, house.clock.now_us() + 1)
    )
    house.clock.advance(43_201)
    asyncio.run(house.gate.flush())
    assert kept() == (0, 0)


def test_when_a_session_was_last_seen_is_written_behind(house: House) -> None:
    owner = house.owner()
    session = house.sign_in("olga@example.com")
    house.clock.advance(90)
    house.at(session.secret)
    asyncio.run(house.gate.flush())
    asyncio.run(house.gate.flush())
    listed = {shown.session: shown for shown in house.call(owner, "session.list").sessions}
    assert listed[session.session].seen_at == "2025-10-09T08:54:50.000000Z"
    assert listed[owner.session].seen_at == "2025-10-09T08:53:20.000000Z"


def test_a_key_sees_its_own_tenant(house: House) -> None:
    owner = house.owner()
    house.call(owner, "tenant.create", name="Second")
    created = house.call(owner, "key.create", name="k", kind="program", roles=["viewer"])
    program = house.enter(Secret(created.secret)).actor
    assert [found.name for found in house.call(program, "tenant.list").tenants] == ["Acme"]
    assert house.call(house.enter(house.key(B)).actor, "tenant.list").tenants == []


def test_the_matrix_is_an_action(house: House) -> None:
    shown = house.call(house.owner(), "permission.matrix")
    by_name = {row.action: row for row in shown.actions}
    assert by_name["member.add"].roles == {
        "viewer": "", "developer": "", "support": "", "admin": "yes", "owner": "yes",
    }  # fmt: skip
    assert by_name["session.start"].permission == ""
    assert by_name["tenant.create"].roles["owner"] == "operator"
    assert "| `key.create` | `key.manage` | medium |" in shown.markdown


def test_a_person_who_is_gone_opens_nothing(house: House) -> None:
    owner = house.owner()
    secret = house.sign_in("olga@example.com").secret
    servers.tamper(house.database, lambda c: c.execute(store.person.delete()))
    with pytest.raises(CredentialRefused):
        house.at(secret)
    with pytest.raises(CredentialRefused):
        house.call(owner, "me.show")


def test_a_subject_that_would_break_the_header_is_not_signed() -> None:
    for subject in ("", "a,b", "a\nb", "x" * 129):
        with pytest.raises(ValueError, match="subject"):
            customer.sign(Secret("s" * 43), tenant=A, subject=SubjectId(subject), expires_s=1)


def test_a_person_signs_in_no_more_after_their_last_membership(house: House) -> None:
    owner = house.owner()
    house.call(owner, "member.add", email="max@example.com", name="Max", role="viewer")
    request, code = house.code_for("max@example.com")
    (person,) = [m.person for m in house.call(owner, "member.list").members if m.email == "max@example.com"]
    house.call(owner, "member.remove", person=PersonId(person))
    from ostiary.errors import CodeRefused

    with pytest.raises(CodeRefused):
        house.call(house.nobody(), "session.start", request=request, code=code)
