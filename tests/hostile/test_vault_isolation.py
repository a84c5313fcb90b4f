"""Attacks on what is sealed: moved ciphertexts, flipped bits, swapped key rows, and a thief with a copy of everything and one tenant's keys."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ostiary.blobs import storage
from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, NotFound, OstiaryError, SealBroken
from ostiary.ids import SubjectId, TenantId
from ostiary.secret import Secret
from ostiary.vault import files, store
from ostiary.vault.keyring import tenant_aad
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Place, Vault
from tests import servers
from tests.conftest import StillClock

ROOT = EnvironmentRoot(Secret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
A = TenantId("ten_a")
B = TenantId("ten_b")
ANNA = SubjectId("sub_anna")
PLACE = Place(A, "ticket", "body", "tic_1")


@pytest.fixture
def vault(each_keys_database: Database, clock: StillClock) -> Vault:
    vault = Vault(each_keys_database, ROOT, clock)
    vault.create_tenant_now(A)
    vault.create_tenant_now(B)
    return vault


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place(A, "ticket", "body", "tic_2"),
        Place(A, "ticket", "title", "tic_1"),
        Place(A, "invoice", "body", "tic_1"),
        Place(B, "ticket", "body", "tic_1"),
        Place(A, "ticke", "tbody", "tic_1"),
        Place(A, "ticket", "body", "tic_1 "),
        Place(A, "ticket", "body4:", "tic_1"),
    ],
)
def test_a_ciphertext_that_was_moved_does_not_open(vault: Vault, elsewhere: Place) -> None:
    sealed = vault.seal(PLACE, b"content", purpose="ticket", subject=ANNA)
    vault.seal(elsewhere, b"warms the keys", purpose="ticket", subject=ANNA)
    assert vault.open(PLACE, sealed) == b"content"
    with pytest.raises(SealBroken):
        vault.open(elsewhere, sealed)


@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_any_flipped_bit_breaks_the_seal(vault: Vault, size: int) -> None:
    sealed = bytearray(vault.seal(PLACE, bytes(size), purpose="ticket"))
    positions = range(len(sealed)) if size < 100 else [0, 1, 20, 40, 45, 50_000, len(sealed) - 1]
    for at in positions:
        for bit in range(8):
            sealed[at] ^= 1 << bit
            with pytest.raises(SealBroken):
                vault.open(PLACE, bytes(sealed))
            sealed[at] ^= 1 << bit
    assert vault.open(PLACE, bytes(sealed)) == bytes(size)


def test_a_cut_or_lengthened_seal_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(PLACE, b"content", purpose="ticket")
    for end in range(len(sealed)):
        with pytest.raises(SealBroken):
            vault.open(PLACE, sealed[:end])
    with pytest.raises(SealBroken):
        vault.open(PLACE, sealed + b"\0")


def test_a_key_row_copied_to_another_tenant_opens_nothing(vault: Vault, each_keys_database: Database) -> None:
    place = Place(B, "ticket", "body", "tic_1")
    sealed = vault.seal(PLACE, b"content", purpose="ticket", subject=ANNA)
    vault.seal(place, b"content", purpose="ticket", subject=ANNA)
    for table in (store.data_key, store.tenant_key, store.named_key):
        _copy_rows_of_a_to_b(each_keys_database, table.name)
    thief = Vault(each_keys_database, ROOT, StillClock())
    for attempt in (
        lambda: thief.open(place, sealed),
        lambda: thief.seal(place, b"x", purpose="ticket", subject=ANNA),
        lambda: thief.signer(B),
    ):
        with pytest.raises(SealBroken):
            attempt()


def test_swapped_keys_of_two_subjects_do_not_open(vault: Vault, each_keys_database: Database) -> None:
    """Whoever writes to the key store could else keep a subject's content alive under another's key."""
    hers = vault.seal(PLACE, b"hers", purpose="ticket", subject=ANNA)
    his = vault.seal(PLACE, b"his", purpose="ticket", subject=SubjectId("sub_ben"))
    ids = [hers[1:17].hex(), his[1:17].hex()]
    with servers.intruder(each_keys_database) as connection:
        table = store.data_key
        wrapped = [
            connection.execute(select(table.c.wrapped).where(table.c.id == key_id)).scalar_one()
            for key_id in ids
        ]
        for key_id, other in zip(ids, reversed(wrapped), strict=True):
            connection.execute(update(table).where(table.c.id == key_id).values(wrapped=other))
    thief = Vault(each_keys_database, ROOT, StillClock())
    for sealed in (hers, his):
        with pytest.raises(SealBroken):
            thief.open(PLACE, sealed)


class OnlyTheKeyOf:
    """What a thief has who holds one tenant's unwrapped keys and no root key."""

    name = "thief"

    def __init__(self, tenant: TenantId, wrapped: bytes) -> None:
        self._aad = tenant_aad(tenant, 1)
        self._key = ROOT.unwrap(wrapped, self._aad)

    def current(self) -> str:
        return "none"

    def known(self) -> tuple[str, ...]:
        return (ROOT.current(),)  # as if: what it opens is decided below

    def wrap(self, plaintext: bytes, aad: bytes, *, by: str = "") -> bytes:
        raise KeysUnavailable

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        if aad != self._aad:
            raise KeysUnavailable
        return self._key


class TheSameKeyForAll(OnlyTheKeyOf):
    """The same thief, who tries the one key on everything."""

    def unwrap(self, wrapped: bytes, aad: bytes) -> bytes:
        return self._key


@pytest.mark.parametrize("thief_of", [OnlyTheKeyOf, TheSameKeyForAll])
def test_a_copy_of_everything_and_the_keys_of_a_open_nothing_of_b(
    thief_of: type[OnlyTheKeyOf], tmp_path: Path, clock: StillClock, each_keys_database: Database
) -> None:
    vault = Vault(each_keys_database, ROOT, clock)
    blobs = storage.at(f"file://{tmp_path}/blobs")
    content = sqlite3.connect(tmp_path / "data.db")
    content.execute("create table ticket (tenant text, row text, body blob)")
    for tenant in (A, B):
        vault.create_tenant_now(tenant)
        vault.mac(tenant, "api-key", b"x")
        for number in range(50):
            place = Place(tenant, "ticket", "body", f"tic_{number}")
            subject = SubjectId(f"sub_{number % 5}")
            sealed = vault.seal(place, b"content", purpose="ticket", subject=subject)
            content.execute("insert into ticket values (?, ?, ?)", (tenant, place.row, sealed))
        files.put_file(vault, blobs, tenant, "blo_1", [b"content"], purpose="file", bytes_max=100)
    keys_of_a = each_keys_database.read(lambda connection: store.tenant_keys(connection, A))
    thief = Vault(each_keys_database, thief_of(A, keys_of_a[0].wrapped), clock)

    opened = {A: 0, B: 0}
    for tenant, row, sealed in content.execute("select tenant, row, body from ticket").fetchall():
        for claimed in (A, B):
            try:
                thief.open(Place(claimed, "ticket", "body", row), sealed)
                opened[tenant] += 1
            except OstiaryError:
                pass
    content.close()
    assert opened == {A: 50, B: 0}

    assert b"".join(files.open_file(thief, blobs, A, "blo_1")) == b"content"
    with pytest.raises((SealBroken, KeysUnavailable)):
        b"".join(files.open_file(thief, blobs, B, "blo_1"))
    for secret_of_b in (
        lambda: thief.signer(B),
        lambda: thief.mac(B, "api-key", b"x"),
        lambda: thief.blind(B, "person.email", "anna@example.com"),
        lambda: thief.seal(Place(B, "ticket", "body", "tic_1"), b"forged", purpose="ticket"),
    ):
        with pytest.raises((SealBroken, KeysUnavailable)):
            secret_of_b()


def test_names_made_to_climb_out_of_the_folder_store_nothing(tmp_path: Path, vault: Vault) -> None:
    blobs = storage.at(f"file://{tmp_path}/blobs")
    for name in ("../escaped", "..%2fescaped", "/escaped", "a/../../escaped", "_incoming"):
        with pytest.raises(NotFound):
            files.put_file(vault, blobs, A, name, [b"x"], purpose="file", bytes_max=10)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "blobs" in path.parts] == []
    assert not list(tmp_path.rglob("*escaped*"))


def _copy_rows_of_a_to_b(database: Database, table: str) -> None:
    """As whoever may write to the key store would: A's rows under B's name, with B's own ids and subjects where they must differ."""
    target = {"data_key": store.data_key, "tenant_key": store.tenant_key, "named_key": store.named_key}[table]
    with servers.intruder(database) as connection:
        rows = connection.execute(select(target).where(target.c.tenant == A)).mappings().all()
        connection.execute(target.delete().where(target.c.tenant == B))
        for row in rows:
            connection.execute(target.insert().values(**{**row, "tenant": B}))
