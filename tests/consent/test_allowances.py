"""A yes in advance: what it covers, what it never covers, and that it is not used more often than was said, by however many processes."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.consent.kit import agent_id, join, policy, told
from tests.house import House
from tests.shop import Shop


async def allow(house: House, token: str | None = None, **more: Any) -> httpx.Response:
    given = {"agent": await agent_id(house), "contract": "pay.send", "values": {"to": "ada"}, "amount_max": "50", **more}  # fmt: skip
    return await house.ask("POST", "/v1/allowances", token, json=given)


async def pay(house: House, agent: str, to: str = "ada", amount: float = 48, **more: Any) -> httpx.Response:
    return await house.ask("POST", "/v1/actions/pay.send", agent, json={"to": to, "amount": amount}, **more)


def test_what_was_allowed_runs_at_once_and_then_a_person_is_asked_again(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        made = await allow(house, count=2, amount_total="90")
        assert made.status_code == 200, made.text
        assert (await pay(house, agent)).json()["state"] == "done"
        (left,) = (await house.good("GET", "/v1/allowances"))["allowances"]
        assert (left["left"], left["amount_left"], left["state"]) == (1, "42", "standing")
        over = await pay(house, agent, amount=43)
        assert over.status_code == 202
        assert (await pay(house, agent, amount=42)).json()["state"] == "done"
        assert (await pay(house, agent, amount=1)).status_code == 202
        assert shop.done == {"ada": 2}
        used = (await house.good("GET", "/v1/allowances", params={"state": "any"}))["allowances"][0]
        assert (used["state"], used["left"], used["amount_left"]) == ("used", 0, "0")

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("to", "amount"), [("bob", 48), ("ada", 51), ("ada ", 48), ("Ada", 48)]
)  # fmt: skip
def test_anything_else_than_what_was_allowed_asks(tmp_path: Path, to: str, amount: int) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        assert (await allow(house, count=9)).status_code == 200
        assert (await pay(house, agent, to=to, amount=amount)).status_code == 202
        assert shop.requests == 0

    told(tmp_path, story)


def test_another_agent_has_nothing_of_it(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await allow(house)
        other = await house.make_key("other")
        assert (await pay(house, other)).status_code == 202

    told(tmp_path, story)


def test_it_ends_with_its_time_with_a_word_and_with_the_contract(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        first = (await allow(house, count=9)).json()
        await house.good("DELETE", f"/v1/allowances/{first['id']}")
        assert (await pay(house, agent)).status_code == 202
        await allow(house, count=9, expires_in_s=60)
        house.clock.advance(61)
        assert (await pay(house, agent)).status_code == 202
        house.clock.advance(-61)
        file = (await house.good("GET", "/v1/contract-files/0"))["file"]
        next(one for one in file["actions"] if one["name"] == "pay.send")["description"] += " Soon."
        import json

        await house.agree(json.dumps(file))
        assert (await pay(house, agent)).status_code == 202
        states = [row["state"] for row in (await house.good("GET", "/v1/allowances", params={"state": "any"}))["allowances"]]  # fmt: skip
        assert states == ["stale", "revoked"]
        assert shop.requests == 0

    told(tmp_path, story)


def test_only_a_person_with_a_second_factor_and_the_right_allows(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        by_agent = await allow(house, agent)
        assert (by_agent.status_code, by_agent.json()["code"]) == (403, "access.forbidden")
        program = await house.make_key("program", kind="program", roles=("support",))
        by_program = await allow(house, program)
        assert by_program.status_code == 202  # it waits for a person, and then says no
        ada = await join(house, "ada", "support")
        without = await allow(house, ada)
        assert (without.status_code, without.json()["code"]) == (403, "auth.step_up_required")

    told(tmp_path, story)


def test_who_lost_the_right_allowed_nothing(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.good("POST", "/v1/members", json={"email": "boss@pellow.example", "name": "Boss", "role": "owner"})  # fmt: skip
        boss = await house.sign_in("boss@pellow.example")
        assert (await allow(house, count=9)).status_code == 200
        members = (await house.good("GET", "/v1/members", boss))["members"]
        olive = next(row["person"] for row in members if row["name"] == "Olive Owner")
        await house.good("PUT", f"/v1/members/{olive}/role", boss, json={"role": "viewer"})
        assert (await pay(house, agent)).status_code == 202

    told(tmp_path, story)


def test_it_answers_no_question_that_takes_several_people(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        refused = await allow(house, contract="pay.both")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert (await allow(house, count=9)).status_code == 200
        await policy(house, "version: 1\nask: [{name: two, contracts: [pay.send], quorum: 2}]")
        assert (await pay(house, agent)).status_code == 202

    told(tmp_path, story)


def test_four_eyes_hold_for_what_is_allowed_beforehand(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        refused = await allow(house, contract="pay.eyes")
        assert (refused.status_code, refused.json()["code"]) == (403, "approval.self")

    told(tmp_path, story)


@pytest.mark.parametrize(
    "change",
    [
        {"values": {"to": "ada", "amount": 3}},
        {"values": {}},
        {"values": {"to": "ada", "more": 1}},
        {"amount_max": ""},
        {"amount_max": "50", "amount_total": "49"},
        {"amount_max": "-5"},
        {"count": 0},
        {"expires_in_s": 10**9},
        {"contract": "nothing.here"},
    ],
)
def test_what_is_not_bounded_is_not_allowed(tmp_path: Path, change: dict[str, Any]) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        refused = await allow(house, **change)
        assert refused.status_code in (404, 422), refused.text

    told(tmp_path, story)


def test_twenty_at_once_use_up_what_there_is_and_no_more(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await allow(house, count=5, amount_max="10", amount_total="50")
        answers = await asyncio.gather(*(pay(house, agent, amount=10) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [202] * 15
        assert shop.done == {"ada": 5}

    told(tmp_path, story)
