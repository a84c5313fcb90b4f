"""An action as an MCP tool: its name, what a model has to know to use it, and the schemas."""

from collections.abc import Sequence
from typing import Any

from ostiary.actions import Action, Confirmation, Effect, JsonValue, Risk
from ostiary.mcp_server.names import tool_name

TOOLS_A_PAGE = 500
RISK_META = "dev.ostiary/risk"
CONFIRMATION_META = "dev.ostiary/confirmation"

_STRUCTURE = frozenset(
    {
        "type",
        "properties",
        "items",
        "required",
        "title",
        "description",
        "anyOf",
        "$ref",
        "$defs",
        "additionalProperties",
    }
)
_CONFIRMED = {
    Confirmation.NEVER: "",
    Confirmation.ONCE_PER_SESSION: "A person confirms the first such call; until then the answer says that it is held.",
    Confirmation.ALWAYS: "A person confirms each call before it runs; until then the answer says that it is held.",
}


def page(visible: Sequence[Action], after: str) -> tuple[list[dict[str, Any]], str]:
    """The tools whose names come after `after`, TOOLS_A_PAGE at most, and the name to go on from ("" at the end)."""
    offered = sorted(action.name for action in visible if action.contract or action.tool)
    by_name = {action.name: action for action in visible}
    rest = [name for name in offered if name > after]
    shown = rest[:TOOLS_A_PAGE]
    return [tool(by_name[name]) for name in shown], shown[-1] if len(rest) > TOOLS_A_PAGE else ""


def tool(action: Action) -> dict[str, Any]:
    """The tool as it goes over the wire (MCP 2026-07-28, `Tool`)."""
    listed: dict[str, Any] = {
        "name": tool_name(action.name),
        "title": action.title,
        "description": _described(action),
        "inputSchema": _object(action.params.schema()),
        "annotations": _hints(action),
        "_meta": {RISK_META: action.risk.value, CONFIRMATION_META: action.confirmation.value},
    }
    answer = action.result.schema()
    # What may be held answers with another shape in between, so it promises none.
    if action.effect is Effect.NONE and answer.get("type") == "object":
        listed["outputSchema"] = loosened(answer)
    return listed


def loosened(schema: JsonValue) -> JsonValue:
    """A result's schema without what masking may break: the structure stays; formats, patterns, lengths and choices go."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, JsonValue] = {}
    for word, value in schema.items():
        if word in ("properties", "$defs"):
            kept[word] = {name: loosened(part) for name, part in value.items()}
        elif word in ("items", "additionalProperties"):
            kept[word] = loosened(value)
        elif word == "anyOf":
            kept[word] = [loosened(part) for part in value]
        elif word in _STRUCTURE:
            kept[word] = value
    return kept


def _described(action: Action) -> str:
    high = action.risk is Risk.HIGH and action.confirmation is not Confirmation.ALWAYS
    confirmed = _CONFIRMED[Confirmation.ALWAYS if high else action.confirmation]
    return f"{action.description} {confirmed}".strip()


def _hints(action: Action) -> dict[str, Any]:
    reads = action.effect is Effect.NONE
    return {
        "title": action.title,
        "readOnlyHint": reads,
        "destructiveHint": not reads and action.risk is not Risk.LOW,
        "idempotentHint": reads,
        "openWorldHint": action.effect is Effect.OUTSIDE,
    }


def _object(schema: dict[str, Any]) -> dict[str, Any]:
    """MCP wants `"type": "object"` at the root, also where the schema says it in other words."""
    return schema if schema.get("type") == "object" else {"type": "object", **schema}
