"""DuckDB, and files (CSV, Parquet, JSON) through it: opened to be read, without the world outside, without settings that a statement could change."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from ostiary.engines.engine import (
    ROWS_AT_ONCE,
    UNREACHABLE,
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
from ostiary.guard.masking import SESSIONS, WRITINGS
from ostiary.guard.verdict import Verdict

READERS = {".csv": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".ndjson": "read_json", ".jsonl": "read_json"}  # fmt: skip
"""By the ending of a file."""
FILES_MAX = 1_000
_INDEX = (
    "SELECT c.schema_name, c.table_name, c.column_name, c.data_type, coalesce(list_position(k.constraint_column_names, c.column_name), 0), false FROM duckdb_columns() AS c "
    "LEFT JOIN duckdb_constraints() AS k ON k.table_oid = c.table_oid AND k.constraint_type = 'PRIMARY KEY' WHERE NOT c.internal ORDER BY 1, 2, c.column_index"
)
_CONFIG: dict[str, Any] = {"python_enable_replacements": False}
"""Of each connection by itself."""
_LOCKED = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
"""Last: what follows cannot be changed any more. They hold for the database in the whole process, which opens it but once however many connect."""
_OPENING = threading.Lock()
_KINDS = dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), "integer") | {
    "HUGEINT": "decimal(38,0)", "UBIGINT": "decimal(20,0)", "FLOAT": "float", "DOUBLE": "float", "BOOLEAN": "boolean", "VARCHAR": "text", "BLOB": "bytes", "DATE": "date",
    "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamptz"
}  # fmt: skip


class DuckDb:
    """An `Engine`. `path`: a database, or where `files` are given nothing: each of these is a table by its name. Raises EngineError where it cannot be opened."""

    dialect = "duckdb"

    def __init__(self, path: Path, limits: Limits, files: Sequence[Path]) -> None:
        self._limits = limits
        self._late = False
        try:
            with _OPENING:
                self._open(path, files)
        except (duckdb.Error, OSError):
            raise unreachable() from None

    def _open(self, path: Path, files: Sequence[Path]) -> None:
        self._connection = duckdb.connect(
            ":memory:" if files else str(path), read_only=not files, config=_CONFIG
        )
        if self._connection.execute("SELECT current_setting('lock_configuration')").fetchone() == (True,):
            return  # by an engine that was there before
        self._connection.execute(f"SET memory_limit = '{self._limits.memory_mb}MB'")
        self._connection.execute("SET temp_directory = ''")
        if files:
            self._view(files)
        for setting in (*SESSIONS["duckdb"], *_LOCKED):
            self._connection.execute(setting)

    def _view(self, files: Sequence[Path]) -> None:
        """Each file as a view, which may go on to read that file when all others are out of reach."""
        quoted = WRITINGS["duckdb"].quoted
        names = ", ".join(_text(str(file)) for file in files)
        self._connection.execute(f"SET allowed_paths = [{names}]")
        for file in files:
            reader = READERS[file.suffix.lower()]
            rows = f"SELECT * FROM {reader}({_text(str(file))})"  # noqa: S608 (a text of ours)
            self._connection.execute(f"CREATE VIEW {quoted(file.stem)} AS {rows}")

    def index(self) -> list[Table]:
        try:
            return tables_of(self._connection.execute(_INDEX).fetchall())
        except duckdb.Error as error:
            raise self._explained(error) from None

    def beyond_reading(self) -> list[str]:
        """Nothing: the file is open to read alone."""
        return []

    def cost(self, verdict: Verdict, key_of: Callable[[str], str]) -> float | None:
        """Nothing: with the optimizers off that would look at hidden values (`guard.masking.SESSIONS`) it estimates nothing."""
        checked(verdict, key_of)
        return None

    def run(self, verdict: Verdict, key_of: Callable[[str], str]) -> Answer:
        keys = checked(verdict, key_of)
        self._late = False
        timer = threading.Timer(self._limits.seconds, self.stop)
        timer.daemon = True
        timer.start()
        try:
            self._connection.execute(verdict.sql, keys)
        except duckdb.Error as error:
            timer.cancel()
            raise self._explained(error) from None
        described = self._connection.description or ()
        kinds = [_kind(str(column[1])) for column in described]
        return Answer([column[0] for column in described], kinds, self._batches(timer), self._limits)

    def _batches(self, timer: threading.Timer) -> Batches:
        try:
            while batch := self._connection.fetchmany(ROWS_AT_ONCE):
                yield batch
        except duckdb.Error as error:
            raise self._explained(error) from None
        finally:
            timer.cancel()

    def stop(self) -> None:
        self._late = True
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

    def _explained(self, error: duckdb.Error) -> EngineError:
        if self._late:
            return timed_out(self._limits)
        return refused(type(error).__name__)


def _kind(type_: str) -> str:
    return type_.lower() if type_.startswith("DECIMAL(") else _KINDS.get(type_, "")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def files_of(path: Path) -> list[Path]:
    """Those that are read in its place; []: it is a database. Raises EngineError for a folder without a file that can be read, or with two of one name."""
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.is_file() and each.suffix.lower() in READERS)
        if not files or len(files) > FILES_MAX or len({each.stem.lower() for each in files}) < len(files):
            raise EngineError(
                UNREACHABLE,
                f"The folder needs 1 to {FILES_MAX:,} files ({', '.join(READERS)}), each with a name of its own.",
            )
        return [each.resolve() for each in files]
    return [path.resolve()] if path.suffix.lower() in READERS else []
