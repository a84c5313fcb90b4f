"""What is changed through one process counts in the other within a second, though both had it in memory."""

from tests.across.pair import Pair, play, soon
from tests.house import House
from tests.shop import CONTRACTS

MAIL = {"to": "bob"}


async def status(house: House, token: str, method: str = "GET", path: str = "/v1/me", **more: object) -> int:
    return (await house.ask(method, path, token, **more)).status_code


def test_a_revoked_key_opens_nothing_at_the_other() -> None:
    async def story(pair: Pair) -> None:
        assert await status(pair.b, pair.agent) == 200
        await pair.a.good("POST", f"/v1/keys/{pair.agent.split('_')[2]}/revoke")

        async def refused() -> bool:
            return await status(pair.b, pair.agent) == 401

        await soon(refused)

    play(story)


def test_a_rotated_key_opens_no_more_at_the_other_once_its_overlap_is_over() -> None:
    async def story(pair: Pair) -> None:
        assert await status(pair.b, pair.agent) == 200
        key_id = pair.agent.split("_")[2]
        fresh = await pair.a.good("POST", f"/v1/keys/{key_id}/rotate", json={"overlap_s": 0})

        async def refused() -> bool:
            return await status(pair.b, pair.agent) == 401

        await soon(refused)
        assert await status(pair.b, fresh["secret"]) == 200

    play(story)


def test_a_changed_role_counts_at_the_other() -> None:
    async def story(pair: Pair) -> None:
        await pair.a.good("PUT", "/v1/roles/desk", json={"permissions": ["connector.read"]})
        key = await pair.a.make_key("desk", roles=("desk",))
        assert await status(pair.b, key, path="/v1/connectors") == 200
        await pair.a.good("PUT", "/v1/roles/desk", json={"permissions": []})

        async def refused() -> bool:
            return await status(pair.b, key, path="/v1/connectors") == 403

        await soon(refused)

    play(story)


def test_a_removed_member_and_an_ended_session_open_nothing_at_the_other() -> None:
    async def story(pair: Pair) -> None:
        added = await pair.a.good(
            "POST", "/v1/members", json={"email": "max@pellow.example", "name": "Max", "role": "admin"}
        )
        first, second = [await pair.a.sign_in("max@pellow.example") for _ in range(2)]
        assert await status(pair.b, first, path="/v1/members") == 200
        assert await status(pair.b, second, path="/v1/members") == 200
        await pair.a.good("POST", "/v1/session/end", second, json={})
        assert await status(pair.b, second) == 401
        await pair.a.good("DELETE", f"/v1/members/{added['person']}")
        assert await status(pair.b, first, path="/v1/members") in (401, 403)

    play(story)


def test_a_masking_policy_counts_at_the_other() -> None:
    async def story(pair: Pair) -> None:
        text = CONTRACTS + CONSTANT
        await pair.a.connect("fixed", kind="constant")
        await pair.a.agree(text)

        async def shown() -> str:
            answer = await pair.b.good("POST", "/v1/actions/card.show", pair.agent, json={})
            return str(answer["result"]["mail"])

        assert await shown() == "[email]"
        await pair.a.good("PUT", "/v1/privacy/policy", json={"shown": {"support": ["email"]}})

        async def seen() -> bool:
            return await shown() == "jane@example.com"

        await soon(seen)
        await pair.a.good("PUT", "/v1/privacy/policy", json={"shown": {}})

        async def hidden() -> bool:
            return await shown() == "[email]"

        await soon(hidden)

    play(story)


CONSTANT = """
  - name: card.show
    title: Show
    description: Shows a card.
    parameters: {properties: {}}
    roles: [support]
    risk: low
    target: {connector: fixed, constant: {mail: jane@example.com}}
"""


def test_a_contract_that_is_taken_back_is_off_contract_at_the_other() -> None:
    async def story(pair: Pair) -> None:
        assert await status(pair.b, pair.agent, "POST", "/v1/actions/mail.send", json=MAIL) == 200
        left = CONTRACTS[: CONTRACTS.index("  - name: mail.send")]
        await pair.a.agree(left)

        async def gone() -> bool:
            return await status(pair.b, pair.agent, "POST", "/v1/actions/mail.send", json=MAIL) == 404

        await soon(gone)

    play(story)


def test_a_paused_connector_sends_nothing_from_the_other() -> None:
    async def story(pair: Pair) -> None:
        assert await status(pair.b, pair.agent, "POST", "/v1/actions/mail.send", json=MAIL) == 200
        settings = {"kind": "http", "base_url": pair.shop.url}
        await pair.a.good("PUT", "/v1/connectors/letters", json={"settings": settings, "paused": True})

        async def refused() -> bool:
            return await status(pair.b, pair.agent, "POST", "/v1/actions/mail.send", json=MAIL) == 502

        await soon(refused)
        sent = pair.shop.requests
        assert await status(pair.b, pair.agent, "POST", "/v1/actions/mail.send", json=MAIL) >= 400
        assert pair.shop.requests == sent

    play(story)
