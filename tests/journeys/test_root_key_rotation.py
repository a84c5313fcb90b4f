"""The root key is changed as docs/howto/rotate-keys.md says: new and old together for one start, then the new one alone."""

import asyncio
from pathlib import Path

import pytest

from ostiary.app.root_keys import look
from ostiary.errors import ConfigurationError
from tests import servers
from tests.house import House, opened
from tests.keys import ROOT_KEY

NEW = "bmV3IHJvb3Qga2V5LCAzMiBieXRlcywgdGhpcyBvbmU="
STRANGE = "YSBzdHJhbmdlcidzIHJvb3Qga2V5LCAzMiBieXRlcyE="


async def knows_its_owner(house: House, session: str) -> bool:
    """The owner's name is sealed: it is shown only if the keys open."""
    return bool((await house.good("GET", "/v1/me", session))["name"] == "Olive Owner")


def test_after_a_start_with_both_keys_the_old_one_is_no_longer_needed(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path) as house:
            await house.found()
            session = house.owner
        async with opened(tmp_path, OSTIARY_ROOT_KEY=f"{NEW},{ROOT_KEY}") as house:
            assert await knows_its_owner(house, session)
        async with opened(tmp_path, OSTIARY_ROOT_KEY=NEW) as house:
            assert await knows_its_owner(house, session)
        with pytest.raises(ConfigurationError, match="does not open this installation's keys"):
            async with opened(tmp_path):
                pass

    asyncio.run(story())


def test_a_root_key_that_opens_nothing_is_a_mistake_at_start(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path) as house:
            await house.found()
        with pytest.raises(ConfigurationError) as caught:
            async with opened(tmp_path, OSTIARY_ROOT_KEY=STRANGE):
                pass
        assert caught.value.mistakes == [
            "OSTIARY_ROOT_KEY does not open this installation's keys; give the one that they were made with"
        ]

    asyncio.run(story())


def test_an_operator_sees_when_the_old_root_key_may_go(tmp_path: Path) -> None:
    async def story() -> None:
        async with opened(tmp_path) as house:
            await house.found()
        async with opened(tmp_path, OSTIARY_ROOT_KEY=f"{NEW},{ROOT_KEY}"):
            pass
        settings = {"OSTIARY_HOME": str(tmp_path), **servers.home_settings(tmp_path)}
        both = look({**settings, "OSTIARY_ROOT_KEY": f"{NEW},{ROOT_KEY}"})
        assert [(row["given"], row["wraps"], row["wraps_also"]) for row in both] == [
            ("first", 2, 0),
            ("also", 0, 2),
        ]
        async with opened(tmp_path, OSTIARY_ROOT_KEY=NEW):
            pass
        alone = look({**settings, "OSTIARY_ROOT_KEY": NEW})
        assert [(row["given"], row["wraps"], row["wraps_also"]) for row in alone] == [("first", 2, 0)]

    asyncio.run(story())
