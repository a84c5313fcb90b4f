"""kill -9 of a gateway, and of one of two, while tools of upstreams are called through `/mcp/<upstream>`: over HTTP in both eras, and of a program over stdio.

An upstream does every request that it gets and honours no key, so nothing may be sent to it twice: what was under way is `unknown`, what was approved and
had not begun is done once, what was acknowledged is in the log and is answered again from there, and a session goes on wherever its client comes to.
"""

import asyncio
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.sample.serving import served
from tests import cluster
from tests.cluster import Cluster
from tests.connectors.mcp.upstream import NEWER, Upstream, tool
from tests.hostile.test_crash import Ledger, Told
from tests.process import Process
from tests.shop import Shop

OLDER = "2025-11-25"
PLACES = {"older": OLDER, "newer": NEWER, "works": OLDER}
"""The upstreams, and the era in which their clients speak. `works` is a program."""

AFRESH = ("call.in_flight", "store.unavailable", "keys.unavailable", "audit.unavailable", "limit.rate")
"""What a client is told that may ask again."""

PATIENCE_S = 30
ACCEPTED: dict[str, dict[str, Any]] = {
    "look": {"effect": "read", "risk": "low", "confirmation": "never", "egress": False},
    "send": {"effect": "write", "risk": "medium", "confirmation": "never"},
    "pay": {},
}
PROGRAM = r"""
import json, sys, time
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}
for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params", {})
    if "id" not in message or method is None:
        continue
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "w", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": name, "description": "Does something.", "inputSchema": SCHEMA} for name in ("look", "send", "pay")]}
    else:
        text = params["arguments"]["text"]
        with open(sys.argv[1], "a") as file:
            file.write(params["name"] + " " + text + "\n")
        time.sleep(30 if text.startswith("slow") else 0.002)
        result = {"content": [{"type": "text", "text": "did " + text}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


@dataclass
class Works(Upstream):
    """`done`: how often it was asked to do what. What begins with "slow" is done and then not answered before `go` is set."""

    done: Counter[str] = field(default_factory=Counter)
    go: threading.Event = field(default_factory=threading.Event)
    dice: random.Random = field(default_factory=lambda: random.Random(5))

    async def _post(self, message: dict[str, Any], headers: dict[str, str], send: Any) -> None:
        if message.get("method") == "tools/call":
            text = message["params"]["arguments"]["text"]
            await asyncio.sleep(self.dice.uniform(0, 0.02))
            self.done[f"{message['params']['name']} {text}"] += 1
            while text.startswith("slow") and not self.go.is_set():
                await asyncio.sleep(0.02)
            await asyncio.sleep(self.dice.uniform(0, 0.02))
        await super()._post(message, headers, send)


@dataclass
class World:
    """`webs`: the processes, of which the first is the one that people ask. `members`: where there are two."""

    webs: list[Process]
    servers: dict[str, Works]
    file: Path
    members: Cluster | None = None
    agent: str = ""
    sessions: dict[str, str] = field(default_factory=dict)

    def client(self) -> httpx.AsyncClient:
        if self.members:
            return self.members.client()
        return httpx.AsyncClient(base_url=self.webs[0].url, timeout=60)

    def done(self, place: str) -> Counter[str]:
        """How often what was done."""
        if place != "works":
            return self.servers[place].done
        return Counter(self.file.read_text().splitlines() if self.file.exists() else [])

    def furnish(self, urls: dict[str, str]) -> None:
        owner = self.webs[0]
        for place in PLACES:
            whence = {"program": "works"} if place == "works" else {"url": f"{urls[place]}/mcp"}
            settings = {"kind": "mcp", "pass_through": True, "reads": "free", **whence}
            owner.good("PUT", f"/v1/connectors/{place}", json={"settings": settings})
            owner.good("POST", f"/v1/upstreams/{place}/look")
            shown = owner.good("GET", f"/v1/upstreams/{place}")["tools"]
            tools = [{"pin": each["pin"], **ACCEPTED[each["name"]]} for each in shown]
            owner.good("POST", f"/v1/upstreams/{place}/accept", json={"tools": tools})
        self.agent = owner.make_key("helper", "developer", kind="program")
        about = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        for place in ("older", "works"):
            answer = asked(owner, self.agent, place, "initialize", about)
            self.sessions[place] = answer.headers.get("mcp-session-id", "")
        assert self.sessions["older"]


def message_of(
    place: str, method: str, params: dict[str, Any], session: str
) -> tuple[dict[str, str], dict[str, Any]]:
    """(headers, body)."""
    era, given = PLACES[place], dict(params)
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": era}
    if session:
        headers["mcp-session-id"] = session
    if era == NEWER:
        meta = {
            "io.modelcontextprotocol/protocolVersion": NEWER,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        given["_meta"] = {**meta, **given.get("_meta", {})}
        headers |= {"mcp-method": method, **({"mcp-name": given["name"]} if "name" in given else {})}
    return headers, {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}


def asked(
    process: Process, key: str, place: str, method: str, params: dict[str, Any], session: str = ""
) -> httpx.Response:
    headers, body = message_of(place, method, params, session)
    headers |= process.headers(key)
    return httpx.post(f"{process.url}/mcp/{place}", json=body, headers=headers, timeout=60)


def call_of(name: str, text: str, key: str = "") -> dict[str, Any]:
    more = {"_meta": {"dev.ostiary/idempotency-key": key}} if key else {}
    return {"name": name, "arguments": {"text": text}, **more}


@contextmanager
def alone(folder: Path) -> Iterator[World]:
    """One gateway."""
    with _served(folder) as (servers, urls, settings):
        process = Process(folder / "home", settings=settings)
        try:
            process.start()
            process.found()
            world = World([process], servers, folder / "did")
            world.furnish(urls)
            yield world
        finally:
            process.kill()


@contextmanager
def paired(folder: Path) -> Iterator[World]:
    """Two web processes and a worker on one PostgreSQL."""
    with _served(folder) as (servers, urls, settings), cluster.running(folder, **settings) as members:
        setter = members.setter()
        webs = [setter, *(web for web in members.webs if web is not setter)]
        world = World(webs, servers, folder / "did", members)
        world.furnish(urls)
        yield world


@contextmanager
def _served(folder: Path) -> Iterator[tuple[dict[str, Works], dict[str, str], dict[str, str]]]:
    tools = [tool(name) for name in ACCEPTED]
    servers = {"older": Works(era=OLDER, tools=tools), "newer": Works(era=NEWER, tools=tools)}
    programs = {"works": {"command": [sys.executable, "-I", "-S", "-c", PROGRAM, str(folder / "did")]}}
    file = folder / "programs.json"
    file.write_text(json.dumps(programs))
    with served(servers["older"]) as older, served(servers["newer"]) as newer:
        try:
            yield servers, {"older": older, "newer": newer}, {"OSTIARY_MCP_PROGRAMS": str(file), "OSTIARY_MCP_WAIT_S": "0"}  # fmt: skip
        finally:
            for server in servers.values():
                server.go.set()


@dataclass
class Record:
    """What clients were told, kept outside. `sent`: key -> (place, tool); `answers`: key -> what was acknowledged."""

    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    told: Told = field(default_factory=Told)
    unknown: set[str] = field(default_factory=set)


class Load:
    """Clients that go on until they are told to stop; a request that breaks off is not sent again by them."""

    def __init__(self, world: World, record: Record, client: httpx.AsyncClient, turn: int) -> None:
        self.world, self.record, self.client, self.turn = world, record, client, turn

    async def call(self, place: str, name: str, key: str) -> tuple[str, Any]:
        """(what became of it, what was said): "done", "held", or an error's code."""
        self.record.sent[key] = (place, name)
        headers, body = message_of(
            place, "tools/call", call_of(name, key, key), self.world.sessions.get(place, "")
        )
        headers |= self.world.webs[0].headers(self.world.agent)
        answer = await self.client.post(f"/mcp/{place}", json=body, headers=headers)
        if answer.status_code != 200:
            return str(answer.json().get("code", answer.json().get("error"))), None
        result = answer.json()["result"]
        if result.get("isError"):
            return str(result["structuredContent"]["code"]), None
        call = result["_meta"]["dev.ostiary/call"]
        if result.get("resultType") == "input_required" or result.get("structuredContent", {}).get("status"):
            self.record.calls[key] = call
            self.record.told.events.add((call, "held"))
            return "held", None
        self.record.answers[key] = (call, result["content"])
        self.record.told.events.add((call, "ran"))
        return "done", result["content"]

    async def many(self, place: str, name: str, who: int) -> None:
        for number in range(1_000_000):
            became, _ = await self.call(place, name, f"{place}-{name}-{self.turn}-{who}-{number}")
            if became not in ("done",):
                await asyncio.sleep(0.05)

    async def approve(self) -> None:
        while True:
            headers = self.world.webs[0].headers()
            listed = await self.client.get("/v1/approvals?limit=20", headers=headers)
            for card in listed.json().get("approvals", []):
                answer = await self.client.post(
                    f"/v1/approvals/{card['id']}/approve", json={"digest": card["digest"]}, headers=headers
                )
                if answer.status_code == 200:
                    self.record.approved.add(card["call"])
                    self.record.told.events.add((card["call"], "approved"))
            await asyncio.sleep(0.05)

    async def run(self, before_s: float, disaster: Any, after_s: float) -> None:
        clients = [
            lambda place=place, name=name: self.many(place, name, 0) for place in PLACES for name in ACCEPTED
        ]
        tasks = [asyncio.create_task(self._on(client)) for client in (*clients, self.approve)]
        await asyncio.sleep(before_s)
        await asyncio.to_thread(disaster)
        await asyncio.sleep(after_s)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if ended is not None and not isinstance(ended, asyncio.CancelledError):
                raise ended

    async def _on(self, client: Any) -> None:
        while True:
            try:
                await client()
            except httpx.TransportError:
                self.turn += 1_000
                await asyncio.sleep(0.05)

    async def check(self, keys: list[str]) -> None:
        for part in range(0, len(keys), 8):
            await asyncio.gather(*(self._again(key) for key in keys[part : part + 8]))

    async def _again(self, key: str) -> None:
        """The same call with its key: the answer that it had, or one that fits what was done; never a second deed."""
        (place, name), before = self.record.sent[key], self.record.answers.get(key)
        if name == "look":
            return  # what only reads is not kept, and may be asked again
        became, said = await self.call(place, name, key)
        until = time.monotonic() + PATIENCE_S
        while became in AFRESH or (became == "held" and self.record.calls[key] in self.record.approved):
            assert time.monotonic() < until, (key, became)
            await asyncio.sleep(0.1)
            became, said = await self.call(place, name, key)
        count = self.world.done(place)[f"{name} {key}"]
        if before is not None:
            assert (became, self.record.answers[key]) == ("done", before), key
        if became == "done":
            assert (count, said[0]["text"]) == (1, f"did {key}" if place == "works" else key), key
        elif became == "call.unknown":
            self.record.unknown.add(key)
            assert count <= 1, (key, count)
        else:
            assert (became, count) == ("held", 0), (key, became, count)

    async def settle(self) -> None:
        """What was approved has come to its end by itself: done once, or under way when its process died."""
        for call in sorted(self.record.approved):
            until = time.monotonic() + PATIENCE_S
            while True:
                headers = self.world.webs[0].headers(self.world.agent)
                answer = await self.client.get(f"/v1/calls/{call}?wait_s=10", headers=headers)
                if answer.status_code == 200 and answer.json()["state"] in ("done", "unknown"):
                    break
                assert time.monotonic() < until, (call, answer.text)
                await asyncio.sleep(0.1)


def kill_often(world: World, folder: Path, times: int, *, load_s: float) -> None:
    record = Record()
    ledger = Ledger(world.webs[0], Shop(), world.agent, record.told, folder)
    ledger.checkpoint()
    for turn in range(times):
        asyncio.run(_round(world, record, turn, load_s))
        for place in PLACES:
            twice = {what for what, count in world.done(place).items() if count > 1}
            assert not twice, "a deed was done twice"
        ledger.checkpoint()
    ledger.export()
    assert {name for _, name in record.sent.values()} == set(ACCEPTED)
    assert len(record.answers) > times
    print(
        f"\n{times} kills: {len(record.sent)} calls sent, {len(record.answers)} answers and {len(record.told.events)} events acknowledged, 0 lost;"
        f" {len(record.approved)} approvals; {sum(sum(world.done(place).values()) for place in PLACES)} deeds, none twice; {len(record.unknown)} of unknown outcome"
    )


async def _round(world: World, record: Record, turn: int, load_s: float) -> None:
    dice = random.Random(turn)
    already = set(record.sent)
    victim = dice.choice(world.webs)
    async with world.client() as client:
        load = Load(world, record, client, turn)
        after_s = dice.uniform(0.05, load_s) if world.members else 0.2
        await load.run(dice.uniform(0.1, load_s), victim.kill, after_s)
    await asyncio.to_thread(victim.start)
    async with world.client() as client:
        load = Load(world, record, client, turn)
        await load.settle()
        earlier = dice.sample(sorted(already), min(10, len(already)))
        await load.check([*(set(record.sent) - already), *earlier])


@pytest.mark.journey
@pytest.mark.timeout(240)
def test_killed_under_load_nothing_is_sent_twice_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    with alone(tmp_path) as world:
        kill_often(world, tmp_path, 3, load_s=1.0)


@pytest.mark.journey
@pytest.mark.timeout(240)
def test_one_of_two_is_killed_and_its_clients_go_on_at_the_other(tmp_path: Path) -> None:
    with paired(tmp_path) as world:
        kill_often(world, tmp_path, 2, load_s=1.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_a_hundred_times(tmp_path: Path) -> None:
    with alone(tmp_path) as world:
        kill_often(world, tmp_path, 100, load_s=1.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_one_of_two_is_killed_a_hundred_times(tmp_path: Path) -> None:
    with paired(tmp_path) as world:
        kill_often(world, tmp_path, 100, load_s=1.0)


def until(holds: Any) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)
    return found


@pytest.mark.journey
@pytest.mark.timeout(240)
@pytest.mark.parametrize("worlds", [alone, paired])
def test_what_was_under_way_is_unknown_and_what_had_not_begun_is_done_once(
    tmp_path: Path, worlds: Any
) -> None:
    """Nothing is left to chance here: the process dies while each upstream has done its deed and has not answered, and while an approved call waits for a stop.
    Where there is another, nobody starts the dead one again."""
    with worlds(tmp_path) as world:
        process, victim = world.webs[0], world.webs[-1]
        held = [asked(process, world.agent, place, "tools/call", call_of("pay", f"later-{place}", f"later-{place}"), world.sessions.get(place, "")) for place in PLACES]  # fmt: skip
        assert [answer.status_code for answer in held] == [200] * 3
        key_id = world.agent.split("_")[2]
        threads = [
            threading.Thread(target=_lost, args=(world, place, "send", f"slow-{place}"), daemon=True)
            for place in PLACES
        ]
        for thread in threads:
            thread.start()
        for place in PLACES:
            until(lambda place=place: world.done(place)[f"send slow-{place}"])
        stop = process.good("POST", "/v1/stops", json={"kind": "key", "target": key_id, "reason": "wait"})
        for card in process.good("GET", "/v1/approvals")["approvals"]:
            assert process.approve(card["id"]).status_code == 200
        victim.kill()
        for thread in threads:
            thread.join(30)
        for server in world.servers.values():
            server.go.set()
        if victim is process:
            process.start()
        process.good("DELETE", f"/v1/stops/{stop['stop_id']}")
        for place in PLACES:
            session = world.sessions.get(place, "")
            slow = call_of("send", f"slow-{place}", f"slow-{place}")

            def code(place: str = place, slow: Any = slow, session: str = session) -> str:
                result = asked(process, world.agent, place, "tools/call", slow, session).json()["result"]
                found = str(result["structuredContent"]["code"])
                return "" if found == "call.in_flight" else found

            assert until(code) == "call.unknown"
            later = call_of("pay", f"later-{place}", f"later-{place}")

            def said(place: str = place, later: Any = later, session: str = session) -> Any:
                result = asked(process, world.agent, place, "tools/call", later, session).json()["result"]
                return (
                    "content" in result
                    and not result.get("structuredContent")
                    and result["content"][0]["text"].endswith(f"later-{place}")
                )

            assert until(said)
            assert world.done(place)[f"send slow-{place}"] == 1
            assert world.done(place)[f"pay later-{place}"] == 1
            assert asked(process, world.agent, place, "tools/call", call_of("look", "after"), session).json()["result"]["content"]  # fmt: skip


def _lost(world: World, place: str, name: str, text: str) -> None:
    try:
        asked(world.webs[-1], world.agent, place, "tools/call", call_of(name, text, text), world.sessions.get(place, ""))  # fmt: skip
    except httpx.TransportError:
        return
