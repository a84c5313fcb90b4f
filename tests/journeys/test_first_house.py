"""The first hour with the gateway, over REST: set up, agree on a contract, read, be held, approve, done once, verified."""

from pathlib import Path

from tests.house import House, play

CONTRACTS = """
version: 1
actions:
  - name: greeting.show
    title: Show a greeting
    description: A constant, with an address in it.
    parameters: {properties: {}, additionalProperties: false}
    roles: [support, owner]
    target: {connector: fixed, constant: {hello: world, mail: ada.marsh@example.com}}
"""


def test_from_the_set_up_token_to_a_masked_audited_answer(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.connect("fixed", kind="constant")
        await house.agree(CONTRACTS)
        agent = await house.make_key("helper")
        answer = await house.good("POST", "/v1/actions/greeting.show", agent, json={})
        assert answer["state"] == "done"
        assert answer["result"]["hello"] == "world"
        assert "ada.marsh@example.com" not in str(answer)
        assert answer["masked"] == {"email": 1}
        off = await house.ask("POST", "/v1/actions/greeting.shout", agent, json={})
        assert (off.status_code, off.json()["code"]) == (404, "contract.unknown")
        events = (await house.good("GET", "/v1/audit/events"))["events"]
        assert [event["decision"] for event in events[:2]] == ["refused", "ran"]
        assert events[1]["action"] == "greeting.show"
        verdict = await house.good("POST", "/v1/audit/verify", json={})
        assert verdict["ok"]

    play(tmp_path, story)


def test_of_a_databases_answer_the_log_keeps_digest_columns_and_counts_and_no_row(tmp_path: Path) -> None:
    import sqlite3

    folder = tmp_path / "sources"
    folder.mkdir()
    source = sqlite3.connect(folder / "shop.db")
    source.executescript(
        "CREATE TABLE p (id TEXT, name TEXT); INSERT INTO p VALUES ('1', 'Quinquireme'), ('2', 'Nineveh')"
    )
    source.close()
    contract = """
version: 1
actions:
  - name: person.list
    title: List people
    description: Everybody.
    parameters: {properties: {}, additionalProperties: false}
    roles: [owner]
    target: {connector: shop, sql: {statement: 'SELECT id, name FROM p ORDER BY id'}}
"""

    async def story(house: House) -> None:
        await house.connect("shop", kind="sqlite", path=str(folder / "shop.db"))
        await house.agree(contract)
        answer = await house.good("POST", "/v1/actions/person.list", json={})
        assert [row["name"] for row in answer["result"]["rows"]] == ["Quinquireme", "Nineveh"]
        (event,) = (await house.good("GET", "/v1/audit/events", params={"call": answer["call_id"]}))["events"]
        assert event["counts"] == {"rows": 2, "columns": 2}
        shown = await house.good("POST", f"/v1/audit/events/{event['id']}/reveal", json={})
        (part,) = shown["parts"]
        assert part["content"]["columns"] == ["id", "name"]
        assert len(part["content"]["answer_digest"]) == 64
        assert "Nineveh" not in str(shown)

    play(tmp_path / "home", story, OSTIARY_SOURCE_ROOTS=str(folder))
