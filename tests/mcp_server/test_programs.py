"""A program over stdio at `/mcp/<name>`, as its clients see it: progress, cancellation, subscriptions, each its own client's and nobody else's."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.mcp_server.gateway import client
from tests.mcp_server.listening import META, NEWER
from tests.mcp_server.programs import Place, placed

MODES = ("legacy", "2026-07-28")


async def until(true: Any, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


async def acted(connected: Any, *do: Any, tool: str = "act", on_progress: Any = None) -> Any:
    answer = await connected.call_tool(tool, {"do": list(do)}, progress_callback=on_progress)
    assert not answer.is_error, answer
    return json.loads(answer.content[0].text)


class Progress:
    def __init__(self) -> None:
        self.told: list[Any] = []

    async def __call__(self, *told: Any) -> None:
        self.told.append(told)


def raw(number: Any, do: list[Any], tool: str = "act", **meta: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": {"do": do}, "_meta": {**META, **meta}}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def headers(key: str, era: str = NEWER, **more: str) -> dict[str, str]:
    named = {"mcp-method": "tools/call", "mcp-name": "act"} if era == NEWER else {}
    return {
        "authorization": f"Bearer {key}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": era,
        **named,
        **more,
    }


@pytest.mark.parametrize("mode", MODES)
def test_progress_goes_to_whoever_asked_and_is_masked(tmp_path: Path, mode: str) -> None:
    async def story(place: Place, key: str) -> None:
        other = await place.house.make_key("other", kind="program", roles=("developer",))
        async with (
            client(f"{place.url}/mcp/tools", key, mode) as one,
            client(f"{place.url}/mcp/tools", other, mode) as two,
        ):
            mine, theirs = Progress(), Progress()
            said, also = await asyncio.gather(
                acted(one, ["progress", 3], on_progress=mine),
                acted(two, ["progress", 2], on_progress=theirs),
            )
            await until(lambda: len(mine.told) == 3 and len(theirs.told) == 2)
            assert mine.told == [(float(n), 3.0, "write to [email]") for n in (1, 2, 3)]
            assert theirs.told == [(float(n), 2.0, "write to [email]") for n in (1, 2)]
            assert said[2] != also[2], "each request has a token of ours"
            assert (await acted(one, ["progress", 1]))[2] is None, "who wants none has no token"

    placed(story, tmp_path)


def test_progress_for_another_token_reaches_nobody(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        async with client(f"{place.url}/mcp/tools", key, NEWER) as one:
            mine, theirs = Progress(), Progress()
            wrong = [["progress-of", token] for token in (0, 1, 2, 999, True, 1.0, "1", None, [], {})]
            slow = asyncio.create_task(acted(one, ["slow", 0.3], on_progress=theirs))
            await acted(one, *wrong, on_progress=mine)
            await slow
            assert (mine.told, theirs.told) == ([], [])
            assert await acted(one)

    placed(story, tmp_path)


def test_the_clients_own_token_comes_back_before_the_answer(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            answer = await http.post(
                f"{place.url}/mcp/tools",
                headers=headers(key),
                json=raw(5, [["progress", 2]], progressToken="t-é"),
            )
            told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
            assert [each.get("method", "answer") for each in told] == ["notifications/progress"] * 2 + [
                "answer"
            ]
            assert [each["params"]["progressToken"] for each in told[:2]] == ["t-é", "t-é"]
            assert told[2]["id"] == 5
            plain = await http.post(
                f"{place.url}/mcp/tools",
                headers=headers(key) | {"accept": "application/json"},
                json=raw(6, [["progress", 2]], progressToken=1),
            )
            assert plain.json()["id"] == 6, "who reads no stream gets none"

    placed(story, tmp_path)


def test_a_client_of_the_newer_era_that_hangs_up_is_told_to_the_program(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            asking = asyncio.create_task(
                http.post(f"{place.url}/mcp/tools", headers=headers(key), json=raw(5, [["silent"]]))
            )
            await until(lambda: place.told("tools/call"))
            asking.cancel()
            await until(lambda: place.told("notifications/cancelled"))
            assert len(place.told("notifications/cancelled")) == 1

    placed(story, tmp_path)


def test_what_has_begun_outside_goes_on_when_the_client_hangs_up(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            named = headers(key, **{"mcp-name": "write"})
            asking = asyncio.create_task(
                http.post(f"{place.url}/mcp/tools", headers=named, json=raw(5, [["slow", 0.5]], "write"))
            )
            await until(lambda: place.told("tools/call"))
            asking.cancel()

        async def ran() -> list[str]:
            found = await place.house.good(
                "GET", "/v1/audit/events", params={"action": "mcp.tools.tools.write"}
            )
            return [each["decision"] for each in found["events"]]

        async with asyncio.timeout(10):
            while "ran" not in await ran():
                await asyncio.sleep(0.05)
        assert place.told("notifications/cancelled") == []

    placed(story, tmp_path)


def test_a_time_limit_is_told_to_the_program(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        settings = {"kind": "mcp", "program": "works", "pass_through": True, "reads": "free", "timeout_s": 1}
        await place.house.good(
            "PUT", "/v1/connectors/tools", json={"settings": settings, "credential": "one"}
        )
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            answer = await http.post(
                f"{place.url}/mcp/tools", headers=headers(key), json=raw(5, [["silent"]])
            )
            assert answer.json()["result"]["structuredContent"]["code"] == "target.timeout"
        await until(lambda: place.told("notifications/cancelled"))

    placed(story, tmp_path)


async def session_of(http: httpx.AsyncClient, place: Place, key: str) -> str:
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    answer = await http.post(f"{place.url}/mcp/tools", headers=headers(key, "2025-11-25"), json=body)
    return str(answer.headers["mcp-session-id"])


def test_a_client_cancels_its_own_request_and_no_other_ones(tmp_path: Path) -> None:
    async def story(place: Place, key: str) -> None:
        other = await place.house.make_key("other", kind="program", roles=("developer",))
        url = f"{place.url}/mcp/tools"
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            mine, again, theirs = [await session_of(http, place, each) for each in (key, key, other)]

            def of(session: str, who: str) -> dict[str, str]:
                return headers(who, "2025-11-25", **{"mcp-session-id": session})

            asking = asyncio.create_task(http.post(url, headers=of(mine, key), json=raw(7, [["silent"]])))
            await until(lambda: place.told("tools/call"))
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
            for session, who in ((again, key), (theirs, other)):
                assert (await http.post(url, headers=of(session, who), json=cancel)).status_code == 202
            assert (await http.post(url, headers=of(mine, other), json=cancel)).status_code == 404
            assert (await http.post(url, headers=headers(key, "2025-11-25"), json=cancel)).status_code == 202
            for wrong in ("7", 8, None, [], {"a": 1}):
                told = {**cancel, "params": {"requestId": wrong}}
                assert (await http.post(url, headers=of(mine, key), json=told)).status_code == 202
            await asyncio.sleep(0.3)
            assert not asking.done()
            assert place.told("notifications/cancelled") == []
            assert (await http.post(url, headers=of(mine, key), json=cancel)).status_code == 202
            answer = await asking
            assert answer.json()["result"]["isError"]
            assert (await http.delete(url, headers=of(mine, key))).status_code == 405
            (told,) = place.told("notifications/cancelled")
            assert told["requestId"] != 7, "the number is ours"

    placed(story, tmp_path)
