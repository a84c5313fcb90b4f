"""Attacks on API keys and signed requests."""

import statistics
from time import perf_counter_ns

import pytest
from sqlalchemy import select, update

from ostiary.db.database import Database
from ostiary.errors import CredentialRefused, OstiaryError, Replayed, RowForged, SignatureRefused
from ostiary.identity.api_keys import key_text, store
from ostiary.identity.gate import Gate
from ostiary.ids import INSTALL, token
from ostiary.net import signature
from ostiary.secret import Secret
from ostiary.vault.root import EnvironmentRoot, generate
from ostiary.vault.sealing import Vault
from tests.conftest import StillClock
from tests.identity.conftest import A, B, gate, house, vault
from tests.identity.house import House, id_of
from tests.servers import intruder

__all__ = ["gate", "house", "vault"]

BODY = b'{"amount":"12.00"}'


def signed(house: House, secret: Secret, **changed: object) -> dict[str, object]:
    values: dict[str, object] = {"method": "POST", "path": "/v1/call/invoice.refund?x=1", "body": BODY}
    now_s = house.clock.now_us() // 1_000_000 + int(str(changed.pop("skew_s", 0)))
    nonce = str(changed.pop("nonce", "n" * 20))
    header = signature.sign([secret], now_s=now_s, nonce=nonce, **values)  # type: ignore[arg-type]
    return {"signature": header, **values, **changed}


def refusal(house: House, text: Secret) -> tuple[str, int, str]:
    with pytest.raises(OstiaryError) as refused:
        house.enter(text)
    return refused.value.code, refused.value.status, refused.value.detail


def test_every_refusal_of_a_key_says_the_same(house: House) -> None:
    good = house.key(A)
    revoked, expired = house.key(A), house.key(A, expires_us=house.clock.now_us())
    house.database.transact(lambda connection: store.revoke_key(connection, A, id_of(revoked), 1))
    unknown = key_text.mint(token(12), environment="live", publishable=False)
    wrong = key_text.mint(id_of(good), environment="live", publishable=False)
    mistyped = Secret(good.reveal()[:-1] + ("-" if good.reveal().endswith("_") else "_"))
    said = {refusal(house, text) for text in (revoked, expired, unknown, wrong, mistyped)}
    assert said == {("auth.refused", 401, "")}


def test_an_unknown_key_takes_the_steps_of_a_wrong_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    good = house.key(A)
    house.enter(good)
    looked: list[str] = []
    find = store.find_versions
    monkeypatch.setattr(store, "find_versions", lambda c, t, key: looked.append(key) or find(c, t, key))
    for key_id in (id_of(good), token(12)):
        with pytest.raises(CredentialRefused):
            house.enter(key_text.mint(key_id, environment="live", publishable=False))
    assert len(looked) == 2


def test_an_unknown_key_costs_what_a_wrong_one_costs(
    sqlite_database: Database, vault: Vault, clock: StillClock
) -> None:
    house = House(sqlite_database, vault, clock, Gate(sqlite_database, vault, clock))
    good = house.key(A)

    def cost_ns(key_id: str) -> int:
        text = key_text.mint(key_id, environment="live", publishable=False)
        begun = perf_counter_ns()
        with pytest.raises(CredentialRefused):
            house.enter(text)
        return perf_counter_ns() - begun

    pairs = [(cost_ns(id_of(good)), cost_ns(token(12))) for _ in range(60)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2


def test_a_secret_key_does_not_turn_publishable_or_back(house: House) -> None:
    good = house.key(A)
    _, environment, key_id, secret, _ = good.reveal().split("_")
    for prefix, env in (("opk", environment), ("ost", "test")):
        head = f"{prefix}_{env}_{key_id}_{secret}"
        other = Secret(f"{head}_{key_text.checksum(head)}")
        with pytest.raises(CredentialRefused):
            house.enter(other)


def test_a_version_moved_to_another_key_opens_nothing(house: House) -> None:
    """An attacker who can write the database gives the victim's key the MAC of a secret of their own."""
    own, victim = house.key(A), house.key(B)
    with intruder(house.database) as connection:
        mac = connection.execute(
            select(store.key_version.c.mac).where(store.key_version.c.id == id_of(own))
        ).scalar_one()
        connection.execute(
            update(store.key_version).where(store.key_version.c.id == id_of(victim)).values(mac=mac)
        )
    head = f"ost_live_{id_of(victim)}_{own.reveal().split('_')[3]}"
    with pytest.raises(RowForged):
        house.enter(Secret(f"{head}_{key_text.checksum(head)}"))


def test_a_version_pointed_at_another_tenant_finds_no_key_there(house: House) -> None:
    own = house.key(A)
    with intruder(house.database) as connection:
        connection.execute(update(store.key_version).values(home=B))
    with pytest.raises(RowForged):
        house.enter(own)


def test_a_copied_database_verifies_no_key_without_the_vault(house: House, keys_database: Database) -> None:
    text = house.key(A)
    mac = house.database.read(lambda connection: store.find_versions(connection, INSTALL, id_of(text)))[0].mac
    other = Vault(keys_database, EnvironmentRoot(generate()), house.clock)
    with pytest.raises(OstiaryError):
        other.mac(INSTALL, "api-key", key_text.parse(text).message)
    assert len(mac) == 32
    assert text.reveal().encode() not in mac


def test_a_key_that_must_sign_is_refused_unsigned(house: House) -> None:
    text = house.key(A, signature_required=True)
    with pytest.raises(SignatureRefused):
        house.enter(text, body=BODY)
    secret = house.signing_secret(A, id_of(text))
    with pytest.raises(SignatureRefused):
        house.enter(text, body=BODY)
    assert len(house.enter(text, **signed(house, secret)).claims) == 1


@pytest.mark.parametrize("changed", [
    {"body": BODY + b" "},
    {"path": "/v1/call/invoice.refund?x=2"},
    {"path": "/v1/call/invoice.refund"},
    {"method": "PUT"},
    {"skew_s": 301},
    {"skew_s": -301},
    {"signature": ""},
    {"signature": "t=1,n=nnnnnnnnnnnnnnnnnnnn,v1=" + "0" * 64},
])  # fmt: skip
def test_a_changed_or_late_request_is_refused(house: House, changed: dict[str, object]) -> None:
    text = house.key(A, signature_required=True)
    secret = house.signing_secret(A, id_of(text))
    house.enter(text, **signed(house, secret, nonce="m" * 20, skew_s=299))
    with pytest.raises(SignatureRefused):
        house.enter(text, **signed(house, secret, **changed))


def test_a_signature_that_is_not_asked_for_is_still_checked(house: House) -> None:
    text = house.key(A)
    house.signing_secret(A, id_of(text))
    with pytest.raises(SignatureRefused):
        house.enter(text, **signed(house, Secret("x" * 43)))


def test_another_keys_secret_signs_nothing(house: House) -> None:
    text, other = house.key(A, signature_required=True), house.key(A, signature_required=True)
    house.signing_secret(A, id_of(text))
    secret = house.signing_secret(A, id_of(other))
    with pytest.raises(SignatureRefused):
        house.enter(text, **signed(house, secret))


def test_a_replayed_request_is_refused_in_memory(house: House) -> None:
    text = house.key(A, signature_required=True)
    request = signed(house, house.signing_secret(A, id_of(text)))
    house.enter(text, **request)
    with pytest.raises(Replayed):
        house.enter(text, **request)


def test_a_replayed_request_is_refused_by_the_database_after_a_restart(house: House) -> None:
    text = house.key(A, signature_required=True)
    secret = house.signing_secret(A, id_of(text))
    request = signed(house, secret)
    for claim in house.enter(text, **request).claims:
        house.database.transact(claim)
    house.gate = Gate(house.database, house.vault, house.clock)
    (again,) = house.enter(text, **request).claims
    with pytest.raises(Replayed):
        house.database.transact(again)
    (fresh,) = house.enter(text, **signed(house, secret, nonce="o" * 20)).claims
    house.database.transact(fresh)


def test_a_nonce_is_kept_for_as_long_as_its_request_could_be_accepted(house: House) -> None:
    text = house.key(A, signature_required=True)
    secret = house.signing_secret(A, id_of(text))
    (claim,) = house.enter(text, **signed(house, secret, skew_s=300)).claims
    house.database.transact(claim)
    house.clock.advance(600)  # the last moment at which the request would be accepted
    house.database.transact(lambda connection: store.prune_nonces(connection, A, house.clock.now_us()))
    with pytest.raises(Replayed):
        house.database.transact(claim)
