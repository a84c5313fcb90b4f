"""Several statements in one round trip, for the few places where a lock is held meanwhile (PostgreSQL's pipeline mode).

What is sent in a burst runs as the scope says that stands around it. Errors come as SQLAlchemy's, so callers see no difference.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ostiary.db.scope import setting_due


@contextmanager
def burst(connection: Connection) -> Iterator["psycopg.Connection[Any]"]:
    """The driver's connection in pipeline mode: results are there when the block has ended. PostgreSQL only."""
    raw: psycopg.Connection[Any] = connection.connection.dbapi_connection  # type: ignore[assignment]
    try:
        with raw.pipeline():
            if setting := setting_due(connection):
                raw.execute(*setting)
            yield raw
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error, dialect=connection.dialect) from error
