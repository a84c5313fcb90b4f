"""What keeps a call quick, without a clock: nothing is looked up on a warm way, and who waits together is recorded together."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.house import EMBEDDED, House, MovingClock, opened

CONTRACTS = """
version: 1
actions:
  - name: greeting.show
    title: Show a greeting
    description: A constant.
    parameters: {properties: {}, additionalProperties: false}
    roles: [support]
    target: {connector: fixed, constant: {hello: world}}
"""
TOGETHER = 20


class OneMoment(MovingClock):
    """What was looked up stays fresh for the whole test."""

    def monotonic_us(self) -> int:
        return 1_000_000_000_000


async def _quiet(house: House) -> str:
    """A key for the greeting, and a gateway that does nothing of its own accord any more."""
    await house.found()
    await house.connect("fixed", kind="constant")
    await house.agree(CONTRACTS)
    key = await house.make_key("helper")
    for loop in house.gateway._loops:
        loop.cancel()
    await asyncio.gather(*house.gateway._loops, return_exceptions=True)
    return key


def _noted(what: Callable[..., Any], calls: list[str], name: str) -> Callable[..., Any]:
    def noted(*given: Any, **named: Any) -> Any:
        calls.append(name)
        return what(*given, **named)

    return noted


def test_a_warm_call_reads_no_database_and_changes_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def story() -> list[str]:
        async with opened(tmp_path, clock=OneMoment(), **EMBEDDED) as house:
            key = await _quiet(house)
            await house.good("POST", "/v1/actions/greeting.show", key, json={})
            asked: list[str] = []
            loop, gateway = asyncio.get_running_loop(), house.gateway
            monkeypatch.setattr(loop, "run_in_executor", _noted(loop.run_in_executor, asked, "thread"))
            for database in (gateway.database, gateway.keys_database):
                monkeypatch.setattr(database, "read", _noted(database.read, asked, "read"))
            for _ in range(5):
                await house.good("POST", "/v1/actions/greeting.show", key, json={})
            monkeypatch.undo()
            return asked

    assert asyncio.run(story()) == []


def test_calls_that_wait_together_are_recorded_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def story() -> int:
        async with opened(tmp_path, clock=OneMoment(), **EMBEDDED) as house:
            key = await _quiet(house)
            database, audit = house.gateway.database, house.gateway.audit
            begun, go, transactions = threading.Event(), threading.Event(), []
            transact = database.transact

            def slow(work: Callable[..., Any]) -> Any:
                transactions.append(work)
                begun.set()
                assert go.wait(30)
                return transact(work)

            monkeypatch.setattr(database, "transact", slow)
            calls = [asyncio.create_task(_call(house, key))]
            async with asyncio.timeout(30):
                while not begun.is_set():
                    await asyncio.sleep(0)
                calls += [asyncio.create_task(_call(house, key)) for _ in range(TOGETHER)]
                while audit.waiting() < TOGETHER:
                    await asyncio.sleep(0)
            go.set()
            answers = await asyncio.gather(*calls)
            monkeypatch.undo()
            assert {answer["result"]["hello"] for answer in answers} == {"world"}
            return len(transactions)

    assert asyncio.run(story()) == 2


async def _call(house: House, key: str) -> Any:
    return await house.good("POST", "/v1/actions/greeting.show", key, json={})
