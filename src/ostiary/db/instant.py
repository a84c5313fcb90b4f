"""The time that all processes share: the database's. Their own clocks may be hours apart."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, func, literal


def instant(connection: Connection, own_us: int) -> ColumnElement[Any]:
    """This moment in microseconds, for a statement: PostgreSQL's clock; on SQLite, which one process has alone, that process's own."""
    if connection.dialect.name != "postgresql":
        return literal(own_us, BigInteger)
    return cast(func.extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
