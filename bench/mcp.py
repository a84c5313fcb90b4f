"""A tool call of an MCP server: asked directly, through the whole door by contract and through `/mcp/<upstream>`, and through FastMCP's proxy where one is given.

Every server is a process of its own, and the load is given to each in turn, in short rounds. The direct server is the SDK's own (`MCPServer`). `--client`:
what asks. `sdk`, an agent's ordinary client (the SDK's), as the aims have it; `wire`, one keep-alive connection a worker that speaks the protocol and nothing
more, so that the servers alone are measured, and what the door adds looks largest. Through the door everything is on: a
real key, the pinned schema, provenance, masking, and an event on the disk before each answer.

    .venv/bin/python bench/mcp.py [--fastmcp PYTHON] [--rounds 5] [--round-s 2] [--client sdk|wire]

`--fastmcp`: the interpreter of an environment that has `fastmcp` installed; without one that row is left out.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
import orjson

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))
from mcp import Client as SdkClient
from mcp.client.streamable_http import streamable_http_client
from tests.house import free_port
from tests.process import Process

NEWER, OLDER = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol"
AIM_RATIO, AIM_TIMES = 2.5, 5
SERVER = """
import sys
from mcp.server.mcpserver import MCPServer
server = MCPServer(name="bench", log_level="ERROR")

@server.tool()
def find_order(order_id: str) -> dict[str, str]:
    "Finds one order by its id."
    return {"order_id": order_id, "status": "shipped", "carrier": "post"}

server.run(transport="streamable-http", port=int(sys.argv[1]))
"""
PROXY = """
import sys
from fastmcp.server import create_proxy
create_proxy(sys.argv[2], name="proxy").run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), log_level="ERROR", show_banner=False)
"""
CONTRACT = """
version: 1
actions:
  - name: order.find
    title: Find an order
    description: Finds one order by its id.
    parameters: {{properties: {{order_id: {{type: string, pattern: '^O-[0-9]{{4}}$'}}}}, required: [order_id]}}
    returns: {{type: object, properties: {{order_id: {{type: string}}, status: {{type: string}}, carrier: {{type: string}}}}}}
    effect: read
    labels: {{order_id: selector}}
    trusted: [order_id, status]
    target: {{connector: bench, tool: find_order, pin: {pin}}}
"""


@dataclass
class Row:
    """One way to the same answer. `took_ms` at one worker; `rates` at each number of workers."""

    name: str
    url: str
    tool: str
    era: str
    key: str = ""
    took_ms: list[float] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=lambda: {1: [], 8: []})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fastmcp", type=Path, help="an interpreter with fastmcp")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--round-s", type=float, default=2.0)
    parser.add_argument("--client", choices=("sdk", "wire"), default="sdk")
    given = parser.parse_args()
    with ExitStack() as stack:
        direct = stack.enter_context(child([sys.executable, "-c", SERVER], "/mcp"))
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("OSTIARY_BENCH_DIR")))
        )
        port, key = stack.enter_context(gateway(folder / "g", direct))
        rows = []
        for era in (OLDER, NEWER):
            rows.append(Row(f"direct {era}", direct, "find_order", era))
            rows.append(
                Row(f"/mcp/bench {era}", f"http://127.0.0.1:{port}/mcp/bench", "find_order", era, key)
            )
            rows.append(
                Row(f"/mcp, by contract {era}", f"http://127.0.0.1:{port}/mcp", "order_find", era, key)
            )
            if given.fastmcp:
                proxy = stack.enter_context(child([str(given.fastmcp), "-c", PROXY], "/mcp", direct))
                rows.append(Row(f"FastMCP proxy {era}", proxy, "find_order", era))
        asyncio.run(measured(rows, given.rounds, given.round_s, Sdk if given.client == "sdk" else Client))
    told(rows)


@contextmanager
def child(command: list[str], path: str, *more: str) -> Iterator[str]:
    port = free_port()
    with subprocess.Popen(
        [*command, str(port), *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5)
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            else:
                raise SystemExit(f"{command[0]} does not answer")
            yield f"http://127.0.0.1:{port}{path}"
        finally:
            process.kill()


@contextmanager
def gateway(home: Path, upstream: str) -> Iterator[tuple[int, str]]:
    home.mkdir()
    process = Process(home, settings={"OSTIARY_DATABASE_URL": "", "OSTIARY_KEYS_URL": ""})
    process.start()
    try:
        process.found()
        process.connect("bench", kind="mcp", url=upstream, pass_through=True)
        process.good("POST", "/v1/upstreams/bench/look")
        pin = process.good("GET", "/v1/upstreams/bench")["tools"][0]["pin"]
        harmless = {"effect": "read", "risk": "low", "confirmation": "never", "egress": False}
        key = process.make_key("bench", "developer")
        process.good("POST", "/v1/upstreams/bench/accept", json={"tools": [{"pin": pin, **harmless}]})
        process.agree(CONTRACT.format(pin=pin))
        yield process.port, key
    finally:
        process.kill()


class Client:
    """One connection that stays open; a call is one request and its whole answer."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._url = httpx.URL(row.url)
        self._session = ""

    async def __aenter__(self) -> "Client":
        self._reader, self._writer = await asyncio.open_connection(self._url.host, self._url.port)
        if self._row.era == OLDER:
            hello = {
                "protocolVersion": OLDER,
                "capabilities": {},
                "clientInfo": {"name": "bench", "version": "1"},
            }
            await self._ask({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
            await self._ask({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def call(self, number: int) -> None:
        arguments = {"order_id": f"O-{number % 10_000:04}"}
        params: dict[str, Any] = {"name": self._row.tool, "arguments": arguments}
        if self._row.era == NEWER:
            params["_meta"] = {f"{META}/protocolVersion": NEWER, f"{META}/clientCapabilities": {}}
        body = await self._ask({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
        if arguments["order_id"].encode() not in body or b'"error"' in body or b'"isError":true' in body:
            raise SystemExit(f"{self._row.name} answered {body[:500]!r}")

    async def _ask(self, message: dict[str, Any]) -> bytes:
        body, method = orjson.dumps(message), message["method"]
        lines = [
            f"POST {self._url.path} HTTP/1.1", f"Host: {self._url.host}:{self._url.port}", "Content-Type: application/json",
            "Accept: application/json, text/event-stream", f"Content-Length: {len(body)}", f"Mcp-Protocol-Version: {self._row.era}",
        ]  # fmt: skip
        lines += [f"Authorization: Bearer {self._row.key}"] if self._row.key else []
        lines += [f"Mcp-Session-Id: {self._session}"] if self._session else []
        if self._row.era == NEWER:
            lines += [f"Mcp-Method: {method}", f"Mcp-Name: {self._row.tool}"]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return await self._answer()

    async def _answer(self) -> bytes:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        raw = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        self._session = next(
            (value for name, value in raw.items() if name.lower() == "mcp-session-id"), self._session
        )
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        if "chunked" not in headers.get("transfer-encoding", ""):
            return b""
        parts = []
        while size := int(await self._reader.readline(), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return b"".join(parts)


class Sdk:
    """The SDK's own client."""

    def __init__(self, row: Row) -> None:
        self._row = row

    async def __aenter__(self) -> "Sdk":
        self._stack = AsyncExitStack()
        headers = {"Authorization": f"Bearer {self._row.key}"} if self._row.key else {}
        http = await self._stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
        mode = "legacy" if self._row.era == OLDER else NEWER
        transport = streamable_http_client(self._row.url, http_client=http)
        self._client = await self._stack.enter_async_context(SdkClient(transport, mode=mode))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(self, number: int) -> None:
        order = f"O-{number % 10_000:04}"
        answer = await self._client.call_tool(self._row.tool, {"order_id": order})
        if answer.is_error or order not in str(answer.structured_content):
            raise SystemExit(f"{self._row.name} answered {answer!r}"[:500])


Asks = type[Client] | type[Sdk]


async def measured(rows: list[Row], rounds: int, round_s: float, asks: Asks) -> None:
    for row in rows:
        await load(row, 1, min(round_s, 0.5), [], asks)
    for _ in range(rounds):
        for workers in (1, 8):
            for row in rows:
                took: list[float] = []
                count, seconds = await load(row, workers, round_s, took, asks)
                row.rates[workers].append(count / seconds)
                if workers == 1:
                    row.took_ms += took


async def load(row: Row, workers: int, seconds: float, took: list[float], asks: Asks) -> tuple[int, float]:
    began = time.perf_counter()
    until = began + seconds

    async def worker(number: int) -> int:
        done = 0
        async with asks(row) as client:
            while time.perf_counter() < until:
                at = time.perf_counter()
                await client.call(number + 8 * done)
                took.append((time.perf_counter() - at) * 1000)
                done += 1
        return done

    counts = await asyncio.gather(*(worker(number) for number in range(1, workers + 1)))
    return sum(counts), time.perf_counter() - began


def told(rows: list[Row]) -> None:
    print(f"{'':32} p50 ms   ratio   calls/s at 1   at 8   x FastMCP")
    for row in rows:
        base = next(each for each in rows if each.era == row.era and each.name.startswith("direct"))
        proxy = next((each for each in rows if each.era == row.era and each.name.startswith("FastMCP")), None)
        ratio = statistics.median(row.took_ms) / statistics.median(base.took_ms)
        one, eight = (statistics.median(row.rates[workers]) for workers in (1, 8))
        times = f"{_times(row, proxy, 1)} / {_times(row, proxy, 8)}" if proxy else ""
        print(
            f"{row.name:32} {statistics.median(row.took_ms):6.2f}  {ratio:6.2f}   {one:12.0f}  {eight:6.0f}   {times}"
        )
    print(f"Aims: a ratio of {AIM_RATIO} at most, and {AIM_TIMES} times the calls of FastMCP's proxy.")


def _times(row: Row, proxy: Row, workers: int) -> str:
    """How many times as many calls; of a proxy that ended none in its round, no number is worth anything."""
    theirs = statistics.median(proxy.rates[workers])
    return f"{statistics.median(row.rates[workers]) / theirs:.1f}" if theirs else "none ended"


if __name__ == "__main__":
    main()
