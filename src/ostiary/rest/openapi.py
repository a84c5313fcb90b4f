"""OpenAPI 3.1, derived from the registry and the caller's contracts: what is not an action is not in it."""

import re
from collections.abc import Iterable
from typing import Any

import ostiary
from ostiary.actions import Action, Effect, JsonValue, Masking
from ostiary.consent.policy import may_ask
from ostiary.errors import all_errors

_HELD = {
    "type": "object",
    "additionalProperties": False,
    "required": ["call_id", "state", "approval_id", "expires_at", "rule", "poll"],
    "properties": {
        "call_id": {"type": "string"},
        "state": {"const": "held"},
        "approval_id": {"type": "string"},
        "expires_at": {"type": "string", "format": "date-time"},
        "rule": {"type": "string"},
        "poll": {"type": "string"},
    },
}
_PROBLEM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": [error.code for error in all_errors()]},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_REFUSALS = {
    "400": "The request could not be read.",
    "401": "A valid credential is required.",
    "403": "Not permitted.",
    "404": "There is nothing here by that name.",
    "408": "It took too long to arrive.",
    "409": "It does not fit the present state.",
    "410": "Too late.",
    "413": "Too large.",
    "415": "Send application/json.",
    "421": "Another host name.",
    "422": "The parameters do not fit.",
    "429": "Slow down.",
    "500": "Something went wrong.",
    "502": "The connected system failed.",
    "503": "Not available just now.",
    "504": "The connected system took too long.",
}
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Same key, same answer, done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

_OF_VALUES = frozenset(
    {"pattern", "format", "minLength", "maxLength", "enum", "const", "uniqueItems", "default", "examples"}
)
_NAMED = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})


def document(
    built_in: Iterable[Action], contracts: Iterable[Action], public_url: str
) -> dict[str, JsonValue]:
    """The whole description for one caller."""
    schemas: dict[str, JsonValue] = {"Problem": _PROBLEM, "Held": _HELD}
    paths: dict[str, dict[str, JsonValue]] = {}
    for action in built_in:
        if action.route:
            paths.setdefault(action.route.path, {})[action.route.method.lower()] = _operation(action, schemas)
    for action in contracts:
        paths[f"/v1/actions/{action.name}"] = {"post": _operation(action, schemas)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ostiary",
            "version": ostiary.__version__,
            "description": "The gateway between AI (and people) and a company's data. Every call is checked, recorded, and held for a person where the contract says so.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {status: _refusal(text) for status, text in _REFUSALS.items()},
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, or the token of a person's session.",
                }
            },
        },
    }


def _refusal(text: str) -> JsonValue:
    return {
        "description": text,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _operation(action: Action, schemas: dict[str, JsonValue]) -> JsonValue:
    route = action.route
    params = _hoisted(action.params.schema(), action, "asked", schemas)
    answers = action.result.schema()
    masked = action.contract and action.masking is Masking.POLICY
    result = _hoisted(_masked(answers) if masked else answers, action, "answered", schemas)
    in_path = re.findall(r"{(\w+)}", route.path) if route else []
    in_query = (
        []
        if route is None or route.method != "GET"
        else [name for name in params.get("properties", {}) if name not in in_path]
    )
    operation: dict[str, JsonValue] = {
        "operationId": action.name,
        "summary": action.title,
        "description": action.description,
        "tags": [action.name.split(".")[0]],
        "parameters": [
            *(_parameter(name, "path", params) for name in in_path),
            *(_parameter(name, "query", params) for name in in_query),
        ],
        "responses": _responses(action, result),
        "x-ostiary": {"permission": action.permission, "risk": action.risk, "effect": action.effect},
    }
    if action.effect is not Effect.NONE and not action.streams:
        operation["parameters"].append(_KEY_HEADER)
    if action.public:
        operation["security"] = []
    body = _without(params, {*in_path, *in_query})
    if action.takes_bytes:
        operation["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": {}}}}
        return operation
    if route is None or (route.method in ("POST", "PUT", "PATCH") and body.get("properties")):
        operation["requestBody"] = {
            "required": bool(body.get("required")),
            "content": {"application/json": {"schema": body}},
        }
    return operation


def _responses(action: Action, result: JsonValue) -> JsonValue:
    status = str(action.route.status) if action.route else "200"
    answer = result
    if action.contract:
        answer = {
            "type": "object",
            "additionalProperties": False,
            "required": ["call_id", "state", "result", "masked"],
            "properties": {
                "call_id": {"type": "string"},
                "state": {"const": "done"},
                "result": result,
                "masked": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        }
    content: JsonValue = {"application/json": {"schema": answer}}
    if action.streams:
        content = {media: {"schema": {"type": "string"}} for media in action.streams}
    responses: dict[str, JsonValue] = {status: {"description": "Done.", "content": content}}
    if may_ask(action):
        responses["202"] = {
            "description": "Held: a person is asked. Poll the call.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Held"}}},
        }
    return responses | {code: {"$ref": f"#/components/responses/{code}"} for code in _REFUSALS}


def _masked(schema: Any) -> Any:
    """What is left of a schema of answers after masking: a text may be a mask now, and a number that was a card's is a text."""
    if isinstance(schema, list):
        return [_masked(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in _OF_VALUES}
    kept = {
        name: {key: _masked(each) for key, each in value.items()}
        if name in _NAMED and isinstance(value, dict)
        else _masked(value)
        for name, value in kept.items()
    }
    kinds = kept.get("type")
    if kinds in ("integer", "number"):
        kept["type"] = [kinds, "string"]
    elif isinstance(kinds, list) and {"integer", "number"} & set(kinds):
        kept["type"] = sorted({*kinds, "string"})
    return kept


def _parameter(name: str, place: str, params: JsonValue) -> JsonValue:
    schema = params.get("properties", {}).get(name, {"type": "string"})
    return {
        "name": name,
        "in": place,
        "required": place == "path" or name in params.get("required", ()),
        "schema": schema,
    }


def _without(params: dict[str, Any], names: set[str]) -> dict[str, Any]:
    kept = {name: schema for name, schema in params.get("properties", {}).items() if name not in names}
    required = [name for name in params.get("required", ()) if name not in names]
    return {
        **params,
        "properties": kept,
        **({"required": required} if required or "required" in params else {}),
    }


def _hoisted(
    schema: dict[str, Any], action: Action, side: str, schemas: dict[str, JsonValue]
) -> dict[str, Any]:
    """A schema that refers to parts of itself moves to the components whole, so that its references hold in the one big document."""
    name = f"{action.name}.{side}"
    moved = dict(_renamed(schema, "#/components/schemas/" + name))
    if moved != schema:
        schemas[name] = {key: value for key, value in moved.items() if key not in ("$schema", "$id")}
    return {key: value for key, value in moved.items() if key not in ("$defs", "$schema", "$id")}


def _renamed(value: Any, home: str, within: str = "") -> Any:
    """References as `$ref` and the mapping of a discriminator have them, made to start at `home`."""
    if isinstance(value, dict):
        return {
            name: home + item[1:]
            if isinstance(item, str) and item.startswith("#") and (name == "$ref" or within == "mapping")
            else _renamed(item, home, name)
            for name, item in value.items()
        }
    return [_renamed(item, home) for item in value] if isinstance(value, list) else value
