"""The guard on the shared corpus: attacks refused, queries let through, and what a statement costs beside reading and writing it alone, and beside the aim of 2 ms at the 95th percentile.

.venv/bin/python bench/guard.py [corpus.jsonl]
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import sqlglot

from ostiary.guard.dialects import dialect_of
from ostiary.guard.guard import judge

AIM_MS = 2.0
CORPUS = Path(__file__).parents[2] / "shared" / "data" / "sql" / "guard.jsonl"


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    if not path.exists():
        print("not run: there is no corpus; name one")
        return
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    said = [judge(row["sql"], row["dialect"]) for row in rows]
    for expected, word in (("blocked", "refused"), ("allowed", "let through")):
        of = [
            verdict.allowed == (expected == "allowed")
            for row, verdict in zip(rows, said, strict=True)
            if row["expect"] == expected
        ]
        print(f"{expected}: {sum(of)} of {len(of)} {word} ({100 * sum(of) / len(of):.2f} %)")
    queries = [(row["sql"], row["dialect"]) for row in rows if row["expect"] == "allowed"]
    guarded = _times(lambda sql, dialect: judge(sql, dialect), queries)
    alone = _times(_read_and_write, queries)
    for name, times in (("guard", guarded), ("read and written alone", alone)):
        print(
            f"{name}: p50 {_at(times, 0.5):.2f} ms, p95 {_at(times, 0.95):.2f} ms, p99 {_at(times, 0.99):.2f} ms of CPU"
        )
    print(
        f"guard p95 / the aim of {AIM_MS:.0f} ms: {_at(guarded, 0.95) / AIM_MS:.2f}; guard / alone at p50: {_at(guarded, 0.5) / _at(alone, 0.5):.2f}"
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
