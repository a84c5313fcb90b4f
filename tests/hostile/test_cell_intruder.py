"""Whoever has a cell (its processes, its database password, its root key, a copy of everything) has that tenant, and nothing of another."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.pool import NullPool

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.place import of_url
from ostiary.db.secure import jobs_schema_of
from ostiary.errors import KeysUnavailable, SealBroken
from ostiary.identity import store as identity_store
from ostiary.identity.sessions import name_place
from ostiary.ids import INSTALL, TenantId, digits_of, install_of
from ostiary.secret import Secret
from ostiary.vault import store as vault_store
from ostiary.vault.keyring import KeyRing
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from tests import servers
from tests.conftest import KINDS, MARKS
from tests.isolation.inside import Two, play

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: cells need PostgreSQL")

DENIED = "permission denied|must be a member of the role"  # the second: PostgreSQL before 16
A, B = TenantId("ten_" + "a" * 32), TenantId("ten_" + "b" * 32)


def test_the_role_of_a_cell_reaches_its_own_rows_whatever_it_sets() -> None:
    url = servers.fresh_store("data")
    everybody = Database(url)
    everybody.marks = MARKS
    engine = create_engine(servers.cell_url(url, A), poolclass=NullPool)
    others = [B, INSTALL, install_of(B), TenantId("cell_" + "b" * 32), TenantId("")]
    try:
        for tenant in (A, install_of(A), *others):
            if tenant:
                everybody.transact(
                    lambda c, tenant=tenant: identity_store.add_belonging(c, tenant, "per_1", B, 1)
                )  # type: ignore[misc, arg-type]
        product = url.partition("//")[2].partition("@")[0]
        roles = ["none", f"{product}_sequencer", f"{product}_retention"]
        for tenant in others:
            for role in roles:
                with engine.connect() as connection:
                    connection.execute(text(f"SET ROLE {role}"))
                    connection.execute(
                        text("SELECT set_config('ostiary.tenant', :tenant, false)"), {"tenant": tenant}
                    )
                    for attempt in (
                        "SELECT count(*) FROM belonging",
                        "WITH x AS (UPDATE belonging SET home = 'mine' RETURNING 1) SELECT count(*) FROM x",
                        "WITH x AS (DELETE FROM belonging RETURNING 1) SELECT count(*) FROM x",
                    ):
                        try:
                            with connection.begin_nested():
                                assert connection.execute(text(attempt)).scalar_one() == 0, (
                                    tenant,
                                    role,
                                    attempt,
                                )
                        except ProgrammingError as refused:  # a hand may not even ask
                            if "permission denied" not in str(refused):
                                raise
                    insert = f"INSERT INTO belonging (tenant, person, home, added_us) VALUES ('{tenant}', 'per_2', 'x', 1)"
                    with pytest.raises(DBAPIError, match=r"row-level security|permission denied"):
                        connection.execute(text(insert))
        with engine.connect() as connection:
            connection.execute(text("SELECT set_config('ostiary.tenant', :tenant, false)"), {"tenant": A})
            assert connection.execute(text("SELECT count(*) FROM belonging")).scalar_one() == 1, "its own"
            for escape in (
                f"SET SESSION AUTHORIZATION {product}",
                f"SET ROLE {product}",
                f"SET ROLE {product}_owner",
                f"SET ROLE {product}_backup",
                "ALTER TABLE belonging DISABLE ROW LEVEL SECURITY",
                "DROP POLICY of_tenant ON belonging",
            ):
                with pytest.raises(DBAPIError), connection.begin_nested():
                    connection.execute(text(escape))
    finally:
        engine.dispose()
        everybody.close()
        servers.drop_postgresql(url)
        servers.drop_cell(url, A)


def test_the_role_of_a_cell_ends_nobodys_sessions_sees_no_statement_and_no_job_of_others() -> None:
    """PostgreSQL gives all of that to members of a role: a cell's is none of the product's."""
    url = servers.fresh_store("data")
    servers.make_workflows(url)
    everybody = create_engine(url, poolclass=NullPool)
    engine = create_engine(servers.cell_url(url, A), poolclass=NullPool)
    other = create_engine(servers.cell_url(url, B), poolclass=NullPool)
    servers.make_cell_workflows(url, A)
    servers.make_cell_workflows(url, B)
    place = of_url(everybody.url, "data")
    jobs = {name: jobs_schema_of(place.schema, name * 32) for name in "ab"}
    try:
        with everybody.connect() as theirs, other.connect() as another, engine.connect() as mine:
            for victim in (theirs, another):
                pid = victim.execute(text("SELECT pg_backend_pid()")).scalar_one()
                asked = text("SELECT query FROM pg_stat_activity WHERE pid = :pid")
                assert mine.execute(asked, {"pid": pid}).scalar_one() == "<insufficient privilege>"
                for ending in ("pg_terminate_backend", "pg_cancel_backend"):
                    with pytest.raises(DBAPIError, match=DENIED), mine.begin_nested():
                        mine.execute(text(f"SELECT {ending}(:pid)"), {"pid": pid})
                assert victim.execute(text("SELECT 1")).scalar_one() == 1
            for schema in (*place.extra, jobs["b"]):
                with pytest.raises(DBAPIError, match=DENIED), mine.begin_nested():
                    mine.execute(text(f"SELECT * FROM {schema}.workflow_status"))
            assert mine.execute(text(f"SELECT count(*) FROM {jobs['a']}.workflow_status")).scalar_one() == 0
            product = everybody.url.username
            for role in (product, f"{product}_owner", f"{product}_backup"):
                with pytest.raises(DBAPIError, match=DENIED), mine.begin_nested():
                    mine.execute(text(f"SET ROLE {role}"))
            for refused in (f"CREATE TABLE {place.schema}.mine (a int)", f"CREATE TABLE {jobs['a']}.mine (a int)", "CREATE SCHEMA mine"):  # fmt: skip
                with pytest.raises(DBAPIError, match=DENIED), mine.begin_nested():
                    mine.execute(text(refused))
    finally:
        for each in (everybody, engine, other):
            each.dispose()
        servers.drop_postgresql(url)
        servers.drop_cell(url, A)
        servers.drop_cell(url, B)


def test_a_copy_of_everything_with_the_cells_root_key_opens_nothing_of_another_tenant(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        person = next(
            iter(await of.home.gateway.database.run(lambda c: identity_store.list_members(c, of.stays, 9)))
        )
        name = await of.home.gateway.database.run(
            lambda c: identity_store.find_person(c, INSTALL, person.person)
        )
        assert name is not None
        await of.pin()
        async with of.cell() as cell:
            assert (await cell.ask("GET", "/v1/me", of.key)).status_code == 200

        administrator = servers.administrator().update_query_dict(
            {"options": f"-c search_path={servers._schema(of.keys)}"}
        )
        everything = create_engine(administrator, poolclass=NullPool)
        root = EnvironmentRoot(Secret(of.root))
        with everything.connect() as connection:
            tenants = {row[0] for row in connection.execute(text("SELECT tenant FROM tenant_key"))}
            assert {of.stays, of.tenant, INSTALL, install_of(of.tenant)} <= tenants
            opened = set()
            for install in (INSTALL, install_of(of.tenant)):  # it may call itself what it likes
                view = Database(of.keys, name="keys", install=install)
                ring = KeyRing(view, root, SystemClock(), cell=digits_of(of.tenant))
                for tenant in tenants:
                    for row in vault_store.tenant_keys(connection, TenantId(tenant)):
                        try:
                            plain = ring.unwrapped(connection, TenantId(tenant), row)
                        except (KeysUnavailable, SealBroken):
                            plain = None
                        if plain:
                            opened.add(tenant)
                view.close()
            assert opened <= {of.tenant, install_of(of.tenant), f"cell_{digits_of(of.tenant)}"}
            assert of.tenant in opened
        everything.dispose()

        for install in (INSTALL, install_of(of.tenant)):
            view = Database(of.keys, name="keys", install=install)
            vault = Vault(view, root, SystemClock(), cell=digits_of(of.tenant))
            with pytest.raises((KeysUnavailable, SealBroken)):
                vault.open(name_place(person.person), name.name)
            for tenant in (of.stays,):
                with pytest.raises((KeysUnavailable, SealBroken)):
                    vault.signer(tenant)
            view.close()

    play(tmp_path, story)


def test_the_installation_opens_nothing_of_a_tenant_that_its_cell_has_taken(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        await of.pin()
        async with of.cell() as cell:
            vault = of.home.gateway.vault
            for attempt in (vault.signer, lambda tenant: vault.mac(tenant, "x", b"y")):
                with pytest.raises((KeysUnavailable, SealBroken)):
                    attempt(of.tenant)
            for path in ("/v1/keys", "/v1/calls", "/v1/me", "/v1/connectors"):
                answer = await of.home.ask("GET", path, of.key)
                assert (answer.status_code, answer.json()["code"]) == (421, "tenant.elsewhere"), path
            assert (await cell.ask("GET", "/v1/me", of.key)).status_code == 200
            forged = await of.home.ask("GET", "/v1/me", of.key[:-8] + "AAAAAAAA")
            assert forged.status_code == 401, "who has no valid key is not told where the tenant is"

    play(tmp_path, story)


def test_a_session_of_a_cell_opens_nothing_at_the_installation_and_the_reverse(tmp_path: Path) -> None:
    async def story(of: Two) -> None:
        before = of.home.owner
        await of.pin()
        async with of.cell() as cell:
            member = await cell.sign_in("mia.member@brock.example")
            assert (await cell.ask("GET", "/v1/members", member)).status_code == 200
            assert (await of.home.ask("GET", "/v1/me", member)).status_code == 401
            assert (await cell.ask("GET", "/v1/me", before)).status_code == 401
            assert (await cell.ask("GET", "/v1/me", of.other_key)).status_code == 401
            with pytest.raises(AssertionError):
                await cell.sign_in("stranger@brock.example")
            owner = (await cell.good("GET", "/v1/me", member))["permissions"]
            assert "install.manage" not in owner
            assert (await cell.ask("POST", "/v1/tenants", member, json={"name": "x"})).status_code == 403
            assert not any("/setup" in line for line in cell.desk.shown), "a cell is nobody's to set up"

    play(tmp_path, story)
