"""A backup that is interrupted, that runs out of disk, or that is taken under load."""

import asyncio
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.app.home import root_key
from ostiary.backup import source
from ostiary.backup.place import Place
from tests.backup.kit import Kit, kit, quiet, store_file
from tests.house import House, opened
from tests.process import BYTECODE

POINTS = 4
"""Of each system call, spread over the whole run."""

COMMAND = [sys.executable, "-c", "from ostiary.cli.main import main; main()"]


@pytest.fixture(scope="module")
def sqlite_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """An installation with a backup."""
    with kit(tmp_path_factory.mktemp("faults"), "sqlite") as made:

        async def story() -> None:
            async with opened(made.home, **made.settings) as house:
                await house.found()
                for number in range(3):
                    store_file(house, f"blo_{number}", bytes(300_000))

        asyncio.run(story())
        made.take()
        yield made


def environment(made: Kit) -> dict[str, str]:
    settings = made.load()
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPYCACHEPREFIX": str(BYTECODE),
        "OSTIARY_HOME": str(settings.home),
        "OSTIARY_ROOT_KEY": settings.root_key.reveal(),
    }


def words(made: Kit) -> list[str]:
    return [*COMMAND, "backup", "--to", str(made.to), "--keys-to", str(made.keys_to), "--json"]


def whole(made: Kit) -> list[str]:
    """Every backup that can be seen, each of them checked to the byte, with its keys."""
    root = root_key(made.load())
    found = Place(made.to).backups()
    for backup in found:
        source.check_all(source.find(made.to, made.keys_to, root, backup=backup, keys_backup=backup), quiet)
    return found


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    "call", ["fsync", "rename", *(pytest.param(name, marks=pytest.mark.soak) for name in ("write", "mkdir"))]
)
def test_killed_at_any_system_call_the_earlier_backups_stay_whole(sqlite_house: Kit, call: str) -> None:
    made = sqlite_house
    store_new_file(made)
    trace = made.folder / "trace"
    spread = ["strace", "-f", "-o", str(trace), "-e", f"trace={call}"]
    subprocess.run([*spread, *words(made)], env=environment(made), capture_output=True, check=True)
    count = sum(f" {call}(" in line for line in trace.read_text().splitlines())
    before = whole(made)
    killed = 0
    for point in range(1, count + 1, max(1, count // POINTS)):
        store_new_file(made)
        inject = ["strace", "-f", "-o", str(trace), "-e", f"inject={call}:signal=SIGKILL:when={point}"]
        done = subprocess.run([*inject, *words(made)], env=environment(made), capture_output=True)
        killed += done.returncode != 0
        now = whole(made)
        assert now[: len(before)] == before
        before = now
    assert killed
    subprocess.run(words(made), env=environment(made), capture_output=True, check=True)
    assert list((made.to / "incoming").iterdir()) == list((made.keys_to / "incoming").iterdir()) == []
    assert not (made.home / "backup-staging").exists()
    assert made.drill().backup == whole(made)[-1]


def store_new_file(made: Kit) -> None:
    async def story() -> None:
        async with opened(made.home, **made.settings) as house:
            house.tenant = (await house.gateway.tenants())[0]
            from ostiary import ids

            store_file(house, ids.new("blo"), bytes(50_000))

    asyncio.run(story())


@pytest.mark.parametrize("kib", [64, 300, 600])
def test_a_disk_that_is_full_is_said_and_the_earlier_backup_stays(sqlite_house: Kit, kib: int) -> None:
    made = sqlite_house
    store_new_file(made)
    before = whole(made)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, kib * 1024))

    # The interpreter would keep what it compiles as far as it fits, and every later process would read that.
    limit = {**environment(made), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        words(made), env=limit, capture_output=True, text=True, preexec_fn=limited, check=False
    )
    if done.returncode:
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert whole(made) == before
    else:
        assert len(whole(made)) == len(before) + 1
    assert json.loads(
        subprocess.run(words(made), env=environment(made), capture_output=True, check=True).stdout
    )["id"]


def test_under_load_whatever_was_acknowledged_before_is_in_it_and_the_log_verifies(here: Kit) -> None:
    acknowledged: list[str] = []

    async def press(house: House, who: int) -> None:
        number = 0
        while number < 240:  # a tenant has at most 1,000 keys
            made = await house.good("POST", "/v1/keys", json={"name": f"k{who}-{number}", "kind": "agent", "roles": ["viewer"]})  # fmt: skip
            acknowledged.append(made["secret"].split("_")[2])
            number += 1

    async def story() -> list[tuple[str, int]]:
        taken = []
        async with opened(here.home, **here.settings) as house:
            await house.found()
            await house.enrol()
            clients = [asyncio.create_task(press(house, who)) for who in range(4)]
            known = 0
            for _ in range(3):
                await asyncio.sleep(0.5)
                while len(acknowledged) == known and not any(client.done() for client in clients):
                    await asyncio.sleep(0.05)
                known = len(acknowledged)
                taken.append(((await asyncio.to_thread(here.take)).id, known))
            for client in clients:
                client.cancel()
            failed = [each for each in await asyncio.gather(*clients, return_exceptions=True) if isinstance(each, Exception)]  # fmt: skip
            assert failed == []
        return taken

    for number, (backup, known) in enumerate(asyncio.run(story())):
        assert here.drill(backup=backup).backup == backup
        again, _ = here.restore(f"again-{number}", backup=backup, keys_backup=backup)
        there = asyncio.run(key_ids(again))
        assert known > 0
        assert set(acknowledged[:known]) <= there


async def key_ids(made: Kit) -> set[str]:
    from ostiary.identity.api_keys.store import list_keys

    async with opened(made.home, **made.settings) as house:
        (tenant,) = await house.gateway.tenants()
        rows = await house.gateway.database.run(lambda connection: list_keys(connection, tenant, 100_000))
        return {row.id for row in rows}


def test_a_file_store_that_outlived_the_disaster_is_gone_on_with(sqlite: Kit, tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(sqlite.home, **sqlite.settings) as house:
            await house.found()
            store_file(house, "blo_one", b"one")
            await asyncio.to_thread(sqlite.take)
            store_file(house, "blo_two", b"two")

    asyncio.run(story())
    other = tmp_path / "again" / "home"
    other.mkdir(parents=True)
    shutil.copytree(sqlite.home / "blobs", other / "blobs")
    _, restored = sqlite.restore()
    assert restored.files == 1
    assert len(list((other / "blobs").rglob("blo_*"))) == 2
