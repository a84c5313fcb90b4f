"""A gateway that dies while rows of a source are in its memory: killed, crashed, and out of memory. No row is in a file afterwards: not in its home, its database, its log, a temporary file, nor a core dump."""

import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import httpx
import pytest

from ostiary.db.database import Database
from tests.hostile.test_sources import files_with
from tests.process import Process
from tests.retention import canaries

CANARY = "heron-41c9-sable"
ROWS = 60_000
POLICY = {"version": 1, "streams": True, "rules": [{"name": "all", "tables": ["notes"], "masks": {"notes.phone": "hash"}}]}  # fmt: skip
MORE_BYTES = 60_000_000
"""For a few threads more, and not for the rows that they are to sort."""
WHERE_CORES_ARE = ("/bin/sh", "-c", 'ulimit -c unlimited; cd "$0" && exec "$@"')
"""In front of a program: it runs in a folder into which the system may write its core."""


def notes(folder: Path, engine: str) -> str:
    """A file with a canary in every row; its name."""
    made = f"SELECT n AS id, '{CANARY} ' || n AS body, '{CANARY} phone' AS phone, '{CANARY}' || n % 7 AS kind"
    if engine == "duckdb":
        with duckdb.connect(str(folder / "notes.duckdb")) as store:
            store.execute(f"CREATE TABLE notes AS {made} FROM range({ROWS}) AS t(n)")
        return "notes.duckdb"
    with closing(sqlite3.connect(folder / "notes.sqlite")) as store, store:
        store.execute(
            f"CREATE TABLE notes AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {ROWS}) {made} FROM t"
        )
    return "notes.sqlite"


class Gateway:
    """A real one, whose rows are asked for; `folder` is where it works and where its temporary files are, beside its home."""

    def __init__(self, tmp_path: Path, engine: str) -> None:
        self.root, self.folder = tmp_path / "sources", tmp_path / "outside"
        for each in (self.root, self.folder):
            each.mkdir()
        self.engine = engine
        self.file = notes(self.root, engine)
        settings = {"OSTIARY_SOURCE_ROOTS": str(self.root), "TMPDIR": str(self.folder)}
        self.process = Process(home=tmp_path / "home", settings=settings)
        self.stalled: list[socket.socket] = []

    def start(self) -> None:
        self.process.start(*WHERE_CORES_ARE, str(self.folder))

    def furnish(self) -> None:
        self.process.found()
        self.process.connect("notes", kind=self.engine, path=self.file)
        self.process.good("PUT", "/v1/sources/notes", json={"policy": POLICY})

    def ask(self, statement: str, rows: int = 200) -> httpx.Response:
        return self.process.ask(
            "POST", "/v1/sources/notes/query", json={"statement": statement, "rows": rows}
        )

    def stall(self, format_: str) -> None:
        """Begins to take rows out, and reads no further than the first."""
        body = f'{{"statement": "SELECT * FROM notes ORDER BY body", "format": "{format_}"}}'
        reader = socket.create_connection(("127.0.0.1", self.process.port), timeout=20)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        named = "".join(f"{name}: {value}\r\n" for name, value in self.process.headers().items())
        reader.sendall(
            f"POST /v1/sources/notes/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{named}\r\n{body}".encode()
        )
        heard = b""
        while CANARY.encode() not in heard:
            heard += reader.recv(1000) or pytest.fail(heard.decode())
        self.stalled.append(reader)

    def kept(self) -> list[str]:
        """Where a canary is, except in the source: files of the gateway, its log, its databases with the files of their server."""
        word = CANARY.encode()
        own = (self.process.home, self.folder, self.process.home.with_suffix(".log"))
        found = [path for each in own for path in files_with(each, word)]
        for name in ("OSTIARY_DATABASE_URL", "OSTIARY_KEYS_URL"):
            if url := self.process.environment().get(name):
                database = Database(url)
                found += [name] * (word in canaries.raw(database))
                found += [str(path) for path, content in canaries.server_files(database) if word in content]
                database.close()
        return found

    def ends(self) -> None:
        running = self.process.running
        assert running is not None
        running.wait(30)
        self.process.running = None
        self.let_go()

    def let_go(self) -> None:
        while self.stalled:
            self.stalled.pop().close()


def kill(gateway: Gateway) -> None:
    assert gateway.process.running is not None
    os.killpg(gateway.process.running.pid, signal.SIGKILL)


def crash(gateway: Gateway) -> None:
    """Where it may leave a core."""
    assert gateway.process.running is not None
    os.kill(gateway.process.running.pid, signal.SIGSEGV)


def memory(gateway: Gateway) -> None:
    """It gets no more memory than it has, while it is asked for rows by many."""
    assert gateway.process.running is not None
    pid = gateway.process.running.pid
    has = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (has + MORE_BYTES, has + MORE_BYTES))

    done: list[int] = []

    def asking() -> None:
        answer = 0
        with suppress(httpx.HTTPError):
            answer = gateway.ask("SELECT a.body FROM notes AS a JOIN notes AS b ON a.kind = b.kind WHERE b.id < 300 ORDER BY b.body, a.body").status_code  # fmt: skip
        done.append(answer)

    several = [threading.Thread(target=asking) for _ in range(6)]
    for each in several:
        each.start()
    for each in several:
        each.join()
    assert any(each != 200 for each in done), "there was memory enough"
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSEGV)


@pytest.mark.parametrize("engine", ["sqlite", "duckdb"])
@pytest.mark.parametrize("dies", [kill, crash, memory])
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="not run: Linux alone bounds another process")
def test_no_row_is_left_when_it_dies(tmp_path: Path, engine: str, dies: Callable[[Gateway], None]) -> None:
    gateway = Gateway(tmp_path, engine)
    gateway.start()
    try:
        gateway.furnish()
        assert CANARY in gateway.ask("SELECT body FROM notes").text
        gateway.ask("SELECT body, sum(phone) FROM notes")
        for each in ("ndjson", "arrow", "csv"):
            gateway.stall(each)
        dies(gateway)
        gateway.ends()
        assert gateway.kept() == []
        gateway.start()
        assert CANARY in gateway.ask("SELECT body, phone FROM notes").text
        assert gateway.process.good("POST", "/v1/audit/verify", json={})["ok"]
        gateway.process.stop()
        assert gateway.kept() == []
    finally:
        gateway.process.kill()
        gateway.let_go()


def test_a_crash_of_another_program_does_leave_its_rows(tmp_path: Path) -> None:
    """What the test above looks for is found where nobody prevents it."""
    program = (
        f"import os, signal; row = {CANARY[:5]!r} + {CANARY[5:]!r}; os.kill(os.getpid(), signal.SIGSEGV)"
    )
    subprocess.run([*WHERE_CORES_ARE, str(tmp_path), sys.executable, "-c", program], check=False)
    if not any(tmp_path.iterdir()):
        pytest.skip("not run: this system writes no core into the folder of a process")
    assert files_with(tmp_path, CANARY.encode())
