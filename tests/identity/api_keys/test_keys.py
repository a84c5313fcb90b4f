import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from ostiary.actions import ActorKind, Face, Surface
from ostiary.db import marks
from ostiary.db.scope import within
from ostiary.db.signals import tell
from ostiary.errors import CredentialRefused, NotFound
from ostiary.identity.api_keys import customer, key_text, store
from ostiary.identity.presented import Presented
from ostiary.identity.standing import standing
from ostiary.ids import INSTALL, SubjectId
from ostiary.secret import Secret
from tests.identity.conftest import A, B
from tests.identity.house import House, id_of
from tests.waiting import heard


def test_a_key_speaks_for_its_program(house: House) -> None:
    actor = house.enter(house.key(A, scopes=["invoice.*"])).actor
    assert (actor.tenant, actor.kind, actor.name) == (A, ActorKind.PROGRAM, "night job")
    assert actor.scopes == frozenset({"invoice.*"})
    assert actor.roles == frozenset({"developer"})
    assert "contract.manage" in actor.permissions
    assert "session.own" not in actor.permissions
    assert actor.address == "127.0.0.1"


def test_an_agent_never_holds_what_would_let_it_approve_itself(house: House) -> None:
    actor = house.enter(house.key(A, kind="agent", roles="owner")).actor
    assert actor.kind is ActorKind.AGENT
    assert {"contract.call", "approval.read"} <= actor.permissions
    assert not actor.permissions & {"approval.decide", "key.manage", "role.manage", "contract.manage"}


def test_without_a_credential_one_is_nobody(house: House) -> None:
    actor = house.enter().actor
    assert (actor.kind, actor.tenant, actor.permissions) == (ActorKind.ANONYMOUS, INSTALL, frozenset())


def test_a_wrong_secret_opens_nothing(house: House) -> None:
    good = house.key(A)
    wrong = key_text.mint(id_of(good), environment="live", publishable=False)
    assert house.enter(good).actor.id == id_of(good)
    with pytest.raises(CredentialRefused):
        house.enter(wrong)


def test_a_key_expires(house: House) -> None:
    text = house.key(A, expires_us=house.clock.now_us() + 10_000_000)
    house.enter(text)
    house.clock.advance(9.9)
    house.enter(text)
    house.clock.advance(0.1)
    with pytest.raises(CredentialRefused):
        house.enter(text)


def test_a_rotated_version_overlaps_and_then_ends(house: House) -> None:
    old = house.key(A)
    new = key_text.mint(id_of(old), environment="live", publishable=False)
    until_us = house.clock.now_us() + 60_000_000
    house.database.transact(
        lambda connection: store.expire_versions(connection, INSTALL, id_of(old), until_us)
    )
    house.version(new, A, 2)
    assert house.enter(old).actor == house.enter(new).actor
    house.clock.advance(60)
    assert house.enter(new).actor.id == id_of(old)
    with pytest.raises(CredentialRefused):
        house.enter(old)


def test_a_version_made_by_another_process_counts_at_once(house: House) -> None:
    old = house.key(A)
    house.enter(old)  # held in memory, without the version below
    new = key_text.mint(id_of(old), environment="live", publishable=False)
    house.version(new, A, 2)
    assert house.enter(new).actor.id == id_of(old)


def test_a_revoked_key_counts_no_more(house: House) -> None:
    text = house.key(A)
    house.enter(text)
    house.database.transact(
        lambda connection: store.revoke_key(connection, A, id_of(text), house.clock.now_us())
    )
    with pytest.raises(CredentialRefused):
        house.enter(text)


def test_the_hot_path_does_not_ask_the_database(house: House) -> None:
    text = house.key(A)
    heard(house.database)
    house.enter(text)
    asked: list[str] = []
    event.listen(house.database.engine(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert house.enter(text).actor.tenant == A
    assert asked == []


def test_the_last_use_is_written_behind_once_a_minute(house: House) -> None:
    text = house.key(A)
    heard(house.database)

    def last_used() -> int:
        row = house.database.read(lambda connection: store.find_key(connection, A, id_of(text)))
        if row is None:
            raise NotFound
        return row.last_used_us

    first = house.clock.now_us()
    house.enter(text)
    asyncio.run(house.gate.flush())
    assert last_used() == first
    house.clock.advance(30)
    house.enter(text)
    asyncio.run(house.gate.flush())
    assert last_used() == first
    house.clock.advance(30)
    house.enter(text)
    asyncio.run(house.gate.flush())
    assert last_used() == first + 60_000_000


def test_many_callers_share_one_look_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    text = house.key(A)
    heard(house.database)
    looked: list[str] = []
    find = store.find_versions
    monkeypatch.setattr(store, "find_versions", lambda c, t, key: looked.append(key) or find(c, t, key))

    async def burst() -> None:
        presented = Presented(Face.REST, bearer=text)
        await asyncio.gather(*(house.gate.enter(presented) for _ in range(50)))

    asyncio.run(burst())
    assert len(looked) == 1


def test_a_publishable_key_without_a_customer_may_only_submit(house: House) -> None:
    house.signing_secret(A)
    actor = house.enter(
        house.key(A, kind="publishable", surface="customer", contracts=("order.status",))
    ).actor
    assert (actor.kind, actor.surface, actor.subject) == (ActorKind.CUSTOMER, Surface.WRITE_ONLY, "")
    assert actor.permissions == frozenset({"contract.call"})
    assert actor.scopes == frozenset({"order.status"})


def test_a_customer_token_names_the_customer(house: House) -> None:
    text = house.key(A, kind="publishable", surface="customer", contracts=("order.status",))
    secret = house.signing_secret(A)
    now_s = house.clock.now_us() // 1_000_000
    header = customer.sign(secret, tenant=A, subject=SubjectId("cust-7"), expires_s=now_s + 600)
    actor = house.enter(text, customer=header).actor
    assert (actor.surface, actor.subject) == (Surface.CUSTOMER, "cust-7")
    key_id, pseudonym = actor.id.split(".")
    assert key_id == id_of(text)
    assert len(pseudonym) == 20
    house.clock.advance(600)
    with pytest.raises(CredentialRefused):
        house.enter(text, customer=header)


def test_a_write_only_key_stays_so_with_a_customer(house: House) -> None:
    text = house.key(A, kind="publishable", surface="write_only", contracts=("ticket.open",))
    secret = house.signing_secret(A)
    expires_s = house.clock.now_us() // 1_000_000 + 600
    header = customer.sign(secret, tenant=A, subject=SubjectId("cust-7"), expires_s=expires_s)
    assert house.enter(text, customer=header).actor.surface is Surface.WRITE_ONLY


@pytest.mark.parametrize("lifetime_s", [0, -1, 3601])
def test_a_customer_token_is_short_lived(house: House, lifetime_s: int) -> None:
    secret = house.signing_secret(A)
    now_s = house.clock.now_us() // 1_000_000
    header = customer.sign(secret, tenant=A, subject=SubjectId("c"), expires_s=now_s + lifetime_s)
    with pytest.raises(CredentialRefused):
        customer.check(header, [secret], tenant=A, now_s=now_s)


def test_a_customer_token_is_its_tenants(house: House) -> None:
    secret = Secret("s" * 43)
    header = customer.sign(secret, tenant=A, subject=SubjectId("c"), expires_s=100)
    assert customer.check(header, [Secret("old"), secret], tenant=A, now_s=50) == "c"
    for changed, secrets, tenant in (
        (header, [secret], B),
        (header, [], A),
        (header.replace("s=c", "s=d"), [secret], A),
        (header.replace("e=100", "e=101"), [secret], A),
        ("", [secret], A),
        ("s=" * 200, [secret], A),
    ):
        with pytest.raises(CredentialRefused):
            customer.check(changed, secrets, tenant=tenant, now_s=50)


def promote(connection: Connection) -> None:
    with within(connection, A):
        marks.change(connection, A, store.api_key, [store.api_key.c.tenant == A], {"roles": "support"})


def test_a_changed_role_counts_for_keys(house: House) -> None:
    text = house.key(A, roles="viewer")
    heard(house.database)
    assert "contract.call" not in house.enter(text).actor.permissions
    house.database.transact(promote)
    house.database.transact(lambda connection: tell(connection, B, "role"))
    assert "contract.call" not in house.enter(text).actor.permissions
    house.database.transact(lambda connection: tell(connection, A, "role"))
    assert "contract.call" in house.enter(text).actor.permissions


def test_two_customers_of_one_key_are_two_actors(house: House) -> None:
    text = house.key(A, kind="publishable", surface="customer", contracts=("order.status",))
    secret = house.signing_secret(A)
    expires_s = house.clock.now_us() // 1_000_000 + 600
    headers = [
        customer.sign(secret, tenant=A, subject=SubjectId(subject), expires_s=expires_s)
        for subject in ("c-1", "c-2")
    ]
    first, second = (house.enter(text, customer=header).actor for header in headers)
    assert first.id != second.id
    assert house.enter(text, customer=headers[0]).actor == first
    assert "c-1" not in first.id


def test_an_api_key_counts_before_a_session(house: House) -> None:
    owner = house.owner()
    session = Secret(house.sign_in("olga@example.com").secret)
    text = house.key(A)
    assert house.enter(text, session=session).actor.kind is ActorKind.PROGRAM
    assert house.enter(session=session).actor.id == owner.id
    with pytest.raises(CredentialRefused):
        house.enter(Secret("nonsense"), session=session)


def test_who_a_key_is_today(house: House) -> None:
    text = house.key(A, kind="publishable", surface="customer", contracts=("order.status",))
    secret = house.signing_secret(A)
    expires_s = house.clock.now_us() // 1_000_000 + 600
    header = customer.sign(secret, tenant=A, subject=SubjectId("c-1"), expires_s=expires_s)
    actors = [
        house.enter(house.key(A, expires_us=house.clock.now_us() + 1_000_000)).actor,
        house.enter(text, customer=header).actor,
    ]
    now = standing(house.database, house.gate.keys, house.clock)
    assert [asyncio.run(now(actor)) for actor in actors] == actors
    house.clock.advance(1)
    house.database.transact(lambda connection: store.revoke_key(connection, A, id_of(text), 1))
    assert [asyncio.run(now(actor)) for actor in actors] == [None, None]
    assert asyncio.run(now(replace(actors[0], tenant=B))) is None


def test_who_a_person_is_today(house: House) -> None:
    owner = house.owner()
    other = house.member(owner, "max@example.com", "admin")
    now = standing(house.database, house.gate.keys, house.clock)
    house.call(owner, "member.change_role", person=other.id, role="viewer")
    today = asyncio.run(now(other))
    assert today is not None
    assert today.roles == frozenset({"viewer"})
    assert "approval.decide" not in today.permissions
    assert today.session == other.session
    house.call(owner, "member.remove", person=other.id)
    assert asyncio.run(now(other)) is None
