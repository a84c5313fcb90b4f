"""Tasks of upstreams through `/mcp/<upstream>`, in both eras: whoever made one follows it to its end, and nobody else can; what comes of it is treated as what
the tool itself would have answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from ostiary.sample.serving import served
from tests.connectors.mcp.test_quarantine import accepted, joined
from tests.connectors.mcp.upstream import NEWER, Upstream, tool
from tests.house import BASE, House, play
from tests.mcp_server.test_tasks import Tasks

OLDER = "2025-11-25"
ERAS = (OLDER, NEWER)
TASKS = "io.modelcontextprotocol/tasks"
RELATED = "io.modelcontextprotocol/related-task"
MAIL = "anna.berg@example.org"
AT = "2026-11-22T10:00:00Z"


@dataclass
class Slow(Upstream):
    """A server whose tools answer later. `tasks`: what it knows, by its own ids; `next_id`: of the task that is made next; `standing`: told of every task, over
    what is so."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    next_id: str = ""
    standing: dict[str, Any] = field(default_factory=dict)
    result: Any = field(default_factory=lambda: {"content": [{"type": "text", "text": f"from {MAIL}"}]})
    needs: bool = False

    def _answer(self, method: str, params: dict[str, Any]) -> Any:
        """What this era wants of every result is in it."""
        answer, extra = self._answered(method, params)
        if self.era == NEWER and isinstance(answer.get("result"), dict):
            kept = (
                {"ttlMs": 0, "cacheScope": "private"} if method in ("tools/list", "server/discover") else {}
            )
            answer["result"] = {"resultType": "complete", **kept, **answer["result"]}
        return answer, extra

    def _answered(self, method: str, params: dict[str, Any]) -> Any:
        if method in ("server/discover", "initialize"):
            answer, extra = super()._answer(method, params)
            able = answer["result"]["capabilities"]
            able["tasks"] = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}, "prompts": {"get": {}}}}  # fmt: skip
            answer["result"]["serverInfo"] = {"name": "slow", "version": "1"}
            able["extensions"] = {TASKS: {}, "com.example/else": {}}
            return answer, extra
        if method == "tools/call" and (made := self._made(params)):
            return made, []
        if method.startswith("tasks/"):
            return self._told(method, params), []
        return super()._answer(method, params)

    def _made(self, params: dict[str, Any]) -> dict[str, Any] | None:
        meta = params.get("_meta") or {}
        able = meta.get("io.modelcontextprotocol/clientCapabilities") or {}
        if self.era == NEWER and TASKS not in (able.get("extensions") or {}):
            data = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
            return {"error": {"code": -32021, "message": "no", "data": data}} if self.needs else None
        if self.era == OLDER and "task" not in params:
            return {"error": {"code": -32601, "message": "as a task, please"}} if self.needs else None
        name = self.next_id or f"task-{len(self.tasks)}"
        task = self.tasks.setdefault(
            name,
            {
                "taskId": name,
                "status": "working",
                "createdAt": AT,
                "lastUpdatedAt": AT,
                "statusMessage": f"asks {MAIL}",
            },
        )
        return {
            "result": {"resultType": "task", **task, "ttlMs": 60_000}
            if self.era == NEWER
            else {"task": {**task, "ttl": 60_000}}
        }

    def _told(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(params.get("taskId", ""))
        if task is None:
            return {"error": {"code": -32602, "message": "no such task"}}
        if method == "tasks/result":
            related = {"_meta": {RELATED: {"taskId": task["taskId"]}}}
            return {"result": {**self.result, **related} if isinstance(self.result, dict) else self.result}
        if method == "tasks/cancel":
            task["status"] = "cancelled"
        if self.era == NEWER and method != "tasks/get":
            return {"result": {"resultType": "complete"}}
        whole = {
            **task,
            **({"result": self.result} if self.era == NEWER and task["status"] == "completed" else {}),
        }
        return {"result": {**whole, **self.standing}}


@contextmanager
def slow(era: str, **more: Any) -> Iterator[tuple[Slow, str]]:
    made = Slow(era=era, **more)
    with served(made) as base:
        yield made, f"{base}/mcp"


@dataclass
class Client:
    """One key, speaking one era."""

    house: House
    key: str
    era: str
    name: str = "tools"
    session: str = ""

    async def raw(self, method: str, params: dict[str, Any], **headers: str) -> Any:
        given = dict(params)
        sent = {"accept": "application/json, text/event-stream", "mcp-protocol-version": self.era, **headers}
        if self.session:
            sent["mcp-session-id"] = self.session
        if self.era == NEWER:
            about = {
                "io.modelcontextprotocol/protocolVersion": NEWER,
                "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}},
            }
            given["_meta"] = {**about, **given.get("_meta", {})}
            sent["mcp-method"] = method
            named = given.get("taskId") or given.get("name")
            if isinstance(named, str) and "mcp-name" not in headers and len(named) < 60_000:
                sent["mcp-name"] = named
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        return await self.house.ask("POST", f"/mcp/{self.name}", self.key, headers=sent, json=body)

    async def greet(self) -> dict[str, Any]:
        if self.era == NEWER:
            return dict((await self.raw("server/discover", {})).json()["result"])
        about = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        answer = await self.raw("initialize", about)
        self.session = answer.headers["mcp-session-id"]
        return dict(answer.json()["result"])

    async def ask(self, method: str, **params: Any) -> Any:
        """The result, or the error's code."""
        answer = (await self.raw(method, params)).json()
        return answer["error"]["code"] if "error" in answer else answer["result"]

    async def make(self, text: str = "x", **more: Any) -> Any:
        """A call that wants a task; the task."""
        wanted = {"task": {"ttl": 60_000, "smuggled": "x"}} if self.era == OLDER else {}
        answer = await self.ask("tools/call", name="echo", arguments={"text": text}, **wanted, **more)
        return answer["task"] if self.era == OLDER and "task" in answer else answer

    async def outcome(self, task: str) -> Any:
        """The tool's answer, where the era has it."""
        if self.era == OLDER:
            return await self.ask("tasks/result", taskId=task)
        return (await self.ask("tasks/get", taskId=task))["result"]


async def client_of(house: House, key: str, era: str, name: str = "tools") -> Client:
    made = Client(house, key, era, name)
    await made.greet()
    return made


@pytest.mark.parametrize("era", ERAS)
def test_a_task_is_followed_to_its_end_as_the_tools_own_answer(tmp_path: Path, era: str) -> None:
    async def story(house: House) -> None:
        with slow(era) as (server, url):
            key = await joined(house, url)
            await accepted(house)
            mine = await client_of(house, key, era)
            task = await mine.make()
            assert task["taskId"] not in server.tasks, "the upstream's own id stays here"
            assert (task["status"], task["createdAt"], task["statusMessage"]) == (
                "working",
                AT,
                "asks [email]",
            )
            called = next(params for method, params, _ in server.heard if method == "tools/call")
            assert called.get("task") == ({"ttl": 60_000} if era == OLDER else None)
            standing = await mine.ask("tasks/get", taskId=task["taskId"])
            assert (standing["taskId"], standing["status"], standing["lastUpdatedAt"]) == (
                task["taskId"],
                "working",
                AT,
            )
            assert standing["_meta"]["dev.ostiary/trust"] == "untrusted"
            server.tasks["task-0"]["status"] = "completed"
            standing = await mine.ask("tasks/get", taskId=task["taskId"])
            assert (standing["taskId"], standing["status"], standing["statusMessage"]) == (
                task["taskId"],
                "completed",
                "asks [email]",
            )
            result = await mine.outcome(task["taskId"])
            assert result["content"] == [{"type": "text", "text": "from [email]"}]
            assert result["_meta"]["dev.ostiary/trust"] == "untrusted"
            if era == OLDER:
                assert result["_meta"][RELATED] == {"taskId": task["taskId"]}
            assert [params["taskId"] for method, params, _ in server.heard if method == "tasks/get"][:1] == [
                "task-0"
            ]
            if era == NEWER:
                assert server.headers[-1]["mcp-name"] == "task-0"
            found = await house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.task"})
            assert {each["decision"] for each in found["events"]} == {"ran"}
            assert len(found["events"]) == 3 if era == OLDER else 4

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
def test_a_task_is_cancelled_by_who_made_it(tmp_path: Path, era: str) -> None:
    async def story(house: House) -> None:
        with slow(era) as (server, url):
            mine = await client_of(house, await joined(house, url), era)
            await accepted(house)
            task = await mine.make()
            ended = await mine.ask("tasks/cancel", taskId=task["taskId"])
            assert server.tasks["task-0"]["status"] == "cancelled"
            if era == OLDER:
                assert (ended["taskId"], ended["status"]) == (task["taskId"], "cancelled")
            else:
                assert ended["resultType"] == "complete"

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
def test_nobody_else_can_do_anything_with_a_task(tmp_path: Path, era: str) -> None:
    """Another key, another company, another upstream, a forged id, the upstream's own id: one answer, and nothing is sent."""

    async def story(house: House) -> None:
        with slow(era) as (server, url):
            mine = await client_of(house, await joined(house, url), era)
            await accepted(house)
            task = (await mine.make())["taskId"]
            await house.connect("second", kind="mcp", url=url, pass_through=True)
            other = await client_of(house, await house.make_key("other", roles=("developer",)), era)
            beside = await client_of(house, mine.key, era, "second")
            session = (await other.make())["taskId"] if era == OLDER else ""
            made = await house.good("POST", "/v1/tenants", json={"name": "South"})
            await house.good("POST", "/v1/session/switch-tenant", json={"tenant": made["tenant"]})
            foreign = await client_of(house, await joined(house, url), era)
            heard = len(server.heard)
            said = set()
            forged = (
                "task-0",
                task[:-4] + "AAAA",
                task[4:],
                "",
                "cal_" + "0" * 26,
                "ÿ",
                "x" * 50_000,
                mine.session,
                session,
            )
            attempts = [(who, task) for who in (other, beside, foreign)] + [(mine, each) for each in forged]
            for who, named in attempts:
                for method in ("tasks/get", "tasks/result", "tasks/cancel", "tasks/update"):
                    header = {"mcp-name": ""} if not named.isascii() else {}
                    answer = await who.raw(method, {"taskId": named}, **header)
                    if header and era == NEWER:
                        continue
                    said.add(
                        (
                            answer.status_code,
                            answer.json()["error"]["code"],
                            answer.json()["error"]["message"],
                        )
                    )
            ((status, code, _),) = said
            assert (status, code) == (200 if era == OLDER else 422, -32602)
            for strange in (None, 5, ["task-0"], {"taskId": "task-0"}, "x" * 100_000):
                answer = await mine.raw(
                    "tasks/get", {"taskId": strange}, **{"mcp-name": "x"} if era == OLDER else {}
                )
                assert answer.json()["error"]["code"] == -32602
            assert (await mine.raw("tasks/get", {})).json()["error"]["code"] == -32602
            assert server.heard[heard:] == []
            assert server.tasks["task-0"]["status"] == "working"

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
def test_lists_of_tasks_are_nobodys(tmp_path: Path, era: str) -> None:
    async def story(house: House) -> None:
        with slow(era) as (server, url):
            key = await joined(house, url)
            await accepted(house)
            mine = Client(house, key, era)
            able = (await mine.greet())["capabilities"]
            served = {"requests": {"tools": {"call": {}}}, "cancel": {}}
            assert able.get("tasks") == (served if era == OLDER else None)
            assert able["extensions"] == {TASKS: {}, "com.example/else": {}}
            await mine.make()
            answer = await mine.raw("tasks/list", {})
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                200 if era == OLDER else 404,
                -32601,
            )
            assert "tasks/list" not in server.methods()

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"taskId": "task-1"},
        {"taskId": 5},
        {"taskId": ""},
        {"status": "fine"},
        {"status": ["working"]},
        {"status": None},
        {"result": "text"},
        {"result": [1]},
    ],
)
def test_an_upstream_that_answers_for_another_task_or_nonsense(
    tmp_path: Path, era: str, wrong: dict[str, Any]
) -> None:
    async def story(house: House) -> None:
        with slow(era) as (server, url):
            mine = await client_of(house, await joined(house, url), era)
            await accepted(house)
            task = (await mine.make())["taskId"]
            await mine.make()
            server.standing = wrong
            answer = (await mine.raw("tasks/get", {"taskId": task})).json()
            assert answer["error"]["code"] == -32603
            assert answer["error"]["data"]["code"] == "target.answer_invalid"
            assert "task-1" not in str(answer)
            server.result, server.standing = 5, {}
            server.tasks["task-0"]["status"] = "completed"
            method = "tasks/result" if era == OLDER else "tasks/get"
            assert await mine.ask(method, taskId=task) == -32603

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["x" * 501, "x" * 100_000])
def test_an_id_that_is_no_ids_size_is_not_taken_from_an_upstream(tmp_path: Path, era: str, name: str) -> None:
    async def story(house: House) -> None:
        with slow(era, next_id=name) as (_server, url):
            mine = await client_of(house, await joined(house, url), era)
            await accepted(house)
            refused = await mine.make()
            assert refused["isError"] is True
            assert refused["structuredContent"]["code"] == "target.answer_invalid"
            assert name not in str(refused)

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["4111111111111111", MAIL, "786a-11ee-x/ü ", "é" * 500])
def test_an_id_that_looks_like_somebodys_number_is_found_again(tmp_path: Path, era: str, name: str) -> None:
    """Masking never sees it; a header takes it as it takes any text."""

    async def story(house: House) -> None:
        with slow(era, next_id=name) as (server, url):
            mine = await client_of(house, await joined(house, url), era)
            await accepted(house)
            task = (await mine.make())["taskId"]
            standing = await mine.ask("tasks/get", taskId=task)
            assert (standing["taskId"], standing["status"]) == (task, "working")
            assert server.heard[-1][1]["taskId"] == name

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
def test_a_call_that_is_repeated_has_the_same_task(tmp_path: Path, era: str) -> None:
    async def story(house: House) -> None:
        with slow(era) as (server, url):
            await joined(house, url)
            program = await house.make_key("program", kind="program", roles=("developer",))
            mine = await client_of(house, program, era)
            await accepted(house, effect="write", risk="medium")
            once = {"_meta": {"dev.ostiary/idempotency-key": "once"}}
            first, again = await mine.make(**once), await mine.make(**once)
            assert first["taskId"] == again["taskId"]
            assert server.methods().count("tools/call") == 1
            assert (await mine.ask("tasks/get", taskId=first["taskId"]))["status"] == "working"

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("needs", [True, False])
def test_a_call_that_a_person_approved_may_become_a_task(tmp_path: Path, era: str, needs: bool) -> None:
    """Where the server needs it; else its answer is waited for. The client goes on with the task as if it had been there."""

    async def story(house: House) -> None:
        support = {"execution": {"taskSupport": "required"}} if needs and era == OLDER else {}
        with slow(era, needs=needs, tools=[tool("echo", **support)]) as (server, url):
            mine = await client_of(house, await joined(house, url), era)
            pin = (await house.good("GET", "/v1/upstreams/tools"))["tools"][0]["pin"]
            await house.good("POST", "/v1/upstreams/tools/accept", json={"tools": [{"pin": pin}]})
            held = await mine.make("pay")
            call = held["_meta"]["dev.ostiary/call"]
            approval = (await house.good("GET", "/v1/approvals"))["approvals"][0]
            assert (await house.approve(approval["id"])).status_code == 200
            assert (await house.settled(call, mine.key))["state"] == "done"
            if era == NEWER:
                told = await mine.make("pay", requestState=held["requestState"])
            else:
                shown = await mine.ask("tools/call", name="call_show", arguments={"call_id": call})
                told = shown["structuredContent"]["result"]
                told = told.get("task", told)
            if not needs:
                assert told["content"] == [{"type": "text", "text": "pay"}]
                return
            assert (told["status"], told["statusMessage"]) == ("working", "asks [email]")
            server.tasks["task-0"]["status"] = "completed"
            result = await mine.outcome(told["taskId"])
            assert result["content"] == [{"type": "text", "text": "from [email]"}]
            other = await client_of(house, await house.make_key("other", roles=("developer",)), era)
            assert await other.ask("tasks/get", taskId=told["taskId"]) == -32602
            assert len(server.tasks) == 1

    play(tmp_path, story)


def test_what_a_stream_says_of_tasks_is_nobodys(tmp_path: Path) -> None:
    """How tasks stand is left out; what belongs to a task has the client's id, or none."""

    async def story(house: House) -> None:
        related = {RELATED: {"taskId": "task-9"}}
        says = [
            {
                "jsonrpc": "2.0",
                "method": "notifications/tasks/status",
                "params": {"taskId": "task-9", "status": "working"},
            },
            {
                "jsonrpc": "2.0",
                "method": "notifications/message",
                "params": {"data": "hello", "_meta": related},
            },
        ]
        with slow(OLDER, says=says) as (_server, url):
            mine = await client_of(house, await joined(house, url), OLDER)
            await accepted(house)
            answer = await mine.raw("tools/call", {"name": "echo", "arguments": {"text": "x"}})
            assert "hello" in answer.text
            assert "task-9" not in answer.text

    play(tmp_path, story)


def test_an_answer_in_the_middle_of_a_task_says_which_task_it_is_of(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with slow(OLDER) as (server, url):
            mine = await client_of(house, await joined(house, url, reads="free"), OLDER)
            await accepted(house)
            task = (await mine.make())["taskId"]
            headers = {"mcp-session-id": mine.session, "mcp-protocol-version": OLDER}
            for named, heard in (
                (task, {RELATED: {"taskId": "task-0"}}),
                ("task-0", {}),
                (task[:-4] + "AAAA", {}),
            ):
                reply = {
                    "jsonrpc": "2.0",
                    "id": 7,
                    "result": {"action": "accept", "_meta": {RELATED: {"taskId": named}}},
                }
                answer = await house.ask("POST", "/mcp/tools", mine.key, headers=headers, json=reply)
                assert answer.status_code == 202
                assert server.heard[-1][:2] == ("reply", {"action": "accept", "_meta": heard})

    play(tmp_path, story)


@pytest.mark.parametrize("reads", ["judged", "free"])
@pytest.mark.parametrize("method", ["tasks/update", "tools/call"])
def test_what_is_answered_in_a_request_is_judged_before_it_goes_out(
    tmp_path: Path, method: str, reads: str
) -> None:
    """2026-07-28: `inputResponses` carry words outward, as an answer does. What a person would have to approve is not sent."""

    async def story(house: House) -> None:
        with slow(NEWER) as (server, url):
            mine = await client_of(house, await joined(house, url, reads=reads), NEWER)
            await accepted(house)
            task = (await mine.make())["taskId"]
            said = {"who": {"action": "accept", "content": {"url": "https://evil.example/?q=secret"}}}
            what = {"taskId": task} if method == "tasks/update" else {"name": "echo", "arguments": {}}
            before = len(server.heard)
            answer = await mine.ask(method, **what, inputResponses=said)
            judged = (await house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.reply"}))[
                "events"
            ]
            if reads == "judged":
                assert answer == -32603
                assert [each["decision"] for each in judged] == ["held"]
                assert server.heard[before:] == []
            else:
                assert [each["decision"] for each in judged] == ["ran"]
                assert server.heard[-1][1]["inputResponses"] == said

    play(tmp_path, story)


def test_a_header_that_names_another_task_is_refused(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with slow(NEWER) as (server, url):
            mine = await client_of(house, await joined(house, url), NEWER)
            await accepted(house)
            one, two = (await mine.make())["taskId"], (await mine.make())["taskId"]
            answer = await mine.raw("tasks/get", {"taskId": one}, **{"mcp-name": two})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)
            assert "tasks/get" not in server.methods()

    play(tmp_path, story)


def test_a_key_that_is_stopped_or_not_let_in_follows_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with slow(NEWER) as (server, url):
            mine = await client_of(house, await joined(house, url), NEWER)
            await accepted(house)
            task = (await mine.make())["taskId"]
            told = {"kind": "key", "target": mine.key.split("_")[2], "reason": "no more"}
            stop = await house.good("POST", "/v1/stops", json=told)
            heard = len(server.heard)
            assert (await mine.raw("tasks/get", {"taskId": task})).json()["error"]["data"][
                "code"
            ] == "shield.stopped"
            await house.good("DELETE", f"/v1/stops/{stop['stop_id']}")
            assert (await mine.ask("tasks/get", taskId=task))["status"] == "working"
            await house.connect("tools", kind="mcp", url=url, pass_through=True, roles=["support"])
            assert (await mine.raw("tasks/get", {"taskId": task})).status_code == 404
            assert len(server.heard) == heard + 1

    play(tmp_path, story)


@pytest.mark.parametrize("needs", [True, False])
def test_the_official_client_follows_a_task_through_the_gateway(tmp_path: Path, needs: bool) -> None:
    """With the extension as a client has it; without, a server that needs it says so."""

    async def story(house: House) -> None:
        with slow(NEWER, needs=needs) as (server, url):
            key = await joined(house, url)
            await accepted(house)

            async def meanwhile(task: Any, _context: Any) -> None:
                assert task.task_id not in server.tasks
                server.tasks["task-0"]["status"] = "completed"

            transport = httpx2.ASGITransport(house.gateway.asgi, client=("127.0.0.1", 40000))
            told = {"authorization": f"Bearer {key}"}
            async with httpx2.AsyncClient(
                transport=transport, headers=told, base_url=BASE, timeout=30
            ) as http:
                follows = Tasks(meanwhile)
                way = streamable_http_client(f"{BASE}/mcp/tools", http_client=http)
                async with McpClient(way, mode=NEWER, extensions=[follows]) as connected:
                    result = await connected.call_tool("echo", {"text": "x"})
                    assert result.content[0].text == "from [email]"
                    assert (result.meta or {})["dev.ostiary/trust"] == "untrusted"
                    assert [status for status, _ in follows.seen] == ["working", "completed"]
                way = streamable_http_client(f"{BASE}/mcp/tools", http_client=http)
                async with McpClient(way, mode=NEWER) as plain:
                    if needs:
                        with pytest.raises(MCPError) as refused:
                            await plain.call_tool("echo", {"text": "x"})
                        assert refused.value.error.code == -32021
                    else:
                        answer = await plain.call_tool("echo", {"text": "x"})
                        assert answer.content[0].text == "x"

    play(tmp_path, story)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("how", ["at once", "as a task"])
def test_what_a_task_comes_to_is_as_little_trusted_as_the_tools_own_answer(
    tmp_path: Path, era: str, how: str
) -> None:
    """A value out of JSON in a text of it is known again when it is written, and the card says where it came from."""

    async def story(house: House) -> None:
        found = {"content": [{"type": "text", "text": '{"account": "DE89370400440532013000"}'}]}
        tools = [tool("echo"), tool("send")]
        with slow(era, tools=tools, answers={"echo": found}, result=found) as (server, url):
            mine = await client_of(house, await joined(house, url), era)
            for each in (await house.good("GET", "/v1/upstreams/tools"))["tools"]:
                reads = each["name"] == "echo"
                said = {"effect": "read" if reads else "write", "risk": "medium", "confirmation": "never", "egress": False}  # fmt: skip
                await house.good("POST", "/v1/upstreams/tools/accept", json={"tools": [{"pin": each["pin"], **said}]})  # fmt: skip
            if how == "at once":
                headers = {"mcp-name": "echo"}
                plain = {"name": "echo", "arguments": {}, "_meta": {"io.modelcontextprotocol/clientCapabilities": {}}}  # fmt: skip
                answer = (await mine.raw("tools/call", plain, **headers)).json()["result"]
            else:
                task = (await mine.make())["taskId"]
                server.tasks["task-0"]["status"] = "completed"
                answer = await mine.outcome(task)
            shown = answer["content"][0]["text"]
            assert "DE89" not in shown or "account" in shown
            plain = {"name": "send", "arguments": {"text": "DE89370400440532013000"}, "_meta": {"io.modelcontextprotocol/clientCapabilities": {}}}  # fmt: skip
            await mine.raw("tools/call", plain)
            (waiting,) = (await house.good("GET", "/v1/approvals"))["approvals"]
            (card,) = (await house.good("GET", f"/v1/approvals/{waiting['id']}"))["parameters"]
            assert card["origin"] == "untrusted"
            assert card["source"].startswith("mcp.tools.tools.echo" if how == "at once" else "mcp.tools.task")

    play(tmp_path, story)
