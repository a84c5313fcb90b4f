"""A program over stdio at `/mcp/<name>`: a process for each tenant and credential, its secret nowhere but in its environment, gone when the gateway is."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.mcp_server.gateway import client
from tests.mcp_server.listening import hearing
from tests.process import Process

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
SERVER = r"""
import json, os, sys
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
sys.stderr.write("stderr of " + os.environ.get("TOKEN", "") + "\n")
for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params", {})
    if "id" not in message or method is None:
        continue
    if method == "initialize":
        capabilities = {"tools": {"listChanged": True}, "prompts": {}, "completions": {}, "logging": {}, "resources": {"subscribe": True}}
        result = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "whoami", "inputSchema": SCHEMA}]}
    elif method == "prompts/list":
        result = {"prompts": [{"name": "of-" + os.environ["TOKEN"]}]}
    elif method == "tools/call":
        if params["arguments"].get("text") == "die":
            os._exit(3)
        print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "for nobody"}}), flush=True)
        result = {"content": [{"type": "text", "text": json.dumps([os.environ["TOKEN"], os.getpid(), sorted(params)])}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32002, "message": "no such thing"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""
HARMLESS = {"effect": "read", "risk": "low", "confirmation": "never", "egress": False}


def joined(gateway: Process, word: str) -> str:
    settings = {"kind": "mcp", "program": "works", "pass_through": True, "reads": "free"}
    body = {"settings": settings, "credential": f"secret-of-{word}"}
    gateway.good("PUT", "/v1/connectors/tools", json=body)
    gateway.good("POST", "/v1/upstreams/tools/look")
    (shown,) = gateway.good("GET", "/v1/upstreams/tools")["tools"]
    gateway.good("POST", "/v1/upstreams/tools/accept", json={"tools": [{"pin": shown["pin"], **HARMLESS}]})
    return gateway.make_key(word, "developer", kind="program")


async def asked(gateway: Process, key: str, mode: str) -> tuple[str, int]:
    """What the program says that it is: (credential, process id)."""
    async with client(f"{gateway.url}/mcp/tools", key, mode) as connected:
        assert [each.name for each in (await connected.list_tools()).tools] == ["whoami"]
        said: Any = json.loads((await connected.call_tool("whoami", {"text": "x"})).content[0].text)
        assert said[2] == ["arguments", "name"], "nothing of the client's envelope reaches the program"
        assert [each.name for each in (await connected.list_prompts()).prompts] == [f"of-{said[0]}"]
        able = connected.server_capabilities
        assert able.logging is None, "what names no client is not promised"
        assert able.tools.list_changed
        assert bool(able.resources.subscribe) == (mode == "auto"), "by subscriptions/listen alone"
        return said[0], said[1]


async def stopped_while_listening(gateway: Process, key: str) -> None:
    """SIGTERM: who listens is told that it is complete, a raw listener of the older era gets a proper end."""
    url = f"{gateway.url}/mcp/tools"
    async with (
        client(url, key, "auto") as connected,
        hearing(url, key) as older,
        connected.listen(tools_list_changed=True, resource_subscriptions=["file:///a"]) as subscribed,
    ):
        while older.status != 200:
            await asyncio.sleep(0.02)
        stopping = asyncio.create_task(asyncio.to_thread(gateway.stop))
        assert [each async for each in subscribed] == []
        await older.until(ended=True)
        assert older.ended == "properly"
    await stopping


def lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_programs_of_two_tenants_are_two_and_die_with_the_gateway(tmp_path: Path) -> None:
    file = tmp_path / "programs.json"
    command = [sys.executable, "-I", "-S", "-c", SERVER]
    file.write_text(json.dumps({"works": {"command": command, "credential": "TOKEN"}}))
    gateway = Process(
        tmp_path / "home", settings={"OSTIARY_MCP_PROGRAMS": str(file), "OSTIARY_LOG_LEVEL": "debug"}
    )
    try:
        gateway.start()
        gateway.found()
        alpha = joined(gateway, "alpha")
        made = gateway.good("POST", "/v1/tenants", json={"name": "Bravo"})
        gateway.good("POST", "/v1/session/switch-tenant", json={"tenant": made["tenant"]})
        bravo = joined(gateway, "bravo")

        async def both() -> list[tuple[str, int]]:
            calls = [asked(gateway, key, mode) for key in (alpha, bravo) for mode in ("legacy", "auto")]
            return list(await asyncio.gather(*calls))

        one, same, two, too = asyncio.run(both())
        assert (one[0], two[0]) == ("secret-of-alpha", "secret-of-bravo")
        assert (one, two) == (same, too), "one process for a credential, whoever asks"
        assert one[1] != two[1]
        for pid, word in ((one[1], "alpha"), (two[1], "bravo")):
            assert f"secret-of-{word}".encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
            named = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            assert {each.split(b"=")[0] for each in named if each} <= {b"TOKEN", b"LC_CTYPE"}
        gateway.kill()
        until = time.monotonic() + 20
        while lives(one[1]) or lives(two[1]):
            assert time.monotonic() < until, "it lives on"
            time.sleep(0.05)
        log = gateway.home.with_suffix(".log").read_text()
        assert "secret-of" not in log
        assert "stderr of" not in log
        gateway.start()
        again = asyncio.run(asked(gateway, alpha, "legacy"))
        assert again[0] == "secret-of-alpha"
        assert again[1] not in (one[1], two[1])
        asyncio.run(stopped_while_listening(gateway, alpha))
        assert not lives(again[1])
    finally:
        gateway.kill()
