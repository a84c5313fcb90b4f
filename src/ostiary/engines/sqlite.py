"""SQLite: a file that is opened to be read, with an authorizer that lets nothing else be compiled, limits on what a value may grow to, and a deadline."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import quote

from ostiary.clock import SECOND_US, SystemClock
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
)
from ostiary.guard.catalogue import Table
from ostiary.guard.dialects import dialect_of
from ostiary.guard.verdict import Verdict

STEPS_BETWEEN_LOOKS = 2_000
COLUMNS_MAX = 200_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COLUMN: 2_000,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
    sqlite3.SQLITE_LIMIT_LENGTH: 10_000_000,
}
_OF_THE_SYSTEM = ("sqlite_", "pragma_", "dbstat", "bytecode", "tables_used")
_BESIDES = frozenset(["->", "->>", "like", "glob", "ostiary_sha256"])
"""Operators that SQLite calls as functions, and ours."""

Authoriser = Callable[[int, str | None, str | None, str | None, str | None], int]
_INDEX = (
    "SELECT 'main', m.name, c.name, lower(c.type), c.pk, m.type = 'view' FROM main.sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
    "WHERE m.type IN ('table', 'view') AND substr(m.name, 1, 7) <> 'sqlite_' ORDER BY m.name, c.cid LIMIT ?"
)
_UNREADABLE = (
    "SQLITE_CANTOPEN",
    "SQLITE_IOERR",
    "SQLITE_NOTADB",
    "SQLITE_CORRUPT",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
)


class Sqlite:
    """An `Engine`. Raises EngineError where the file cannot be opened."""

    dialect = "sqlite"

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = Path(os.path.realpath(path))
        self._limits = limits
        self._clock = SystemClock()
        self._deadline_us = 0
        self._authorise = authoriser(dialect_of("sqlite").functions | _BESIDES)
        self._connection = self._opened(self._authorise)

    def index(self) -> list[Table]:
        own = self._opened(index_authoriser(self._authorise))
        try:
            self._deadline_us = self._clock.monotonic_us() + int(self._limits.seconds * SECOND_US)
            return tables_of(own.execute(_INDEX, (COLUMNS_MAX,)).fetchall())
        except sqlite3.Error as error:
            raise self._explained(error) from None
        finally:
            own.close()

    def beyond_reading(self) -> list[str]:
        """Nothing: what the file's owner may do, this connection may not."""
        return []

    def cost(self, verdict: Verdict, key_of: Callable[[str], str]) -> float | None:
        checked(verdict, key_of)
        return None

    def run(self, verdict: Verdict, key_of: Callable[[str], str]) -> Answer:
        keys = checked(verdict, key_of)
        self._deadline_us = self._clock.monotonic_us() + int(self._limits.seconds * SECOND_US)
        cursor = self._connection.cursor()
        try:
            cursor.execute(verdict.sql, keys)
        except sqlite3.Error as error:
            cursor.close()
            raise self._explained(error) from None
        names = [column[0] for column in cursor.description or ()]
        return Answer(names, [""] * len(names), self._batches(cursor), self._limits)

    def _batches(self, cursor: sqlite3.Cursor) -> Batches:
        try:
            while batch := cursor.fetchmany(ROWS_AT_ONCE):
                yield batch
        except sqlite3.Error as error:
            raise self._explained(error) from None
        finally:
            cursor.close()

    def stop(self) -> None:
        self._deadline_us = 0
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

    def _opened(self, authorise: Authoriser) -> sqlite3.Connection:
        if not self._path.is_file():
            raise unreachable()
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro", uri=True, timeout=1.0, isolation_level=None, check_same_thread=False
            )  # fmt: skip
            for pragma in (
                "query_only=ON",
                "trusted_schema=OFF",
                "cell_size_check=ON",
                "mmap_size=0",
                "temp_store=MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            raise unreachable() from None
        for category, most in _LIMITS.items():
            connection.setlimit(category, most)
        connection.create_function("ostiary_sha256", 1, _sha256, deterministic=True)
        connection.set_authorizer(authorise)
        connection.set_progress_handler(
            lambda: int(self._clock.monotonic_us() > self._deadline_us), STEPS_BETWEEN_LOOKS
        )
        return connection

    def _explained(self, error: sqlite3.Error) -> EngineError:
        name: str = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_INTERRUPT":
            return timed_out(self._limits)
        return unreachable() if name.startswith(_UNREADABLE) else refused(name)


def _sha256(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def authoriser(functions: Collection[str]) -> Authoriser:
    """Called by SQLite for everything that a statement would do, when it is compiled: SELECT, reading of the file's own tables, recursion and these functions pass. Deny is what is left over."""

    def authorise(
        action: int, first: str | None, second: str | None, schema: str | None, _via: str | None
    ) -> int:
        if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and not (first or "").lower().startswith(_OF_THE_SYSTEM):
            return sqlite3.SQLITE_OK if schema in {None, "main"} else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in functions:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return authorise


def index_authoriser(authorise: Authoriser) -> Authoriser:
    """For a statement of ours that lists tables and columns: the schema as well."""

    def authorise_index(
        action: int, first: str | None, second: str | None, schema: str | None, via: str | None
    ) -> int:
        if action == sqlite3.SQLITE_PRAGMA and first == "table_info":
            return sqlite3.SQLITE_OK
        if action in {sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE} and first in {
            "sqlite_master",
            "pragma_table_info",
        }:
            return sqlite3.SQLITE_OK  # UPDATE: what SQLite asks when it declares the pragma's table to itself; the file is open to read alone
        return authorise(action, first, second, schema, via)

    return authorise_index
