"""The official MCP client behind a load balancer without stickiness: each request goes to the other process."""

from itertools import cycle
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.across.pair import Pair, play
from tests.house import BASE


class Turns(httpx2.AsyncBaseTransport):
    """The next process for each request."""

    def __init__(self, pair: Pair) -> None:
        apps = [house.gateway.asgi for house in (pair.a, pair.b)]
        self.count = 0
        self._turns = cycle([httpx2.ASGITransport(app, client=("127.0.0.1", 40000)) for app in apps])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.count += 1
        return await next(self._turns).handle_async_request(request)


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_a_client_that_meets_another_process_each_time(era: str) -> None:
    async def story(pair: Pair) -> None:
        turns = Turns(pair)
        async with (
            httpx2.AsyncClient(
                transport=turns, headers={"authorization": f"Bearer {pair.agent}"}, base_url=BASE, timeout=30
            ) as http,
            Client(
                streamable_http_client(f"{BASE}/mcp", http_client=http), mode=era, read_timeout_seconds=30
            ) as client,
        ):
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert {"mail_send", "pay_send", "call_show"} <= set(names)
            for _ in range(4):
                assert (await client.call_tool("mail_send", {"to": "bob"})).is_error is False
            held = await client.call_tool("pay_send", {"to": "ada", "amount": 48})
            waiting = (await pair.b.good("GET", "/v1/approvals"))["approvals"]
            assert (await pair.b.approve(waiting[0]["id"])).status_code == 200
            await pair.a.settled(waiting[0]["call"])
            shown: Any = await client.call_tool("call_show", {"call_id": waiting[0]["call"]})
            assert shown.structured_content["state"] == "done", held
        assert turns.count >= 8
        assert pair.shop.done == {"bob": 4, "ada": 1}

    play(story, OSTIARY_MCP_WAIT_S="0")
