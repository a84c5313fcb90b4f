"""The database's own clock jumps an hour forward and back, while two processes work on it: liveness, takeover and rates go by it. Nothing acknowledged is lost,
nothing is done twice, no work is taken from who lives, and nobody is locked out. The clock is a function in front of the server's, as the product asks it."""

import asyncio

import httpx
import pytest

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.jobs.processes import DEAD_S, Processes
from tests import servers
from tests.across.pair import Pair, play, soon
from tests.conftest import KINDS, StillClock
from tests.house import House

pytestmark = pytest.mark.skipif("postgresql" not in KINDS, reason="not run: only SQLite was asked for")

HOUR_S = 3600
JUMPS = [HOUR_S, -HOUR_S]


async def asked(pair: Pair, house: House, name: str) -> dict[str, str]:
    """A call that is held; where the clock went back the limit may say "slow down" for as long as one call takes to be due."""
    answers: list[httpx.Response] = []

    async def held() -> bool:
        body = {"to": name, "amount": 48}
        answers.append(await house.ask("POST", "/v1/actions/pay.send", pair.agent, json=body, key=name))
        assert answers[-1].status_code in (202, 429), answers[-1].text
        return answers[-1].status_code == 202

    await soon(held, within_s=5)
    return dict(answers[-1].json())


@pytest.mark.parametrize("jump_s", JUMPS)
def test_what_was_acknowledged_stands_and_nothing_is_done_twice(jump_s: int) -> None:
    async def story(pair: Pair) -> None:
        told: dict[str, str] = {}
        for turn, seconds in enumerate((0, jump_s, 0)):
            pair.jump(seconds)
            held = {}
            for name, house in (("a", pair.a), ("b", pair.b)):
                held[f"{name}{turn}"] = await asked(pair, house, f"{name}{turn}")
            for card, house in zip(held.values(), (pair.b, pair.a), strict=True):
                assert (await house.approve(card["approval_id"])).status_code == 200
            for key, card in held.items():
                told[key] = card["call_id"]
                assert (await pair.a.settled(card["call_id"]))["state"] == "done"
        for house in (pair.a, pair.b):
            for key, call in told.items():
                body = {"to": key, "amount": 48}
                again = await house.ask("POST", "/v1/actions/pay.send", pair.agent, json=body, key=key)
                assert (again.json()["call_id"], again.json()["state"]) == (call, "done")
            assert (await house.good("POST", "/v1/audit/verify", json={}))["ok"]
        assert set(pair.shop.done.values()) == {1}
        assert len(pair.shop.done) == 6

    play(story)


@pytest.mark.parametrize("jump_s", JUMPS)
def test_a_limit_is_neither_forgotten_nor_turned_into_a_lock(jump_s: int) -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("greedy")

        async def statuses(count: int) -> list[int]:
            return [(await pair.a.ask("GET", "/v1/me", key)).status_code for _ in range(count)]

        async def passes() -> bool:
            return (await pair.a.ask("GET", "/v1/me", key)).status_code == 200

        assert (await statuses(150)).count(429) > 0
        pair.jump(jump_s)
        await soon(passes, within_s=10)
        assert (await statuses(150)).count(429) > 0
        pair.jump(0)
        await soon(passes, within_s=10)

    play(story, OSTIARY_KEY_RATE_PER_S="20")


@pytest.mark.parametrize("jump_s", JUMPS)
def test_who_lives_is_not_taken_for_dead_and_who_died_is(jump_s: int) -> None:
    url = servers.clocked(servers.fresh_store("data"))
    clocks = [StillClock() for _ in range(3)]
    databases = [Database(url) for _ in clocks]
    one, two, dead = (Processes(database, clock, "web") for database, clock in zip(databases, clocks, strict=True))  # fmt: skip

    def passes(seconds: int) -> None:
        """Time goes on for everybody, the database's clock among them."""
        passed[0] += seconds
        for clock in clocks:
            clock.advance(seconds)

    passed = [0]

    async def story() -> None:
        for process in (one, two, dead, one, two):
            await process.beat()
        servers.jump(url, jump_s)
        assert await one.live() == {one.id, two.id, dead.id}, "the jump kills nobody"
        await one.beat()
        assert one.known == {one.id, two.id, dead.id}
        passes(DEAD_S - 1)
        servers.jump(url, jump_s + passed[0])
        await two.beat()
        await one.beat()
        assert one.known >= {one.id, two.id}
        passes(2)
        servers.jump(url, jump_s + passed[0])
        assert await one.live() == {one.id, two.id}, "who has not said it since is dead, on either side"

    try:
        asyncio.run(story())
    finally:
        for database in databases:
            database.close()
        servers.drop_postgresql(url)


def test_a_slow_database_is_no_jump() -> None:
    """A look that takes longer than DEAD_S says nothing about clocks."""
    url = servers.fresh_store("data")
    database, clock = Database(url), StillClock()
    process, other = Processes(database, clock, "web"), Processes(database, SystemClock(), "web")

    async def story() -> None:
        await process.beat()
        await other.beat()
        rows = await process.all()
        asked_us = clock.monotonic_us()
        clock.advance(DEAD_S * 2)
        process._know(rows, asked_us)
        assert process._jumped_us < 0
        process._know(rows, clock.monotonic_us())
        assert process._jumped_us > 0

    try:
        asyncio.run(story())
    finally:
        database.close()
        servers.drop_postgresql(url)
