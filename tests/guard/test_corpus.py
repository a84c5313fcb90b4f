"""The shared corpus: attacks of five dialects and queries of analysts."""

import json
import os
from pathlib import Path

import pytest

from ostiary.guard.guard import judge

CORPUS = (
    Path(os.environ.get("OSTIARY_CORPORA", Path(__file__).parents[3] / "shared" / "data"))
    / "sql"
    / "guard.jsonl"
)
HARD = frozenset(
    [
        "dml",
        "writable_cte",
        "select_into",
        "into_file",
        "file",
        "copy",
        "large_object",
        "remote",
        "dyn_sql",
        "stacked",
        "stmt",
        "attach",
        "session",
        "sequence",
        "admin_fn",
    ]
)
"""Classes of which not one may pass: writes, files, the network, text that is run as SQL."""


@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not on this machine")
def test_the_corpus() -> None:
    rows = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    said = {row["id"]: judge(row["sql"], row["dialect"]) for row in rows}
    attacks = [row for row in rows if row["expect"] == "blocked"]
    passed = [row["id"] for row in attacks if said[row["id"]].allowed]
    assert [row["id"] for row in attacks if row["category"] in HARD and said[row["id"]].allowed] == []
    assert len(passed) <= 0.005 * len(attacks)
    queries = [row for row in rows if row["expect"] == "allowed"]
    refused = [row["id"] for row in queries if not said[row["id"]].allowed]
    assert len(refused) <= 0.005 * len(queries), refused
