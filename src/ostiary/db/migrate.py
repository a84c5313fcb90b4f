"""Bringing a database to this release's tables. Forward only: a release expands first and contracts in the next one, so that both may run side by side.

Each migration names the oldest release whose statements still fit what it leaves (`COMPATIBLE_FROM`), and the database keeps that as its floor: a process
that finds a later release's tables runs if it is not below the floor. On SQLite the gateway migrates its own file at start; on PostgreSQL it may not, and
says which command does. A database that is up to date costs one query: Alembic is imported only when there is something to do.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, String, Table, inspect, select, text
from sqlalchemy.exc import DBAPIError

from ostiary.db.database import Database
from ostiary.db.place import danger
from ostiary.db.scope import within
from ostiary.db.tables import clear, granted, keys_metadata, metadata, upsert
from ostiary.errors import StoreUnavailable
from ostiary.ids import INSTALL

HEADS = {"data": "0009", "keys": "0002"}
"""The newest migration of each set of tables; a test holds it against the files."""

FOLDER = Path(__file__).parent / "migrations"
TABLES = {"data": metadata, "keys": keys_metadata}

RESTORING = "restoring"
"""What stands instead of the floor from when a restore has put the keys into PostgreSQL until the data are there too."""

_LOCK = 0x05714A27
"""PostgreSQL's advisory lock under which one process at a time migrates."""


def _floor(tables: MetaData) -> Table:
    return Table(
        "schema_floor",
        tables,
        clear("tenant", String(64), primary_key=True),
        clear("oldest", String(32)),
        info=granted(product="SELECT"),
    )


FLOORS = {which: _floor(tables) for which, tables in TABLES.items()}


def upgrade(database: Database, which: str) -> None:
    """Bring the tables ("data" or "keys") up to date, as their owner. Raises StoreUnavailable; a later release's tables are left alone."""
    try:
        if behind(database, which):
            _run(database, which)
    except DBAPIError as error:
        raise StoreUnavailable from error


def prepare(database: Database, which: str) -> None:
    """Make sure that a process may work on the tables: as they are, as the role that it logged in with. Raises StoreUnavailable, which says what to do.

    A file of SQLite's is brought up to date here; on PostgreSQL the product may not, and an administrator has done it.
    """
    if database.sqlite:
        upgrade(database, which)
        return
    try:
        if behind(database, which):
            raise StoreUnavailable(
                f"The tables of the {which} are missing, or an earlier release's: `ostiary db upgrade` makes them."
            )
        if database.read(lambda c: floor(c, which)) == RESTORING:
            raise StoreUnavailable("A restore into it was interrupted: run `ostiary restore` again.")
        if why := database.read(danger):
            raise StoreUnavailable(f"{why} `ostiary db check` says what to change.")
    except DBAPIError as error:
        raise StoreUnavailable from error


def behind(database: Database, which: str) -> bool:
    """Whether migrations are to be run. Raises StoreUnavailable where the tables are of a release that this one does not fit any more."""
    present = version(database)
    if present > HEADS[which] and HEADS[which] < database.read(lambda c: floor(c, which)):
        raise StoreUnavailable("The database belongs to a later release of Ostiary.")
    return present < HEADS[which]


def version(database: Database) -> str:
    """The migration that the database is at; empty for a fresh one."""
    with database.engine().connect() as connection:
        return version_of(connection) if inspect(connection).has_table("alembic_version") else ""


def version_of(connection: Connection) -> str:
    """The migration that the tables, which stand, are at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or "")


def floor(connection: Connection, which: str) -> str:
    """The oldest release that fits the tables as they are; a cell, which cannot see it, takes none that is older than the tables."""
    table = FLOORS[which]
    with within(connection, INSTALL):
        found = connection.execute(select(table.c.oldest).where(table.c.tenant == INSTALL))
        return str(found.scalar_one_or_none() or version_of(connection))


def run(context: Any, which: str) -> None:
    """Alembic's entry, called by each `env.py`: one connection, one transaction, one process at a time."""
    with context.config.attributes["engine"].begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(
                "SET LOCAL lock_timeout = '10s'"
            )  # who waits for a lock holds up whoever comes next
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        context.configure(connection=connection, target_metadata=TABLES[which], render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
        _raise_floor(connection, which, context.script.get_revision("head").module.COMPATIBLE_FROM)


def _raise_floor(connection: Connection, which: str, oldest: str) -> None:
    values = {"tenant": INSTALL, "oldest": oldest}
    with within(connection, INSTALL):
        connection.execute(upsert(connection.dialect.name, FLOORS[which], values, changing=("oldest",)))


def _run(database: Database, which: str) -> None:
    from alembic import command  # noqa: PLC0415 - costs a third of a second, needed once a release
    from alembic.config import Config  # noqa: PLC0415

    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER / which))
    configuration.attributes["engine"] = database.engine()
    command.upgrade(configuration, "head")
