"""One instant of a database, sealed into the files of a backup, while others write it.

SQLite: the online backup API, never a copy of the files. The pages pass through a file in the home folder, where they lie in the same form anyway.
PostgreSQL: COPY of each table in one REPEATABLE READ transaction, straight into the sealed file.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from ostiary.backup import store
from ostiary.backup.manifest import DATA, Log, TableKept, file_context
from ostiary.backup.seal import Kept, pieces_of, write_sealed
from ostiary.backup.wrong import Refused
from ostiary.db import migrate

STAGE = "backup-staging"
WHOLE = "database"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was taken of one database."""

    database: str
    version: str
    tables: tuple[TableKept, ...]
    files: dict[str, Kept]
    logs: tuple[Log, ...]
    tenants: tuple[str, ...]
    newest_us: int


def take(url: str, folder: Path, key: bytes, *, kind: str, backup: str, home: Path, say: Say) -> Snapshot:
    """Take a snapshot into `folder`. Raises StoreUnavailable, OSError, Refused for a database without tables of ours."""
    with store.opened(make_url(url)) as raw:
        if isinstance(raw, sqlite3.Connection):
            return _pages(raw, folder, key, kind=kind, backup=backup, stage=home / STAGE, say=say)
        return _rows(raw, folder, key, kind=kind, backup=backup, say=say)


def clear_stage(home: Path) -> None:
    """Remove what a run that died left there."""
    with suppress(FileNotFoundError):
        for each in (home / STAGE).iterdir():
            each.unlink()
        (home / STAGE).rmdir()


def _pages(
    raw: sqlite3.Connection, folder: Path, key: bytes, *, kind: str, backup: str, stage: Path, say: Say
) -> Snapshot:
    stage.mkdir(mode=0o700, exist_ok=True)
    copy = stage / f"{kind}.db"
    try:
        store.copy_database(raw, copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as taken:
            version = _checked(store.version(taken), kind)
            tables = tuple(TableKept(name, store.rows(taken, name)) for name in store.tables(taken))
            logs, tenants, newest_us = _logs(taken, kind)
        say(f"{kind}: {copy.stat().st_size >> 20} MiB")
        context = file_context(backup, kind, WHOLE)
        kept = write_sealed(folder / WHOLE, key, context, pieces_of(copy))
    finally:
        for each in stage.glob(f"{kind}.db*"):
            each.unlink()
        stage.rmdir()
    return Snapshot("sqlite", version, tables, {WHOLE: kept}, logs, tenants, newest_us)


def _rows(
    raw: "psycopg.Connection[Any]", folder: Path, key: bytes, *, kind: str, backup: str, say: Say
) -> Snapshot:
    tables: list[TableKept] = []
    files: dict[str, Kept] = {}
    with store.snapshot(raw):
        version = _checked(store.version(raw), kind)
        if store.floor(raw) == migrate.RESTORING:
            raise Refused(f"A restore into the database of the {kind} has not ended")
        logs, tenants, newest_us = _logs(raw, kind)
        for number, name in enumerate(store.tables(raw)):
            columns, counted, file = store.columns(raw, name), list[int](), f"table-{number}"
            pieces = store.copy_out(raw, name, columns, counted)
            context = file_context(backup, kind, file)
            files[file] = write_sealed(folder / file, key, context, pieces)
            tables.append(TableKept(name, counted[0], columns, file))
            say(f"{kind}: {name}, {counted[0]} rows")
    return Snapshot("postgresql", version, tuple(tables), files, logs, tenants, newest_us)


def _logs(raw: store.Raw, kind: str) -> tuple[tuple[Log, ...], tuple[str, ...], int]:
    if kind != DATA:
        return (), (), 0
    logs = (Log(tenant, size, root.hex(), note) for tenant, size, root, note in store.heads(raw))
    return tuple(logs), tuple(store.tenants(raw)), store.newest_us(raw)


def _checked(version: str, kind: str) -> str:
    if not version:
        raise Refused(f"The database of the {kind} has no tables of Ostiary; there is nothing to back up")
    return version
