"""Checks of a rate: in memory alone, with leases over PostgreSQL, and with one upsert a check; and how well a limit holds over several processes.

The three take turns in short rounds in one run. The leased limit is far above what is asked, so that what is measured is the check, not the refusal. The
second part gives one hot key to several processes at once (each with nothing in memory but its own) and counts what passed.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import servers
from tests.keys import ROOT_KEY

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.errors import TooMany
from ostiary.ids import INSTALL
from ostiary.secret import Secret
from ostiary.shield import leases as leases_module
from ostiary.shield.leases import Leases, Limit
from ostiary.vault.root import EnvironmentRoot
from ostiary.vault.sealing import Vault

ROUNDS = int(os.environ.get("OSTIARY_BENCH_ROUNDS", "5"))
ROUND_S = float(os.environ.get("OSTIARY_BENCH_ROUND_S", "0.5"))
AT_ONCE = 64
RATE = 1_000_000
HOT_RATE, HOT_BURST, PROCESSES, HOT_S = 200, 200, 4, 5.0

Check = Callable[[], Awaitable[None]]


async def measure(vault: Vault, data: str) -> dict[str, float]:
    clock = SystemClock()
    embedded, shared = Database("sqlite:///never-opened.db"), Database(data)
    alone, leased, each = (
        Leases(embedded, vault, clock),
        Leases(shared, vault, clock),
        Leases(shared, vault, clock),
    )
    plain, limit = (Limit("actor", clock, rate=RATE, burst=RATE) for _ in range(2))
    one = Limit("upsert", clock, rate=RATE, burst=RATE)
    one.lease_max = 1
    names = [f"key_{number}" for number in range(AT_ONCE)]
    numbers: dict[str, list[float]] = {"alone": [], "leased": [], "upsert": []}
    for _ in range(ROUNDS):
        numbers["alone"].append(await _a_second(lambda name: alone.take(plain, name), names))
        numbers["leased"].append(await _a_second(lambda name: leased.take(limit, name), names))
        numbers["upsert"].append(await _a_second(lambda name: _fresh(each, one, name), names))
    result = {f"{name}_per_s": statistics.median(counts) for name, counts in numbers.items()}
    result["passed"] = await _hot(vault, data)
    embedded.close()
    shared.close()
    return result


async def _fresh(leases: Leases, limit: Limit, name: str) -> None:
    """Nothing is in memory: the row is asked."""
    if held := leases._held.get((limit.kind, name)):
        held.left = 0
    await leases.take(limit, name)


async def _a_second(check: Callable[[str], Awaitable[None]], names: list[str]) -> float:
    begun, counts = time.perf_counter(), [0] * len(names)

    async def go(number: int, name: str) -> None:
        while time.perf_counter() - begun < ROUND_S:
            for _ in range(10):
                await check(name)
            counts[number] += 10
            await asyncio.sleep(0)

    await asyncio.gather(*(go(number, name) for number, name in enumerate(names)))
    return sum(counts) / (time.perf_counter() - begun)


async def _hot(vault: Vault, data: str) -> float:
    """What passed of one key over PROCESSES, as a part of what may pass: the burst, and the rate for the time."""
    clock = SystemClock()
    databases = [Database(data) for _ in range(PROCESSES)]
    begun, passed = time.perf_counter(), 0

    async def hammer(database: Database) -> int:
        leases, limit = Leases(database, vault, clock), Limit("hot", clock, rate=HOT_RATE, burst=HOT_BURST)
        count = 0
        while time.perf_counter() - begun < HOT_S:
            try:
                await leases.take(limit, "key_hot")
                count += 1
            except TooMany:
                await asyncio.sleep(0.002)
        return count

    passed = sum(await asyncio.gather(*map(hammer, databases)))
    allowed = HOT_BURST + HOT_RATE * (time.perf_counter() - begun)
    for database in databases:
        database.close()
    return passed / allowed


def main() -> None:
    data, keys = servers.fresh_store("data"), servers.fresh_store("keys")
    keys_database = Database(keys)
    keys_database.signals.start()
    while not keys_database.signals.fresh:
        time.sleep(0.05)
    vault = Vault(keys_database, EnvironmentRoot(Secret(ROOT_KEY)), SystemClock())
    vault.create_tenant_now(INSTALL)
    try:
        result = asyncio.run(measure(vault, data))
    finally:
        keys_database.close()
        servers.drop_postgresql(data)
        servers.drop_postgresql(keys)
    base = result["upsert_per_s"]
    print(
        f"rate checks: in memory {result['alone_per_s']:,.0f}/s, leased {result['leased_per_s']:,.0f}/s"
        f" ({result['leased_per_s'] / base:.0f} times one upsert a check, {base:,.0f}/s;"
        f" {result['leased_per_s'] / result['alone_per_s']:.0%} of memory alone)"
    )
    print(
        f"one key over {PROCESSES} processes: {result['passed']:.1%} of what its limit allows passed"
        f" (a lease is at most a {leases_module.PART}th of a second's worth)"
    )


if __name__ == "__main__":
    main()
