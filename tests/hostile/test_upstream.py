"""An upstream, and a tenant who connects one, against the gateway: addresses that may not be reached, servers that lie, and somebody else's tools."""

from pathlib import Path

import pytest

from tests.connectors.mcp.test_quarantine import accepted, called, joined, names, rpc
from tests.connectors.mcp.upstream import tool, upstream
from tests.house import House, play

CLOSED = (
    "http://10.0.0.1:8080/mcp", "http://169.254.169.254/latest/meta-data", "http://[::ffff:10.0.0.1]:8080/mcp", "http://100.64.0.1:8080/mcp",
    "http://[64:ff9b::a00:1]:8080/mcp", "http://[2002:a00:1::]:8080/mcp", "http://192.168.1.1:8080/mcp", "http://[fe80::1]:8080/mcp",
    "http://0.0.0.0:8080/mcp", "http://[::1]:8080/mcp",
)  # fmt: skip
UNREADABLE = (
    "http://0x7f.1/mcp",
    "file:///etc/passwd",
    "http://user@127.0.0.1/mcp",
    "gopher://127.0.0.1/mcp",
    "http://127.0.0.1:22/mcp",
)


def test_no_closed_address_is_reached_as_an_upstream(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        for url in CLOSED:
            await house.connect("inner", kind="mcp", url=url, pass_through=True)
            looked = await house.ask("POST", "/v1/upstreams/inner/look")
            assert looked.json()["code"] == "net.address_refused", url
        for url in UNREADABLE:
            refused = await house.ask(
                "PUT", "/v1/connectors/inner", json={"settings": {"kind": "mcp", "url": url}}
            )
            assert refused.status_code >= 400, url

    play(tmp_path, story)


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async def moved(scope, receive, send):  # type: ignore[no-untyped-def]
        await send(
            {
                "type": "http.response.start",
                "status": 307,
                "headers": [(b"location", b"http://169.254.169.254/")],
            }
        )
        await send({"type": "http.response.body", "body": b""})

    async def story(house: House) -> None:
        from ostiary.sample.serving import served

        with served(moved) as base:
            await house.connect("inner", kind="mcp", url=f"{base}/mcp")
            looked = await house.ask("POST", "/v1/upstreams/inner/look")
            assert looked.status_code >= 500
            assert looked.json()["code"].startswith("target.")

    play(tmp_path, story)


@pytest.mark.parametrize("bad", ["https://evil.example/schema.json", "file:///etc/passwd"])
def test_a_schema_that_reaches_outside_is_not_accepted(tmp_path: Path, bad: str) -> None:
    async def story(house: House) -> None:
        reaching = tool("reach") | {"inputSchema": {"type": "object", "properties": {"x": {"$ref": bad}}}}
        with upstream(tools=[reaching]) as (_server, url):
            await joined(house, url)
            shown = (await house.good("GET", "/v1/upstreams/tools"))["tools"]
            assert shown[0]["enforceable"] is False
            refused = await house.ask(
                "POST", "/v1/upstreams/tools/accept", json={"tools": [{"pin": shown[0]["pin"]}]}
            )
            assert refused.status_code == 422

    play(tmp_path, story)


def test_a_pattern_that_never_ends_is_not_run(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        slow = tool("slow") | {
            "inputSchema": {
                "type": "object",
                "properties": {"text": {"type": "string", "pattern": "^(a+)+$"}},
            }
        }
        with upstream(tools=[slow]) as (_server, url):
            key = await joined(house, url)
            await accepted(house)
            refused = await called(house, key, "slow", text="a" * 50_000 + "!")
            assert refused["structuredContent"]["code"] == "params.invalid"

    play(tmp_path, story)


def test_a_tool_named_as_ours_is_still_the_upstreams(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream(tools=[tool("approval_approve"), tool("call_show"), tool("../echo")]) as (server, url):
            key = await joined(house, url)
            await accepted(house)
            assert sorted(await names(house, key)) == ["../echo", "approval_approve", "call_show"]
            for name in ("approval_approve", "call_show", "../echo"):
                assert (await called(house, key, name, text="x"))["content"] == [
                    {"type": "text", "text": "x"}
                ]
            assert server.methods().count("tools/call") == 3
            merged = await house.ask(
                "POST", "/mcp", key, headers={"accept": "application/json, text/event-stream"},
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            )  # fmt: skip
            assert "approval_approve" not in merged.text

    play(tmp_path, story)


def test_a_stop_holds_for_one_tool_and_for_all(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream(tools=[tool("echo"), tool("other")]) as (server, url):
            key = await joined(house, url)
            await accepted(house)
            await house.good(
                "POST", "/v1/stops", json={"kind": "action", "target": "mcp.tools.tools.echo", "reason": "no"}
            )
            assert (await called(house, key, "echo", text="x"))["structuredContent"][
                "code"
            ] == "shield.stopped"
            assert (await called(house, key, "other", text="x"))["content"] == [{"type": "text", "text": "x"}]
            assert server.methods().count("tools/call") == 1

    play(tmp_path, story)


@pytest.mark.parametrize("name", ["..%2fmcp", "tools/../tools", "tools%00", "", "TOOLS", "tools/", "a" * 500])
def test_a_path_names_an_upstream_or_nothing(tmp_path: Path, name: str) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            key = await joined(house, url)
            before = len(server.heard)
            answer = await rpc(house, key, "ping", name=name)
            assert answer.status_code == 404 or name in ("", "tools/../tools"), answer.text
            assert len(server.heard) == before or name == "tools/../tools"

    play(tmp_path, story)
