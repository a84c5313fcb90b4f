"""A source by its address: postgresql://user@host/database, mysql://user@host/database, a SQLite or DuckDB file, a file of rows, or a folder of those."""

from pathlib import Path
from urllib.parse import urlsplit

from ostiary.engines.duckdb import READERS, DuckDb
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
        return Postgresql(address, password, limits)
    if address.startswith(MYSQL):
        parts = urlsplit(address)
        if parts.password:
            raise EngineError(REFUSED, "The address holds no password.")
        return Mysql(parts, password, limits)
    return _file(Path(address), limits)


def _file(path: Path, limits: Limits) -> Engine:
    try:
        with path.open("rb") as file:
            head = file.read(16)
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
    return DuckDb(path, limits)
