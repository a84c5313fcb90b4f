"""The columns of a SQLite file. The file may be a stranger's: it is opened for reading alone, its schema is not trusted, only reading of ordinary tables compiles, and every
statement has a deadline."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ostiary.clock import SECOND_US, SystemClock
from ostiary.scanning.columns import CHARACTERS_MAX, COLUMNS_MAX, ROWS_MAX, Column
from ostiary.scanning.place import PlaceUnreadable, Unreadable

STATEMENT_SECONDS_MAX = 10
STEPS_BETWEEN_LOOKS = 5_000
PLACES = 8
"""Runs of neighbouring rows that make up the sample of a table, spread over it."""
VALUE_BYTES_MAX = 8 * 1024 * 1024
"""A run of rows with a longer value is left out."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LENGTH: VALUE_BYTES_MAX,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_FUNCTIONS = frozenset({"substr", "max", "min", "typeof"})
_CLOCK = SystemClock()
_BINARY = re.compile(r"blob|binary|image", re.I)


class SqliteFile:
    """A `columns.Source`. views: whether views are sampled too, which run as they were written."""

    def __init__(self, file: Path, *, views: bool = False) -> None:
        self._kinds = ("table", "view") if views else ("table",)
        self._deadline = 0
        uri = f"file:{quote(str(file.absolute()))}?mode=ro"
        try:
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
                self._connection.execute(f"PRAGMA {pragma}")
            for category, most in _LIMITS.items():
                self._connection.setlimit(category, most)
            self._connection.text_factory = lambda data: data.decode("utf-8", "replace")
            self._connection.set_progress_handler(self._is_late, STEPS_BETWEEN_LOOKS)
            self._query("SELECT count(*) FROM sqlite_schema")
        except sqlite3.Error:
            raise PlaceUnreadable("This is no SQLite file that can be read.") from None
        self._ranges: dict[str, tuple[int, int] | None] = {}

    def close(self) -> None:
        self._connection.close()

    def columns(self) -> Iterator[Column]:
        """Of ordinary tables; those of virtual tables are told, and not read."""
        try:
            self._connection.set_authorizer(None)
            tables = self._query(
                "SELECT name, type FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
            )
            found = [
                (table, kind, self._columns_of(table))
                for table, kind in tables
                if not table.lower().startswith("sqlite_") and kind in (*self._kinds, "virtual")
            ]
        except sqlite3.Error:
            raise PlaceUnreadable("The catalogue of this SQLite file cannot be read.") from None
        finally:
            self._connection.set_authorizer(_authorise)
        for table, kind, columns in found:
            rows = self._rows(table) if kind == "table" else 0
            if columns is None:
                yield Column("", table, "*", "", 0, "unreadable")
            for name, type_ in columns or ():
                state = "unsupported" if kind == "virtual" or _BINARY.search(type_ or "") else ""
                yield Column("", table, name, str(type_ or ""), rows, state)

    def _columns_of(self, table: str) -> list[Any] | None:
        try:
            return self._query("SELECT name, type FROM pragma_table_xinfo(?)", table)
        except sqlite3.Error:  # a view of something that is not there, a module that is not loaded
            return None

    def sample(self, column: Column, most: int) -> tuple[str, ...]:
        """Distinct values of a few runs of rows, spread over the table by rowid."""
        name, table = quoted(column.name), quoted(column.table)
        starts = self._starts(column.table)
        rows = ROWS_MAX // len(starts)
        found: dict[str, None] = {}
        failed = 0
        for start in starts:
            some = "" if start is None else f"WHERE rowid >= {start:d} ORDER BY rowid"
            inner = f"SELECT {name} AS held FROM {table} {some} LIMIT {rows}"  # noqa: S608 (identifiers of the catalogue, quoted)
            filled = "held IS NOT NULL AND typeof(held) <> 'blob'"
            try:
                for (value,) in self._query(
                    f"SELECT substr(held, 1, {CHARACTERS_MAX}) FROM ({inner}) WHERE {filled}"  # noqa: S608 (as above)
                ):
                    found.setdefault(str(value)[:CHARACTERS_MAX])
            except sqlite3.Error:
                failed += 1
        if failed and not found:
            raise Unreadable
        return tuple(found)[:most]

    def _starts(self, table: str) -> list[int | None]:
        """The rowids from which to read; None: from wherever it begins, of a table without."""
        span = self._span(table)
        if span is None:
            return [None]
        low, high = span
        if high - low < ROWS_MAX:
            return [low + step * (ROWS_MAX // PLACES) for step in range(PLACES)]
        return [low + (high - low) * step // PLACES for step in range(PLACES)]

    def _rows(self, table: str) -> int:
        """As the first and last rowid say: rows that were deleted count, and no row is read."""
        span = self._span(table)
        return span[1] - span[0] + 1 if span else 0

    def _span(self, table: str) -> tuple[int, int] | None:
        if table not in self._ranges:
            try:
                ((low,),) = self._query(f"SELECT min(rowid) FROM {quoted(table)}")  # noqa: S608 (quoted)
                ((high,),) = self._query(f"SELECT max(rowid) FROM {quoted(table)}")  # noqa: S608 (quoted)
                is_span = isinstance(low, int) and isinstance(high, int)
                self._ranges[table] = (low, high) if is_span else None
            except sqlite3.Error:
                self._ranges[table] = None
        return self._ranges[table]

    def _query(self, statement: str, *given: str) -> list[Any]:
        self._deadline = _CLOCK.monotonic_us() + int(STATEMENT_SECONDS_MAX * SECOND_US)
        with closing(self._connection.execute(statement, given)) as cursor:
            return cursor.fetchmany(COLUMNS_MAX)

    def _is_late(self) -> int:
        return int(_CLOCK.monotonic_us() > self._deadline)


def quoted(name: str) -> str:
    """An identifier that nothing in it can leave."""
    return '"' + name.replace('"', '""') + '"'


def _authorise(
    action: int, first: str | None, second: str | None, schema: str | None, _via: str | None
) -> int:
    """Called by SQLite for everything that a statement would do, when it is compiled. Deny is what is left over."""
    if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_READ and schema in {None, "main"}:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _FUNCTIONS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY
