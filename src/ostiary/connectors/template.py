"""Texts and JSON values with `{parameter}` places, compiled once. A parameter's value fills its place and can never become structure.

`{{` and `}}` are braces. A JSON string that is one place and nothing else takes the value with its type; a place inside a longer text takes
scalars only. An absent optional parameter leaves its field or query item out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ostiary.actions import JsonValue
from ostiary.errors import Fault, InvalidParameters

DEPTH_MAX = 20
SEGMENT_CHARACTERS_MAX = 512
_PIECE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_-]{0,63})\}|[{}]|[^{}]+")
_UNSAFE_IN_PATH = re.compile(r"[/\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parameter `name` goes."""

    name: str


Text = tuple[str | Place, ...]


class Absent:
    """The optional parameter of a place was not given."""


ABSENT = Absent()


def compile_text(template: str) -> Text:
    """The pieces of a template. Raises ValueError for a brace that opens or closes nothing."""
    pieces: list[str | Place] = []
    for match in _PIECE.finditer(template):
        piece = match.group()
        if match.group(1):
            pieces.append(Place(match.group(1)))
        elif piece in {"{", "}"}:
            raise ValueError("a brace stands alone; write {name} for a parameter, {{ or }} for a brace")
        else:
            pieces.append({"{{": "{", "}}": "}"}.get(piece, piece))
    return tuple(pieces)


def compile_json(template: JsonValue, depth: int = 0) -> Any:
    """A JSON value whose strings became Text, or Place where the string is one place alone. Raises ValueError."""
    if depth > DEPTH_MAX:
        raise ValueError(f"the value is nested deeper than {DEPTH_MAX}")
    if isinstance(template, str):
        text = compile_text(template)
        if len(text) == 1 and isinstance(text[0], Place):
            return text[0]
        return text
    if isinstance(template, Mapping):
        return {str(key): compile_json(item, depth + 1) for key, item in template.items()}
    if isinstance(template, list):
        return [compile_json(item, depth + 1) for item in template]
    return template


def names_in(compiled: Any) -> frozenset[str]:
    """The parameters that a compiled template uses."""
    if isinstance(compiled, Place):
        return frozenset({compiled.name})
    if isinstance(compiled, dict):
        return frozenset().union(*(names_in(item) for item in compiled.values()))
    if isinstance(compiled, list | tuple):
        return frozenset().union(*(names_in(item) for item in compiled))
    return frozenset()


def fill_text(text: Text, params: Mapping[str, JsonValue]) -> str | Absent:
    """The text with scalars in its places; ABSENT if one of them is absent or null. Raises InvalidParameters for a list or object."""
    filled: list[str] = []
    for piece in text:
        if isinstance(piece, str):
            filled.append(piece)
            continue
        value = params.get(piece.name)
        if value is None:
            return ABSENT
        filled.append(scalar(piece.name, value))
    return "".join(filled)


def fill_json(compiled: Any, params: Mapping[str, JsonValue]) -> Any:
    """The JSON value, or ABSENT. Fields and list items that are absent are left out; a null that was given stays null."""
    if isinstance(compiled, Place):
        return params.get(compiled.name, ABSENT)
    if isinstance(compiled, tuple):
        return fill_text(compiled, params)
    if isinstance(compiled, dict):
        filled = {key: fill_json(item, params) for key, item in compiled.items()}
        return {key: item for key, item in filled.items() if item is not ABSENT}
    if isinstance(compiled, list):
        return [item for item in (fill_json(each, params) for each in compiled) if item is not ABSENT]
    return compiled


def compile_path(template: str) -> tuple[Text, ...]:
    """The path's segments. Raises ValueError: it starts with a slash, holds no query, and fixed parts are plain."""
    if not template.startswith("/"):
        raise ValueError("the path starts with /")
    segments = tuple(compile_text(segment) for segment in template[1:].split("/"))
    for segment in segments:
        fixed = "".join(piece for piece in segment if isinstance(piece, str))
        if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]*", fixed) or re.search(
            r"%(?![0-9A-Fa-f]{2})", fixed
        ):
            raise ValueError("the path holds characters that must be percent-encoded")
        if fixed in {".", ".."} or "%2e" in fixed.lower() or "%2f" in fixed.lower():
            raise ValueError("the path must not hold . or .. as a segment")
    return segments


def fill_path(segments: tuple[Text, ...], params: Mapping[str, JsonValue]) -> str:
    """The path, each parameter percent-encoded inside its one segment. Raises InvalidParameters for a value that a server could read as more
    than one segment (a slash, `..`) or that is absent or empty."""
    return "/" + "/".join(_filled_segment(segment, params) for segment in segments)


def _filled_segment(segment: Text, params: Mapping[str, JsonValue]) -> str:
    filled: list[str] = []
    for piece in segment:
        if isinstance(piece, str):
            filled.append(piece)
            continue
        value = params.get(piece.name)
        text = "" if value is None else scalar(piece.name, value)
        if not text or len(text) > SEGMENT_CHARACTERS_MAX or _UNSAFE_IN_PATH.search(text):
            detail = f"goes into an address: 1 to {SEGMENT_CHARACTERS_MAX} characters without a slash or control character"
            raise InvalidParameters(faults=(Fault(f"/{piece.name}", detail),))
        filled.append(_encoded(text, piece.name))
    whole = "".join(filled)
    if whole in {".", ".."}:
        names = sorted(names_in(segment))
        raise InvalidParameters(
            faults=tuple(Fault(f"/{name}", "must not make . or .. in an address") for name in names)
        )
    return whole


def encode(text: str, name: str = "") -> str:
    """Percent-encoding of everything but letters, digits and - . _ ~ (RFC 3986 section 2.3)."""
    return _encoded(text, name)


def _encoded(text: str, name: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidParameters(faults=(Fault(f"/{name}", "is not valid Unicode"),)) from None


def scalar(name: str, value: JsonValue) -> str:
    """How a value is written inside a text: `true`, `12`, `1.5`, or the text itself. Raises InvalidParameters."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    raise InvalidParameters(
        faults=(Fault(f"/{name}", "goes into a text: a list or an object does not fit there"),)
    )
