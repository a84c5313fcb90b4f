"""Somebody who can write to the database and has no keys: rows that say who may do what are refused once they are not as the gateway wrote them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    LargeBinary,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.engine import Connection

from ostiary.access.store import role
from ostiary.db import marks
from ostiary.db.database import Database
from ostiary.db.marks import Marks
from ostiary.errors import KeysUnavailable, RowForged
from ostiary.identity.api_keys.store import api_key
from ostiary.identity.store import member, session
from ostiary.ids import INSTALL, NO_TENANT, TenantId
from ostiary.privacy.store import privacy_shown
from ostiary.provenance.store import SESSION
from ostiary.secret import Secret
from ostiary.shield.limits.store import COUNT, LIMIT
from ostiary.shield.store import STOP
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault
from ostiary.vault.store import named_key
from tests import servers
from tests.house import ROOT_KEY, House, opened, play
from tests.shop import CONTRACTS, running

A, B = TenantId("ten_a"), TenantId("ten_b")
MARKED = [table for table in servers.all_tables("data").sorted_tables if table.info.get("rows") == "marked"]
MUST_BE = {
    "agent_session", "allowance", "api_key", "belonging", "discovery_item", "discovery_place", "discovery_run", "document_decision", "document_review",
    "document_upload", "intent_key", "key_version", "member", "oauth_client", "oauth_flow", "oauth_grant",
    "oauth_issuer", "oauth_key", "oauth_token", "oauth_trusted", "person", "policy_set", "privacy_shown", "redaction_document", "role", "seen", "session", "session_words",
    "sign_in_code", "signing_secret", "source", "source_model", "source_pass", "source_saved", "stop", "upstream_tool", "use_count", "use_limit",
}  # fmt: skip


def meant(table: Table) -> list[str]:
    """The columns that a mark is over."""
    return [
        column.name
        for column in table.columns
        if column.name not in {"tenant", marks.COLUMN} | table.info["but"]
    ]


def row_of(table: Table, number: int) -> dict[str, Any]:
    """A row with a value of its own in each column."""
    made: dict[str, Any] = {}
    for place, column in enumerate(table.columns):
        if column.name in ("tenant", marks.COLUMN):
            continue
        made[column.name] = value_of(column.type, 10 * number + place, number)
    return made


def value_of(kind: Any, place: int, number: int) -> Any:
    if isinstance(kind, Boolean):
        return bool(number % 2)
    if isinstance(kind, LargeBinary):
        return bytes([place % 256]) * 32
    if isinstance(kind, String):
        return f"v{place}"[: kind.length or 8]
    assert isinstance(kind, Integer | BigInteger)
    return place


def seen_by(connection: Connection, table: Table, tenant: TenantId = A) -> list[dict[str, Any]]:
    """What the gateway reads."""
    return marks.read(connection, tenant, select(table).where(table.c.tenant == tenant))


def scoped(connection: Connection, table: Table, tenant: TenantId) -> list[dict[str, Any]]:
    return marks.of_tenant(lambda c, t: seen_by(c, table, t))(connection, tenant)


def put(database: Database, table: Table, tenant: TenantId, *rows: dict[str, Any]) -> None:
    def write(connection: Connection, tenant: TenantId) -> None:
        for row in rows:
            marks.add(connection, tenant, table, row)

    database.transact(lambda connection: marks.of_tenant(write)(connection, tenant))


def read(database: Database, table: Table, tenant: TenantId = A) -> list[dict[str, Any]]:
    return database.read(lambda connection: scoped(connection, table, tenant))


def refused(database: Database, table: Table, tenant: TenantId = A) -> bool:
    try:
        read(database, table, tenant)
    except RowForged:
        return True
    return False


def tampered(database: Database, *statements: Any) -> None:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    servers.tamper(database, work)


def test_the_tables_that_decide_are_marked() -> None:
    assert {table.name for table in MARKED} == MUST_BE


@pytest.mark.parametrize("table", MARKED, ids=lambda table: table.name)
def test_no_column_of_a_marked_row_is_altered(database: Database, table: Table) -> None:
    one, other = row_of(table, 1), row_of(table, 4)
    put(database, table, A, one)
    assert read(database, table) == [one]
    for name in meant(table):
        tampered(database, update(table).values({name: other[name]}))
        assert refused(database, table), name
        tampered(database, update(table).values({name: one[name]}))
        assert read(database, table) == [one]
    for name in table.info["but"]:
        tampered(database, update(table).values({name: other[name]}))
        assert read(database, table) == [{**one, name: other[name]}]


@pytest.mark.parametrize("table", MARKED, ids=lambda table: table.name)
def test_no_row_is_made_moved_or_given_anothers_mark(database: Database, table: Table) -> None:
    one, two = row_of(table, 1), row_of(table, 4)
    put(database, table, A, one, two)
    with servers.intruder(database) as connection:
        key = [column for column in table.primary_key.columns if column.name != "tenant"]
        first = [column == one[column.name] for column in key]
        second = [column == two[column.name] for column in key]
        own, others = (
            connection.execute(select(table.c[marks.COLUMN]).where(*which)).scalar_one()
            for which in (first, second)
        )
    for mark in (others, b"", b"\x01" + bytes(32), own[:-1]):
        tampered(database, update(table).where(*first).values({marks.COLUMN: mark}))
        assert refused(database, table), mark
    if table.c[marks.COLUMN].nullable:
        tampered(database, update(table).where(*first).values({marks.COLUMN: None}))
        assert refused(database, table)
    tampered(database, delete(table).where(*first), update(table).where(*second).values(tenant=B))
    assert read(database, table) == []
    assert refused(database, table, B)
    tampered(database, delete(table), insert(table).values(tenant=A, **{**two, marks.COLUMN: own}))
    assert refused(database, table)


@pytest.mark.parametrize("table", MARKED, ids=lambda table: table.name)
def test_a_change_gives_no_forged_row_a_mark(database: Database, table: Table) -> None:
    put(database, table, A, row_of(table, 1))
    other = row_of(table, 4)
    key = {column.name for column in table.primary_key.columns}
    flipped = next((name for name in meant(table) if name not in key), None)
    if flipped is None:  # all of it is its key
        return
    tampered(database, update(table).values({flipped: other[flipped]}))

    def change(connection: Connection, tenant: TenantId) -> None:
        marks.change(connection, tenant, table, [], {flipped: other[flipped]})

    with pytest.raises(RowForged):
        database.transact(lambda connection: marks.of_tenant(change)(connection, A))
    assert refused(database, table)


def test_of_two_tenants_neither_has_the_others_key(
    database: Database, keys_database: Database, clock: Any
) -> None:
    vault = made_vault(keys_database, clock)
    database.marks = vault.marks()
    put(database, role, A, row_of(role, 1))
    tampered(database, update(role).values(tenant=B))
    assert refused(database, role, B)


def test_marks_outlive_the_turning_of_keys(database: Database, keys_database: Database, clock: Any) -> None:
    vault = made_vault(keys_database, clock)
    database.marks = vault.marks()
    one = row_of(SESSION, 1)
    put(database, SESSION, A, one)
    put(database, role, A, row_of(role, 1))
    vault.rotate_tenant_now(A)
    assert read(database, SESSION) == [one]
    fresh = Vault(keys_database, vault.keys.root, clock)
    database.marks = fresh.marks()
    assert read(database, SESSION) == [one]
    assert read(database, role) == [row_of(role, 1)]


def test_without_keys_no_marked_row_is_read_or_written(database: Database) -> None:
    database.marks = None
    for ask in (lambda: read(database, role), lambda: put(database, role, A, row_of(role, 1))):
        with pytest.raises(KeysUnavailable):
            ask()


def test_a_refusal_is_told_and_names_the_row(database: Database) -> None:
    told: list[marks.Forged] = []
    database.marks = Marks(lambda _tenant: b"k" * 32, lambda _tenant: b"e" * 32, told.append)
    put(database, role, A, row_of(role, 1))
    tampered(database, update(role).values(permissions="audit.read"))
    assert refused(database, role)
    assert told == [marks.Forged(A, "role", "v11")]


def made_vault(keys_database: Database, clock: Any) -> Vault:
    vault = Vault(keys_database, EnvironmentRoot(Secret(ROOT_KEY)), clock)
    for tenant in (INSTALL, A, B):
        vault.create_tenant_now(tenant)
    return vault


# The upgrade.


def before_the_upgrade(database: Database, keys_database: Database) -> None:
    """As a release that knew no marks left it."""
    for table in marks.earlier_tables():
        tampered(database, update(table).values({marks.COLUMN: None}))
    tampered(keys_database, delete(named_key).where(named_key.c.name == "mac/rows/earlier"))


async def events(house: House, action: str) -> int:
    return len((await house.good("GET", "/v1/audit/events", params={"action": action}))["events"])


def test_the_rows_of_an_earlier_release_are_marked_once_and_recorded(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path) as house:
            await house.found()
            await house.enrol()
            await house.make_key("helper")
            owner, clock = house.owner, house.clock
            before_the_upgrade(house.gateway.database, house.gateway.keys_database)
        async with opened(tmp_path, clock=clock) as house:
            house.owner = owner
            assert await events(house, "rows.marked") == 1
            await house.gateway.tidy()
            assert await events(house, "rows.marked") == 1
            database = house.gateway.database
            with servers.intruder(database) as connection:
                for table in marks.earlier_tables():
                    unmarked = select(table).where(table.c[marks.COLUMN].is_(None))
                    assert connection.execute(unmarked).first() is None, table.name
            tampered(database, update(member).values(added_by="somebody"))
            assert (await house.ask("GET", "/v1/members")).json()["code"] == "rows.forged"

    asyncio.run(story())


def test_nothing_is_marked_while_a_process_of_an_earlier_release_lives(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        gateway = house.gateway
        gateway.processes.earlier = lambda: _true()  # type: ignore[method-assign]
        before_the_upgrade(gateway.database, gateway.keys_database)
        gateway.vault.keys._changed(NO_TENANT, "")
        await gateway.tidy()
        tampered(gateway.database, update(member).values(added_by="an earlier release"))
        assert (await house.ask("GET", "/v1/members")).status_code == 200
        await house.good("PUT", "/v1/privacy/policy", json={"shown": {"owner": ["email"]}})
        with servers.intruder(gateway.database) as connection:
            assert set(connection.execute(select(privacy_shown.c[marks.COLUMN])).scalars()) <= {None}
        gateway.processes.earlier = lambda: _false()  # type: ignore[method-assign]
        await gateway.tidy()
        assert (await house.ask("GET", "/v1/members")).status_code == 200
        tampered(gateway.database, update(member).values(added_by="an intruder"))
        assert (await house.ask("GET", "/v1/members")).json()["code"] == "rows.forged"

    play(tmp_path, story)


async def _true() -> bool:
    return True


async def _false() -> bool:
    return False


# Through the public faces.


def test_nobody_makes_themselves_owner(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = {"email": "sam@pellow.example", "name": "Sam", "role": "viewer"}
        await house.good("POST", "/v1/members", json=body)
        sam = await house.sign_in("sam@pellow.example")
        assert (await house.ask("GET", "/v1/keys", sam)).status_code == 403
        tampered(house.gateway.database, update(member).where(member.c.role == "viewer").values(role="owner"))
        answer = await house.ask("GET", "/v1/keys", sam)
        assert (answer.status_code, answer.json()["code"]) == (500, "rows.forged")
        assert sorted(answer.json()) == ["code", "status", "title", "type"]  # neither table nor row
        await until_recorded(house)

    play(tmp_path, story)


async def until_recorded(house: House) -> None:
    """The refusal stands in the tenant's log, once."""
    for _ in range(100):
        if found := await events(house, "rows.refused"):
            assert found == 1
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not recorded")


def test_a_session_is_not_turned_into_anothers(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = {"email": "sam@pellow.example", "name": "Sam", "role": "viewer"}
        await house.good("POST", "/v1/members", json=body)
        sam = await house.sign_in("sam@pellow.example")
        people = (await house.good("GET", "/v1/members"))["members"]
        (owner,) = [each["person"] for each in people if each["role"] == "owner"]
        tampered(
            house.gateway.database, update(session).where(session.c.person != owner).values(person=owner)
        )
        assert (await house.ask("GET", "/v1/keys", sam)).json()["code"] == "rows.forged"
        assert (await house.ask("GET", "/v1/keys")).status_code == 200

    play(tmp_path, story)


def test_a_key_gets_no_other_roles(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        key = await house.make_key("helper", kind="program", roles=("viewer",))
        tampered(house.gateway.database, update(api_key).values(roles="owner", expires_us=0))
        house.gateway.gate.keys._kept.clear()
        assert (await house.ask("GET", "/v1/members", key)).json()["code"] == "rows.forged"

    play(tmp_path, story)


def test_a_limit_and_what_is_used_of_it_are_not_put_down(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
            await house.connect("letters", kind="http", base_url=shop.url)
            await house.agree(CONTRACTS)
            agent = await house.make_key("helper")
            asked = {"whom": "tenant", "measure": "calls", "most": "2", "per": "day"}
            await house.good("POST", "/v1/limits", json=asked)

            async def send() -> str:
                answer = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"})
                return str(answer.json().get("code", answer.status_code))

            assert await send() == "200"
            tampered(house.gateway.database, update(COUNT).values(used=-1_000))
            assert await send() == "rows.forged"
            tampered(house.gateway.database, update(COUNT).values(used=1))
            assert await send() == "200"
            assert await send() == "limit.reached"
            tampered(house.gateway.database, update(LIMIT).values(most=1_000))
            house.gateway.shield._limits._kept.clear()
            house.gateway.shield._limits._full.clear()
            assert await send() == "rows.forged"
            assert shop.requests == 2

    play(tmp_path, story)


def test_an_altered_stop_stops_everything(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.good("POST", "/v1/stops", json={"kind": "action", "target": "pay.send", "reason": "odd"})
        tampered(house.gateway.database, update(STOP).values(target="nothing.at.all"))
        house.gateway.shield.stops._kept.clear()
        assert (await house.ask("GET", "/v1/members")).json()["code"] == "rows.forged"

    play(tmp_path, story)
