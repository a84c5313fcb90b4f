"""A person's own account at an upstream, by contract at `/v1` and `/mcp` and passed through: renewed once where it is refused, widened only by the person."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.across import guarded
from tests.across.guarded import Guarded
from tests.across.pair import Pair
from tests.across.pair import play as play_pair
from tests.connectors.mcp.test_quarantine import accepted, rpc
from tests.house import House, play
from tests.oauth.agent import browser
from tests.oauth.test_accounts import connected, furnished, member, token_of

CONTRACTS = """
version: 1
actions:
  - {{name: note.read, description: Reads., parameters: {{properties: {{text: {{type: string}}}}}}, effect: read, egress: false, target: {{connector: tools, tool: read, pin: {read}}}}}
  - {{name: note.write, description: Writes., parameters: {{properties: {{text: {{type: string}}}}}}, effect: read, egress: false, target: {{connector: tools, tool: write, pin: {write}}}}}
"""


async def merged(house: House, session: str, name: str) -> tuple[str, str]:
    """By contract at `/mcp`: (what it said, "") or ("", the error's code)."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": f"note_{name}", "arguments": {}, "_meta": meta},
    }
    headers = {
        "accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": f"note_{name}",
    }  # fmt: skip
    answer = await house.ask("POST", "/mcp", session, headers=headers, json=body)
    return told(answer.json()["result"])


async def passed(house: House, session: str, name: str) -> tuple[str, str]:
    """The same, passed through. Its status is never that of a client who is not known here."""
    answer = await rpc(house, session, "tools/call", {"name": name, "arguments": {}})
    assert answer.status_code not in (401, 403), answer.text
    return told(answer.json()["result"])


async def rested(house: House, session: str, name: str) -> tuple[str, str]:
    answer = await house.ask("POST", f"/v1/actions/note.{name}", session, json={})
    if answer.status_code != 200:
        return "", answer.json()["code"]
    return answer.json()["result"]["content"][0]["text"], ""


def told(result: dict[str, Any]) -> tuple[str, str]:
    if result.get("isError"):
        return "", result["structuredContent"]["code"]
    content = result.get("structuredContent", result)
    return content["content"][0]["text"], ""


Face = Callable[[House, str, str], Awaitable[tuple[str, str]]]
FACES: tuple[Face, ...] = (rested, merged, passed)


async def ready(house: House, there: Guarded) -> None:
    """The owner is connected as ann; both tools are accepted, and there is a contract for each."""
    await furnished(house, there)
    settings = {"kind": "mcp", "url": f"{there.url}/mcp", "credentials": "per_person", "pass_through": True}
    await house.good("PUT", "/v1/connectors/tools", json={"settings": settings})
    assert (await connected(house, there)).status_code == 303
    await house.good("POST", "/v1/upstreams/tools/look")
    await accepted(house)
    shown = (await house.good("GET", "/v1/upstreams/tools"))["tools"]
    await house.agree(CONTRACTS.format(**{each["name"]: each["pin"] for each in shown}))


async def mine(house: House, session: str | None = None) -> dict[str, Any]:
    (account,) = (await house.good("GET", "/v1/oauth/accounts", session))["accounts"]
    return dict(account)


@pytest.mark.parametrize("face", FACES)
def test_a_token_that_is_refused_is_renewed_once_and_the_call_is_done_once(
    tmp_path: Path, face: Face
) -> None:
    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            assert await face(house, house.owner, "read") == ("read as ann", "")
            there.end_tokens()
            there.ran.clear()
            there.refused = 0
            assert await face(house, house.owner, "read") == ("read as ann", "")
            assert there.ran == [("read", "ann")]
            assert there.refused == 1
            assert [asked["grant_type"] for asked in there.asked] == ["authorization_code", "refresh_token"]
            assert (await mine(house))["state"] == "connected"

    play(tmp_path, story)


@pytest.mark.parametrize("face", FACES)
def test_where_it_cannot_be_renewed_the_person_is_asked_to_connect_again(tmp_path: Path, face: Face) -> None:
    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            there.end_tokens()
            there.refuses = True
            for _ in range(3):
                assert await face(house, house.owner, "read") == ("", "oauth.connect_required")
            assert [asked["grant_type"] for asked in there.asked].count("refresh_token") == 1
            assert (await mine(house))["state"] == "again"
            async with browser(house) as page:
                first = (await page.get("/")).text
                assert 'href="/connected#accounts"' in first
                assert "connect your account anew" in first
                assert "Connect again tools" in (await page.get("/connected")).text
            there.refuses = False
            assert (await connected(house, there)).status_code == 303
            assert await face(house, house.owner, "read") == ("read as ann", "")
            async with browser(house) as page:
                assert "/connected#accounts" not in (await page.get("/")).text

    play(tmp_path, story)


def test_a_server_that_refuses_every_token_is_asked_twice_and_then_no_more(tmp_path: Path) -> None:
    """The authorization server goes on giving tokens that its own system does not take: nobody knocks for ever."""

    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            there.always, there.refused = True, 0
            for _ in range(5):
                assert await passed(house, house.owner, "read") == ("", "oauth.connect_required")
            assert there.refused == 2
            assert [asked["grant_type"] for asked in there.asked].count("refresh_token") == 1

    play(tmp_path, story)


@pytest.mark.parametrize("face", FACES)
def test_more_scope_is_asked_of_the_person_and_only_once(tmp_path: Path, face: Face) -> None:
    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            for _ in range(2):
                assert await face(house, house.owner, "write") == ("", "oauth.scope_required")
            assert await face(house, house.owner, "read") == ("read as ann", ""), "what it has goes on"
            account = await mine(house)
            assert (account["state"], account["wanted"]) == ("wider", ["files:write"])
            assert there.granted == {"ann": "tools"}
            assert [asked["grant_type"] for asked in there.asked] == ["authorization_code"], (
                "nothing was widened by itself"
            )
            async with browser(house) as page:
                assert "more of your account than you have allowed" in (await page.get("/")).text
                assert "Allow more tools" in (await page.get("/connected")).text
            assert (await connected(house, there)).status_code == 303
            assert there.granted == {"ann": "tools files:write"}
            assert await face(house, house.owner, "write") == ("write as ann", "")
            assert (await mine(house))["state"] == "connected"

    play(tmp_path, story)


def test_who_was_asked_and_did_not_give_it_is_not_asked_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            there.grants = False
            assert await passed(house, house.owner, "write") == ("", "oauth.scope_required")
            assert (await connected(house, there)).status_code == 303
            assert await passed(house, house.owner, "write") == ("", "target.refused")
            assert (await mine(house))["state"] == "connected"
            there.wants["write"] = "x" * 2000
            assert await passed(house, house.owner, "write") == ("", "target.refused"), (
                "more than fits is not asked for"
            )

    play(tmp_path, story)


def test_a_stream_is_opened_with_a_fresh_token_and_its_words_are_the_persons(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            session, _sam = await member(house, "sam")
            there.person = "sam"
            await connected(house, there, session)
            there.end_tokens()
            headers = {"accept": "text/event-stream", "mcp-protocol-version": "2025-11-25"}
            for token, person in ((house.owner, "ann"), (session, "sam")):
                heard = await house.ask("GET", "/mcp/tools", token, headers=headers)
                assert heard.status_code == 200, heard.text
                assert f"for {person}" in heard.text
            there.refuses = True
            there.end_tokens()
            refused = await house.ask("GET", "/mcp/tools", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "oauth.connect_required")

    play(tmp_path, story)


def test_two_people_at_once_each_as_themselves_while_their_tokens_end(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with guarded.running() as there:
            await ready(house, there)
            session, _sam = await member(house, "sam")
            there.person = "sam"
            await connected(house, there, session)
            for _ in range(3):
                there.end_tokens()
                calls = [
                    (face(house, token, "read"), person)
                    for face in FACES
                    for token, person in ((house.owner, "ann"), (session, "sam"))
                ]
                answers = await asyncio.gather(*(call for call, _ in calls))
                assert answers == [(f"read as {person}", "") for _, person in calls]
            assert there.spent == []

    play(tmp_path, story)


def test_two_processes_renew_once_between_them() -> None:
    """On PostgreSQL, with ten calls at each process: a refresh token that came twice would have ended everything."""

    async def story(pair: Pair) -> None:
        with guarded.running() as there:
            await ready(pair.a, there)
            me = (await pair.a.good("GET", "/v1/me"))["id"]
            for round_ in (1, 2):
                there.end_tokens()
                answers = await asyncio.gather(
                    *(passed(house, house.owner, "read") for house in (pair.a, pair.b) * 5)
                )
                assert answers == [("read as ann", "")] * 10
                assert [asked["grant_type"] for asked in there.asked].count("refresh_token") == round_
            assert there.spent == []
            assert await token_of(pair.a, me) == await token_of(pair.b, me)
            there.refuses = True
            there.end_tokens()
            assert await passed(pair.a, pair.a.owner, "read") == ("", "oauth.connect_required")
            assert await passed(pair.b, pair.b.owner, "read") == ("", "oauth.connect_required")
            assert (await mine(pair.b))["state"] == "again"

    play_pair(story)
