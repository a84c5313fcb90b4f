"""What a modest tenant's calls take: alone, beside a greedy tenant in the same process, and beside the greedy one in its own cell. Ratios within one run.

The modest tenant makes a call every 50 ms on one connection. The greedy one comes with whatever a tenant may bring: two hundred connections of calls, large
answers that have to be masked, requests that are refused, calls that are held. Database, processes and load generators share this machine's cores: a cell
takes the greedy one's work out of the process, not off the processor. Needs the PostgreSQL that the tests use; run from the project's root.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvloop

sys.path.pop(0)  # this folder: a file in it is called as the MCP SDK is
sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.door import Caller
from tests.isolation.kit import Estate, estate
from tests.process import Process

ROUND_S = float(os.environ.get("OSTIARY_BENCH_ROUND_S", "4"))
ROUNDS = int(os.environ.get("OSTIARY_BENCH_ROUNDS", "2"))
PACE_S = 0.05
TEXT = "write to ada.marsh@example.com or " * 580
TEXTS = 10
"""Ten texts of twenty thousand characters, which is what a contract takes."""
CONTRACTS = """
version: 1
actions:
  - name: bench.constant
    title: A constant
    description: Nothing in it is sensitive.
    parameters: {properties: {}}
    roles: [developer]
    risk: low
    confirmation: never
    sentence: Look
    target: {connector: fixed, constant: {id: ord_20001, status: shipped}}
  - name: bench.large
    title: A large answer
    description: Addresses in it come masked.
    parameters: {properties: {}}
    roles: [developer]
    risk: low
    confirmation: never
    sentence: Look
    target: {connector: fixed, constant: {texts: [LARGE]}}
  - name: bench.held
    title: Held
    description: A person is asked each time.
    parameters: {properties: {}}
    roles: [developer]
    risk: high
    confirmation: always
    sentence: Do it
    target: {connector: fixed, constant: {done: true}}
"""
GREEDS = {
    "200 connections": ("/v1/actions/bench.constant", 200),
    "large answers to mask": ("/v1/actions/bench.large", 32),
    "refused requests": ("/v1/actions/bench.nothing", 100),
    "held calls": ("/v1/actions/bench.held", 50),
}
GREEDY = """
import sys
sys.path[:0] = ["."]
from bench.fairness import greedy
greedy(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
"""


def request(path: str, key: str) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "host: localhost",
        f"authorization: Bearer {key}",
        "content-type: application/json",
        "content-length: 2",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n{}"


def greedy(port: int, key: str, path: str, connections: int, seconds: float) -> None:
    """As many calls as it gets, on so many connections; prints how many a second."""

    async def load() -> int:
        loop, until = asyncio.get_running_loop(), time.perf_counter() + seconds
        callers = [
            (await loop.create_connection(lambda: Caller(request(path, key), until), "127.0.0.1", port))[1]
            for _ in range(connections)
        ]
        await asyncio.gather(*(caller.done for caller in callers), return_exceptions=True)
        return sum(len(caller.waits_ms) for caller in callers)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(load()) / seconds)


async def modest(port: int, key: str, seconds: float) -> list[float]:
    """A call every PACE_S; how long each took, in milliseconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits, sent, until = [], request("/v1/actions/bench.constant", key), time.perf_counter() + seconds
    while (begun := time.perf_counter()) < until:
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        waits.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(max(0.0, begun + PACE_S - time.perf_counter()))
    writer.close()
    return waits


def measured(of: Estate, greed: str, at: Process | None) -> tuple[list[float], float]:
    """The modest tenant's waits, and the greedy one's calls a second at `at`."""
    child = None
    if at is not None:
        path, connections = GREEDS[greed]
        arguments = [str(at.port), of.key, path, str(connections), str(ROUND_S + 1)]
        child = subprocess.Popen([sys.executable, "-c", GREEDY, *arguments], stdout=subprocess.PIPE)
        time.sleep(0.8)
    waits = asyncio.run(modest(of.web.port, of.other_key, ROUND_S))
    return waits, float(child.communicate()[0]) if child else 0.0


def line(name: str, waits: list[float], alone: list[float], rate: float) -> None:
    p50, p99 = (sorted(waits)[len(waits) * part // 100] for part in (50, 99))
    a50, a99 = (sorted(alone)[len(alone) * part // 100] for part in (50, 99))
    beside = f"   beside {rate:7,.0f} calls/s" if rate else ""
    print(f"  {name:16} p50 {p50:7.1f} ms {p50 / a50:6.1f}x   p99 {p99:7.1f} ms {p99 / a99:6.1f}x{beside}")


def main(folder: Path) -> None:
    with estate(folder, OSTIARY_KEY_RATE_PER_S="1000000") as of:
        contracts = CONTRACTS.replace("LARGE", ", ".join([f"'{TEXT}'"] * TEXTS))
        me = of.web.good("GET", "/v1/me")["tenant"]
        home = next(
            each["tenant"] for each in of.web.good("GET", "/v1/tenants")["tenants"] if each["tenant"] != me
        )
        for tenant in (me, home):
            of.web.good("POST", "/v1/session/switch-tenant", json={"tenant": tenant})
            of.web.connect("fixed", kind="constant")
            of.web.agree(contracts)
        results: dict[str, dict[str, tuple[list[float], float]]] = {}
        for greed in GREEDS:
            results[greed] = {"alone": measured(of, greed, None), "one process": measured(of, greed, of.web)}
        of.pin()
        of.start_cell()
        for greed in GREEDS:
            results[greed]["its own cell"] = measured(of, greed, of.cell)
        print(f"a call every {PACE_S * 1000:.0f} ms for {ROUND_S:g} s; {os.cpu_count()} cores for everything")
        for greed, found in results.items():
            print(greed)
            for name, (waits, rate) in found.items():
                line(name, waits, found["alone"][0], rate)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=os.environ.get("OSTIARY_BENCH_DIR")) as made:
        main(Path(made))
