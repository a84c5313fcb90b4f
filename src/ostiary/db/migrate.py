"""Bringing a database to this release's tables. Forward only: a release expands first and contracts in the next one, so that both may run side by side.

A database that is already there costs one query: Alembic is imported only when there is something to do.
"""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from ostiary.db.database import Database
from ostiary.errors import StoreUnavailable

HEADS = {"data": "0001", "keys": "0001"}
"""The newest migration of each set of tables; a test holds it against the files."""

FOLDER = Path(__file__).parent / "migrations"


def upgrade(database: Database, tables: str) -> None:
    """Bring `tables` ("data" or "keys") up to date. Raises StoreUnavailable; a database of a later release is left alone and refused."""
    try:
        present = version(database)
    except DBAPIError as error:
        raise StoreUnavailable from error
    if present == HEADS[tables]:
        return
    if present > HEADS[tables]:
        raise StoreUnavailable("The database belongs to a later release of Ostiary.")
    _run(database, tables)


def version(database: Database) -> str:
    """The migration that the database is at; empty for a fresh one."""
    with database.engine().connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(
            connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
        )


def _run(database: Database, tables: str) -> None:
    from alembic import command  # noqa: PLC0415 - costs a third of a second, needed once a release
    from alembic.config import Config  # noqa: PLC0415

    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER / tables))
    configuration.attributes["engine"] = database.engine()
    command.upgrade(configuration, "head")
