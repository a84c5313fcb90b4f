"""One limit over several processes: the row decides, each spends what it was granted."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, select, update

from ostiary.clock import SECOND_US, Clock, SystemClock
from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.errors import KeysUnavailable, TooMany
from ostiary.ids import INSTALL
from ostiary.shield import store
from ostiary.shield.leases import Leases, Limit
from ostiary.vault.sealing import Vault


async def passed(leases: Leases, limit: Limit, name: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            await leases.take(limit, name)
        except TooMany:
            await asyncio.sleep(0.001)
        else:
            count += 1
    return count


def limit_of(clock: Clock, rate: float, burst: int) -> Limit:
    return Limit("actor", clock, rate=rate, burst=burst)


def test_a_burst_passes_once_over_all_processes_and_a_restart(database: Database, vault: Vault) -> None:
    async def story() -> int:
        clock = SystemClock()
        count = 0
        for _ in range(
            1 if database.sqlite else 3
        ):  # three processes, one after the other, each with nothing in memory
            leases, limit = Leases(database, vault, clock), limit_of(clock, 0.01, 30)
            count += await passed(leases, limit, "key_a", 40)
        return count

    assert asyncio.run(story()) in range(28, 31)  # what a restarted process had not spent is lost


def test_two_processes_at_once_stay_within_the_rate(database: Database, vault: Vault) -> None:
    if database.sqlite:
        pytest.skip("one process has an embedded database alone")

    async def story() -> tuple[int, float]:
        clock = SystemClock()
        both = [Leases(database, vault, clock) for _ in range(2)]
        limits = [limit_of(clock, 200, 20) for _ in both]
        begun_us, count = clock.monotonic_us(), 0

        async def hammer(leases: Leases, limit: Limit) -> int:
            count = 0
            while clock.monotonic_us() - begun_us < 1_500_000:
                count += await passed(leases, limit, "key_a", 10)
            return count

        count = sum(await asyncio.gather(*map(hammer, both, limits)))
        return count, (clock.monotonic_us() - begun_us) / 1e6

    count, seconds = asyncio.run(story())
    assert count <= 20 + 200 * seconds * 1.03 + 10
    assert count >= 200 * seconds * 0.3  # a busy machine asks less often


def test_who_waited_for_the_row_finds_no_clock_that_was_put_back(database: Database, vault: Vault) -> None:
    """They had read the time before the one who held the row, took that for a clock put back, and were granted half of the burst."""
    if database.sqlite:
        pytest.skip("one process has an embedded database alone")
    asked = [store.Asked(b"n" * 32, 100, 1_000, 100_000)]
    held, waiting = threading.Event(), threading.Event()

    def first(connection: Connection) -> list[int]:
        counts = [store.lease(connection, INSTALL, asked)[asked[0].name].count]
        held.set()
        waiting.wait(5)
        time.sleep(0.5)  # the other one has read its clock, and waits
        return [*counts, store.lease(connection, INSTALL, asked)[asked[0].name].count]

    def second(connection: Connection) -> int:
        waiting.set()
        return store.lease(connection, INSTALL, asked)[asked[0].name].count

    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(database.transact, first)
        assert held.wait(5)
        assert database.transact(second) == 0
        assert begun.result() == [100, 100]


def test_where_the_clock_was_put_back_half_of_the_burst_is_left(database: Database, vault: Vault) -> None:
    if database.sqlite:
        pytest.skip("one process has an embedded database alone")
    asked = store.Asked(b"n" * 32, 100, 60_000_000, 100 * 60_000_000)
    hour_us = 3600 * SECOND_US

    def story(connection: Connection) -> list[int]:
        counts = [store.lease(connection, INSTALL, [asked])[asked.name].count]
        with within(connection, INSTALL):
            connection.execute(update(store.RATE).values(now_us=store.RATE.c.now_us + hour_us, arrival_us=store.RATE.c.arrival_us + hour_us))  # fmt: skip
        return counts + [store.lease(connection, INSTALL, [asked])[asked.name].count for _ in range(2)]

    assert database.transact(story) == [100, 50, 0]


def test_who_is_refused_is_told_when_and_is_not_asked_for_again(database: Database, vault: Vault) -> None:
    clock = SystemClock()
    leases, limit = Leases(database, vault, clock), limit_of(clock, 0.1, 1)

    async def story() -> int | None:
        await leases.take(limit, "key_a")
        with pytest.raises(TooMany) as refused:
            await leases.take(limit, "key_a")
        if not database.sqlite:
            database.close()  # a refusal that is known needs no database
            with pytest.raises(TooMany):
                await leases.take(limit, "key_a")
        return refused.value.retry_after_s

    assert asyncio.run(story()) in (9, 10)


def test_while_the_database_is_away_each_process_limits_alone(keys_database: Database, vault: Vault) -> None:
    clock = SystemClock()
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    leases, limit = Leases(away, vault, clock), limit_of(clock, 0.1, 3)
    assert asyncio.run(passed(leases, limit, "key_a", 5)) == 3
    away.close()


def test_a_table_of_rates_names_nobody(database: Database, vault: Vault) -> None:
    if database.sqlite:
        pytest.skip("one process has an embedded database alone")
    clock = SystemClock()
    leases, limit = Leases(database, vault, clock), Limit("address", clock, rate=10, burst=10)
    asyncio.run(leases.take(limit, "192.0.2.77"))

    def look(connection):
        with within(connection, INSTALL):
            return connection.execute(select(store.RATE)).one()

    row = database.read(look)
    assert len(row.name) == 32
    assert b"192.0.2.77" not in row.name


def test_while_the_keys_are_away_nobody_waits_for_ever(
    database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was counted while the key store was cut off got no answer at all, then and ever after."""

    def away(*_: object) -> bytes:
        raise KeysUnavailable

    async def story() -> int:
        clock = SystemClock()
        leases, limit = Leases(database, vault, clock), limit_of(clock, 100, 5)
        monkeypatch.setattr(Vault, "mac", away)
        async with asyncio.timeout(20):
            count = await passed(leases, limit, "key_a", 3)
        monkeypatch.undo()
        async with asyncio.timeout(20):
            return count + await passed(leases, limit, "key_a", 1)

    assert asyncio.run(story()) == 4
