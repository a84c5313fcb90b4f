"""The connections to one endpoint: each to an address that was judged a moment before, so many at once and no more, and kept for the next request."""

import asyncio
import ssl

from ostiary.net._rfc9112 import Connection
from ostiary.net.address import Egress, Endpoint, vetted

KEEP_ALIVE_S = 30


class Pool:
    """`tls` None: without. Whoever waits for a connection is served in turn; how long they wait is theirs to bound."""

    def __init__(
        self,
        endpoint: Endpoint,
        allowed: Egress,
        *,
        tls: ssl.SSLContext | None,
        connect_timeout_s: float,
        connections_max: int,
    ) -> None:
        self._endpoint = endpoint
        self._allowed = allowed
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._places = asyncio.Semaphore(connections_max)
        self._idle: dict[Connection, None] = {}
        self._busy: set[Connection] = set()

    async def take(self) -> Connection:
        """A connection for one exchange, which gives it back when it ends. Raises AddressRefused, TargetUnavailable, OSError, TimeoutError."""
        await self._places.acquire()
        try:
            found = self._kept() or await self._opened()
        except BaseException:
            self._places.release()
            raise
        self._busy.add(found)
        return found

    def _kept(self) -> Connection | None:
        """The one that was used last: those at the other end grow old."""
        self._expire()
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.usable():
                return connection
            connection.abort()
        return None

    def _expire(self) -> None:
        now_s = asyncio.get_running_loop().time()
        while self._idle:
            oldest = next(iter(self._idle))
            if now_s - oldest.idle_since_s < KEEP_ALIVE_S:
                return
            del self._idle[oldest]
            oldest.abort()

    async def _opened(self) -> Connection:
        """To the endpoint's vetted IP addresses, each tried in turn; the name is used for TLS only."""
        addresses = await vetted(self._endpoint, self._allowed)
        for address in addresses[:-1]:
            try:
                return await self._dialled(address)
            except OSError:
                continue
        return await self._dialled(addresses[-1])

    async def _dialled(self, address: str) -> Connection:
        async with asyncio.timeout(self._connect_timeout_s):
            _transport, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._ended, self._lost),
                address,
                self._endpoint.port,
                ssl=self._tls,
                server_hostname=self._endpoint.host if self._tls else None,
            )
        if self._tls is None and not connection.usable():  # it spoke before it was asked
            connection.abort()
            raise ConnectionAbortedError
        return connection

    def _ended(self, connection: Connection, keep: bool) -> None:
        self._busy.discard(connection)
        self._places.release()
        if keep:
            connection.idle_since_s = asyncio.get_running_loop().time()
            self._idle[connection] = None

    def _lost(self, connection: Connection) -> None:
        self._idle.pop(connection, None)

    async def close(self) -> None:
        """End them all, those in use included."""
        for connection in [*self._idle, *self._busy]:
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)
