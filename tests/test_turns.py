"""Turns: each tenant's next goes first, a place is never lost, and who waits outside holds none."""

import asyncio

import pytest

from ostiary.turns import Turns, away


def test_each_name_is_served_in_turn() -> None:
    async def story() -> list[str]:
        turns, order, go = Turns(1), list[str](), asyncio.Event()

        async def call(name: str) -> None:
            async with turns.turn(name):
                await go.wait()
                order.append(name)

        tasks = [asyncio.create_task(call("greedy")) for _ in range(5)]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(call("modest")) for _ in range(2)]
        await asyncio.sleep(0)
        assert turns.waiting() == 6
        go.set()
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(story()) == ["greedy", "greedy", "modest", "greedy", "modest", "greedy", "greedy"]


def test_who_is_away_holds_no_place() -> None:
    async def story() -> list[str]:
        turns, order, answer = Turns(1), list[str](), asyncio.Event()

        async def waits() -> None:
            async with turns.turn("a"):
                async with away():
                    await answer.wait()
                order.append("a")

        async def quick() -> None:
            async with turns.turn("b"):
                order.append("b")
                answer.set()

        await asyncio.gather(waits(), quick())
        return order

    assert asyncio.run(story()) == ["b", "a"]


@pytest.mark.parametrize("rounds", range(4))
def test_a_place_is_not_lost_when_who_waits_for_it_is_gone(rounds: int) -> None:
    async def story() -> None:
        turns, inside = Turns(2), 0

        async def call(name: str) -> None:
            nonlocal inside
            async with turns.turn(name):
                inside += 1
                assert inside <= 2
                try:
                    await asyncio.sleep(0)
                finally:
                    inside -= 1
                async with away():
                    await asyncio.sleep(0)

        tasks = [asyncio.create_task(call(str(number % 3))) for number in range(30)]
        for number in range(0, 30, 2 + rounds):
            await asyncio.sleep(0)
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(2):
            async with asyncio.timeout(1):
                await turns.take("after")

    asyncio.run(story())
