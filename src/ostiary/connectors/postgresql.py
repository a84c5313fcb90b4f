"""Read-only SQL on a tenant's PostgreSQL server.

Every statement goes over the extended protocol, where a second statement cannot ride along; parameters are bound on the server; each runs in a READ ONLY
transaction that is rolled back, with the server's own statement timeout. The address is vetted like every other and connected to by IP (`hostaddr`).
None of this replaces a role that may only SELECT: docs/connectors.md shows how to make one.
"""

import functools
import ipaddress
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import certifi
import psycopg
from psycopg import capabilities

from ostiary.actions import JsonValue
from ostiary.connectors.sqlite import RowBounds
from ostiary.connectors.statement import Statement
from ostiary.connectors.threads import Threads
from ostiary.connectors.values import as_rows, bound_parameters
from ostiary.errors import AddressRefused, OstiaryError, TargetRefused, TargetTimeout, TargetUnavailable
from ostiary.net.address import Egress, Endpoint, is_public, vetted
from ostiary.secret import Secret

ROWS_AT_ONCE = 100
CONNECT_TIMEOUT_S = 5
_SSL_MODES = {"verify": "verify-full", "encrypt": "require", "off": "disable"}
"""verify: the certificate is checked. encrypt: it is not. off: in the clear, only to an address that the operator allowed."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is and who we are there."""

    endpoint: Endpoint
    database: str
    user: str
    password: Secret
    tls: str
    schema: str = ""
    ca_pem: str = ""


class PostgresqlSource:
    """One database. `query` runs a read statement on one of a few connections that are kept."""

    def __init__(self, server: Server, bounds: RowBounds, allowed: Egress) -> None:
        self._server = server
        self._bounds = bounds
        self._allowed = allowed
        self._address = ""
        self._rows_at_once = ROWS_AT_ONCE if capabilities.has_stream_chunked() else 1
        self._threads = Threads(
            self._connect, _disconnect, threads_max=bounds.threads_max, timeout_s=bounds.timeout_s
        )

    async def query(self, statement: Statement, params: Mapping[str, JsonValue]) -> JsonValue:
        """`{"rows": [...]}`. Raises InvalidParameters, AddressRefused and the Target errors."""
        bound = bound_parameters(statement.parameters, params, lists=True)
        if not self._address:
            self._address = await self._vetted()
        try:
            return await self._threads.run(
                lambda connection: self._query(connection, statement.psycopg, bound)
            )
        except TargetUnavailable:
            self._address = ""  # the name may point elsewhere by now; it is vetted anew
            raise

    async def _vetted(self) -> str:
        address = (await vetted(self._server.endpoint, self._allowed))[0]
        if self._server.tls == "off" and is_public(ipaddress.ip_address(address)):
            raise AddressRefused("A public address is reached with TLS only.")
        return address

    def _query(self, connection: psycopg.Connection[Any], sql: str, bound: Mapping[str, Any]) -> JsonValue:
        for attempt in (1, 2):
            try:
                return self._answer(connection, sql, bound)
            except psycopg.Error as error:
                if not connection.closed:
                    raise _explained(error) from error
                self._threads.drop()
                if attempt == 2 or not isinstance(error, psycopg.OperationalError):
                    raise TargetUnavailable from error
                connection = (
                    self._threads.connection()
                )  # a connection that was kept had been closed; reading again is safe
        raise TargetUnavailable

    def _answer(self, connection: psycopg.Connection[Any], sql: str, bound: Mapping[str, Any]) -> JsonValue:
        try:
            with connection.cursor() as cursor:
                rows: Any = cursor.stream(sql, bound, size=self._rows_at_once)
                first = next(rows, None)
                names = [column.name for column in cursor.description or ()]
                everything = _chained(first, rows)
                try:
                    return as_rows(
                        names,
                        everything,
                        rows_max=self._bounds.answer_rows_max,
                        bytes_max=self._bounds.answer_bytes_max,
                    )
                finally:
                    rows.close()
        finally:
            if not connection.closed:
                connection.rollback()

    def _connect(self) -> psycopg.Connection[Any]:
        server = self._server
        milliseconds = int(self._bounds.timeout_s * 1000)
        try:
            connection = psycopg.connect(
                **parameters(server, self._address),
                connect_timeout=CONNECT_TIMEOUT_S,
                tcp_user_timeout=milliseconds + 1000,
                application_name="ostiary",
                options=_session(server, milliseconds),
            )
        except psycopg.Error as error:
            raise TargetUnavailable(
                "The database could not be connected to: check address, TLS and credentials."
            ) from error
        connection.read_only = True
        connection.prepare_threshold = None
        return connection

    def close(self) -> None:
        """Blocking: waits for what runs."""
        self._threads.close()


def parameters(server: Server, address: str) -> dict[str, Any]:
    """Of libpq: where, by the address that was vetted, and as whom."""
    return {
        "host": server.endpoint.host,
        "hostaddr": address,
        "port": server.endpoint.port,
        "dbname": server.database,
        "user": server.user,
        **_credentials(server),
    }


def _session(server: Server, milliseconds: int) -> str:
    """What the server is told at the start of the session."""
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(milliseconds),
        "idle_in_transaction_session_timeout": str(milliseconds + 1000),
        "lock_timeout": "2000",
        "timezone": "UTC",
        "standard_conforming_strings": "on",
    }
    if server.schema:
        settings["search_path"] = server.schema
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _credentials(server: Server) -> dict[str, Any]:
    """The password and TLS, with nothing taken from this process's own files or environment (password file, client certificate, Kerberos)."""
    given: dict[str, Any] = {
        "password": server.password.reveal(),
        "passfile": "/nonexistent",
        "sslmode": _SSL_MODES[server.tls],
        "sslcertmode": "disable",
        "gssencmode": "disable",
        "require_auth": "!gss,!sspi" if server.tls == "verify" else "!gss,!sspi,!password",
    }
    if server.tls == "verify":
        given["sslrootcert"] = _authorities(server.ca_pem)
        given["ssl_min_protocol_version"] = "TLSv1.2"
    return given


@functools.lru_cache(maxsize=256)
def _authorities(ca_pem: str) -> str:
    """The path of the certificates to trust: libpq takes a file only. A private one is written once a process, readable by us alone."""
    if not ca_pem:
        return certifi.where()
    handle, path = tempfile.mkstemp(prefix="ostiary-ca-", suffix=".pem")
    with os.fdopen(handle, "w") as file:
        file.write(ca_pem)
    return path


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    if first is not None:
        yield first
        yield from rest


def _disconnect(connection: psycopg.Connection[Any]) -> None:
    connection.close()


def _explained(error: psycopg.Error) -> OstiaryError:
    """Our words for the server's, which may quote the data; the five characters of SQLSTATE say what a contract's author needs."""
    if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
        return TargetTimeout()
    if isinstance(error, psycopg.OperationalError):
        return TargetUnavailable()
    return TargetRefused(f"The database refused the statement ({error.sqlstate or 'no code'}).")
