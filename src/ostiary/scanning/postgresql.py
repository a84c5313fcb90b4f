"""The columns of a PostgreSQL database: its catalogue, then a few blocks of each table, in read-only transactions with the server's own deadline. One statement samples all
columns of a table, up to a bound."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import psycopg
from psycopg import sql

from ostiary.scanning.columns import CHARACTERS_MAX, COLUMNS_MAX, NOTHING, ROWS_MAX, Column
from ostiary.scanning.place import PlaceUnreadable, Unreadable

SCHEMES = ("postgresql://", "postgres://")
CONNECT_TIMEOUT_S = 10
STATEMENT_MS_MAX = 10_000
LOCK_MS_MAX = 2_000
COLUMNS_AT_ONCE = 32
SAMPLED_FROM_ROWS = 10_000
"""Tables with more rows give random blocks; smaller ones their first rows."""
BLOCKS_OF_ROWS = 1.25
"""How many times ROWS_MAX the blocks are expected to hold: enough that they are mostly filled, few enough that they lie all over the table."""
ROWS_MIN = 50
"""Fewer rows in the blocks, since statistics are old or blocks empty: the first rows are read as well."""
SEED = 1
BINARY = frozenset({"bytea"})
_SESSION = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(STATEMENT_MS_MAX),
    "lock_timeout": str(LOCK_MS_MAX),
    "idle_in_transaction_session_timeout": "60000",
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
}
_CATALOGUE = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL), greatest(c.reltuples, 0)::bigint, c.relkind::text,
       has_column_privilege(c.oid, a.attnum, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = ANY(%(kinds)s) AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'
  AND (%(schema)s = '' OR n.nspname = %(schema)s)
ORDER BY 1, 2, 3
LIMIT %(most)s
"""
_READ = frozenset({"r", "m", "p", "v"})


class Postgres:
    """A `columns.Source` at a URL; a password that is not in it comes from PGPASSWORD or the password file. views: whether views are sampled too, which run as they were
    written. schema: this one alone, "" all of them."""

    def __init__(self, url: str, *, schema: str = "", views: bool = False) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
        try:
            self._connection = psycopg.connect(
                url,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="ostiary scan",
                options=options,
                autocommit=False,
            )
            self._connection.read_only = True
        except psycopg.Error:
            raise PlaceUnreadable(
                "The database cannot be connected to: check address, TLS and credentials."
            ) from None
        self._schema = schema
        self._kinds = ["r", "m", "p", "f", *(["v"] if views else [])]
        self._tables: dict[tuple[str, str], list[Column]] = {}
        self._sampled: dict[str, tuple[str, ...] | None] = {}
        self._exact: set[tuple[str, str]] = set()

    def close(self) -> None:
        self._connection.close()

    def columns(self) -> Iterator[Column]:
        """Of tables, partitioned tables as one, and materialised views; of foreign tables they are told, and not read."""
        given = {"kinds": self._kinds, "schema": self._schema, "most": COLUMNS_MAX + 1}
        try:
            rows = self._query(sql.SQL(_CATALOGUE), given)
        except psycopg.Error:
            raise PlaceUnreadable("The catalogue of this database cannot be read.") from None
        for schema, table, name, type_, count, kind, readable in rows:
            state = "" if kind in _READ and type_ not in BINARY else "unsupported"
            column = Column(schema, table, name, type_, count, state if readable else "unreadable")
            if kind == "v":
                self._exact.add((schema, table))
            if not column.state and type_ not in NOTHING:
                self._tables.setdefault((schema, table), []).append(column)
            yield column

    def sample(self, column: Column, most: int) -> tuple[str, ...]:
        """Distinct values of the table's sampled rows. Columns are asked for in order, so the last table's are kept."""
        if column.key not in self._sampled:
            self._sampled = self._of_table(column)
        values = self._sampled.get(column.key)
        if values is None:
            raise Unreadable
        return values[:most]

    def _of_table(self, column: Column) -> dict[str, tuple[str, ...] | None]:
        """The column and its neighbours; each by itself where they cannot be read together."""
        own = self._tables.get((column.schema, column.table), [column])
        at = own.index(column) if column in own else 0
        together = own[at : at + COLUMNS_AT_ONCE] or [column]
        try:
            return self._rows(together)
        except psycopg.Error:
            alone: dict[str, tuple[str, ...] | None] = {}
            for each in together:
                try:
                    alone |= self._rows([each])
                except psycopg.Error:
                    alone[each.key] = None
            return alone

    def _rows(self, columns: list[Column]) -> dict[str, tuple[str, ...] | None]:
        first = columns[0]
        table = sql.Identifier(first.schema, first.table)
        chosen = sql.SQL(", ").join(
            sql.SQL('left({}::"text", {})').format(sql.Identifier(each.name), sql.Literal(CHARACTERS_MAX))
            for each in columns
        )
        plain = sql.SQL("SELECT {} FROM {} LIMIT {}").format(chosen, table, sql.Literal(ROWS_MAX))
        rows: list[Any] = []
        if first.rows_estimate > SAMPLED_FROM_ROWS and (first.schema, first.table) not in self._exact:
            percent = min(100.0, 100.0 * ROWS_MAX * BLOCKS_OF_ROWS / first.rows_estimate)
            rows = self._query(
                sql.SQL("SELECT {} FROM {} TABLESAMPLE SYSTEM ({}) REPEATABLE ({}) LIMIT {}").format(
                    chosen, table, sql.Literal(percent), sql.Literal(SEED), sql.Literal(ROWS_MAX)
                )
            )
        if len(rows) < ROWS_MIN:
            rows += self._query(plain)
        return {
            each.key: tuple(dict.fromkeys(row[at] for row in rows if row[at]))
            for at, each in enumerate(columns)
        }

    def _query(self, statement: sql.SQL | sql.Composed, given: dict[str, Any] | None = None) -> list[Any]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, given)
                return list(islice(cursor, COLUMNS_MAX + 1))
        finally:
            if not self._connection.closed:
                self._connection.rollback()
