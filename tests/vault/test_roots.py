"""A root key is changed while processes with the old one, both, and the new one alone run side by side: nothing fails at any point."""

import pytest

from ostiary.db.database import Database
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.ids import INSTALL, TenantId
from ostiary.secret import Secret
from ostiary.vault import turning
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.roots.adopting import Wraps, adopt, standing
from ostiary.vault.sealing import Place, Vault
from ostiary.vault.wraps import store as root_rows
from ostiary.vault.wraps.store import WrapRow
from tests.conftest import StillClock
from tests.vault.conftest import OTHER_ROOT_TEXT, ROOT_TEXT, A, B

OLD = EnvironmentRoot(Secret(ROOT_TEXT))
BOTH = EnvironmentRoot(Secret(f"{OTHER_ROOT_TEXT},{ROOT_TEXT}"))
NEW = EnvironmentRoot(Secret(OTHER_ROOT_TEXT))
PLACE = Place(A, "t", "c", "r")
C = TenantId("ten_c")


def started(database: Database, root: EnvironmentRoot, *tenants: TenantId) -> Vault:
    """A process that starts with these root keys."""
    vault = Vault(database, root, StillClock())
    assert adopt(vault.keys, tenants or (A, B)).foreign == []
    return vault


def works(vault: Vault, sealed: bytes) -> None:
    """In a process that holds nothing yet."""
    assert Vault(vault.keys.database, vault.keys.root, StillClock()).open(PLACE, sealed) == b"x"
    assert Vault(vault.keys.database, vault.keys.root, StillClock()).seal(PLACE, b"y", purpose="q")


def test_a_rolling_change_of_the_root_key(vault: Vault, each_keys_database: Database) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p")
    with_both = started(each_keys_database, BOTH)
    for process in (vault, with_both):
        works(process, sealed)
    for process in (vault, with_both):  # what either of them makes, both open
        process.create_tenant_now(TenantId(f"ten_{process.keys.root.current()}"))
        process.rotate_tenant_now(A)
        for other in (vault, with_both):
            works(other, sealed)
    assert started(each_keys_database, OLD).open(PLACE, sealed) == b"x", (
        "one that starts late with the old key"
    )
    works(with_both, sealed)

    started(each_keys_database, BOTH)
    with_new = started(each_keys_database, NEW)
    for process in (with_both, with_new):
        works(process, sealed)
    assert standing(with_new.keys, (A, B)) == {NEW.current(): Wraps(4, 0)}
    with pytest.raises(KeysUnavailable):
        Vault(each_keys_database, OLD, StillClock()).open(PLACE, sealed)


def test_what_the_old_root_key_still_wraps_is_told(vault: Vault, each_keys_database: Database) -> None:
    assert standing(vault.keys, (A, B)) == {OLD.current(): Wraps(2, 0)}
    both = started(each_keys_database, BOTH, A)
    assert standing(both.keys, (A, B)) == {OLD.current(): Wraps(1, 1), NEW.current(): Wraps(1, 0)}
    started(each_keys_database, BOTH, A, B)
    assert standing(both.keys, (A, B)) == {OLD.current(): Wraps(0, 2), NEW.current(): Wraps(2, 0)}
    assert adopt(started(each_keys_database, NEW).keys, (A, B)).dropped == 0
    assert standing(both.keys, (A, B)) == {NEW.current(): Wraps(2, 0)}


def test_a_process_with_the_old_key_alone_undoes_nothing(vault: Vault, each_keys_database: Database) -> None:
    started(each_keys_database, BOTH)
    again = adopt(vault.keys, (A, B))
    assert (again.wrapped, again.dropped, again.foreign) == (0, 0, [])
    assert standing(vault.keys, (A, B)) == {OLD.current(): Wraps(0, 2), NEW.current(): Wraps(2, 0)}


def test_keys_that_no_root_key_opens_are_told(vault: Vault, each_keys_database: Database) -> None:
    assert adopt(Vault(each_keys_database, NEW, StillClock()).keys, (A, B)).foreign == [A, B]


def test_what_is_destroyed_has_no_further_wraps_either(vault: Vault, each_keys_database: Database) -> None:
    vault.create_tenant_now(INSTALL)
    both = started(each_keys_database, BOTH, INSTALL, A)
    both.rotate_tenant_now(A)
    turning.retire(both.keys, A, 1)
    found = each_keys_database.read(lambda connection: root_rows.find(connection, A))
    assert [wrap.version for wrap in found] == [2]
    both.destroy_tenant(A)
    assert each_keys_database.read(lambda connection: root_rows.find(connection, A)) == []
    assert adopt(both.keys, (A, B)).foreign == []


def test_a_further_wrap_that_was_moved_opens_nothing(vault: Vault, each_keys_database: Database) -> None:
    started(each_keys_database, BOTH)
    of_b = each_keys_database.read(lambda connection: root_rows.find(connection, B))[0]
    row = WrapRow(1, OLD.current(), of_b.wrapped)
    each_keys_database.transact(lambda connection: root_rows.put(connection, A, row, at_us=1))
    with pytest.raises(SealBroken):
        Vault(each_keys_database, OLD, StillClock()).seal(PLACE, b"x", purpose="p")


def test_two_processes_that_take_over_at_once_end_alike(vault: Vault, each_keys_database: Database) -> None:
    sealed = vault.seal(PLACE, b"x", purpose="p")
    first, second = (Vault(each_keys_database, BOTH, StillClock()) for _ in range(2))
    for process in (first, second, first):
        adopt(process.keys, (A, B))
    assert standing(first.keys, (A, B)) == {OLD.current(): Wraps(0, 2), NEW.current(): Wraps(2, 0)}
    for root in (OLD, BOTH, NEW):
        assert Vault(each_keys_database, root, StillClock()).open(PLACE, sealed) == b"x"
