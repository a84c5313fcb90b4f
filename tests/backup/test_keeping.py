"""How long backups are kept, and what goes with them."""

import asyncio
import os
import shutil

import pytest

from ostiary.app.home import root_key
from ostiary.backup import keeping, source
from ostiary.backup.manifest import DATA, KEYS, read_manifest
from ostiary.backup.place import Place
from ostiary.backup.wrong import Damaged, Refused
from ostiary.clock import DAY_US, SystemClock
from ostiary.ids import TenantId
from ostiary.vault.root import generate
from tests.backup.kit import Kit, store_file
from tests.house import MovingClock, opened
from tests.keys import ROOT_KEY


def test_files_that_did_not_change_are_not_copied_again_and_go_with_the_last_backup_that_names_them(
    sqlite: Kit,
) -> None:
    async def story() -> None:
        async with opened(sqlite.home, **sqlite.settings) as house:
            await house.found()
            store_file(house, "blo_one", os.urandom(100_000))
            first = await asyncio.to_thread(sqlite.take)
            store_file(house, "blo_two", os.urandom(100_000))
            second = await asyncio.to_thread(sqlite.take)
            assert (first.blobs_new, second.blobs, second.blobs_new) == (1, 2, 1)
            house.gateway.blobs.delete(TenantId(house.tenant), "blo_one")
            third = await asyncio.to_thread(sqlite.take)
            assert (third.blobs, third.blobs_new) == (1, 0)
            assert len(list((sqlite.to / "blobs").rglob("*"))) >= 2
            fourth = await asyncio.to_thread(lambda: sqlite.take(keep=2))
            assert fourth.removed == (first.id, second.id)
            assert len([each for each in (sqlite.to / "blobs").rglob("*") if each.is_file()]) == 1

    asyncio.run(story())
    assert sqlite.drill().files == 1


def test_a_file_of_an_earlier_backup_that_is_gone_is_copied_anew(sqlite: Kit) -> None:
    async def story() -> None:
        async with opened(sqlite.home, **sqlite.settings) as house:
            await house.found()
            store_file(house, "blo_one", os.urandom(100_000))
            await asyncio.to_thread(sqlite.take)
            shutil.rmtree(sqlite.to / "blobs")
            again = await asyncio.to_thread(sqlite.take)
            assert again.blobs_new == 1

    asyncio.run(story())
    assert sqlite.drill().files_opened == 1


def test_backups_lapse_after_their_days_keys_sooner_and_the_newest_stays(sqlite: Kit) -> None:
    async def story() -> list[str]:
        async with opened(sqlite.home, **sqlite.settings) as house:
            await house.found()
            return [(await asyncio.to_thread(sqlite.take)).id for _ in range(3)]

    made = asyncio.run(story())
    settings, clock = sqlite.load(), MovingClock()
    root = root_key(settings)
    clock.advance(8 * 86400)
    keys, data = Place(sqlite.keys_to), Place(sqlite.to)
    assert keeping.keep(keys, KEYS, root, clock, days=settings.keys_backup_days) == tuple(made[:2])
    assert keeping.keep(data, DATA, root, clock, days=settings.backup_days) == ()
    assert sqlite.drill(backup=made[0]).backup == made[0]  # older data, newest keys
    clock.advance(30 * 86400)
    assert keeping.keep(data, DATA, root, clock, days=settings.backup_days) == tuple(made[:2])
    assert keys.backups() == data.backups() == [made[2]]
    assert abs(keeping.made_us(made[2]) - SystemClock().now_us()) < DAY_US


def test_a_rotated_root_key_takes_the_backups_along(sqlite: Kit) -> None:
    async def story() -> None:
        async with opened(sqlite.home, **sqlite.settings) as house:
            if not house.owner and not sqlite.to.exists():
                await house.found()
            await asyncio.to_thread(sqlite.take)

    asyncio.run(story())
    old = Place(sqlite.to).backups()[0]
    fresh = generate().reveal()
    sqlite.settings["OSTIARY_ROOT_KEY"] = f"{fresh},{ROOT_KEY}"
    asyncio.run(story())
    sqlite.settings["OSTIARY_ROOT_KEY"] = fresh
    assert sqlite.drill(backup=old).backup == old
    with pytest.raises(Damaged, match="root key"):
        read_manifest(Place(sqlite.to), old, DATA, root_key(sqlite.load(OSTIARY_ROOT_KEY=ROOT_KEY)))


def test_two_runs_at_once_into_one_folder_are_refused(sqlite: Kit) -> None:
    place = Place(sqlite.to)
    with place.writing(), pytest.raises(Refused, match="in use"), Place(sqlite.to).writing():
        pass


def test_what_a_run_that_died_left_is_removed_by_the_next(sqlite: Kit) -> None:
    place = Place(sqlite.to)
    with place.writing():
        (place.begin("bak_" + "0" * 32) / "database").write_bytes(b"half")
        place.fresh().write_bytes(b"half")
    assert place.backups() == []
    with place.writing():
        pass
    assert list((sqlite.to / "incoming").iterdir()) == []


def test_no_backup_is_said_so(sqlite: Kit) -> None:
    with pytest.raises(Refused, match="There is no backup"):
        source.find(sqlite.to, sqlite.keys_to, root_key(sqlite.load()))
