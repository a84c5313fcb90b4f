"""What is sealed opens at its place, and the keys behind it do what they promise."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, update

from ostiary.db.database import Database
from ostiary.errors import Conflict, KeysUnavailable, SealBroken
from ostiary.ids import SubjectId, TenantId
from ostiary.vault import sealing, store, turning
from ostiary.vault.envelope import bound
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from tests import servers
from tests.conftest import StillClock
from tests.vault.conftest import A, B

PLACE = Place(A, "ticket", "body", "tic_1")
ANNA = SubjectId("sub_anna")
BEN = SubjectId("sub_ben")


def again(vault: Vault, database: Database, root: EnvironmentRoot) -> Vault:
    """The same key store in a new process."""
    return Vault(database, root, StillClock())


def test_what_is_sealed_opens_at_its_place(vault: Vault) -> None:
    sealed = vault.seal(PLACE, b"hello", purpose="ticket", subject=ANNA)
    assert vault.open(PLACE, sealed) == b"hello"
    assert b"hello" not in sealed
    assert len(sealed) == 61 + 5


def test_json_comes_back_as_it_went(vault: Vault) -> None:
    sealed = vault.seal_json(PLACE, {"name": "Zoë", "n": [1, None]}, purpose="ticket")
    assert vault.open_json(PLACE, sealed) == {"name": "Zoë", "n": [1, None]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=3000), row=st.text(max_size=20), subject=st.text(max_size=20))
def test_any_content_opens_again(vault: Vault, content: bytes, row: str, subject: str) -> None:
    place = Place(A, "t", "c", row)
    assert vault.open(place, vault.seal(place, content, purpose="p", subject=SubjectId(subject))) == content


def test_after_a_restart_it_still_opens(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = vault.seal(PLACE, b"hello", purpose="ticket", subject=ANNA)
    assert again(vault, each_keys_database, root).open(PLACE, sealed) == b"hello"


def test_one_key_per_purpose_and_subject(vault: Vault, each_keys_database: Database) -> None:
    for purpose, subject in [("ticket", ANNA), ("ticket", ANNA), ("ticket", BEN), ("invoice", ANNA)]:
        vault.seal(PLACE, b"x", purpose=purpose, subject=subject)
    with servers.intruder(each_keys_database) as connection:
        assert connection.execute(select(func.count()).select_from(store.data_key)).scalar() == 3


def test_the_key_store_does_not_show_whose_a_key_is(vault: Vault, each_keys_database: Database) -> None:
    vault.seal(PLACE, b"x", purpose="ticket", subject=SubjectId("sub_anna"))
    with servers.intruder(each_keys_database) as connection:
        rows = connection.execute(select(store.data_key)).all()
    assert "sub_anna" not in repr(rows)
    assert b"sub_anna" not in b"".join(row.subject for row in rows)


def test_the_key_is_on_the_disk_before_the_seal_is_handed_out(
    vault: Vault, each_keys_database: Database
) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
    key_id = sealed[1:17].hex()
    row = each_keys_database.read(lambda connection: store.data_key_by_id(connection, A, key_id))
    assert row is not None
    assert row.wrapped is not None


def test_a_destroyed_subject_opens_nowhere(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    hers = vault.seal(PLACE, b"hers", purpose="ticket", subject=ANNA)
    also = vault.seal(PLACE, b"also", purpose="invoice", subject=ANNA)
    his = vault.seal(PLACE, b"his", purpose="ticket", subject=BEN)
    assert vault.destroy_subject(A, ANNA).data_keys == 2
    for reader in (vault, again(vault, each_keys_database, root)):
        for gone in (hers, also):
            with pytest.raises(SealBroken):
                reader.open(PLACE, gone)
        assert reader.open(PLACE, his) == b"his"


def test_after_destruction_a_subject_gets_a_new_key(vault: Vault) -> None:
    before = vault.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
    vault.destroy_subject(A, ANNA)
    after = vault.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
    assert after[1:17] != before[1:17]
    assert vault.open(PLACE, after) == b"x"


def test_the_same_subject_of_another_tenant_keeps_its_key(vault: Vault) -> None:
    place = Place(B, "ticket", "body", "tic_1")
    sealed = vault.seal(place, b"b", purpose="ticket", subject=ANNA)
    vault.seal(PLACE, b"a", purpose="ticket", subject=ANNA)
    vault.destroy_subject(A, ANNA)
    assert vault.open(place, sealed) == b"b"


def test_an_unknown_key_is_a_broken_seal(vault: Vault, each_keys_database: Database) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="ticket")
    with pytest.raises(SealBroken):
        vault.open(PLACE, sealed[:1] + bytes(16) + sealed[17:])


def test_without_the_key_store_nothing_opens_and_nothing_seals(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="ticket")
    fresh = again(vault, each_keys_database, root)
    with servers.intruder(each_keys_database) as connection:
        for table in (store.data_key, store.named_key, store.tenant_key):
            table.drop(connection)
    with pytest.raises(KeysUnavailable):
        fresh.open(PLACE, sealed)
    with pytest.raises(KeysUnavailable):
        fresh.seal(PLACE, b"x", purpose="ticket")
    with pytest.raises(KeysUnavailable):
        fresh.create_tenant_now(TenantId("ten_c"))


def test_what_is_held_opens_while_the_key_store_is_away(vault: Vault, each_keys_database: Database) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="ticket")
    vault.open(PLACE, sealed)
    with servers.intruder(each_keys_database) as connection:
        store.data_key.drop(connection)
    assert vault.open(PLACE, sealed) == b"x"
    assert vault.seal(PLACE, b"y", purpose="ticket")


def test_a_tenant_without_keys_cannot_seal(vault: Vault) -> None:
    with pytest.raises(KeysUnavailable):
        vault.seal(Place(TenantId("ten_c"), "t", "c", "r"), b"x", purpose="p")


def test_creating_a_tenant_twice_changes_nothing(vault: Vault) -> None:
    before = vault.verifier(A)
    sealed = vault.seal(PLACE, b"x", purpose="p")
    asyncio.run(vault.create_tenant(A))
    assert vault.verifier(A) == before
    assert vault.open(PLACE, sealed) == b"x"
    assert [row.version for row, _ in vault.versions(A)] == [1]


def test_prepared_subjects_seal_without_the_key_store(vault: Vault, each_keys_database: Database) -> None:
    asyncio.run(vault.prepare(A, "ticket", [ANNA, BEN, ANNA]))
    with servers.intruder(each_keys_database) as connection:
        store.data_key.drop(connection)
    asyncio.run(vault.prepare(A, "ticket", [BEN, ANNA]))
    assert vault.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
    assert vault.seal(PLACE, b"x", purpose="ticket", subject=BEN)


def test_preparing_no_subjects_makes_the_purposes_own_key(vault: Vault, each_keys_database: Database) -> None:
    asyncio.run(vault.prepare(A, "role", []))
    with servers.intruder(each_keys_database) as connection:
        store.data_key.drop(connection)
    assert vault.seal(PLACE, b"x", purpose="role")


def test_rotation_stops_at_a_bound(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "VERSIONS_MAX", 2)
    vault.rotate_tenant_now(A)
    with pytest.raises(Conflict):
        vault.rotate_tenant_now(A)


def test_a_large_rotation_goes_on_where_it_stopped(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turning, "REWRAP_BATCH_ROWS", 2)
    for number in range(5):
        vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{number}"))
    turning.rotate(vault.keys, A)
    assert turning.rewrap(vault.keys, A).count == 3 + 2
    assert [count for _, count in vault.versions(A)] == [2, 3]
    assert vault.rotate_tenant_now(A) == 3
    assert [count for _, count in vault.versions(A)] == [5, 0, 0]


def test_no_nonce_repeats_between_threads_and_restarts(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    used: list[bytes] = []
    for process in (vault, again(vault, each_keys_database, root), again(vault, each_keys_database, root)):
        run_in_threads(
            lambda process=process: used.extend(
                [process.seal(PLACE, b"x", purpose="ticket")[:45] for _ in range(300)]
            )
        )
    assert len(used) == 3 * 8 * 300
    assert len(set(used)) == len(used)
    assert len({header[17:33] for header in used}) >= 3


def test_a_spent_subkey_is_renewed(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MESSAGES_PER_SUBKEY_MAX", 3)
    sealed = [vault.seal(PLACE, b"x", purpose="ticket") for _ in range(10)]
    assert len({one[17:33] for one in sealed}) == 4
    assert {int.from_bytes(one[33:45], "big") for one in sealed} == {0, 1, 2}
    assert all(vault.open(PLACE, one) == b"x" for one in sealed)


def test_a_forked_child_draws_new_subkeys(vault: Vault) -> None:
    before = vault.seal(PLACE, b"x", purpose="ticket")
    sealing._forget_after_fork()
    after = vault.seal(PLACE, b"x", purpose="ticket")
    assert before[1:17] == after[1:17]
    assert before[17:33] != after[17:33]


def test_threads_that_make_the_same_key_at_once_agree(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    vaults = [again(vault, each_keys_database, root) for _ in range(4)]
    sealed: list[bytes] = []
    run_in_threads(
        lambda: sealed.extend([one.seal(PLACE, b"x", purpose="new", subject=ANNA) for one in vaults])
    )
    assert len({one[1:17] for one in sealed}) == 1
    assert all(vault.open(PLACE, one) == b"x" for one in sealed)


def test_memory_is_bounded(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "SEALERS_HELD_MAX", 5)
    monkeypatch.setattr(sealing, "OPENERS_HELD_MAX", 5)
    vault._forget_all()
    sealed = [vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{n}")) for n in range(12)]
    assert all(vault.open(PLACE, one) == b"x" for one in sealed)
    assert len(vault._sealers) == 5
    assert len(vault._openers) == 5


def test_too_much_is_no_seal_but_a_file(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "SEALED_BYTES_MAX", 4)
    assert vault.open(PLACE, vault.seal(PLACE, b"1234", purpose="p")) == b"1234"
    with pytest.raises(ValueError, match="too much for one seal"):
        vault.seal(PLACE, b"12345", purpose="p")


def test_rotation_leaves_content_alone_and_moves_the_keys(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = [vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{n}")) for n in range(3)]
    blind, mac, verifier = vault.blind(A, "c", "v"), vault.mac(A, "m", b"x"), vault.verifier(A)
    assert vault.rotate_tenant_now(A) == 2
    assert [(row.version, row.state, count) for row, count in vault.versions(A)] == [
        (2, "active", 3),
        (1, "opening", 0),
    ]
    fresh = again(vault, each_keys_database, root)
    assert all(fresh.open(PLACE, one) == b"x" for one in sealed)
    assert fresh.blind(A, "c", "v") == blind
    assert fresh.mac(A, "m", b"x") == mac
    assert fresh.verifier(A) == verifier
    assert asyncio.run(fresh.rotate_tenant(A)) == 3
    assert [row.version for row, _ in vault.versions(B)] == [1]


def test_after_rotation_the_old_version_is_not_needed(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p")
    vault.rotate_tenant_now(A)
    with servers.intruder(each_keys_database) as connection:
        connection.execute(delete(store.tenant_key).where(store.tenant_key.c.version == 1))
    fresh = again(vault, each_keys_database, root)
    assert fresh.open(PLACE, sealed) == b"x"


def test_rotation_does_not_bring_a_destroyed_key_back(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p", subject=ANNA)
    vault.destroy_subject(A, ANNA)
    vault.rotate_tenant_now(A)
    with pytest.raises(SealBroken):
        again(vault, each_keys_database, root).open(PLACE, sealed)


def test_a_blind_index_is_equal_for_equal_values_only(vault: Vault) -> None:
    index = vault.blind(A, "person.email", "Anna@Example.com")
    assert len(index) == 32
    assert vault.blind(A, "person.email", " anna@example.COM ") == index
    assert vault.blind(A, "person.email", "anna@example.org") != index
    assert vault.blind(A, "person.phone", "anna@example.com") != index
    assert vault.blind(B, "person.email", "anna@example.com") != index


@pytest.mark.parametrize(
    ("one", "other"), [("STRASSE", "straße"), ("Ａｎｎａ", "anna"), ("É", "e\u0301"), ("ﬁn", "FIN")]
)
def test_a_blind_index_sees_through_ways_of_writing(vault: Vault, one: str, other: str) -> None:
    assert vault.blind(A, "person.name", one) == vault.blind(A, "person.name", other)


def test_text_that_is_not_unicode_has_an_index_too(vault: Vault) -> None:
    assert vault.blind(A, "person.name", "\ud800") != vault.blind(A, "person.name", "\ud801")


def test_a_pseudonym_is_the_tenants_own(vault: Vault) -> None:
    assert len(vault.pseudonym(A, "sub_anna")) == 20
    assert vault.pseudonym(A, "sub_anna") == vault.pseudonym(A, "sub_anna")
    assert vault.pseudonym(A, "sub_anna") != vault.pseudonym(B, "sub_anna")


def test_a_mac_differs_by_tenant_and_purpose_and_survives_a_restart(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    mac = vault.mac(A, "api-key", b"secret")
    assert again(vault, each_keys_database, root).mac(A, "api-key", b"secret") == mac
    assert vault.mac(A, "nonce", b"secret") != mac
    assert vault.mac(B, "api-key", b"secret") != mac


def test_a_signature_verifies_with_the_published_key(vault: Vault) -> None:
    signature = vault.signer(A).sign(b"checkpoint")
    vault.signer(A).public_key().verify(signature, b"checkpoint")
    assert vault.verifier(A) == vault.signer(A).public_key().public_bytes_raw()
    assert vault.verifier(A) != vault.verifier(B)


def test_parts_with_other_borders_are_other_places() -> None:
    assert bound("a", "bc") == b"1:a2:bc"
    assert bound("ab", "c") != bound("a", "bc")
    assert bound("1:a") != bound("1", "a")
    assert bound("a", "") != bound("a")


@given(st.lists(st.text("12:a"), max_size=4), st.lists(st.text("12:a"), max_size=4))
def test_no_two_lists_of_parts_are_bound_alike(left: list[str], right: list[str]) -> None:
    assert (bound(*left) == bound(*right)) == (left == right)


def test_a_changed_state_in_the_key_store_opens_nothing_more(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p", subject=ANNA)
    vault.destroy_subject(A, ANNA)
    with servers.intruder(each_keys_database) as connection:
        connection.execute(update(store.data_key).values(state="active"))
    with pytest.raises(SealBroken):
        again(vault, each_keys_database, root).open(PLACE, sealed)


def run_in_threads(work: Callable[[], None]) -> None:
    """Eight at once; a failure in one fails the test."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
