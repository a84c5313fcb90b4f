"""`ostiary db init`, `upgrade` and `check` on a real server: from nothing to as designed, and every way in which it may not be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from ostiary.db import place
from ostiary.db.install import bring, cells_of, look, make, make_cell
from ostiary.errors import StoreUnavailable
from ostiary.ids import TenantId, token
from tests import servers
from tests.conftest import KINDS

pytestmark = [
    pytest.mark.skipif("postgresql" not in KINDS, reason="not run: only SQLite was asked for"),
    pytest.mark.xdist_group("roles"),
]

NAME = f"ostiary_place_{os.getpid()}"
PASSWORD = "pass%20word-" + token(8)


@dataclass
class There:
    """A place with a role of its own; `run` executes as an administrator in its database."""

    url: URL
    administrator: URL

    def run(self, *statements: str) -> None:
        engine = create_engine(
            self.administrator.set(database=self.url.database),
            isolation_level="AUTOCOMMIT",
            poolclass=NullPool,
        )
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def problems(self) -> list[str]:
        return [want.problem for want in look(self.url, "data")[1]]


def _gone(administrator: URL, name: str) -> None:
    engine = create_engine(administrator, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    roles = [name, *(f"{name}_{end}" for end in ("owner", "sequencer", "retention", "backup"))]
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        for role in roles:
            connection.execute(text(f"DROP ROLE IF EXISTS {role}"))


@pytest.fixture(scope="module")
def made() -> Iterator[There]:
    administrator = servers.administrator()
    url = administrator.set(username=NAME, password=PASSWORD, database=NAME)
    servers.all_tables("data")
    make(url, administrator, "data")
    assert bring(url, administrator, "data") == []
    yield There(url, administrator)
    _gone(administrator, NAME)


@pytest.fixture
def there(made: There) -> Iterator[There]:
    """As designed, before and after."""
    assert made.problems() == []
    yield made
    bring(made.url, made.administrator, "data")
    assert made.problems() == []


def test_from_nothing_to_as_designed_and_again(there: There) -> None:
    make(there.url, there.administrator, "data")
    assert bring(there.url, there.administrator, "data") == []


def test_the_password_of_the_address_is_kept_as_a_hash(there: There) -> None:
    engine = create_engine(there.administrator, poolclass=NullPool)
    with engine.connect() as connection:
        kept = connection.scalar(text(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{NAME}'"))
    assert kept.startswith("SCRAM-SHA-256$")


def test_the_printed_script_does_the_same_by_psql(there: There) -> None:
    script = place.script(place.of_url(there.url, "data"))
    assert PASSWORD not in script
    there.run(f"REVOKE {NAME}_sequencer FROM {NAME}", f"GRANT CREATE ON SCHEMA public TO {NAME}")
    assert there.problems() == [f"{NAME} may make tables.", f"{NAME} cannot take on {NAME}_sequencer."]
    url = there.administrator.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        done = subprocess.run(["psql", url, "-qX"], input=script, text=True, capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("not run: no psql on this machine")
    assert (done.returncode, done.stderr.replace("NOTICE", "")) == (0, done.stderr.replace("NOTICE", ""))
    assert there.problems() == []


@pytest.mark.parametrize(
    ("done", "undone", "problem"),
    [
        ("GRANT DELETE ON audit_event TO {}", "", "audit_event: {} may DELETE."),
        ("GRANT UPDATE (envelope, number) ON audit_log TO {}", None, ""),
        ("GRANT UPDATE (size) ON audit_log TO {}", "", 'audit_log: {} may UPDATE ("size").'),
        ("GRANT SELECT ON person TO PUBLIC", "", "person: everybody may SELECT."),
        ("REVOKE INSERT ON role FROM {}", "", "role: {} may not INSERT."),
        ("ALTER TABLE role DISABLE ROW LEVEL SECURITY", "", "role: rows are not confined to their tenant."),
        ("ALTER TABLE role NO FORCE ROW LEVEL SECURITY", "", "role: rows are not confined to their tenant."),
        ("ALTER POLICY of_tenant ON role USING (true)", "", "role: rows are not confined to their tenant."),
        ("ALTER POLICY of_tenant ON role TO {}", "", "role: rows are not confined to their tenant."),
        ("ALTER POLICY of_tenant ON role WITH CHECK (true)", "", "role: rows are not confined to their tenant."),
        ("CREATE POLICY more ON role USING (true)", "", "role: a policy that is not ours."),
        ("ALTER ROLE {} BYPASSRLS", "ALTER ROLE {} NOBYPASSRLS", "{} has BYPASSRLS."),
        ("ALTER ROLE {} CREATEROLE", "ALTER ROLE {} NOCREATEROLE", "{} has CREATEROLE."),
        ("ALTER ROLE {} CREATEDB", "ALTER ROLE {} NOCREATEDB", "{} has CREATEDB."),
        ("ALTER ROLE {} SUPERUSER", "ALTER ROLE {} NOSUPERUSER", "{} is a superuser: give the product a role of its own, `ostiary db init` makes it."),
        ("GRANT {}_owner TO {}", "REVOKE {}_owner FROM {}", "{} owns tables, or is a member of their owner."),
        ("GRANT {}_backup TO {}", "REVOKE {}_backup FROM {}", "{} may take on {}_backup."),
        ("GRANT CREATE ON SCHEMA public TO {}", "REVOKE CREATE ON SCHEMA public FROM {}", "{} may make tables."),
        ("REVOKE {}_retention FROM {}", "GRANT {}_retention TO {}", "{} cannot take on {}_retention."),
    ],
)  # fmt: skip
def test_what_is_not_as_designed_is_named_and_repaired(
    there: There, done: str, undone: str | None, problem: str
) -> None:
    """`undone` None: the statement itself is refused. Empty: `ostiary db upgrade` repairs it, as the owner."""
    statement = done.replace("{}", NAME)
    if undone is None:
        with pytest.raises(Exception, match="does not exist"):
            there.run(statement)
        return
    there.run(statement)
    found = look(there.url, "data")[1]
    assert {want.problem for want in found} == {problem.replace("{}", NAME)}
    if undone:
        there.run(undone.replace("{}", NAME))
    else:
        there.run(f"SET ROLE {NAME}_owner", *(want.sql for want in found))


def test_inherited_hands_are_found(there: There) -> None:
    again = (f"REVOKE {NAME}_sequencer FROM {NAME}", f"GRANT {NAME}_sequencer TO {NAME}")
    there.run(f"ALTER ROLE {NAME} INHERIT", *again)
    found = look(there.url, "data")[1]
    assert f"{NAME} has what {NAME}_sequencer may do without taking it on." in [
        want.problem for want in found
    ]
    there.run(*(want.sql for want in found))


def test_what_is_somebody_elses_in_the_schema_is_left_alone(there: There) -> None:
    there.run("CREATE TABLE theirs (id int)", "CREATE TABLE theirs_too (tenant text)")
    assert there.problems() == []
    assert bring(there.url, there.administrator, "data") == []
    there.run("DROP TABLE theirs", "DROP TABLE theirs_too")


CELL = TenantId("ten_" + "c" * 32)


@pytest.fixture
def cell(there: There) -> Iterator[str]:
    """A cell's role, made by the command; its name."""
    name = f"{NAME}_cell_{'c' * 32}"
    made = command(there, "db", "init", "--cell", CELL, "--apply")
    assert (made.returncode, made.stdout) == (0, f"data: {name}\n"), made.stderr
    yield name
    there.run(f"DROP OWNED BY {name}")
    there.run(f"DROP SCHEMA dbos_{'c' * 32} CASCADE", f"DROP ROLE {name}")


@pytest.mark.journey
def test_the_command_makes_a_cells_role_and_the_next_release_keeps_it(there: There, cell: str) -> None:
    assert there.problems() == []
    make_cell(there.url, there.administrator, "data", CELL)  # again
    as_cell = make_url(there.url.render_as_string(hide_password=False)).set(username=cell, password=None)
    looked = command(there, "db", "check", OSTIARY_DATABASE_URL=as_cell.render_as_string(hide_password=False))
    assert (looked.returncode, looked.stdout) == (0, "data: as designed\n"), looked.stderr
    there.run(f"REVOKE SELECT ON role FROM {cell}", f"GRANT DELETE ON audit_event TO {cell}")
    assert there.problems() == [f"audit_event: {cell} may DELETE.", f"role: {cell} may not SELECT."]
    assert bring(there.url, there.administrator, "data") == []
    assert cells_of(there.url, there.administrator) == ["c" * 32]
    there.run(f"GRANT {NAME} TO {cell}")  # as 0.2 made it
    make_cell(there.url, there.administrator, "data", CELL)
    with pytest.raises(Exception, match="permission denied"):
        there.run(f"SET SESSION AUTHORIZATION {cell}", f"SET ROLE {NAME}")


@pytest.mark.journey
def test_the_printed_script_of_a_cell_does_the_same(there: There, cell: str) -> None:
    printed = command(there, "db", "init", "--cell", CELL)
    assert (printed.returncode, f'CREATE ROLE "{cell}" LOGIN' in printed.stdout) == (0, True)
    assert PASSWORD not in printed.stdout
    there.run(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {cell}")
    assert len(there.problems()) > 10
    url = there.administrator.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        done = subprocess.run(["psql", url, "-qX"], input=printed.stdout, text=True, capture_output=True, timeout=60)  # fmt: skip
    except FileNotFoundError:
        pytest.skip("not run: no psql on this machine")
    assert (done.returncode, "ERROR" in done.stderr) == (0, False), done.stderr
    assert there.problems() == []


@pytest.mark.journey
def test_a_cell_of_no_tenant_is_refused(there: There) -> None:
    for wrong in ("ten_1", "per_" + "c" * 32, "x'; DROP ROLE y; --"):
        refused = command(there, "db", "init", "--cell", wrong)
        assert (refused.returncode, refused.stderr) == (2, "--cell takes a tenant's id, ten_...\n")
    nobody = command(there, "db", "init", "--cell", CELL, "--apply", OSTIARY_ADMIN_URL="")
    assert (nobody.returncode, "Who is the administrator?" in nobody.stderr) == (2, True)


def test_a_table_that_the_product_made_becomes_the_owners(there: There) -> None:
    """As the release before did, whose role owned the tables."""
    there.run(f"ALTER TABLE role OWNER TO {NAME}")
    assert f"role belongs to {NAME}." in there.problems()
    make(there.url, there.administrator, "data")


@pytest.mark.parametrize(
    ("query", "host", "verified"),
    [
        ({}, "db.example", False),
        ({"sslmode": "require"}, "db.example", False),
        ({"sslmode": "verify-full"}, "db.example", True),
        ({}, "127.0.0.1", True),
        ({}, "/var/run/postgresql", True),
    ],
)
def test_beyond_this_machine_the_servers_certificate_is_verified(
    query: dict[str, str], host: str, verified: bool
) -> None:
    url = URL.create("postgresql+psycopg", "o", host=host, database="o", query=query)
    assert place.of_url(url, "data").verified is verified


def test_names_are_quoted() -> None:
    url = make_url("postgresql+psycopg://o%22%3B%20DROP@h/d%22b?options=-csearch_path%3Ds")
    script = place.script(place.of_url(url, "data"))
    assert '"o""; DROP_owner"' in script
    assert '\\connect "d""b"' in script


def test_a_server_that_is_away_says_so(there: There) -> None:
    away = there.administrator.set(host="127.0.0.1", port=1)
    with pytest.raises(StoreUnavailable):
        make(there.url, away, "data")
    with pytest.raises(StoreUnavailable):
        bring(there.url, away, "data")
    with pytest.raises(StoreUnavailable):
        look(there.url.set(host="127.0.0.1", port=1), "data")


def command(there: There, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")},
        "OSTIARY_DATABASE_URL": there.url.render_as_string(hide_password=False),
        "OSTIARY_ADMIN_URL": there.administrator.render_as_string(hide_password=False),
        **changed,
    }
    run = [sys.executable, "-c", "from ostiary.cli.main import main; main()", *arguments]
    return subprocess.run(run, env=environ, text=True, capture_output=True, timeout=60)


@pytest.mark.journey
def test_the_commands(there: There) -> None:
    printed = command(there, "db", "init")
    assert (printed.returncode, f'CREATE ROLE "{NAME}_owner"' in printed.stdout) == (0, True)
    assert PASSWORD not in printed.stdout
    done = command(there, "db", "upgrade")
    assert (done.returncode, done.stdout) == (0, "data: as designed\n")
    there.run(f"GRANT DELETE ON audit_event TO {NAME}")
    checked = command(there, "db", "check", "--json")
    found = json.loads(checked.stdout)["data"]
    assert (checked.returncode, found["behind"]) == (1, False)
    assert found["problems"][0]["sql"] == f'REVOKE DELETE ON "audit_event" FROM "{NAME}"'
    assert command(there, "db", "upgrade").returncode == 0
    assert command(there, "db", "check").stdout == "data: as designed\n"
    nobody = command(there, "db", "upgrade", OSTIARY_ADMIN_URL="")
    assert (nobody.returncode, nobody.stderr) == (
        2,
        "Who is the administrator? Give --admin-url or OSTIARY_ADMIN_URL.\n",
    )
    lite = command(there, "db", "check", OSTIARY_DATABASE_URL="")
    assert (lite.returncode, lite.stderr.startswith("Neither OSTIARY_DATABASE_URL nor")) == (2, True)


@pytest.mark.journey
@pytest.mark.parametrize(
    ("done", "undone", "sentence"),
    [
        ("ALTER ROLE {} SUPERUSER", "ALTER ROLE {} NOSUPERUSER", "The role {} is a superuser; the product's must not."),
        ("ALTER ROLE {} BYPASSRLS", "ALTER ROLE {} NOBYPASSRLS", "The role {} bypasses row-level security;"),
        ("GRANT {}_owner TO {}", "REVOKE {}_owner FROM {}", "The role {} owns the tables, or is a member"),
        ("GRANT {}_backup TO {}", "REVOKE {}_backup FROM {}", "The role {} may take on {}_backup, which"),
        ("ALTER TABLE role NO FORCE ROW LEVEL SECURITY", "ALTER TABLE role FORCE ROW LEVEL SECURITY", "1 tables do not keep tenants apart."),
        ("UPDATE alembic_version SET version_num = '0001'", "UPDATE alembic_version SET version_num = '0009'", "The tables of the data are missing, or an earlier release's: `ostiary db upgrade` makes them."),
    ],
)  # fmt: skip
def test_a_gateway_refuses_to_start(
    there: There, tmp_path: object, done: str, undone: str, sentence: str
) -> None:
    there.run(done.replace("{}", NAME))
    try:
        refused = command(
            there, "serve", OSTIARY_HOME=str(tmp_path), OSTIARY_ADMIN_URL="", OSTIARY_PORT="0",
            OSTIARY_ROOT_KEY="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        )  # fmt: skip
    finally:
        there.run(undone.replace("{}", NAME))
    assert (refused.returncode, sentence.replace("{}", NAME) in refused.stderr) == (2, True), refused.stderr
    assert "Traceback" not in refused.stderr
