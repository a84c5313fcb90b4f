"""What is written anew answers what was asked: the gold queries of the shared questions, run on PostgreSQL as they are, as the guard writes them, and through governed tables that hide nothing."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from ostiary.guard.catalogue import Catalogue
from ostiary.guard.governed import governed
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
                known = catalogue_of(connection)
                for row in rows:
                    if row["database"] == name and row["dialect"] == "postgres":
                        counted += compared(connection, row["sql"], known)
        finally:
            drop_postgresql(url)
    assert counted.pop("same") > 100
    assert counted.pop("the same through governed tables") > 100
    assert counted == {}


def catalogue_of(connection: psycopg.Connection[Any]) -> Catalogue:
    """Every table of this test's schema, with its types and its primary key."""
    columns: dict[str, list[dict[str, str]]] = {}
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, ordinal_position"
    ):
        columns.setdefault(table, []).append({"name": column, "type": kind})
    keys: dict[str, list[str]] = {}
    for table, column in connection.execute(
        "SELECT conrelid::regclass::text, attname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) "
        "WHERE contype = 'p' AND connamespace = current_schema()::regnamespace"
    ):
        keys.setdefault(table, []).append(column)
    (schema,) = connection.execute("SELECT current_schema()").fetchone() or ("",)
    return Catalogue.of(
        {"tables": [{"schema": schema, "name": name, "columns": each, "key": keys.get(name, [])} for name, each in columns.items()]}
    )  # fmt: skip


def compared(connection: psycopg.Connection[Any], text: str, known: Catalogue) -> Counter[str]:
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
        seen = governed(sql, "postgresql", known)
        try:
            same = seen.allowed and answer(connection, sql) == answer(connection, seen.sql)
        except psycopg.Error as error:
            counted[f"fails: {error} {sql} {seen.sql}"] += 1
            continue
        counted["the same through governed tables" if same else f"differs: {seen.why} {sql} {seen.sql}"] += 1
    return counted
