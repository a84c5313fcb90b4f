"""From a client's request to a call through the door, and back out again."""

from pathlib import Path

import pytest

from tests import shop
from tests.house import BASE, House, play
from tests.oauth.agent import BACK, Agent, browser, registered

LOOK = """
version: 1
actions:
  - name: shop.look
    title: Look up what somebody was paid
    description: How often somebody was paid.
    parameters:
      properties: {to: {type: string, minLength: 1, maxLength: 40}}
      required: [to]
    roles: [support, owner]
    risk: low
    confirmation: never
    sentence: Look up what {to} was paid
    effect: read
    target: {connector: shop, http: {method: GET, path: '/pay/{to}'}}
"""


async def furnished(house: House, url: str) -> None:
    for name, honours in (("shop", True), ("letters", False)):
        await house.connect(name, kind="http", base_url=url, honours_idempotency_key=honours)
    await house.agree(shop.CONTRACTS.rstrip() + LOOK.partition("actions:")[2])


@pytest.fixture
def running() -> object:
    with shop.running() as found:
        yield found


def test_an_agent_acts_for_a_person_within_what_they_allowed(tmp_path: Path, running: shop.Shop) -> None:
    async def story(house: House) -> None:
        await furnished(house, running.url)
        agent = await registered(house)
        told = await agent.enter()
        assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 600, "contracts:read")

        looked = (await agent.tool("shop_look", to="Ada")).json()["result"]
        assert looked["structuredContent"] == {"paid": 0}
        narrow = await agent.tool("mail_send", to="Ada")
        assert narrow.status_code == 403
        assert narrow.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="mail.send", '
            f'resource_metadata="{BASE}/.well-known/oauth-protected-resource/mcp"'
        )
        assert running.done == {}

        await agent.enter(scope="contracts:read mail.send")
        assert (await agent.tool("mail_send", to="Ada")).status_code == 200
        assert running.done == {"Ada": 1}

        calls = (await house.good("GET", "/v1/audit/events", params={"action": "mail.send"}))["events"]
        assert {event["actor_kind"] for event in calls} == {"agent"}
        grants = (await house.good("GET", "/v1/oauth/grants"))["grants"]
        assert next(grant["grant"] for grant in grants) in {event["actor_id"] for event in calls}

    play(tmp_path, story)


def test_a_held_call_of_such_an_agent_runs_when_a_person_agrees(tmp_path: Path, running: shop.Shop) -> None:
    async def story(house: House) -> None:
        await furnished(house, running.url)
        agent = await registered(house, scope="contracts")
        await agent.enter()
        asked = await agent.tool("pay_send", to="Ada", amount=5)
        call = asked.json()["result"]["structuredContent"]["call_id"]
        assert running.done == {}
        (waiting,) = (await house.good("GET", "/v1/approvals"))["approvals"]
        refused = await house.ask(
            "POST", f"/v1/approvals/{waiting['id']}/approve", agent.access, json={"digest": "0" * 64}
        )
        assert refused.status_code == 401  # a token for /mcp opens nothing else
        assert (await house.approve(waiting["id"])).status_code < 300
        assert (await house.settled(call))["state"] == "done"
        assert running.done == {"Ada": 1}

    play(tmp_path, story)


def test_a_withdrawn_grant_stops_a_held_call_too(tmp_path: Path, running: shop.Shop) -> None:
    async def story(house: House) -> None:
        await furnished(house, running.url)
        agent = await registered(house, scope="contracts")
        await agent.enter()
        call = (await agent.tool("pay_send", to="Ada", amount=5)).json()["result"]["structuredContent"][
            "call_id"
        ]
        (waiting,) = (await house.good("GET", "/v1/approvals"))["approvals"]
        (grant,) = (await house.good("GET", "/v1/oauth/grants"))["grants"]
        await house.good("DELETE", f"/v1/oauth/grants/{grant['grant']}")
        await house.approve(waiting["id"])
        assert (await house.settled(call))["state"] == "failed"
        assert running.done == {}
        assert (await agent.tool("shop_look", to="Ada")).status_code == 401
        assert (await agent.renew()).json()["error"] == "invalid_grant"

    play(tmp_path, story)


def test_refresh_tokens_change_and_one_that_comes_twice_ends_everything(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnished(house, "http://127.0.0.1:9099")
        agent = await registered(house)
        await agent.enter()
        first, before = agent.refresh, agent.access
        agent.keep(await agent.renew())
        assert agent.refresh != first
        assert (await agent.mcp("tools/list")).status_code == 200
        house.clock.advance(601 + 30)
        assert (await agent.mcp("tools/list", token=before)).status_code == 401
        agent.keep(await agent.renew())
        assert (await agent.mcp("tools/list")).status_code == 200

        stolen = await agent.renew(refresh_token=first)
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert (await agent.mcp("tools/list")).status_code == 401
        assert (await agent.renew()).json()["error"] == "invalid_grant"
        assert (await house.good("GET", "/v1/oauth/grants"))["grants"] == []

    play(tmp_path, story)


def test_a_grant_gives_no_more_than_its_person_may_now(tmp_path: Path, running: shop.Shop) -> None:
    async def story(house: House) -> None:
        await furnished(house, running.url)
        added = await house.good(
            "POST", "/v1/members", json={"email": "sam@pellow.example", "name": "Sam", "role": "support"}
        )
        sam = await house.sign_in("sam@pellow.example")
        agent = await registered(house, person=sam, scope="contracts")
        await agent.enter()
        assert (await agent.tool("mail_send", to="Ada")).status_code == 200
        person = added["person"] if "person" in added else added["member"]["person"]
        await house.good("PUT", f"/v1/members/{person}/role", json={"role": "viewer"})
        told = (await agent.tool("mail_send", to="Ada")).json()["result"]
        assert told["isError"] is True
        await house.good("DELETE", f"/v1/members/{person}")
        assert (await agent.tool("mail_send", to="Ada")).status_code == 401
        assert running.done == {"Ada": 1}

    play(tmp_path, story)


def test_a_confidential_client_proves_itself_in_either_way(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnished(house, "http://127.0.0.1:9099")
        agent = await registered(house, kind="confidential")
        await agent.enter()
        secret = agent.more.pop("client_secret")
        assert (await agent.renew()).status_code == 401
        agent.more = {"client_secret": "x" * 43}
        assert (await agent.renew()).json()["error"] == "invalid_client"
        agent.more = {}
        answer = await house.client.post(
            "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": agent.refresh}, auth=(agent.client, secret)
        )  # fmt: skip
        assert answer.status_code == 200

    play(tmp_path, story)


def test_a_client_gives_its_tokens_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnished(house, "http://127.0.0.1:9099")
        agent, other = await registered(house), await registered(house)
        await agent.enter()
        assert (await other.post("/oauth/revoke", token=agent.refresh)).status_code == 200
        assert (await agent.mcp("tools/list")).status_code == 200  # another's client ends nothing
        assert (await agent.post("/oauth/revoke", token=agent.refresh)).status_code == 200
        assert (await agent.mcp("tools/list")).status_code == 401
        assert (await agent.post("/oauth/revoke", token="whatever")).status_code == 200

    play(tmp_path, story)


def test_what_is_allowed_lasts_as_long_as_the_person_said(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnished(house, "http://127.0.0.1:9099")
        agent = await registered(house)
        await agent.enter(days="1")
        house.clock.advance(86_400 - 300)
        agent.keep(await agent.renew())
        house.clock.advance(301)
        assert (await agent.mcp("tools/list")).status_code == 401
        assert (await agent.renew()).json()["error"] == "invalid_grant"

    play(tmp_path, story)


def test_a_person_says_no(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        told = Agent.answer(await agent.consent(decision="deny"))
        assert told == {"error": "access_denied", "state": "s1", "iss": BASE}

    play(tmp_path, story)


def test_who_is_not_signed_in_signs_in_first_and_comes_back(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        async with browser(house, "nobody") as page:
            sent = await page.get("/oauth/authorize", params=agent.asked())
            assert sent.status_code == 303
            assert sent.headers["location"].startswith("/sign-in?next=%2Foauth%2Fauthorize%3F")
            asked = await page.get(sent.headers["location"])
            assert "/oauth/authorize?response_type=code&amp;client_id=" in asked.text

    play(tmp_path, story)


def test_discovery_says_what_is_offered(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        bare = await house.client.post("/mcp", json={})
        assert bare.status_code == 401
        where = f"{BASE}/.well-known/oauth-protected-resource/mcp"
        assert (
            bare.headers["www-authenticate"] == f'Bearer resource_metadata="{where}", scope="contracts:read"'
        )
        resource = (await house.client.get(where)).json()
        assert (resource["resource"], resource["authorization_servers"]) == (f"{BASE}/mcp", [BASE])
        server = (await house.client.get("/.well-known/oauth-authorization-server")).json()
        assert server["issuer"] == BASE
        assert server["code_challenge_methods_supported"] == ["S256"]
        keys = (await house.client.get("/oauth/jwks.json")).json()["keys"]
        assert [(key["kty"], key["crv"], key["use"], "d" in key) for key in keys] == [
            ("OKP", "Ed25519", "sig", False)
        ]
        client = (await house.client.get("/oauth/client.json")).json()
        assert (client["client_id"], client["redirect_uris"]) == (
            f"{BASE}/oauth/client.json",
            [f"{BASE}/oauth/callback"],
        )
        upstream = (await house.client.get("/.well-known/oauth-protected-resource/mcp/tools")).json()
        assert upstream["resource"] == f"{BASE}/mcp/tools"
        assert (await house.client.get("/.well-known/oauth-protected-resource/elsewhere")).status_code == 404

    play(tmp_path, story, furnished=False)


def test_the_page_of_what_is_connected(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await registered(house)
        await agent.enter()
        async with browser(house) as page:
            shown = (await page.get("/connected")).text
            assert "Desk helper" in shown
            assert BACK in shown
            (grant,) = (await house.good("GET", "/v1/oauth/grants"))["grants"]
            gone = await page.post(f"/connected/grants/{grant['grant']}/withdraw", data={})
            assert gone.headers["location"] == "/connected?note=grant-withdrawn"
            made = await page.post(
                "/connected/clients", data={"name": "Server", "redirect_uris": "https://a.example/cb", "kind": "confidential"}
            )  # fmt: skip
            assert "shown this once" in made.text
            wrong = await page.post(
                "/connected/clients", data={"name": "Bad", "redirect_uris": "http://a.example/cb"}
            )
            assert wrong.status_code == 422

    play(tmp_path, story)
