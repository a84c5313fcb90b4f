"""Reads the corpus: tool sets in a short notation, each with what a careful person says of it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostiary.contracts.labels.sense import Described

_TOOL = re.compile(r'([\w.-]+)\((.*)\) : (read|write)(?: (!high))?(?: "([^"]*)")?$')
_PARAMETER = re.compile(r'([\w-]+)(\?)?:([sinbedoum])(\[\])?(?:=(\w+))?(?: "([^"]*)")?(?:, |$)')
_TYPES: dict[str, dict[str, Any]] = {
    "s": {"type": "string"},
    "i": {"type": "integer"},
    "n": {"type": "number"},
    "b": {"type": "boolean"},
    "e": {"type": "string", "enum": ["one", "two"]},
    "d": {"type": "string", "format": "date-time"},
    "o": {"type": "object", "additionalProperties": True},
    "u": {"type": "string", "format": "uri"},
    "m": {"type": "string", "format": "email"},
}


@dataclass(frozen=True, slots=True)
class Expected:
    """One tool and what is said of it. `labels`: parameter -> label, empty text for none."""

    tools: str
    tool: Described
    effect: str
    high: bool
    labels: dict[str, str]


def corpus(name: str) -> list[Expected]:
    found: list[Expected] = []
    tools = ""
    for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            tools = line[3:]
        elif line and not line.startswith("#"):
            found.append(_tool(tools, line))
    return found


def _tool(tools: str, line: str) -> Expected:
    match = _TOOL.fullmatch(line)
    assert match, line
    name, listed, effect, high, description = match.groups()
    properties: dict[str, Any] = {}
    labels: dict[str, str] = {}
    read = 0
    for part in _PARAMETER.finditer(listed):
        parameter, _, kind, many, label, told = part.groups()
        schema = {"type": "array", "items": _TYPES[kind]} if many else dict(_TYPES[kind])
        properties[parameter] = {**schema, **({"description": told} if told else {})}
        labels[parameter] = label or ""
        read = part.end()
    assert read == len(listed), line
    tool = Described(name, "", description or "", {"type": "object", "properties": properties})
    return Expected(tools, tool, effect, bool(high), labels)
