"""Streams that stay open at `/mcp/<upstream>`: each of their ends tells the client what it is, over a real connection."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import SubscriptionLost

from ostiary.mcp_server import passthrough_streams
from tests.house import House, play
from tests.mcp_server.listening import BREAKS, ENDS, SUBSCRIPTION, Talker, hearing, listen, on_a_port
from tests.oauth.agent import registered

CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {}}
COMPLETE = {"resultType": "complete", "_meta": {SUBSCRIPTION: "l-1"}}
BROKEN = "RemoteProtocolError"


def told(story: Any, tmp_path: Path, **settings: str) -> None:
    """`story(house, talker, url, key)`, with the house and its upstream on ports of this loop."""

    async def whole(house: House) -> None:
        talker = Talker()
        async with on_a_port(talker) as there, on_a_port(house.gateway.asgi) as here:
            await house.connect("tools", kind="mcp", url=f"{there}/mcp", pass_through=True)
            key = await house.make_key("agent", roles=("developer",))
            try:
                await story(house, talker, f"{here}/mcp/tools", key)
            finally:
                await talker.say(BREAKS, to=0)

    play(tmp_path, whole, **settings)


async def revoke(house: House, name: str = "agent") -> None:
    keys = (await house.good("GET", "/v1/keys"))["keys"]
    mine = next(each for each in keys if each["name"] == name)
    await house.good("POST", f"/v1/keys/{mine['key_id']}/revoke")


def test_a_gateway_that_stops_completes_what_was_asked(tmp_path: Path) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        async with hearing(url, key, listen()) as heard, hearing(url, key) as older:
            await talker.say(CHANGED, to=2)
            await heard.until(2)
            await older.until(1)
            house.gateway.stopping = lambda: True
            await heard.until(3, ended=True)
            await older.until(ended=True)
        assert heard.messages[-1] == {"jsonrpc": "2.0", "id": "l-1", "result": COMPLETE}
        assert (heard.ended, older.ended) == ("properly", "properly")
        assert older.messages == [CHANGED]

    told(story, tmp_path)


def test_who_may_listen_no_longer_is_told_why(tmp_path: Path) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        async with hearing(url, key, listen(7)) as heard, hearing(url, key) as older:
            await heard.until(1)
            await revoke(house)
            await heard.until(2, ended=True, within_s=4)
            await older.until(ended=True)
        last = heard.messages[-1]
        assert (last["id"], last["error"]["data"]["code"]) == (7, "auth.refused")
        assert (heard.ended, older.ended) == ("properly", "properly")

    told(story, tmp_path)


@pytest.mark.parametrize(
    ("what", "code"),
    [("stopped", "shield.stopped"), ("paused", "not_found"), ("changed", "target.unavailable")],
)
def test_a_stop_and_a_connector_that_is_another_end_it(tmp_path: Path, what: str, code: str) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        async with hearing(url, key, listen()) as heard:
            await heard.until(1)
            if what == "stopped":
                stop = {"kind": "action", "target": "mcp.tools.subscribe", "reason": "x"}
                await house.good("POST", "/v1/stops", json=stop)
            else:
                settings = {"kind": "mcp", "url": "http://127.0.0.1:8099/mcp", "pass_through": True}
                await house.good(
                    "PUT", "/v1/connectors/tools", json={"settings": settings, "paused": what == "paused"}
                )
            await heard.until(2, ended=True)
        assert heard.messages[-1]["error"]["data"]["code"] == code
        assert heard.ended == "properly"

    told(story, tmp_path)


def test_a_stream_that_broke_off_is_not_taken_for_whole(tmp_path: Path) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        for message in (listen(), None):
            async with hearing(url, key, message) as heard:
                await talker.say(CHANGED)
                await heard.until(2 if message else 1)
                await talker.say(BREAKS)
                await heard.until(ended=True)
            assert heard.ended == BROKEN
            assert all("result" not in each and "error" not in each for each in heard.messages)

    told(story, tmp_path)


def test_an_end_of_the_upstreams_is_passed_as_it_is(tmp_path: Path) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        for message in (listen(), None):
            async with hearing(url, key, message) as heard:
                await talker.say(ENDS)
                await heard.until(ended=True)
            assert heard.ended == "properly"
            if message:
                assert heard.messages[-1] == {"jsonrpc": "2.0", "id": "l-1", "result": COMPLETE}

    told(story, tmp_path)


def test_a_quiet_stream_is_kept_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passthrough_streams, "QUIET_S", 0.05)

    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        async with hearing(url, key, listen()) as heard, hearing(url, key) as older:
            await heard.until(1, comments=2)
            await older.until(comments=2)
            assert older.messages == []

    told(story, tmp_path)


def test_last_event_id_is_passed(tmp_path: Path) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        async with hearing(url, key, **{"last-event-id": "41"}) as heard:
            await talker.say(CHANGED)
            await heard.until(1)
        assert talker.headers[-1]["last-event-id"] == "41"

    told(story, tmp_path)


def test_the_official_client_tells_an_end_from_a_loss(tmp_path: Path) -> None:
    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http), mode="2026-07-28") as client,
        ):
            async with client.listen(tools_list_changed=True) as subscribed:
                await talker.say(CHANGED)
                await talker.say(BREAKS)
                with pytest.raises(SubscriptionLost):
                    assert [str(each) async for each in subscribed]
            async with client.listen(tools_list_changed=True) as subscribed:
                await talker.say(CHANGED)
                assert await anext(subscribed)
                house.gateway.stopping = lambda: True
                assert [each async for each in subscribed] == []
            house.gateway.stopping = lambda: False
            async with client.listen(tools_list_changed=True) as subscribed:
                await revoke(house)
                with pytest.raises(SubscriptionLost) as lost:
                    assert [str(each) async for each in subscribed]
                assert "credential is not valid" in str(lost.value.__cause__)

    told(story, tmp_path)


@pytest.mark.parametrize("scope", ["contracts:read", "contracts", "mcp.tools.*"])
def test_an_agent_by_oauth_speaks_and_listens_for_longer_than_a_second(tmp_path: Path, scope: str) -> None:
    """Once it was looked for among the API keys, and its stream ended at the first look."""

    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        agent = await registered(house, scope=scope)
        await agent.enter()
        listed = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        shown = {
            "authorization": f"Bearer {agent.access}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
        }
        async with httpx2.AsyncClient(headers=shown) as http:
            answered = await http.post(url, json=listed)
        assert (answered.status_code, "tools" in answered.text) == (200, True), answered.text
        # what is subscribed to may carry something outward, which a reading scope does not let it
        asked = None if scope == "contracts:read" else listen()
        async with hearing(url, agent.access, asked) as heard:
            await heard.until(1 if asked else 0)
            await asyncio.sleep(2.2)
            assert (heard.status, heard.ended) == (200, "")

    told(story, tmp_path)


def test_who_does_not_read_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passthrough_streams, "LAST_S", 0.1)

    async def story(house: House, talker: Talker, url: str, key: str) -> None:
        port = int(url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        head = f"GET /mcp/tools HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nAccept: text/event-stream\r\n\r\n"
        writer.write(head.encode())
        assert b" 200 " in await reader.readline()
        large = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "x" * 200_000}}
        for _ in range(60):  # more than the buffers of both ends hold
            await talker.say(large)
        await asyncio.sleep(0.5)
        await revoke(house)
        async with asyncio.timeout(8):
            while True:
                found = await house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.session"})
                if len(found["events"]) >= 2:
                    break
                await asyncio.sleep(0.1)
        writer.close()

    told(story, tmp_path)
