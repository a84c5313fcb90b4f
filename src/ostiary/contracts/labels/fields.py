"""The leaves of a JSON Schema as a flat list: where each value stands, what it is called, what kind it is. Bounded: a schema that refers to itself ends
where it meets itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.actions import JsonValue
from ostiary.contracts.labels.names import words
from ostiary.contracts.schema import resolve
from ostiary.shapes import pointer

FIELDS_MAX = 500
DEPTH_MAX = 12
DESCRIPTION_CHARACTERS_MAX = 400

_TIMES = frozenset({"date", "date-time", "time", "duration"})


@dataclass(frozen=True, slots=True)
class Field:
    """One leaf. `steps` from the root, with `*` for any item or name; a list of plain values is one leaf.

    `named`: the words of its own name (of the nearest name above, for an item). `within`: the words of the names above. `kind`: string, number, integer,
    boolean, object (free-form) or "" (any value).
    """

    steps: tuple[str, ...]
    named: tuple[str, ...]
    within: tuple[tuple[str, ...], ...]
    kind: str
    many: bool
    closed: bool
    format: str
    description: str
    pattern: str
    title: str = ""

    @property
    def path(self) -> str:
        return pointer(*self.steps)

    @property
    def is_time(self) -> bool:
        return self.format in _TIMES


def fields(schema: JsonValue) -> list[Field]:
    """At most `FIELDS_MAX` leaves, in the order of the schema, each place once."""
    found: dict[str, Field] = {}
    if not isinstance(schema, dict):
        return []
    for field in _walk(_Root(schema), schema, (), (), many=False):
        before = found.setdefault(field.path, field)
        if not before.kind and field.kind:
            found[field.path] = field
        if len(found) >= FIELDS_MAX:
            break
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Root:
    schema: dict[str, Any]

    def variants(self, schema: JsonValue, seen: tuple[int, ...] = ()) -> Iterator[dict[str, Any]]:
        """The schema with its reference followed and its alternatives side by side; `null` is no alternative."""
        if not isinstance(schema, dict) or id(schema) in seen or len(seen) > DEPTH_MAX:
            return
        seen = (*seen, id(schema))
        if "$ref" in schema:
            for target in self.variants(resolve(self.schema, schema["$ref"]), seen):
                yield {**target, **{key: schema[key] for key in ("description", "title") if key in schema}}
        beside = [part for key in ("allOf", "anyOf", "oneOf") for part in _listed(schema.get(key))]
        own = {key: value for key, value in schema.items() if key not in ("allOf", "anyOf", "oneOf", "$ref")}
        for part in beside:
            for target in self.variants(part, seen):
                yield {**{key: own[key] for key in ("description", "title") if key in own}, **target}
        if own.keys() - {"description", "title", "$defs", "default"} or not (beside or "$ref" in schema):
            yield own


def _listed(value: JsonValue) -> Iterable[JsonValue]:
    return value if isinstance(value, list) else ()


def _walk(
    root: _Root, schema: JsonValue, steps: tuple[str, ...], seen: tuple[int, ...], *, many: bool
) -> Iterator[Field]:
    if len(steps) > DEPTH_MAX or (isinstance(schema, dict) and id(schema) in seen):
        return
    seen = (*seen, id(schema))
    for one in root.variants(schema):
        kind = _kind(one)
        if kind == "null":
            continue
        if kind == "object" and _named(one):
            for name, part in _named(one).items():
                yield from _walk(root, part, (*steps, name), seen, many=False)
        elif kind == "object" and isinstance(one.get("additionalProperties"), dict):
            yield from _walk(root, one["additionalProperties"], (*steps, "*"), seen, many=False)
        elif kind == "array":
            yield from _items(root, one, steps, seen)
        elif steps or kind not in ("object", ""):
            yield _leaf(one, steps, kind, many=many)


def _items(
    root: _Root, one: Mapping[str, Any], steps: tuple[str, ...], seen: tuple[int, ...]
) -> Iterator[Field]:
    items = one.get("items", {})
    parts = [items, *_listed(one.get("prefixItems"))]
    for part in parts:
        plain = [
            variant for variant in root.variants(part) if _kind(variant) not in ("object", "array", "null")
        ]
        if plain and steps:
            described = {"description": one.get("description", ""), **plain[0]}
            yield _leaf(described, steps, _kind(plain[0]), many=True)
        else:
            yield from _walk(root, part, (*steps, "*"), seen, many=True)


def _named(schema: Mapping[str, Any]) -> Mapping[str, JsonValue]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        known = [one for one in kind if one != "null"]
        kind = known[0] if known else "null"
    if isinstance(kind, str):
        return kind
    if _named(schema):
        return "object"
    if "items" in schema:
        return "array"
    listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(listed, list) and listed:
        return {str: "string", bool: "boolean", int: "integer", float: "number"}.get(type(listed[0]), "")
    return ""


def _leaf(schema: Mapping[str, Any], steps: tuple[str, ...], kind: str, *, many: bool) -> Field:
    names = [step for step in steps if step != "*"]
    description, title = schema.get("description", ""), schema.get("title", "")
    return Field(
        steps=steps,
        named=words(names[-1]) if names else (),
        within=tuple(words(name) for name in names[:-1]),
        kind=kind,
        many=many,
        closed="enum" in schema or "const" in schema,
        format=str(schema.get("format", "")),
        description=str(description)[:DESCRIPTION_CHARACTERS_MAX] if description else "",
        pattern=str(schema.get("pattern", "")),
        title=str(title)[:DESCRIPTION_CHARACTERS_MAX] if title else "",
    )
