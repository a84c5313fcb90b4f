"""From one release's tables to the next: what is migrated is what is declared, and the release before goes on meanwhile."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ostiary.db.database import Database
from ostiary.db.install import bring, make
from ostiary.db.migrate import FOLDER, HEADS, floor, prepare, upgrade, version
from ostiary.errors import StoreUnavailable
from tests import servers
from tests.conftest import KINDS
from tests.house import EMBEDDED
from tests.process import Process
from tests.shop import CONTRACTS, running

RELEASE_BEFORE = "a1e7075ffadabf716c8be5c9d42fc45a26c37d31"
PROJECT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("which", ["data", "keys"])
def test_the_newest_migration_is_the_one_that_a_start_looks_for(which: str) -> None:
    script = ScriptDirectory(str(FOLDER / which))
    assert script.get_current_head() == HEADS[which]
    assert [each.module.COMPATIBLE_FROM for each in script.walk_revisions() if each.revision != "0001"]


@pytest.fixture(params=KINDS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database's address, as whoever may make tables in it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh.db'}"
        return
    url = servers.fresh_postgresql()
    yield url
    servers.drop_postgresql(url)


@pytest.mark.parametrize("which", ["data", "keys"])
def test_what_is_migrated_is_what_is_declared(fresh: str, which: str) -> None:
    tables = servers.all_tables(which)
    database = Database(fresh)
    try:
        upgrade(database, which)
        assert version(database) == HEADS[which]
        with database.engine().connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, tables) == []
        upgrade(database, which)
    finally:
        database.close()


NEXT, AFTER = (f"{int(HEADS['data']) + more:04}" for more in (1, 2))
"""Migrations of later releases."""


def ahead(database: Database, to: str, oldest: str) -> None:
    """As a later release would leave it."""
    with servers.intruder(database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": to})
        connection.execute(text("UPDATE schema_floor SET oldest = :oldest"), {"oldest": oldest})


def test_a_process_runs_on_tables_that_are_one_expansion_ahead(fresh: str) -> None:
    database = Database(fresh)
    try:
        upgrade(database, "data")
        ahead(database, NEXT, HEADS["data"])
        upgrade(database, "data")
        assert version(database) == NEXT
        ahead(database, AFTER, NEXT)
        with pytest.raises(StoreUnavailable, match="later release"):
            upgrade(database, "data")
        with pytest.raises(StoreUnavailable, match="later release"):
            prepare(database, "data")
        assert version(database) == AFTER
    finally:
        database.close()


@pytest.mark.skipif("postgresql" not in KINDS, reason="not run: only SQLite was asked for")
def test_on_postgresql_a_process_migrates_nothing_and_says_who_does() -> None:
    url = servers.fresh_store("data")
    database = Database(url)
    try:
        prepare(database, "data")
        assert database.read(lambda connection: floor(connection, "data")) == HEADS["data"]
        ahead(database, NEXT, HEADS["data"])
        prepare(database, "data")
        ahead(database, "0001", "0001")
        with pytest.raises(StoreUnavailable, match="`ostiary db upgrade`"):
            prepare(database, "data")
        assert version(database) == "0001"
    finally:
        database.close()
        servers.drop_postgresql(url)


MIGRATE = """
import sys
from ostiary.db.database import Database
from ostiary.db.migrate import upgrade
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(database, "data")
"""


def test_processes_that_migrate_at_once_migrate_once(fresh: str) -> None:
    command = [sys.executable, "-c", MIGRATE, fresh]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = [process.communicate("go\n", timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    database = Database(fresh)
    assert version(database) == HEADS["data"]
    database.close()


class Before(Process):
    """A process of the release before, which does not know the settings of this one."""

    def environment(self) -> dict[str, str]:
        unknown = ("OSTIARY_WORKER_PORT",)
        return {name: value for name, value in super().environment().items() if name not in unknown}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the release before, out of the history."""
    folder = tmp_path_factory.mktemp("before")
    git = shutil.which("git")
    if (
        git is None
        or subprocess.run(
            [git, "cat-file", "-e", RELEASE_BEFORE], cwd=PROJECT, capture_output=True
        ).returncode
    ):
        pytest.skip("not run: the release before is not in this checkout's history")
    archive = subprocess.run(
        [git, "archive", RELEASE_BEFORE, "src"], cwd=PROJECT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    built = "src/ostiary/web/static/build"  # no part of the history; any will do
    shutil.copytree(PROJECT / built, folder / built)
    return folder / "src"


@pytest.mark.journey
@pytest.mark.parametrize("kind", KINDS)
def test_the_release_before_goes_on_while_its_tables_are_expanded(
    before: Path, tmp_path: Path, kind: str
) -> None:
    """A process of 0001 under calls; this release's migrations run on its databases; it records, holds, approves and pays on. Then this release takes over."""
    home = tmp_path / "home"
    urls = [servers.fresh_postgresql() for _ in range(2)] if kind == "postgresql" else []
    where = dict(zip(EMBEDDED, urls or ["", ""], strict=True))
    old = Before(home, settings={**where, "PYTHONPATH": str(before)})
    try:
        with running() as shop:
            old.start()
            old.found()
            old.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            old.connect("letters", kind="http", base_url=shop.url)
            old.agree(CONTRACTS)
            agent = old.make_key("helper", "support")
            held = pay(old, agent, "before")
            done = _under_calls(old, agent, lambda: _expand(home, urls))
            assert done > 3
            assert old.approve(held["approval_id"]).status_code == 200
            later = pay(old, agent, "after")
            assert old.good("POST", "/v1/audit/verify", json={})["ok"]
            assert old.stop() in (0, -15)  # uvicorn ends by the signal that it was sent
            _hand_over(urls)
            new = Process(home, settings=where, port=old.port, owner=old.owner, tenant=old.tenant)
            new.start()
            try:
                assert settled(new, agent, held["call_id"]) == "done"
                assert new.approve(later["approval_id"]).status_code == 200
                assert settled(new, agent, later["call_id"]) == "done"
                assert new.good("POST", "/v1/audit/verify", json={})["ok"]
                assert shop.done["before"] == shop.done["after"] == 1
            finally:
                new.kill()
    finally:
        old.kill()
        for url in urls:
            servers.drop_postgresql(url)


def pay(process: Process, agent: str, to: str) -> dict[str, str]:
    held = process.ask("POST", "/v1/actions/pay.send", agent, key=to, json={"to": to, "amount": 48})
    assert held.status_code == 202, held.text
    return dict(held.json())


def settled(process: Process, agent: str, call: str) -> str:
    return str(process.good("GET", f"/v1/calls/{call}", agent, params={"wait_s": "20"})["state"])


def _expand(home: Path, urls: list[str]) -> None:
    for which, url in zip(
        HEADS, urls or [f"sqlite:///{home / name}" for name in ("ostiary.db", "keys.db")], strict=True
    ):
        database = Database(url)
        assert version(database) == "0001"
        upgrade(database, which)
        assert version(database) == HEADS[which]
        database.close()


def _hand_over(urls: list[str]) -> None:
    """What an operator does: `ostiary db init --apply`."""
    for which, url in zip(HEADS, urls, strict=False):
        parsed = servers.make_url(url)
        servers.all_tables(which)
        make(parsed, servers.administrator(), which)
        assert bring(parsed, servers.administrator(), which) == []


def _under_calls(process: Process, agent: str, work: object) -> int:
    """How many calls were answered while `work` ran; each of them well."""
    answered: list[int] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            answer = process.ask(
                "POST", "/v1/actions/mail.send", agent, key=f"m{len(answered)}", json={"to": "bob"}
            )
            answered.append(answer.status_code)

    caller = threading.Thread(target=call)
    caller.start()
    until = time.monotonic() + 30
    while len(answered) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    work()  # type: ignore[operator]
    so_far = len(answered)
    while len(answered) < so_far + 3 and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    caller.join(30)
    assert set(answered) == {200}
    return len(answered)
