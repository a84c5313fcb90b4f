"""What DBOS keeps and whom it talks to: ids and two words; nobody but the database."""

import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from ostiary.db.secure import extra_schemas
from tests import servers
from tests.cluster import Cluster
from tests.house import EMBEDDED
from tests.process import Process
from tests.worker.test_takeover import SLOW, deeds, ended, start, until

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("workers")]

CANARY = "Canary-Wren-7731"
_ID = re.compile(r"(job|ten|bot)_[0-9a-f]{32}|install")


@pytest.fixture(autouse=True)
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.process.OSTIARY", SLOW)


def must_be_plain(cells: list[Any]) -> None:
    """Of what DBOS stored as content (inputs, outputs, errors) nothing but ids, our two words and its own frame is there."""
    for cell in cells:
        left = _ID.sub("", str(cell))
        words = set(re.findall(r"[A-Za-z_]+", left))
        assert words <= {"args", "kwargs", "more", "over", "null"}, cell


def listeners(pid: int) -> set[int]:
    """The ports that a process listens on."""
    return {port for port, state in sockets(pid) if state == "0A"}


def peers(pid: int) -> set[int]:
    """The ports at the other end of its connections."""
    return {port for port, state in sockets(pid, remote=True) if state == "01"}


def sockets(pid: int, *, remote: bool = False) -> set[tuple[int, str]]:
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    mine = {link[8:-1] for link in links if link.startswith("socket:[")}
    found: set[tuple[int, str]] = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[9] in mine:
                found.add((int(cells[2 if remote else 1].rpartition(":")[2], 16), cells[3]))
    return found


def test_on_sqlite_dbos_keeps_ids_and_two_words_and_listens_nowhere(tmp_path: Path) -> None:
    process, file = Process(tmp_path / "home", settings=dict(EMBEDDED)), tmp_path / "deeds"
    try:
        process.start()
        process.found()
        job = start(process, "test.count", file=str(file), steps=12, pause_ms=100, name=CANARY)
        until(lambda: deeds(file)[3:], "the first steps")
        assert process.running is not None
        assert listeners(process.running.pid) == {process.port}
        assert peers(process.running.pid) == set()
        failing = start(process, "test.count", file=str(file), steps=1, pause_ms=1, name=CANARY, fail_at=0)
        assert ended(process, job)["state"] == "done"
        until(lambda: process.good("GET", f"/v1/jobs/{failing}")["tries"], "a failure")
    finally:
        process.kill()
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
    with sqlite3.connect(tmp_path / "home" / "jobs.db") as kept:
        runs = kept.execute("SELECT w.workflow_uuid, i.inputs, w.output, w.error FROM workflow_status w JOIN workflow_input i USING (workflow_uuid)").fetchall()  # fmt: skip
        steps = kept.execute("SELECT output, error FROM operation_outputs").fetchall()
    assert f"{job}.0" in {run[0] for run in runs}
    assert steps
    must_be_plain([cell for run in runs for cell in run[1:] if cell is not None])
    must_be_plain([cell for step in steps for cell in step if cell is not None])


def test_on_postgresql_workers_talk_to_the_database_only(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, {}, web_count=1, worker_count=1)
    file = tmp_path / "deeds"
    try:
        cluster.start()
        web, worker = cluster.webs[0], cluster.workers[0]
        job = start(web, "test.count", file=str(file), steps=12, pause_ms=100, name=CANARY)
        until(lambda: deeds(file)[3:], "the first steps")
        assert worker.running is not None
        assert listeners(worker.running.pid) == {worker.port}
        assert peers(worker.running.pid) == {servers.administrator().port or 5432}
        assert ended(web, job)["state"] == "done"
        (schema,) = extra_schemas(servers._schema(cluster.data_url))
        engine = create_engine(servers.administrator())
        with engine.connect() as connection:
            names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = :s"), {"s": schema}).scalars().all()  # fmt: skip
            rows = {name: connection.execute(text(f"SELECT t::text FROM {schema}.{name} t")).scalars().all() for name in names}  # fmt: skip
            steps = connection.execute(text(f"SELECT output, error FROM {schema}.operation_outputs")).all()
            inputs = connection.execute(text(f"SELECT inputs FROM {schema}.workflow_input")).scalars().all()
        engine.dispose()
        assert any(job in row for row in rows["workflow_status"])
        assert not [row for of_table in rows.values() for row in of_table if CANARY in row]
        must_be_plain([*inputs, *(cell for step in steps for cell in step if cell is not None)])
    finally:
        cluster.close()


def test_what_dbos_brings_along_is_whole_before_a_thread_loads_it() -> None:
    """A worker's first statements broke while another thread was half-way through importing SQLAlchemy's object-relational part."""
    code = "import sys, ostiary.worker.worker; sys.exit('sqlalchemy.orm.session' not in sys.modules or 'dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
