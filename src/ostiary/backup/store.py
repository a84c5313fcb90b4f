"""What a backup reads and a restore writes, across all tenants: the one store whose functions take no tenant.

On PostgreSQL they run as the backup role (reads all, changes nothing) or as the owner of an empty schema; the product's own role cannot do this, and says so
instead of giving the rows of nobody: with `row_security` off a statement that a policy would narrow is an error.
"""

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from ostiary.db.scope import TENANT
from ostiary.errors import StoreUnavailable
from ostiary.ids import INSTALL
from ostiary.vault.store import ALL

Raw = sqlite3.Connection | psycopg.Connection[Any]
"""A driver's own connection: the online backup and COPY have no other way in."""

ERRORS = (sqlite3.Error, psycopg.Error)
CONNECT_TIMEOUT_S = 10
BUSY_TIMEOUT_S = 30
VERSION_TABLE = "alembic_version"


@contextmanager
def opened(url: URL) -> Iterator[Raw]:
    """A connection outside of any pool. Raises StoreUnavailable."""
    try:
        raw = _connect(url)
    except (sqlite3.Error, psycopg.Error) as error:
        raise StoreUnavailable from error
    try:
        yield raw
    except psycopg.errors.InsufficientPrivilege as error:
        raise StoreUnavailable(
            "This user may not do that: a backup reads as the backup role (OSTIARY_BACKUP_DATABASE_URL, OSTIARY_BACKUP_KEYS_URL), a restore writes as the owner."
        ) from error
    except (sqlite3.OperationalError, sqlite3.DatabaseError, psycopg.OperationalError) as error:
        raise StoreUnavailable from error
    finally:
        raw.close()


def _connect(url: URL) -> Raw:
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database)).resolve()
        raw = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )
        raw.execute("PRAGMA trusted_schema=OFF")
        raw.execute("PRAGMA secure_delete=ON")
        return raw
    server: dict[str, Any] = {
        **url.translate_connect_args(database="dbname", username="user"),
        **url.query,
        "connect_timeout": CONNECT_TIMEOUT_S,
    }
    return psycopg.connect(**server, autocommit=True)


@contextmanager
def snapshot(raw: psycopg.Connection[Any]) -> Iterator[None]:
    """One instant of the database for every statement inside."""
    raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    raw.execute("SET LOCAL row_security = off")  # what a policy would hide is an error, not a gap
    raw.execute("SET LOCAL statement_timeout = 0")
    yield
    raw.execute("COMMIT")


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """SQLite's online backup: all pages of one instant, while others write. Raises OSError where the copy has no room."""
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute(
                "PRAGMA synchronous=OFF"
            )  # it is sealed and forced to the disk as a file of the backup
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file
    except sqlite3.OperationalError as error:
        why = _NO_ROOM.get(error.sqlite_errorcode & 0xFF)
        if why is None:
            raise
        raise OSError(why, os.strerror(why), str(target.parent)) from error


_NO_ROOM = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO}


def make_one_file(path: Path) -> None:
    """Everything into the database's one file, on the disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous=FULL")
        raw.execute("PRAGMA secure_delete=ON")
        raw.execute("PRAGMA journal_mode=DELETE")


def is_sound(raw: sqlite3.Connection) -> bool:
    """SQLite's own check of every page, index and constraint."""
    return [row[0] for row in raw.execute("PRAGMA integrity_check(1)")] == ["ok"]


def tables(raw: Raw) -> list[str]:
    """Every table there is, whoever declared it, so that none is forgotten."""
    if isinstance(raw, sqlite3.Connection):
        query = (
            r"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'"
        )
    else:
        query = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
    return sorted(row[0] for row in _all(raw, query))


def columns(raw: Raw, table: str) -> tuple[str, ...]:
    """The table's columns in order."""
    if isinstance(raw, sqlite3.Connection):
        return tuple(row[1] for row in raw.execute(f"PRAGMA table_info({_name(table)})"))
    found = raw.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s ORDER BY ordinal_position",
        (table,),
    )
    return tuple(row[0] for row in found)


def rows(raw: Raw, table: str) -> int:
    """How many rows it has."""
    return int(_all(raw, f"SELECT count(*) FROM {_name(table)}")[0][0])  # noqa: S608


def is_empty(raw: psycopg.Connection[Any], table: str) -> bool:
    """Whether a table never had rows, or was truncated: whoever asks, and whatever its policies hide."""
    found = raw.execute("SELECT pg_relation_size(quote_ident(%s)::regclass)", (table,)).fetchone()
    return found is not None and found[0] == 0


def as_tenant(raw: Raw, tenant: str) -> None:
    """From here on the connection sees this tenant's rows, as the product would."""
    if not isinstance(raw, sqlite3.Connection):
        raw.execute("SELECT set_config(%s, %s, false)", (TENANT, tenant))


def rows_seen(raw: Raw, table: str, tenants: Iterable[str]) -> int:
    """How many rows the product would see, for all these tenants together."""
    if isinstance(raw, sqlite3.Connection) or "tenant" not in columns(raw, table):
        return rows(raw, table)
    count = 0
    for tenant in tenants:
        as_tenant(raw, tenant)
        count += rows(raw, table)
    return count


def version(raw: Raw) -> str:
    """The migration that the database is at; empty for one without tables of ours."""
    if VERSION_TABLE not in tables(raw):
        return ""
    found = raw.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return str(found[0]) if found else ""


def heads(raw: Raw) -> list[tuple[str, int, bytes, str]]:
    """Every log's tenant, size, root and checkpoint."""
    found = raw.execute("SELECT tenant, size, root, checkpoint FROM audit_log ORDER BY tenant")
    return [(row[0], row[1], bytes(row[2]), row[3]) for row in found]


def tenants(raw: Raw) -> list[str]:
    """Everybody who has rows: the installation, whoever is listed as a tenant, whoever has a log."""
    listed = _all(raw, "SELECT id FROM tenant UNION SELECT tenant FROM audit_log")
    return sorted({INSTALL, *(row[0] for row in listed)})


def newest_us(raw: Raw) -> int:
    """When the newest event of any log was recorded, 0 for none."""
    return int(_all(raw, "SELECT max(at_us) FROM audit_log")[0][0] or 0)


def copy_out(
    raw: psycopg.Connection[Any], table: str, names: Iterable[str], counted: list[int]
) -> Iterator[bytes]:
    """A table's rows as PostgreSQL writes them; their number goes into `counted` at the end."""
    statement = sql.SQL("COPY {} ({}) TO STDOUT (FORMAT binary)").format(_quoted(table), _listed(names))
    with raw.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for piece in copy:
                yield bytes(piece)
        counted.append(cursor.rowcount)


def copy_in(raw: psycopg.Connection[Any], table: str, names: Iterable[str], pieces: Iterable[bytes]) -> int:
    """The reverse; how many rows."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(_quoted(table), _listed(names))
    with raw.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for piece in pieces:
                copy.write(piece)
        return cursor.rowcount


def let_in(raw: psycopg.Connection[Any], names: list[str]) -> list[str]:
    """Empty the tables, and lift from their owner what confines rows to a tenant, within this transaction; the tables that were confined."""
    raw.execute("SET LOCAL statement_timeout = 0")
    found = raw.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relforcerowsecurity"
    )
    confined = sorted({row[0] for row in found} & set(names))
    for name in confined:
        raw.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(_quoted(name)))
    raw.execute(sql.SQL("TRUNCATE {}").format(_listed(names)))
    return confined


def shut_out(raw: psycopg.Connection[Any], names: list[str]) -> None:
    """The reverse of `let_in`, before the transaction ends."""
    for name in names:
        raw.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(_quoted(name)))


def floor(raw: psycopg.Connection[Any]) -> str:
    """The oldest release that fits the tables, or that a restore into them has not ended."""
    as_tenant(raw, INSTALL)
    found = raw.execute("SELECT oldest FROM schema_floor WHERE tenant = %s", (INSTALL,)).fetchone()
    return str(found[0]) if found else version(raw)


def set_floor(raw: psycopg.Connection[Any], oldest: str) -> str:
    """Put this in place of the schema's floor, as its owner; what stood there."""
    before = floor(raw)
    raw.execute(
        "INSERT INTO schema_floor (tenant, oldest) VALUES (%s, %s) ON CONFLICT (tenant) DO UPDATE SET oldest = excluded.oldest",
        (INSTALL, oldest),
    )
    return before


def sample(
    raw: Raw, table: str, tenant: str, names: list[str], keyed: int, limit: int
) -> list[dict[str, Any]]:
    """Some rows of a tenant: the first and the last ones by the primary key, which the first `keyed` names are."""
    as_tenant(raw, tenant)
    chosen = ", ".join(_name(each) for each in names)
    mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for way in ("ASC", "DESC"):
        order = ", ".join(f"{number} {way}" for number in range(1, keyed + 1))
        statement = (
            f"SELECT {chosen} FROM {_name(table)} WHERE tenant = {mark} ORDER BY {order} LIMIT {limit // 2}"  # noqa: S608
        )
        for row in raw.execute(statement, (tenant,)):
            found[tuple(row[:keyed])] = dict(zip(names, row, strict=True))
    return list(found.values())


def end_sessions(raw: Raw) -> int:
    """Whoever was signed in signs in again: a session that was ended since the backup must not come back. They go, since a change here would have no mark."""
    done = raw.execute("DELETE FROM session WHERE ended_us = 0")
    raw.execute("DELETE FROM sign_in_code")
    return done.rowcount


def orphan_calls(raw: Raw, boot: str) -> int:
    """Calls that may have begun since the backup are nobody's now: the gateway settles them as it does those of a process that died."""
    mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
    statement = f"UPDATE call SET state = 'running', boot = {mark} WHERE state IN ('approved', 'running')"  # noqa: S608
    return raw.execute(statement, (boot,)).rowcount


def quiet_calls(raw: Raw) -> None:
    """In a drill nothing may reach out: no call is left to go on with."""
    raw.execute("UPDATE call SET state = 'unknown' WHERE state IN ('approved', 'running')")


def held_calls(raw: Raw) -> int:
    """How many calls wait for a person."""
    return int(_all(raw, "SELECT count(*) FROM call WHERE state = 'held'")[0][0])


def is_destroyed(raw: Raw, tenant: str, key_id: str) -> bool:
    """Whether a data key was destroyed, alone or with its tenant: as opposed to one that is missing."""
    as_tenant(raw, tenant)
    mark = "?" if isinstance(raw, sqlite3.Connection) else "%s"
    own = f"SELECT 1 FROM data_key WHERE tenant = {mark} AND id = {mark} AND wrapped IS NULL"  # noqa: S608
    buried = f"SELECT 1 FROM destroyed_key WHERE tenant = {mark} AND id IN ({mark}, '{ALL}')"  # noqa: S608
    return any(raw.execute(query, (tenant, key_id)).fetchone() for query in (own, buried))


def _all(raw: Raw, query: str) -> list[Any]:
    return list(raw.execute(query))


def _name(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'


def _quoted(table: str) -> sql.Identifier:
    return sql.Identifier(table)


def _listed(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)
