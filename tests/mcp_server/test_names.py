"""A tool's name leads back to exactly one action."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.mcp_server.names import action_name, tool_name

ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@pytest.mark.parametrize(
    ("action", "tool"),
    [
        ("invoice.refund", "invoice_refund"),
        ("ticket.read_all", "ticket_read__all"),
        ("a.b.c", "a_b_c"),
        ("odd_.name", "odd___name"),
        ("odd__.name_", "odd_____name__"),
    ],
)
def test_names_go_there_and_back(action: str, tool: str) -> None:
    assert tool_name(action) == tool
    assert action_name(tool) == action


@given(st.from_regex(ACTION, fullmatch=True))
def test_every_action_comes_back(action: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]+", tool_name(action))
    assert action_name(tool_name(action)) == action


@given(st.from_regex(ACTION, fullmatch=True), st.from_regex(ACTION, fullmatch=True))
def test_two_actions_never_share_a_tool_name(one: str, other: str) -> None:
    assert (tool_name(one) == tool_name(other)) == (one == other)


def test_an_action_may_be_called_by_its_own_name() -> None:
    assert action_name("invoice.refund_all") == "invoice.refund_all"


@pytest.mark.parametrize("strange", ["", "_", "x", "X-Y", "../etc", "a b", "é"])
def test_what_is_no_tool_becomes_no_action(strange: str) -> None:
    assert ACTION.fullmatch(action_name(strange)) is None
