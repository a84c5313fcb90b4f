"""What an administrator does to a PostgreSQL for an installation: make its place, bring its tables up to date and secure them, look whether all is as designed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from ostiary.db.database import AWAY_TIMEOUT_S, Database
from ostiary.db.migrate import TABLES, upgrade, version
from ostiary.db.place import (
    Place,
    as_owner,
    cell_database_script,
    cell_server_script,
    database_script,
    database_statement,
    of_url,
    problems,
    server_script,
)
from ostiary.db.secure import Want, cells_here, quoted, repair, wanting
from ostiary.errors import StoreUnavailable
from ostiary.ids import TenantId

MAINTENANCE = "postgres"
"""The database that every server has; an administrator's address may name another."""


def make(url: URL, administrator: URL, which: str) -> None:
    """Make the roles, the database and its schemas; what stands is left. The password of `url` becomes the login role's. Raises StoreUnavailable."""
    place = of_url(url, which)
    server = administrator.set(database=administrator.database or MAINTENANCE)
    with _administering(server) as connection:
        for statement in server_script(place):
            connection.exec_driver_sql(statement)
        _set_password(connection, place, str(url.password or ""))
        found = "SELECT count(*) FROM pg_database WHERE datname = %s"
        if not connection.exec_driver_sql(found, (place.database,)).scalar_one():
            connection.exec_driver_sql(database_statement(place))
    with _administering(administrator.set(database=place.database)) as connection:
        for statement in database_script(place):
            connection.exec_driver_sql(statement)


def make_cell(url: URL, administrator: URL, which: str, tenant: TenantId) -> None:
    """Make the login role of a tenant's cell; without a password, which the administrator gives. Raises StoreUnavailable."""
    place = of_url(url, which)
    for database, statements in (
        (administrator.database or MAINTENANCE, cell_server_script(place, tenant)),
        (place.database, cell_database_script(place, tenant)),
    ):
        with _administering(administrator.set(database=database)) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


def cells_of(url: URL, administrator: URL) -> list[str]:
    """The digits of the tenants that have a cell's role here. Raises StoreUnavailable."""
    place = of_url(url, "data")
    database = Database(as_owner(url, administrator).render_as_string(hide_password=False))
    try:
        return database.read(lambda connection: cells_here(connection, place.roles))
    finally:
        database.close()


def bring(url: URL, administrator: URL, which: str) -> list[Want]:
    """Migrate as the owner, and secure; what is left is for the administrator. Raises StoreUnavailable."""
    database = Database(as_owner(url, administrator).render_as_string(hide_password=False), name=which)
    try:
        upgrade(database, which)
        return database.transact(lambda connection: _secured(connection, of_url(url, which)))
    except DBAPIError as error:
        raise StoreUnavailable(f"The owner's statement failed: {_first_line(error)}") from error
    finally:
        database.close()


def look(url: URL, which: str) -> tuple[str, list[Want]]:
    """The migration that the tables are at, and everything that is not as designed, as the product sees it. Raises StoreUnavailable."""
    place = of_url(url, which)
    database = Database(url.render_as_string(hide_password=False), name=which)
    try:
        found = database.read(lambda connection: problems(connection, place, TABLES[which]))
        return version(database), found
    except DBAPIError as error:
        raise StoreUnavailable from error
    finally:
        database.close()


def _secured(connection: Connection, place: Place) -> list[Want]:
    tables = TABLES[place.which]
    repair(connection, (want for want in wanting(connection, tables, place.roles) if want.owner))
    return wanting(connection, tables, place.roles)


def _set_password(connection: Connection, place: Place, password: str) -> None:
    """As the hash that the server keeps: the password itself is in no statement, and so in none of the server's logs."""
    if not password:
        return
    raw: Any = connection.connection.dbapi_connection
    login = place.roles.login
    hashed = raw.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    connection.exec_driver_sql(f"ALTER ROLE {quoted(login)} PASSWORD '{hashed}'")


@contextmanager
def _administering(url: URL) -> Iterator[Connection]:
    options = {"connect_timeout": AWAY_TIMEOUT_S}
    engine = create_engine(
        url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=options
    )
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreUnavailable(f"The administrator's statement failed: {_first_line(error)}") from error
    finally:
        engine.dispose()


def _first_line(error: DBAPIError) -> str:
    """The server's own sentence; it speaks of roles and databases, never of rows."""
    return str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
