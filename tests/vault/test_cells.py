"""A tenant pinned to a cell: its keys open with the cell's root key and no other, and the cell's root key opens no other tenant."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, delete, update

from ostiary.db.database import Database
from ostiary.errors import Conflict, KeysUnavailable, NotFound, SealBroken
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.vault import envelope, store, turning
from ostiary.vault.keyring import KeyRing, tenant_aad
from ostiary.vault.root import EnvironmentRoot, RootKeyProvider, generate
from ostiary.vault.roots import cells
from ostiary.vault.roots.adopting import adopt
from ostiary.vault.sealing import Place, Vault
from ostiary.vault.wraps import store as rows
from tests import servers
from tests.conftest import StillClock
from tests.vault.conftest import ROOT_TEXT, A, B, heard

CELL_TEXT = generate().reveal()
CELL = EnvironmentRoot(Secret(CELL_TEXT))
PLACE = Place(A, "t", "c", "r")
OF_B = Place(B, "t", "c", "r")
OF_ALL = Place(INSTALL, "person", "name", "per_1")


class Two:
    """The installation's process and the cell's, on one key store; each sealed something before."""

    def __init__(self, database: Database, root: RootKeyProvider) -> None:
        self.database, self.root = database, root
        self.home = Vault(heard(database), root, StillClock())
        for tenant in (INSTALL, A, B):
            self.home.create_tenant_now(tenant)
        self.a = self.home.seal(PLACE, b"a", purpose="p")
        self.b = self.home.seal(OF_B, b"b", purpose="p")
        self.all = self.home.seal(OF_ALL, b"Ada", purpose="p")
        cells.create(self.home.keys, "eu", CELL)
        self.cell = self.fresh_cell()

    def fresh_home(self) -> Vault:
        return Vault(self.database, self.root, StillClock())

    def fresh_cell(self, root: RootKeyProvider = CELL) -> Vault:
        return Vault(self.database, root, StillClock(), cell="eu")

    def pinned(self) -> None:
        self.home.pin(A, "eu")
        assert adopt(self.cell.keys, (A, B)).foreign == []


@pytest.fixture
def two(each_keys_database: Database, root: EnvironmentRoot) -> Two:
    return Two(each_keys_database, root)


def refused(*attempts: Callable[[], object]) -> None:
    for attempt in attempts:
        with pytest.raises((KeysUnavailable, SealBroken)):
            attempt()


def test_a_pinned_tenant_opens_in_its_cell_only(two: Two) -> None:
    signature, verifier = two.home.signer(A).sign(b"x"), two.home.verifier(A)
    two.pinned()
    for cell in (two.cell, two.fresh_cell()):
        assert cell.open(PLACE, two.a) == b"a"
        assert cell.open(PLACE, cell.seal(PLACE, b"new", purpose="p")) == b"new"
        assert cell.signer(A).sign(b"x") == signature
        refused(
            lambda cell=cell: cell.open(OF_ALL, two.all),  # type: ignore[misc]
            lambda cell=cell: cell.signer(INSTALL),  # type: ignore[misc]
            lambda cell=cell: cell.blind(INSTALL, "person.email", "ada@pellow.example"),  # type: ignore[misc]
            lambda cell=cell: cell.open(OF_B, two.b),  # type: ignore[misc]
            lambda cell=cell: cell.seal(OF_B, b"x", purpose="p"),  # type: ignore[misc]
            lambda cell=cell: cell.signer(B),  # type: ignore[misc]
        )
    for home in (two.home, two.fresh_home()):
        refused(
            lambda home=home: home.open(PLACE, two.a),  # type: ignore[misc]
            lambda home=home: home.seal(PLACE, b"x", purpose="p"),  # type: ignore[misc]
            lambda home=home: home.signer(A),  # type: ignore[misc]
            lambda home=home: home.rotate_tenant_now(A),  # type: ignore[misc]
        )
        assert home.open(OF_B, two.b) == b"b"
        assert home.verifier(A) == verifier, "its log is still verified here"
    assert adopt(two.home.keys, (INSTALL, A, B)).foreign == []
    assert adopt(two.cell.keys, (A, B)).foreign == []


def test_two_processes_of_a_cell_take_a_tenant_over_at_once(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is done between our look at the key's row and our look at what wraps it."""
    two.home.pin(A, "eu")
    other, real, late = two.fresh_cell(), KeyRing.unwrapped, iter([True])

    def unwrapped(
        ring: KeyRing, connection: Connection, tenant: TenantId, key: store.TenantKeyRow
    ) -> bytes | None:
        if next(late, False):
            return None  # what our statement sees once the other has dropped the wrap
        return real(ring, connection, tenant, key)

    assert adopt(other.keys, (A,)).foreign == []
    monkeypatch.setattr(KeyRing, "unwrapped", unwrapped)
    assert adopt(two.cell.keys, (A,)).foreign == []
    assert two.fresh_cell().open(PLACE, two.a) == b"a"


def test_a_tenant_is_open_to_one_of_the_two_at_any_moment_of_its_move(two: Two) -> None:
    two.home.pin(A, "eu")
    assert two.fresh_home().open(PLACE, two.a) == b"a", "until the cell has taken it"
    assert two.fresh_cell().open(PLACE, two.a) == b"a"
    adopt(two.home.keys, (INSTALL, A, B))
    adopt(two.cell.keys, (A, B))
    refused(lambda: two.fresh_home().open(PLACE, two.a))
    cells.unpin(two.cell.keys, A)
    assert two.fresh_cell().open(PLACE, two.a) == b"a", "until the installation has taken it"
    assert two.fresh_home().open(PLACE, two.a) == b"a"
    adopt(two.cell.keys, (A, B))
    adopt(two.home.keys, (INSTALL, A, B))
    refused(lambda: two.fresh_cell().open(PLACE, two.a))
    assert two.fresh_home().open(PLACE, two.a) == b"a"
    assert two.home.seal(PLACE, b"x", purpose="p")
    two.pinned()
    assert two.fresh_cell().open(PLACE, two.a) == b"a"


def test_keys_turn_on_both_sides(two: Two) -> None:
    two.pinned()
    two.cell.rotate_tenant_now(A)
    turning.retire(two.cell.keys, A, 1)
    two.home.rotate_tenant_now(INSTALL)
    assert two.fresh_home().open(OF_ALL, two.all) == b"Ada"
    refused(lambda: two.fresh_cell().open(OF_ALL, two.all))
    assert two.fresh_cell().open(PLACE, two.a) == b"a"
    refused(lambda: two.fresh_home().open(PLACE, two.a))


def test_both_root_keys_are_changed_meanwhile(two: Two) -> None:
    two.pinned()
    tenants, new_home, new_cell = (INSTALL, A, B), generate().reveal(), generate().reveal()
    for texts in (f"{new_home},{ROOT_TEXT}", new_home):
        two.root = EnvironmentRoot(Secret(texts))
        assert adopt(two.fresh_home().keys, tenants).foreign == []
        assert two.fresh_cell().open(PLACE, two.a) == b"a"
    two.home = two.fresh_home()
    two.home.rotate_tenant_now(INSTALL)
    for texts in (f"{new_cell},{CELL_TEXT}", new_cell):
        cell = two.fresh_cell(EnvironmentRoot(Secret(texts)))
        assert adopt(cell.keys, (A, B)).foreign == []
        assert cell.open(PLACE, two.a) == b"a"
    two.home.rotate_tenant_now(INSTALL)
    assert two.fresh_cell(EnvironmentRoot(Secret(new_cell))).open(PLACE, two.a) == b"a"


def test_a_destroyed_tenant_of_a_cell_is_gone_on_both_sides(two: Two) -> None:
    two.pinned()
    verifier = two.home.verifier(A)
    two.home.destroy_tenant(A)
    refused(
        lambda: two.cell.open(PLACE, two.a),
        lambda: two.fresh_cell().open(PLACE, two.a),
        lambda: two.fresh_home().open(PLACE, two.a),
    )
    assert two.fresh_home().verifier(A) == verifier


def test_only_the_right_side_moves_a_tenant(two: Two) -> None:
    with pytest.raises(NotFound):
        two.home.pin(A, "us")
    with pytest.raises(Conflict):
        cells.pin(two.cell.keys, B, "eu")
    with pytest.raises(Conflict):
        cells.pin(two.home.keys, INSTALL, "eu")
    with pytest.raises(Conflict):
        cells.unpin(two.cell.keys, A)
    two.pinned()
    with pytest.raises(Conflict):
        cells.unpin(two.home.keys, A)
    with pytest.raises(Conflict, match="pinned"):
        cells.pin(two.home.keys, A, "eu")
    with pytest.raises(Conflict):
        cells.create(two.home.keys, "eu", CELL)


def test_the_installation_cannot_slip_a_key_of_its_own_to_a_pinned_tenant(two: Two) -> None:
    """Whoever has the installation's root key and writes to the key store adds a version that they know, wrapped by the link: the cell does not take it."""
    two.pinned()
    known = envelope.new_key()
    with servers.intruder(two.database) as connection:
        ring = two.home.keys
        link = two.database.read(lambda own: ring.link(own, "eu"))
        assert link is not None
        wrapped = envelope.wrap(link, known, tenant_aad(A, 2))
        connection.execute(
            store.tenant_key.insert().values(
                tenant=A, version=2, state="active", root="cell:eu", wrapped=wrapped, created_us=1
            )
        )
    adopt(two.cell.keys, (A, B))
    refused(lambda: two.fresh_cell().seal(PLACE, b"for the thief", purpose="new"))
    assert two.fresh_cell().open(PLACE, two.a) == b"a"


def test_a_pin_that_is_taken_away_by_hand_opens_nothing_for_the_installation(two: Two) -> None:
    two.pinned()
    with servers.intruder(two.database) as connection:
        connection.execute(delete(rows.pin))
        connection.execute(
            update(store.tenant_key).where(store.tenant_key.c.tenant == A).values(root=two.root.current())
        )
    refused(lambda: two.fresh_home().open(PLACE, two.a))


def test_a_cell_that_was_given_another_root_key_opens_nothing(two: Two) -> None:
    two.pinned()
    stranger = two.fresh_cell(EnvironmentRoot(generate()))
    refused(
        lambda: stranger.open(PLACE, two.a),
        lambda: stranger.open(OF_ALL, two.all),
        lambda: stranger.open(OF_B, two.b),
    )
    assert adopt(stranger.keys, (A, B)).foreign == [A]
