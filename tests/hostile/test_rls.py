"""PostgreSQL itself keeps tenants apart, and the audit log from whoever is not its sequencer: statements that forget, and statements that somebody slipped in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from ostiary.access import store as access_store
from ostiary.access.store import RoleRow, role
from ostiary.audit.store import audit_event, audit_log, audit_subject, audit_tile
from ostiary.db.database import Database
from ostiary.db.scope import hand, of_tenant, within
from ostiary.errors import KeysUnavailable
from ostiary.ids import NO_TENANT, TenantId
from ostiary.vault.store import data_key, named_key, tenant_key
from tests import servers
from tests.conftest import KINDS, MARKS

A, B = TenantId("ten_a"), TenantId("ten_b")
AUDIT = (audit_event, audit_log, audit_subject, audit_tile)

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: only SQLite was asked for")


@pytest.fixture
def data() -> Iterator[Database]:
    """Two tenants, each with a role of one name."""
    url = servers.fresh_store("data")
    database = Database(url)
    database.marks = MARKS
    for tenant in (A, B):
        row = RoleRow("clerk", frozenset({"audit.read"}), tenant.encode(), 1)
        database.transact(
            lambda connection, tenant=tenant, row=row: access_store.put(connection, tenant, row)
        )
    yield database
    database.close()
    servers.drop_postgresql(url)


@pytest.fixture
def keys() -> Iterator[Database]:
    url = servers.fresh_store("keys")
    database = Database(url)
    yield database
    database.close()
    servers.drop_postgresql(url)


@of_tenant
def forgetful(connection: Connection, tenant: TenantId) -> list[str]:
    """A store function whose author forgot the tenant."""
    return list(connection.scalars(select(role.c.tenant)))


def seen(connection: Connection) -> list[str]:
    return list(connection.scalars(select(role.c.tenant)))


def both(database: Database) -> list[tuple[str, bytes]]:
    """What really stands there."""
    with servers.intruder(database) as connection:
        return [(row.tenant, row.words) for row in connection.execute(select(role).order_by(role.c.tenant))]


def refused(database: Database, work: Callable[[Connection], Any], *, by: str = "permission denied") -> None:
    with pytest.raises(DBAPIError, match=by):
        database.transact(work)


def test_a_statement_that_forgets_its_tenant_sees_the_callers_rows_only(data: Database) -> None:
    assert data.read(lambda c: forgetful(c, A)) == ["ten_a"]
    assert data.read(lambda c: forgetful(c, B)) == ["ten_b"]


def test_a_statement_outside_of_every_tenant_sees_nothing(data: Database) -> None:
    assert data.read(seen) == []
    assert data.read(lambda c: [forgetful(c, A), seen(c)]) == [["ten_a"], []]
    assert data.read(lambda c: forgetful(c, NO_TENANT)) == []


def test_a_function_of_one_tenant_that_calls_one_of_another_comes_back_to_its_own(data: Database) -> None:
    def nested(connection: Connection) -> list[list[str]]:
        with within(connection, A):
            inner = forgetful(connection, B)
            return [inner, seen(connection)]

    assert data.read(nested) == [["ten_b"], ["ten_a"]]


def test_an_error_in_a_function_does_not_leave_its_tenant_behind(data: Database) -> None:
    @of_tenant
    def broken(connection: Connection, tenant: TenantId) -> None:
        seen(connection)
        raise KeyError

    def both_of_them(connection: Connection) -> list[str]:
        with pytest.raises(KeyError):
            broken(connection, A)
        return seen(connection)

    assert data.read(both_of_them) == []


@pytest.mark.parametrize(
    "statement", [update(role).values(words=b"x"), delete(role)], ids=["update", "delete"]
)
def test_a_change_that_forgets_its_tenant_leaves_the_others_rows(data: Database, statement: Any) -> None:
    def change(connection: Connection) -> None:
        with within(connection, A):
            connection.execute(statement)

    data.transact(change)
    assert (B, b"ten_b") in both(data)
    assert (A, b"ten_a") not in both(data)


def test_anothers_row_is_not_inserted_nor_made_out_of_ones_own(data: Database) -> None:
    new = {"tenant": B, "name": "mine", "permissions": "", "words": b"x", "changed_us": 1}

    def slip_in(connection: Connection) -> None:
        with within(connection, A):
            connection.execute(insert(role).values(new))

    def hand_over(connection: Connection) -> None:
        with within(connection, A):
            connection.execute(update(role).values(tenant=B, name="moved"))

    before = both(data)
    refused(data, slip_in, by="row-level security")
    refused(data, hand_over, by="row-level security")
    assert both(data) == before


def test_an_upsert_does_not_reach_anothers_row(data: Database) -> None:
    """ON CONFLICT names the row by its key, which has the tenant: the policy refuses what it would write."""
    row = RoleRow("clerk", frozenset(), b"x", 1)

    def overwrite(connection: Connection) -> None:
        with within(connection, A):
            access_store.put.__wrapped__(connection, B, row)  # type: ignore[attr-defined]

    refused(data, overwrite, by="row-level security")
    assert (B, b"ten_b") in both(data)


def test_the_tenant_ends_with_its_transaction(data: Database) -> None:
    """One connection after another from the pool: none still has a tenant."""
    for _ in range(20):
        assert data.read(lambda c: forgetful(c, A)) == ["ten_a"]
        assert data.read(seen) == []
        with pytest.raises(IntegrityError):
            data.transact(lambda c: access_store_twice(c))
        assert data.read(seen) == []


def access_store_twice(connection: Connection) -> None:
    with within(connection, B):
        for _ in range(2):
            connection.execute(
                insert(role).values(tenant=B, name="twice", permissions="", words=b"", changed_us=1)
            )


def test_a_savepoint_that_is_rolled_back_takes_no_tenant_with_it_and_leaves_none(data: Database) -> None:
    def work(connection: Connection) -> list[list[str]]:
        found = [forgetful(connection, A)]
        savepoint = connection.begin_nested()
        found.append(forgetful(connection, B))
        savepoint.rollback()
        found += [seen(connection), forgetful(connection, A)]
        with connection.begin_nested():
            found.append(forgetful(connection, B))
        return [*found, seen(connection)]

    assert data.read(work) == [["ten_a"], ["ten_b"], [], ["ten_a"], ["ten_b"], []]


@pytest.mark.parametrize(
    "slipped_in",
    [
        "SET ostiary.tenant = 'ten_b'",
        "SELECT set_config('ostiary.tenant', 'ten_b', false)",
        f"SET ROLE {servers.ROLES.hands['sequencer']}",
        f"SELECT set_config('role', '{servers.ROLES.hands['retention']}', false)",
    ],
)
def test_what_a_statement_set_for_the_session_does_not_outlive_its_transaction(
    data: Database, slipped_in: str
) -> None:
    for _ in range(8):  # every connection of the pool
        data.transact(lambda c: c.execute(text(slipped_in)))
    for _ in range(8):
        assert data.read(seen) == []
        assert data.read(lambda c: forgetful(c, A)) == ["ten_a"]
        assert data.read(lambda c: c.scalar(text("SELECT current_user"))) == servers.ROLE


@pytest.mark.parametrize("table", AUDIT, ids=lambda table: table.name)
def test_the_product_reads_the_log_and_writes_none_of_it(data: Database, table: Any) -> None:
    values = {
        column.name: b"x" if str(column.type).startswith(("BLOB", "BYTEA")) else 1 for column in table.c
    }

    def within_a(statement: Any) -> Callable[[Connection], Any]:
        def work(connection: Connection) -> Any:
            with within(connection, A):
                return connection.execute(statement).rowcount

        return work

    assert data.read(within_a(select(table))) == 0
    first = list(table.c)[-1]
    for statement in (
        insert(table).values({**values, "tenant": A}),
        update(table).values({first.name: first}),
        delete(table),
        text(f"TRUNCATE {table.name}"),
        text(f"COPY {table.name} FROM STDIN"),
    ):
        refused(data, within_a(statement))


def test_the_sequencer_reaches_its_own_tables_only(data: Database) -> None:
    def as_sequencer(statement: Any) -> Callable[[Connection], Any]:
        def work(connection: Connection) -> Any:
            with within(connection, A), hand(connection, "sequencer"):
                return connection.execute(statement)

        return work

    for statement in (
        select(role),
        insert(role).values(tenant=A, name="n", permissions="", words=b"", changed_us=1),
        delete(role),
        select(audit_event),
        update(audit_event).values(parts=b""),
        delete(audit_event),
        delete(audit_log),
        delete(audit_tile),
        delete(audit_subject),
        text("SELECT * FROM alembic_version"),
        text("CREATE TABLE mine (x int)"),
    ):
        refused(data, as_sequencer(statement))
    moved = update(audit_log).values(size=0)
    assert (
        data.transact(lambda c: as_sequencer(moved)(c).rowcount) == 0
    )  # its own, and none of another tenant


def test_the_sequencer_is_confined_to_its_tenant_too(data: Database) -> None:
    head = {"size": 1, "root": b"r", "checkpoint": "", "at_us": 1}

    def append(tenant: TenantId) -> Callable[[Connection], Any]:
        def work(connection: Connection) -> Any:
            with hand(connection, "sequencer"), within(connection, A):
                return connection.execute(insert(audit_log).values(tenant=tenant, **head))

        return work

    data.transact(append(A))
    refused(data, append(B), by="row-level security")


def test_retention_drops_bodies_and_neither_rows_nor_places(data: Database) -> None:
    def as_retention(statement: Any) -> Callable[[Connection], Any]:
        def work(connection: Connection) -> Any:
            with within(connection, A), hand(connection, "retention"):
                return connection.execute(statement)

        return work

    data.transact(as_retention(update(audit_event).values(parts=b"")))
    for statement in (
        update(audit_event).values(number=7),
        update(audit_event).values(tenant=B),
        delete(audit_event),
        insert(audit_log).values(tenant=A, size=1, root=b"", checkpoint="", at_us=1),
        delete(audit_tile),
        select(role),
    ):
        refused(data, as_retention(statement))


@pytest.mark.parametrize(
    "statement",
    [
        f"SET ROLE {servers.ROLES.owner}",
        f"SET LOCAL ROLE {servers.ROLES.owner}",
        f"SET SESSION AUTHORIZATION {servers.ROLES.owner}",
        f"SET ROLE {servers.ROLES.backup}",
        "ALTER TABLE role DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE role NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY of_tenant ON role",
        "CREATE POLICY all_of_them ON role USING (true)",
        f"ALTER ROLE {servers.ROLE} BYPASSRLS",
        "CREATE TABLE mine (x int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE role",
        "TRUNCATE role",
        "UPDATE alembic_version SET version_num = '9999'",
        "UPDATE schema_floor SET oldest = '9999'",
        "COPY role TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
    ],
)
def test_the_product_changes_nothing_about_its_own_confinement(data: Database, statement: str) -> None:
    refused(
        data, lambda c: c.execute(text(statement)), by="permission denied|must be owner|must be superuser"
    )


def test_the_product_grants_itself_nothing(data: Database) -> None:
    data.transact(
        lambda c: c.execute(text(f"GRANT ALL ON audit_event TO {servers.ROLE}"))
    )  # PostgreSQL warns
    refused(data, lambda c: c.execute(delete(audit_event)))


def test_row_level_security_is_not_switched_off_by_the_session(data: Database) -> None:
    """row_security=off makes a confined statement fail; it does not show more."""

    def work(connection: Connection) -> Any:
        connection.execute(text("SET LOCAL row_security = off"))
        return seen(connection)

    refused(data, work, by="row-level security")


def test_the_owner_is_confined_as_well(data: Database) -> None:
    owner = Database(servers.owner_url(data.url.render_as_string(hide_password=False)))
    try:
        assert owner.read(lambda c: c.scalar(text("SELECT current_user"))) == servers.ROLES.owner
        assert owner.read(seen) == []
        assert owner.read(lambda c: forgetful(c, A)) == ["ten_a"]
    finally:
        owner.close()


@pytest.mark.parametrize("table", [data_key, named_key, tenant_key], ids=lambda table: table.name)
def test_keys_are_overwritten_and_never_deleted(keys: Database, table: Any) -> None:
    def remove(connection: Connection) -> None:
        with within(connection, A):
            connection.execute(delete(table))

    refused(keys, remove)


def test_a_key_store_shows_one_tenants_keys(keys: Database) -> None:
    with servers.intruder(keys) as connection:
        for tenant in (A, B):
            row = {"name": "n", "key_version": 1, "wrapped": b"w", "created_us": 1}
            connection.execute(insert(named_key).values(tenant=tenant, **row))

    def count(connection: Connection) -> int:
        with within(connection, A):
            return connection.scalar(select(func.count()).select_from(named_key)) or 0

    assert keys.read(count) == 1
    assert keys.read(lambda c: c.scalar(select(func.count()).select_from(named_key))) == 0


@pytest.mark.parametrize("which", ["data", "keys"])
def test_every_table_with_a_tenant_is_confined_and_belongs_to_the_owner(which: str) -> None:
    url = servers.fresh_store(which)
    database = Database(url)
    try:
        with servers.intruder(database) as connection:
            rows = connection.execute(
                text(
                    "SELECT relname, relrowsecurity AND relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class"
                    " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'"
                )
            ).all()
    finally:
        database.close()
        servers.drop_postgresql(url)
    assert {name for name, *_ in rows} == set(servers.all_tables(which).tables)
    assert {(confined, owner) for _, confined, owner in rows} == {(True, servers.ROLES.owner)}


def test_a_connection_that_nobody_follows_sees_nothing(data: Database) -> None:
    """A mistake of ours, such as an engine of its own, fails closed."""
    from sqlalchemy import create_engine

    engine = create_engine(data.url)
    with engine.connect() as connection:
        assert seen(connection) == []
        with pytest.raises(KeysUnavailable):
            access_store.listed(connection, A)
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(delete(audit_event))
    engine.dispose()
