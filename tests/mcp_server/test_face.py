"""Unmodified official clients of both protocol eras, over HTTP, through the real door."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.mcp_server.gateway import Gateway, ask, client, refusal, running

ERAS = ("legacy", "2026-07-28")
REFUND = {"invoice": "INV-20001"}
KEY = {"dev.ostiary/idempotency-key": "one-key"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as started:
        yield started


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that waits for a person before it answers."""
    with running(tmp_path, wait_s=20) as started:
        yield started


def _names(listed: Any) -> list[str]:
    return [tool.name for tool in listed.tools]


@pytest.mark.parametrize("era", ERAS)
def test_tools_are_what_this_key_may_call(gateway: Gateway, era: str) -> None:
    assert _names(ask(gateway.url, "ost_north", era, lambda c: c.list_tools())) == [
        "call_show",
        "customer_show",
        "invoice_refund",
        "note_add__line",
    ]
    assert _names(ask(gateway.url, "ost_narrow", era, lambda c: c.list_tools())) == [
        "call_show",
        "customer_show",
    ]
    assert _names(ask(gateway.url, "ost_viewer", era, lambda c: c.list_tools())) == ["call_show"]
    assert _names(ask(gateway.url, "ost_web", era, lambda c: c.list_tools())) == [
        "call_show",
        "note_add__line",
    ]


def test_two_tenants_at_once_see_different_tools(gateway: Gateway) -> None:
    async def both() -> list[list[str]]:
        async with (
            client(gateway.url, "ost_north", "legacy") as north,
            client(gateway.url, "ost_south", "2026-07-28") as south,
        ):
            listed = await asyncio.gather(*(side.list_tools() for side in (north, south) for _ in range(5)))
            return [_names(one) for one in listed]

    seen = asyncio.run(both())
    assert seen[:5] == [["call_show", "customer_show", "invoice_refund", "note_add__line"]] * 5
    assert seen[5:] == [["call_show", "order_status"]] * 5


def test_the_list_is_nobody_elses_to_cache(gateway: Gateway) -> None:
    listed = ask(gateway.url, "ost_north", "2026-07-28", lambda c: c.list_tools())
    assert (listed.cache_scope, listed.ttl_ms) == ("private", 0)


@pytest.mark.parametrize("era", ERAS)
def test_a_read_comes_masked(gateway: Gateway, era: str) -> None:
    answer = ask(gateway.url, "ost_north", era, lambda c: c.call_tool("customer_show", REFUND))
    assert answer.is_error is False
    assert "nora.pellow@example.com" not in answer.model_dump_json()
    assert answer.structured_content["number"] == 1
    assert answer.meta["dev.ostiary/counts"] == {"masked.email": 1}
    assert answer.meta["dev.ostiary/call"].startswith("cal_")


@pytest.mark.parametrize("era", ERAS)
def test_an_unknown_tool_is_refused(gateway: Gateway, era: str) -> None:
    refused = refusal(gateway.url, "ost_north", era, "customer_delete", {})
    assert (refused.code, refused.data["code"]) == (-32602, "contract.unknown")
    assert gateway.works.done == []


@pytest.mark.parametrize("era", ERAS)
def test_anothers_tool_does_not_exist(gateway: Gateway, era: str) -> None:
    refused = refusal(gateway.url, "ost_south", era, "customer_show", REFUND)
    assert (refused.code, refused.data["code"]) == (-32602, "contract.unknown")


@pytest.mark.parametrize("era", ERAS)
def test_what_exists_and_is_not_allowed_is_a_result_that_is_an_error(gateway: Gateway, era: str) -> None:
    answer = ask(gateway.url, "ost_narrow", era, lambda c: c.call_tool("invoice_refund", REFUND))
    assert (answer.is_error, answer.structured_content["code"]) == (True, "access.scope")
    answer = ask(gateway.url, "ost_north", era, lambda c: c.call_tool("approval_list", {}))
    assert (answer.is_error, answer.structured_content["code"]) == (True, "access.forbidden")


@pytest.mark.parametrize("era", ERAS)
def test_parameters_that_do_not_fit_are_named(gateway: Gateway, era: str) -> None:
    answer = ask(gateway.url, "ost_north", era, lambda c: c.call_tool("invoice_refund", {"invoice": 7}))
    assert answer.is_error is True
    assert answer.structured_content["code"] == "params.invalid"
    assert answer.structured_content["errors"][0]["pointer"] == "/invoice"
    assert gateway.works.done == []


@pytest.mark.parametrize("era", ERAS)
def test_a_held_call_says_how_to_wait_and_is_polled_to_its_end(gateway: Gateway, era: str) -> None:
    answer = ask(gateway.url, "ost_north", era, lambda c: c.call_tool("invoice_refund", REFUND))
    assert (answer.is_error, answer.structured_content["status"]) == (False, "held")
    assert gateway.works.done == []
    poll = answer.structured_content["poll"]
    gateway.decide("approve")
    ended = ask(gateway.url, "ost_north", era, lambda c: c.call_tool(poll["tool"], poll["arguments"]))
    assert ended.structured_content["state"] == "done"
    assert ended.structured_content["result"]["number"] == 1
    assert gateway.works.done == [("invoice.refund", REFUND)]


@pytest.mark.parametrize("era", ERAS)
def test_who_waits_is_answered_as_soon_as_a_person_has_decided(patient: Gateway, era: str) -> None:
    decided = threading.Thread(target=patient.decide, args=("approve",))
    decided.start()
    answer = ask(patient.url, "ost_north", era, lambda c: c.call_tool("invoice_refund", REFUND))
    decided.join()
    assert answer.structured_content["number"] == 1
    assert patient.works.done == [("invoice.refund", REFUND)]


@pytest.mark.parametrize("era", ERAS)
def test_a_no_is_told_and_nothing_is_done(patient: Gateway, era: str) -> None:
    decided = threading.Thread(target=patient.decide, args=("reject",), kwargs={"reason": "not ours"})
    decided.start()
    answer = ask(patient.url, "ost_north", era, lambda c: c.call_tool("invoice_refund", REFUND))
    decided.join()
    assert (answer.is_error, answer.structured_content["code"]) == (True, "approval.rejected")
    assert patient.works.done == []


@pytest.mark.parametrize("era", ERAS)
def test_the_same_key_gives_the_same_answer_and_is_done_once(patient: Gateway, era: str) -> None:
    async def twice(connected: Any) -> list[Any]:
        deciding = asyncio.create_task(asyncio.to_thread(patient.decide, "approve"))
        first = await connected.call_tool("invoice_refund", REFUND, meta=KEY)
        await deciding
        return [first, await connected.call_tool("invoice_refund", REFUND, meta=KEY)]

    first, second = ask(patient.url, "ost_north", era, twice)
    assert first.structured_content == second.structured_content
    assert first.meta["dev.ostiary/call"] == second.meta["dev.ostiary/call"]
    assert patient.works.done == [("invoice.refund", REFUND)]


def test_the_same_key_with_other_content_is_refused(gateway: Gateway) -> None:
    ask(gateway.url, "ost_north", "legacy", lambda c: c.call_tool("note_add__line", REFUND, meta=KEY))
    answer = ask(
        gateway.url,
        "ost_north",
        "legacy",
        lambda c: c.call_tool("note_add__line", {"invoice": "x"}, meta=KEY),
    )
    assert answer.structured_content["code"] == "idempotency.mismatch"
    assert gateway.works.done == [("note.add_line", REFUND)]


def test_without_a_key_each_call_is_another_call(gateway: Gateway) -> None:
    for _ in range(2):
        ask(gateway.url, "ost_script", "legacy", lambda c: c.call_tool("note_add__line", REFUND))
    assert len(gateway.works.done) == 2


@pytest.mark.parametrize("era", ERAS)
def test_progress_is_told_while_a_person_thinks(patient: Gateway, era: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def asked(connected: Any) -> Any:
        async def progress(so_far: float, total: float | None, message: str | None) -> None:
            heard.append((so_far, total, message))
            if len(heard) == 1:
                threading.Thread(target=patient.decide, args=("approve",)).start()

        return await connected.call_tool("invoice_refund", REFUND, progress_callback=progress)

    answer = ask(patient.url, "ost_north", era, asked)
    assert answer.structured_content["number"] == 1
    assert heard[0][1:] == (20.0, "waiting for a person to decide")


def test_a_newer_client_comes_back_by_itself_with_sealed_state(gateway: Gateway) -> None:
    async def raw(connected: Any) -> Any:
        first = await connected.session.call_tool("invoice_refund", REFUND, allow_input_required=True)
        assert first.result_type == "input_required"
        assert first.input_requests is None
        await asyncio.to_thread(gateway.decide, "approve")
        ended = {"call_id": first.meta["dev.ostiary/call"], "wait_s": 10}
        assert (await connected.call_tool("call_show", ended)).structured_content["state"] == "done"
        return await connected.session.call_tool(
            "invoice_refund", REFUND, request_state=first.request_state, allow_input_required=True
        )

    answer = ask(gateway.url, "ost_north", "2026-07-28", raw)
    assert answer.structured_content["number"] == 1
    assert gateway.works.done == [("invoice.refund", REFUND)]


def test_a_session_of_the_older_library_works_as_it_is(gateway: Gateway) -> None:
    async def asked() -> tuple[str, list[str], Any]:
        headers = {"Authorization": "Bearer ost_north"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
            streamable_http_client(gateway.url, http_client=http) as (read, write),
            ClientSession(read, write) as session,
        ):
            greeted = await session.initialize()
            listed = await session.list_tools()
            return greeted.protocol_version, _names(listed), await session.call_tool("customer_show", REFUND)

    version, tools, answer = asyncio.run(asked())
    assert version == "2025-11-25"
    assert tools[0] == "call_show"
    assert answer.structured_content["number"] == 1


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [({}, "Bearer"), ({"Authorization": "Bearer ost_wrong"}, 'Bearer error="invalid_token"')],
)
def test_without_a_right_key_there_is_nothing(
    gateway: Gateway, headers: dict[str, str], challenge: str
) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = httpx2.post(gateway.url, json=asked, headers=headers, trust_env=False)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_are_no_sessions_to_listen_to_or_to_end(gateway: Gateway, method: str) -> None:
    answer = httpx2.request(
        method, gateway.url, headers={"Authorization": "Bearer ost_north"}, trust_env=False
    )
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_every_outcome_is_in_the_log(gateway: Gateway) -> None:
    refusal(gateway.url, "ost_north", "legacy", "customer_delete", {})
    ask(gateway.url, "ost_north", "legacy", lambda c: c.call_tool("customer_show", REFUND))
    ask(gateway.url, "ost_north", "legacy", lambda c: c.call_tool("invoice_refund", REFUND))
    assert gateway.recorded() == [
        ("off.contract", "refused", "contract.unknown", "mcp"),
        ("customer.show", "ran", "", "mcp"),
        ("invoice.refund", "held", "confirmation.always", "mcp"),
    ]
