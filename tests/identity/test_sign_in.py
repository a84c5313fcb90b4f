import pytest

from ostiary.actions import ActorKind
from ostiary.errors import (
    CodeRefused,
    Conflict,
    CredentialRefused,
    Forbidden,
    InvalidParameters,
    NotAuthenticated,
    NotFound,
    StepUpRequired,
    TooMany,
)
from ostiary.identity import setup
from ostiary.ids import INSTALL
from tests.identity.house import House


def test_the_set_up_token_makes_an_owner_and_a_tenant(house: House) -> None:
    assert setup.is_waiting(house.database)
    owner = house.owner()
    assert not setup.is_waiting(house.database)
    assert (owner.kind, owner.roles, owner.name) == (ActorKind.PERSON, frozenset({"owner"}), "Olga")
    assert owner.tenant.startswith("ten_")
    assert {"tenant.manage", "install.manage", "session.own"} <= owner.permissions
    me = house.call(owner, "me.show")
    assert (me.email, me.operator, me.second_factor) == ("olga@example.com", True, False)
    assert [(found.name, found.role) for found in me.tenants] == [("Acme", "owner")]


def test_the_set_up_token_burns(house: House) -> None:
    token = setup.issue_token(house.database, house.clock).reveal()
    asked = {"email": "o@example.com", "name": "O", "tenant": "T"}
    with pytest.raises(CredentialRefused):
        house.call(house.nobody(), "setup.begin", token="wrong", **asked)
    house.call(house.nobody(), "setup.begin", token=token, **asked)
    with pytest.raises(CredentialRefused):
        house.call(house.nobody(), "setup.begin", token=token, **asked)
    again = setup.issue_token(house.database, house.clock).reveal()
    with pytest.raises(CredentialRefused):
        house.call(house.nobody(), "setup.begin", token=again, **asked)


def test_a_new_set_up_token_voids_the_one_before(house: House) -> None:
    first = setup.issue_token(house.database, house.clock).reveal()
    setup.issue_token(house.database, house.clock)
    with pytest.raises(CredentialRefused):
        house.call(house.nobody(), "setup.begin", token=first, email="o@example.com", name="O", tenant="T")


def test_a_person_signs_in_with_an_emailed_code(house: House) -> None:
    house.owner()
    request, code = house.code_for("OLGA@example.com")
    assert house.mails == [("OLGA@example.com", code)]
    assert len(code) == 8
    assert code.isdigit()
    opened = house.call(house.nobody(), "session.start", request=request, code=f"{code[:4]} {code[4:]}")
    assert not opened.second_factor_required
    assert house.at(opened.secret).name == "Olga"


def test_who_has_no_account_gets_the_same_answer_and_no_mail(house: House) -> None:
    house.owner()
    known = house.call(house.nobody(), "session.request_code", email="olga@example.com")
    unknown = house.call(house.nobody(), "session.request_code", email="nobody@example.com")
    assert known.model_dump().keys() == unknown.model_dump().keys()
    assert known.expires_at == unknown.expires_at
    assert len(known.request) == len(unknown.request)
    assert [email for email, _ in house.mails] == ["olga@example.com"]


@pytest.mark.parametrize(
    "email", ["", "olga", "o@x\nBcc: all@example.com", "a b@example.com", "o@" + "x" * 260, "ö@example.com"]
)
def test_what_is_no_address_is_refused(house: House, email: str) -> None:
    with pytest.raises(InvalidParameters):
        house.call(house.nobody(), "session.request_code", email=email)


def test_a_code_expires(house: House) -> None:
    house.owner()
    request, code = house.code_for("olga@example.com")
    house.clock.advance(599)
    house.call(house.nobody(), "session.start", request=request, code=code)
    request, code = house.code_for("olga@example.com")
    house.clock.advance(600)
    with pytest.raises(CodeRefused):
        house.call(house.nobody(), "session.start", request=request, code=code)


def test_a_session_ends_without_use_and_in_any_case(house: House) -> None:
    house.owner()
    opened = house.sign_in("olga@example.com")
    for _ in range(11):
        house.clock.advance(3600)
        house.at(opened.secret)  # a use an hour
    house.clock.advance(3600)
    with pytest.raises(CredentialRefused):
        house.at(opened.secret)
    idle = house.sign_in("olga@example.com")
    house.clock.advance(7199)
    house.at(idle.secret)
    house.clock.advance(7200)
    with pytest.raises(CredentialRefused):
        house.at(idle.secret)


def test_one_signs_out_here_there_and_everywhere(house: House) -> None:
    house.owner()
    first, second, third = (house.sign_in("olga@example.com") for _ in range(3))
    actor = house.at(first.secret)
    assert len(house.call(actor, "session.list").sessions) == 4
    house.call(actor, "session.end", session=second.session)
    with pytest.raises(CredentialRefused):
        house.at(second.secret)
    house.call(actor, "session.end_all", keep_this=True)
    with pytest.raises(CredentialRefused):
        house.at(third.secret)
    listed = house.call(house.at(first.secret), "session.list").sessions
    assert [(shown.session, shown.this, shown.address) for shown in listed] == [
        (first.session, True, "192.0.2.1")
    ]
    house.call(actor, "session.end")
    with pytest.raises(CredentialRefused):
        house.at(first.secret)


def test_another_persons_session_does_not_exist(house: House) -> None:
    owner = house.owner()
    other = house.member(owner, "max@example.com", "viewer")
    with pytest.raises(NotFound):
        house.call(other, "session.end", session=owner.session)
    with pytest.raises(NotFound):
        house.call(other, "session.end", session="ses_" + "0" * 32)


def test_a_second_factor_is_enrolled_asked_for_and_given(house: House) -> None:
    owner = house.owner()
    enrolment = house.call(owner, "me.totp_enrol").secret
    assert enrolment.otpauth.startswith("otpauth://totp/Ostiary:olga%40example.com?secret=")
    assert enrolment.qr_svg.startswith("<svg ")
    assert "style" not in enrolment.qr_svg
    house.call(owner, "me.totp_confirm", code=house.totp(enrolment.key))
    house.clock.advance(30)

    half = house.sign_in("olga@example.com")
    assert half.second_factor_required
    nobody = house.at(half.secret)
    assert (nobody.kind, nobody.tenant, nobody.permissions) == (ActorKind.ANONYMOUS, INSTALL, frozenset())
    with pytest.raises(NotAuthenticated):
        house.call(nobody, "me.show")
    whole = house.call(nobody, "session.second_factor", code=house.totp(enrolment.key))
    actor = house.at(whole.secret)
    assert actor.stepped_up_us == house.clock.now_us()
    assert house.call(actor, "me.show").second_factor


def test_a_half_session_lasts_ten_minutes(house: House) -> None:
    house.enrol(house.owner())
    half = house.sign_in("olga@example.com")
    house.clock.advance(599)
    house.at(half.secret)
    house.clock.advance(1)
    with pytest.raises(CredentialRefused):
        house.at(half.secret)


def test_enrolling_steps_up_and_ends_the_other_sessions(house: House) -> None:
    owner = house.owner()
    other = house.sign_in("olga@example.com")
    _, actor = house.enrol(owner)
    assert actor.stepped_up_us > 0
    with pytest.raises(CredentialRefused):
        house.at(other.secret)


def test_enrolling_needs_the_code_and_a_fresh_session(house: House) -> None:
    owner = house.owner()
    with pytest.raises(CodeRefused):
        house.call(owner, "me.totp_confirm", code="123456")
    house.call(owner, "me.totp_enrol")
    with pytest.raises(CodeRefused):
        house.call(owner, "me.totp_confirm", code="000000")
    house.clock.advance(1801)
    with pytest.raises(StepUpRequired):
        house.call(owner, "me.totp_enrol")


def test_a_second_factor_is_removed_before_another_is_enrolled(house: House) -> None:
    _, owner = house.enrol(house.owner())
    for name, params in (("me.totp_enrol", {}), ("me.totp_confirm", {"code": "123456"})):
        with pytest.raises(Conflict):
            house.call(owner, name, **params)
    assert house.registry.all()["me.totp_remove"].step_up
    house.call(owner, "me.totp_remove")
    assert not house.call(owner, "me.show").second_factor
    assert not house.sign_in("olga@example.com").second_factor_required


def test_stepping_up_needs_an_enrolled_factor_and_says_so(house: House) -> None:
    owner = house.owner()
    with pytest.raises(StepUpRequired) as refused:
        house.call(owner, "session.step_up", code="123456")
    assert "enrol" in refused.value.detail
    key, owner = house.enrol(owner)
    before = owner.stepped_up_us
    stepped = house.call(owner, "session.step_up", code=house.totp(key))
    assert house.at(stepped.secret).stepped_up_us == before + 30_000_000


def test_a_removed_member_holds_nothing_at_the_next_call(house: House) -> None:
    owner = house.owner()
    other = house.member(owner, "max@example.com", "admin")
    secret = house.sign_in("max@example.com").secret
    assert "member.manage" in house.at(secret).permissions
    house.call(owner, "member.remove", person=other.id)
    after = house.at(secret)
    assert (after.tenant, after.permissions) == (INSTALL, frozenset({"me.own", "session.own"}))
    assert house.code_for("max@example.com")[1] == ""


def test_a_changed_role_counts_at_the_next_call(house: House) -> None:
    owner = house.owner()
    other = house.member(owner, "max@example.com", "viewer")
    secret = house.sign_in("max@example.com").secret
    assert "approval.decide" not in house.at(secret).permissions
    house.call(owner, "member.change_role", person=other.id, role="support")
    assert "approval.decide" in house.at(secret).permissions


def test_one_moves_between_ones_tenants_and_to_no_other(house: House) -> None:
    owner = house.owner()
    created = house.call(owner, "tenant.create", name="Second")
    assert [found.name for found in house.call(owner, "tenant.list").tenants] == ["Acme", "Second"]
    other = house.member(owner, "max@example.com", "admin")
    with pytest.raises(NotFound):
        house.call(other, "session.switch_tenant", tenant=created.tenant)
    with pytest.raises(Forbidden):
        house.call(other, "tenant.create", name="Third")
    secret = house.sign_in("olga@example.com").secret
    moved = house.call(house.at(secret), "session.switch_tenant", tenant=created.tenant)
    assert (moved.tenant, moved.role) == (created.tenant, "owner")
    assert house.at(secret).tenant == created.tenant


def test_too_many_codes_are_refused_for_an_email_and_for_an_address(house: House) -> None:
    house.owner()
    for number in range(10):
        house.code_for("olga@example.com", address=f"192.0.2.{number}")
    with pytest.raises(TooMany) as refused:
        house.code_for("olga@example.com", address="198.51.100.1")
    assert refused.value.retry_after_s == 900
    house.clock.advance(900)
    for number in range(20):
        house.code_for(f"p{number}@example.com", address="203.0.113.9")
    with pytest.raises(TooMany):
        house.code_for("another@example.com", address="203.0.113.9")
    house.code_for("another@example.com", address="203.0.113.10")
