"""Parameters of a tool as its accepted schema has them, whatever keywords of JSON Schema 2020-12 it uses; nothing is fetched, patterns run in linear time."""

from typing import Any

import jsonschema_rs

from ostiary.actions import JsonValue
from ostiary.errors import Fault, InvalidParameters
from ostiary.shapes import FAULTS_MAX, pointer

PATTERN_BYTES_MAX = 2_097_152
VALUES_MAX = 20_000
CHARACTERS_MAX = 1 << 20
DEPTH_MAX = 32
DETAIL_CHARACTERS_MAX = 300
_REGEX = jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES_MAX, dfa_size_limit=PATTERN_BYTES_MAX)


class Unenforceable(Exception):
    """The schema cannot be compiled: it refers to something outside, or has a pattern that is not regular."""


def compiled(schema: JsonValue) -> jsonschema_rs.Draft202012Validator:
    """Raises Unenforceable."""
    if not isinstance(schema, dict):
        raise Unenforceable
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, pattern_options=_REGEX, offline=True, mask="the value"
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        raise Unenforceable from None


class PinnedShape:
    """A `Shape` over an accepted input schema. The value is passed on as it came: no default is filled in, nothing is converted."""

    def __init__(self, schema: JsonValue) -> None:
        self._schema: dict[str, JsonValue] = schema if isinstance(schema, dict) else {}
        self._validator = compiled(schema)

    def schema(self) -> dict[str, JsonValue]:
        return self._schema

    def parse(self, raw: JsonValue) -> JsonValue:
        """Raises InvalidParameters."""
        if not isinstance(raw, dict):
            raise InvalidParameters(faults=(Fault("", "arguments are an object"),))
        bounded(raw)
        if self._validator.is_valid(raw):
            return raw
        faults: list[Fault] = []
        for error in self._validator.iter_errors(raw):
            faults.append(Fault(pointer(*error.instance_path), error.message[:DETAIL_CHARACTERS_MAX]))
            if len(faults) == FAULTS_MAX:
                break
        raise InvalidParameters(faults=tuple(faults))


class Anything:
    """A `Shape` of any JSON: what an upstream answers, and what the conversation with it holds."""

    def schema(self) -> dict[str, JsonValue]:
        return {}

    def parse(self, raw: JsonValue) -> JsonValue:
        return raw


def bounded(raw: JsonValue) -> None:
    """Raises InvalidParameters for a value that is too large or too deep."""
    waiting: list[tuple[Any, int]] = [(raw, 0)]
    values = characters = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, dict):
            characters += sum(map(len, value))
            waiting.extend((child, depth + 1) for child in value.values())
        elif isinstance(value, list):
            waiting.extend((child, depth + 1) for child in value)
        if depth > DEPTH_MAX or values > VALUES_MAX or characters > CHARACTERS_MAX:
            detail = f"this is too large: at most {VALUES_MAX} values, {CHARACTERS_MAX} characters, {DEPTH_MAX} levels"
            raise InvalidParameters(faults=(Fault("", detail),))
