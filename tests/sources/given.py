"""A shop on each engine, connected to a house as a source."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pymysql
import pytest

from tests.engines.given import SHOP, shop
from tests.house import House, play
from tests.servers import ROLE, administrator

OPEN: dict[str, Any] = {
    "version": 1,
    "rules": [
        {
            "name": "europe",
            "roles": ["support"],
            "tables": ["orders"],
            "rows": {"orders": "region = :region"},
        },
        {"name": "shop", "tables": ["customers", "orders"], "masks": {"customers.name": "partial"}},
    ],
    "claims": [{"name": "region", "roles": ["support"], "value": "EU"}],
    "accept_writer": True,
}


@contextmanager
def connected(engine: str, folder: Path) -> Iterator[tuple[dict[str, Any], str, dict[str, str]]]:
    """Settings of a connector to a shop, the schema of its tables, and what the house needs to reach it."""
    root = folder / "sources"
    root.mkdir()
    reached = {"OSTIARY_SOURCE_ROOTS": str(root), "OSTIARY_EGRESS_ALLOW": "127.0.0.0/8"}
    if engine == "postgresql":
        with another_database() as settings:
            yield settings, "shop", reached
        return
    with shop(engine, root) as (address, schema):
        if engine in ("sqlite", "duckdb"):
            yield {"kind": engine, "path": address}, schema, reached
            return
        parts = urlsplit(address)
        where = {"host": parts.hostname or "127.0.0.1", "port": parts.port or 3306, "user": "root"}
        yield {"kind": engine, **where, "database": parts.path.strip("/"), "tls": "off"}, schema, reached


@contextmanager
def another_database() -> Iterator[dict[str, Any]]:
    """A shop in a database of its own: the gateway's is no source. Whoever connects owns it, so that what stops them is us."""
    where = administrator()
    if (where.host or "127.0.0.1") not in {"127.0.0.1", "localhost"}:
        pytest.skip("not run: the server is reached by a socket only")
    name = f"ostiary_shop_{random.SystemRandom().randrange(10**12)}"
    settings = {"kind": "postgresql", "host": "127.0.0.1", "port": where.port or 5432, "database": name, "user": ROLE, "tls": "off"}  # fmt: skip
    _administered(where.database or "postgres", f"CREATE DATABASE {name} OWNER {ROLE}")
    try:
        _administered(name, f"CREATE SCHEMA shop AUTHORIZATION {ROLE}")
        with psycopg.connect(host="127.0.0.1", port=settings["port"], user=ROLE, dbname=name) as connection:
            connection.execute(b"SET search_path = shop")
            for statement in SHOP:
                connection.execute(statement.encode())
        yield settings
    finally:
        _administered(where.database or "postgres", f"DROP DATABASE {name} WITH (FORCE)")


def told(policy: dict[str, Any], schema: str) -> dict[str, Any]:
    """The policy with its tables in this schema: on PostgreSQL there are others of the same names."""
    text = repr(policy)
    for name in ("customers", "orders"):
        text = text.replace(f"'{name}'", f"'{schema}.{name}'").replace(f"'{name}.", f"'{schema}.{name}.")
    return eval(text)


async def furnish(house: House, settings: dict[str, Any], policy: dict[str, Any], name: str = "shop") -> Any:
    await house.connect(name, **settings)
    return await house.good("PUT", f"/v1/sources/{name}", json={"policy": policy})


def asked(tmp_path: Path, engine: str, story: Any, policy: dict[str, Any] | None = None, **more: str) -> None:  # fmt: skip
    """A story in a house with a shop: `story(house, schema)`. `more`: settings."""
    with connected(engine, tmp_path) as (settings, schema, reached):

        async def whole(house: House) -> None:
            await furnish(house, settings, told(policy or OPEN, schema))
            await story(house, schema)

        play(tmp_path / "home", whole, **reached, **more)


def altered(engine: str, settings: dict[str, Any], schema: str) -> None:
    """A column that came later."""
    statement = f"ALTER TABLE {schema}.orders ADD COLUMN note VARCHAR(20)"
    if engine == "sqlite":
        with closing(sqlite3.connect(settings["path"])) as store:
            store.execute(statement)
    elif engine == "duckdb":  # a file that is open stays as it is: it is replaced by another
        path = Path(settings["path"])
        with duckdb.connect(str(path.with_suffix(".new"))) as database:
            for each in (*SHOP, "ALTER TABLE orders ADD COLUMN note VARCHAR"):
                database.execute(each)
        path.with_suffix(".new").replace(path)
    elif engine == "mysql":
        with pymysql.connect(host=settings["host"], port=settings["port"], user=settings["user"]) as server:
            server.cursor().execute(statement)
    else:
        executed(settings, statement)


def executed(settings: dict[str, Any], statement: str) -> None:
    """By the server's administrator, in the shop's database."""
    _administered(settings["database"], statement)


def _administered(database: str, statement: str) -> None:
    where = administrator()
    with psycopg.connect(
        host=where.host, port=where.port or 5432, user=where.username, dbname=database, autocommit=True
    ) as server:
        server.execute(statement.encode())
