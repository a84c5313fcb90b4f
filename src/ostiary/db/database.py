"""One database: readers side by side, one writer at a time, both synchronous.

On SQLite the file is in WAL mode with `synchronous=FULL` and `secure_delete`, and a write transaction begins IMMEDIATE, so that it never fails half-way
for want of the lock. A database that is away raises StoreUnavailable; it is tried anew at the next call, so recovery needs no restart.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ostiary import metrics, traces
from ostiary.clock import Clock, SystemClock
from ostiary.db.marks import MARKS, Marks
from ostiary.db.scope import follow
from ostiary.db.signals import Signals
from ostiary.db.watch import Watch
from ostiary.errors import StoreUnavailable
from ostiary.ids import INSTALL, TenantId

T = TypeVar("T")

READERS = 4
BUSY_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 30
IDLE_TIMEOUT_S = 5
"""A process that stops in the middle of a transaction (SIGSTOP, a cut network) loses it after this long, and its locks with it."""
AWAY_TIMEOUT_S = 10
"""A PostgreSQL whose machine does not answer at all is given up after this long: to connect, or for a packet to be acknowledged."""

AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What a driver raises when it is the database that fails, not the statement."""


CONTENDED = ("40001", "40P01")
"""PostgreSQL's codes for a transaction that met another and can simply be done again: serialization failure, deadlock."""


IDLED = "25P03"
"""PostgreSQL's code for a transaction that it ended because nothing came for IDLE_TIMEOUT_S. The driver takes it for a mistake of the statement's."""


class Contended(StoreUnavailable):
    """The transaction met another and was rolled back; done again it will probably stand."""


class Database:
    """`read`/`run` for looking, `transact`/`change` for writing; the second of each pair makes one thread hop.

    `url` is an SQLAlchemy URL: `sqlite:///path` or `postgresql+psycopg://...`. `install`: whose rows INSTALL's are, in a cell.
    """

    def __init__(
        self, url: str, clock: Clock | None = None, *, name: str = "data", install: TenantId = INSTALL
    ) -> None:
        self.url = make_url(url)
        self.name = name
        self.install = install
        self._clock = clock or SystemClock()
        self.signals = Signals(self.url, self._clock, install)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.marks: Marks | None = None
        """The keys of marked rows; without them no such row is read or written."""
        self._watch = Watch(self.signals)
        self._reader = _engine(self, pool_size=READERS)
        self._writer = _engine(self, pool_size=1, writes=True) if self.sqlite else self._reader
        self._write_lock = threading.Lock()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="ostiary-db")

    def read(self, look: Callable[[Connection], T]) -> T:
        """Run `look` in a read transaction. Raises StoreUnavailable."""
        try:
            with self._connected(self._reader, "read") as connection:
                return look(connection)
        except (*AWAY, InternalError) as error:
            if failure := self._failure(error):
                raise failure from error
            raise

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a write transaction; it is on the disk when this returns. Raises StoreUnavailable, and whatever `work` raises."""
        try:
            with self._connected(self._writer, "write") as connection:
                self.signals.told(connection)  # left over from one that was rolled back
                result = work(connection)
                changes = self.signals.told(connection)
        except (*AWAY, InternalError) as error:
            if failure := self._failure(error):
                raise failure from error
            raise
        self.signals.spread(changes)
        return result

    def _failure(self, error: Exception) -> StoreUnavailable | None:
        """What to raise where it is the database that failed, or the transaction met another; None where the statement was wrong."""
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        if isinstance(error, InternalError) and state != IDLED:
            return None
        metrics.DATABASE_ERRORS.labels(self.name).inc()
        return Contended() if state in CONTENDED else StoreUnavailable()

    @contextmanager
    def _connected(self, engine: Engine, work: str) -> Iterator[Connection]:
        """A connection in a transaction, counted."""
        begun_us = self._clock.monotonic_us()
        try:
            with (
                self._write_lock if self.sqlite and work == "write" else nullcontext(),
                engine.begin() as connection,
            ):
                metrics.DATABASE_WAIT.of(self.name).observe(self._clock.monotonic_us() - begun_us)
                connection.info[MARKS] = self.marks
                yield connection
        finally:
            metrics.DATABASE.of(self.name, work).observe(self._clock.monotonic_us() - begun_us)

    def connections(self) -> tuple[int, int]:
        """How many are in use, and how many there may be."""
        pools = {id(engine): engine.pool for engine in (self._reader, self._writer)}.values()
        return sum(pool.checkedout() for pool in pools), sum(pool.size() for pool in pools)  # type: ignore[attr-defined]  # every pool of ours is a QueuePool

    def scrub(self) -> None:
        """What was overwritten leaves the files: on SQLite the write-ahead log is emptied. Readers under way may keep it until the next time.

        On PostgreSQL nothing: dead rows, the server's own log and its backups are the operator's (docs/howto/rotate-keys.md).
        """
        if not self.sqlite:
            return
        with self._write_lock:
            raw = self._writer.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                raw.close()

    async def run(self, look: Callable[[Connection], T]) -> T:
        """`read`, off the event loop."""
        with traces.span("database read", traces.Kind.CLIENT) as span:
            if span:
                span.attributes["ostiary.database"] = self.name
            return await asyncio.get_running_loop().run_in_executor(self._threads, self.read, look)

    async def change(self, work: Callable[[Connection], T]) -> T:
        """`transact`, off the event loop."""
        with traces.span("database write", traces.Kind.CLIENT) as span:
            if span:
                span.attributes["ostiary.database"] = self.name
            return await asyncio.get_running_loop().run_in_executor(self._threads, self.transact, work)

    def engine(self) -> Engine:
        """The writing engine, for migrations."""
        return self._writer

    def close(self) -> None:
        self.signals.stop()
        self._watch.stop()
        self._threads.shutdown(wait=True)
        self._reader.dispose()
        self._writer.dispose()


def _engine(database: Database, *, pool_size: int, writes: bool = False) -> Engine:
    if not database.sqlite:
        options = (
            str(database.url.query.get("options", "")),
            f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000}",
            f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_S * 1000:.0f}",
            "-c synchronous_commit=on",
        )
        url = database.url.update_query_dict({"options": " ".join(options).strip()})
        engine = create_engine(
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
        follow(engine, database.install)
        database._watch.follow(engine)
        return engine
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

    words = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        try:
            raw.execute(words)  # the toolkit's own way to the driver takes ten times as long
        except sqlite3.Error as error:
            away = DBAPIError.instance(words, None, error, sqlite3.Error, dialect=connection.dialect)
            raise away from error

    return engine


def ping(connection: Connection) -> None:
    """The smallest question there is."""
    connection.exec_driver_sql("SELECT 1")


def takes_writes(connection: Connection) -> bool:
    """Whether this is a database that can be written: no standby, and not set to read-only."""
    if connection.dialect.name == "sqlite":
        ping(connection)
        return True
    asked = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
    return bool(connection.exec_driver_sql(asked).scalar_one())
