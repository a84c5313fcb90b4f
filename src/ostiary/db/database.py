"""One database: readers side by side, one writer at a time, both synchronous.

On SQLite the file is in WAL mode with `synchronous=FULL` and `secure_delete`, and a write transaction begins IMMEDIATE, so that it never fails half-way
for want of the lock. A database that is away raises StoreUnavailable; it is tried anew at the next call, so recovery needs no restart.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ostiary.errors import StoreUnavailable

T = TypeVar("T")

READERS = 4
BUSY_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 30
AWAY_TIMEOUT_S = 10
"""A PostgreSQL whose machine does not answer at all is given up after this long: to connect, or for a packet to be acknowledged."""

AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What a driver raises when it is the database that fails, not the statement."""


class Database:
    """`read`/`run` for looking, `transact`/`change` for writing; the second of each pair makes one thread hop.

    `url` is an SQLAlchemy URL: `sqlite:///path` or `postgresql+psycopg://...`.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._reader = _engine(self, pool_size=READERS)
        self._writer = _engine(self, pool_size=1, writes=True) if self.sqlite else self._reader
        self._write_lock = threading.Lock()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="ostiary-db")

    def read(self, look: Callable[[Connection], T]) -> T:
        """Run `look` in a read transaction. Raises StoreUnavailable."""
        try:
            with self._reader.connect() as connection, connection.begin():
                return look(connection)
        except AWAY as error:
            raise StoreUnavailable from error

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a write transaction; it is on the disk when this returns. Raises StoreUnavailable, and whatever `work` raises."""
        try:
            if self.sqlite:
                with self._write_lock, self._writer.begin() as connection:
                    return work(connection)
            with self._writer.begin() as connection:
                return work(connection)
        except AWAY as error:
            raise StoreUnavailable from error

    async def run(self, look: Callable[[Connection], T]) -> T:
        """`read`, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read, look)

    async def change(self, work: Callable[[Connection], T]) -> T:
        """`transact`, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.transact, work)

    def engine(self) -> Engine:
        """The writing engine, for migrations."""
        return self._writer

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._reader.dispose()
        self._writer.dispose()


def _engine(database: Database, *, pool_size: int, writes: bool = False) -> Engine:
    if not database.sqlite:
        options = f"{database.url.query.get('options', '')} -c statement_timeout={STATEMENT_TIMEOUT_S * 1000}"
        url = database.url.update_query_dict({"options": f"{options.strip()} -c synchronous_commit=on"})
        return create_engine(
            url,
            pool_size=pool_size + 2,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=AWAY_TIMEOUT_S,
            hide_parameters=True,
            connect_args={
                "connect_timeout": AWAY_TIMEOUT_S,
                "tcp_user_timeout": AWAY_TIMEOUT_S * 1000,
                "keepalives_idle": AWAY_TIMEOUT_S,
                "keepalives_interval": 2,
                "keepalives_count": 3,
            },
        )
    engine = create_engine(
        database.url,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # an error's text would carry the values
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we begin transactions ourselves, below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "cache_size=-65536",  # KiB: the audit log's indexes stay in memory
        ):
            raw.execute(f"PRAGMA {pragma}")
        if not writes:
            raw.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def ping(connection: Connection) -> None:
    """The smallest question there is."""
    connection.exec_driver_sql("SELECT 1")
