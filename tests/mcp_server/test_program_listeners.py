"""Who listens at a program over stdio hears what it asked for: both eras, several keys and tenants, a program that lies, floods and dies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.subscriptions import ResourceUpdated, ToolsListChanged

from ostiary.connectors.mcp import listeners
from ostiary.errors import TargetUnavailable
from tests.mcp_server.gateway import client
from tests.mcp_server.listening import SUBSCRIPTION, Heard, hearing, listen
from tests.mcp_server.programs import Place, placed
from tests.mcp_server.test_programs import acted, until
from tests.mcp_server.test_streams import revoke

TOOLS = "notifications/tools/list_changed"
RESOURCES = "notifications/resources/list_changed"
PROMPTS = "notifications/prompts/list_changed"
UPDATED = "notifications/resources/updated"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"


def said(heard: Heard) -> list[Any]:
    """What came after the acknowledgement: (method, uri)."""
    return [(each["method"], each["params"].get("uri", "")) for each in heard.messages[1:]]


async def says(place: Place, key: str, *notes: tuple[str, dict[str, Any]]) -> None:
    async with client(f"{place.url}/mcp/tools", key, "2026-07-28") as connected:
        await acted(connected, *(["note", method, params] for method, params in notes))


def test_each_hears_what_it_asked_for(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        url = f"{place.url}/mcp/tools"
        other = await place.house.make_key("other", kind="program", roles=("developer",))
        mine = listen(
            3,
            toolsListChanged=True,
            promptsListChanged=True,
            resourceSubscriptions=["file:///a", "file:///no-such"],
        )
        theirs = listen("x", resourceSubscriptions=["file:///a", "file:///b", 5], invented=True)
        async with hearing(url, key, mine) as one, hearing(url, other, theirs) as two:
            await one.until(1)
            await two.until(1)
            assert one.messages[0] == {
                "jsonrpc": "2.0",
                "method": ACKNOWLEDGED,
                "params": {
                    "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["file:///a"]},
                    "_meta": {SUBSCRIPTION: 3},
                },
            }
            assert two.messages[0]["params"]["notifications"] == {
                "resourceSubscriptions": ["file:///a", "file:///b"]
            }
            await says(
                place, key,
                (TOOLS, {}), (PROMPTS, {}), (RESOURCES, {}), (UPDATED, {"uri": "file:///b"}), (UPDATED, {"uri": "file:///nobodys"}),
                (UPDATED, {"uri": "file:///no-such"}), (UPDATED, {"uri": "file:///ab"}), (UPDATED, {"uri": 5}), (UPDATED, {}),
                (UPDATED, {"uri": "file:///a/part", "_meta": {SUBSCRIPTION: "forged"}, "secret": "x"}),
            )  # fmt: skip
            await one.until(3)
            await two.until(3)
            assert said(one) == [(TOOLS, ""), (UPDATED, "file:///a/part")]
            assert said(two) == [(UPDATED, "file:///b"), (UPDATED, "file:///a/part")]
            assert one.messages[-1]["params"] == {"uri": "file:///a/part", "_meta": {SUBSCRIPTION: 3}}
            assert two.messages[-1]["params"]["_meta"] == {SUBSCRIPTION: "x"}
            asked = [each["uri"] for each in place.told("resources/subscribe")]
            assert sorted(asked) == ["file:///a", "file:///b", "file:///no-such"], "once for everybody"
        await until(lambda: len(place.told("resources/unsubscribe")) == 2)
        found = await place.house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.subscribe"})
        assert [each["decision"] for each in found["events"]] == ["ran", "ran"]

    placed(story, tmp_path)


def test_the_official_client_listens_in_the_newer_era(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        async with client(f"{place.url}/mcp/tools", key, "auto") as connected:
            able = connected.server_capabilities
            assert (able.tools.list_changed, able.resources.subscribe, able.logging) == (True, True, None)
            async with connected.listen(
                tools_list_changed=True, resource_subscriptions=["file:///a"]
            ) as subscribed:
                await says(place, key, (TOOLS, {}), (UPDATED, {"uri": "file:///a"}))
                assert [await anext(subscribed), await anext(subscribed)] == [
                    ToolsListChanged(),
                    ResourceUpdated(uri="file:///a"),
                ]
                with pytest.raises(Exception, match="has ended"):
                    await acted(connected, ["die"])
                with pytest.raises(SubscriptionLost):
                    await anext(subscribed)
            await asyncio.sleep(1.1)  # it is started again after a second
            async with connected.listen(resource_subscriptions=["file:///a"]) as again:
                await says(place, key, (UPDATED, {"uri": "file:///a"}))
                assert await anext(again) == ResourceUpdated(uri="file:///a")
                place.house.gateway.stopping = lambda: True
                assert [each async for each in again] == []
            assert len(place.told("resources/subscribe")) == 2

    placed(story, tmp_path)


def test_the_older_era_hears_of_lists_and_is_promised_no_more(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        url = f"{place.url}/mcp/tools"
        async with client(url, key, "legacy") as connected:
            able = connected.server_capabilities
            assert (able.tools.list_changed, able.resources.subscribe) == (True, None)
            with pytest.warns(MCPDeprecationWarning), pytest.raises(MCPError, match="Method not found"):
                await connected.subscribe_resource("file:///a")
        assert place.told("resources/subscribe") == []
        async with hearing(url, key) as stream, hearing(url, key) as other:
            await until(lambda: stream.status == other.status == 200)
            await says(
                place,
                key,
                (TOOLS, {}),
                (UPDATED, {"uri": "file:///a"}),
                (RESOURCES, {}),
                ("notifications/message", {"data": "x"}),
            )
            await stream.until(2)
            await other.until(2)
            assert stream.messages == [{"jsonrpc": "2.0", "method": method} for method in (TOOLS, RESOURCES)]
            place.house.gateway.stopping = lambda: True
            await stream.until(ended=True)
            assert stream.ended == "properly"

    placed(story, tmp_path)


def test_two_tenants_hear_nothing_of_each_other(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        url, house = f"{place.url}/mcp/tools", place.house
        made = await house.good("POST", "/v1/tenants", json={"name": "Bravo"})
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": made["tenant"]})
        await place.joined(credential="two")
        bravo = await house.make_key("bravo", kind="program", roles=("developer",))
        wanted = listen(resourceSubscriptions=["file:///a"], toolsListChanged=True)
        async with hearing(url, key, wanted) as alpha_hears, hearing(url, bravo, wanted) as bravo_hears:
            await alpha_hears.until(1)
            await bravo_hears.until(1)
            await says(place, bravo, (UPDATED, {"uri": "file:///a"}), (TOOLS, {}))
            await bravo_hears.until(3)
            await says(place, key, (TOOLS, {}))
            await alpha_hears.until(2)
            assert said(alpha_hears) == [(TOOLS, "")]
            async with client(url, bravo, "2026-07-28") as connected:
                with pytest.raises(Exception, match="has ended"):
                    await acted(connected, ["die"])
            await bravo_hears.until(ended=True)
            await says(place, key, (TOOLS, {}))
            await alpha_hears.until(3)
            assert (alpha_hears.ended, bravo_hears.ended) == ("", "RemoteProtocolError")

    placed(story, tmp_path)


def test_a_key_that_is_revoked_hears_nothing_after_a_second(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        url = f"{place.url}/mcp/tools"
        other = await place.house.make_key("other", kind="program", roles=("developer",))
        async with hearing(url, key, listen()) as gone, hearing(url, other, listen()) as stays:
            await gone.until(1)
            await stays.until(1)
            await revoke(place.house)
            await gone.until(2, ended=True, within_s=3)
            await says(place, other, (TOOLS, {}))
            await stays.until(2)
        assert gone.messages[-1]["error"]["data"]["code"] == "auth.refused"
        assert len(gone.messages) == 2

    placed(story, tmp_path)


def test_one_more_than_may_listen_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "LISTENERS_MAX", 2)
    monkeypatch.setattr(listeners, "URIS_OF_LISTENER_MAX", 2)

    async def story(place: Place, key: str) -> None:
        url = f"{place.url}/mcp/tools"
        many = ["file:///" + "x" * 3_000, *(f"file:///{number}" for number in range(5))]
        async with hearing(url, key, listen(resourceSubscriptions=many)) as one:
            await one.until(1)
            honoured = one.messages[0]["params"]["notifications"]["resourceSubscriptions"]
            assert honoured == ["file:///0", "file:///1"]
            async with hearing(url, key, listen()) as two:
                await two.until(1)
                async with hearing(url, key, listen(9)) as three:
                    await three.until(1, ended=True)
                assert (three.status, three.messages[0]["id"]) == (502, 9)
                assert three.messages[0]["error"]["data"]["code"] == "target.unavailable"
            async with hearing(url, key, listen()) as two:
                await two.until(1)

    placed(story, tmp_path)


def test_a_program_that_floods_harms_nobody(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        url = f"{place.url}/mcp/tools"
        wanted = listen(toolsListChanged=True, resourceSubscriptions=["file:///flood/7", "file:///mine"])
        async with hearing(url, key, wanted) as heard, client(url, key, "2026-07-28") as connected:
            await heard.until(1)
            await acted(connected, ["flood", 20_000], ["note", UPDATED, {"uri": "file:///mine"}])
            await until(lambda: (UPDATED, "file:///mine") in said(heard))
            assert set(said(heard)) == {(TOOLS, ""), (UPDATED, "file:///flood/7"), (UPDATED, "file:///mine")}
            assert heard.ended == ""

    placed(story, tmp_path)


def test_who_lets_too_much_wait_is_told_to_listen_again() -> None:
    async def story() -> None:
        listener = listeners.Listener(listeners.Wanted())
        for number in range(listeners.PENDING_MAX):
            listener.tell(UPDATED, f"file:///{number}")
            listener.tell(UPDATED, f"file:///{number}" if number < 9 else "file:///0")
        first = [await listener.next() for _ in range(3)]
        assert first == [(UPDATED, f"file:///{number}") for number in range(3)]
        for number in range(listeners.PENDING_MAX + 9):
            listener.tell(UPDATED, f"file:///more/{number}")
        left = [await listener.next() for _ in range(listeners.PENDING_MAX)]
        assert left[-1] == (UPDATED, "file:///more/2")
        with pytest.raises(TargetUnavailable):
            await listener.next()

    asyncio.run(story())


def test_a_listen_that_says_nothing_is_refused(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        url = f"{place.url}/mcp/tools"
        for wrong in (None, [], "x", 5):
            message = listen(4)
            message["params"]["notifications"] = wrong
            async with hearing(url, key, message) as heard:
                await heard.until(1, ended=True)
            assert heard.messages[0]["error"]["code"] == -32602
        async with hearing(
            url, key, listen(4, resourceSubscriptions={"a": 1}, toolsListChanged="yes")
        ) as heard:
            await heard.until(1)
            assert heard.messages[0]["params"]["notifications"] == {}

    placed(story, tmp_path)
