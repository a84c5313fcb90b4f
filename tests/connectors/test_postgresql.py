import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, make_url, text

from ostiary.connectors.postgresql import PostgresqlSource, Server
from ostiary.connectors.sqlite import RowBounds
from ostiary.connectors.statement import Statement, read_statement
from ostiary.errors import AddressRefused, TargetAnswerInvalid, TargetRefused, TargetUnavailable
from ostiary.net.address import Endpoint, egress
from ostiary.secret import Secret
from tests import servers

BOUNDS = RowBounds(timeout_s=5, answer_rows_max=500, answer_bytes_max=100_000, threads_max=2)
LOOPBACK = egress(("127.0.0.0/8",))


@contextmanager
def behind(*statements: str) -> Iterator[Server]:
    """A schema of its own in which these were done, and the server to reach it; its role may write there, so that what stops it is us."""
    url = make_url(servers.fresh_postgresql())
    schema = str(url.query["options"]).removeprefix("-c search_path=")
    if (url.host or "127.0.0.1") not in {"127.0.0.1", "localhost"}:
        pytest.skip("this PostgreSQL listens on a socket only")
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
    endpoint = Endpoint("postgresql", "127.0.0.1", url.port or 5432)
    yield Server(endpoint, url.database or "postgres", url.username or "", Secret(""), "off", schema)
    servers.drop_postgresql(url.render_as_string(hide_password=False))


@pytest.fixture(scope="module")
def company() -> Iterator[Server]:
    with behind(
        "CREATE TABLE customers (id text PRIMARY KEY, name text, balance numeric(12,2), since date, seen timestamptz, tags text[], more jsonb, photo bytea)",
        "INSERT INTO customers VALUES ('C-1', 'Ada', 12.50, '2026-01-31', '2026-01-31T08:30:00+02', '{a,b}', '{\"x\": [1]}', '\\x00')",
        "INSERT INTO customers (id, name) VALUES ('C-2', 'Bob')",
        "CREATE SEQUENCE counter",
    ) as server:
        yield server


def ask(server: Server, statement: str | Statement, bounds: RowBounds = BOUNDS, allowed=LOOPBACK, **params):
    read = read_statement(statement, sqlite=False) if isinstance(statement, str) else statement

    async def main():
        source = PostgresqlSource(server, bounds, allowed)
        try:
            return await source.query(read, params)
        finally:
            await asyncio.to_thread(source.close)

    return asyncio.run(main())


def test_rows_come_back_as_json(company):
    assert ask(
        company, "SELECT id, name, balance, since, seen, tags, more FROM customers WHERE id = :id", id="C-1"
    ) == {
        "rows": [
            {
                "id": "C-1",
                "name": "Ada",
                "balance": "12.50",
                "since": "2026-01-31",
                "seen": "2026-01-31T06:30:00.000000Z",
                "tags": ["a", "b"],
                "more": {"x": [1]},
            }
        ]
    }


def test_no_rows_are_no_rows(company):
    assert ask(company, "SELECT id FROM customers WHERE id = :id", id="C-9") == {"rows": []}


def test_many_rows_come_whole(company):
    rows = ask(
        company,
        "SELECT i FROM generate_rows AS g(i)".replace("generate_rows", "unnest(:many)"),
        many=list(range(450)),
    )["rows"]
    assert [row["i"] for row in rows] == list(range(450))


def test_parameters_are_bound_whatever_they_say_and_lists_may_be_given(company):
    evil = "'; DROP TABLE customers; --"
    assert ask(company, "SELECT :x::text AS x, 5 % 3 AS rest", x=evil) == {"rows": [{"x": evil, "rest": 2}]}
    assert ask(
        company, "SELECT name FROM customers WHERE id = ANY(:ids) ORDER BY id", ids=["C-1", "C-2"]
    ) == {"rows": [{"name": "Ada"}, {"name": "Bob"}]}
    assert ask(
        company, "SELECT name FROM customers WHERE :x::text IS NULL ORDER BY id LIMIT :most", x=None, most=1
    ) == {"rows": [{"name": "Ada"}]}


def test_bytes_are_refused(company):
    with pytest.raises(TargetAnswerInvalid):
        ask(company, "SELECT photo FROM customers")


def test_a_table_that_does_not_exist_is_refused_by_its_code(company):
    with pytest.raises(TargetRefused, match=r"^The database refused the statement \(42P01\)\.$"):
        ask(company, "SELECT 1 FROM salaries")


def test_a_connection_is_kept_and_goes_on_after_an_error(company):
    async def main():
        source = PostgresqlSource(company, RowBounds(5, 10, 1000, threads_max=1), LOOPBACK)
        pid = Statement("", "", "SELECT pg_backend_pid() AS pid", ())
        first = await source.query(pid, {})
        with pytest.raises(TargetRefused):
            await source.query(read_statement("SELECT 1 FROM nowhere", sqlite=False), {})
        second = await source.query(pid, {})
        await asyncio.to_thread(source.close)
        return first, second

    first, second = asyncio.run(main())
    assert first == second


def test_a_kept_connection_that_was_cut_is_made_anew(company):
    async def main():
        source = PostgresqlSource(company, RowBounds(5, 10, 1000, threads_max=1), LOOPBACK)
        [row] = (await source.query(Statement("", "", "SELECT pg_backend_pid() AS pid", ()), {}))["rows"]
        engine = create_engine(servers.administrator())
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), row)
        engine.dispose()
        again = await source.query(read_statement("SELECT 1 AS one", sqlite=False), {})
        await asyncio.to_thread(source.close)
        return again

    assert asyncio.run(main()) == {"rows": [{"one": 1}]}


def test_a_database_inside_is_reached_only_with_the_operators_word(company):
    with pytest.raises(AddressRefused):
        ask(company, "SELECT 1 AS one", allowed=egress(()))


def test_no_server_is_unavailable():
    nobody = Server(Endpoint("postgresql", "127.0.0.1", 1), "d", "u", Secret("p"), "off")
    with pytest.raises(TargetUnavailable):
        ask(nobody, "SELECT 1 AS one")


def test_a_public_address_is_never_spoken_to_in_the_clear():
    async def public(_host: str, _port: int):
        return ["93.184.216.34"]

    server = Server(Endpoint("postgresql", "db.example.com", 5432), "d", "u", Secret("p"), "off")
    with pytest.raises(AddressRefused, match="TLS"):
        ask(server, "SELECT 1 AS one", allowed=egress((), public))


def test_a_server_without_tls_is_refused_where_tls_is_wanted(company):
    for tls in ("verify", "encrypt"):
        server = Server(company.endpoint, company.database, company.user, Secret(""), tls)
        with pytest.raises(TargetUnavailable):
            ask(server, "SELECT 1 AS one")
