"""What tests share: a clock that stands still, and each database twice (SQLite, PostgreSQL)."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import MetaData

from ostiary.db.database import Database
from ostiary.db.marks import Marks
from ostiary.db.tables import keys_metadata, metadata
from tests import servers
from tests.waiting import until

settings.register_profile("same", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
"""A build tries the same examples each time; `make soak` tries others each time."""

KINDS = {"both": ["sqlite", "postgresql"]}.get(
    chosen := os.environ.get("OSTIARY_TEST_DATABASE", "both"), [chosen]
)
"""`make test DATABASE=postgresql` runs the store tests on that one alone."""


MARKS = Marks(key=lambda _tenant: b"k" * 32, earlier=lambda _tenant: b"e" * 32)
"""Keys of marked rows, where a test has no vault of its own beside the database."""


class StillClock:
    """A clock that moves only when told."""

    def __init__(self, at_us: int = 1_760_000_000_000_000) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us

    def advance(self, seconds: float) -> None:
        self.at_us += int(seconds * 1_000_000)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


def _open(kind: str, tables: MetaData, folder: Path, name: str) -> Iterator[Database]:
    url = f"sqlite:///{folder / (name + '.db')}" if kind == "sqlite" else servers.fresh_store(name)
    database = Database(url)
    database.marks = MARKS
    if kind == "sqlite":
        tables.create_all(database.engine())
    database.signals.start()
    until(lambda: database.signals.fresh)
    yield database
    database.close()
    servers.drop_postgresql(url)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The data database, empty, on each of the two kinds."""
    yield from _open(request.param, metadata, tmp_path, "data")


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """The data database on SQLite only, where the kind of database is not what is tested."""
    yield from _open("sqlite", metadata, tmp_path, "data")


@pytest.fixture
def keys_database(tmp_path: Path) -> Iterator[Database]:
    """The key store on SQLite (the vault's own tests run it on both)."""
    yield from _open("sqlite", keys_metadata, tmp_path, "keys")


@pytest.fixture(params=KINDS)
def each_keys_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    yield from _open(request.param, keys_metadata, tmp_path, "keys")


@pytest.fixture(autouse=True)
def _homes() -> Iterator[None]:
    """The databases of homes that a test opened go with it; those of its module's fixtures stay."""
    before = servers.homes()
    yield
    servers.drop_homes(but=before)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say plainly what this machine could not run."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = sorted(
        {str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped if report.longrepr}
    )
    for reason in reasons:
        terminalreporter.write_line(reason if reason.startswith("not run") else f"not run: {reason}")
