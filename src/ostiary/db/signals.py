"""What one process changed, and every process must know at once: a policy, a connector, a key that was destroyed.

`tell` inside the transaction of the change; when it has committed, every process that listens on the same database calls its handlers, on PostgreSQL
through NOTIFY, and the changing process itself in any case. What is held in memory counts only while `fresh`: a process that cannot hear is one that must
ask the database, and is refused when that is away. So nothing that was taken away is honoured for longer than FRESH_S.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg
from sqlalchemy import URL, Connection

from ostiary import log
from ostiary.clock import SECOND_US, Clock
from ostiary.db.scope import known, stored
from ostiary.ids import INSTALL, NO_TENANT, TenantId

FRESH_S = 1.0
BEAT_S = 0.25
RETRY_S = 0.2
CONNECT_TIMEOUT_S = 5
_TOLD = "ostiary.told"
_CHANNEL = "ostiary_changes"

Handler = Callable[[TenantId, str], None]
"""Gets the tenant and a detail; NO_TENANT: something may have been missed, forget everything. Called in any thread; must not block or raise."""

_LOG = log.get("db")


class Signals:
    """The changes of one database. `start` begins to listen (PostgreSQL only); `on` before that."""

    def __init__(self, url: URL, clock: Clock, install: TenantId = INSTALL) -> None:
        self._url = url
        self._install = install
        self._clock = clock
        self._shared = url.get_backend_name() == "postgresql"
        self._handlers: dict[str, list[Handler]] = {}
        self._heard_us = -1
        self.connection: psycopg.Connection | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def fresh(self) -> bool:
        """Whether nothing can have been missed for longer than FRESH_S. A database that no other process writes is always fresh."""
        if not self._shared or self._thread is None:
            return not self._shared
        return self._clock.monotonic_us() - self._heard_us < FRESH_S * SECOND_US

    def deaf_us(self) -> int:
        """For how long nothing was heard; 0 where nobody listens."""
        return self._clock.monotonic_us() - self._heard_us if self._thread is not None else 0

    def on(self, kind: str, handler: Handler) -> None:
        """Call `handler` when something of this kind has changed."""
        self._handlers.setdefault(kind, []).append(handler)

    def start(self) -> None:
        if self._shared and self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._listen, name="ostiary-signals", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2.0)
            self._thread = None

    def told(self, connection: Connection) -> list[tuple[str, TenantId, str]]:
        """What was told on this connection since its transaction began; for `Database`, which passes it to `spread` after the commit."""
        changes: list[tuple[str, TenantId, str]] = connection.info.pop(_TOLD, [])
        return changes

    def spread(self, changes: Iterable[tuple[str, TenantId, str]]) -> None:
        """Call this process's handlers."""
        for kind, tenant, detail in changes:
            for handler in self._handlers.get(kind, ()):
                handler(tenant, detail)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._heed()
            except (psycopg.Error, OSError) as error:
                _LOG.warning("signals.lost", error=type(error).__name__)
            except Exception as fault:  # noqa: BLE001 - a mistake of ours must not leave this process deaf for good
                _LOG.error("signals.broke", error=type(fault).__name__, where=log.where(fault))
            self._missed()
            self._stopping.wait(RETRY_S)

    def _heed(self) -> None:
        server: dict[str, Any] = {  # as SQLAlchemy does: libpq reads a space in a URL in its own way
            **self._url.translate_connect_args(database="dbname", username="user"),
            **self._url.query,
            "connect_timeout": CONNECT_TIMEOUT_S,
        }
        with psycopg.connect(**server, autocommit=True) as connection:
            self.connection = connection
            channel = _channel(connection.execute("SELECT current_schema()").fetchone())
            connection.execute(f'LISTEN "{channel}"'.encode())
            self._missed()  # from before we listened
            while not self._stopping.is_set():
                asked_us = self._clock.monotonic_us()
                connection.execute("SELECT 1")  # what was told before this answer is delivered with it
                for notice in connection.notifies(timeout=BEAT_S, stop_after=1):
                    self._pass_on(notice.payload)
                for notice in connection.notifies(timeout=0):
                    self._pass_on(notice.payload)
                self._heard_us = asked_us

    def _pass_on(self, payload: str) -> None:
        """What was heard. PostgreSQL lets whoever may log in speak on any channel: what we did not say means that everything is to be forgotten."""
        change = _change(payload)
        if change is None:
            _LOG.warning("signals.not_ours")
            self._missed()
            return
        kind, tenant, detail = change
        self.spread([(kind, INSTALL if tenant == self._install else TenantId(tenant), detail)])

    def _missed(self) -> None:
        self.spread([(kind, NO_TENANT, "") for kind in self._handlers])


def tell(connection: Connection, tenant: TenantId, kind: str, detail: str = "") -> None:
    """Say in this transaction that something of this kind has changed. Nobody hears of it unless it commits."""
    connection.info.setdefault(_TOLD, []).append((kind, known(connection, tenant), detail))
    if connection.dialect.name == "postgresql":
        payload = orjson.dumps([kind, stored(connection, tenant), detail]).decode()
        channel = f"SELECT pg_notify('{_CHANNEL}_' || current_schema(), %s)"
        connection.exec_driver_sql(channel, (payload,))


def _change(payload: str) -> tuple[str, str, str] | None:
    """Kind, tenant and detail as `tell` writes them; None for anything else."""
    try:
        said = orjson.loads(payload)
    except ValueError:
        return None
    if not isinstance(said, list) or len(said) != 3 or not all(isinstance(each, str) for each in said):
        return None
    return said[0], said[1], said[2]


def _channel(row: tuple[str] | None) -> str:
    return f"{_CHANNEL}_{row[0] if row else 'public'}".replace('"', "")
