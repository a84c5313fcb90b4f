import pytest
from sqlalchemy import BigInteger, MetaData, String, Table, insert, select

from ostiary.db.database import Database
from ostiary.db.tables import clear, sealed, upsert

TABLES = MetaData()
THING = Table(
    "thing", TABLES, clear("tenant", String(40), primary_key=True), clear("count", BigInteger), sealed("body")
)


def test_what_is_written_is_read_back_and_an_upsert_changes_it(database: Database) -> None:
    TABLES.create_all(database.engine())
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
    TABLES.create_all(database.engine())

    def half(connection):  # type: ignore[no-untyped-def]
        connection.execute(insert(THING).values(tenant="a", count=1, body=b"x"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.transact(half)
    assert database.read(lambda c: c.execute(select(THING)).all()) == []
