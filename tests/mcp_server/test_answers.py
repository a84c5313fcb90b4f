"""Outcomes in MCP's words."""

import pytest
from mcp.shared.exceptions import MCPError

from ostiary.door.outcome import Done, Held
from ostiary.errors import Fault, InvalidParameters, OffContract, TooMany
from ostiary.ids import CallId
from ostiary.mcp_server import answers

CALL = CallId("cal_0123456789abcdef0123456789abcdef")


def test_a_result_is_text_and_object() -> None:
    answer = answers.done(Done(CALL, {"status": "done"}, {"masked.email": 2}))
    assert answer == {
        "resultType": "complete",
        "content": [{"type": "text", "text": '{"status":"done"}'}],
        "structuredContent": {"status": "done"},
        "isError": False,
        "_meta": {"dev.ostiary/call": CALL, "dev.ostiary/counts": {"masked.email": 2}},
    }


def test_what_is_no_object_is_wrapped() -> None:
    assert answers.done(Done(CALL, [1, 2], {}))["structuredContent"] == {"result": [1, 2]}
    assert answers.done(Done(CALL, None, {}))["structuredContent"] == {"result": None}


def test_a_held_call_says_how_to_wait() -> None:
    answer = answers.pending(CALL, Held(CALL, "apr_1", 1_760_000_000_000_000, "risk.high"))
    assert answer["isError"] is False
    assert answer["structuredContent"] == {
        "status": "held",
        "call_id": CALL,
        "approval_id": "apr_1",
        "expires_at": "2025-10-09T08:53:20.000000Z",
        "poll": {"tool": "call_show", "arguments": {"call_id": CALL, "wait_s": 20}},
    }
    assert answer["content"][0]["text"].startswith("Held: nothing has been done yet.")
    assert "call call_show with call_id cal_0123456789abcdef0123456789abcdef" in answer["content"][0]["text"]


def test_an_approved_call_that_runs_is_not_said_to_be_held() -> None:
    answer = answers.pending(CALL, None)
    assert answer["structuredContent"]["status"] == "running"
    assert answer["content"][0]["text"].startswith("Running: it was approved")


def test_a_refusal_is_a_problem_that_a_model_can_read() -> None:
    answer = answers.refused(
        InvalidParameters("Look again.", faults=(Fault("/amount", "a number is expected"),))
    )
    assert answer["isError"] is True
    assert answer["structuredContent"]["code"] == "params.invalid"
    assert answer["structuredContent"]["errors"] == [{"pointer": "/amount", "detail": "a number is expected"}]
    assert answer["content"][0]["text"] == (
        "The parameters do not fit the contract. Look again. /amount: a number is expected (params.invalid)"
    )


def test_a_refusal_for_haste_says_when_to_come_back() -> None:
    assert answers.refused(TooMany(retry_after_s=7))["structuredContent"]["retry_after_s"] == 7


def test_an_unknown_tool_is_an_error_of_the_protocol() -> None:
    with pytest.raises(MCPError) as caught:
        answers.refused(OffContract())
    assert caught.value.error.code == -32602
    assert caught.value.error.data["code"] == "contract.unknown"
