"""Somebody else's JSON Schema (draft 4 to 2020-12, OpenAPI 3.0 and 3.1) as one that contracts take: closed, bounded, without what we could not enforce.

Whatever is left out is told, by pointer, since leaving out a rule lets more through than its author wrote. Nothing is fetched; a schema that contains
itself is cut where it meets itself; what stays too large is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.actions import JsonValue
from ostiary.contracts.here import hidden_in
from ostiary.contracts.schema import FORMATS, TYPES, resolve, schema_faults
from ostiary.errors import Fault
from ostiary.shapes import pointer

NOTES_MAX = 50
TEXT_CHARACTERS_MAX = 1_000
VALUES_MAX = 20_000
DEPTH_MAX = 40
MENDS_MAX = 40
_REFERENCES_DEEP = (6, 3, 1)
"""How many references within each other are followed, tried in turn until the schema fits."""

_ONE = (
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "items",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_COPIED = (
    "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems",
    "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties", "dependentRequired", "default",
)  # fmt: skip
_QUIET = frozenset(
    {
        "$schema", "$id", "id", "$anchor", "$comment", "$defs", "definitions", "components", "example", "examples", "xml", "externalDocs", "discriminator",
        "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "nullable", "title", "description", "type", "format", "required",
        "$vocabulary", "$ref",
    }
)  # fmt: skip
"""What changes nothing of what a value may be, or is read elsewhere."""

_SIZES = frozenset(
    {
        "int32",
        "int64",
        "float",
        "double",
        "byte",
        "binary",
        "password",
        "decimal",
        "int",
        "long",
        "uint",
        "uint32",
        "uint64",
        "number",
    }
)


class Unfit(Exception):
    """This schema cannot stand in a contract; `detail` says why, for its author."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Adapted:
    """`notes`: by pointer into the schema, what was left out or changed."""

    schema: dict[str, Any]
    notes: tuple[Fault, ...]


def adapted(
    schema: JsonValue, document: Mapping[str, JsonValue] | None = None, *, sending: bool = False
) -> Adapted:
    """The schema for a contract. `document`: what its references point into, if that is not the schema itself. `sending`: without properties that are
    `readOnly`, which a request must not hold. Raises Unfit."""
    if schema is None:
        schema = {}
    if not isinstance(schema, dict):
        raise Unfit("its schema is no object")
    _bounded(schema)
    root = dict(document) if document is not None else schema
    worst = "its schema is too large"
    for deep in _REFERENCES_DEEP:
        taking = _Taking(root, deep, sending)
        try:
            written = taking.schema(schema, (), ())
        except Unfit as error:
            worst = error.detail
            continue
        made, faults = _mended(written if isinstance(written, dict) else {}, taking.notes)
        if not faults:
            return Adapted(made, tuple(taking.notes[:NOTES_MAX]))
        worst = f"its schema does not fit at {faults[0].pointer or 'the top'}: {faults[0].detail}"
    raise Unfit(worst)


def _bounded(schema: JsonValue) -> None:
    waiting: list[tuple[JsonValue, int]] = [(schema, 0)]
    values = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if values > VALUES_MAX or depth > DEPTH_MAX:
            raise Unfit(
                f"its schema has more than {VALUES_MAX} values or is nested more than {DEPTH_MAX} deep"
            )
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend((child, depth + 1) for child in children)


def _mended(schema: dict[str, Any], notes: list[Fault]) -> tuple[dict[str, Any], list[Fault]]:
    """The schema without the keywords that we would refuse, as far as leaving them out is enough; and what is still wrong."""
    for _ in range(MENDS_MAX):
        faults = schema_faults(schema)
        loose = [fault for fault in faults if fault.pointer.rsplit("/", 1)[-1] in _LOOSE]
        if not loose:
            return schema, faults
        for fault in loose:
            if _taken_out(schema, fault.pointer):
                notes.append(Fault(fault.pointer, f"left out: {fault.detail}"))
    return schema, schema_faults(schema)


_LOOSE = frozenset(
    {
        "pattern",
        "default",
        "format",
        "enum",
        "multipleOf",
        "uniqueItems",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
    }
)


def _taken_out(schema: JsonValue, path: str) -> bool:
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
    for token in tokens[:-1]:
        if isinstance(schema, dict) and token in schema:
            schema = schema[token]
        elif isinstance(schema, list) and token.isdecimal() and int(token) < len(schema):
            schema = schema[int(token)]
        else:
            return False
    return isinstance(schema, dict) and schema.pop(tokens[-1], None) is not None


@dataclass(slots=True)
class _Taking:
    """One way through a schema. References are written out, `deep` of them within each other."""

    root: dict[str, Any]
    deep: int
    sending: bool
    notes: list[Fault] = field(default_factory=list)
    values: int = 0

    def note(self, steps: tuple[str, ...], detail: str) -> None:
        if len(self.notes) < NOTES_MAX:
            self.notes.append(Fault(pointer(*steps), detail))

    def schema(self, given: JsonValue, steps: tuple[str, ...], within: tuple[str, ...]) -> JsonValue:
        self.values += 1
        if self.values > VALUES_MAX:
            raise Unfit(f"with its references written out its schema has more than {VALUES_MAX} parts")
        if isinstance(given, bool):
            return given
        if not isinstance(given, dict):
            self.note(steps, "this is no schema: anything is taken here")
            return {}
        if "$ref" in given:
            return self.reference(given, steps, within)
        made: dict[str, Any] = {**self.texts(given, steps), **self.kind(given, steps)}
        made |= {key: given[key] for key in _COPIED if key in given}
        self.bounds(made)
        self.parts(given, made, steps, within)
        required = given.get("required")
        if isinstance(required, list):
            gone = self.unsent(given)
            names = dict.fromkeys(name for name in required if isinstance(name, str))
            made["required"] = [name for name in names if name not in gone]
        for key in given:
            if key not in made and key not in _QUIET and not key.startswith("x-") and key not in _COPIED:
                self.note((*steps, key), "left out: this keyword is not enforced here")
        return self.nullable(given, _opened(made))

    def reference(
        self, given: Mapping[str, JsonValue], steps: tuple[str, ...], within: tuple[str, ...]
    ) -> JsonValue:
        name = given["$ref"]
        target = resolve(self.root, name)
        if target is None:
            raise Unfit(
                f"it refers to {str(name)[:100]!r} at {pointer(*steps) or 'the top'}, which is not in this document; nothing is fetched"
            )
        if name in within or len(within) >= self.deep:
            self.note(
                steps, "cut: what it refers to goes on within itself, so anything is taken from here on"
            )
            return self.texts(given, steps)
        made = self.schema(target, steps, (*within, str(name)))
        return {**made, **self.texts(given, steps)} if isinstance(made, dict) else made

    def texts(self, given: Mapping[str, JsonValue], steps: tuple[str, ...]) -> dict[str, Any]:
        """Title and description, without characters that do not show."""
        made: dict[str, Any] = {}
        for key in ("title", "description"):
            text = given.get(key)
            if not isinstance(text, str) or not text.strip():
                continue
            shown = visible(text, TEXT_CHARACTERS_MAX)
            if hidden_in(text.replace("\r", ""), lines=True):
                self.note(
                    (*steps, key),
                    "characters that do not show were taken out of this text: read it with care",
                )
            made[key] = shown
        return made

    def kind(self, given: Mapping[str, JsonValue], steps: tuple[str, ...]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        kinds = given.get("type")
        listed = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in TYPES]
        if listed:
            made["type"] = listed if isinstance(kinds, list) and len(listed) > 1 else listed[0]
        elif kinds is not None:
            self.note((*steps, "type"), "left out: this type is unknown")
        written = given.get("format")
        if written in FORMATS:
            made["format"] = written
        elif isinstance(written, str) and written not in _SIZES:
            self.note((*steps, "format"), "left out: this format is not enforced here")
        return made

    def bounds(self, made: dict[str, Any]) -> None:
        """Draft 4 and OpenAPI 3.0: exclusiveMinimum is a flag beside minimum."""
        for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(made.get(flag), bool):
                exclusive = made.pop(flag)
                if exclusive and bound in made:
                    made[flag] = made.pop(bound)

    def parts(
        self,
        given: Mapping[str, JsonValue],
        made: dict[str, Any],
        steps: tuple[str, ...],
        within: tuple[str, ...],
    ) -> None:
        for key in _ONE:
            part = given.get(key)
            if key == "items" and isinstance(part, list):
                made["prefixItems"] = [self.schema(one, (*steps, key), within) for one in part]
            elif part is not None:
                made[key] = self.schema(part, (*steps, key), within)
        for key in _SEVERAL:
            part = given.get(key)
            if isinstance(part, list) and part:
                made[key] = [
                    self.schema(one, (*steps, key, str(index)), within) for index, one in enumerate(part)
                ]
        gone = self.unsent(given)
        for key in _NAMED:
            part = given.get(key)
            if isinstance(part, dict):
                made[key] = {
                    str(name): self.schema(one, (*steps, key, str(name)), within)
                    for name, one in part.items()
                    if key != "properties" or name not in gone
                }

    def unsent(self, given: Mapping[str, JsonValue]) -> set[str]:
        named = given.get("properties")
        if not self.sending or not isinstance(named, dict):
            return set()
        return {
            name for name, part in named.items() if isinstance(part, dict) and part.get("readOnly") is True
        }

    def nullable(self, given: Mapping[str, JsonValue], made: dict[str, Any]) -> JsonValue:
        """OpenAPI 3.0.3, schema object: `nullable` adds null to the type beside it."""
        if given.get("nullable") is not True:
            return made
        if isinstance(made.get("enum"), list) and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        kinds = made.get("type")
        if isinstance(kinds, str):
            made["type"] = [kinds, "null"]
        elif kinds is None and not made.keys() <= {"title", "description"}:
            return {"anyOf": [made, {"type": "null"}]}
        return made


def _opened(made: dict[str, Any]) -> dict[str, Any]:
    """An object that names nothing may hold anything; we want that said."""
    kinds = made.get("type")
    objects = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
    said = {
        "properties",
        "patternProperties",
        "additionalProperties",
        "unevaluatedProperties",
        "maxProperties",
        "const",
        "enum",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
    }
    if objects and not said & made.keys():
        made["additionalProperties"] = True
    return made


def visible(text: str, characters_max: int) -> str:
    """A text without characters that do not show, cut to its bound at a word."""
    shown = "".join(
        character for character in text.replace("\r", "") if not hidden_in(character, lines=True)
    ).strip()
    if len(shown) <= characters_max:
        return shown
    return shown[: characters_max - 4].rsplit(" ", 1)[0] + " ..."


def flattened(schema: dict[str, Any], notes: list[Fault]) -> dict[str, Any]:
    """Parameters as one object with named properties: `allOf` is joined; of alternatives every property is offered, and required is what all require."""
    properties: dict[str, Any] = dict(schema.get("properties", {}))
    required: list[str] = list(schema.get("required", []))
    for part in schema.get("allOf", []):
        if isinstance(part, dict):
            inner = flattened(part, notes)
            properties = {**inner["properties"], **properties}
            required += inner.get("required", [])
    for key in ("oneOf", "anyOf"):
        parts = [flattened(part, notes) for part in schema.get(key, []) if isinstance(part, dict)]
        if parts:
            notes.append(
                Fault(
                    f"/{key}",
                    "its alternatives are offered side by side; the service checks which of them go together",
                )
            )
            for part in parts:
                properties = {**part["properties"], **properties}
            shared = set.intersection(*(set(part.get("required", [])) for part in parts))
            required += sorted(shared)
    kept: dict[str, Any] = {key: schema[key] for key in ("title", "description") if key in schema}
    wanted = [name for name in dict.fromkeys(required) if name in properties]
    return {**kept, "type": "object", "properties": properties, **({"required": wanted} if wanted else {})}
