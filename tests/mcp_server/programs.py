"""A program over stdio that does as its callers tell it, and writes down what it was told; and a house that has it as an upstream."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.house import House, play
from tests.mcp_server.listening import on_a_port

SERVER = r"""
import json, os, sys, threading, time
HEARD = open(os.environ["HEARD"], "a")
lock = threading.Lock()
def say(message):
    with lock:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)
def note(method, **params):
    say({"method": method, "params": params})
for line in sys.stdin:
    message = json.loads(line)
    HEARD.write(line if line.endswith("\n") else line + "\n"); HEARD.flush()
    method, params = message.get("method"), message.get("params") or {}
    if method is None or "id" not in message:
        continue
    token = params.get("_meta", {}).get("progressToken")
    result = {}
    if method == "initialize":
        able = {"tools": {"listChanged": True}, "prompts": {}, "resources": {"subscribe": True, "listChanged": True}, "logging": {}}
        result = {"protocolVersion": "2025-11-25", "capabilities": able, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"do": {"type": "array"}}}
        result = {"tools": [{"name": "act", "inputSchema": schema}, {"name": "write", "inputSchema": schema}]}
    elif method == "resources/subscribe" and "no-such" in params["uri"]:
        say({"id": message["id"], "error": {"code": -32002, "message": "no such thing"}})
        continue
    elif method == "tools/call":
        answered = True
        for what, *given in params["arguments"].get("do", []):
            if what == "progress":
                for number in range(given[0]):
                    note("notifications/progress", progressToken=token, progress=number + 1, total=given[0], message="write to anna.berg@example.org")
            elif what == "progress-of":
                note("notifications/progress", progressToken=given[0], progress=1, message="for somebody else")
            elif what == "note":
                note(given[0], **given[1])
            elif what == "flood":
                for number in range(given[0]):
                    note("notifications/resources/updated", uri=f"file:///flood/{number}")
                    note("notifications/progress", progressToken=number, progress=1)
                    note("notifications/tools/list_changed")
            elif what == "die":
                os._exit(3)
            elif what == "silent":
                answered = False
            elif what == "slow":
                time.sleep(given[0])
        if not answered:
            continue
        result = {"content": [{"type": "text", "text": json.dumps([os.getpid(), os.environ.get("TOKEN", ""), token])}]}
    say({"id": message["id"], "result": result})
"""
READS = {"effect": "read", "risk": "low", "confirmation": "never", "egress": False}
WRITES = {"effect": "write", "risk": "low", "confirmation": "never", "egress": True}


class Place:
    """A house with the program `works` behind the upstream `tools`, on a port."""

    def __init__(self, house: House, url: str, heard: Path) -> None:
        self.house = house
        self.url = url
        self.heard = heard

    def told(self, method: str) -> list[Any]:
        """The parameters of each message of this method that the program got."""
        lines = [json.loads(line) for line in self.heard.read_text().splitlines()]
        return [line.get("params") for line in lines if line.get("method") == method]

    async def joined(self, name: str = "tools", credential: str = "one") -> None:
        settings = {"kind": "mcp", "program": "works", "pass_through": True, "reads": "free", "timeout_s": 8}
        body = {"settings": settings, "credential": credential}
        await self.house.good("PUT", f"/v1/connectors/{name}", json=body)
        await self.house.good("POST", f"/v1/upstreams/{name}/look")
        shown = (await self.house.good("GET", f"/v1/upstreams/{name}"))["tools"]
        tools = [{"pin": each["pin"], **(READS if each["name"] == "act" else WRITES)} for each in shown]
        await self.house.good("POST", f"/v1/upstreams/{name}/accept", json={"tools": tools})


def placed(story: Any, tmp_path: Path, **settings: str) -> None:
    """`story(place, key)`."""
    heard = tmp_path / "heard"
    heard.touch()
    file = tmp_path / "programs.json"
    command = [sys.executable, "-I", "-S", "-c", SERVER]
    works = {"command": command, "environment": {"HEARD": str(heard)}, "credential": "TOKEN"}
    file.write_text(json.dumps({"works": works}))

    async def whole(house: House) -> None:
        async with on_a_port(house.gateway.asgi) as here:
            place = Place(house, here, heard)
            await place.joined()
            await story(place, await house.make_key("agent", kind="program", roles=("developer",)))

    play(tmp_path / "home", whole, OSTIARY_MCP_PROGRAMS=str(file), **settings)
