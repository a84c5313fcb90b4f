"""Readiness, part by part: at once, in a bounded time, and never more questions than one."""

import asyncio
from pathlib import Path

from ostiary.app import health
from ostiary.app.health import Health, is_ready
from ostiary.errors import StoreUnavailable
from tests.conftest import StillClock


def test_a_part_that_is_not_well_says_why_and_since_when(clock: StillClock) -> None:
    why = {"log": ""}
    looked = Health(clock, {"log": lambda: why["log"]}, {})

    async def story() -> None:
        assert await looked.ready()
        clock.advance(10)
        why["log"] = "The audit log takes no entries."
        fell_us = clock.at_us
        (part,) = await looked.parts()
        assert (part.ok, part.why, part.since_us) == (False, "The audit log takes no entries.", fell_us)
        clock.advance(10)
        (part,) = await looked.parts()
        assert part.since_us == fell_us
        why["log"] = ""
        (part,) = await looked.parts()
        assert (part.ok, part.since_us) == (True, clock.at_us)

    asyncio.run(story())


def test_many_who_ask_at_once_are_one_question(clock: StillClock) -> None:
    asked = []

    async def ask() -> str:
        asked.append(1)
        return ""

    looked = Health(clock, {}, {"database": ask})

    async def story() -> None:
        answers = await asyncio.gather(*(looked.ready() for _ in range(50)))
        assert all(answers)
        assert len(asked) == 1
        for _ in range(50):
            await looked.ready()
        assert len(asked) == 1
        clock.advance(0.6)
        await looked.ready()
        assert len(asked) == 2

    asyncio.run(story())


def test_a_part_that_never_answers_is_not_waited_for_nor_asked_again_beside_itself(
    clock: StillClock, monkeypatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_S", 0.05)
    asked = []

    async def story() -> None:
        answered = asyncio.Event()

        async def hang() -> str:
            asked.append(1)
            await answered.wait()
            return ""

        looked = Health(clock, {}, {"database": hang})
        for _ in range(3):
            (part,) = await looked.parts()
            assert (part.ok, part.why) == (False, "It does not answer.")
            clock.advance(1)
        assert len(asked) == 1
        answered.set()
        assert await looked.ready()

    asyncio.run(story())


def test_one_that_is_away_is_told_in_words_without_its_address(clock: StillClock) -> None:
    async def away() -> str:
        raise StoreUnavailable("postgresql://user:password@host/database")

    (part,) = asyncio.run(Health(clock, {}, {"database": away}).parts())
    assert not part.ok
    assert "password" not in part.why
    assert part.why == StoreUnavailable().title()


def test_what_is_bearable_is_told_and_stops_nobody(clock: StillClock) -> None:
    looked = Health(clock, {"signals": lambda: "Not heard."}, {}, frozenset({"signals"}))
    parts = asyncio.run(looked.parts())
    assert [(part.ok, part.vital) for part in parts] == [(False, False)]
    assert is_ready(parts)


def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch) -> None:
    assert asyncio.run(health.room_on_disk({"home": tmp_path})()) == ""
    monkeypatch.setattr(health, "DISK_FREE_BYTES_MIN", 1 << 62)
    assert asyncio.run(health.room_on_disk({"home": tmp_path})()) == "There is no room left for: home."
    assert (
        asyncio.run(health.room_on_disk({"home": tmp_path / "gone"})()) == "There is no room left for: home."
    )
