"""A database's columns and a few of their values, by its own catalogue: on SQLite through a gateway (tests/discovery), on PostgreSQL here."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ostiary.connectors import sampling
from ostiary.connectors.postgresql import PostgresqlSource, Server
from ostiary.connectors.sampling import SampledColumn
from ostiary.connectors.settings import PostgresqlSettings
from ostiary.ids import TenantId
from tests.connectors.test_postgresql import BOUNDS, LOOPBACK, behind

T = TenantId("ten_a")


@dataclass
class Connected:
    """What `sampling` needs of the tenant's connectors: one of them."""

    settings: PostgresqlSettings
    source: PostgresqlSource
    paused: bool = False

    async def held(self, _tenant: TenantId, _name: str) -> "Connected":
        return self

    @contextmanager
    def using(self, _held: Any) -> Iterator[PostgresqlSource]:
        yield self.source


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Server, str]]:
    with behind(
        'CREATE TABLE person (id bigint PRIMARY KEY, mail text, "odd""na%me" text, photo bytea, card bigint)',
        "INSERT INTO person SELECT n, 'p' || n || '@example.com', repeat('x', 5000), 'a', 4111111111111111 FROM generate_series(1, 30000) n",
        "CREATE VIEW hidden AS SELECT mail FROM person",
        "CREATE TABLE split (mail text) PARTITION BY LIST (mail)",
        "CREATE TABLE split_a PARTITION OF split DEFAULT",
        "ANALYZE person",
    ) as made:
        yield made, made.schema


def asked(server: tuple[Server, str], work: Callable[[Any], Any], **settings: Any) -> Any:
    own = PostgresqlSettings(kind="postgresql", host="127.0.0.1", database="x", user="x", schemas=server[1], **settings)  # fmt: skip

    async def whole() -> Any:
        source = PostgresqlSource(server[0], BOUNDS, LOOPBACK)
        try:
            return await work(Connected(own, source))
        finally:
            await asyncio.to_thread(source.close)

    return asyncio.run(whole())


def test_the_catalogue_names_the_columns_of_tables_in_order_page_by_page(server: tuple[Server, str]) -> None:
    schema = server[1]

    async def all_of_them(connectors: Any) -> list[SampledColumn]:
        found: list[SampledColumn] = []
        while page := await sampling.columns(connectors, T, "db", found[-1].key if found else ""):
            found += page
        return found

    found = asked(server, all_of_them, answer_rows_max=2)
    names = [f"{column.table}.{column.name}" for column in found]
    assert names == ["person.card", "person.id", "person.mail", 'person.odd"na%me', "person.photo", "split.mail"]  # fmt: skip
    assert {column.schema for column in found} == {schema}
    assert (found[0].type, found[0].rows) == ("bigint", 30000)


def test_a_sample_is_distinct_bounded_and_from_all_over_the_table(server: tuple[Server, str]) -> None:
    def of(name: str, kind: str = "text", rows: int = 30000) -> Any:
        column = SampledColumn(server[1], "person", name, kind, rows)
        return asked(server, lambda connectors: sampling.sample(connectors, T, "db", column, 100))

    mails = of("mail")
    assert len(mails) == len(set(mails)) == 100
    assert all(mail.endswith("@example.com") for mail in mails)
    assert of("card", "bigint") == ("4111111111111111",)
    assert of('odd"na%me') == ("x" * 400,)
    assert of("photo", "bytea") == ()
    assert len(of("mail", rows=0)) == 100
