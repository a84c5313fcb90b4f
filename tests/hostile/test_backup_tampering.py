"""Whatever is done to a backup's files, it is never called verified, and never restored."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ostiary.backup.wrong import Damaged, Refused
from ostiary.errors import OstiaryError
from ostiary.vault.root import generate
from tests.backup.kit import Kit, kit, store_file
from tests.conftest import KINDS
from tests.house import opened
from tests.keys import ROOT_KEY

STOPPED = (Damaged, Refused, OstiaryError)


WHERE = ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)] if "sqlite" in KINDS else KINDS
"""The files of a backup are the same wherever its rows came from: here once, in `make soak` both ways."""


@pytest.fixture(scope="module", params=WHERE)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """Two backups of one installation, the second with more in it, and one of another installation."""
    with kit(tmp_path_factory.mktemp("whole"), request.param) as made:

        async def story() -> None:
            async with opened(made.home, **made.settings) as house:
                await house.found()
                store_file(house, "blo_one", os.urandom(50_000))
                await asyncio.to_thread(made.take)
                await house.make_key("later", roles=("owner",))
                store_file(house, "blo_two", os.urandom(50_000))
                await asyncio.to_thread(made.take)

        asyncio.run(story())
        yield made


@pytest.fixture
def copy(whole: Kit, tmp_path: Path) -> Iterator[Kit]:
    """The backups alone, to be spoiled."""
    shutil.copytree(whole.to, tmp_path / "backups")
    shutil.copytree(whole.keys_to, tmp_path / "keys-backups")
    made = Kit(tmp_path, whole.kind, dict(whole.settings))
    yield made
    from tests import servers

    for url in made.made:
        servers.drop_postgresql(url)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


def newest(folder: Path) -> Path:
    return max((folder / "backups").iterdir())


def used(made: Kit) -> list[Path]:
    """Every file that the newest backup consists of."""
    return [*files(newest(made.to)), *files(newest(made.keys_to)), *files(made.to / "blobs")]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_the_copy_itself_is_verified(copy: Kit) -> None:
    verified = copy.drill()
    assert (verified.files, verified.logs) == (2, 2)


@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_a_flipped_bit_in_any_file_is_found(copy: Kit, where: str) -> None:
    for path in used(copy):
        before = path.read_bytes()
        flip(path, {"first": 0, "middle": len(before) // 2, "last": len(before) - 1}[where])
        with pytest.raises(STOPPED):
            copy.drill()
        path.write_bytes(before)


@pytest.mark.parametrize("spoil", ["missing", "empty", "cut", "longer"])
def test_a_missing_or_cut_file_is_found(copy: Kit, spoil: str) -> None:
    for path in used(copy):
        before = path.read_bytes()
        done: dict[str, Callable[[], object]] = {
            "missing": path.unlink,
            "empty": lambda path=path: path.write_bytes(b""),
            "cut": lambda path=path, before=before: path.write_bytes(before[: len(before) // 2]),
            "longer": lambda path=path, before=before: path.write_bytes(before + b"\0"),
        }
        done[spoil]()
        with pytest.raises(STOPPED):
            copy.drill()
        path.write_bytes(before)


def test_files_of_another_day_do_not_pass_for_this_days(copy: Kit) -> None:
    """Every file of the newest backup, replaced by its namesake of the older one; and whole folders under each other's names."""
    for folder in (copy.to, copy.keys_to):
        older, newer = sorted((folder / "backups").iterdir())
        for path in files(newer):
            before = path.read_bytes()
            if not (older / path.name).exists():
                continue
            shutil.copyfile(older / path.name, path)
            with pytest.raises(STOPPED):
                copy.drill()
            path.write_bytes(before)
        shutil.rmtree(newer)
        shutil.copytree(older, newer)
        with pytest.raises(STOPPED):
            copy.drill()
        return


def test_keys_that_are_older_than_the_data_are_refused(copy: Kit) -> None:
    older = min((copy.keys_to / "backups").iterdir())
    with pytest.raises(Damaged, match="older than the data"):
        copy.drill(keys_backup=older.name)


def test_older_data_with_newer_keys_is_verified(copy: Kit) -> None:
    older = min((copy.to / "backups").iterdir())
    assert copy.drill(backup=older.name).files == 1


def test_files_of_the_store_that_were_exchanged_are_found(copy: Kit) -> None:
    one, two = files(copy.to / "blobs")
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(Damaged):
        copy.drill()


def test_the_folders_of_data_and_keys_exchanged_are_refused(copy: Kit) -> None:
    with pytest.raises(STOPPED):
        Kit(copy.folder, copy.kind, copy.settings).drill.__func__(_Exchanged(copy))  # type: ignore[attr-defined]


class _Exchanged(Kit):
    def __init__(self, other: Kit) -> None:
        super().__init__(other.folder, other.kind, other.settings, other.made)

    @property
    def to(self) -> Path:
        return self.folder / "keys-backups"

    @property
    def keys_to(self) -> Path:
        return self.folder / "backups"


def test_another_root_key_opens_nothing(copy: Kit) -> None:
    other = copy.load(OSTIARY_ROOT_KEY=generate().reveal())
    with pytest.raises(Damaged, match="root key"):
        copy.drill(settings=other)


def test_an_older_root_key_beside_the_present_one_opens(copy: Kit) -> None:
    both = copy.load(OSTIARY_ROOT_KEY=f"{generate().reveal()},{ROOT_KEY}")
    assert copy.drill(settings=both).logs == 2


def test_a_restore_of_a_spoiled_backup_leaves_a_home_that_does_not_start(copy: Kit) -> None:
    from ostiary.app.gateway import Gateway
    from ostiary.clock import SystemClock
    from ostiary.errors import ConfigurationError

    path = max(files(newest(copy.keys_to)), key=lambda each: each.stat().st_size)
    flip(path, 100)
    with pytest.raises(Damaged):
        copy.restore()
    again = Kit(copy.folder / "again", copy.kind, copy.settings)
    assert not (again.home / "ostiary.db").exists()
    assert not again.home.exists() or not (again.home / "keys.db").exists()
    (again.home / "restoring").mkdir(parents=True, exist_ok=True)
    with pytest.raises(ConfigurationError, match="restore was interrupted"):
        Gateway(again.load(), SystemClock())


def test_a_stolen_backup_tells_nothing(copy: Kit) -> None:
    """No id, no word, no table's name of the installation stands in any file."""
    for path in files(copy.to) + files(copy.keys_to):
        content = path.read_bytes()
        for word in (b"ten_", b"audit_event", b"blo_one", b"SQLite format", b"olive", b"tenant", b"per_"):
            assert word not in content, (path, word)


def test_keys_beside_the_data_are_refused(copy: Kit) -> None:
    from ostiary.backup import take

    for one, two in (("a", "a"), ("a", "a/b"), ("a/b", "a")):
        with pytest.raises(Refused, match="apart"):
            take.must_be_apart(copy.load(), copy.folder / one, copy.folder / two)
    (copy.folder / "a").mkdir()
    (copy.folder / "link").symlink_to(copy.folder / "a")
    with pytest.raises(Refused, match="apart"):
        take.must_be_apart(copy.load(), copy.folder / "a", copy.folder / "link")
    with pytest.raises(Refused, match="home"):
        take.must_be_apart(copy.load(), copy.home / "backups", copy.folder / "a")
