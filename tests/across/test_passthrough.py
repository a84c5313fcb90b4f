"""`/mcp/<upstream>` at two real `web` processes on one PostgreSQL, for two companies that each have an upstream of the same name: one server, which knows
them by their credentials and has other tools for each. It takes any session of anybody, so what keeps them apart is the gateway."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ostiary.sample.serving import served
from tests import cluster
from tests.connectors.mcp.upstream import NEWER, Upstream, tool
from tests.process import Process

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
OLDER = "2025-11-25"
ERAS = (OLDER, NEWER)
NAMES = {OLDER: "older", NEWER: "newer"}
WITHIN_S = 1.5
"""A second, and a half for a machine that has much to do."""
STREAM = [(b"content-type", b"text/event-stream")]
AT = "2026-11-22T10:00:00Z"
RECEIVE: ContextVar[Any] = ContextVar("receive")
HARMLESS: dict[str, Any] = {"effect": "read", "risk": "low", "confirmation": "never", "egress": False}


@dataclass
class Shared(Upstream):
    """`tools_of`: by credential. `streams`: how many listen at this moment, by credential."""

    tools_of: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    streams: dict[str, int] = field(default_factory=dict)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        RECEIVE.set(receive)
        if scope["type"] == "http" and scope["method"] == "GET":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.headers.append(headers)
            await receive()
            await self._listened(headers.get("authorization", ""), send)
            return
        await super().__call__(scope, receive, send)

    async def _post(self, message: dict[str, Any], headers: dict[str, str], send: Any) -> None:
        credential = headers.get("authorization", "")
        self.tools = self.tools_of.get(credential, [])
        if message.get("method") == "subscriptions/listen":
            self.heard.append((message["method"], message["params"], credential))
            await self._listened(credential, send)
            return
        await super()._post(message, headers, send)

    def _answer(self, method: str, params: dict[str, Any]) -> Any:
        """What is asked with the text "later" becomes a task, of which everybody may ask who has its id."""
        later = method == "tools/call" and params["arguments"].get("text") == "later"
        if not later and method != "tasks/get":
            return super()._answer(method, params)
        task = {"taskId": "task-1", "status": "working", "createdAt": AT, "lastUpdatedAt": AT}
        if method == "tasks/get" or self.era == NEWER:
            return {"result": {**task, "resultType": "task" if later else "complete"}}, []
        return {"result": {"task": {**task, "ttl": 1000}}}, []

    async def _listened(self, credential: str, send: Any) -> None:
        """Says now and then that it is there, until nobody hears it."""
        self.streams[credential] = self.streams.get(credential, 0) + 1
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": credential}}
        gone = asyncio.ensure_future(RECEIVE.get()())
        await send({"type": "http.response.start", "status": 200, "headers": STREAM})
        while not gone.done():
            body = b"data: " + orjson.dumps(note) + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.wait([gone], timeout=0.1)
        self.streams[credential] -= 1


@dataclass
class Company:
    """A tenant at both processes. `word`: what its credential and the names of its tools begin with."""

    word: str
    tenant: str
    key: str
    other: str = ""


@dataclass
class World:
    a: Process
    b: Process
    servers: dict[str, Shared]
    north: Company
    south: Company

    def within(self, company: Company) -> Process:
        """The process at which the owner now acts for this company."""
        self.a.good("POST", "/v1/session/switch-tenant", json={"tenant": company.tenant})
        return self.a

    def joined(self, company: Company, name: str, url: str) -> None:
        owner = self.within(company)
        settings = {"kind": "mcp", "url": url, "pass_through": True, "reads": "free"}
        body = {"settings": settings, "credential": f"{company.word}-token"}
        owner.good("PUT", f"/v1/connectors/{name}", json=body)
        owner.good("POST", f"/v1/upstreams/{name}/look")

    def accept(self, company: Company, name: str, *tools: str) -> None:
        owner = self.within(company)
        owner.good("POST", f"/v1/upstreams/{name}/look")
        shown = owner.good("GET", f"/v1/upstreams/{name}")["tools"]
        chosen = [
            {"pin": each["pin"], "replaces": each["replaces"], **HARMLESS}
            for each in shown
            if each["state"] == "waiting" and (not tools or each["name"] in tools)
        ]
        owner.good("POST", f"/v1/upstreams/{name}/accept", json={"tools": chosen})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    servers = {era: Shared(era=era) for era in ERAS}
    with (
        served(servers[OLDER]) as older,
        served(servers[NEWER]) as newer,
        two(tmp_path_factory.mktemp("pair")) as members,
    ):
        setter = members.setter()
        other = next(web for web in members.webs if web is not setter)
        made = setter.good("POST", "/v1/tenants", json={"name": "South"})
        north, south = Company("north", setter.tenant, ""), Company("south", made["tenant"], "")
        there = World(setter, other, servers, north, south)
        for server in servers.values():
            for word in ("north", "south"):
                server.tools_of[f"Bearer {word}-token"] = [tool("echo"), tool(f"{word}_only")]
        for company in (north, south):
            for name, url in (("older", older), ("newer", newer)):
                there.joined(company, name, f"{url}/mcp")
                there.accept(company, name)
            company.key = setter.make_key("agent", "developer", kind="program")
            company.other = setter.make_key("other", "developer", kind="program")
        there.joined(north, "northern", f"{newer}/mcp")
        there.accept(north, "northern")
        yield there


@contextmanager
def two(folder: Path) -> Iterator[cluster.Cluster]:
    members = cluster.Cluster(folder, worker_count=0)
    try:
        members.start()
        yield members
    finally:
        members.close()


# One client's words.


def headers_of(era: str, session: str = "", method: str = "", named: str = "") -> dict[str, str]:
    told = {"accept": "application/json, text/event-stream", "mcp-protocol-version": era}
    if era == NEWER and method:
        told |= {"mcp-method": method, **({"mcp-name": named} if named else {})}
    return told | ({"mcp-session-id": session} if session else {})


def asked(
    process: Process,
    key: str,
    era: str,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    session: str = "",
    name: str = "",
) -> httpx.Response:
    given = dict(params or {})
    if era == NEWER:
        meta = {
            "io.modelcontextprotocol/protocolVersion": NEWER,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        given["_meta"] = {**meta, **given.get("_meta", {})}
    headers = process.headers(key) | headers_of(era, session, method, str(given.get("name", "")))
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
    return httpx.post(f"{process.url}/mcp/{name or NAMES[era]}", json=body, headers=headers, timeout=30)


def greeted(process: Process, key: str, era: str) -> str:
    """The session that this client got; "" in the era that has none."""
    if era == NEWER:
        assert asked(process, key, era, "server/discover").status_code == 200
        return ""
    about = {"protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    return str(asked(process, key, era, "initialize", about).headers["mcp-session-id"])


def listed(process: Process, key: str, era: str, session: str = "") -> list[str]:
    answer = asked(process, key, era, "tools/list", session=session)
    assert answer.status_code == 200, answer.text
    return sorted(each["name"] for each in answer.json()["result"]["tools"])


def called(
    process: Process, key: str, era: str, name: str, text: str, session: str = "", **more: Any
) -> dict[str, Any]:
    params = {"name": name, "arguments": {"text": text}, **more}
    return dict(asked(process, key, era, "tools/call", params, session=session).json()["result"])


def code_of(result: dict[str, Any]) -> str:
    return str(result["structuredContent"]["code"]) if result.get("isError") else ""


def soon(holds: Any) -> None:
    until = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < until, "it does not count there"
        time.sleep(0.02)


class Listener:
    """A stream that is held open, and when it ended."""

    def __init__(self, process: Process, key: str, era: str, session: str) -> None:
        self.status, self.heard, self.ended_at, self.left = 0, "", 0.0, False
        self._asked = process, key, era, session
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        until = time.monotonic() + 10
        while not self.heard and not self.ended_at:
            assert time.monotonic() < until, "nothing is heard"
            time.sleep(0.02)

    def _run(self) -> None:
        process, key, era, session = self._asked
        headers = process.headers(key) | headers_of(era, session, "subscriptions/listen")
        params = {
            "notifications": {"toolsListChanged": True},
            "_meta": {"io.modelcontextprotocol/protocolVersion": NEWER},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
        how: dict[str, Any] = {"method": "GET"} if era == OLDER else {"method": "POST", "json": body}
        url = f"{process.url}/mcp/{NAMES[era]}"
        with httpx.stream(**how, url=url, headers=headers, timeout=60) as answer:
            self.status = answer.status_code
            for piece in answer.iter_text():
                self.heard += piece
                if self.left:
                    break
        self.ended_at = time.monotonic()

    def leave(self) -> None:
        """Its client hangs up."""
        self.left = True
        self.thread.join(20)

    def lasted_s(self, since: float) -> float:
        self.thread.join(20)
        assert self.ended_at, "it goes on"
        return self.ended_at - since


# What is promised.


@pytest.mark.parametrize("era", ERAS)
def test_what_was_opened_at_one_process_goes_on_at_the_other(world: World, era: str) -> None:
    key = world.north.key
    session = greeted(world.a, key, era)
    assert session not in world.servers[era].sessions
    for process in (world.b, world.a, world.b):
        assert listed(process, key, era, session) == ["echo", "north_only"]
        result = called(process, key, era, "north_only", "hello", session)
        assert result["content"] == [{"type": "text", "text": "hello"}]
    if era == OLDER:
        gone = httpx.delete(
            f"{world.b.url}/mcp/older", headers=world.b.headers(key) | headers_of(era, session), timeout=30
        )
        assert gone.status_code == 200
        assert asked(world.a, key, era, "tools/list", session=session).status_code == 404


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_session_of_one_company_or_key_is_nothing_elsewhere(world: World, method: str) -> None:
    """The same answer, to the letter, as for a session that nobody ever had; and the upstream hears nothing."""
    session = greeted(world.a, world.north.key, OLDER)
    before = len(world.servers[OLDER].headers)
    answers = set()
    for process in (world.a, world.b):
        for key in (world.south.key, world.south.other, world.north.other):
            for shown in (session, session[:-4] + "AAAA", "session-0", "made-up"):
                headers = process.headers(key) | headers_of(OLDER, shown)
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
                more: dict[str, Any] = {"json": body} if method == "POST" else {}
                answer = httpx.request(
                    method, f"{process.url}/mcp/older", headers=headers, timeout=30, **more
                )
                answers.add((answer.status_code, answer.text))
    assert {(status, orjson.loads(text)["error"]["code"]) for status, text in answers} == {(404, -32001)}
    assert len(answers) == 1
    assert len(world.servers[OLDER].headers) == before
    assert listed(world.b, world.north.key, OLDER, session) == ["echo", "north_only"]


def test_an_upstream_of_one_company_does_not_exist_in_the_other(world: World) -> None:
    told = set()
    for process in (world.a, world.b):
        for name in ("northern", "nothing"):
            for method in ("tools/list", "server/discover"):
                answer = asked(process, world.south.key, NEWER, method, name=name)
                told.add((answer.status_code, answer.text))
    ((status, _text),) = told
    assert status == 404
    assert asked(world.b, world.north.key, NEWER, "tools/list", name="northern").status_code == 200


@pytest.mark.parametrize("era", ERAS)
def test_a_pin_that_one_company_accepted_is_not_accepted_in_the_other(world: World, era: str) -> None:
    """The very same definition, offered to both."""
    server, name = world.servers[era], NAMES[era]
    for word in ("north", "south"):
        server.tools_of[f"Bearer {word}-token"].append(tool("both", "The same for both."))
    world.accept(world.north, name, "both")
    north = greeted(world.b, world.north.key, era)
    south = greeted(world.b, world.south.key, era)
    soon(lambda: "both" in listed(world.b, world.north.key, era, north))
    before = server.methods().count("tools/call")
    for process in (world.a, world.b):
        assert listed(process, world.south.key, era, south) == ["echo", "south_only"]
        refused = [
            called(process, world.south.key, era, each, "x", south) for each in ("both", "north_only", "none")
        ]
        assert [code_of(each) for each in refused] == ["upstream.quarantined"] * 3
        assert len({each["content"][0]["text"] for each in refused}) == 1
    assert server.methods().count("tools/call") == before


@pytest.mark.parametrize("era", ERAS)
def test_what_a_person_decides_at_one_process_counts_at_the_other_within_a_second(
    world: World, era: str
) -> None:
    server, name, key = world.servers[era], NAMES[era], world.north.key
    credential = "Bearer north-token"
    server.tools_of[credential].append(tool("fresh"))
    session = greeted(world.b, key, era)
    assert "fresh" not in listed(world.b, key, era, session)
    world.accept(world.north, name, "fresh")
    soon(lambda: "fresh" in listed(world.b, key, era, session))
    soon(lambda: called(world.b, key, era, "fresh", "x", session).get("content"))
    server.tools_of[credential][-1] = tool("fresh", "It is another now.")
    assert "fresh" not in listed(world.b, key, era, session), "nobody waits for a look"
    world.a.good("POST", f"/v1/upstreams/{name}/look")
    assert "fresh" not in listed(world.b, key, era, session)
    server.tools_of[credential][-1] = tool("fresh")
    pin = next(each["pin"] for each in world.a.good("GET", f"/v1/upstreams/{name}")["tools"] if each["name"] == "fresh" and each["state"] == "accepted")  # fmt: skip
    soon(lambda: "fresh" in listed(world.b, key, era, session))
    world.a.good("POST", f"/v1/upstreams/{name}/refuse", json={"pins": [pin]})
    soon(lambda: "fresh" not in listed(world.b, key, era, session))
    soon(
        lambda: (
            code_of(called(world.b, key, era, "fresh", "x", session))
            in ("upstream.quarantined", "contract.unknown")
        )
    )


@pytest.mark.parametrize("how", ["revoked", "stopped"])
@pytest.mark.parametrize("era", ERAS)
def test_a_stream_at_one_process_ends_with_the_right_to_it_at_the_other(
    world: World, era: str, how: str
) -> None:
    owner = world.within(world.north)
    key = owner.make_key(f"listener-{era}-{how}", "developer", kind="program")
    session = greeted(world.b, key, era)
    mine, theirs = (
        Listener(world.b, key, era, session),
        Listener(world.b, world.south.key, era, greeted(world.b, world.south.key, era)),
    )
    assert mine.status == 200
    assert "north-token" in mine.heard
    began = time.monotonic()
    if how == "revoked":
        found = next(
            each for each in owner.good("GET", "/v1/keys")["keys"] if each["name"] == f"listener-{era}-{how}"
        )
        owner.good("POST", f"/v1/keys/{found['key_id']}/revoke")
    else:
        told = {"kind": "key", "target": key.split("_")[2], "reason": "it hears too much"}
        owner.good("POST", "/v1/stops", json=told)
    assert mine.lasted_s(began) < 1.0 + WITHIN_S
    assert "south-token" not in mine.heard
    soon(lambda: world.servers[era].streams["Bearer north-token"] == 0)
    assert not theirs.ended_at, "another's goes on"
    assert "north-token" not in theirs.heard
    theirs.leave()
    soon(lambda: world.servers[era].streams["Bearer south-token"] == 0)


@pytest.mark.parametrize("era", ERAS)
def test_no_credential_goes_out_with_anothers_call(world: World, era: str) -> None:
    server = world.servers[era]
    before = len(server.heard)
    sessions = {company.word: greeted(world.a, company.key, era) for company in (world.north, world.south)}

    def one(number: int) -> str:
        process = (world.a, world.b)[number % 2]
        company = (world.north, world.south)[number // 2 % 2]
        said = f"{company.word}-{number}"
        result = called(process, company.key, era, "echo", said, sessions[company.word])
        return str(result["content"][0]["text"]) if result["content"][0]["text"] == said else f"not {said}"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one, range(60)))
    assert [each for each in said if each.startswith("not")] == []
    sent = [
        (params, credential) for method, params, credential in server.heard[before:] if method == "tools/call"
    ]
    assert len(sent) == 60
    for params, credential in sent:
        assert credential == f"Bearer {params['arguments']['text'].split('-')[0]}-token"


def test_a_call_that_one_process_holds_is_taken_up_at_the_other(world: World) -> None:
    """2026-07-28: the client comes back with its state, wherever it comes to; the state of one company is nothing in the other, and says nothing there."""
    for company in (world.north, world.south):
        world.servers[NEWER].tools_of[f"Bearer {company.word}-token"].append(tool("write", "Writes."))
        owner = world.within(company)
        owner.good("POST", "/v1/upstreams/newer/look")
        shown = owner.good("GET", "/v1/upstreams/newer")["tools"]
        pin = next(each["pin"] for each in shown if each["name"] == "write")
        owner.good("POST", "/v1/upstreams/newer/accept", json={"tools": [{"pin": pin}]})
    owner = world.within(world.north)
    soon(lambda: "write" in listed(world.b, world.north.key, NEWER))
    held = called(world.b, world.north.key, NEWER, "write", "mine")
    assert held["resultType"] == "input_required"
    state = held["requestState"]
    for foreign in (world.south.key, world.north.other):
        told = called(world.b, foreign, NEWER, "write", "mine", requestState=state)
        assert told["resultType"] == "input_required"
        assert told["_meta"]["dev.ostiary/call"] != held["_meta"]["dev.ostiary/call"], "a question of its own"
    cards = owner.good("GET", "/v1/approvals")["approvals"]
    card = next(each for each in cards if each["call"] == held["_meta"]["dev.ostiary/call"])
    assert owner.approve(card["id"]).status_code == 200
    until, told = time.monotonic() + 20, held
    while told.get("resultType") == "input_required":
        assert time.monotonic() < until
        told = called(world.b, world.north.key, NEWER, "write", "mine", requestState=told["requestState"])
    assert told["content"] == [{"type": "text", "text": "mine"}]
    sent = [
        params["arguments"]
        for method, params, _ in world.servers[NEWER].heard
        if method == "tools/call" and params["name"] == "write"
    ]
    assert sent == [{"text": "mine"}]


@pytest.mark.parametrize("era", ERAS)
def test_a_task_is_its_makers_at_both_processes(world: World, era: str) -> None:
    server = world.servers[era]
    session = greeted(world.a, world.north.key, era)
    made = called(world.a, world.north.key, era, "echo", "later", session)
    task = str((made["task"] if era == OLDER else made)["taskId"])
    for process in (world.b, world.a):
        told = asked(process, world.north.key, era, "tasks/get", {"taskId": task}, session=session).json()
        assert (told["result"]["taskId"], told["result"]["status"]) == (task, "working")
    before = len(server.heard)
    for process in (world.a, world.b):
        for key in (world.north.other, world.south.key):
            mine = greeted(process, key, era)
            for method in ("tasks/get", "tasks/result", "tasks/cancel"):
                for named in (task, "task-1"):
                    told = asked(process, key, era, method, {"taskId": named}, session=mine).json()
                    assert told["error"]["code"] == -32602
    assert not [method for method, _, _ in server.heard[before:] if method.startswith("tasks/")]
