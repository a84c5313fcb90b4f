"""Rows a second of a governed statement through the engine, beside `psql copy` of the same statement in the same run, and the time to the first rows.

.venv/bin/python bench/stream.py postgresql://root@127.0.0.1/postgres [--rows 1000000]

It makes a table in a schema of its own, and drops it.
"""

import argparse
import resource
import subprocess
import time

import psycopg

from ostiary.engines.engine import Limits
from ostiary.engines.opening import opened
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed

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
    best, first, copied = 0.0, float("inf"), 0.0
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(
            ["psql", address, "-qc", f"COPY ({verdict.sql}) TO STDOUT"], stdout=subprocess.DEVNULL, check=True
        )
        copied = max(copied, rows / (time.perf_counter() - began))
        began = time.perf_counter()
        batches = engine.run(verdict, str).batches()
        got = len(next(batches))
        first = min(first, time.perf_counter() - began)
        got += sum(map(len, batches))
        if got != rows:
            raise SystemExit(f"{got} rows came of {rows}")
        best = max(best, rows / (time.perf_counter() - began))
    engine.close()
    print(
        f"psql copy: {copied / 1e3:,.0f} k rows/s; engine: {best / 1e3:,.0f} k rows/s; ratio {best / copied:.2f} (aim 0.85)"
    )
    print(
        f"first rows: {first * 1e3:.1f} ms (aim 50); memory of the process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    )


if __name__ == "__main__":
    main()
