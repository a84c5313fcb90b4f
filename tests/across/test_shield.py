"""One limit and one kill switch over both processes."""

import asyncio
import math
import time

from tests.across.pair import Pair, play, soon
from tests.house import House

MAIL = {"to": "bob"}


async def mail(house: House, key: str) -> int:
    return (await house.ask("POST", "/v1/actions/mail.send", key, json=MAIL)).status_code


async def code(house: House, key: str) -> str:
    answer = (await house.ask("POST", "/v1/actions/mail.send", key, json=MAIL)).json()
    return str(answer.get("code", answer.get("state", "")))


def test_an_agent_that_goes_to_both_in_turn_has_one_limit() -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("greedy")
        asked = [(pair.a, pair.b)[number % 2].ask("GET", "/v1/me", key) for number in range(60)]
        began = time.monotonic()
        statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
        grown = math.ceil(20 * (time.monotonic() - began))
        assert 18 <= statuses.count(200) <= 22 + grown  # a burst of 20, and what grows back meanwhile
        assert statuses.count(429) == 60 - statuses.count(200)
        refused = await pair.b.ask("GET", "/v1/me", key)
        assert refused.status_code == 200 or refused.headers["retry-after"] == "1"

    play(story, OSTIARY_KEY_RATE_PER_S="20")


def test_strangers_at_both_have_one_limit() -> None:
    async def story(pair: Pair) -> None:
        asked = [(pair.a, pair.b)[number % 2].ask("GET", "/v1/me", "") for number in range(70)]
        began = time.monotonic()
        statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert 28 <= statuses.count(401) <= 32 + math.ceil(time.monotonic() - began)  # a burst of 30
        assert statuses.count(429) == 70 - statuses.count(401)

    play(story, OSTIARY_ANONYMOUS_RATE_PER_MINUTE="60")


def test_a_stopped_agent_passes_nowhere_and_what_was_held_waits() -> None:
    async def story(pair: Pair) -> None:
        other = await pair.a.make_key("other")
        held = await pair.pay(pair.b)
        assert await mail(pair.b, pair.agent) == 200
        key_id = pair.agent.split("_")[2]
        stop = await pair.a.good(
            "POST", "/v1/stops", json={"kind": "key", "target": key_id, "reason": "it asks odd things"}
        )

        async def stopped() -> bool:
            return await code(pair.b, pair.agent) == "shield.stopped"

        await soon(stopped)
        assert await code(pair.a, pair.agent) == "shield.stopped"
        assert await mail(pair.b, other) == 200
        assert (await pair.a.approve(held["approval_id"])).status_code == 200
        await asyncio.sleep(3)  # longer than the other process would wait before it begins
        assert pair.shop.done["ada"] == 0
        await pair.b.good("DELETE", f"/v1/stops/{stop['stop_id']}")
        assert (await pair.a.settled(held["call_id"]))["state"] == "done"
        assert pair.shop.done["ada"] == 1
        assert (await pair.a.good("GET", "/v1/stops"))["stops"] == []

    play(story)


def test_a_stopped_agent_is_not_kept_waiting_at_the_other_process() -> None:
    async def story(pair: Pair) -> None:
        held = await pair.pay(pair.b)
        waiting = asyncio.create_task(pair.b.ask("GET", f"/v1/calls/{held['call_id']}?wait_s=30", pair.agent))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        stop = {"kind": "key", "target": pair.agent.split("_")[2], "reason": "it asks odd things"}
        await pair.a.good("POST", "/v1/stops", json=stop)

        async def ended() -> bool:
            return waiting.done()

        await soon(ended, within_s=2)  # it is told within a second, and looks once a second
        assert waiting.result().json()["code"] == "shield.stopped"

    play(story)


def test_a_stopped_action_is_stopped_for_everybody() -> None:
    async def story(pair: Pair) -> None:
        await pair.a.good(
            "POST", "/v1/stops", json={"kind": "action", "target": "mail.send", "reason": "spam"}
        )

        async def stopped() -> bool:
            return await code(pair.b, pair.agent) == "shield.stopped"

        await soon(stopped)
        assert await code(pair.b, pair.b.owner) == "shield.stopped"
        assert (await pair.pay(pair.b))["state"] == "held"

    play(story)


def test_everything_stops_but_people() -> None:
    async def story(pair: Pair) -> None:
        await pair.a.good("POST", "/v1/stops", json={"kind": "everything", "reason": "a leak"})

        async def stopped() -> bool:
            return await code(pair.b, pair.agent) == "shield.stopped"

        await soon(stopped)
        assert await code(pair.b, pair.b.owner) == "done"
        (shown,) = (await pair.b.good("GET", "/v1/stops"))["stops"]
        assert (shown["kind"], shown["reason"]) == ("everything", "a leak")

    play(story)


def test_only_who_may_stops_and_lets_go_on() -> None:
    async def story(pair: Pair) -> None:
        asked = {"kind": "programs", "reason": "no"}
        assert (await pair.a.ask("POST", "/v1/stops", pair.agent, json=asked)).status_code == 403
        admin = await pair.a.make_key("admin agent", roles=("admin",))
        assert (await pair.a.ask("POST", "/v1/stops", admin, json=asked)).status_code == 403  # an agent
        program = await pair.a.make_key("admin program", "program", roles=("admin",))
        everything = {"kind": "everything", "reason": "no"}
        assert (await pair.a.ask("POST", "/v1/stops", program, json=everything)).status_code == 403
        stop = await pair.a.good("POST", "/v1/stops", json=everything)
        assert (await pair.a.ask("DELETE", f"/v1/stops/{stop['stop_id']}", program)).status_code == 404
        assert (await pair.a.ask("POST", "/v1/stops", json=everything)).status_code == 409
        for wrong in (
            {"kind": "key", "reason": "no"},
            {"kind": "programs", "target": "x", "reason": "no"},
            {"kind": "action", "target": "shield.resume", "reason": "no"},
            {"kind": "action", "target": "x", "reason": ""},
        ):
            assert (await pair.a.ask("POST", "/v1/stops", json=wrong)).status_code == 422

    play(story)
