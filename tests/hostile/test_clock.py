"""The clock of one machine jumps an hour forward and an hour back while it works, beside another whose clock is right. Nothing is lost, nothing is done twice,
nobody is taken for dead or locked out; what is signed for now is judged by the clock that is asked.

The machine's clock is the injected one; liveness and takeover go by the database's, rates and what is fresh by one that only runs forward.
"""

import asyncio
from typing import Any

import pytest

from ostiary.net import signature
from ostiary.secret import Secret
from tests.across.pair import Pair, play, soon
from tests.house import House

HOUR_S = 3600
JUMPS = [HOUR_S, -HOUR_S]


async def mail(house: House, agent: str, key: str) -> Any:
    return (await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": key}, key=key)).json()


@pytest.mark.parametrize("jump_s", JUMPS)
def test_calls_sessions_and_idempotency_go_on(jump_s: int) -> None:
    async def story(pair: Pair) -> None:
        told = {f"m{number}": await mail(pair.a, pair.agent, f"m{number}") for number in range(3)}
        pair.a.clock.advance(jump_s)
        told["later"] = await mail(pair.a, pair.agent, "later")
        pair.a.clock.advance(-2 * jump_s)
        told["back"] = await mail(pair.a, pair.agent, "back")
        for house in (pair.a, pair.b):
            for key, answer in told.items():
                again = await mail(house, pair.agent, key)
                assert (again["call_id"], again["state"]) == (answer["call_id"], "done")
            assert (await house.ask("GET", "/v1/me")).status_code == 200
            assert (await house.good("POST", "/v1/audit/verify", json={}))["ok"]
        assert set(pair.shop.done.values()) == {1}

    play(story, own_clocks=True)


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_question_that_waits_is_answered_once_and_no_work_is_taken_over(jump_s: int) -> None:
    async def story(pair: Pair) -> None:
        held = [await pair.pay(pair.a, to=f"p{number}") for number in range(3)]
        pair.a.clock.advance(jump_s)
        assert (await pair.b.approve(held[0]["approval_id"])).status_code == 200
        assert (await pair.a.approve(held[1]["approval_id"])).status_code in (200, 401, 403)
        assert (await pair.b.settled(held[0]["call_id"]))["state"] == "done"
        async with asyncio.timeout(10):
            for _ in range(4):  # a beat of each, and one more
                lives = await pair.b.gateway.processes.live()
                assert {pair.a.gateway.processes.id, pair.b.gateway.processes.id} <= lives
                assert pair.a.gateway.processes.alive
                await asyncio.sleep(0.5)
        pair.a.clock.advance(-jump_s)
        if (await pair.b.good("GET", f"/v1/approvals/{held[1]['approval_id']}"))["state"] == "waiting":
            assert (await pair.b.approve(held[1]["approval_id"])).status_code == 200
        assert (await pair.a.settled(held[1]["call_id"]))["state"] == "done"
        assert (await pair.b.approve(held[2]["approval_id"])).status_code == 200
        assert (await pair.a.settled(held[2]["call_id"]))["state"] == "done"
        assert pair.shop.done == {"p0": 1, "p1": 1, "p2": 1}

    play(story, own_clocks=True)


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_limit_is_neither_forgotten_nor_turned_into_a_lock(jump_s: int) -> None:
    async def story(pair: Pair) -> None:
        await asyncio.sleep(1.1)  # the owner, who set all this up, has the same limit: it is whole again
        key = await pair.a.make_key("greedy")

        async def statuses(count: int) -> list[int]:
            return [(await pair.a.ask("GET", "/v1/me", key)).status_code for _ in range(count)]

        first = await statuses(40)
        assert first.count(429) > 0
        pair.a.clock.advance(jump_s)
        assert (await statuses(30)).count(200) <= 20  # not a fresh bucket

        async def passes() -> bool:
            return (await pair.a.ask("GET", "/v1/me", key)).status_code == 200

        await soon(passes, within_s=5)
        pair.a.clock.advance(-jump_s)
        await soon(passes, within_s=5)

    play(story, own_clocks=True, OSTIARY_KEY_RATE_PER_S="5")


def test_a_nonce_that_was_used_stays_used_when_the_clock_comes_back() -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("partner", "program", signature_required=True)
        made = await pair.a.good("POST", f"/v1/keys/{key.split('_')[2]}/signing-secret", json={})
        path, body = "/v1/actions/mail.send", b'{"to": "bob"}'
        header = signature.sign(
            [Secret(made["secret"])], method="POST", path=path, body=body,
            now_s=pair.b.clock.now_us() // 1_000_000, nonce="n" * 20,
        )  # fmt: skip
        headers = {"ostiary-signature": header, "content-type": "application/json"}

        async def send(house: House) -> int:
            return (await house.ask("POST", path, key, content=body, headers=headers)).status_code

        assert await send(pair.b) == 200
        for jump_s in (HOUR_S, -2 * HOUR_S, HOUR_S):
            pair.a.clock.advance(jump_s)
            assert await send(pair.a) in (401, 409)
            assert await send(pair.b) == 409
        assert pair.shop.done == {"bob": 1}

    play(story, own_clocks=True)


@pytest.mark.parametrize("jump_s", JUMPS)
def test_checkpoints_go_on_from_one_another(jump_s: int) -> None:
    async def story(pair: Pair) -> None:
        sizes = []
        for jump in (0, jump_s, -2 * jump_s):
            pair.a.clock.advance(jump)
            for house in (pair.a, pair.b):
                await mail(house, pair.agent, f"c{len(sizes)}")
                sizes.append((await house.good("GET", "/v1/audit/checkpoint"))["size"])
        assert sizes == sorted(set(sizes))
        assert (await pair.b.good("POST", "/v1/audit/verify", json={}))["ok"]

    play(story, own_clocks=True)
