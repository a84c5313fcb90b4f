"""PostgreSQL: the extended protocol, where a second statement cannot ride along, in read-only transactions with the server's own limits, and a look at what a statement would cost."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

import psycopg
from psycopg import capabilities

from ostiary.engines.engine import (
    ROWS_AT_ONCE,
    Answer,
    Batches,
    EngineError,
    Limits,
    checked,
    refused,
    tables_of,
    timed_out,
    unreachable,
    within,
)
from ostiary.guard.catalogue import Table
from ostiary.guard.masking import SESSIONS
from ostiary.guard.verdict import Verdict

CONNECT_TIMEOUT_S = 10
COLUMNS_MAX = 200_000
_INDEX = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), coalesce(array_position(k.conkey, a.attnum), 0), c.relkind = 'v'
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relkind IN ('r', 'm', 'p', 'f', 'v') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY 1, 2, a.attnum LIMIT $1
"""
_BEYOND = """
SELECT 'is a superuser' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL SELECT 'may create roles or databases, or replicate' FROM pg_catalog.pg_roles WHERE rolname = current_user AND (rolcreaterole OR rolcreatedb OR rolreplication)
UNION ALL SELECT 'bypasses row security' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolbypassrls AND NOT rolsuper
UNION ALL SELECT 'is a member of ' || rolname FROM pg_catalog.pg_roles WHERE rolname LIKE 'pg\\_%' AND rolname NOT IN ('pg_read_all_data', 'pg_database_owner')
  AND pg_has_role(current_user, oid, 'USAGE')
UNION ALL SELECT 'may make temporary tables' WHERE has_database_privilege(current_database(), 'TEMP')
UNION ALL SELECT 'may create schemas' WHERE has_database_privilege(current_database(), 'CREATE')
UNION ALL SELECT 'may write ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    AND CASE WHEN c.relkind IN ('r', 'p', 'f', 'v') THEN has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ELSE false END
UNION ALL SELECT 'may create in schema ' || nspname FROM pg_catalog.pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(oid, 'CREATE')
UNION ALL SELECT 'may advance ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT LIKE 'pg\\_%' AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE') ELSE false END
LIMIT 200
"""


_KINDS = {16: "boolean", 17: "bytes", 20: "integer", 21: "integer", 23: "integer", 19: "text", 25: "text", 1042: "text", 1043: "text"} | {
    700: "float", 701: "float", 1082: "date", 1114: "timestamp", 1184: "timestamptz", 1700: "decimal"
}  # fmt: skip
"""By the object id of the type (pg_type.dat)."""


def _kind(column: psycopg.Column) -> str:
    kind = _KINDS.get(column.type_code, "")
    return f"decimal({column.precision},{column.scale})" if kind == "decimal" and column.precision else kind


class Postgresql:
    """An `Engine`. `address`: a URL without a password, or words for libpq. `given`: parameters of libpq besides. Raises EngineError where it cannot be connected to."""

    dialect = "postgresql"

    def __init__(self, address: str, limits: Limits, given: Mapping[str, Any]) -> None:
        self._limits = limits
        milliseconds = int(limits.seconds * 1000)
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": str(milliseconds),
            "lock_timeout": "2000",
            "idle_in_transaction_session_timeout": str(milliseconds + 30_000),
            "timezone": "UTC",
            "standard_conforming_strings": "on",
            "search_path": "pg_catalog",
            "jit": "off",
        }
        try:
            self._connection = psycopg.connect(
                address,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="ostiary",
                options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
                cursor_factory=psycopg.RawCursor,
                **given,
            )
            for setting in SESSIONS["postgres"]:
                self._connection.execute(setting.encode())
            self._connection.commit()
        except psycopg.Error:
            raise unreachable() from None
        self._connection.read_only = True
        self._connection.prepare_threshold = None
        self._at_once = ROWS_AT_ONCE if capabilities.has_stream_chunked() else 1

    def index(self) -> list[Table]:
        return tables_of(self._asked(_INDEX, [COLUMNS_MAX]))

    def beyond_reading(self) -> list[str]:
        return [said for (said,) in self._asked(_BEYOND, [])]

    def _asked(self, sql: str, bound: list[Any]) -> list[Any]:
        """Of a statement of our own."""
        try:
            return self._connection.execute(sql.encode(), bound).fetchall()
        except psycopg.Error as error:
            raise self._explained(error) from None
        finally:
            self._connection.rollback()

    def run(self, verdict: Verdict, key_of: Callable[[str], str]) -> Answer:
        keys = checked(verdict, key_of)
        if self._limits.cost:
            within(self._cost(verdict.sql, keys), self._limits)
        cursor = self._connection.cursor()
        rows = cursor.stream(verdict.sql.encode(), keys, size=self._at_once)
        try:
            first = list(islice(rows, 1))
        except psycopg.Error as error:
            self._ended()
            raise self._explained(error) from None
        described = cursor.description or ()
        names = [column.name for column in described]
        return Answer(
            names,
            [_kind(column) for column in described],
            self._batches(chain(first, rows), rows),
            self._limits,
        )

    def _batches(self, rows: Iterator[Any], stream: Any) -> Batches:
        whole = False
        try:
            while batch := list(islice(rows, ROWS_AT_ONCE)):
                yield batch
            whole = True
        except psycopg.Error as error:
            raise self._explained(error) from None
        finally:
            if not whole:
                self.stop()
            stream.close()
            self._ended()

    def cost(self, verdict: Verdict, key_of: Callable[[str], str]) -> float | None:
        return self._cost(verdict.sql, checked(verdict, key_of))

    def _cost(self, sql: str, keys: list[str]) -> float:
        try:
            (plan,) = self._connection.execute(b"EXPLAIN (FORMAT JSON) " + sql.encode(), keys).fetchone() or (
                [],
            )
        except psycopg.Error as error:
            raise self._explained(error) from None
        finally:
            self._ended()
        return float(plan[0]["Plan"]["Total Cost"]) if plan else 0.0

    def _ended(self) -> None:
        if not self._connection.closed:
            self._connection.rollback()

    def stop(self) -> None:
        if not self._connection.closed:
            self._connection.cancel_safe(timeout=5.0)

    def close(self) -> None:
        self._connection.close()

    def _explained(self, error: psycopg.Error) -> EngineError:
        if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
            return timed_out(self._limits)
        if self._connection.closed:
            return unreachable()
        return refused(error.sqlstate or "")
