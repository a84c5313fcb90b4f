"""What an author's schema may be, and how parameters are checked against it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.contracts.schema import SchemaShape, schema_faults
from ostiary.errors import InvalidParameters

CUSTOMER = {
    "type": "object",
    "properties": {
        "email": {"type": "string", "format": "email"},
        "born": {"type": "string", "format": "date"},
        "limit": {"type": "integer", "default": 20, "maximum": 100},
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "country": {"default": "DE"}},
        },
    },
    "required": ["email"],
}


def faults(schema: object) -> list[tuple[str, str]]:
    return [(one.pointer, one.detail) for one in schema_faults(schema)]


def refused(shape: SchemaShape, raw: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidParameters) as caught:
        shape.parse(raw)
    return sorted((one.pointer, one.detail) for one in caught.value.faults)


def test_parameters_that_fit_come_back_with_their_defaults():
    shape = SchemaShape(CUSTOMER)
    assert shape.parse({"email": "a@b.example"}) == {"email": "a@b.example", "limit": 20}
    assert shape.parse({"email": "a@b.example", "address": {"city": "Ulm"}, "limit": 5}) == {
        "email": "a@b.example",
        "address": {"city": "Ulm", "country": "DE"},
        "limit": 5,
    }


def test_the_callers_own_value_is_not_changed():
    raw = {"email": "a@b.example", "address": {}}
    SchemaShape(CUSTOMER).parse(raw)
    assert raw == {"email": "a@b.example", "address": {}}


def test_a_whole_float_is_the_integer_it_writes():
    shape = SchemaShape({"properties": {"n": {"type": "integer"}}})
    parsed = shape.parse({"n": 5.0})
    assert repr(parsed) == "{'n': 5}"
    assert refused(shape, {"n": 5.5}) == [("/n", 'the value is not of type "integer"')]
    assert refused(shape, {"n": True}) == [("/n", 'the value is not of type "integer"')]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, [("/email", "this is required")]),
        ({"email": "nobody"}, [("/email", 'the value is not a "email"')]),
        ({"email": "a@b.example", "born": "2020-02-30"}, [("/born", 'the value is not a "date"')]),
        (
            {"email": "a@b.example", "limit": 101},
            [("/limit", "the value is greater than the maximum of 100")],
        ),
        (
            {"email": "a@b.example", "emial": 1},
            [("/emial", "the contract has no such parameter; did you mean `email`?")],
        ),
        (
            {"email": "a@b.example", "address": {"zip": 1}},
            [("/address/zip", "the contract has no such parameter")],
        ),
        ([1], [("", 'the value is not of type "object"')]),
        ("x", [("", 'the value is not of type "object"')]),
        (None, [("", 'the value is not of type "object"')]),
        ({"email": float("nan")}, [("", "numbers are finite")]),
        ({"email": 2**70}, [("", "a number does not fit 64 bits")]),
        ({1: 2}, [("", "names are text")]),
        ({"email": b"x"}, [("", "this is not a JSON value")]),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(raw: object, expected: list[tuple[str, str]]):
    assert refused(SchemaShape(CUSTOMER), raw) == expected


def test_a_refusal_never_repeats_a_value():
    schema = {
        "properties": {
            "a": {"enum": ["x", "y"]},
            "b": {"const": 5},
            "c": {"pattern": "^a$"},
            "d": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
            "e": {"format": "uri"},
            "f": {"uniqueItems": True},
            "g": {"not": {"type": "string"}},
            "h": {"maxLength": 3},
            "i": {"type": "object", "propertyNames": {"maxLength": 3}, "additionalProperties": True},
            "j": {"contains": {"const": 1}},
            "k": {"multipleOf": 7},
        }
    }
    secret = "s3cr3t-value"
    raw = dict.fromkeys("abcdegh", secret) | {
        "f": [secret, secret],
        "i": {secret: secret},
        "j": [secret],
        "k": 3,
    }
    found = refused(SchemaShape(schema), raw)
    assert {pointer.split("/")[1] for pointer, _ in found} >= set("abcdefghjk")
    assert secret not in str([detail for _, detail in found])


def test_unknown_parameters_are_taken_only_where_the_schema_says_so():
    open_schema = {"properties": {"a": {"type": "integer"}}, "additionalProperties": True}
    assert SchemaShape(open_schema).parse({"a": 1, "b": 2}) == {"a": 1, "b": 2}
    composed = {
        "$defs": {"base": {"properties": {"a": {}}}},
        "allOf": [{"$ref": "#/$defs/base"}],
        "properties": {"b": {}},
    }
    assert SchemaShape(composed).parse({"a": 1, "b": 2}) == {"a": 1, "b": 2}
    assert refused(SchemaShape(composed), {"a": 1, "c": 2}) == [("/c", "the contract has no such parameter")]
    referred = {
        "$defs": {"place": {"type": "object", "properties": {"city": {}}}},
        "properties": {"to": {"$ref": "#/$defs/place"}},
    }
    assert SchemaShape(referred).parse({"to": {"city": "Ulm"}}) == {"to": {"city": "Ulm"}}
    assert refused(SchemaShape(referred), {"to": {"town": "Ulm"}}) == [
        ("/to/town", "the contract has no such parameter")
    ]
    listed = {
        "properties": {"lines": {"type": "array", "items": {"type": "object", "properties": {"n": {}}}}}
    }
    assert refused(SchemaShape(listed), {"lines": [{"n": 1}, {"m": 1}]}) == [
        ("/lines/1/m", "the contract has no such parameter")
    ]


def test_an_answer_is_checked_as_it_is():
    shape = SchemaShape(
        {"type": "object", "properties": {"id": {"type": "string", "default": "x"}}}, answers=True
    )
    assert shape.parse({"more": 1.0}) == {"more": 1.0}
    assert refused(shape, {"id": 5}) == [("/id", 'the value is not of type "string"')]
    assert SchemaShape({}, answers=True).parse([1, None]) == [1, None]


def test_the_published_schema_is_the_one_that_is_enforced():
    assert SchemaShape({"type": "object", "properties": {"a": {"type": "integer"}}}).schema() == {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, [("", "a schema is an object such as {type: object, properties: {...}}")]),
        ({"requird": []}, [("/requird", "this is no keyword that we enforce; did you mean `required`?")]),
        ({"$id": "x"}, [("/$id", "$id is not taken: a contract's schema stands alone; use $defs and $ref")]),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, [("/$schema", "write https://json-schema.org/draft/2020-12/schema, or leave it out: contracts use JSON Schema 2020-12")]),
        ({"properties": {"a": {"default": 5, "type": "string"}}}, [("/properties/a/default", "the default does not fit its own schema")]),
        ({"properties": {"a": {"type": "object"}}}, [("/properties/a/type", "this object names no properties, so it could only be empty: name them, or write additionalProperties: true")]),
        ({"minLength": -1}, [("/minLength", "the schema is not valid here: the value is less than the minimum of 0")]),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, [("/properties/a/$ref", "this reference leads nowhere inside this schema: write #/$defs/name (files and addresses are never fetched)")]),
    ],
)  # fmt: skip
def test_a_schema_we_could_not_enforce_is_refused(schema: object, expected: list[tuple[str, str]]):
    assert faults(schema) == expected


def test_an_unknown_format_is_a_mistake_because_it_would_check_nothing():
    assert faults({"format": "emial"})[0][1].startswith(
        "this format is not enforced; did you mean `email`? (one of date,"
    )


_KEYWORDS = st.sampled_from(
    ["type", "properties", "items", "$ref", "$defs", "allOf", "anyOf", "oneOf", "not", "if", "then", "default", "required", "pattern", "format", "enum"]
)  # fmt: skip
_SCHEMAS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["#", "#/$defs/a", "object", "string", "array", "a", "^a+$", "email", "("]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYWORDS | st.just("a"), inner, max_size=5),
    max_leaves=25,
)


@given(_SCHEMAS, _SCHEMAS)
def test_a_schema_without_faults_compiles_and_never_breaks(schema: object, value: object):
    if schema_faults(schema) or not isinstance(schema, dict):
        return
    for shape in (SchemaShape(schema), SchemaShape(schema, answers=True)):
        try:
            shape.parse(value)
        except InvalidParameters as error:
            assert error.faults  # noqa: PT017
