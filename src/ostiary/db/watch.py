"""A server that has stopped to answer, and whose machine still takes packets, holds whoever asks it for ever: no time limit of ours is looked at there, and TCP sees
nothing wrong. So a thread looks, once a second, at the connections on which somebody waits for an answer. When the listener (`signals`) has heard nothing for
HUNG_S either, those that have waited for as long are broken: whoever waits gets StoreUnavailable, and the next question makes a new connection or is refused.
"""

import os
import socket
import threading
import weakref
from contextlib import suppress

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from ostiary import log
from ostiary.clock import SECOND_US
from ostiary.db.signals import Signals

HUNG_S = 8
LOOK_S = 1.0

_LOG = log.get("db")


class Watch:
    """Of the connections of one database (PostgreSQL only)."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._open: weakref.WeakKeyDictionary[psycopg.Connection, int] = weakref.WeakKeyDictionary()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def follow(self, engine: Engine) -> None:
        event.listen(engine, "connect", self._connected)

    def stop(self) -> None:
        self._stopping.set()

    def _connected(self, raw: psycopg.Connection, _entry: ConnectionPoolEntry) -> None:
        with self._lock:
            self._open[raw] = 0
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ostiary-db-watch", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """Once: count how often in a row each connection was found waiting, and break those that have waited too long."""
        deaf = self._signals.deaf_us() > HUNG_S * SECOND_US
        with self._lock:
            if (listener := self._signals.connection) is not None:
                self._open.setdefault(listener, 0)
            for raw in list(self._open):
                waits = raw.pgconn.transaction_status == TransactionStatus.ACTIVE
                self._open[raw] = self._open[raw] + 1 if waits else 0
                if deaf and self._open[raw] * LOOK_S >= HUNG_S:
                    _LOG.warning("database.hung")
                    _break(raw)


def _break(connection: psycopg.Connection) -> None:
    """Whoever waits on it in another thread hears at once."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.pgconn.socket)) as end:
        end.shutdown(socket.SHUT_RDWR)
