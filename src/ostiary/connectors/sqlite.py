"""Read-only SQL on a SQLite file that lies under one of the operator's source roots.

Five fences, each enough against a different attack: the file is opened `mode=ro`; `query_only` is set; an authorizer admits only SELECT, reading of
ordinary tables, recursion and listed functions, so ATTACH, PRAGMA, VACUUM INTO and load_extension never compile; limits bound what one value or
expression may grow to; a progress handler ends a statement at its deadline.
"""

import os
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ostiary.actions import JsonValue
from ostiary.clock import SECOND_US, Clock
from ostiary.connectors.statement import FUNCTIONS, Statement
from ostiary.connectors.threads import Threads
from ostiary.connectors.values import as_rows, bound_parameters
from ostiary.engines.sqlite import authoriser, index_authoriser
from ostiary.errors import (
    AddressRefused,
    TargetAnswerInvalid,
    TargetAnswerTooLarge,
    TargetRefused,
    TargetTimeout,
    TargetUnavailable,
)

STEPS_BETWEEN_LOOKS = 2_000
BUSY_TIMEOUT_S = 1.0
CACHED_STATEMENTS = 128
_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 60,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 200,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_AUTHORISE = authoriser(FUNCTIONS | {"->", "->>"})
COLUMNS_MAX = 20_000
_CATALOGUE = (
    "SELECT m.name, c.name, c.type FROM main.sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
    "WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class RowBounds:
    """What one statement may cost: seconds, rows, bytes, connections."""

    timeout_s: float
    answer_rows_max: int
    answer_bytes_max: int
    threads_max: int = 4


def source_file(name: str, roots: Collection[Path], own: Collection[Path], *, folder: bool = False) -> Path:
    """The real file that `name` (absolute, or below a root) means, symlinks resolved; with `folder` it may be one. Raises AddressRefused unless it lies under a root and is
    none of the product's own files (compared by name, by folder and by inode), nor holds one."""
    if "\x00" in name:
        raise AddressRefused("The path cannot be read.")
    for root in roots:
        path = Path(
            os.path.realpath(root / name)
        )  # an absolute name replaces the root, and is checked like any other
        there = path.is_file() or (folder and path.is_dir())
        if there and path.is_relative_to(os.path.realpath(root)):
            _refuse_own(path, own)
            return path
    raise AddressRefused("No such file under the folders that the operator declared in OSTIARY_SOURCE_ROOTS.")


def _refuse_own(path: Path, own: Collection[Path]) -> None:
    for ours in own:
        real = Path(os.path.realpath(ours))
        if (
            path.is_relative_to(real)
            or real.is_relative_to(path)
            or (real.exists() and os.path.samefile(real, path))
        ):
            raise AddressRefused("That file is the gateway's own.")


class SqliteSource:
    """One file. `query` runs a read statement; each thread keeps its connection and its compiled statements."""

    def __init__(self, path: Path, bounds: RowBounds, clock: Clock) -> None:
        self._path = path
        self._bounds = bounds
        self._clock = clock
        self._deadlines: dict[sqlite3.Connection, int] = {}
        self._threads = Threads(
            self._connect, self._disconnect, threads_max=bounds.threads_max, timeout_s=bounds.timeout_s
        )

    async def query(self, statement: Statement, params: Mapping[str, JsonValue]) -> JsonValue:
        """`{"rows": [...]}`. Raises InvalidParameters, TargetTimeout, TargetRefused, TargetUnavailable, TargetAnswerTooLarge, TargetAnswerInvalid."""
        bound = bound_parameters(statement.parameters, params, lists=False)
        return await self._threads.run(lambda connection: self._query(connection, statement.sqlite, bound))

    async def catalogue(self) -> list[tuple[str, str, str, int]]:
        """Each column of each table: table, name, type, and the highest row id, which is about how many rows there are (0: it has none). Raises as `query`."""
        return await self._threads.run(self._catalogue)

    def _catalogue(self, connection: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
        """On a connection of its own, which alone may read the schema, by a statement of ours."""
        own = self._connect(index_authoriser(_AUTHORISE))
        try:
            self._deadlines[own] = self._clock.monotonic_us() + int(self._bounds.timeout_s * SECOND_US)
            found = own.execute(_CATALOGUE, (COLUMNS_MAX + 1,)).fetchall()
            if len(found) > COLUMNS_MAX:
                raise TargetAnswerTooLarge
            self._deadlines[connection] = self._deadlines[own]
            rows = {table: _highest(connection, table) for table in dict.fromkeys(row[0] for row in found)}
        except sqlite3.Error as error:
            raise _explained(error) from error
        finally:
            self._disconnect(own)
        return [(table, name, kind, rows[table]) for table, name, kind in found]

    def _query(self, connection: sqlite3.Connection, sql: str, bound: Mapping[str, JsonValue]) -> JsonValue:
        self._deadlines[connection] = self._clock.monotonic_us() + int(self._bounds.timeout_s * SECOND_US)
        cursor = connection.cursor()
        try:
            cursor.execute(sql, bound)
            names = [column[0] for column in cursor.description or ()]
            return as_rows(
                names, cursor, rows_max=self._bounds.answer_rows_max, bytes_max=self._bounds.answer_bytes_max
            )
        except sqlite3.Error as error:
            raise _explained(error) from error
        finally:
            cursor.close()

    def _connect(self, authorise: Callable[..., int] | None = None) -> sqlite3.Connection:
        if os.path.realpath(self._path) != str(self._path):
            raise AddressRefused("The file was replaced by a link.")
        try:
            connection = sqlite3.connect(
                f"file:{quote(str(self._path))}?mode=ro",
                uri=True,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=CACHED_STATEMENTS,
            )
        except sqlite3.Error as error:
            raise TargetUnavailable from error
        try:
            for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0"):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            connection.close()
            raise _explained(error) from error
        for category, most in _LIMITS.items():
            connection.setlimit(category, most)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(self._bounds.answer_bytes_max, 100_000))
        connection.set_authorizer(authorise or _AUTHORISE)
        connection.set_progress_handler(lambda: self._is_late(connection), STEPS_BETWEEN_LOOKS)
        return connection

    def _is_late(self, connection: sqlite3.Connection) -> int:
        return int(self._clock.monotonic_us() > self._deadlines.get(connection, 0))

    def _disconnect(self, connection: sqlite3.Connection) -> None:
        self._deadlines.pop(connection, None)
        connection.close()

    def close(self) -> None:
        """Blocking: waits for what runs."""
        self._threads.close()


def _highest(connection: sqlite3.Connection, table: str) -> int:
    """The highest row id of a table: found at once, whatever its size."""
    quoted = '"' + table.replace('"', '""') + '"'
    try:
        found = connection.execute(f"SELECT max(rowid) FROM {quoted}").fetchone()[0]  # noqa: S608 - a name of the catalogue, quoted
    except sqlite3.OperationalError:  # WITHOUT ROWID, or a module that is not here
        return 0
    return found if isinstance(found, int) and found > 0 else 0


def _explained(error: sqlite3.Error) -> Exception:
    """Our words for SQLite's; its own text may quote the data."""
    name: str = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_INTERRUPT":
        return TargetTimeout()
    if name.startswith(
        (
            "SQLITE_BUSY",
            "SQLITE_LOCKED",
            "SQLITE_CANTOPEN",
            "SQLITE_IOERR",
            "SQLITE_NOTADB",
            "SQLITE_CORRUPT",
            "SQLITE_NOMEM",
        )
    ):
        return TargetUnavailable(f"The database file cannot be read ({name}).")
    if name == "SQLITE_TOOBIG":
        return TargetAnswerInvalid("A value grew beyond the bound.")
    if isinstance(error, sqlite3.OperationalError) and not name:
        return TargetAnswerInvalid("The database returned text that is not valid UTF-8.")
    return TargetRefused(f"The database refused the statement ({name or 'SQLITE_MISUSE'}).")
