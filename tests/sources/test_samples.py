"""What columns hold is seen from a few rows, where the policy lets that happen, and nothing of a row is told or kept."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.engines.given import ENGINES
from tests.hostile.test_sources import files_with
from tests.house import EMBEDDED, House, play
from tests.sources.given import OPEN, asked, furnish
from tests.sources.test_sources import code

CANARY = "kestrel.quoin@example.org"
SAMPLED = {"version": 1, "rules": [{"name": "all", "tables": ["*"]}], "samples": True}


def people(root: Path) -> None:
    root.mkdir()
    with closing(sqlite3.connect(root / "people.sqlite")) as store, store:
        store.execute("CREATE TABLE people (id INTEGER, c1 TEXT, c2 TEXT, c3 TEXT, email TEXT, empty TEXT)")
        store.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, NULL)",
            [(n, f"{n}.{CANARY}", "4111 1111 1111 1111" if n % 9 == 0 else f"order {n}", f"box {n}", f"{n}.{CANARY}") for n in range(300)],
        )  # fmt: skip
        store.execute('CREATE TABLE "the select" ("from card" TEXT)')
        store.execute("INSERT INTO \"the select\" VALUES ('5555 5555 5555 4444')")


def story(tmp_path: Path, work: Any, policy: dict[str, Any] = SAMPLED) -> None:
    people(tmp_path / "sources")

    async def whole(house: House) -> None:
        await furnish(house, {"kind": "sqlite", "path": "people.sqlite"}, policy, "people")
        await work(house)

    play(tmp_path / "home", whole, OSTIARY_SOURCE_ROOTS=str(tmp_path / "sources"), **EMBEDDED)


def test_what_columns_hold_is_seen_and_no_row_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    async def work(house: House) -> None:
        done = await house.ask("POST", "/v1/sources/people/sample", json={})
        assert done.status_code == 200, done.text
        assert CANARY not in done.text
        found = {(each["column"].removeprefix("main."), each["category"]): each for each in done.json()["found"]}  # fmt: skip
        assert set(found) == {("people.c1", "email"), ("people.c2", "card"), ("people.email", "email"), ("the select.from card", "card")}  # fmt: skip
        assert (found["people.c1", "email"]["share"], found["people.c1", "email"]["tags"]) == (1.0, [])
        assert found["people.email", "email"]["tags"] == ["email"]
        assert found["people.c2", "card"]["looked_at"] == 50
        one = await house.good("POST", "/v1/sources/people/sample", json={"tables": ["main.people"]})
        assert (one["tables"], one["unread"]) == (1, [])
        events = await house.good("GET", "/v1/audit/events", params={"limit": "5"})
        assert any(each["action"] == "source.sample" for each in events["events"])

    story(tmp_path, work)
    assert files_with(tmp_path / "home", CANARY.encode()) == []
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err


def test_nothing_is_read_unless_the_policy_says_so(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        refused = await house.ask("POST", "/v1/sources/people/sample", json={})
        assert code(refused)[0] == 409
        assert "set samples" in refused.json()["detail"]
        agent = await house.make_key("helper", roles=("developer",))
        assert (await house.ask("POST", "/v1/sources/people/sample", agent, json={})).status_code == 403
        missing = await house.ask("POST", "/v1/sources/people/sample", json={"tables": ["nothing"]})
        assert missing.status_code == 409

    story(tmp_path, work, {**SAMPLED, "samples": False})


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_is_looked_at(engine: str, tmp_path: Path) -> None:
    async def work(house: House, schema: str) -> None:
        done = await house.good("POST", "/v1/sources/shop/sample", json={"tables": [f"{schema}.*"]})
        assert (done["tables"] >= 2, done["unread"]) == (True, [])
        assert "Ada" not in str(done)

    asked(tmp_path, engine, work, {**OPEN, "samples": True})
