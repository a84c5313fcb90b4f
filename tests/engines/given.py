"""One small shop on each of four engines, and how to open it."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import duckdb
import psycopg
import pymysql
import pytest
from sqlalchemy import make_url

from ostiary.engines.engine import Engine, Limits
from ostiary.engines.opening import opened
from tests.servers import drop_postgresql, fresh_postgresql

ENGINES = ("postgresql", "mysql", "sqlite", "duckdb")
SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), ssn VARCHAR(20))",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, region VARCHAR(10), amount INTEGER)",
    "CREATE VIEW paid AS SELECT id, customer_id FROM orders WHERE amount > 0",
    "INSERT INTO customers VALUES (1, 'Ada', '123-45'), (2, 'Bob', '678-90')",
    "INSERT INTO orders VALUES (1, 1, 'EU', 10), (2, 2, 'US', 20), (3, 1, 'EU', 30)",
)


@contextmanager
def shop(engine: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Its address, and the schema its tables lie in. On PostgreSQL and MariaDB whoever connects may write: what stops them is us."""
    folder.mkdir(exist_ok=True)
    if engine == "postgresql":
        yield from _postgresql()
    elif engine == "mysql":
        yield from _mysql()
    elif engine == "sqlite":
        path = folder / "shop.sqlite"
        with sqlite3.connect(path) as connection:
            for statement in SHOP:
                connection.execute(statement)
        connection.close()
        yield str(path), "main"
    else:
        path = folder / "shop.duckdb"
        with duckdb.connect(str(path)) as store:
            for statement in SHOP:
                store.execute(statement)
        yield str(path), "main"


def _postgresql() -> Iterator[tuple[str, str]]:
    url = fresh_postgresql()
    where = make_url(url)
    schema = str(where.query["options"]).removeprefix("-c search_path=")
    parts = where.translate_connect_args(username="user", database="dbname") | dict(where.query)
    with psycopg.connect(**parts) as connection:
        for statement in SHOP:
            connection.execute(statement.encode())
    yield (
        f"postgresql://{where.username}@/{where.database}?host={quote(where.host or '', safe='')}&port={where.port or 5432}",
        schema,
    )
    drop_postgresql(url)


def _mysql() -> Iterator[tuple[str, str]]:
    name = f"ostiary_shop_{random.SystemRandom().randrange(10**12)}"
    try:
        connection = pymysql.connect(host="127.0.0.1", user="root", autocommit=True)
    except pymysql.Error:
        pytest.skip("not run: no MariaDB")
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {name}")
        for statement in SHOP:
            cursor.execute(statement)
        yield f"mysql://root@127.0.0.1/{name}", name
        cursor.execute(f"DROP DATABASE {name}")


@contextmanager
def open_shop(engine: str, folder: Path, limits: Limits | None = None) -> Iterator[tuple[Engine, str]]:
    with shop(engine, folder) as (address, schema):
        found = opened(address, None, limits or Limits())
        try:
            yield found, schema
        finally:
            found.close()
