"""An agent asks a database through MCP's official client: what there is, how it looks, one statement, and one that somebody has to agree to."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.house import BASE, House
from tests.sources.given import OPEN, asked


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_an_agent_looks_asks_and_waits_for_a_yes(tmp_path: Path, era: str) -> None:
    secret = {"name": "people", "tables": ["customers"], "consent": "confirm"}
    policy = {**OPEN, "rules": [OPEN["rules"][0], secret]}

    async def story(house: House, _schema: str) -> None:
        key = await house.make_key("helper")
        transport = httpx2.ASGITransport(house.gateway.asgi, client=("127.0.0.1", 40000))
        async with (
            httpx2.AsyncClient(
                transport=transport, headers={"authorization": f"Bearer {key}"}, base_url=BASE, timeout=30
            ) as http,
            Client(
                streamable_http_client(f"{BASE}/mcp", http_client=http), mode=era, read_timeout_seconds=30
            ) as client,
        ):
            await looked(client)
            await answered(client)
            await agreed(client, house)

    asked(tmp_path, "sqlite", story, policy)


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    return await client.call_tool(tool, arguments)


async def looked(client: Client) -> None:
    names = {tool.name for tool in (await client.list_tools()).tools}
    assert {"sources_list", "schema_describe", "query", "source_confirm"} <= names
    assert not names & {"source_put", "source_preview", "source_query"}
    (source,) = (await called(client, "sources_list")).structured_content["sources"]
    assert (source["name"], source["tables"]) == ("shop", 2)
    described = (await called(client, "schema_describe", source="shop")).structured_content
    assert {table["name"]: table["rows"] for table in described["tables"]} == {
        "customers": "all",
        "orders": "some",
    }


async def answered(client: Client) -> None:
    found = await called(
        client, "query", source="shop", statement="SELECT region, amount FROM orders ORDER BY id"
    )
    assert found.structured_content["rows"] == [
        {"region": "EU", "amount": 10},
        {"region": "EU", "amount": 30},
    ]
    assert found.meta["dev.ostiary/trust"] == "untrusted"
    told = await called(client, "ask", source="shop", question="number of orders by region")
    assert told.structured_content["rows"] == [{"region": "EU", "orders_count": 2}]
    assert told.meta["dev.ostiary/trust"] == "untrusted"
    back = await called(client, "ask", source="shop", question="number of orders unpaid")
    assert (back.is_error, back.structured_content["asked_back"][:13]) == (False, "I do not know")
    refused = await called(client, "query", source="shop", statement="DELETE FROM orders")
    assert refused.is_error
    assert refused.structured_content["code"] == "query.refused"


async def agreed(client: Client, house: House) -> None:
    wanted = {"source": "shop", "statement": "SELECT name FROM customers ORDER BY id"}
    held = await called(client, "query", **wanted)
    assert held.structured_content["code"] == "query.held"
    assert "source.confirm" in held.structured_content["detail"]
    await called(client, "source_confirm", **wanted)
    (waiting,) = (await house.good("GET", "/v1/approvals"))["approvals"]
    assert (await house.approve(waiting["id"])).status_code == 200
    await house.settled(waiting["call"])
    assert [set(row) for row in (await called(client, "query", **wanted)).structured_content["rows"]] == [
        {"name"}
    ] * 2
