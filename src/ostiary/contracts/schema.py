"""JSON Schema 2020-12 for contracts: what an author may write, and the compiled check.

An author's schema is taken only if it is bounded when every `$ref` is written out, refers to nothing outside itself, uses keywords and
formats that are really enforced, and has patterns for a linear-time engine. Objects are closed: an unknown parameter is refused unless
the schema states otherwise. Values are never repeated in a mistake; only names and what the contract says.
"""

import copy
import difflib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from ostiary.actions import JsonValue
from ostiary.errors import Fault, InvalidParameters
from ostiary.shapes import FAULTS_MAX, pointer

SCHEMA_VALUES_MAX = 5_000
SCHEMA_EXPANDED_MAX = 5_000
SCHEMA_DEPTH_MAX = 24
REFERENCES_DEEP_MAX = 50
PATTERN_CHARACTERS_MAX = 1_000
PATTERN_BYTES_MAX = 2_097_152
VALUE_DEPTH_MAX = 32
PARAMETER_VALUES_MAX = 20_000
PARAMETER_CHARACTERS_MAX = 262_144
ANSWER_VALUES_MAX = 1_000_000
ANSWER_CHARACTERS_MAX = 33_554_432
DETAIL_CHARACTERS_MAX = 300

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
FORMATS = (
    "date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri",
    "uri-reference", "iri", "iri-reference", "uuid", "json-pointer", "relative-json-pointer", "uri-template", "regex",
)  # fmt: skip

_ONE = frozenset({"not", "if", "then", "else", "contains", "propertyNames", "items", "additionalProperties"}) | {
    "unevaluatedItems", "unevaluatedProperties"
}  # fmt: skip
_SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
_PLAIN = frozenset(
    {
        "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
        "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxContains",
        "minContains", "maxProperties", "minProperties", "required", "dependentRequired", "format", "title",
        "description", "default", "deprecated", "readOnly", "writeOnly", "examples", "$comment", "$ref",
        "$schema",
    }
)  # fmt: skip
_KEYWORDS = _ONE | _SEVERAL | _NAMED | _PLAIN
_ELSEWHERE = frozenset(
    {"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary"}
)
_IN_PLACE = ("allOf", "anyOf", "oneOf")
_HIJACKING = frozenset({"__proto__", "constructor", "prototype"})
_REGEX = jsonschema_rs.RegexOptions(size_limit=PATTERN_BYTES_MAX, dfa_size_limit=PATTERN_BYTES_MAX)

Schema = dict[str, Any]
Steps = tuple[str | int, ...]


def compiled(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    """The check itself: formats are asserted, patterns run in linear time, nothing is fetched. Raises `jsonschema_rs` errors."""
    return jsonschema_rs.Draft202012Validator(
        schema, validate_formats=True, pattern_options=_REGEX, offline=True, mask="the value"
    )


_META = compiled({"$ref": DIALECT})


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing. Letter case makes no difference."""
    folded = {name.casefold(): name for name in sorted(known)}
    close = difflib.get_close_matches(word[:100].casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean `{folded[close[0]]}`?" if close else ""


def schema_faults(schema: JsonValue) -> list[Fault]:
    """Everything wrong with an author's schema, by pointer into it. Never raises."""
    if not isinstance(schema, dict):
        return [Fault("", "a schema is an object such as {type: object, properties: {...}}")]
    if over := _over(schema):
        return [over]
    faults = list(_keyword_faults(schema, schema, ()))
    named = {fault.pointer for fault in faults}
    faults += [fault for fault in _meta_faults(schema) if fault.pointer not in named]
    if not faults:
        faults = list(_reference_faults(schema))
    if not faults:
        faults = list(_default_faults(schema))
    return faults


def advice(schema: Schema) -> list[Fault]:
    """What is allowed and probably not meant."""
    return [
        Fault(
            pointer(*steps, "pattern"),
            "this pattern also matches inside a longer text: write ^ before it and $ after it",
        )
        for steps, part in _parts(schema, ())
        if isinstance(part, dict) and isinstance(text := part.get("pattern"), str) and not _anchored(text)
    ]


def _anchored(text: str) -> bool:
    return text.startswith("^") and text.endswith("$")


def _over(schema: JsonValue) -> Fault | None:
    """The size of the schema as it is written."""
    values = 0
    waiting: list[tuple[JsonValue, int]] = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if values > SCHEMA_VALUES_MAX:
            return Fault("", f"the schema has more than {SCHEMA_VALUES_MAX} values: make it smaller")
        if depth > SCHEMA_DEPTH_MAX:
            return Fault("", f"the schema is nested more than {SCHEMA_DEPTH_MAX} deep: make it flatter")
        waiting.extend((child, depth + 1) for child in _children(value))
    return None


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _subschemas(schema: Schema) -> Iterator[tuple[Steps, JsonValue]]:
    """The schemas directly within one, whatever their keyword; what is not shaped as one is skipped (the meta-schema names it)."""
    for keyword, value in schema.items():
        if keyword in _ONE:
            yield (keyword,), value
        elif keyword in _SEVERAL and isinstance(value, list):
            for index, part in enumerate(value):
                yield (keyword, index), part
        elif keyword in _NAMED and isinstance(value, dict):
            for name, part in value.items():
                yield (keyword, name), part


def _parts(schema: JsonValue, steps: Steps) -> Iterator[tuple[Steps, JsonValue]]:
    """The schema and every schema within it, as written."""
    yield steps, schema
    if isinstance(schema, dict):
        for more, part in _subschemas(schema):
            yield from _parts(part, (*steps, *more))


def _keyword_faults(root: Schema, schema: JsonValue, steps: Steps) -> Iterator[Fault]:
    for at, part in _parts(schema, steps):
        if not isinstance(part, dict):
            continue
        for keyword, value in part.items():
            for detail in _keyword_mistakes(root, keyword, value):
                yield Fault(pointer(*at, keyword), detail)
        for keyword in ("properties", "patternProperties"):
            named = part.get(keyword)
            for name in named if isinstance(named, dict) else ():
                if keyword == "patternProperties":
                    yield from (
                        Fault(pointer(*at, keyword, name), detail) for detail in _pattern_mistakes(name)
                    )
                elif name in _HIJACKING:
                    yield Fault(
                        pointer(*at, keyword, name),
                        "this name means something else in JavaScript: choose another",
                    )
        if _free_form(part):
            yield Fault(
                pointer(*at, "type"),
                "this object names no properties, so it could only be empty: name them, or write additionalProperties: true",
            )


def _free_form(schema: Schema) -> bool:
    kinds = schema.get("type")
    objects = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
    stated = {
        "properties",
        "patternProperties",
        "additionalProperties",
        "unevaluatedProperties",
        "maxProperties",
        "const",
        "enum",
    }
    return objects and not (stated | {"$ref", *_IN_PLACE, "if", "dependentSchemas"}) & schema.keys()


def _keyword_mistakes(root: Schema, keyword: str, value: JsonValue) -> Iterator[str]:
    if keyword in _ELSEWHERE:
        yield f"{keyword} is not taken: a contract's schema stands alone; use $defs and $ref"
    elif keyword not in _KEYWORDS:
        yield f"this is no keyword that we enforce{nearest(keyword, _KEYWORDS)}"
    elif keyword == "$schema" and value != DIALECT:
        yield f"write {DIALECT}, or leave it out: contracts use JSON Schema 2020-12"
    elif keyword == "format" and value not in FORMATS:
        yield f"this format is not enforced{nearest(str(value), FORMATS)} (one of {', '.join(FORMATS)}, or use a pattern)"
    elif keyword == "type":
        unknown = [kind for kind in (value if isinstance(value, list) else [value]) if kind not in TYPES]
        if unknown:
            yield f"write one of {', '.join(TYPES)}{nearest(str(unknown[0]), TYPES)}"
    elif keyword == "pattern":
        yield from _pattern_mistakes(value)
    elif keyword == "$ref" and resolve(root, value) is None:
        yield "this reference leads nowhere inside this schema: write #/$defs/name (files and addresses are never fetched)"


def _pattern_mistakes(value: JsonValue) -> Iterator[str]:
    if not isinstance(value, str):
        return
    if len(value) > PATTERN_CHARACTERS_MAX:
        yield f"a pattern has at most {PATTERN_CHARACTERS_MAX} characters"
        return
    try:
        compiled({"pattern": value})
    except (jsonschema_rs.ValidationError, ValueError):
        yield "this pattern does not compile in linear time: leave out look-around and back-references, and keep repetitions small"


def _meta_faults(schema: Schema) -> Iterator[Fault]:
    for error in list(_META.iter_errors(schema))[:FAULTS_MAX]:
        yield Fault(pointer(*error.instance_path), f"the schema is not valid here: {_sentence(error)}")


def resolve(root: Schema, reference: JsonValue) -> JsonValue:
    """The schema that an inner `$ref` names, or None."""
    if (
        not isinstance(reference, str)
        or not (reference == "#" or reference.startswith("#/"))
        or "%" in reference
    ):
        return None
    value: JsonValue = root
    for token in reference.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and len(step) < 6 and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value if isinstance(value, dict | bool) else None


def _reference_faults(schema: Schema) -> Iterator[Fault]:
    """No schema within itself, and no doubling: the cost of a check is bounded by the schema written out."""
    sizes: dict[int, int] = {}
    for steps, part in _parts(schema, ()):
        if isinstance(part, dict) and "$ref" in part and _expanded(schema, part, sizes, ()) is None:
            detail = f"this reference leads back to itself, or through more than {REFERENCES_DEEP_MAX} others: parameters have a bounded depth"
            yield Fault(pointer(*steps, "$ref"), detail)
            return
    if (_expanded(schema, schema, sizes, ()) or 0) > SCHEMA_EXPANDED_MAX:
        yield Fault(
            "",
            f"with every $ref written out the schema has more than {SCHEMA_EXPANDED_MAX} parts: make it smaller",
        )
        return
    try:
        compiled(schema)
    except (jsonschema_rs.ValidationError, ValueError):
        yield Fault("", "the schema does not compile: simplify its references and patterns")


def _expanded(root: Schema, schema: JsonValue, sizes: dict[int, int], within: tuple[int, ...]) -> int | None:
    """How many schemas this is with every `$ref` written out; None if it contains itself or goes too deep."""
    if not isinstance(schema, dict):
        return 1
    if id(schema) in sizes:
        return sizes[id(schema)]
    if id(schema) in within or len(within) > SCHEMA_DEPTH_MAX + REFERENCES_DEEP_MAX:
        return None
    parts = [part for _, part in _subschemas(schema)]
    if "$ref" in schema:
        parts.append(resolve(root, schema["$ref"]))
    size = 1
    for part in parts:
        more = _expanded(root, part, sizes, (*within, id(schema)))
        if more is None:
            return None
        size = min(size + more, SCHEMA_EXPANDED_MAX + 1)
    sizes[id(schema)] = size
    return size


def _default_faults(schema: Schema) -> Iterator[Fault]:
    for steps, part in _parts(schema, ()):
        if isinstance(part, dict) and "default" in part and not _default_fits(schema, part):
            yield Fault(pointer(*steps, "default"), "the default does not fit its own schema")


def _default_fits(root: Schema, part: Schema) -> bool:
    """Whether a default fits its own schema. One with a `$ref` beyond `$defs` is left to the check of the whole."""
    own = {key: value for key, value in part.items() if key != "$defs"}
    return not _local(own) or compiled({**own, "$defs": root.get("$defs", {})}).is_valid(part["default"])


def _local(part: JsonValue) -> bool:
    """Whether every `$ref` inside goes to the document's own $defs, so that the part can be checked alone."""
    return all(
        str(inner["$ref"]).startswith("#/$defs/")
        for _, inner in _parts(part, ())
        if isinstance(inner, dict) and "$ref" in inner
    )


def close(schema: Schema) -> Schema:
    """A copy in which every object that does not say otherwise refuses unknown properties."""
    return dict(_closed(schema, schema, own=True))


def _closed(root: Schema, schema: JsonValue, *, own: bool) -> JsonValue:
    """`own`: the schema is all that describes the value. Beside others (`allOf`, `$defs`) it must stay open: the one around it closes."""
    if not isinstance(schema, dict):
        return schema
    made: Schema = {}
    for keyword, value in schema.items():
        alone = keyword in {"properties", "patternProperties", "prefixItems", "items", "additionalProperties"}
        if keyword in _NAMED and isinstance(value, dict):
            made[keyword] = {name: _closed(root, part, own=alone) for name, part in value.items()}
        elif keyword in _SEVERAL and isinstance(value, list):
            made[keyword] = [_closed(root, part, own=alone) for part in value]
        elif keyword in _ONE:
            made[keyword] = _closed(root, value, own=alone)
        else:
            made[keyword] = copy.deepcopy(value)
    if (
        own
        and not {"additionalProperties", "unevaluatedProperties"} & schema.keys()
        and _describes_object(root, schema)
    ):
        beside = {"$ref", *_IN_PLACE, "if", "dependentSchemas"} & schema.keys()
        made["unevaluatedProperties" if beside else "additionalProperties"] = False
    return made


def _describes_object(root: Schema, schema: JsonValue) -> bool:
    if not isinstance(schema, dict):
        return False
    kinds = schema.get("type", [])
    if kinds == "object" or "object" in kinds or {"properties", "patternProperties"} & schema.keys():
        return True
    beside = [part for keyword in _IN_PLACE for part in schema.get(keyword, [])]
    beside += [schema[keyword] for keyword in ("then", "else") if keyword in schema]
    if "$ref" in schema:
        beside.append(resolve(root, schema["$ref"]))
    return any(_describes_object(root, part) for part in beside)


class SchemaShape:
    """A `Shape` over an author's schema, compiled once. Only for schemas without `schema_faults`.

    `parse` checks depth and size, turns whole floats into integers (1.0 and 1 are one JSON number, RFC 8785 section 3.2.2.3), fills in
    defaults, then checks. With `answers=True` the value is checked as it is, objects stay open and the bounds are an answer's.
    """

    def __init__(self, schema: Schema, *, answers: bool = False) -> None:
        self._schema = schema if answers else close(schema)
        self._answers = answers
        self._validator = compiled(self._schema)
        self._known = tuple(self._schema.get("properties", {}))

    def schema(self) -> dict[str, JsonValue]:
        """JSON Schema 2020-12, as enforced."""
        return self._schema

    def parse(self, raw: JsonValue) -> JsonValue:
        """The exact value. Raises InvalidParameters with a fault a mistake (at most `FAULTS_MAX`)."""
        values, characters = (
            (ANSWER_VALUES_MAX, ANSWER_CHARACTERS_MAX)
            if self._answers
            else (PARAMETER_VALUES_MAX, PARAMETER_CHARACTERS_MAX)
        )
        if fault := value_fault(raw, values_max=values, characters_max=characters):
            raise InvalidParameters(faults=(fault,))
        value = raw if self._answers else _filled(self._schema, self._schema, _exact(raw))
        if self._validator.is_valid(value):
            return value
        faults: list[Fault] = []
        for error in self._validator.iter_errors(value):
            faults.extend(self._faults(error))
            if len(faults) >= FAULTS_MAX:
                break
        raise InvalidParameters(faults=tuple(faults[:FAULTS_MAX]))

    def _faults(self, error: jsonschema_rs.ValidationError) -> list[Fault]:
        at = tuple(error.instance_path)
        if error.kind.name == "required":
            return [Fault(pointer(*at, str(error.kind.value)), "this is required")]
        if error.kind.name in {"additionalProperties", "unevaluatedProperties"}:
            known = self._known if not at else ()
            return [
                Fault(pointer(*at, name), f"the contract has no such parameter{nearest(name, known)}")
                for name in error.kind.as_dict().get("unexpected", [])[:FAULTS_MAX]
            ]
        return [Fault(pointer(*at), _sentence(error))]


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    """What was expected; the library puts `the value` where the value would stand."""
    if error.kind.name in {"propertyNames", "falseSchema"}:
        return "this name or value is not allowed here"
    return error.message[:DETAIL_CHARACTERS_MAX]


def value_fault(raw: JsonValue, *, values_max: int, characters_max: int) -> Fault | None:
    """Whether a value is JSON at all and within bounds of depth, count and text."""
    waiting: list[tuple[JsonValue, int]] = [(raw, 0)]
    values = characters = 0
    while waiting:
        value, depth = waiting.pop()
        values += 1
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, dict):
            try:
                characters += len("".join(value))
            except TypeError:
                return Fault("", "names are text")
            waiting.extend((child, depth + 1) for child in value.values())
        elif isinstance(value, list):
            waiting.extend((child, depth + 1) for child in value)
        elif isinstance(value, float) and not math.isfinite(value):
            return Fault("", "numbers are finite")
        elif isinstance(value, int) and not -(2**63) <= value < 2**64:
            return Fault("", "a number does not fit 64 bits")
        elif value is not None and not isinstance(value, int | float):
            return Fault("", "this is not a JSON value")
        if depth > VALUE_DEPTH_MAX:
            return Fault("", f"this is nested more than {VALUE_DEPTH_MAX} deep")
        if values > values_max or characters > characters_max:
            return Fault(
                "", f"this is too large: at most {values_max} values and {characters_max} characters"
            )
    return None


def _exact(value: JsonValue) -> JsonValue:
    """A copy in which whole floats are integers."""
    if isinstance(value, dict):
        return {key: _exact(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_exact(child) for child in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _filled(root: Schema, schema: JsonValue, value: JsonValue) -> JsonValue:
    """The value with the defaults of absent properties; changes `value`, which is a copy."""
    if not isinstance(schema, dict):
        return value
    if "$ref" in schema:
        value = _filled(root, resolve(root, schema["$ref"]), value)
    if isinstance(value, dict):
        named: Mapping[str, Any] = schema.get("properties", {})
        for name, part in named.items():
            if name in value:
                value[name] = _filled(root, part, value[name])
            elif isinstance(part, dict) and "default" in part:
                value[name] = copy.deepcopy(part["default"])
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        value = [_filled(root, schema["items"], item) for item in value]
    return value
