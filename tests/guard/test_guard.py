"""What is let through and what is refused, statement by statement; and that what is let through is what was judged."""

import re
import sqlite3
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.guard import verdict
from ostiary.guard.guard import CHARACTERS_MAX, judge
from tests.guard.given import statements

GUIDE = Path(__file__).parents[2] / "docs" / "howto" / "guard.md"


@pytest.mark.parametrize(("dialect", "sql"), statements("refused"))
def test_refused(dialect: str, sql: str) -> None:
    said = judge(sql, dialect)
    assert not said.allowed
    assert said.sql == ""
    assert said.code in verdict.CODES
    assert said.why.endswith(".")


@pytest.mark.parametrize(("dialect", "sql"), statements("allowed"))
def test_let_through_and_what_is_written_anew_too(dialect: str, sql: str) -> None:
    said = judge(sql, dialect)
    assert (said.allowed, said.code, said.why) == (True, "", "")
    again = judge(said.sql, dialect)
    assert again.allowed, again.why
    assert sorted(again.tables) == sorted(said.tables)


def test_the_verdict_tells_the_tables_that_are_read() -> None:
    sql = 'WITH mine AS (SELECT * FROM Sales.Orders) SELECT * FROM mine JOIN "Odd Name" o ON o.id = mine.id, LATERAL (SELECT 1 FROM c) x'
    assert set(judge(sql, "postgresql").tables) == {"sales.orders", "Odd Name", "c"}
    assert judge("SELECT 1 FROM DUAL", "mysql").tables == ()


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM a WHERE EXISTS (WITH a AS (SELECT 1) SELECT * FROM a)", {"a"}),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", {"a"}),
        (
            "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) SELECT * FROM a",
            set(),
        ),
        ("WITH b AS (SELECT * FROM c), c AS (SELECT 1) SELECT * FROM b, c", {"c"}),
        ('WITH "A" AS (SELECT 1) SELECT * FROM A', {"a"}),
        ("WITH a AS (SELECT 1) SELECT * FROM s.a", {"s.a"}),
    ],
)
def test_a_name_of_the_statement_hides_a_table_only_where_it_is_in_sight(sql: str, tables: set[str]) -> None:
    assert set(judge(sql, "postgresql").tables) == tables


def test_comments_are_not_executed() -> None:
    assert judge("SELECT 1 -- ; DROP TABLE t\n /* x */", "postgresql").sql == "SELECT 1"
    assert judge("SELECT 1 # x", "mysql").sql == "SELECT 1"


def test_what_is_too_long_or_too_deep_is_not_read() -> None:
    assert judge("SELECT " + "1," * CHARACTERS_MAX + "1", "postgresql").code == verdict.TOO_LONG
    assert judge("SELECT " + "(" * 101 + "1" + ")" * 101, "postgresql").code == verdict.TOO_LONG
    assert not judge("SELECT " + "NOT " * 15_000 + "a FROM t", "sqlite").allowed
    assert not judge("SELECT 1" + " UNION SELECT 1" * 4_000, "sqlite").sql.count(";")


def test_an_unknown_dialect_is_an_error() -> None:
    with pytest.raises(KeyError):
        judge("SELECT 1", "oracle")


WORDS = [
    "SELECT",
    "*",
    "FROM",
    "t",
    "WHERE",
    "a",
    "=",
    "1",
    ";",
    "DROP",
    "TABLE",
    "INTO",
    "OUTFILE",
    "'/x'",
    "(",
    ")",
    ",",
    "pg_sleep",
    "(",
    "1",
    ")",
    "UNION",
    "ALL",
    "DELETE",
    "UPDATE",
    "SET",
    "WITH",
    "x",
    "AS",
    "RETURNING",
    "FOR",
    "UPDATE",
    "--",
    "/*",
    "*/",
    '"',
    "'",
    "`",
    "$$",
    "E'",
    "U&",
    "[",
    "]",
    "load_file",
    "read_csv",
    "ATTACH",
    "PRAGMA",
    "COPY",
    "EXEC",
    "xp_cmdshell",
    "INSERT",
    "VALUES",
    "LATERAL",
    "generate_series",
    "ORDER",
    "BY",
    "LIMIT",
    "nextval",
    "set_config",
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), max_size=14),
    st.sampled_from(["postgresql", "mysql", "sqlite", "duckdb", "sqlserver"]),
)
def test_whatever_is_let_through_is_one_query_that_calls_nothing_unknown(
    words: list[str], dialect: str
) -> None:
    said = judge(" ".join(words), dialect)
    if said.allowed:
        text = said.sql.lower()
        for call in (
            "pg_sleep (",
            "pg_sleep(",
            "nextval(",
            "load_file(",
            "read_csv(",
            "set_config(",
            "xp_cmdshell(",
        ):
            assert call not in text
        assert judge(said.sql, dialect).allowed


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    for dialect in ("postgresql", "mysql", "sqlite", "duckdb", "sqlserver"):
        said = judge(text, dialect)
        assert said.allowed or said.code in verdict.CODES


def test_sqlite_runs_what_is_let_through_and_nothing_of_it_writes() -> None:
    """On a real database: an authorizer sees what SQLite would do for every statement of the lists that is let through."""
    wrote: list[str] = []
    reads = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE t(a, b, c, d, e, f, data, x); CREATE TABLE u(a, b); CREATE TABLE a(id); CREATE TABLE b(id); CREATE TABLE c(id);"
    )

    def watch(action: int, *rest: str | None) -> int:
        if action not in reads:
            wrote.append(f"{action} {rest}")
        return sqlite3.SQLITE_OK

    connection.set_authorizer(watch)
    ran = 0
    for dialect, sql in statements("allowed") + statements("refused"):
        said = judge(sql, "sqlite")
        if (
            dialect == "sqlite" and said.allowed and "json_" not in sql
        ):  # a table-valued function declares its columns
            try:
                connection.execute(said.sql).fetchmany(3)
                ran += 1
            except sqlite3.Error:
                continue
    assert wrote == []
    assert ran > 10


@pytest.mark.parametrize(
    "broken",
    [
        "ostiary.guard.guard.sqlglot.parse",
        "ostiary.guard.tree.check",
        "ostiary.guard.written.check",
        "ostiary.guard.grammar.read",
    ],
)
def test_nothing_passes_where_a_part_fails(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def fails(*_: object, **__: object) -> None:
        raise AttributeError

    monkeypatch.setattr(broken, fails)
    said = judge("SELECT 1", "postgresql")
    assert (said.allowed, said.sql, said.code) == (False, "", verdict.UNREADABLE)


def test_what_the_dialect_cannot_say_is_refused_and_not_left_out() -> None:
    """The parser reads a PIVOT in every dialect, and would write this one without it."""
    said = judge("SELECT * FROM t PIVOT(sum(a) FOR b IN (1, 2))", "sqlite")
    assert (said.allowed, said.sql, said.code) == (False, "", verdict.UNREADABLE)


def test_the_guide_names_every_code() -> None:
    assert set(re.findall(r"^\| `(sql\.\w+)` \|", GUIDE.read_text(), re.MULTILINE)) == verdict.CODES


def test_a_later_parser_is_looked_at_before_it_is_used() -> None:
    """The kinds of nodes are those of this version: another may name or read things anew."""
    assert sqlglot.__version__.split(".")[0] == "30"
