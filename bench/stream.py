"""Rows a second of a governed, masked statement, out of the engine and over HTTP through a whole gateway, beside `psql copy` of the same statement in the same run; the time to the
first rows; and how much memory a reader takes that stands still.

PYTHONPATH=. .venv/bin/python bench/stream.py postgresql://root@127.0.0.1/postgres [--rows 1000000]

It makes a table in a schema of its own, and drops it.
"""

import argparse
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg
from tests.process import Process

from ostiary.engines.encoding import FORMS
from ostiary.engines.engine import Engine, Limits
from ostiary.engines.opening import opened
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
from ostiary.guard.verdict import Verdict

SCHEMA = "ostiary_bench_stream"
COLUMNS = [
    {"name": "id", "type": "bigint"},
    {"name": "name", "type": "text"},
    {"name": "email", "type": "text", "mask": "partial"},
    {"name": "ssn", "type": "text", "mask": "full"},
    {"name": "amount", "type": "double precision"},
    {"name": "born", "type": "date"},
]
SQL = f"SELECT id, name, email, ssn, amount, born FROM {SCHEMA}.people"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("address")
    options.add_argument("--rows", type=int, default=1_000_000)
    chosen = options.parse_args()
    with psycopg.connect(chosen.address, autocommit=True) as store:
        store.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        store.execute(
            f"CREATE TABLE {SCHEMA}.people AS SELECT i::bigint AS id, 'name ' || i AS name, 'person' || i || '@example.com' AS email, '123-45-' || i AS ssn, i * 1.5::float8 AS amount, "
            f"date '1950-01-01' + (i % 20000)::int AS born FROM generate_series(1, {chosen.rows}) i"
        )
        store.execute(f"VACUUM ANALYZE {SCHEMA}.people")
        try:
            _compare(chosen.address, chosen.rows)
        finally:
            store.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _compare(address: str, rows: int) -> None:
    known = Catalogue.of(
        {"tables": [{"schema": SCHEMA, "name": "people", "columns": COLUMNS, "key": ["id"]}]}
    )
    verdict = governed(SQL, "postgresql", known)
    engine = opened(address, None, Limits(seconds=600, rows=rows + 1, bytes=1 << 40))
    found: dict[str, list[tuple[float, float]]] = {"psql copy": [], "engine": []}
    with gateway(address) as process:
        for _ in range(3):
            began = time.perf_counter()
            subprocess.run(
                ["psql", address, "-qc", f"COPY ({verdict.sql}) TO STDOUT"], stdout=subprocess.DEVNULL, check=True
            )  # fmt: skip
            found["psql copy"].append((rows / (time.perf_counter() - began), 0))
            found["engine"].append(_engine(engine, verdict, rows))
            for form in FORMS:
                found.setdefault(f"gateway, {form}", []).append(_read(process, form, rows))
        stalled = _stalled(process)
    engine.close()
    copied = max(speed for speed, _ in found["psql copy"])
    for name, runs in found.items():
        speed, first = max(each for each, _ in runs), min(each for _, each in runs)
        print(f"{name:16} {speed / 1e3:7,.0f} k rows/s, {speed / copied:.2f} of psql copy (aim 0.85); first rows after {first * 1e3:.1f} ms (aim 50)")  # fmt: skip
    print(f"a reader that stands still takes {stalled:.1f} MB of the gateway (aim 64)")


def _engine(engine: Engine, verdict: Verdict, rows: int) -> tuple[float, float]:
    began = time.perf_counter()
    batches = engine.run(verdict, str).batches()
    got = len(next(batches))
    first = time.perf_counter() - began
    got += sum(map(len, batches))
    if got != rows:
        raise SystemExit(f"{got} rows came of {rows}")
    return rows / (time.perf_counter() - began), first


@contextmanager
def gateway(address: str) -> Iterator[Process]:
    """With the table as a source that may be streamed."""
    where = urlsplit(address)
    settings = {"kind": "postgresql", "host": where.hostname, "port": where.port or 5432, "user": where.username, "database": where.path.strip("/"), "tls": "off"}  # fmt: skip
    rule = {"name": "people", "tables": [f"{SCHEMA}.people"], "masks": {f"{SCHEMA}.people.email": "partial", f"{SCHEMA}.people.ssn": "full"}}  # fmt: skip
    policy = {"version": 1, "rules": [rule], "streams": True, "accept_writer": True}
    with TemporaryDirectory() as folder:
        own = {"OSTIARY_DATABASE_URL": "", "OSTIARY_KEYS_URL": ""}
        process = Process(Path(folder) / "home", settings=own, forked=False)
        process.start()
        try:
            process.found()
            process.connect("people", **settings)
            process.good("PUT", "/v1/sources/people", json={"policy": policy})
            yield process
        finally:
            process.kill()


def _asked(process: Process, form: str) -> socket.socket:
    body = json.dumps({"statement": SQL, "format": form}).encode()
    head = f"POST /v1/sources/people/stream HTTP/1.1\r\nHost: 127.0.0.1:{process.port}\r\nAuthorization: Bearer {process.owner}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    asking = socket.create_connection(("127.0.0.1", process.port), timeout=60)
    asking.sendall(head.encode() + body)
    return asking


def _read(process: Process, form: str, rows: int) -> tuple[float, float]:
    """The reader takes as little of the machine as can be: what it gets is counted by its record."""
    began = time.perf_counter()
    room, first, last = bytearray(1 << 20), 0.0, b""
    with _asked(process, form) as asking:
        while size := asking.recv_into(room):
            first = first or time.perf_counter() - began
            last = (last + bytes(room[max(0, size - 20) : size]))[-20:]
    took = time.perf_counter() - began
    if not last.endswith(b"0\r\n\r\n"):
        raise SystemExit(f"the answer was cut: {last!r}")
    (event,) = process.good("GET", "/v1/audit/events?action=source.stream&limit=1")["events"]
    if event["counts"]["rows"] != rows:
        raise SystemExit(f"{event['counts']['rows']} rows came of {rows}")
    return rows / took, first


def _stalled(process: Process) -> float:
    before = _resident(process)
    with _asked(process, "ndjson") as asking:
        asking.recv(1)
        time.sleep(3)
        return _resident(process) - before


def _resident(process: Process) -> float:
    """MB."""
    return int(Path(f"/proc/{process.running.pid}/statm").read_text().split()[1]) * 4096 / 1e6


if __name__ == "__main__":
    main()
