"""The commands: what they print, and with which exit code they end."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ostiary.cli.main import app
from tests.backup.kit import Kit, kit
from tests.house import opened
from tests.keys import ROOT_KEY


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    with kit(tmp_path_factory.mktemp("commands"), "sqlite") as made:

        async def story() -> None:
            async with opened(made.home, **made.settings) as house:
                await house.found()
                await house.make_key("till")

        asyncio.run(story())
        yield made


@pytest.fixture
def run(house: Kit, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("OSTIARY_HOME", str(house.home))
    monkeypatch.setenv("OSTIARY_ROOT_KEY", ROOT_KEY)
    return Command(house)


class Command:
    def __init__(self, house: Kit) -> None:
        self.house = house
        self.places = ["--from", str(house.to), "--keys-from", str(house.keys_to)]

    def __call__(self, *words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == code, (words, result.output, result.stderr, result.exception)
        return result

    def backup(self, *more: str, code: int = 0) -> Result:
        return self(
            "backup", "--to", str(self.house.to), "--keys-to", str(self.house.keys_to), *more, code=code
        )

    def json(self, result: Result) -> Any:
        return json.loads(result.stdout)


def test_backup_drill_and_restore_as_a_person_sees_them(run: Command, tmp_path: Path) -> None:
    said = run.backup()
    assert said.stdout.startswith("bak_")
    assert "files (0 new)" in said.stdout
    drilled = run("drill", *run.places)
    assert drilled.stdout.startswith("verified: bak_")
    assert "\nRPO " in drilled.stdout
    assert "\nRTO " in drilled.stdout
    restored = run("restore", *run.places, "--into", str(tmp_path / "home"), code=3)
    assert "restored in" in restored.stdout
    assert "LOOK AT THIS: Only the erasures that the backup itself knows" in restored.stderr
    assert (tmp_path / "home" / "ostiary.db").exists()


def test_as_a_program_sees_them(run: Command, tmp_path: Path) -> None:
    taken = run.json(run.backup("--json"))
    assert set(taken) >= {"id", "data_bytes", "keys_bytes", "blobs", "events", "seconds"}
    drilled = run.json(run("drill", *run.places, "--json"))
    assert (drilled["verified"], drilled["backup"]) == (True, taken["id"])
    assert drilled["ready_s"] > 0
    ledger = f"file://{run.house.home / 'blobs'}"
    restored = run.json(
        run("restore", *run.places, "--into", str(tmp_path / "home"), "--ledger", ledger, "--json")
    )
    assert (restored["backup"], restored["warnings"]) == (taken["id"], [])


def test_what_is_refused_is_exit_code_2_and_nothing_is_done(run: Command, tmp_path: Path) -> None:
    folder = str(tmp_path / "one")
    assert "apart" in run("backup", "--to", folder, "--keys-to", folder, code=2).stderr
    assert not (tmp_path / "one").exists()
    missing = run("drill", "--from", folder, "--keys-from", str(tmp_path / "two"), code=2)
    assert "There is no backup" in missing.stderr
    run.backup()
    assert "--replace" in run("restore", *run.places, code=2).stderr


def test_a_backup_that_does_not_verify_is_exit_code_1_and_is_recorded(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = run.json(run.backup("--json"))
    path = run.house.to / "backups" / taken["id"] / "database"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    said = run("drill", *run.places, code=1)
    assert said.stderr.splitlines()[-1].startswith("NOT VERIFIED: ")
    assert "verified" not in said.stdout
    asked = run.house.load()
    assert asyncio.run(_kinds(run.house))[0] == "failed"
    assert asked.backup_days == 30
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    run("drill", *run.places)


async def _kinds(made: Kit) -> list[str]:
    async with opened(made.home, **made.settings) as house:
        from ostiary.ids import INSTALL
        from ostiary.recovery.store import newest

        rows = await house.gateway.database.run(lambda connection: newest(connection, INSTALL, 5))
        return [row.kind for row in rows]


def test_a_missing_root_key_is_one_sentence(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSTIARY_ROOT_KEY")
    said = run.backup(code=2)
    assert "OSTIARY_ROOT_KEY" in said.stderr
    assert "Traceback" not in said.stderr
