import os
import sqlite3
from pathlib import Path

import pytest

from ostiary.clock import SystemClock
from ostiary.connectors.sqlite import RowBounds, SqliteSource, source_file
from ostiary.connectors.statement import Statement, read_statement
from ostiary.errors import (
    AddressRefused,
    OstiaryError,
    TargetAnswerTooLarge,
    TargetTimeout,
)
from tests.connectors.test_sqlite import BOUNDS, ask, company  # noqa: F401 - a fixture

ATTACKS = [
    "INSERT INTO customers VALUES ('C-3', 'Eve', NULL, 0)",
    "UPDATE customers SET name = 'Eve'",
    "DELETE FROM customers",
    "REPLACE INTO customers VALUES ('C-1', 'Eve', NULL, 0)",
    "DROP TABLE customers",
    "CREATE TABLE t (a)",
    "CREATE TEMP TABLE t (a)",
    "CREATE TRIGGER t AFTER INSERT ON customers BEGIN SELECT 1; END",
    "ALTER TABLE customers RENAME TO x",
    "ATTACH DATABASE '/tmp/ostiary-pwn.db' AS pwn",
    "ATTACH ':memory:' AS m",
    "DETACH DATABASE main",
    "PRAGMA query_only = OFF",
    "PRAGMA writable_schema = ON",
    "PRAGMA table_info(customers)",
    "VACUUM",
    "VACUUM INTO '/tmp/ostiary-pwn.db'",
    "REINDEX",
    "ANALYZE",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "SAVEPOINT a",
    "SELECT load_extension('/tmp/evil.so')",
    "SELECT \"load_extension\"('/tmp/evil.so')",
    "SELECT [load_extension]('/tmp/evil.so')",
    "SELECT writefile('/tmp/ostiary-pwn', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT randomblob(1000000000)",
    "SELECT zeroblob(1000000000)",
    "SELECT printf('%.*c', 100000000, 'x')",
    "SELECT format('%.*c', 100000000, 'x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT sqlite_version()",
    "SELECT last_insert_rowid()",
    "SELECT * FROM pragma_table_info('customers')",
    "WITH x AS (SELECT 1) DELETE FROM customers",
    "WITH x AS (SELECT 1) INSERT INTO customers SELECT 'C-3', 'Eve', NULL, 0",
]

CATALOGUE = [
    "SELECT * FROM sqlite_master",
    "SELECT sql FROM sqlite_schema",
    "SELECT * FROM main.sqlite_master",
    "SELECT * FROM sqlite_temp_master",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM dbstat",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM pragma_compile_options",
]

UNREADABLE = [
    "COMMIT",
    "EXPLAIN SELECT 1",
    "SELECT 1; DELETE FROM customers",
    "SELECT 1;",
    "SELECT 1 -- ; DELETE FROM customers",
    "SELECT 1 /* comment */",
    "SELECT 1 /* unclosed",
    "SELECT 1 /*! DELETE FROM customers */",
    "SELECT 'a\\'; DELETE FROM customers; --'",
    "SELECT 'unclosed",
    'SELECT "unclosed',
    "SELECT `id` FROM customers",
    "SELECT [it's], 1 FROM customers",
    "SELECT ?1",
    "SELECT @x",
    "SELECT $x",
    "SELECT $$x$$",
    "SELECT x'00'",
    "SELECT E'\\x41'",
    "SELECT\x00 1",
    "SELECT\u2028 1",
    "\ufeffSELECT 1",
    "",
    "   ",
    "SELECTx",
    "VALUES (1)",
    "TABLE customers",
    "(SELECT 1)",
    "SELECT 1 INTO t",
]


def unread(text: str) -> Statement:
    """A statement that nobody read first: what stands behind the reader is tested alone."""
    return Statement(text, text, text, ())


@pytest.mark.parametrize("text", ATTACKS + UNREADABLE)
def test_the_reader_refuses(text):
    with pytest.raises(ValueError, match=r"."):
        read_statement(text, sqlite=True)


@pytest.mark.parametrize("text", ATTACKS + CATALOGUE)
def test_the_database_refuses_though_nobody_read_the_statement(company, text, monkeypatch):  # noqa: F811
    before = company.read_bytes()
    monkeypatch.setattr("tests.connectors.test_sqlite.read_statement", lambda text, **_: unread(text))
    with pytest.raises(OstiaryError):
        ask(company, text)
    assert company.read_bytes() == before
    assert not Path("/tmp/ostiary-pwn.db").exists()
    assert not Path("/tmp/ostiary-pwn").exists()


def test_a_second_statement_does_not_run_though_nobody_read_the_first(company, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tests.connectors.test_sqlite.read_statement", lambda text, **_: unread(text))
    with pytest.raises((OstiaryError, sqlite3.Warning)):
        ask(company, "SELECT 1; DELETE FROM customers")
    monkeypatch.undo()
    assert ask(company, "SELECT count(*) AS n FROM customers") == {"rows": [{"n": 2}]}


@pytest.mark.parametrize(
    "text",
    [
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0",
    ],
)
def test_a_statement_that_never_ends_is_ended(company, text):  # noqa: F811
    with pytest.raises(TargetTimeout):
        ask(company, text, RowBounds(timeout_s=0.1, answer_rows_max=10, answer_bytes_max=1000))


def test_endless_rows_are_cut_off_and_refused(company):  # noqa: F811
    text = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with pytest.raises(TargetAnswerTooLarge):
        ask(company, text)


def test_a_value_cannot_grow_beyond_the_bound(company):  # noqa: F811
    text = (
        "WITH RECURSIVE n AS (SELECT 1 AS i, 'aaaaaaaaaa' AS t UNION ALL SELECT i + 1, t || t FROM n WHERE i < 40) "
        "SELECT t FROM n ORDER BY i DESC LIMIT 1"
    )
    with pytest.raises(OstiaryError):
        ask(company, text)


def test_a_thread_that_ran_late_serves_the_next_call(company):  # noqa: F811
    import asyncio

    async def main():
        source = SqliteSource(company, RowBounds(0.1, 10, 1000, threads_max=1), SystemClock())
        endless = read_statement(
            "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS c FROM n",
            sqlite=True,
        )
        with pytest.raises(TargetTimeout):
            await source.query(endless, {})
        rows = await source.query(read_statement("SELECT 1 AS one", sqlite=True), {})
        await asyncio.to_thread(source.close)
        return rows

    assert asyncio.run(main()) == {"rows": [{"one": 1}]}


def test_a_source_outside_of_the_roots_is_refused_however_it_is_named(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.db").write_bytes(b"x")
    (root / "link.db").symlink_to(outside / "secret.db")
    (root / "folder").symlink_to(outside)
    (tmp_path / "root-twin").mkdir()
    (tmp_path / "root-twin" / "a.db").write_bytes(b"x")
    for name in (
        "../outside/secret.db",
        str(outside / "secret.db"),
        "link.db",
        "folder/secret.db",
        "../root-twin/a.db",
        str(tmp_path / "root-twin" / "a.db"),
        "missing.db",
        ".",
        "",
        "a\x00.db",
        "secret.db?mode=rw",
        "file:secret.db",
    ):
        with pytest.raises(AddressRefused):
            source_file(name, [root], [])


def test_the_gateways_own_files_are_no_source_even_under_a_root(tmp_path):
    home = tmp_path / "ostiary-data"
    home.mkdir()
    (home / "ostiary.db").write_bytes(b"x")
    (tmp_path / "keys.db").write_bytes(b"x")
    (tmp_path / "link.db").symlink_to(home / "ostiary.db")
    os.link(tmp_path / "keys.db", tmp_path / "hard.db")
    for name in ("ostiary-data/ostiary.db", "link.db", "keys.db", "hard.db"):
        with pytest.raises(AddressRefused, match="own"):
            source_file(name, [tmp_path], [home, tmp_path / "keys.db"])
    (tmp_path / "other.db").write_bytes(b"x")
    assert source_file("other.db", [tmp_path], [home, tmp_path / "keys.db"]) == tmp_path / "other.db"
