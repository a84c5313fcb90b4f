"""What a database holds, by its own catalogue, and a few distinct values of one column: for looking where sensitive data lies.

It goes the way of every contract's statement: read only, within the connector's bounds, on connections that the connector keeps. The statements are ours; what is
the tenant's own in them are names out of the catalogue, quoted. Values are cut, and come from a bounded number of rows: a table is never read whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.connectors.connectors import Connectors
from ostiary.connectors.opening import Held
from ostiary.connectors.postgresql import PostgresqlSource
from ostiary.connectors.settings import PostgresqlSettings, SqliteSettings
from ostiary.connectors.sqlite import SqliteSource
from ostiary.connectors.statement import Statement
from ostiary.errors import NotFound, TargetUnavailable
from ostiary.ids import TenantId

PAGE_COLUMNS = 500
ROWS_MAX = 2_000
"""Out of so many rows of a table come the values of a column."""
VALUES_MAX = 200
VALUE_CHARACTERS_MAX = 400
SAMPLED_FROM_ROWS = 10 * ROWS_MAX
"""In larger tables the rows come from all over the table, not from its beginning."""
SQL_KINDS = ("sqlite", "postgresql")
_SKIPPED = frozenset({"bytea", "boolean", "oid", "tsvector", "bit"})
"""PostgreSQL's types that hold no text of a person's."""

_CATALOGUE = """SELECT * FROM (
SELECT n.nspname::text AS "schema", c.relname::text AS "table", a.attname::text AS "name", format_type(a.atttypid, NULL) AS "type",
  greatest(c.reltuples, 0)::bigint AS "rows", (n.nspname::text || '.' || c.relname::text || '.' || a.attname::text) COLLATE "C" AS "key"
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname::text, 'pg_')
  AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
) AS found WHERE "key" > %(after)s::text COLLATE "C" AND (%(schemas)s::text = '' OR "schema" = ANY (string_to_array(%(schemas)s::text, ',')))
ORDER BY "key" LIMIT %(most)s::integer"""


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """One column by the catalogue. `rows`: about how many the table has, 0 where nobody knows."""

    schema: str
    table: str
    name: str
    type: str
    rows: int

    @property
    def key(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"


async def columns(connectors: Connectors, tenant: TenantId, name: str, after: str) -> list[SampledColumn]:
    """The next columns in the order of their keys (code points), those greater than `after`; none at the end. Raises NotFound where the connector is none, or no SQL
    database, TargetUnavailable while it is paused, AddressRefused and the Target errors."""
    held = await _held(connectors, tenant, name)
    with connectors.using(held) as source:
        if isinstance(source, SqliteSource):
            rows: Sequence[Any] = await source.catalogue()
            found = sorted((SampledColumn("main", *row) for row in rows), key=lambda column: column.key)
            return [column for column in found if column.key > after][:PAGE_COLUMNS]
        if isinstance(source, PostgresqlSource):
            params = {"after": after, "schemas": held.settings.schemas, "most": _most(held, PAGE_COLUMNS)}
            statement = Statement(_CATALOGUE, "", _CATALOGUE, tuple(params))
            answer = await source.query(statement, params)
            return [
                SampledColumn(row["schema"], row["table"], row["name"], row["type"], row["rows"])
                for row in answer["rows"]
            ]
    raise NotFound


async def sample(
    connectors: Connectors, tenant: TenantId, name: str, column: SampledColumn, most: int
) -> tuple[str, ...]:
    """Distinct values of a column out of a bounded number of rows, each cut at VALUE_CHARACTERS_MAX. Raises as `columns`."""
    held = await _held(connectors, tenant, name)
    most = _most(held, min(most, VALUES_MAX))
    with connectors.using(held) as source:
        if isinstance(source, SqliteSource):
            return await _values(source, _in_sqlite(column, most))
        if isinstance(source, PostgresqlSource):
            if column.type in _SKIPPED:
                return ()
            found: tuple[str, ...] = ()
            if column.rows > SAMPLED_FROM_ROWS:
                found = await _values(source, _in_postgresql(column, most, spread=True))
            return found or await _values(source, _in_postgresql(column, most, spread=False))
    raise NotFound


async def _values(source: SqliteSource | PostgresqlSource, sql: str) -> tuple[str, ...]:
    statement = Statement(sql, sql, sql.replace("%", "%%"), ())
    answer = await source.query(statement, {})
    return tuple(str(row["value"]) for row in answer["rows"])


async def _held(connectors: Connectors, tenant: TenantId, name: str) -> Held:
    held = await connectors.held(tenant, name)
    if not isinstance(held.settings, SqliteSettings | PostgresqlSettings):
        raise NotFound("This connector is no SQL database.")
    if held.paused:
        raise TargetUnavailable("The connector is paused.")
    return held


def _most(held: Held, most: int) -> int:
    own = held.settings.answer_rows_max
    return most if own is None else min(most, own)


# ruff: noqa: S608 - what is not ours in these statements are names of the database's own catalogue, quoted


def _in_sqlite(column: SampledColumn, most: int) -> str:
    name, table = _quoted(column.name), _quoted(column.table)
    value = f"CASE typeof({name}) WHEN 'blob' THEN NULL ELSE substr({name}, 1, {VALUE_CHARACTERS_MAX}) END"
    rows = f"SELECT {value} AS value FROM {table} LIMIT {ROWS_MAX}"
    if column.rows > ROWS_MAX:  # a table with row ids: its first rows and its last
        half = ROWS_MAX // 2
        first = f"SELECT {value} AS value FROM {table} LIMIT {half}"
        last = f"SELECT {value} AS value FROM {table} ORDER BY rowid DESC LIMIT {half}"
        rows = f"SELECT value FROM ({first}) UNION ALL SELECT value FROM ({last})"
    return f"SELECT DISTINCT CAST(value AS TEXT) AS value FROM ({rows}) WHERE value IS NOT NULL AND value <> '' LIMIT {most}"


def _in_postgresql(column: SampledColumn, most: int, *, spread: bool) -> str:
    table = f"{_quoted(column.schema)}.{_quoted(column.table)}"
    value = f"left({_quoted(column.name)}::text, {VALUE_CHARACTERS_MAX})"
    if spread:
        table += f" TABLESAMPLE SYSTEM ({min(100.0, 300.0 * ROWS_MAX / column.rows):.6f})"
    rows = f"SELECT {value} AS value FROM {table} LIMIT {ROWS_MAX}"
    return (
        f"SELECT DISTINCT value FROM ({rows}) AS sampled WHERE value IS NOT NULL AND value <> '' LIMIT {most}"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
