"""Audited calls through the whole REST door, beside a bare Starlette handler that answers the same bytes on the same server.

Both are processes of their own under one uvicorn configuration; the same load is given to each in turn, in short rounds, so that a slow moment of
the machine hits all of them. The door's figures are with everything on: a real API key, schema, masking, provenance, and an event that is sealed,
in the tree and synchronised to the disk before each answer. CPU is the server's process alone, all threads, load generator not counted.
"""

import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx2
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ostiary.app.serve import BACKLOG, KEEP_ALIVE_S
from ostiary.sample.gateway import free_port, started
from ostiary.sample.person import Person
from ostiary.secret import Secret
from ostiary.vault.root import generate

CONNECTIONS = 64
ROUNDS = int(os.environ.get("OSTIARY_BENCH_ROUNDS", "5"))
ROUND_S = float(os.environ.get("OSTIARY_BENCH_ROUND_S", "2"))
WARM_S = 1.0
GRACE_S = 30.0
AIM_RATIO = 0.25
AIM_CPU_US = 150.0
CALL = b'{"customer_id": "C-1001"}'
PARAMETERS = """
    parameters:
      properties:
        customer_id: {type: string, pattern: '^C-[0-9]{4}$'}
      required: [customer_id]
    subject: [customer_id]
    roles: [support]"""
CONTRACTS = f"""
version: 1
actions:
  - name: bench.constant
    title: A constant
    description: Nothing in it is sensitive.{PARAMETERS}
    target:
      connector: fixed
      constant: {{id: ord_20001, status: shipped, quantity: 3, carrier: North Parcel, paid: true}}
  - name: bench.masked
    title: A constant with an address in it
    description: The address comes masked.{PARAMETERS}
    target:
      connector: fixed
      constant: {{id: ord_20001, status: shipped, quantity: 3, email: ada.marsh@example.com, paid: true}}
  - name: bench.sql
    title: A row of a database
    description: The same, by SQL.{PARAMETERS}
    target:
      connector: file
      sql: {{statement: 'SELECT id, status, quantity, carrier, paid FROM orders WHERE customer_id = :customer_id'}}
"""


@dataclass(slots=True)
class Subject:
    """What is driven: a server process, one request to it, and what was measured in each round."""

    name: str
    pid: int
    port: int
    path: str
    token: str
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)

    def request(self) -> bytes:
        lines = (
            f"POST {self.path} HTTP/1.1", "host: localhost", f"authorization: Bearer {self.token}",
            "content-type: application/json", f"content-length: {len(CALL)}", "user-agent: bench", "accept: */*",
        )  # fmt: skip
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + CALL

    def sum_up(self) -> str:
        waits = sorted(self.waits_ms)
        p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        return f"{self.rate:9,.0f} calls/s   {statistics.median(self.cpu_us):6.1f} us CPU a call   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms"

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


class Caller(asyncio.Protocol):
    """One keep-alive connection: the next request leaves when the whole answer is there."""

    def __init__(self, request: bytes, until: float) -> None:
        self._request = request
        self._until = until
        self._left = b""
        self.waits_ms: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # TCP gives no other kind
        self._ask()

    def data_received(self, data: bytes) -> None:
        answer = self._left + data
        head = answer.find(b"\r\n\r\n")
        at = answer.find(b"content-length: ")
        if head < 0 or len(answer) < head + 4 + int(answer[at + 16 : answer.index(b"\r", at)]):
            self._left = answer
            return
        now = time.perf_counter()
        self._left = b""
        self.waits_ms.append((now - self._asked) * 1000)
        if not answer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(answer.decode(errors="replace")))
        elif now < self._until:
            self._ask()
        else:
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError())

    def close(self) -> None:
        self._transport.close()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._request)


async def drive(subject: Subject, seconds: float) -> tuple[float, float, list[float]]:
    """Calls a second, server CPU microseconds a call, and the waits in milliseconds."""
    loop, request = asyncio.get_running_loop(), subject.request()
    begun, cpu_s = time.perf_counter(), cpu_seconds(subject.pid)
    callers = [
        (await loop.create_connection(lambda: Caller(request, begun + seconds), "127.0.0.1", subject.port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.wait_for(asyncio.gather(*(caller.done for caller in callers)), seconds + GRACE_S)
    wall_s, used_s = time.perf_counter() - begun, cpu_seconds(subject.pid) - cpu_s
    for caller in callers:
        caller.close()
    waits = [wait for caller in callers for wait in caller.waits_ms]
    return len(waits) / wall_s, used_s / len(waits) * 1e6, waits


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    shown = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)
    seconds = 0.0
    for part in shown.stdout.strip().replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def measure(subjects: list[Subject]) -> None:
    """Every subject in turn, ROUNDS times, after a round that is not counted."""

    async def rounds() -> None:
        for subject in subjects:
            await drive(subject, WARM_S)
        for _ in range(ROUNDS):
            for subject in subjects:
                rate, cpu_us, waits = await drive(subject, ROUND_S)
                subject.rates.append(rate)
                subject.cpu_us.append(cpu_us)
                subject.waits_ms += waits

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(rounds())


def report(bare: Subject, doors: list[Subject]) -> None:
    print(f"{CONNECTIONS} connections, {ROUNDS} interleaved rounds of {ROUND_S:g} s, {os.cpu_count()} cores")
    print(f"{'bare Starlette handler':24}{bare.sum_up()}")
    for door in doors:
        ratios = [ours / theirs for ours, theirs in zip(door.rates, bare.rates, strict=True)]
        print(
            f"{door.name:24}{door.sum_up()}   ratio {statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})"
        )
    print(f"aims for the constant: ratio {AIM_RATIO} or better, within {AIM_CPU_US:.0f} us CPU a call")


def second_opinion(subjects: list[Subject], folder: Path) -> None:
    """The same by wrk, where it is installed."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return
    print("by wrk:")
    for subject in subjects:
        script = folder / "call.lua"
        script.write_text(
            f'wrk.method = "POST"\nwrk.body = [[{CALL.decode()}]]\nwrk.headers["Authorization"] = "Bearer {subject.token}"\n'
            'wrk.headers["Content-Type"] = "application/json"\nwrk.headers["Host"] = "localhost"\n'
        )
        cpu_s = cpu_seconds(subject.pid)
        asked = [
            wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(ROUND_S))}s", "-s", str(script), f"http://127.0.0.1:{subject.port}{subject.path}",
        ]  # fmt: skip
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        rate = float(told.split("Requests/sec:")[1].split()[0])
        calls = int(told.split(" requests in ")[0].split()[-1])
        failed = "  (some were refused)" if "Non-2xx" in told else ""
        used_us = (cpu_seconds(subject.pid) - cpu_s) / calls * 1e6
        print(f"{subject.name:24}{rate:9,.0f} calls/s   {used_us:6.1f} us CPU a call{failed}")


def bare(port: int, answer: dict[str, Any]) -> None:
    """The floor: the server that we serve with, its configuration, and a handler that does nothing but read and answer JSON."""

    async def handle(request: Request) -> JSONResponse:
        await request.json()
        return JSONResponse(answer)

    app = Starlette(routes=[Route("/v1/actions/{name}", handle, methods=["POST"])])
    uvicorn.run(
        app, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S, backlog=BACKLOG, ws="none",
    )  # fmt: skip


@contextmanager
def bare_process(answer: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """The bare handler in a process of its own: its pid and port."""
    port = free_port(0)
    with subprocess.Popen([sys.executable, __file__, "bare", str(port), json.dumps(answer)]) as child:
        try:
            with httpx2.Client(transport=httpx2.HTTPTransport(retries=8), trust_env=False) as client:
                client.post(f"http://127.0.0.1:{port}/v1/actions/any", json={})
            yield child.pid, port
        finally:
            child.terminate()


def source(folder: Path) -> None:
    """A database with one row for the SQL action."""
    folder.mkdir()
    connection = sqlite3.connect(folder / "orders.db")
    connection.execute("CREATE TABLE orders (id, customer_id PRIMARY KEY, status, quantity, carrier, paid)")
    connection.execute("INSERT INTO orders VALUES ('ord_20001', 'C-1001', 'shipped', 3, 'North Parcel', 1)")
    connection.commit()
    connection.close()


async def agreed(url: str, token: Secret) -> tuple[str, dict[str, Any]]:
    """Set the gateway up by its REST API: an owner, connectors, contracts and a key. Returns the key and the constant's answer."""
    owner, program = Person(url), httpx2.AsyncClient(base_url=url, trust_env=False)
    await owner.set_up(token, email="bench@ostiary.example", name="Bench", tenant="Bench")
    await owner.ask("PUT", "/v1/connectors/fixed", {"settings": {"kind": "constant"}})
    await owner.ask("PUT", "/v1/connectors/file", {"settings": {"kind": "sqlite", "path": "orders.db"}})
    await owner.ask("PUT", "/v1/contracts", {"text": CONTRACTS, "filename": "bench.yaml"})
    made = await owner.ask("POST", "/v1/keys", {"name": "bench", "kind": "program", "roles": ["support"]})
    answer = await program.post(
        "/v1/actions/bench.constant",
        content=CALL,
        headers={"authorization": f"Bearer {made['secret']}", "content-type": "application/json"},
    )
    answer.raise_for_status()
    await owner.close()
    await program.aclose()
    return made["secret"], answer.json()


def main(folder: Path) -> None:
    source(folder / "sources")
    settings = {"OSTIARY_KEY_RATE_PER_S": "1000000", "OSTIARY_SOURCE_ROOTS": str(folder / "sources")}
    with started(folder, generate(), settings, port=free_port(0)) as gateway:
        key, answer = asyncio.run(agreed(gateway.url, gateway.setup_token()))
        port = int(gateway.url.rsplit(":", 1)[1])
        with bare_process(answer) as (pid, bare_port):
            floor = Subject("bare", pid, bare_port, "/v1/actions/bench.constant", key)
            doors = [
                Subject(f"door, {name}", gateway.child.pid, port, f"/v1/actions/bench.{name}", key)
                for name in ("constant", "masked", "sql")
            ]
            measure([floor, *doors])
            report(floor, doors)
            second_opinion([floor, *doors], folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        bare(int(sys.argv[2]), json.loads(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory(dir=os.environ.get("OSTIARY_BENCH_DIR")) as place:
            main(Path(place))
