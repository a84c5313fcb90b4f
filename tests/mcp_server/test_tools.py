"""What a model is told of an action."""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.actions import Action, Call, Confirmation, Effect, JsonValue, Risk
from ostiary.mcp_server.tools import TOOLS_A_PAGE, loosened, page, tool


class Given:
    """A shape that only shows its schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def schema(self) -> dict[str, Any]:
        return self._schema

    def parse(self, raw: JsonValue) -> JsonValue:
        return raw


async def _run(_call: Call, _params: Any) -> JsonValue:
    return {}


READ = Action(
    name="customer.show",
    title="Show a customer",
    description="A customer by id.",
    permission="contract.call",
    risk=Risk.LOW,
    effect=Effect.NONE,
    params=Given({"type": "object", "properties": {"id": {"type": "string"}}}),
    result=Given(
        {
            "type": "object",
            "properties": {"email": {"type": "string", "format": "email"}},
            "required": ["email"],
        }
    ),
    run=_run,
    contract=True,
)
WRITE = replace(
    READ, name="invoice.refund", effect=Effect.OUTSIDE, risk=Risk.HIGH, confirmation=Confirmation.ALWAYS
)


def test_a_read_is_said_to_read() -> None:
    assert tool(READ)["annotations"] == {
        "title": "Show a customer",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    }


def test_a_write_is_said_to_destroy_and_to_wait_for_a_person() -> None:
    listed = tool(WRITE)
    assert listed["annotations"]["readOnlyHint"] is False
    assert listed["annotations"]["destructiveHint"] is True
    assert listed["annotations"]["openWorldHint"] is True
    assert listed["description"] == (
        "A customer by id. A person confirms each call before it runs; until then the answer says that it is held."
    )
    assert listed["_meta"] == {"dev.ostiary/risk": "high", "dev.ostiary/confirmation": "always"}


def test_high_risk_is_said_to_wait_whatever_the_contract_says() -> None:
    assert (
        "A person confirms each call" in tool(replace(WRITE, confirmation=Confirmation.NEVER))["description"]
    )
    assert (
        tool(replace(WRITE, risk=Risk.LOW, confirmation=Confirmation.NEVER))["description"]
        == "A customer by id."
    )


def test_parameters_are_an_object_at_the_root() -> None:
    assert tool(READ)["inputSchema"] == {"type": "object", "properties": {"id": {"type": "string"}}}
    assert tool(replace(READ, params=Given({"$ref": "#/$defs/x"})))["inputSchema"] == {
        "type": "object",
        "$ref": "#/$defs/x",
    }


def test_an_answer_is_promised_only_as_far_as_masking_keeps_it() -> None:
    assert tool(READ)["outputSchema"] == {
        "type": "object",
        "properties": {"email": {"type": "string"}},
        "required": ["email"],
    }


def test_what_may_be_held_promises_no_answer() -> None:
    assert "outputSchema" not in tool(WRITE)


@pytest.mark.parametrize(
    ("schema", "left"),
    [
        ({"type": "string", "pattern": "^x", "minLength": 3, "enum": ["x"]}, {"type": "string"}),
        ({"items": {"format": "email"}}, {"items": {}}),
        ({"anyOf": [{"const": 1}, {"type": "null"}]}, {"anyOf": [{}, {"type": "null"}]}),
        ({"$defs": {"a": {"maxLength": 2}}, "$ref": "#/$defs/a"}, {"$defs": {"a": {}}, "$ref": "#/$defs/a"}),
        ({"properties": {"pattern": {"type": "string"}}}, {"properties": {"pattern": {"type": "string"}}}),
        (True, True),
    ],
)
def test_what_masking_may_break_is_left_out(schema: JsonValue, left: JsonValue) -> None:
    assert loosened(schema) == left


def test_tools_are_contracts_and_what_is_marked_as_a_tool() -> None:
    own = replace(READ, name="key.list", contract=False)
    poll = replace(own, name="call.show", tool=True)
    listed, after = page([WRITE, own, poll, READ], "")
    assert [one["name"] for one in listed] == ["call_show", "customer_show", "invoice_refund"]
    assert after == ""


def test_many_tools_come_in_pages() -> None:
    many = [replace(READ, name=f"many.n{number:04d}") for number in range(TOOLS_A_PAGE + 3)]
    first, after = page(many, "")
    rest, end = page(many, after)
    assert (len(first), after, len(rest), end) == (500, "many.n0499", 3, "")
    assert rest[0]["name"] == "many_n0500"
