"""The whole gateway on each of the two databases: held, approved, done once, proven, and the same after a restart."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.house import House, opened
from tests.shop import CONTRACTS, running

PAY = {"to": "ada", "amount": 48}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    url = servers.fresh_store("data") if request.param == "postgresql" else ""
    yield url
    if url:
        servers.drop_postgresql(url)


def test_a_payment_is_held_approved_done_once_and_proven_across_a_restart(
    tmp_path: Path, database_url: str
) -> None:
    async def first(house: House, url: str) -> tuple[str, dict[str, str], dict[str, str]]:
        await house.found()
        await house.enrol()
        await house.connect("shop", kind="http", base_url=url, honours_idempotency_key=True)
        await house.connect("letters", kind="http", base_url=url)
        await house.agree(CONTRACTS)
        agent = await house.make_key("helper")
        held = await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY, key="k1")
        assert held.status_code == 202
        same = await asyncio.gather(
            *(
                house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k2")
                for _ in range(6)
            )
        )
        assert {answer.status_code for answer in same} <= {200, 409}
        off = await house.ask("POST", "/v1/actions/pay.everyone", agent, json={})
        assert (off.status_code, off.json()["code"]) == (404, "contract.unknown")
        kept = await house.good("GET", "/v1/audit/checkpoint")
        return agent, held.json(), kept

    async def second(house: House, agent: str, held: dict[str, str], kept: dict[str, str]) -> None:
        assert (await house.approve(held["approval_id"])).status_code == 200
        ended = await house.settled(held["call_id"], agent)
        assert (ended["state"], ended["result"]) == ("done", {"paid": 48, "number": 1})
        again = await house.good("POST", "/v1/actions/pay.send", agent, json=PAY, key="k1")
        assert (again["call_id"], again["result"]) == (held["call_id"], {"paid": 48, "number": 1})
        verdict = await house.good("POST", "/v1/audit/verify", json={"checkpoint": kept["checkpoint"]})
        assert (verdict["ok"], verdict["complete"]) == (True, True)
        trail = (await house.good("GET", "/v1/audit/events", params={"call": held["call_id"]}))["events"]
        assert [event["decision"] for event in trail][-4:] == ["ran", "intended", "approved", "held"]

    async def whole() -> None:
        with running() as shop:
            async with opened(tmp_path, database_url=database_url) as house:
                agent, held, kept = await first(house, shop.url)
                owner, clock = house.owner, house.clock
            async with opened(tmp_path, database_url=database_url, clock=clock) as house:
                house.owner = owner
                await second(house, agent, held, kept)
            assert shop.done == {"ada": 1, "bob": 1}

    asyncio.run(whole())
