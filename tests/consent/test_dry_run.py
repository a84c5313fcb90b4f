"""A dry run says what would become of a call, and does nothing of it."""

from pathlib import Path

from tests.consent.kit import PAY, policy, told
from tests.house import House
from tests.shop import Shop


def test_a_dry_run_shows_the_decision_and_the_request_and_does_nothing(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        asked = await house.ask("POST", "/v1/actions/pay.send?dry_run=true", agent, json=PAY, key="k")
        assert asked.status_code == 200, asked.text
        shown = asked.json()
        assert (shown["state"], shown["decision"], shown["rule"], shown["quorum"]) == ("previewed", "ask", "risk.high", 1)  # fmt: skip
        assert shown["request"]["body"] == PAY
        runs = await house.good(
            "POST", "/v1/actions/mail.send", agent, json={"to": "ada"}, headers={"ostiary-dry-run": "true"}
        )
        assert runs["state"] == "previewed"
        assert shop.requests == 0
        assert (await house.good("GET", "/v1/approvals"))["waiting"] == 0
        found = await house.good("GET", "/v1/audit/events", params={"decision": "previewed"})
        assert [event["action"] for event in found["events"]] == ["mail.send", "pay.send"]
        real = await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY, key="k")
        assert real.status_code == 202  # the key of a dry run is not used up

    told(tmp_path, story)


def test_a_dry_run_of_our_own_actions_does_nothing_either(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        asked = await house.ask(
            "POST", "/v1/keys?dry_run=true", json={"name": "new", "kind": "agent", "roles": ["support"]}
        )
        assert (asked.status_code, asked.json()["state"], asked.json()["decision"]) == (
            200,
            "previewed",
            "run",
        )
        names = [key["name"] for key in (await house.good("GET", "/v1/keys"))["keys"]]
        assert names == ["helper"]

    told(tmp_path, story)


def test_what_would_be_refused_is_refused(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await policy(house, "version: 1\nrefuse: [{name: none, contracts: [pay.*], why: Not by agents}]")
        refused = await house.ask("POST", "/v1/actions/pay.send?dry_run=true", agent, json=PAY)
        assert (refused.status_code, refused.json()["code"]) == (403, "policy.refused")
        bad = await house.ask("POST", "/v1/actions/pay.send?dry_run=true", agent, json={"to": "ada"})
        assert bad.status_code == 422

    told(tmp_path, story)


def test_who_wants_to_try_never_does_by_mistake(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        for wrong in ("?dry_run=yes", "?dry_run", "?dry_run=true&dry_run=false", "?dry_run=1"):
            asked = await house.ask("POST", "/v1/actions/mail.send" + wrong, agent, json={"to": "ada"})
            assert asked.status_code == 400, wrong
        both = await house.ask(
            "POST", "/v1/actions/mail.send?dry_run=false", agent, json={"to": "ada"}, headers={"ostiary-dry-run": "true"}
        )  # fmt: skip
        assert both.status_code == 400
        assert shop.requests == 0

    told(tmp_path, story)


def test_the_request_is_shown_to_who_may_read_contracts_only(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.good("PUT", "/v1/roles/caller", json={"title": "Caller", "permissions": ["contract.call"]})  # fmt: skip
        file = (await house.good("GET", "/v1/contract-files/0"))["file"]
        next(one for one in file["actions"] if one["name"] == "pay.send")["roles"].append("caller")
        import json

        await house.agree(json.dumps(file))
        narrow = await house.make_key("narrow", roles=("caller",))
        shown = await house.good("POST", "/v1/actions/pay.send?dry_run=true", narrow, json=PAY)
        assert (shown["decision"], shown["request"]) == ("ask", None)

    told(tmp_path, story)
