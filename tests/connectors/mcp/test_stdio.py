"""Upstreams over stdio: only what the operator declared, with nothing of ours in its environment, and alive again after it died."""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ostiary.actions import Call
from ostiary.clock import SystemClock
from ostiary.connectors.mcp.listeners import Wanted
from ostiary.connectors.mcp.stdio import Program, StdioSession
from ostiary.connectors.mcp.upstream import Credentials, Upstream
from ostiary.errors import TargetTimeout, TargetUnavailable
from ostiary.secret import Secret
from tests.connectors.mcp.test_quarantine import contract
from tests.house import House, play

SERVER = r"""
import json, os, sys, time
TOOL = {"name": "echo", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}}
for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params", {})
    if "id" not in message or method is None:
        continue
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [TOOL]}
    else:
        text = params["arguments"]["text"]
        if text == "die":
            os._exit(3)
        if text == "leave":
            if os.fork():
                os._exit(3)
            time.sleep(2.5)
            os._exit(0)
        if text == "slow":
            time.sleep(3)
        if text == "flood":
            print("x" * 3_000_000, flush=True)
        if text == "environment":
            text = json.dumps({"env": dict(os.environ), "cwd": os.listdir(), "files": len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0})
        print(json.dumps({"jsonrpc": "2.0", "id": "ask", "method": "roots/list"}), flush=True)
        result = {"content": [{"type": "text", "text": text}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def program(**environment: str) -> Program:
    return Program((sys.executable, "-I", "-S", "-c", SERVER), environment)


async def said(session: StdioSession, text: str) -> str:
    result = await session.request("tools/call", {"name": "echo", "arguments": {"text": text}})
    return str(result["content"][0]["text"])


def test_calls_side_by_side_get_their_own_answers() -> None:
    async def story() -> None:
        session = StdioSession(program(), timeout_s=20, answer_bytes_max=1 << 20)
        try:
            answers = await asyncio.gather(*(said(session, f"n{number}") for number in range(50)))
            assert answers == [f"n{number}" for number in range(50)]
        finally:
            await session.close()

    asyncio.run(story())


def test_it_sees_its_own_environment_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_ROOT_KEY", "canary-of-the-gateway")

    async def story() -> None:
        session = StdioSession(program(LANG="C.UTF-8"), timeout_s=20, answer_bytes_max=1 << 20)
        try:
            found = json.loads(await said(session, "environment"))
        finally:
            await session.close()
        assert {name: value for name, value in found["env"].items() if name != "LC_CTYPE"} == {
            "LANG": "C.UTF-8"
        }
        assert found["cwd"] == []
        assert found["files"] <= 5

    asyncio.run(story())


def test_a_program_that_dies_is_unsure_once_and_comes_back() -> None:
    async def story() -> None:
        session = StdioSession(program(), timeout_s=20, answer_bytes_max=1 << 20)
        try:
            assert await said(session, "one") == "one"
            with pytest.raises(TargetUnavailable) as dead:
                await said(session, "die")
            assert dead.value.maybe_done
            session._started_s -= 10  # as if a while had passed
            assert await said(session, "two") == "two"
        finally:
            await session.close()

    asyncio.run(story())


def test_the_end_of_one_program_is_not_the_next_ones() -> None:
    """A child of the first held its output open and ended later: what the second was asked failed with it."""

    async def story() -> None:
        session = StdioSession(program(), timeout_s=1, answer_bytes_max=1 << 20)
        try:
            async with session.listeners.listening(Wanted()) as old:
                with pytest.raises(TargetTimeout):
                    await said(session, "leave")
                session._started_s -= 100
                session._timeout_s = 20
                await session.started()
                with pytest.raises(TargetUnavailable):
                    await asyncio.wait_for(old.next(), 1)
            async with session.listeners.listening(Wanted()) as new:
                assert await said(session, "slow") == "slow"
                new.tell("notifications/resources/updated", "file:///y")
                assert await new.next() == ("notifications/resources/updated", "file:///y")
        finally:
            await session.close()

    asyncio.run(story())


def test_a_program_that_does_not_greet_is_not_spoken_with() -> None:
    async def story() -> None:
        mute = Program((sys.executable, "-I", "-S", "-c", "import sys\nfor line in sys.stdin: pass"), {})
        session = StdioSession(mute, timeout_s=1, answer_bytes_max=1 << 20)
        try:
            with pytest.raises(TargetTimeout) as late:
                await said(session, "x")
            assert not late.value.maybe_done, "the call was never sent"
            assert session._reading is not None
            await asyncio.wait_for(session._reading, 10)
            assert session._process is None
        finally:
            await session.close()

    asyncio.run(story())


def test_a_program_that_dies_again_and_again_is_started_less_and_less_often() -> None:
    async def story() -> None:
        session = StdioSession(program(), timeout_s=20, answer_bytes_max=1 << 20)
        waited = []
        try:
            for _ in range(4):
                with pytest.raises(TargetUnavailable):
                    await said(session, "die")
                for seconds in range(100):  # the first second after its start at which it is started again
                    session._started_s = asyncio.get_running_loop().time() - seconds - 0.5
                    soon = session._soon
                    try:
                        assert await said(session, "alive") == "alive"
                        break
                    except TargetUnavailable:
                        session._soon = soon
                waited.append(seconds)
            session._started_s -= 120
            with pytest.raises(TargetUnavailable):
                await said(session, "die")
            session._started_s -= 120
            assert await said(session, "well again") == "well again"
            assert session._soon == 0
        finally:
            await session.close()
        assert waited == [1, 1, 2, 4]

    asyncio.run(story())


def test_the_credential_is_in_the_environment_under_the_name_that_the_operator_gave() -> None:
    async def story() -> None:
        named = Program(program().command, {"LANG": "C.UTF-8"}, "TOKEN")
        session = StdioSession(named, Secret("secret-1"), timeout_s=20, answer_bytes_max=1 << 20)
        try:
            found = json.loads(await said(session, "environment"))
        finally:
            await session.close()
        assert {name: found["env"].get(name) for name in ("LANG", "TOKEN")} == {
            "LANG": "C.UTF-8",
            "TOKEN": "secret-1",
        }
        assert "secret-1" not in repr(session.__dict__)

    asyncio.run(story())


def test_a_line_without_end_ends_the_program_and_nothing_else() -> None:
    async def story() -> None:
        session = StdioSession(program(), timeout_s=20, answer_bytes_max=1 << 20)
        try:
            with pytest.raises(TargetUnavailable):
                await said(session, "flood")
        finally:
            await session.close()

    asyncio.run(story())


def test_what_does_not_start_is_unavailable() -> None:
    async def story() -> None:
        session = StdioSession(Program(("/nonexistent/program",), {}), timeout_s=20, answer_bytes_max=1 << 20)
        try:
            with pytest.raises(TargetUnavailable):
                await said(session, "x")
        finally:
            await session.close()

    asyncio.run(story())


def test_through_the_door_only_what_the_operator_declared_is_started(tmp_path: Path) -> None:
    file = tmp_path / "programs.json"
    file.write_text(json.dumps({"echo": {"command": list(program().command)}}))

    async def story(house: House) -> None:
        for wanted in ("other", "../echo", "/bin/sh"):
            settings = {"kind": "mcp", "program": wanted}
            refused = await house.ask("PUT", "/v1/connectors/tools", json={"settings": settings})
            assert refused.status_code == 422, wanted
        both = {"kind": "mcp", "program": "echo", "url": "https://example.com/mcp"}
        assert (await house.ask("PUT", "/v1/connectors/tools", json={"settings": both})).status_code == 422
        await house.connect("tools", kind="mcp", program="echo")
        await house.good("POST", "/v1/upstreams/tools/look")
        shown = (await house.good("GET", "/v1/upstreams/tools"))["tools"]
        await house.agree(contract(shown[0]["pin"]))
        key = await house.make_key("agent", roles=("developer",))
        answer = await house.good("POST", "/v1/actions/text.echo", key, json={"text": "hi"})
        assert answer["result"]["content"] == [{"type": "text", "text": "hi"}]

    play(tmp_path / "home", story, OSTIARY_MCP_PROGRAMS=str(file))


class Theirs:
    """A credential for each person."""

    async def of(self, actor: Any) -> Secret:
        return Secret(actor)


def test_programs_of_many_people_are_ended_to_make_room_and_not_while_they_work() -> None:
    async def story() -> None:
        made: dict[str, StdioSession] = {}

        def converse(secret: Secret) -> StdioSession:
            made[secret.reveal()] = StdioSession(program(), secret, timeout_s=20, answer_bytes_max=1 << 20)
            return made[secret.reveal()]

        upstream = Upstream(converse, cast(Credentials, Theirs()), SystemClock(), most=2)

        async def say(who: str, text: str) -> Any:
            call = cast(Call, SimpleNamespace(actor=who))
            return await upstream.request(call, "tools/call", {"name": "echo", "arguments": {"text": text}})

        try:
            await say("ada", "one")
            slow = asyncio.create_task(say("ben", "slow"))
            while "ben" not in made or made["ben"].idle:
                await asyncio.sleep(0.01)
            await say("eve", "two")  # ada's ends: ben's works
            with pytest.raises(TargetUnavailable):
                await said(made["ada"], "three")
            slower = asyncio.create_task(say("eve", "slow"))
            while made["eve"].idle:
                await asyncio.sleep(0.01)
            with pytest.raises(TargetUnavailable):
                await say("ada", "no room")
            assert [one["content"][0]["text"] for one in await asyncio.gather(slow, slower)] == [
                "slow",
                "slow",
            ]
            assert await say("ada", "again")
        finally:
            await upstream.close()

    asyncio.run(story())
