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
