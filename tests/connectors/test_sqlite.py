import asyncio
import sqlite3
from pathlib import Path

import pytest

from ostiary.clock import SystemClock
from ostiary.connectors.sqlite import RowBounds, SqliteSource, source_file
from ostiary.connectors.statement import read_statement
from ostiary.errors import AddressRefused, TargetAnswerInvalid, TargetRefused, TargetUnavailable

BOUNDS = RowBounds(timeout_s=5, answer_rows_max=100, answer_bytes_max=100_000)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    path = tmp_path / "company.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, photo BLOB, balance NUMERIC);
        INSERT INTO customers VALUES ('C-1', 'Ada', x'00', 12.5), ('C-2', 'Bob', NULL, 7);
        CREATE VIEW named AS SELECT id, upper(name) AS name FROM customers;
        """
    )
    connection.close()
    return path


def ask(path: Path, text: str, bounds: RowBounds = BOUNDS, **params):
    async def main():
        source = SqliteSource(path, bounds, SystemClock())
        try:
            return await source.query(read_statement(text, sqlite=True), params)
        finally:
            await asyncio.to_thread(source.close)

    return asyncio.run(main())


def test_rows_come_back_by_column(company):
    assert ask(company, "SELECT id, name FROM customers WHERE id = :id", id="C-1") == {
        "rows": [{"id": "C-1", "name": "Ada"}]
    }
    assert ask(company, "SELECT id FROM customers WHERE id = :id", id="C-9") == {"rows": []}
    assert ask(company, "SELECT name FROM named ORDER BY id") == {"rows": [{"name": "ADA"}, {"name": "BOB"}]}


def test_a_parameter_is_a_value_whatever_it_says(company):
    assert ask(company, "SELECT :x AS x", x="' OR 1=1; DROP TABLE customers --") == {
        "rows": [{"x": "' OR 1=1; DROP TABLE customers --"}]
    }


def test_bytes_are_refused(company):
    with pytest.raises(TargetAnswerInvalid):
        ask(company, "SELECT photo FROM customers")


def test_text_that_is_no_unicode_is_refused(company):
    connection = sqlite3.connect(company)
    connection.execute("UPDATE customers SET name = CAST(x'ff' AS TEXT) WHERE id = 'C-2'")
    connection.commit()
    connection.close()
    with pytest.raises(TargetAnswerInvalid):
        ask(company, "SELECT name FROM customers")


def test_a_table_that_does_not_exist_is_refused_without_its_name(company):
    with pytest.raises(TargetRefused) as caught:
        ask(company, "SELECT 1 FROM salaries")
    assert str(caught.value) == "The database refused the statement (SQLITE_ERROR)."


def test_what_others_write_is_seen_at_once(company):
    async def main():
        source = SqliteSource(company, BOUNDS, SystemClock())
        count = read_statement("SELECT count(*) AS n FROM customers", sqlite=True)
        before = await source.query(count, {})
        connection = sqlite3.connect(company)
        connection.execute("DELETE FROM customers WHERE id = 'C-2'")
        connection.commit()
        connection.close()
        after = await source.query(count, {})
        await asyncio.to_thread(source.close)
        return before, after

    assert asyncio.run(main()) == ({"rows": [{"n": 2}]}, {"rows": [{"n": 1}]})


def test_a_handle_is_kept_by_its_thread(company, monkeypatch):
    opened = []
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: opened.append(1) or real(*a, **k))

    async def main():
        source = SqliteSource(company, BOUNDS, SystemClock())
        one = read_statement("SELECT 1 AS one", sqlite=True)
        for _ in range(20):
            await source.query(one, {})
        await asyncio.gather(*(source.query(one, {}) for _ in range(40)))
        await asyncio.to_thread(source.close)

    asyncio.run(main())
    assert 1 <= len(opened) <= 4


def test_a_file_that_is_no_database_is_unavailable(tmp_path):
    (tmp_path / "notes.txt").write_text("this is not a database, it is a text file of some length" * 20)
    with pytest.raises(TargetUnavailable):
        ask(tmp_path / "notes.txt", "SELECT 1 FROM t")


def test_a_source_lies_under_a_root_by_relative_or_absolute_name(company, tmp_path):
    assert source_file("company.db", [tmp_path], []) == company
    assert source_file(str(company), [tmp_path], []) == company
    with pytest.raises(AddressRefused):
        source_file("company.db", [], [])
