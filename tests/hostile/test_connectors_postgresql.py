import asyncio
import contextlib

import pytest

from ostiary.connectors.postgresql import PostgresqlSource
from ostiary.connectors.sqlite import RowBounds
from ostiary.connectors.statement import Statement, read_statement
from ostiary.errors import OstiaryError, TargetAnswerTooLarge, TargetTimeout
from tests.connectors.test_postgresql import LOOPBACK, ask, company  # noqa: F401 - a fixture

WRITES = [
    "INSERT INTO customers (id) VALUES ('C-3')",
    "UPDATE customers SET name = 'Eve'",
    "DELETE FROM customers",
    "TRUNCATE customers",
    "MERGE INTO customers USING customers AS c ON false WHEN NOT MATCHED THEN INSERT (id) VALUES ('C-3')",
    "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone",
    "WITH new AS (INSERT INTO customers (id) VALUES ('C-3') RETURNING *) SELECT * FROM new",
    "SELECT * INTO stolen FROM customers",
    "CREATE TABLE t (a int)",
    "DROP TABLE customers",
    "ALTER TABLE customers ADD COLUMN x int",
    "GRANT ALL ON customers TO PUBLIC",
    "COPY customers TO '/tmp/ostiary-pwn'",
    "COPY customers TO PROGRAM 'id'",
    "SELECT * FROM customers FOR UPDATE",
    "SELECT nextval('counter')",
    "SELECT setval('counter', 100)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "CALL nothing()",
    "REFRESH MATERIALIZED VIEW v",
    "VACUUM customers",
    "COMMENT ON TABLE customers IS 'x'",
    "PREPARE TRANSACTION 'x'",
]

STACKED = [
    "SELECT 1; DELETE FROM customers",
    "SELECT 1; COMMIT; DELETE FROM customers",
    "COMMIT; DROP TABLE customers",
    "SELECT 1; SET TRANSACTION READ WRITE; DELETE FROM customers",
    "ROLLBACK; BEGIN; DELETE FROM customers; COMMIT",
]

REACHING = [
    "SELECT lo_create(0)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT current_setting('data_directory')",
    "SELECT pg_sleep(100)",
    "SELECT PG_SLEEP (100)",
    "SELECT pg_catalog.pg_sleep(100)",
    'SELECT "pg_sleep"(100)',
    'SELECT pg_catalog."pg_sleep"(100)',
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_reload_conf()",
    "SELECT query_to_xml('DELETE FROM customers', true, true, '')",
    "SELECT table_to_xml('customers', true, true, '')",
    "SELECT dblink('host=127.0.0.1', 'SELECT 1')",
    "SELECT * FROM dblink_exec('x')",
    "SELECT repeat('x', 1000000000)",
    "SELECT my_own_function()",
    "SELECT * FROM customers TABLESAMPLE system(10)",
    "SELECT U&'\\0041'",
    'SELECT U&"\\0041"(1)',
    "SELECT E'a\\'; DELETE FROM customers; --'",
    "SELECT $$text$$",
    "SELECT $1",
    "SELECT 1 -- comment",
    "SELECT /* a /* b */ 1 */ 2",
    "SET statement_timeout = 0",
    "SHOW ALL",
    "LISTEN x",
    "DO 'BEGIN END'",
    "EXPLAIN ANALYZE SELECT 1",
]


def unread(text: str) -> Statement:
    return Statement(text, text, text, ())


@pytest.mark.parametrize("text", WRITES + STACKED + REACHING)
def test_the_reader_refuses(text):
    with pytest.raises(ValueError, match=r"."):
        read_statement(text, sqlite=False)


@pytest.mark.parametrize("text", WRITES + STACKED)
def test_the_session_refuses_though_nobody_read_the_statement(company, text):  # noqa: F811
    with pytest.raises(OstiaryError):
        ask(company, unread(text))
    rows = ask(company, "SELECT count(*) AS n, min(name) AS first FROM customers")
    assert rows == {"rows": [{"n": 2, "first": "Ada"}]}


def test_read_only_cannot_be_turned_off_from_inside(company):  # noqa: F811
    for text in (
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    ):

        async def main(text=text):
            source = PostgresqlSource(company, RowBounds(5, 10, 1000, threads_max=1), LOOPBACK)
            with contextlib.suppress(OstiaryError):
                await source.query(unread(text), {})
            try:
                await source.query(unread("INSERT INTO customers (id) VALUES ('C-3')"), {})
            finally:
                await asyncio.to_thread(source.close)

        with pytest.raises(OstiaryError):
            asyncio.run(main())
    assert ask(company, "SELECT count(*) AS n FROM customers") == {"rows": [{"n": 2}]}


def test_a_statement_that_never_ends_is_ended(company):  # noqa: F811
    with pytest.raises(TargetTimeout):
        ask(
            company,
            unread("SELECT pg_sleep(60)"),
            RowBounds(timeout_s=0.2, answer_rows_max=10, answer_bytes_max=1000),
        )


def test_endless_rows_are_cut_off_while_they_flow(company):  # noqa: F811
    with pytest.raises(TargetAnswerTooLarge):
        ask(company, unread("SELECT generate_series(1, 100000000) AS i, repeat('x', 1000) AS x"))


def test_the_connection_serves_the_next_call_after_a_cut(company):  # noqa: F811
    async def main():
        source = PostgresqlSource(company, RowBounds(2, 10, 1000, threads_max=1), LOOPBACK)
        with pytest.raises(TargetAnswerTooLarge):
            await source.query(unread("SELECT i FROM generate_series(1, 1000000) AS g(i)"), {})
        rows = await source.query(read_statement("SELECT 1 AS one", sqlite=False), {})
        await asyncio.to_thread(source.close)
        return rows

    assert asyncio.run(main()) == {"rows": [{"one": 1}]}


def test_this_process_own_environment_and_files_give_no_credential(company, monkeypatch):  # noqa: F811
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=off")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    monkeypatch.setenv("PGPASSWORD", "operator")
    monkeypatch.setenv("PGSERVICE", "nowhere")
    with pytest.raises(OstiaryError):
        ask(company, unread("INSERT INTO customers (id) VALUES ('C-3')"))
