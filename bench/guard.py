"""The guard on the shared corpus: attacks refused, queries let through, and what a statement costs beside reading and writing it alone, and beside the aim of 2 ms at the 95th percentile.

.venv/bin/python bench/guard.py [--corpus corpus.jsonl] [--agent-sql-guard PYTHON] [--dbhub FOLDER]

PYTHON: an interpreter that has agent-sql-guard==0.2.0. FOLDER: node_modules/@bytebase/dbhub/dist of DBHub 1.4.0 (Node 20 or later), whose own check of what only reads is asked, as its tool does before it runs
anything. Each judges the same statements in the same run; DBHub those of the databases that it has.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import sqlglot

from ostiary.guard.catalogue import Catalogue, Column, Mask, Table
from ostiary.guard.dialects import dialect_of
from ostiary.guard.governed import governed
from ostiary.guard.guard import judge
from ostiary.guard.masking import WRITINGS

AIM_MS = 2.0
CORPUS = Path(__file__).parents[2] / "shared" / "data" / "sql" / "guard.jsonl"


_PEER = """
import json, sys, time
from sql_guard import PiiDenylist, SqlGuard, SqlGuardConfig
guards = {}
for line in sys.stdin:
    row = json.loads(line)
    dialect = row["dialect"]
    if dialect not in guards:
        settings = dict(pii_denylist=PiiDenylist(frozenset(), frozenset()), allowed_tables=[], dialect=dialect, enforce_allowed_tables=False)
        guards[dialect] = SqlGuard(SqlGuardConfig.from_settings(**settings))
    began = time.process_time()
    said = guards[dialect].evaluate_static(row["sql"])
    print(json.dumps([not said.denied, (time.process_time() - began) * 1e3]))
"""


_DBHUB = """
import { readFileSync, readdirSync } from "node:fs";
import { createInterface } from "node:readline";
const folder = process.argv[1];
const found = {};
for (const name of readdirSync(folder).filter((each) => each.startsWith("chunk-")))
  if (/isReadOnlySQL|splitSQLStatements/.test(readFileSync(`${folder}/${name}`, "utf8").split("export {").at(-1))) Object.assign(found, await import(`file://${folder}/${name}`));
for await (const line of createInterface({ input: process.stdin })) {
  const { sql, dialect } = JSON.parse(line);
  const began = performance.now();
  const statements = found.splitSQLStatements(sql, dialect);
  const allowed = statements.length > 0 && statements.every((each) => found.isReadOnlySQL(each, dialect));
  console.log(JSON.stringify([allowed, performance.now() - began]));
}
"""
_DBHUB_CALLS = {"postgres": "postgres", "mysql": "mysql", "sqlite": "sqlite", "tsql": "sqlserver"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--corpus", type=Path, default=CORPUS)
    options.add_argument("--agent-sql-guard", metavar="PYTHON")
    options.add_argument("--dbhub", metavar="FOLDER", type=Path)
    chosen = options.parse_args()
    path = chosen.corpus
    if not path.exists():
        print("not run: there is no corpus; name one")
        return
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    _score("ostiary guard", rows, [judge(row["sql"], row["dialect"]).allowed for row in rows])
    if chosen.agent_sql_guard:
        given = "".join(json.dumps(row) + "\n" for row in rows)
        done = subprocess.run(
            [chosen.agent_sql_guard, "-c", _PEER], input=given, capture_output=True, text=True, check=True
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        _score("agent-sql-guard", rows, [allowed for allowed, _ in told])
        times = sorted(took for (_, took), row in zip(told, rows, strict=True) if row["expect"] == "allowed")
        print(f"agent-sql-guard: p50 {_at(times, 0.5):.2f} ms, p95 {_at(times, 0.95):.2f} ms of CPU")
    if chosen.dbhub:
        _dbhub(chosen.dbhub.resolve(), [row for row in rows if row["dialect"] in _DBHUB_CALLS])
    queries = [(row["sql"], row["dialect"]) for row in rows if row["expect"] == "allowed"]
    guarded = _times(lambda sql, dialect: judge(sql, dialect), queries)
    known = _everything_named(queries)
    masked = [(sql, dialect) for sql, dialect in queries if dialect_of(dialect).parser in WRITINGS]
    governing = _times(lambda sql, dialect: governed(sql, dialect, known), masked)
    refused = sum(not governed(sql, dialect, known).allowed for sql, dialect in masked)
    print(
        f"governed: {len(masked) - refused} of {len(masked)} queries let through with a mask on every table"
    )
    alone = _times(_read_and_write, queries)
    for name, times in (
        ("guard", guarded),
        ("guarded and governed", governing),
        ("read and written alone", alone),
    ):
        print(
            f"{name}: p50 {_at(times, 0.5):.2f} ms, p95 {_at(times, 0.95):.2f} ms, p99 {_at(times, 0.99):.2f} ms of CPU"
        )
    print(
        f"guard p95 / the aim of {AIM_MS:.0f} ms: {_at(guarded, 0.95) / AIM_MS:.2f}; guard / alone at p50: {_at(guarded, 0.5) / _at(alone, 0.5):.2f}"
    )


def _dbhub(folder: Path, rows: list[dict[str, str]]) -> None:
    given = "".join(json.dumps({"sql": row["sql"], "dialect": _DBHUB_CALLS[row["dialect"]]}) + "\n" for row in rows)  # fmt: skip
    command = ["node", "--input-type=module", "-e", _DBHUB, str(folder)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    _score("DBHub, of the databases that it has", rows, [allowed for allowed, _ in told])
    _score("ostiary guard, of the same", rows, [judge(row["sql"], row["dialect"]).allowed for row in rows])


def _score(name: str, rows: list[dict[str, str]], allowed: list[bool]) -> None:
    for expected, word in (("blocked", "attacks refused"), ("allowed", "queries let through")):
        right = [
            each == (expected == "allowed")
            for row, each in zip(rows, allowed, strict=True)
            if row["expect"] == expected
        ]
        print(f"{name}: {sum(right)} of {len(right)} {word} ({100 * sum(right) / len(right):.2f} %)")


def _everything_named(queries: list[tuple[str, str]]) -> Catalogue:
    """Every table that a query names, with every name that stands in it as a column, and one masked column."""
    tables: dict[tuple[str, str], dict[str, None]] = {}
    for sql, dialect in queries:
        said = judge(sql, dialect)
        try:
            root = sqlglot.parse_one(said.sql, read=dialect_of(dialect).parser) if said.sql else None
        except sqlglot.errors.SqlglotError:
            continue
        names = dict.fromkeys(each.name for each in root.find_all(sqlglot.exp.Column)) if root else {}
        for table in said.tables:
            schema, _, name = table.lower().rpartition(".")
            tables.setdefault((schema, name), {}).update(names)
    return Catalogue.holding(
        [
            Table(
                name,
                (
                    *tuple({each.lower(): Column(each) for each in columns if each != "*"}.values()),
                    Column("hidden_one", "text", Mask("full")),
                ),
                schema,
            )
            for (schema, name), columns in tables.items()
        ]
    )


def _read_and_write(sql: str, dialect: str) -> None:
    parser = dialect_of(dialect).parser
    try:
        sqlglot.parse_one(sql, read=parser).sql(parser, copy=False)
    except sqlglot.errors.SqlglotError:
        return


def _times(do: Callable[[str, str], object], queries: list[tuple[str, str]]) -> list[float]:
    """Milliseconds of CPU each, the best of three rounds."""
    best = [float("inf")] * len(queries)
    for _ in range(3):
        for at, (sql, dialect) in enumerate(queries):
            began = time.process_time()
            do(sql, dialect)
            best[at] = min(best[at], (time.process_time() - began) * 1e3)
    return sorted(best)


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


if __name__ == "__main__":
    main()
