"""Sessions of agents that came with a token: opened by the person that the agent acts for, and by nobody else."""

from pathlib import Path

from tests.house import House, play
from tests.oauth.agent import registered
from tests.oauth.test_flow import furnished


async def grant_of(house: House, session: str) -> str:
    """An agent's id, let in by whose session this is."""
    agent = await registered(house, person=session, scope="contracts")
    await agent.enter()
    (made,) = (await house.good("GET", "/v1/oauth/grants", session))["grants"]
    return str(made["grant"])


def test_a_person_speaks_for_the_agent_that_acts_for_them_and_for_no_other(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnished(house, "http://127.0.0.1:9099")
        body = {"email": "sam@pellow.example", "name": "Sam", "role": "admin"}
        await house.good("POST", "/v1/members", json=body)
        sam = await house.sign_in("sam@pellow.example")
        mine, theirs = await grant_of(house, house.owner), await grant_of(house, sam)

        async def opening(agent: str, session: str) -> int:
            asked = {"agent": agent, "intent": "pay Ada"}
            return (await house.ask("POST", "/v1/sessions", session, json=asked)).status_code

        assert (await opening(mine, house.owner), await opening(theirs, sam)) == (201, 201)
        assert (await opening(theirs, house.owner), await opening(mine, sam)) == (422, 422)
        assert await opening("ogr_" + "0" * 32, house.owner) == 422

        opened = await house.good("POST", "/v1/sessions", json={"agent": mine, "intent": "pay Ada"})
        words = f"/v1/sessions/{opened['session_id']}/words"
        assert (await house.ask("POST", words, sam, json={"words": "and Eve"})).status_code == 403
        assert (await house.ask("POST", words, json={"words": "and Bob"})).status_code == 200

        await house.good("DELETE", f"/v1/oauth/grants/{mine}")
        assert await opening(mine, house.owner) == 422
        assert (await house.ask("POST", words, json={"words": "and Cy"})).status_code == 403

    play(tmp_path, story)


def test_a_revoked_key_gets_no_session(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.make_key("helper")
        (key,) = [each["key_id"] for each in (await house.good("GET", "/v1/keys"))["keys"]]
        asked = {"agent": key, "intent": "pay Ada"}
        assert (await house.ask("POST", "/v1/sessions", json=asked)).status_code == 201
        await house.good("POST", f"/v1/keys/{key}/revoke")
        assert (await house.ask("POST", "/v1/sessions", json=asked)).status_code == 422

    play(tmp_path, story)
