"""What is destroyed opens nowhere again: not in this process, not after a restart, not from the files, and not when its row is put back."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, insert, select, update

from ostiary.db.database import Database
from ostiary.db.tables import keys_metadata
from ostiary.errors import Conflict, KeysUnavailable, SealBroken
from ostiary.ids import INSTALL, SubjectId, TenantId
from ostiary.vault import store, turning
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from ostiary.vault.signing.store import public_key
from tests import servers
from tests.conftest import StillClock
from tests.vault.conftest import A, B

PLACE = Place(A, "ticket", "body", "tic_1")
ANNA = SubjectId("sub_anna")
BEN = SubjectId("sub_ben")


@pytest.fixture(autouse=True)
def install(vault: Vault) -> None:
    vault.create_tenant_now(INSTALL)


def again(database: Database, root: EnvironmentRoot) -> Vault:
    """The same key store in a new process."""
    return Vault(database, root, StillClock())


def wrapped_of(database: Database, tenant: TenantId) -> list[bytes]:
    """Every wrapped key of a tenant, as it lies in the key store."""
    found = []
    with servers.intruder(database) as connection:
        for table in (store.tenant_key, store.data_key, store.named_key):
            rows = connection.execute(select(table.c.wrapped).where(table.c.tenant == tenant))
            found += [row.wrapped for row in rows if row.wrapped]
    return found


def test_what_was_destroyed_is_named(vault: Vault, clock: StillClock) -> None:
    hers = [vault.seal(PLACE, b"x", purpose=purpose, subject=ANNA) for purpose in ("ticket", "invoice")]
    destroyed = vault.destroy_subject(A, ANNA)
    assert destroyed.ids == tuple(sorted(one[1:17].hex() for one in hers))
    assert (destroyed.data_keys, destroyed.versions, destroyed.names) == (2, (), ())
    assert destroyed.at_us == clock.at_us
    assert vault.destroy_subject(A, ANNA).ids == ()


def test_a_subject_is_destroyed_by_its_index_too(vault: Vault) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="ticket", subject=ANNA)
    assert vault.destroy_subject_index(A, vault.subject_index(A, ANNA)).data_keys == 1
    with pytest.raises(SealBroken):
        vault.open(PLACE, sealed)


def test_more_keys_than_a_signal_carries(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    monkeypatch.setattr(store, "TOLD_IDS_MAX", 2)
    sealed = [vault.seal(PLACE, b"x", purpose=f"p{number}", subject=ANNA) for number in range(5)]
    his = vault.seal(PLACE, b"his", purpose="p0", subject=BEN)
    assert vault.destroy_subject(A, ANNA).data_keys == 5
    for one in sealed:
        with pytest.raises(SealBroken):
            vault.open(PLACE, one)
    assert vault.open(PLACE, his) == b"his"


def uses_of_a(vault: Vault, sealed: list[bytes]) -> list[Callable[[], object]]:
    return [
        *(partial(vault.open, PLACE, one) for one in sealed),
        lambda: vault.seal(PLACE, b"x", purpose="p"),
        lambda: vault.signer(A),
        lambda: vault.mac(A, "api-key", b"x"),
        lambda: vault.mac(A, "new", b"x"),
        lambda: vault.blind(A, "c", "v"),
        lambda: vault.pseudonym(A, "sub_0"),
        lambda: vault.rotate_tenant_now(A),
    ]


def test_a_destroyed_tenant_opens_seals_signs_and_knows_nothing(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    vault.rotate_tenant_now(A)
    vault.mac(A, "api-key", b"x")
    sealed = [vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{n}")) for n in range(3)]
    others = vault.seal(Place(B, "t", "c", "r"), b"b", purpose="p")
    destroyed = vault.destroy_tenant(A)
    assert (destroyed.data_keys, destroyed.versions) == (3, (2, 1))
    assert destroyed.names == ("index", "mac/api-key", "mac/rows/earlier", "sign")
    assert destroyed.ids == tuple(sorted(one[1:17].hex() for one in sealed))
    for process in (vault, again(each_keys_database, root)):
        for attempt in uses_of_a(process, sealed):
            with pytest.raises((SealBroken, KeysUnavailable)):
                attempt()
        assert process.open(Place(B, "t", "c", "r"), others) == b"b"
    assert wrapped_of(each_keys_database, A) == []


def test_old_proofs_of_a_destroyed_tenant_still_verify(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    before = vault.verifier(A)
    signature = vault.signer(A).sign(b"the last checkpoint")
    vault.destroy_tenant(A)
    for process in (vault, again(each_keys_database, root)):
        assert process.verifier(A) == before
        Ed25519PublicKey.from_public_bytes(process.verifier(A)).verify(signature, b"the last checkpoint")


def test_a_forged_public_key_of_a_destroyed_tenant_is_refused(
    vault: Vault, each_keys_database: Database
) -> None:
    vault.destroy_tenant(A)
    with servers.intruder(each_keys_database) as connection:
        connection.execute(update(public_key).values(key=vault.verifier(B)))
    with pytest.raises(SealBroken):
        vault.verifier(A)


def test_a_destroyed_tenant_gets_no_keys_again(vault: Vault) -> None:
    vault.destroy_tenant(A)
    with pytest.raises(KeysUnavailable):
        vault.create_tenant_now(A)


def test_a_tenant_whose_keys_a_backup_does_not_have_is_destroyed_beforehand(vault: Vault) -> None:
    never = TenantId("ten_never")
    assert vault.destroy_tenant(never).versions == ()
    with pytest.raises(KeysUnavailable):
        vault.create_tenant_now(never)


def test_destroying_a_tenant_goes_on_where_it_was_cut_off(
    vault: Vault, each_keys_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turning, "DESTROY_BATCH_ROWS", 2)
    sealed = [vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{n}")) for n in range(5)]
    real, calls = store.destroy_data_keys, []

    def cut_off(*args: object, **kwargs: object) -> list[str]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(store, "destroy_data_keys", cut_off)
        with pytest.raises(KeyboardInterrupt):
            vault.destroy_tenant(A)
    for one in sealed:
        with pytest.raises(SealBroken):
            vault.open(PLACE, one)
    assert len(wrapped_of(each_keys_database, A)) == 3
    assert vault.destroy_tenant(A).data_keys == 3
    assert wrapped_of(each_keys_database, A) == []


def test_the_installation_is_not_destroyed(vault: Vault) -> None:
    with pytest.raises(ValueError, match="installation"):
        vault.destroy_tenant(INSTALL)


@pytest.mark.parametrize("of_tenant", [False, True])
def test_a_key_row_that_is_put_back_opens_nothing(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot, *, of_tenant: bool
) -> None:
    """Whoever writes to the key store, or restores one of its tables, cannot undo a destruction beside its tombstone."""
    sealed = vault.seal(PLACE, b"x", purpose="p", subject=ANNA)
    tables = (store.tenant_key, store.data_key, store.named_key)
    with servers.intruder(each_keys_database) as connection:
        kept = {table: connection.execute(select(table)).mappings().all() for table in tables}
    _ = vault.destroy_tenant(A) if of_tenant else vault.destroy_subject(A, ANNA)
    with servers.intruder(each_keys_database) as connection:
        for table, rows in kept.items():
            connection.execute(delete(table))
            connection.execute(insert(table), [dict(row) for row in rows])
    for process in (vault, again(each_keys_database, root)):
        with pytest.raises(SealBroken):
            process.open(PLACE, sealed)
    if not of_tenant:
        vault.rotate_tenant_now(A)
        assert vault.versions(A)[0][1] == 0, "the key that was put back is not wrapped anew"


def test_overwritten_keys_leave_the_files(tmp_path: Path, root: EnvironmentRoot, clock: StillClock) -> None:
    keys = Database(f"sqlite:///{tmp_path / 'keys.db'}")
    keys_metadata.create_all(keys.engine())
    vault = Vault(keys, root, clock)
    for tenant in (INSTALL, A, B):
        vault.create_tenant_now(tenant)
    for number in range(200):
        vault.seal(PLACE, b"x", purpose="p", subject=SubjectId(f"sub_{number}"))
    vault.seal(Place(B, "t", "c", "r"), b"x", purpose="p")
    vault.rotate_tenant_now(A)
    kept, gone = wrapped_of(keys, B), wrapped_of(keys, A)
    vault.destroy_tenant(A)

    def lies(wrapped: bytes) -> bool:
        files = [path.read_bytes() for path in tmp_path.iterdir()]
        return any(wrapped in content for content in files)

    assert all(lies(wrapped) for wrapped in kept)
    assert len(gone) >= 204
    assert [wrapped for wrapped in gone if lies(wrapped)] == []
    assert (tmp_path / "keys.db-wal").stat().st_size == 0
    keys.close()


def test_a_retired_version_is_overwritten_and_nothing_is_lost(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p", subject=ANNA)
    for version in (0, 1, 2, 7):
        with pytest.raises(Conflict):
            turning.retire(vault.keys, A, version)
    turning.rotate(vault.keys, A)
    with pytest.raises(Conflict, match="still wraps"):
        turning.retire(vault.keys, A, 1)
    turning.rewrap_all(vault.keys, A)
    turning.retire(vault.keys, A, 1)
    assert [row.state for row, _ in vault.versions(A)] == ["active", "retired"]
    fresh = again(each_keys_database, root)
    for process in (vault, fresh):
        assert process.open(PLACE, sealed) == b"x"
        assert process.seal(PLACE, b"y", purpose="p", subject=ANNA)
    assert fresh.rotate_tenant_now(A) == 3


def test_a_copy_of_a_destroyed_key_opens_nothing_once_its_version_is_retired(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot
) -> None:
    """Even without the tombstone: what wrapped the copy is gone."""
    sealed = vault.seal(PLACE, b"x", purpose="p", subject=ANNA)
    with servers.intruder(each_keys_database) as connection:
        kept = [dict(row) for row in connection.execute(select(store.data_key)).mappings()]
    vault.destroy_subject(A, ANNA)
    vault.rotate_tenant_now(A)
    turning.retire(vault.keys, A, 1)
    with servers.intruder(each_keys_database) as connection:
        connection.execute(delete(store.destroyed_key))
        connection.execute(delete(store.data_key))
        connection.execute(insert(store.data_key), kept)
    with pytest.raises(SealBroken):
        again(each_keys_database, root).open(PLACE, sealed)


def test_turned_data_keys_open_and_new_ones_seal(vault: Vault, clock: StillClock) -> None:
    before = vault.seal(PLACE, b"x", purpose="p", subject=ANNA)
    clock.advance(1)
    turning.turn_data_keys(vault.keys, A)
    clock.advance(1)
    after = vault.seal(PLACE, b"y", purpose="p", subject=ANNA)
    assert after[1:17] != before[1:17]
    assert vault.seal(PLACE, b"z", purpose="p", subject=ANNA)[1:17] == after[1:17]
    assert (vault.open(PLACE, before), vault.open(PLACE, after)) == (b"x", b"y")
    assert vault.destroy_subject(A, ANNA).data_keys == 2
    for sealed in (before, after):
        with pytest.raises(SealBroken):
            vault.open(PLACE, sealed)


def test_a_data_key_that_is_too_old_only_opens(
    vault: Vault, each_keys_database: Database, root: EnvironmentRoot, clock: StillClock
) -> None:
    before = vault.seal(PLACE, b"x", purpose="p")
    clock.advance(89 * 86_400)
    assert Vault(each_keys_database, root, clock).seal(PLACE, b"x", purpose="p")[1:17] == before[1:17]
    clock.advance(2 * 86_400)
    after = Vault(each_keys_database, root, clock).seal(PLACE, b"x", purpose="p")
    assert after[1:17] != before[1:17]
    assert vault.open(PLACE, before) == b"x"


async def _prepared(vault: Vault) -> bytes:
    await vault.prepare(A, "p", [])
    return vault.seal(PLACE, b"x", purpose="p")


def test_a_process_that_runs_for_months_turns_old_data_keys_too(vault: Vault, clock: StillClock) -> None:
    before = asyncio.run(_prepared(vault))
    clock.advance(91 * 86_400)
    assert asyncio.run(_prepared(vault))[1:17] != before[1:17]
