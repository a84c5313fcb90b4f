"""A connector's database as it is asked: engines on threads of their own, each connected once and kept, and stopped when nobody waits any more.

An engine is opened as the operator's rules allow: addresses vetted and connected to by IP, files below the operator's roots, never a database of the product's own.
What the credential may do besides reading is looked at once for each that is opened.
"""

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ostiary.connectors.postgresql import Server, parameters
from ostiary.connectors.threads import Threads
from ostiary.engines.engine import TIMEOUT, UNREACHABLE, Engine, EngineError, Limits
from ostiary.engines.libraries import MISSING
from ostiary.errors import (
    AddressRefused,
    Fault,
    LibraryMissing,
    OstiaryError,
    QueryRefused,
    TargetRefused,
    TargetTimeout,
    TargetUnavailable,
)
from ostiary.net.address import Egress, is_public, vetted
from ostiary.net.http import tls_context

T = TypeVar("T")
SHOWN_MAX = 20
LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Own:
    """One of the product's own databases: host ("" or a folder: this machine's socket), port and name."""

    host: str
    port: int
    database: str


class Finding(Protocol):
    async def found(self) -> Callable[[], Engine]:
        """What opens an engine, in a thread. Raises AddressRefused, TargetUnavailable."""
        ...

    def stamp(self) -> object:
        """What changes when that which is open is not what is there any more (files), in a thread."""
        ...


@dataclass(frozen=True, slots=True)
class Reached:
    """A server, reached at an address that was vetted."""

    server: Server
    limits: Limits
    allowed: Egress
    own: tuple[Own, ...]

    async def found(self) -> Callable[[], Engine]:
        endpoint = self.server.endpoint
        addresses = await vetted(endpoint, self.allowed)
        await self._refuse_own(addresses)
        at = addresses[0]
        if self.server.tls == "off" and is_public(ipaddress.ip_address(at)):
            raise AddressRefused("A public address is reached with TLS only.")
        return lambda: self._opened(at)

    def stamp(self) -> object:
        return None

    async def _refuse_own(self, addresses: Sequence[str]) -> None:
        """Raises AddressRefused for a database of the product's own, by whatever name its host is called."""
        for own in self.own:
            if (own.port, own.database) != (self.server.endpoint.port, self.server.database):
                continue
            theirs: Sequence[str] = LOOPBACK
            if own.host and not own.host.startswith("/"):
                theirs = await self.allowed.resolver(own.host, own.port)
            if set(addresses) & set(theirs):
                raise AddressRefused("That database is the gateway's own.")

    def _opened(self, at: str) -> Engine:
        server = self.server
        if server.endpoint.scheme == "postgresql":
            from ostiary.engines.postgresql import Postgresql  # noqa: PLC0415 - libraries of an extra

            return Postgresql("", self.limits, parameters(server, at))
        from ostiary.engines.mysql import Mysql  # noqa: PLC0415 - libraries of an extra

        given: dict[str, Any] = {
            "host": server.endpoint.host,
            "port": server.endpoint.port,
            "user": server.user,
            "password": server.password.reveal(),
            "database": server.database,
            "ssl": None if server.tls == "off" else tls_context(server.ca_pem),
        }
        return Mysql(
            given,
            self.limits,
            lambda timeout_s: socket.create_connection((at, server.endpoint.port), timeout_s),
        )


def opened_file(path: Path, limits: Limits, checked: Callable[[Path], Path]) -> Engine:
    """`checked`: gives each file of a folder as it really is, or raises AddressRefused."""
    from ostiary.engines.duckdb import files_of  # noqa: PLC0415 - libraries of an extra
    from ostiary.engines.opening import file  # noqa: PLC0415

    return file(path, limits, [checked(each) for each in files_of(path)])


@dataclass(slots=True)
class _Work:
    """What runs on an engine: `stop` and the end of it never overlap."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: Engine | None = None
    over: bool = False
    stopped: bool = False

    def stop(self) -> None:
        with self.lock:
            self.stopped = True
            if self.engine and not self.over:
                self.engine.stop()

    def ended(self) -> bool:
        """Whether it was stopped."""
        with self.lock:
            self.over = True
            return self.stopped


class Engines:
    """One database as one credential. `run` is given an engine in a thread."""

    def __init__(self, finding: Finding, threads_max: int, limits: Limits) -> None:
        self.limits = limits
        self._finding = finding
        self._open: Callable[[], Engine] | None = None
        self._beyond: dict[int, list[str]] = {}
        self._busy: set[int] = set()
        self._idle: dict[int, Engine] = {}
        self._stale: set[int] = set()
        self._stamp: object = None
        self._lock = threading.Lock()
        self._threads: Threads[Engine] = Threads(
            self._opened, self._closed, threads_max=threads_max, timeout_s=limits.seconds
        )

    async def run(self, work: Callable[[Engine], T], *, accept_writer: bool = False) -> T:
        """`work` reads all that it wants. Where nobody waits for it any more the statement is stopped. Raises AddressRefused, LibraryMissing, the Target errors; TargetRefused also where
        the credential may do more than read, unless that is accepted."""
        if self._open is None:
            self._open = await self._finding.found()
        doing = _Work()
        try:
            return await self._threads.run(lambda engine: self._on_thread(engine, work, doing, accept_writer))
        except (asyncio.CancelledError, TargetTimeout) as error:
            await _shielded(asyncio.to_thread(doing.stop))
            if isinstance(error, TargetTimeout):
                raise TargetTimeout(error.detail) from None
            raise
        except TargetUnavailable:
            self._open = None  # the name may point elsewhere by now; it is vetted anew
            raise
        except ModuleNotFoundError:
            raise LibraryMissing(MISSING) from None

    async def beyond_reading(self) -> list[str]:
        """What the credential may do besides. Raises as `run`."""
        return await self.run(lambda engine: engine.beyond_reading(), accept_writer=True)

    def _on_thread(self, engine: Engine, work: Callable[[Engine], T], doing: _Work, accept_writer: bool) -> T:
        engine = self._fresh(engine)
        kept = id(engine) in self._beyond
        try:
            return self._done(engine, work, doing, accept_writer)
        except EngineError as error:
            if error.code != UNREACHABLE:
                raise _explained(error) from None
            self._threads.drop()
            if not kept or doing.stopped:
                raise _explained(error) from None
        try:  # a connection that was kept had been closed; reading again is safe
            return self._done(self._threads.connection(), work, doing, accept_writer)
        except EngineError as error:
            self._threads.drop()
            raise _explained(error) from None

    def _fresh(self, engine: Engine) -> Engine:
        """This thread's engine, opened anew where the files are others by now. All that are idle are closed then: what is open keeps the old ones."""
        stamp = self._finding.stamp()
        with self._lock:
            if stamp != self._stamp:
                for number, each in self._idle.items():
                    self._stale.add(number)
                    each.close()
                self._idle.clear()
                if not self._busy:
                    self._stamp = stamp
            stale = id(engine) in self._stale
        if stale:
            self._threads.drop()
            return self._threads.connection()
        return engine

    def _done(self, engine: Engine, work: Callable[[Engine], T], doing: _Work, accept_writer: bool) -> T:
        with self._lock:
            self._idle.pop(id(engine), None)
            self._busy.add(id(engine))
        try:
            return self._worked(engine, work, doing, accept_writer)
        finally:
            with self._lock:
                self._busy.discard(id(engine))
                if id(engine) in self._beyond:
                    self._idle[id(engine)] = engine

    def _worked(self, engine: Engine, work: Callable[[Engine], T], doing: _Work, accept_writer: bool) -> T:
        if id(engine) not in self._beyond:
            self._beyond[id(engine)] = engine.beyond_reading()
        more = self._beyond[id(engine)]
        if more and not accept_writer:
            raise TargetRefused(
                f"The credential may do more than read: {'; '.join(more[:SHOWN_MAX])}. Give one that cannot, or accept it."
            )
        with doing.lock:
            if doing.stopped:
                raise TargetTimeout
            doing.engine, doing.over = engine, False
        try:
            return work(engine)
        finally:
            if doing.ended():
                self._threads.drop()  # what was meant for this statement could meet the next

    def _opened(self) -> Engine:
        """Raises TargetUnavailable, and what `opened_file` does."""
        if self._open is None:
            raise TargetUnavailable
        try:
            return self._open()
        except EngineError as error:
            raise _explained(error) from None

    def _closed(self, engine: Engine) -> None:
        with self._lock:
            self._beyond.pop(id(engine), None)
            self._idle.pop(id(engine), None)
            self._stale.discard(id(engine))
        engine.close()

    def close(self) -> None:
        """Blocking: waits for what runs."""
        self._threads.close()


def _explained(error: EngineError) -> OstiaryError:
    if error.code == TIMEOUT:
        return TargetTimeout(error.why)
    if error.code == UNREACHABLE:
        return TargetUnavailable(error.why)
    return QueryRefused(error.why, faults=(Fault("/statement", error.code),))


async def _shielded(work: Awaitable[None]) -> None:
    await asyncio.shield(asyncio.ensure_future(work))
