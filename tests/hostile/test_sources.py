"""Sources attacked: rows that should be nowhere afterwards, databases that are none to be asked, statements that nobody waits for, and agents that would open doors themselves."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.completions import provider
from tests.engines.given import ENGINES
from tests.guard.given import statements
from tests.house import EMBEDDED, House, play
from tests.sources.given import OPEN, asked, connected, executed, furnish, told
from tests.sources.test_sources import code, query, rows

CANARY = "kestrel-7f3a-quoin"


def files_with(where: Path, word: bytes) -> list[str]:
    """Of a folder, or of one file."""
    several = where.rglob("*") if where.is_dir() else [where]
    return [str(each) for each in several if each.is_file() and word in each.read_bytes()]


def test_no_row_is_kept_anywhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Answered, cut, refused by the database, held, asked for by an agent in a session, and looked at in the log."""
    root = tmp_path / "sources"
    root.mkdir()
    with closing(sqlite3.connect(root / "shop.sqlite")) as store, store:
        store.execute("CREATE TABLE notes (id INTEGER, body TEXT, big INTEGER)")
        store.executemany(
            "INSERT INTO notes VALUES (?, ?, 9223372036854775807)",
            [(number, f"{CANARY} {number}") for number in range(40)],
        )

    async def story(house: House) -> None:
        policy = {"version": 1, "rules": [{"name": "all", "tables": ["notes"]}]}
        await furnish(house, {"kind": "sqlite", "path": "shop.sqlite"}, policy)
        agent = await house.make_key("helper")
        for token in (None, agent):
            assert CANARY in str(await rows(house, "SELECT body FROM notes", token, rows=30))
            assert (await query(house, "SELECT body, sum(big) AS n FROM notes", token)).status_code == 422
        await house.good("GET", "/v1/audit/events")
        await house.work()

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=str(root), **EMBEDDED)
    assert files_with(tmp_path / "home", CANARY.encode()) == []
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err


def test_the_gateways_own_files_are_no_source(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        home = house.gateway.settings.home
        for kind, path in (("sqlite", home / "ostiary.db"), ("duckdb", home), ("duckdb", tmp_path)):
            settings = {"settings": {"kind": kind, "path": str(path)}}
            refused = await house.ask("PUT", "/v1/connectors/own", json=settings)
            assert code(refused) == (403, "net.address_refused"), path

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=str(tmp_path), **EMBEDDED)


def test_a_link_out_of_a_folder_of_files_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "sources"
    (root / "files").mkdir(parents=True)
    (root / "files" / "a.csv").write_text("id,name\n1,Ada\n")
    (tmp_path / "secret.csv").write_text(f"id\n{CANARY}\n")

    async def story(house: House) -> None:
        policy = {"version": 1, "rules": [{"name": "all", "tables": ["*"]}]}
        await furnish(house, {"kind": "duckdb", "path": "files"}, policy)
        assert len(await rows(house, "SELECT id FROM a")) == 1
        os.symlink(tmp_path / "secret.csv", root / "files" / "b.csv")
        for method, path in (("GET", "drift"), ("POST", "index")):
            answer = await house.ask(method, f"/v1/sources/shop/{path}")
            assert code(answer) == (403, "net.address_refused")
        assert CANARY not in (await query(house, "SELECT * FROM b")).text

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=str(root), **EMBEDDED)


def test_the_gateways_own_database_is_no_source(tmp_path: Path) -> None:
    """By whatever name its server is called, and whichever of its schemas is meant."""
    with connected("postgresql", tmp_path) as (settings, schema, reached):

        async def story(house: House) -> None:
            url = house.gateway.database.url
            if url.get_backend_name() != "postgresql":
                pytest.skip("not run: the suite runs on SQLite")
            own = {**settings, "database": url.database}
            for host in ("127.0.0.1", "localhost"):
                await house.connect("own", **{**own, "host": host})
                policy = told(OPEN, schema)
                refused = await house.ask("PUT", "/v1/sources/own", json={"policy": policy})
                assert code(refused) == (403, "net.address_refused")

        play(tmp_path / "home", story, **reached)


def test_a_statement_that_nobody_waits_for_is_stopped(tmp_path: Path) -> None:
    with connected("postgresql", tmp_path) as (settings, schema, reached):
        executed(
            settings,
            f"INSERT INTO {schema}.orders SELECT n, 9, 'EU', 1 FROM generate_series(10, 1000) AS n",
        )

        async def story(house: House) -> None:
            await furnish(house, settings, told(OPEN, schema))
            many = f"{schema}.orders AS o0 " + " ".join(
                f"JOIN {schema}.orders AS o{number} ON o{number}.customer_id = o{number - 1}.customer_id"
                for number in range(1, 5)
            )
            asking = asyncio.create_task(query(house, f"SELECT count(*) AS n FROM {many}"))
            for _ in range(100):
                await asyncio.sleep(0.05)
                if running(settings):
                    break
            assert not asking.done(), (await asking).text
            assert running(settings)
            asking.cancel()
            begun = time.monotonic()
            while running(settings):
                await asyncio.sleep(0.02)
                assert time.monotonic() - begun < 5
            assert await rows(house, f"SELECT id FROM {schema}.orders WHERE id < 3 ORDER BY id") == [
                {"id": 1},
                {"id": 2},
            ]

        play(tmp_path / "home", story, **reached)


def running(settings: dict[str, Any]) -> int:
    """Statements that the server works on in that database."""
    where = {name: settings[name] for name in ("host", "port", "user")}
    with psycopg.connect(**where, dbname="postgres") as server:
        found = server.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = %s",
            [settings["database"]],
        ).fetchone()
    return int(found[0]) if found else 0


def test_an_agent_opens_nothing_and_agrees_to_nothing_itself(tmp_path: Path) -> None:
    policy = {**OPEN, "rules": [{**OPEN["rules"][1], "consent": "confirm"}]}

    async def story(house: House, schema: str) -> None:
        agent = await house.make_key("helper", roles=("admin",))
        statement = {"statement": "SELECT count(*) AS n FROM main.orders"}
        for method, path, body in (
            ("PUT", "shop", {"policy": told(OPEN, schema)}),
            ("POST", "shop/index", {}),
            ("POST", "shop/preview", {}),
            ("DELETE", "shop", None),
        ):
            refused = await house.ask(method, f"/v1/sources/{path}", agent, json=body)
            assert refused.status_code == 403, (method, path, refused.text)
        assert code(await query(house, statement["statement"], agent)) == (403, "query.held")
        held = await house.ask("POST", "/v1/sources/shop/confirm", agent, json=statement)
        assert held.status_code == 202
        assert code(await query(house, statement["statement"], agent)) == (403, "query.held")
        assert (await house.approve(held.json()["approval_id"])).status_code < 300
        await house.settled(held.json()["call_id"], agent)
        assert await rows(house, statement["statement"], agent) == [{"n": 3}]
        assert code(await query(house, statement["statement"], agent)) == (403, "query.held")

    asked(tmp_path, "sqlite", story, policy)


def test_a_connector_that_leads_elsewhere_is_not_asked_before_somebody_looked(tmp_path: Path) -> None:
    async def story(house: House, _schema: str) -> None:
        root = house.gateway.settings.source_roots[0]
        with closing(sqlite3.connect(root / "other.sqlite")) as store, store:
            store.execute("CREATE TABLE customers (id INTEGER, name TEXT, ssn TEXT)")
        await house.connect("shop", kind="sqlite", path="other.sqlite")
        assert code(await query(house, "SELECT id FROM customers")) == (409, "conflict")
        assert not (await house.good("GET", "/v1/sources/shop"))["current"]
        found = await house.good("POST", "/v1/sources/shop/index")
        assert "main.orders" in found["gone"]
        assert await rows(house, "SELECT id FROM customers") == []

    asked(tmp_path, "sqlite", story)


def test_two_askers_at_once_get_each_their_own(tmp_path: Path) -> None:
    """The same statement, by whom all is open and by whom a part is, forty times at once."""

    async def story(house: House, schema: str) -> None:
        europe = await house.make_key("europe", kind="program")
        statement = f"SELECT count(*) AS n FROM {schema}.orders"

        async def one(token: str | None) -> Any:
            return (await rows(house, statement, token))[0]["n"]

        found = await asyncio.gather(*(one(europe if number % 2 else None) for number in range(40)))
        assert found == [3, 2] * 20

    asked(tmp_path, "postgresql", story)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_that_answers_attacks_gets_nothing_run_and_nothing_told(tmp_path: Path, engine: str) -> None:
    """Every attack that is known here, and statements that reach for what is hidden, as the answer of a model to a question that we do not understand."""
    attacks = [statement for dialect, statement in statements("refused") if dialect in (engine, "any")]
    with provider() as (stub, url):

        async def story(house: House, schema: str) -> None:
            reader = await house.make_key("reader", kind="program")
            for attack in (*attacks, *writes(schema)):
                stub.say = lambda _data, attack=attack: {"sql": attack}
                back = await house.good("POST", "/v1/sources/shop/ask", reader, json={"question": "who spends like mad"})  # fmt: skip
                assert (back["by"], back["statement"], back["rows"]) == ("", "", []), attack
            stub.say = lambda _data: {"sql": f"SELECT * FROM {schema}.customers ORDER BY id"}
            masked = await house.good("POST", "/v1/sources/shop/ask", reader, json={"question": "who spends like mad"})  # fmt: skip
            assert [each["ssn"] for each in masked["rows"]] == ["***", "***"]
            stub.say = lambda _data: {
                "sql": f"SELECT count(*) AS n, sum(amount) AS amount FROM {schema}.orders"
            }
            (still,) = (await house.good("POST", "/v1/sources/shop/ask", json={"question": "who spends like mad"}))["rows"]  # fmt: skip
            assert (still["n"], int(still["amount"])) == (3, 60)

        policy = {**OPEN, "provider": True}
        asked(tmp_path, engine, story, policy, OSTIARY_ASK_MODEL_URL=url, OSTIARY_ASK_MODEL="evil")
    asked_about = str(stub.heard)
    assert len(attacks) > 20
    assert not [each for each in ("123-45", "678-90", "Ada", "Bob") if each in asked_about], "no row is told"


def writes(schema: str) -> list[str]:
    orders = f"{schema}.orders"
    return [
        f"DELETE FROM {orders}",
        f"UPDATE {orders} SET amount = 0",
        f"INSERT INTO {orders} SELECT * FROM {orders}",
        f"SELECT 1; DROP TABLE {orders}",
        f"WITH gone AS (DELETE FROM {orders} RETURNING *) SELECT * FROM gone",
        f"SELECT * FROM {schema}.paid",
        f"CREATE TABLE copied AS SELECT * FROM {schema}.customers",
        f"SELECT ssn || '' FROM {schema}.customers FOR UPDATE",
    ]
