"""What is written anew answers what was asked: the gold queries of the shared questions, run on PostgreSQL as they are and as the guard writes them."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from ostiary.guard.guard import judge
from tests.servers import drop_postgresql, fresh_postgresql

ASK = Path(os.environ.get("OSTIARY_CORPORA", Path(__file__).parents[3] / "shared" / "data")) / "ask"
OWN_SCHEMA = "ewallet"
"""Its script makes a schema by a fixed name, which several tests at once would fight for."""


def answer(connection: psycopg.Connection[Any], sql: str) -> tuple[list[Any], list[Any]]:
    """Names and types of the columns, and the rows. Prepared, so that it is one statement by the protocol."""
    with connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        found = connection.execute(sql.encode(), prepare=True)
        return [(each.name, each.type_code) for each in found.description or ()], found.fetchall()


@pytest.mark.skipif(not ASK.exists(), reason="the shared questions are not on this machine")
def test_gold_queries_answer_the_same() -> None:
    rows = [json.loads(line) for line in (ASK / "questions.jsonl").read_text().splitlines()]
    counted: Counter[str] = Counter()
    for name in sorted({row["database"] for row in rows} - {OWN_SCHEMA}):
        url = fresh_postgresql()
        try:
            where = make_url(url)
            parts = where.translate_connect_args(username="user", database="dbname") | dict(where.query)
            with psycopg.connect(**parts, autocommit=True) as connection:
                script = (ASK / "databases" / name / f"{name}.sql").read_text()
                connection.execute(script.replace("public.", "").encode())  # into this test's own schema
                for row in rows:
                    if row["database"] == name and row["dialect"] == "postgres":
                        counted += compared(connection, row["sql"])
        finally:
            drop_postgresql(url)
    assert counted.pop("same") > 100
    assert counted == {}


def compared(connection: psycopg.Connection[Any], text: str) -> Counter[str]:
    """By how it went, for each alternative of the gold text that is a statement."""
    counted: Counter[str] = Counter()
    for sql in text.split(";"):
        if not sql.strip() or "{" in sql:  # a template of alternatives
            continue
        said = judge(sql, "postgresql")
        if not said.allowed:
            counted[f"refused: {said.why} {sql}"] += 1
            continue
        same = answer(connection, sql) == answer(connection, said.sql)
        counted["same" if same else f"differs: {sql}"] += 1
    return counted
