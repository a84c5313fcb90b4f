"""MySQL and MariaDB: one statement at a time, in read-only transactions, with modes that fix how a text is read, and the server's own deadline."""

from collections.abc import Callable, Mapping
from typing import Any

import pymysql
from pymysql.constants import ER, FIELD_TYPE
from pymysql.cursors import DictCursor, SSCursor

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
from ostiary.guard.verdict import Verdict

CONNECT_TIMEOUT_S = 10
COLUMNS_MAX = 200_000
_MODES = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_INDEX = (
    "SELECT c.table_schema, c.table_name, c.column_name, c.column_type, k.ordinal_position, t.table_type = 'VIEW' FROM information_schema.columns AS c "
    "JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
    "LEFT JOIN information_schema.key_column_usage AS k ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name "
    "AND k.constraint_name = 'PRIMARY' WHERE c.table_schema = %s ORDER BY c.table_name, c.ordinal_position LIMIT %s"
)
_LATE = frozenset([1317, 1969, 3024, ER.LOCK_WAIT_TIMEOUT])
"""Interrupted, and beyond the time: of MariaDB, of MySQL, and waiting for a lock."""
_KINDS: Mapping[Any, str] = dict.fromkeys((FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.YEAR), "integer") | {
    FIELD_TYPE.FLOAT: "float", FIELD_TYPE.DOUBLE: "float", FIELD_TYPE.DATE: "date", FIELD_TYPE.DATETIME: "timestamp", FIELD_TYPE.TIMESTAMP: "timestamp", FIELD_TYPE.NEWDECIMAL: "decimal"
}  # fmt: skip
"""Of texts the driver does not say whether they are bytes."""
_READING = frozenset(["SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES"])


class Mysql:
    """An `Engine`. `given`: host, port, user, password, database and ssl (a context, or None: in the clear). `dial`: makes the socket; None: the driver does, where the host's name leads. Raises
    EngineError."""

    dialect = "mysql"

    def __init__(
        self, given: Mapping[str, Any], limits: Limits, dial: Callable[[float], Any] | None = None
    ) -> None:
        self._limits = limits
        self._database = str(given["database"])
        self._dial = dial
        self._given: dict[str, Any] = {
            **given,
            "read_timeout": int(limits.seconds) + 5,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "charset": "utf8mb4",
            "autocommit": True,
            "local_infile": False,
        }
        try:
            self._connection = self._connected()
            with self._connection.cursor() as cursor:
                cursor.execute(
                    "SET SESSION sql_mode = %s, time_zone = '+00:00', lock_wait_timeout = 2", (_MODES,)
                )
                cursor.execute("SELECT VERSION(), CONNECTION_ID()")
                ((version, number),) = cursor.fetchall()
                self._id = int(number)
                late = ("max_statement_time", limits.seconds) if "MariaDB" in str(version) else ("max_execution_time", int(limits.seconds * 1000))  # fmt: skip
                cursor.execute(f"SET SESSION {late[0]} = {late[1]}")
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
        except (pymysql.Error, OSError):
            raise unreachable() from None

    def _connected(self) -> Any:
        """Another connection. However it was dialled, the host's name is what the certificate is checked for."""
        if not self._dial:
            return pymysql.connect(**self._given)
        connection = pymysql.Connection(**self._given, defer_connect=True)
        connection.connect(self._dial(CONNECT_TIMEOUT_S))
        return connection

    def index(self) -> list[Table]:
        found = self._asked(_INDEX, (self._database, COLUMNS_MAX))
        return tables_of(
            (schema, table, name, _as_text(type_), place or 0, view)
            for schema, table, name, type_, place, view in found
        )

    def beyond_reading(self) -> list[str]:
        """By SHOW GRANTS: privileges that are more than to read, and where; what a role gives is a grant as well."""
        found = []
        for (grant,) in self._asked("SHOW GRANTS", ()):
            given, _, where = str(grant).removeprefix("GRANT ").partition(" ON ")
            more = [
                each
                for each in (part.strip() for part in given.split(","))
                if each.partition(" (")[0] not in _READING
            ]
            if more:
                place = where.partition(" TO ")[0]
                found.append(f"has {', '.join(more)}{' on ' + place if place else ''}")
            if " WITH GRANT OPTION" in where:
                found.append("may grant what it has to others")
        return found

    def _asked(self, sql: str, bound: tuple[Any, ...]) -> tuple[tuple[Any, ...], ...]:
        """Of a statement of our own."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, bound)
                return tuple(cursor.fetchall())
        except pymysql.Error as error:
            raise self._explained(error) from None

    def cost(self, verdict: Verdict, key_of: Callable[[str], str]) -> float | None:
        """Rows that it expects to look at: of each SELECT the product of its tables' (EXPLAIN)."""
        return self._cost(_bound(verdict.sql, checked(verdict, key_of)))

    def _cost(self, sql: str) -> float:
        looked_at: dict[int, float] = {}
        with self._connection.cursor(DictCursor) as cursor:
            try:
                cursor.execute("EXPLAIN " + sql)
                for line in cursor.fetchall():
                    if line["id"] is not None:
                        looked_at[line["id"]] = looked_at.get(line["id"], 1.0) * float(line["rows"] or 1)
            except pymysql.Error as error:
                raise self._explained(error) from None
        return sum(looked_at.values())

    def run(self, verdict: Verdict, key_of: Callable[[str], str]) -> Answer:
        keys = checked(verdict, key_of)
        sql = _bound(verdict.sql, keys)
        if self._limits.cost:
            within(self._cost(sql), self._limits)
        cursor = SSCursor(self._connection)
        try:
            self._connection.begin()
            cursor.execute(sql)
        except pymysql.Error as error:
            raise self._explained(error) from None
        described = cursor.description or ()
        return Answer(
            [column[0] for column in described],
            [_KINDS.get(column[1], "") for column in described],
            self._batches(cursor),
            self._limits,
        )

    def _batches(self, cursor: SSCursor) -> Batches:
        whole = False
        try:
            while batch := cursor.fetchmany(ROWS_AT_ONCE):
                yield list(batch)
            whole = True
        except pymysql.Error as error:
            raise self._explained(error) from None
        finally:
            if not whole:
                self.stop()
            try:
                cursor.close()
                self._connection.rollback()
            except pymysql.Error:
                self._connection.close()

    def stop(self) -> None:
        """By another connection, as the protocol has no other way."""
        try:
            other = self._connected()
            with other, other.cursor() as cursor:
                cursor.execute(f"KILL QUERY {self._id}")
        except (pymysql.Error, OSError):
            return

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def _explained(self, error: pymysql.Error) -> EngineError:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code in _LATE:
            return timed_out(self._limits)
        return (
            unreachable()
            if isinstance(error, pymysql.OperationalError) and code >= 2000 and code < 3000
            else refused(str(code))
        )


def _bound(sql: str, keys: list[str]) -> str:
    """The driver writes parameters into the text, and would take every `%` for one: so do we, for keys alone, which are digits. A `?` within a text or a name is none."""
    parts = iter(keys)
    written, within, at = [], "", 0
    while at < len(sql):
        sign = sql[at]
        if within:
            if sign == "\\" and within != "`":
                written.append(sql[at : at + 2])
                at += 2
                continue
            within = "" if sign == within else within
        elif sign in "'\"`":
            within = sign
        elif sign == "?":
            sign = f"'{next(parts)}'"
        written.append(sign)
        at += 1
    return "".join(written)


def _as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
