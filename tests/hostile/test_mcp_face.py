"""Attacks on the MCP face: borrowed and broken state, mismatching headers, malformed and oversized messages, pages of other sites."""

import asyncio
import base64
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from mcp.shared.exceptions import MCPError

from ostiary.mcp_server import calls
from tests.mcp_server.gateway import Gateway, ask, client, refusal, running

MODERN = "2026-07-28"
REFUND = {"invoice": "INV-20001"}
NOTE = "note_add__line"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "attacker", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("mcp")) as started:
        yield started


def post(
    gateway: Gateway, content: bytes | dict[str, Any] | list[Any], *, key: str = "ost_north", **headers: str
) -> httpx2.Response:
    sent = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    body: dict[str, Any] = {"content": content} if isinstance(content, bytes) else {"json": content}
    return httpx2.post(gateway.url, headers=sent, trust_env=False, timeout=20, **body)


def called(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments, **more},
    }


def modern(gateway: Gateway, name: str, arguments: Any, *, key: str = "ost_north", header_name: str = "", method: str = "tools/call", **more: Any) -> httpx2.Response:  # fmt: skip
    sent = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, "Mcp-Name": header_name or name}
    return post(gateway, called(name, arguments, _meta=ENVELOPE, **more), key=key, **sent)


def held_state(gateway: Gateway, *, tool: str = "invoice_refund") -> str:
    state: str = modern(gateway, tool, REFUND).json()["result"]["requestState"]
    return state


def test_anothers_state_opens_nothing(gateway: Gateway) -> None:
    state = held_state(gateway)
    for key in ("ost_other", "ost_south", "ost_narrow"):
        answer = modern(gateway, "invoice_refund", REFUND, key=key, requestState=state).json()
        assert answer["error"] == {"code": -32602, "message": "Invalid or expired requestState"}
    assert (
        modern(gateway, "invoice_refund", REFUND, requestState=state).json()["result"]["resultType"]
        == "input_required"
    )


def test_a_state_is_for_the_tool_it_was_made_for(gateway: Gateway) -> None:
    answer = modern(gateway, NOTE, REFUND, requestState=held_state(gateway)).json()
    assert answer["error"]["code"] == -32602
    assert gateway.works.done == []


def test_no_changed_bit_of_a_state_is_accepted(gateway: Gateway) -> None:
    raw = base64.urlsafe_b64decode(held_state(gateway))
    for position in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[position] ^= 1 << (position % 8)
        text = base64.urlsafe_b64encode(bytes(changed)).decode()
        assert modern(gateway, "invoice_refund", REFUND, requestState=text).json()["error"]["code"] == -32602


@pytest.mark.parametrize("state", ["", "x", "AAAA", "é", "=" * 8, "A" * 5000, "../../etc/passwd", "null"])
def test_a_made_up_state_is_refused(gateway: Gateway, state: str) -> None:
    assert modern(gateway, "invoice_refund", REFUND, requestState=state).json()["error"]["code"] == -32602


def test_a_state_cannot_smuggle_other_parameters(gateway: Gateway) -> None:
    """What comes with a state is not called: the held call is what it was when a person saw it."""
    before = list(gateway.works.done)
    answer = modern(
        gateway, "invoice_refund", {"invoice": "INV-99999"}, requestState=held_state(gateway)
    ).json()
    assert answer["result"]["resultType"] == "input_required"
    assert gateway.works.done == before


def test_a_state_survives_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        state = held_state(first)
    with running(tmp_path) as second:
        assert (
            modern(second, "invoice_refund", REFUND, requestState=state).json()["result"]["resultType"]
            == "input_required"
        )


@pytest.mark.parametrize(
    ("header_name", "method"),
    [("customer_show", "tools/call"), ("note_add__line", "tools/list"), ("", "prompts/get")],
)
def test_headers_that_say_other_than_the_body_are_refused(
    gateway: Gateway, header_name: str, method: str
) -> None:
    before = len(gateway.works.done)
    answer = modern(gateway, NOTE, REFUND, header_name=header_name, method=method)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)
    assert len(gateway.works.done) == before


def test_a_version_that_nobody_speaks_is_refused(gateway: Gateway) -> None:
    answer = post(gateway, called(NOTE, REFUND, _meta=ENVELOPE), MCP_Protocol_Version="2031-01-01")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"]
)
def test_a_page_of_another_site_is_refused(gateway: Gateway, origin: str) -> None:
    answer = post(gateway, called(NOTE, REFUND), Origin=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "request.cross_site")
    assert post(gateway, called("customer_show", REFUND), Origin="http://localhost:3000").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[1]",
        b"null",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1}',
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]',
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_what_is_no_message_is_refused(gateway: Gateway, body: bytes) -> None:
    assert post(gateway, body).status_code == 400
    assert post(gateway, body, MCP_Protocol_Version=MODERN, Mcp_Method="tools/list").status_code == 400


def test_a_body_beyond_the_bound_is_refused(gateway: Gateway) -> None:
    answer = post(gateway, called(NOTE, {"invoice": "x" * 70_000}))
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


def test_another_content_type_is_refused(gateway: Gateway) -> None:
    assert post(gateway, b"<xml/>", Content_Type="text/xml").json()["code"] == "request.media_type"


@pytest.mark.parametrize("arguments", [[], "text", 7, True])
def test_arguments_that_are_no_object_reach_nothing(gateway: Gateway, arguments: Any) -> None:
    before = len(gateway.works.done)
    assert post(gateway, called(NOTE, arguments)).json()["error"]["code"] == -32602
    assert modern(gateway, NOTE, arguments).json()["error"]["code"] == -32602
    assert len(gateway.works.done) == before


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_",
        ".",
        "call.list.",
        "INVOICE_REFUND",
        "invoice refund",
        "é",
        "\x00",
        "a" * 10_000,
        "invoice.refund\n",
    ],
)
def test_no_strange_name_is_a_tool(gateway: Gateway, name: str) -> None:
    assert post(gateway, called(name, REFUND)).json()["error"]["data"]["code"] == "contract.unknown"


def test_what_only_people_may_do_an_agent_may_not(gateway: Gateway) -> None:
    for tool in ("approval_approve", "approval_reject", "call_settle", "approval.approve"):
        answer = post(gateway, called(tool, {})).json()["result"]
        assert (answer["isError"], answer["structuredContent"]["code"]) == (True, "access.forbidden")


def test_an_agent_sees_only_its_own_calls(gateway: Gateway) -> None:
    held = post(gateway, called("invoice_refund", REFUND)).json()["result"]["structuredContent"]
    asked = called("call_show", {"call_id": held["call_id"]})
    assert post(gateway, asked).json()["result"]["structuredContent"]["state"] == "held"
    for key in ("ost_other", "ost_south"):
        answer = post(gateway, asked, key=key).json()["result"]
        assert (answer["isError"], answer["structuredContent"]["code"]) == (True, "not_found")


@pytest.mark.parametrize("value", [7, ["x"], {"a": 1}, "x" * 201])
def test_a_strange_idempotency_key_is_named_and_nothing_is_done(gateway: Gateway, value: Any) -> None:
    before = len(gateway.works.done)
    answer = post(gateway, called(NOTE, REFUND, _meta={"dev.ostiary/idempotency-key": value})).json()[
        "result"
    ]
    assert answer["structuredContent"]["errors"][0]["pointer"] == "/_meta/dev.ostiary~1idempotency-key"
    assert len(gateway.works.done) == before


def test_one_key_at_the_same_moment_is_done_once(gateway: Gateway) -> None:
    before = len(gateway.works.done)
    meta: Any = {"dev.ostiary/idempotency-key": "at-the-same-moment"}

    async def many(connected: Any) -> list[Any]:
        return list(await asyncio.gather(*(connected.call_tool(NOTE, REFUND, meta=meta) for _ in range(12))))

    answers = ask(gateway.url, "ost_script", MODERN, many)
    assert len(gateway.works.done) == before + 1
    codes = {answer.structured_content.get("code", "done") for answer in answers}
    assert codes <= {"done", "call.in_flight"}


def test_a_target_that_says_no_is_told_without_its_words(gateway: Gateway) -> None:
    answer = post(gateway, called("customer_show", {"invoice": "INV-broken"})).json()["result"]
    assert answer["structuredContent"]["code"] == "target.refused"


def test_methods_that_are_not_offered_are_refused(gateway: Gateway) -> None:
    for method in (
        "resources/list",
        "prompts/list",
        "completion/complete",
        "logging/setLevel",
        "secrets/steal",
    ):
        answer = post(gateway, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}).json()
        assert answer["error"]["code"] in (-32601, -32602)


def test_more_who_wait_than_the_bound_are_answered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAITING_MAX", 0)
    with running(tmp_path, wait_s=300) as busy:
        answer = post(busy, called("invoice_refund", REFUND)).json()["result"]
        assert answer["structuredContent"]["status"] == "held"


def test_a_client_that_hangs_up_while_it_waits_leaves_the_call_held(tmp_path: Path) -> None:
    with running(tmp_path, wait_s=300) as patient:

        async def hang_up() -> None:
            async with client(patient.url, "ost_north", MODERN) as connected:
                await asyncio.wait_for(connected.call_tool("invoice_refund", REFUND), 1.5)

        with pytest.raises(BaseExceptionGroup) as caught:
            asyncio.run(hang_up())
        assert caught.value.split(MCPError)[0] is None
        assert patient.recorded() == [("invoice.refund", "held", "confirmation.always", "mcp")]
        assert patient.works.done == []
        assert refusal(patient.url, "ost_north", "legacy", "nothing_here", {}).code == -32602


def test_white_space_around_a_header_is_not_part_of_it(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection(gateway.url.split("/")[2])
    sent = {
        "Authorization": "Bearer ost_north",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    sent |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "  customer_show \t"}
    connection.request("POST", "/mcp", orjson.dumps(called("customer_show", REFUND, _meta=ENVELOPE)), sent)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_header_that_comes_twice_is_refused(gateway: Gateway) -> None:
    names = ["customer_show", NOTE]
    sent = [
        ("Authorization", "Bearer ost_north"),
        ("Accept", "application/json"),
        ("Content-Type", "application/json"),
    ]
    sent += [
        ("MCP-Protocol-Version", MODERN),
        ("Mcp-Method", "tools/call"),
        *(("Mcp-Name", name) for name in names),
    ]
    answer = httpx2.post(
        gateway.url, headers=sent, json=called("customer_show", REFUND, _meta=ENVELOPE), trust_env=False
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)


def test_what_never_became_a_call_is_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path) as fresh:
        post(fresh, b"{")
        post(fresh, {"jsonrpc": "2.0", "id": 1})
        post(fresh, called(NOTE, "text"))
        post(fresh, called(NOTE, REFUND, _meta={"dev.ostiary/idempotency-key": 7}))
        post(fresh, called(NOTE, {"invoice": "x" * 70_000}))
        modern(fresh, "invoice_refund", REFUND, requestState="AAAA")
        assert fresh.recorded() == [
            ("request.unreadable", "refused", "request.malformed", "mcp"),
            ("request.unreadable", "refused", "request.malformed", "mcp"),
            ("request.unreadable", "refused", "request.malformed", "mcp"),
            ("request.unreadable", "refused", "params.invalid", "mcp"),
            ("request.unreadable", "refused", "request.too_large", "mcp"),
            ("request.unreadable", "refused", "request.malformed", "mcp"),
        ]


def test_a_call_is_recorded_once(tmp_path: Path) -> None:
    with running(tmp_path) as fresh:
        post(fresh, called("customer_delete", {}))
        post(fresh, called("invoice_refund", {"invoice": 7}))
        assert fresh.recorded() == [
            ("off.contract", "refused", "contract.unknown", "mcp"),
            ("invoice.refund", "refused", "params.invalid", "mcp"),
        ]
