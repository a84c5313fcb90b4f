"""Columns by the catalogue and a bounded sample: SQLite files, PostgreSQL, any connector."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from ostiary.detection.rules import RuleSet
from ostiary.scanning.columns import Column, Columns, Source
from ostiary.scanning.inventory import inventory
from ostiary.scanning.look import Limits, Looked
from ostiary.scanning.place import Item, PlaceUnreadable, Sample, Unreadable
from ostiary.scanning.postgresql import Postgres
from ostiary.scanning.sqlite import SqliteFile
from ostiary.scanning.through import look_at
from tests import servers

RULES = RuleSet(categories=frozenset({"email", "card"}))


def looked(source: Source) -> dict[str, Looked]:
    place = Columns(source)
    return {item.key: look_at(place, item, RULES, Limits()) for item in place.items("")}


def sqlite_file(folder: Path, *statements: str) -> Path:
    file = folder / "shop.db"
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return file


PEOPLE = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most}) INSERT INTO people SELECT i * {step}, 'user' || i || '@marsh.example', x'00' FROM n"


def test_columns_of_a_file_are_sampled_and_their_table_estimated(tmp_path: Path) -> None:
    file = sqlite_file(
        tmp_path,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, photo BLOB)",
        PEOPLE.format(most=5000, step=1),
        "CREATE TABLE plain (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID",
        "INSERT INTO plain VALUES ('a', 'ada@marsh.example')",
        "CREATE VIEW everybody AS SELECT mail FROM people",
    )
    found = looked(SqliteFile(file))
    assert list(found) == ["people.id", "people.mail", "people.photo", "plain.k", "plain.v"]
    mail = found["people.mail"]
    assert (mail.counts, mail.values, mail.rows, mail.share) == ({"email": 100}, 100, 5000, 1.0)
    assert found["people.photo"].state == "unsupported"
    assert found["plain.v"].counts == {"email": 1}
    (total,) = inventory("db", "database", found.values()).categories
    assert total.distinct == 5001
    assert "everybody.mail" in looked(SqliteFile(file, views=True))


def test_the_sample_is_spread_over_the_table_and_reads_few_rows(tmp_path: Path) -> None:
    file = sqlite_file(
        tmp_path,
        "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT, photo BLOB)",
        PEOPLE.format(most=20_000, step=1_000_003),
    )
    source = SqliteFile(file)
    values = source.sample(Column("", "people", "id", "INTEGER"), 1000)
    assert len(values) == 400
    assert (min(map(int, values)), max(map(int, values)) > 15_000 * 1_000_003) == (1_000_003, True)


class Counting:
    """A connector's source, that counts what is asked of it."""

    def __init__(self, columns: int) -> None:
        self.names = [
            Column("shop", f"t{number // 20}", f"c{number}", "text", 10**6) for number in range(columns)
        ]
        self.most = 0

    def columns(self) -> Iterator[Column]:
        yield from reversed(self.names)

    def sample(self, column: Column, most: int) -> tuple[str, ...]:
        self.most = max(self.most, most)
        if column.name == "c7":
            raise Unreadable
        return tuple(f"{column.name}.{number}@marsh.example" * 2000 for number in range(most * 2))


def test_a_connectors_columns_come_in_key_order_bounded() -> None:
    source = Counting(40)
    place = Columns(source)
    keys = [item.key for item in place.items("")]
    assert keys == sorted(keys)
    assert [item.key for item in place.items("shop.t1.c38")] == ["shop.t1.c39"]
    sample = place.read(Item("shop.t0.c0", 0, ""), 10**9)
    assert isinstance(sample, Sample)
    assert (len(sample.values), max(map(len, sample.values)), source.most) == (100, 2000, 100)
    assert look_at(place, Item("shop.t0.c7", 0, ""), RULES, Limits()).state == "unreadable"


def test_names_with_dots_do_not_become_one_another() -> None:
    assert Column("", "a.b", "c", "").key == r"a\.b.c"
    assert Column("a", "b", "c", "").key == "a.b.c"


@pytest.fixture
def postgresql() -> Iterator[str]:
    url = servers.fresh_postgresql()
    yield url
    servers.drop_postgresql(url)


def test_postgresql_is_sampled_in_blocks_read_only(postgresql: str) -> None:
    schema = servers._schema(postgresql)
    plain = make_url(postgresql).set(drivername="postgresql", query={}).render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        odd = f'{schema}."odd ""name"""'
        for statement in (
            f'CREATE TABLE {odd} (id bigint, "Mail.x" text, note varchar, flag boolean, raw bytea)',
            f"INSERT INTO {odd} SELECT n, 'user' || n || '@marsh.example', NULL, true, '' FROM generate_series(1, 60000) n",
            f"ANALYZE {odd}",
            f"CREATE TABLE {schema}.small (mail text)",
            f"INSERT INTO {schema}.small VALUES ('ada@marsh.example'), (NULL)",
            f"CREATE VIEW {schema}.seen AS SELECT mail FROM {schema}.small",
        ):
            connection.execute(statement)
    source = Postgres(plain, schema=schema)
    found = looked(source)
    big = found[rf'{schema}.odd "name".Mail\.x']
    assert (big.counts, big.values) == ({"email": 100}, 100)
    assert 50_000 < big.rows < 70_000
    assert {key.rpartition(".")[2]: each.state for key, each in found.items()} == {"id": "looked", "x": "looked", "note": "looked", "flag": "looked", "raw": "unsupported", "mail": "looked"}  # fmt: skip
    assert found[f"{schema}.small.mail"].counts == {"email": 1}
    wide = source.sample(Column(schema, 'odd "name"', "id", "bigint", big.rows), 10_000)
    assert 100 < len(wide) <= 400
    assert max(map(int, wide)) > 30_000  # not the first rows
    assert source._connection.execute("SHOW transaction_read_only").fetchone() == ("on",)
    source.close()
    views = Postgres(plain, schema=schema, views=True)
    assert f"{schema}.seen.mail" in {item.key for item in Columns(views).items("")}
    views.close()


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(PlaceUnreadable) as told:
        Postgres("postgresql://ada:s3cret@127.0.0.1:1/none")
    assert "s3cret" not in str(told.value)
    assert told.value.__cause__ is None
