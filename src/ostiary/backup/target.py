"""Where a backup is restored to: an empty home on SQLite, or empty databases of PostgreSQL. What stands there already is replaced only when asked for.

SQLite is restored beside its place, under `restoring/` in the home, and moved there as the last step; PostgreSQL in one transaction for each database. A home
with that folder in it does not start, nor does any process on a key store that says so: a restore that was interrupted is begun again.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from ostiary.app.home import RESTORING
from ostiary.backup import store
from ostiary.backup.manifest import Manifest
from ostiary.backup.seal import force, force_folder
from ostiary.backup.snapshot import WHOLE
from ostiary.backup.source import Half
from ostiary.backup.wrong import Damaged, Refused
from ostiary.config import Settings
from ostiary.db import install, migrate
from ostiary.db.place import as_owner
from ostiary.errors import StoreUnavailable


def must_fit(url: str, admin_url: str, half: Half, *, replace: bool) -> None:
    """Whether the half can be restored there. Raises Refused, StoreUnavailable."""
    manifest = half.manifest
    kind = make_url(url).get_backend_name()
    if kind != manifest.database:
        raise Refused(
            f"The backup of the {manifest.kind} is of {manifest.database}; it is restored into one, not into {kind}"
        )
    if kind == "sqlite":
        if _path(url).exists() and not replace:
            raise Refused(f"There is a database at {_path(url)} already; --replace restores over it")
        return
    if manifest.version != migrate.HEADS[manifest.kind]:
        raise Refused(
            f"The backup is of release {manifest.release}: restore it with that release, then upgrade"
        )
    if not admin_url:
        raise Refused("Restoring into PostgreSQL writes every table: who is the administrator? Give --admin-url or OSTIARY_ADMIN_URL")  # fmt: skip
    with store.opened(make_url(url)) as raw:
        assert not isinstance(raw, sqlite3.Connection)
        present = store.tables(raw)
        filled = [table for table in present if table not in _OWN and not store.is_empty(raw, table)]
    if filled and not replace:
        raise Refused(f"The database for the {manifest.kind} has rows already; --replace restores over them")


_OWN = {store.VERSION_TABLE, "schema_floor"}
"""What migrations themselves write into an empty database."""


@contextmanager
def marked(home: Path) -> Iterator[Path]:
    """The folder in the home that says that a restore has not ended; it stays when this does not end well."""
    stage = home / RESTORING
    if stage.exists():
        shutil.rmtree(stage)
    stage.mkdir(mode=0o700)
    force_folder(home)
    yield stage
    shutil.rmtree(stage)
    force_folder(home)


def staged(half: Half, stage: Path) -> Path:
    """A half's SQLite database as a file in the stage, whole and sound. Raises Damaged."""
    path = stage / f"{half.manifest.kind}.db"
    with open(path, "xb") as file:
        for piece in half.pieces(WHOLE):
            file.write(piece)
        force(file)
    os.chmod(path, 0o600)
    try:
        with store.opened(make_url(f"sqlite:///{path}")) as raw:
            assert isinstance(raw, sqlite3.Connection)
            sound = store.is_sound(raw) and store.version(raw) == half.manifest.version
            counted = {table: store.rows(raw, table) for table in store.tables(raw)}
    except StoreUnavailable as error:
        raise Damaged(f"backup {half.manifest.id}: what is in it is no database") from error
    must_count(half.manifest, counted)
    if not sound:
        raise Damaged(f"backup {half.manifest.id}: the database in it is not sound")
    return path


def must_count(manifest: Manifest, counted: dict[str, int]) -> None:
    """Whether the rows are as many as at the snapshot. Raises Damaged."""
    for table in manifest.tables:
        if counted.get(table.name) != table.rows:
            raise Damaged(
                f"{table.name} has {counted.get(table.name)} rows, and had {table.rows} when the backup was taken"
            )


def moved(staged_at: Path, url: str) -> None:
    """Put a staged SQLite database in its place, over what stood there."""
    path = _path(url)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.rename(staged_at, path)
    force_folder(path.parent)


def load(half: Half, url: str, admin_url: str, then: Callable[[store.Raw], None] = lambda raw: None) -> None:
    """A half into PostgreSQL as the tables' owner, and `then` in the same transaction: all of it or nothing. Raises Damaged, StoreUnavailable, Refused."""
    there, administrator = make_url(url), make_url(admin_url)
    left = install.bring(there, administrator, half.manifest.kind)
    if left:
        raise Refused(f"The database for the {half.manifest.kind} is not as designed: {left[0].problem} `ostiary db check` says all")  # fmt: skip
    with store.opened(as_owner(there, administrator)) as raw:
        assert not isinstance(raw, sqlite3.Connection)
        with raw.transaction():
            confined = store.let_in(
                raw, sorted({table.name for table in half.manifest.tables} - {store.VERSION_TABLE})
            )
            must_count(half.manifest, dict(_loaded(half, raw)))
            then(raw)
            store.shut_out(raw, confined)


@contextmanager
def marked_there(url: str, admin_url: str) -> Iterator[Callable[[store.Raw], None]]:
    """What `load` is given to do with PostgreSQL's key store in its transaction: no process starts on it from then on, wherever its home is. It stays so when
    this does not end well."""
    before: list[str] = []

    def mark(raw: store.Raw) -> None:
        assert not isinstance(raw, sqlite3.Connection)
        before.append(store.set_floor(raw, migrate.RESTORING))

    yield mark
    for oldest in before:
        with store.opened(as_owner(make_url(url), make_url(admin_url))) as raw:
            assert not isinstance(raw, sqlite3.Connection)
            store.set_floor(raw, oldest)


def _loaded(half: Half, raw: "psycopg.Connection[Any]") -> Iterator[tuple[str, int]]:
    tables = {table.name: table for table in half.manifest.tables}
    for name, table in tables.items():
        if name == store.VERSION_TABLE:
            yield name, table.rows
            continue
        if set(store.columns(raw, name)) != set(table.columns):
            raise Refused(f"The table {name} has other columns than when the backup was taken")
        yield name, store.copy_in(raw, name, table.columns, half.pieces(table.file))


def _path(url: str) -> Path:
    return Path(str(make_url(url).database)).resolve()


def prepared(settings: Settings) -> None:
    """The home, for the operator's eyes only."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chmod(settings.home, 0o700)
