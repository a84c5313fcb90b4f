"""Attacks on sign-in, sessions, second factors and roles."""

import asyncio
import statistics
from dataclasses import replace
from time import perf_counter_ns
from typing import Any

import pytest
from sqlalchemy import select, update

from ostiary.actions import ActorKind
from ostiary.db.database import Database
from ostiary.errors import (
    CodeRefused,
    Conflict,
    CredentialRefused,
    Forbidden,
    NotAuthenticated,
    OstiaryError,
    RowForged,
    StepUpRequired,
    TooMany,
)
from ostiary.identity import store
from ostiary.identity.gate import Gate
from ostiary.ids import INSTALL, PersonId, TenantId
from ostiary.secret import Secret
from ostiary.vault.sealing import Vault
from tests import servers
from tests.conftest import StillClock
from tests.identity.conftest import gate, house, vault
from tests.identity.house import House

__all__ = ["gate", "house", "vault"]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def test_a_code_is_tried_out_after_five_tries(house: House) -> None:
    house.owner()
    request, code = house.code_for("olga@example.com")
    for _ in range(5):
        with pytest.raises(CodeRefused):
            house.call(house.nobody(), "session.start", request=request, code=wrong(code))
    with pytest.raises(CodeRefused):
        house.call(house.nobody(), "session.start", request=request, code=code)


def test_the_fifth_try_may_be_the_right_one(house: House) -> None:
    house.owner()
    request, code = house.code_for("olga@example.com")
    for _ in range(4):
        with pytest.raises(CodeRefused):
            house.call(house.nobody(), "session.start", request=request, code=wrong(code))
    house.call(house.nobody(), "session.start", request=request, code=code)


def test_guesses_are_bounded_whatever_the_number_of_codes(house: House) -> None:
    """Ten codes in a quarter of an hour, five tries each: 50 guesses at 10**8."""
    house.owner()
    for _ in range(10):
        request, code = house.code_for("olga@example.com")
        for _ in range(5):
            with pytest.raises(CodeRefused):
                house.call(house.nobody(), "session.start", request=request, code=wrong(code))
    with pytest.raises(TooMany):
        house.code_for("olga@example.com")


def test_a_code_is_used_once(house: House) -> None:
    house.owner()
    request, code = house.code_for("olga@example.com")
    house.call(house.nobody(), "session.start", request=request, code=code)
    with pytest.raises(CodeRefused):
        house.call(house.nobody(), "session.start", request=request, code=code)


def test_a_code_that_is_used_twice_at_once_signs_in_once(house: House) -> None:
    house.owner()
    request, code = house.code_for("olga@example.com")

    async def both() -> list[Any]:
        asked = {"request": request, "code": code}
        return [await house.begin(house.nobody(), "session.start", asked) for _ in range(2)]

    (first, _), (second, _) = asyncio.run(both())
    house.commit(first)
    with pytest.raises(CodeRefused):
        house.commit(second)


def test_a_code_belongs_to_the_request_that_asked_for_it(house: House) -> None:
    """Who sees a code on somebody's screen cannot use it in a browser of their own."""
    house.owner()
    _, code = house.code_for("olga@example.com")
    other, _ = house.code_for("olga@example.com")
    with pytest.raises(CodeRefused):
        house.call(house.nobody(), "session.start", request=other, code=code)


def test_a_request_for_nobody_signs_nobody_in(house: House) -> None:
    house.owner()
    request, _ = house.code_for("nobody@example.com")
    for code in ("00000000", "99999999"):
        with pytest.raises(CodeRefused) as refused:
            house.call(house.nobody(), "session.start", request=request, code=code)
        assert refused.value.detail == ""
    with pytest.raises(CodeRefused) as unknown:
        house.call(house.nobody(), "session.start", request="cod_" + "0" * 32, code="00000000")
    assert unknown.value.problem() == refused.value.problem()


def test_a_wrong_address_costs_what_a_right_one_costs(
    sqlite_database: Database, vault: Vault, clock: StillClock
) -> None:
    house = House(sqlite_database, vault, clock, Gate(sqlite_database, vault, clock))
    house.owner()

    async def cost_ns(email: str) -> int:
        begun = perf_counter_ns()
        await house.begin(house.nobody(), "session.request_code", {"email": email})
        return perf_counter_ns() - begun

    async def costs() -> list[tuple[int, int]]:
        return [(await cost_ns("olga@example.com"), await cost_ns("nobody@example.com")) for _ in range(80)]

    known, unknown = (statistics.median(side) for side in zip(*asyncio.run(costs()), strict=True))
    assert 0.5 < known / unknown < 2


def test_a_totp_code_is_not_used_twice(house: House) -> None:
    key, _ = house.enrol(house.owner())
    code = house.totp(key)
    first = house.at(house.sign_in("olga@example.com").secret)
    second = house.at(house.sign_in("olga@example.com").secret)
    whole = house.call(first, "session.second_factor", code=code)
    with pytest.raises(CodeRefused):
        house.call(second, "session.second_factor", code=code)
    with pytest.raises(CodeRefused):
        house.call(house.at(whole.secret), "session.step_up", code=code)


def test_a_totp_code_that_is_used_twice_at_once_counts_once(house: House) -> None:
    key, _ = house.enrol(house.owner())
    halves = [house.at(house.sign_in("olga@example.com").secret) for _ in range(2)]

    async def both() -> list[Any]:
        asked = {"code": house.totp(key)}
        return [await house.begin(half, "session.second_factor", asked) for half in halves]

    (first, _), (second, _) = asyncio.run(both())
    house.commit(first)
    with pytest.raises(CodeRefused):
        house.commit(second)


def test_the_code_that_enrolled_does_not_step_up(house: House) -> None:
    owner = house.owner()
    key = house.call(owner, "me.totp_enrol").secret.key
    code = house.totp(key)
    opened = house.call(owner, "me.totp_confirm", code=code)
    with pytest.raises(CodeRefused):
        house.call(house.at(opened.secret), "session.step_up", code=code)


def test_an_older_totp_code_does_not_follow_a_newer_one(house: House) -> None:
    key, _ = house.enrol(house.owner())
    half = house.at(house.sign_in("olga@example.com").secret)
    old = house.totp(key)
    house.clock.advance(30)
    whole = house.call(half, "session.second_factor", code=house.totp(key))
    with pytest.raises(CodeRefused):
        house.call(house.at(whole.secret), "session.step_up", code=old)


def test_guesses_at_a_second_factor_cost_longer_and_longer_waits(house: House) -> None:
    key, owner = house.enrol(house.owner())
    for _ in range(5):
        with pytest.raises(CodeRefused):
            house.call(owner, "session.step_up", code=wrong(house.totp(key)))
    with pytest.raises(TooMany) as waits:
        house.call(owner, "session.step_up", code=house.totp(key))
    assert waits.value.retry_after_s == 30
    house.clock.advance(30)
    with pytest.raises(CodeRefused):
        house.call(owner, "session.step_up", code=wrong(house.totp(key)))
    with pytest.raises(TooMany) as waits:
        house.call(owner, "session.step_up", code=house.totp(key))
    assert waits.value.retry_after_s == 60
    house.clock.advance(60)
    opened = house.call(owner, "session.step_up", code=house.totp(key))
    house.clock.advance(30)
    with pytest.raises(CodeRefused):
        house.call(house.at(opened.secret), "session.step_up", code=wrong(house.totp(key)))


def test_a_new_sign_in_does_not_give_new_guesses_at_the_second_factor(house: House) -> None:
    key, owner = house.enrol(house.owner())
    for _ in range(5):
        half = house.at(house.sign_in("olga@example.com").secret)
        with pytest.raises(CodeRefused):
            house.call(half, "session.second_factor", code=wrong(house.totp(key)))
    with pytest.raises(TooMany):
        house.call(
            house.at(house.sign_in("olga@example.com").secret), "session.second_factor", code=house.totp(key)
        )
    assert owner.session


def test_a_session_cannot_be_fixed(house: House) -> None:
    """Signing in gives a token of our own making, never the one that came along, and ends the session that came along."""
    owner = house.owner()
    before = house.sign_in("olga@example.com").secret
    request, code = house.code_for("olga@example.com")
    opened = house.call(house.at(before), "session.start", request=request, code=code)
    assert opened.secret != before
    with pytest.raises(CredentialRefused):
        house.at(before)
    assert house.at(opened.secret).id == owner.id
    for planted in ("planted" * 6 + "x", "x" * 43, "", "é" * 43, "x" * 10_000):
        with pytest.raises(CredentialRefused):
            house.at(planted)


def test_the_token_of_before_the_second_factor_is_worth_nothing_after(house: House) -> None:
    key, owner = house.enrol(house.owner())
    half = house.sign_in("olga@example.com").secret
    whole = house.call(house.at(half), "session.second_factor", code=house.totp(key)).secret
    with pytest.raises(CredentialRefused):
        house.at(half)
    house.clock.advance(30)
    stepped = house.call(house.at(whole), "session.step_up", code=house.totp(key)).secret
    with pytest.raises(CredentialRefused):
        house.at(whole)
    assert house.at(stepped).id == owner.id


def test_half_a_session_can_do_nothing_but_give_the_second_factor(house: House) -> None:
    house.enrol(house.owner())
    half = house.at(house.sign_in("olga@example.com").secret)
    for name, action in house.registry.all().items():
        if action.public:
            continue
        with pytest.raises(NotAuthenticated):
            house.call(half, name)
    assert half.kind is ActorKind.ANONYMOUS


def test_a_second_factor_is_not_asked_for_by_nobody(house: House) -> None:
    owner = house.owner()
    for actor in (house.nobody(), owner, replace(house.nobody(), session="ses_" + "0" * 32)):
        with pytest.raises(NotAuthenticated):
            house.call(actor, "session.second_factor", code="123456")


def test_a_session_row_written_by_hand_opens_nothing(house: House) -> None:
    """Who can write the database but has no keys cannot make a token for a row."""
    import hashlib

    house.owner()
    token = "a" * 43
    forged = hashlib.sha256(token.encode()).digest()
    house.database.transact(lambda connection: connection.execute(update(store.session).values(token=forged)))
    with pytest.raises(CredentialRefused):
        house.at(token)


def test_a_second_factor_moved_to_another_person_does_not_open(house: House) -> None:
    _, owner = house.enrol(house.owner())
    house.member(owner, "max@example.com", "admin")

    def steal(connection: Any) -> None:
        sealed = connection.execute(
            select(store.person.c.totp).where(store.person.c.id == owner.id)
        ).scalar_one()
        connection.execute(update(store.person).where(store.person.c.id != owner.id).values(totp=sealed))

    servers.tamper(house.database, steal)
    with pytest.raises(RowForged):
        house.sign_in("max@example.com")


def test_a_stolen_session_does_not_swap_the_second_factor(house: House) -> None:
    _, owner = house.enrol(house.owner())
    with pytest.raises(Conflict):
        house.call(owner, "me.totp_enrol")
    assert house.registry.all()["me.totp_remove"].step_up


def test_a_session_left_open_does_not_enrol_a_first_factor(house: House) -> None:
    owner = house.owner()
    house.clock.advance(1801)
    with pytest.raises(StepUpRequired):
        house.call(owner, "me.totp_enrol")


def test_a_custom_role_gives_nothing_that_its_maker_does_not_hold(house: House) -> None:
    owner = house.owner()
    house.call(owner, "role.put", name="clerk", permissions=["role.manage", "member.manage", "member.read"])
    clerk = house.member(owner, "max@example.com", "clerk")
    with pytest.raises(Forbidden):
        house.call(clerk, "role.put", name="clerk", permissions=["role.manage", "approval.decide"])
    with pytest.raises(Forbidden):
        house.call(clerk, "role.put", name="mine", permissions=["audit.reveal"])
    with pytest.raises(Forbidden):
        house.call(clerk, "member.change_role", person=clerk.id, role="admin")
    house.call(owner, "role.put", name="above", permissions=["audit.reveal"])
    for name, params in (("role.put", {"permissions": ["member.read"]}), ("role.remove", {})):
        with pytest.raises(Forbidden):
            house.call(clerk, name, **{"name": "above", **params})
    house.call(clerk, "role.put", name="mine", permissions=["member.read"])


def test_a_role_of_one_tenant_is_none_of_anothers(house: House) -> None:
    owner = house.owner()
    house.call(owner, "role.put", name="clerk", permissions=["audit.reveal"])
    tenant = TenantId(house.call(owner, "tenant.create", name="Second").tenant)
    house.database.transact(
        lambda connection: store.change_role(connection, tenant, PersonId(owner.id), "clerk")
    )
    secret = house.sign_in("olga@example.com").secret
    house.call(house.at(secret), "session.switch_tenant", tenant=tenant)
    assert "audit.reveal" not in house.at(secret).permissions


def test_a_key_is_no_person(house: House) -> None:
    owner = house.owner()
    created = house.call(owner, "key.create", name="k", kind="program", roles=["owner"])
    program = house.enter(Secret(created.secret)).actor
    assert house.call(program, "me.show").kind == "program"
    for name, params in (
        ("me.totp_enrol", {}), ("me.totp_remove", {}), ("session.list", {}), ("session.end_all", {}), ("tenant.create", {"name": "x"}),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            house.call(program, name, **params)


def test_an_agent_with_the_owners_role_mints_no_key_and_decides_nothing(house: House) -> None:
    owner = house.owner()
    created = house.call(owner, "key.create", name="k", kind="agent", roles=["owner"])
    agent = house.enter(Secret(created.secret)).actor
    assert "approval.decide" not in agent.permissions
    with pytest.raises(Forbidden):
        house.call(agent, "key.create", name="k2", kind="program", roles=["support"])


def test_no_secret_stands_in_the_database(house: House) -> None:
    key, owner = house.enrol(house.owner())
    created = house.call(owner, "key.create", name="night job", kind="program", roles=["viewer"])
    signing = house.call(owner, "key.signing_secret", key_id=created.key.key_id).secret
    session = house.sign_in("olga@example.com").secret
    _, code = house.code_for("olga@example.com")
    needles = [
        key,
        created.secret.split("_")[3],
        signing,
        session,
        code,
        "olga@example.com",
        "Olga",
        "Acme",
        "night job",
        "192.0.2.1",
    ]

    def everything(connection: Any) -> str:
        tables = store.person.metadata.sorted_tables
        return " ".join(repr(tuple(row)) for table in tables for row in connection.execute(select(table)))

    with servers.intruder(house.database) as connection:
        kept = everything(connection)
    assert [needle for needle in needles if needle in kept] == []
    assert INSTALL in kept


def test_a_failing_mail_changes_nothing_for_the_caller(house: House) -> None:
    async def broken(_email: str, _code: str) -> None:
        raise OstiaryError("the mail server is away")

    house.owner()
    house.services.post._send_code = broken
    asked = house.call(house.nobody(), "session.request_code", email="olga@example.com")
    assert asked.request.startswith("cod_")
