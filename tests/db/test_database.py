import threading

import pytest
from sqlalchemy import BigInteger, Connection, MetaData, String, Table, insert, select

from ostiary.db import database as database_module
from ostiary.db.database import Database, ping
from ostiary.db.tables import clear, sealed, upsert
from ostiary.errors import StoreUnavailable
from tests import servers
from tests.conftest import KINDS

TABLES = MetaData()
THING = Table(
    "thing", TABLES, clear("tenant", String(40), primary_key=True), clear("count", BigInteger), sealed("body")
)


def test_what_is_written_is_read_back_and_an_upsert_changes_it(database: Database) -> None:
    servers.make_tables(database, TABLES)
    database.transact(lambda c: c.execute(insert(THING).values(tenant="a", count=1, body=b"x")))
    database.transact(
        lambda c: c.execute(
            upsert(
                c.dialect.name, THING, {"tenant": "a", "count": 2, "body": b"y"}, changing=("count", "body")
            )
        )
    )
    rows = database.read(lambda c: [tuple(row) for row in c.execute(select(THING))])
    assert rows == [("a", 2, b"y")]


def test_a_failed_write_leaves_nothing(database: Database) -> None:
    servers.make_tables(database, TABLES)

    def half(connection):  # type: ignore[no-untyped-def]
        connection.execute(insert(THING).values(tenant="a", count=1, body=b"x"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.transact(half)
    assert database.read(lambda c: c.execute(select(THING)).all()) == []


@pytest.mark.skipif("postgresql" not in KINDS, reason="not run: only SQLite was asked for")
def test_a_transaction_that_was_ended_for_idling_is_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process stood still in the middle of it; nothing it wrote stands, and the next one works."""
    monkeypatch.setattr(database_module, "IDLE_TIMEOUT_S", 0.05)
    url = servers.fresh_postgresql()
    database = Database(url)

    def idle(connection: Connection) -> None:
        ping(connection)
        threading.Event().wait(0.3)
        ping(connection)

    try:
        for work in (database.read, database.transact):
            with pytest.raises(StoreUnavailable):
                work(idle)
            assert work(lambda connection: ping(connection)) is None
    finally:
        database.close()
        servers.drop_postgresql(url)
