"""The root key comes from the operator, and what is wrong with it is said in one sentence."""

from pathlib import Path

import pytest

from ostiary.db.database import Database
from ostiary.errors import ConfigurationError, KeysUnavailable, SealBroken
from ostiary.secret import Secret
from ostiary.vault import root, store
from ostiary.vault.root import EnvironmentRoot, FileRoot
from ostiary.vault.roots.adopting import adopt
from ostiary.vault.sealing import Place, Vault
from tests.conftest import StillClock
from tests.vault.conftest import OTHER_ROOT_TEXT, ROOT_TEXT, A


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def key_file(path: Path, text: str = ROOT_TEXT, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_what_is_wrapped_unwraps_with_its_own_words_only() -> None:
    provider = EnvironmentRoot(Secret(ROOT_TEXT))
    wrapped = provider.wrap(b"k" * 32, b"tenant a")
    assert provider.unwrap(wrapped, b"tenant a") == b"k" * 32
    with pytest.raises(SealBroken):
        provider.unwrap(wrapped, b"tenant b")
    for broken in (b"", wrapped[:7], wrapped[:20], wrapped[:-1], wrapped[:-1] + b"\0"):
        with pytest.raises((SealBroken, KeysUnavailable)):
            provider.unwrap(broken, b"tenant a")


def test_a_new_root_key_goes_first_and_the_old_one_still_unwraps() -> None:
    old = EnvironmentRoot(Secret(ROOT_TEXT))
    both = EnvironmentRoot(Secret(f"{OTHER_ROOT_TEXT}, {ROOT_TEXT}"))
    new = EnvironmentRoot(Secret(OTHER_ROOT_TEXT))
    wrapped = old.wrap(b"k" * 32, b"aad")
    assert both.unwrap(wrapped, b"aad") == b"k" * 32
    assert both.current() == new.current() != old.current()
    with pytest.raises(KeysUnavailable):
        new.unwrap(wrapped, b"aad")


def test_tenant_keys_move_to_a_new_root_key(each_keys_database: Database, clock: StillClock) -> None:
    place = Place(A, "t", "c", "r")
    first = Vault(each_keys_database, EnvironmentRoot(Secret(ROOT_TEXT)), clock)
    first.create_tenant_now(A)
    sealed = first.seal(place, b"x", purpose="p")
    both = Vault(each_keys_database, EnvironmentRoot(Secret(f"{OTHER_ROOT_TEXT},{ROOT_TEXT}")), clock)
    assert adopt(both.keys, [A]).wrapped == 1
    assert adopt(both.keys, [A]).wrapped == 0
    last = Vault(each_keys_database, EnvironmentRoot(Secret(OTHER_ROOT_TEXT)), clock)
    assert last.open(place, sealed) == b"x"


def test_without_the_right_root_key_nothing_opens(each_keys_database: Database, clock: StillClock) -> None:
    place = Place(A, "t", "c", "r")
    first = Vault(each_keys_database, EnvironmentRoot(Secret(ROOT_TEXT)), clock)
    first.create_tenant_now(A)
    sealed = first.seal(place, b"x", purpose="p")
    stranger = Vault(each_keys_database, EnvironmentRoot(Secret(OTHER_ROOT_TEXT)), clock)
    with pytest.raises(KeysUnavailable):
        stranger.open(place, sealed)
    with pytest.raises(KeysUnavailable):
        stranger.seal(place, b"x", purpose="p")


def test_the_key_store_holds_no_root_key(each_keys_database: Database, clock: StillClock) -> None:
    vault = Vault(each_keys_database, EnvironmentRoot(Secret(ROOT_TEXT)), clock)
    vault.create_tenant_now(A)
    rows = each_keys_database.read(lambda connection: store.tenant_keys(connection, A))
    assert bytes(range(32)) not in b"".join(row.wrapped for row in rows)
    assert ROOT_TEXT not in repr(rows)


def test_a_file_of_its_owner_is_taken(home: Path, tmp_path: Path) -> None:
    provider = FileRoot(key_file(tmp_path / "root.key", ROOT_TEXT + "\n"), data_folder=home)
    assert provider.name == "file"
    assert provider.current() == EnvironmentRoot(Secret(ROOT_TEXT)).current()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602])
def test_a_file_that_others_reach_is_refused(home: Path, tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match="chmod 600"):
        FileRoot(key_file(tmp_path / "root.key", mode=mode), data_folder=home)


def test_a_file_inside_the_data_folder_is_refused(home: Path, tmp_path: Path) -> None:
    inside = key_file(home / "root.key")
    link = tmp_path / "link.key"
    link.symlink_to(inside)
    for path in (inside, link):
        with pytest.raises(ConfigurationError, match="inside the data folder"):
            FileRoot(path, data_folder=home)


def test_a_missing_file_a_folder_and_a_large_file_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        FileRoot(tmp_path / "none", data_folder=home)
    with pytest.raises(ConfigurationError, match="does not name a file"):
        FileRoot(tmp_path, data_folder=home)
    with pytest.raises(ConfigurationError, match="larger than 4096 bytes"):
        FileRoot(key_file(tmp_path / "root.key", "A" * 5000), data_folder=home)


@pytest.mark.parametrize("text", ["", "short", ROOT_TEXT[:-4], ROOT_TEXT + "AAAA", "ä" * 44])
def test_a_key_that_is_none_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        EnvironmentRoot(Secret(text))
    assert text == "" or text not in str(raised.value)


def test_more_root_keys_than_the_bound_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="at most 8"):
        EnvironmentRoot(Secret(",".join([ROOT_TEXT] * 9)))


def test_a_generated_key_is_taken_and_no_two_are_the_same(home: Path) -> None:
    key = root.generate()
    assert len(EnvironmentRoot(key).current()) == 16
    assert root.generate() != key
