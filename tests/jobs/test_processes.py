"""Who lives, by the database's clock; and a process that knows when it is not counted on any more."""

import asyncio

from sqlalchemy import update

from ostiary.clock import SystemClock
from ostiary.db.database import Database
from ostiary.db.scope import within
from ostiary.errors import StoreUnavailable
from ostiary.ids import INSTALL
from ostiary.jobs import store
from ostiary.jobs.processes import DEAD_S, FORGET_S, Processes
from tests.conftest import StillClock


def age(database: Database, process: str, seconds: float) -> None:
    """As if it had last said that it lives so long ago."""

    def rows(connection):
        with within(connection, INSTALL):
            beat = update(store.PROCESS).where(store.PROCESS.c.id == process)
            connection.execute(beat.values(beat_us=store.PROCESS.c.beat_us - int(seconds * 1_000_000)))

    database.transact(rows)


def test_a_process_lives_while_it_says_so_and_until_it_stops(database: Database) -> None:
    async def story() -> None:
        one, two = (Processes(database, SystemClock(), "web") for _ in range(2))
        await one.start()
        await two.start()
        if database.sqlite:
            assert await one.live() == {one.id}
        else:
            assert await one.live() == {one.id, two.id}
            age(database, two.id, DEAD_S + 1)
            assert await one.live() == {one.id}
            await two.beat()
            assert await one.live() == {one.id, two.id}
        await two.stop()
        assert await one.live() == {one.id}
        await one.stop()

    asyncio.run(story())


def test_the_clocks_of_the_processes_do_not_matter(database: Database) -> None:
    if database.sqlite:
        return

    async def story() -> None:
        late, early = StillClock(1), StillClock(4_000_000_000_000_000)
        one, two = Processes(database, late, "web"), Processes(database, early, "worker")
        await one.beat()
        await two.beat()
        assert await one.live() == await two.live() == {one.id, two.id}
        assert {row.kind for row in await one.all()} == {"web", "worker"}

    asyncio.run(story())


def test_a_process_that_was_held_up_knows_it(database: Database) -> None:
    if database.sqlite:
        return

    async def story() -> None:
        clock = StillClock()
        process = Processes(database, clock, "web")
        assert process.alive is False
        await process.beat()
        assert process.alive is True
        clock.advance(DEAD_S - 0.1)
        assert process.alive is True
        clock.advance(0.1)
        assert process.alive is False
        await process.beat()
        assert process.alive is True

    asyncio.run(story())


def test_a_process_that_cannot_reach_the_database_dies_by_itself() -> None:
    clock = StillClock()
    process = Processes(Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing"), clock, "web")

    async def story() -> None:
        try:
            await process.beat()
        except StoreUnavailable:
            assert process.alive is False

    asyncio.run(story())


def test_who_is_long_dead_is_forgotten(database: Database) -> None:
    if database.sqlite:
        return

    async def story() -> None:
        one, two, three = (Processes(database, SystemClock(), "web") for _ in range(3))
        for process in (one, two, three):
            await process.beat()
        age(database, two.id, FORGET_S + 60)
        age(database, three.id, FORGET_S - 60)
        await one.beat(forgetting=True)
        assert {row.id for row in await one.all()} == {one.id, three.id}

    asyncio.run(story())
