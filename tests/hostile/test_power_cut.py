"""The power fails under load, again and again: what was not synced is gone (tests/lossy.py). Nothing that was acknowledged is lost, the log goes on from every
checkpoint that was given out, and all of it comes up by itself. The same with `synchronous=OFF` loses: so the test can fail."""

import asyncio
import os
import random
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests import lossy
from tests.hostile.test_crash import QUICK, Ledger, Told, _round
from tests.lossy import Disk
from tests.process import NotReady, Process
from tests.shop import CONTRACTS, running

pytestmark = [pytest.mark.journey]

ROWS = 30
CARELESS = """
from sqlalchemy import event
from ostiary.db import database
careful = database._engine
def careless(*given, **named):
    engine = careful(*given, **named)
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    return engine
database._engine = careless
from ostiary.cli.main import main
main()
"""
"""The product, if somebody took the care out of it."""


@dataclass
class OnDisk(Process):
    """A gateway whose whole home is on a disk that forgets; to kill it is to cut the power."""

    disk: Disk | None = None
    turn: int = 0
    lost_pages: list[int] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "OSTIARY_HOME": str(self._disk().place / "home")}

    def found(self) -> None:
        self.home.symlink_to(self._disk().place / "home")
        super().found()

    def kill(self) -> None:
        self.turn += 1
        self._disk().cut(random.Random(self.turn) if self.turn % 3 else None)
        self.lost_pages.append(self._disk().lost_pages)
        super().kill()
        self._disk().unmount()
        self._disk().mount()

    def _disk(self) -> Disk:
        assert self.disk is not None
        return self.disk


def cut_often(folder: Path, times: int, *, load_s: float, export_every: int) -> str:
    told = Told()
    with running() as shop, lossy.disk(folder / "disk") as disk:
        process = OnDisk(folder / "home", disk=disk)
        process.start()
        try:
            process.found()
            process.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            process.connect("letters", kind="http", base_url=shop.url)
            process.agree(CONTRACTS + QUICK)
            agent = process.make_key("helper", "support", kind="program")
            ledger = Ledger(process, shop, agent, told, folder)
            ledger.checkpoint()
            for turn in range(times):
                asyncio.run(_round(process, ledger, agent, told, turn, load_s))
                if turn % export_every == export_every - 1 or turn == times - 1:
                    ledger.export()
        finally:
            process.kill()
    starts = sorted(process.ready_s[1:])
    pages = process.lost_pages[:-1]
    return (
        f"\npower cuts: {times}; {sum(pages)} pages that were not synced are gone ({sum(1 for each in pages if each)} cuts took some); {len(told.sent)} calls sent,"
        f" {len(told.answers)} answers and {len(told.events)} events acknowledged, 0 lost; {len(told.approved)} approvals; {sum(shop.done.values())} effects,"
        f" none twice; {told.checkpoints[-1]['size']} events in the log; ready again after {starts[len(starts) // 2]:.2f} s (median), {starts[-1]:.2f} s (most)"
    )


@pytest.mark.timeout(200)
def test_power_fails_under_load_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    print(cut_often(tmp_path, 3, load_s=0.8, export_every=3))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_power_fails_a_hundred_times(tmp_path: Path) -> None:
    print(cut_often(tmp_path, 100, load_s=1.0, export_every=25))


@pytest.mark.timeout(200)
def test_a_gateway_that_does_not_sync_loses_what_it_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.process.OSTIARY", [sys.executable, "-c", CARELESS])
    with pytest.raises((AssertionError, KeyError, NotReady, httpx.HTTPError)):
        cut_often(tmp_path, 3, load_s=0.5, export_every=1)


def rows_left(disk: Disk, synchronous: str, dice: random.Random | None) -> tuple[int, str]:
    """Of ROWS rows that were committed, how many stand after a cut; and whether the file is whole."""
    path = disk.place / f"{synchronous}.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(f"PRAGMA synchronous={synchronous}")
    database.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    disk.keep_all()
    for number in range(ROWS):
        database.execute("INSERT INTO t VALUES (?)", (number,))
    disk.cut(dice)
    database.close()
    disk.unmount()
    disk.mount()
    again = sqlite3.connect(path)
    left = again.execute("SELECT count(*) FROM t").fetchone()[0]
    (whole,) = again.execute("PRAGMA integrity_check").fetchone()
    again.close()
    path.unlink()
    return left, whole


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with lossy.disk(tmp_path / "disk") as made:
        yield made


@pytest.mark.parametrize(("synchronous", "left"), [("FULL", ROWS), ("NORMAL", 0), ("OFF", 0)])
def test_the_disk_keeps_what_was_synced_and_nothing_else(disk: Disk, synchronous: str, left: int) -> None:
    for _ in range(3):
        assert rows_left(disk, synchronous, None) == (left, "ok")


def test_of_what_was_not_synced_any_part_may_survive(disk: Disk) -> None:
    for turn in range(5):
        assert rows_left(disk, "FULL", random.Random(turn)) == (ROWS, "ok")
    survived = {rows_left(disk, "NORMAL", random.Random(turn))[0] for turn in range(20)}
    assert len(survived) > 1


def test_a_name_that_was_not_synced_may_be_gone(disk: Disk) -> None:
    for name in ("kept", "lost"):
        with open(disk.place / name, "w") as file:
            file.write("x")
            file.flush()
            if name == "kept":
                os.fsync(file.fileno())
    (disk.place / "kept").rename(disk.place / "renamed")
    disk.cut()
    with pytest.raises(OSError, match="Input/output error"):
        (disk.place / "kept").read_text()
    disk.unmount()
    disk.mount()
    assert {path.name: path.read_text() for path in disk.place.iterdir()} == {"kept": "x"}
