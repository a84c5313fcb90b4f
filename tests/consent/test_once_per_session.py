"""Once per session: the same contract, the same session of the agent, the same sink values, for an hour at most."""

from pathlib import Path
from typing import Any

import httpx

from tests.consent.kit import agent_id, told
from tests.house import House
from tests.shop import Shop

LETTER = {"to": "ada", "text": "Hello"}


async def opened(house: House) -> str:
    """A session in which a person has said what they want."""
    said = {"agent": await agent_id(house), "intent": "Write a letter to ada: Hello. And write to bob."}
    return str((await house.good("POST", "/v1/sessions", json=said))["session_id"])


async def write(house: House, agent: str, session: str = "", **more: Any) -> httpx.Response:
    headers = {"ostiary-session": session} if session else {}
    return await house.ask("POST", "/v1/actions/mail.ask", agent, json={**LETTER, **more}, headers=headers)


def test_a_yes_counts_in_its_own_session_for_the_same_values_for_an_hour(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        one, two = await opened(house), await opened(house)
        first = await write(house, agent, one)
        assert first.status_code == 202
        assert (await house.approve(first.json()["approval_id"])).status_code == 200
        await house.settled(first.json()["call_id"], agent)
        assert (await write(house, agent, one)).status_code == 200
        assert (await write(house, agent, one, to="bob")).status_code == 202  # another sink
        assert (await write(house, agent, two)).status_code == 202  # another session
        assert (await write(house, agent)).status_code == 202  # dropping the session sheds nothing
        house.clock.advance(3601)
        assert (await write(house, agent, one)).status_code == 202
        assert shop.requests == 2

    told(tmp_path, story)
