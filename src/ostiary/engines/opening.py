"""A source by its address: postgresql://user@host/database, mysql://user@host/database, a SQLite or DuckDB file, a file of rows, or a folder of those."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ostiary.engines.duckdb import READERS, DuckDb, files_of
from ostiary.engines.engine import REFUSED, UNREACHABLE, Engine, EngineError, Limits
from ostiary.engines.mysql import Mysql
from ostiary.engines.postgresql import Postgresql
from ostiary.engines.sqlite import Sqlite

_SQLITE = b"SQLite format 3\x00"
_DUCKDB = b"DUCK"
POSTGRESQL = ("postgresql://", "postgres://")
MYSQL = ("mysql://", "mariadb://")


def opened(address: str, password: str | None, limits: Limits) -> Engine:
    """Raises EngineError."""
    if address.startswith(POSTGRESQL):
        return Postgresql(address, limits, {"password": password} if password else {})
    if address.startswith(MYSQL):
        return Mysql(_of_mysql(address, password), limits)
    path = Path(address)
    return file(path, limits, files_of(path))


def _of_mysql(address: str, password: str | None) -> dict[str, Any]:
    """Beyond this machine the connection is encrypted, and the server's certificate checked. Raises EngineError."""
    parts = urlsplit(address)
    if parts.password:
        raise EngineError(REFUSED, "The address holds no password.")
    host = parts.hostname or "127.0.0.1"
    here = host in ("127.0.0.1", "::1", "localhost")
    return {
        "host": host,
        "port": parts.port or 3306,
        "user": parts.username or "",
        "password": password or "",
        "database": parts.path.strip("/"),
        "ssl": None if here else ssl.create_default_context(),
    }


def file(path: Path, limits: Limits, files: list[Path]) -> Engine:
    """By what it holds: SQLite, or DuckDB for the rest. `files`: those that are read in its place (`files_of`). Raises EngineError."""
    try:
        with path.open("rb") as opened_file:
            head = opened_file.read(16)
    except IsADirectoryError:
        head = b""
    except (OSError, ValueError):
        raise EngineError(UNREACHABLE, "The file cannot be read.") from None
    if head == _SQLITE:
        return Sqlite(path, limits)
    if not (path.is_dir() or path.suffix.lower() in READERS or head[8:12] == _DUCKDB):
        raise EngineError(
            REFUSED, f"This is no file of SQLite or DuckDB, and none that ends in {', '.join(READERS)}."
        )
    return DuckDb(path, limits, files)
