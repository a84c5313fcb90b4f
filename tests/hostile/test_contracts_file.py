"""Attacks on the contract checker: files meant to exhaust it, to reach outside, or to look like what they are not."""

import time

import pytest

from ostiary.contracts.schema import SchemaShape, schema_faults
from ostiary.errors import InvalidParameters
from tests.contracts.texts import action, check, details

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "a: &a [*a]",
        "[" * 1_000_000,
        "{a: " * 200_000,
        "- " * 500_000,
        "? " * 500_000,
        '{"a":' * 150_000,
        "a: " + "x" * 1_000_000,
        "a: " + "1" * 1_000_000,
        "x" * 1_048_577,
        "{" + ",".join(f"k{number}" for number in range(140_000)) + "}",
        "a: |\n" + " x\n" * 300_000,
        "\x00\x01",
        "\ud800",
        "%YAML 9.9\n---\n!!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "&a " * 100_000,
    ],
)
def test_a_bomb_is_refused_quickly(text: str):
    began = time.process_time()
    report = check(text)
    assert not report.ok
    assert len(report.mistakes) <= 100
    assert len(report.text()) < 100_000
    assert time.process_time() - began < 5


def test_a_file_full_of_mistakes_names_a_hundred():
    assert len(check("version: 1\nactions:\n" + "  - nonsense\n" * 400).mistakes) == 100


def test_more_actions_than_a_tenant_may_have():
    assert details("version: 1\nactions:\n" + "  - {}\n" * 501) == ["3:3 a tenant has at most 500 actions"]


@pytest.mark.parametrize(
    "pattern", [r"(a)\1", "(?=a)b", "(?<!a)b", "(a{500}){500}", "(((", "a{1000000}", "x" * 1001]
)
def test_a_pattern_that_could_be_slow_is_refused(pattern: str):
    assert [fault.pointer for fault in schema_faults({"properties": {"a": {"pattern": pattern}}})] == [
        "/properties/a/pattern"
    ]
    assert next(fault.pointer for fault in schema_faults({"patternProperties": {pattern: {}}})).startswith(
        "/patternProperties"
    )


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)*$", "^(.*a){20}$", "^([a-zA-Z]+)*$"])
def test_a_pattern_that_is_slow_elsewhere_is_linear_here(pattern: str):
    assert schema_faults({"properties": {"a": {"pattern": pattern}}}) == []
    shape = SchemaShape({"properties": {"a": {"type": "string", "pattern": pattern}}})
    began = time.process_time()
    with pytest.raises(InvalidParameters):
        shape.parse({"a": "a" * 10 + "!" * 100_000})
    with pytest.raises(InvalidParameters):
        shape.parse({"a": "a" * 10 + "!"})
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "reference",
    ["http://127.0.0.1/x", "https://example.com/schema", "file:///etc/passwd", "other.yaml", "#anchor", "", "//host/x", "#/%24defs/a", "#/properties/a/type"],
)  # fmt: skip
def test_a_reference_never_leaves_the_document(reference: str):
    schema = {"properties": {"a": {"$ref": reference}, "b": {"type": "string"}}, "$defs": {"a": {}}}
    assert [fault.pointer for fault in schema_faults(schema)] == ["/properties/a/$ref"]


def test_the_schema_of_schemas_is_not_reached_either():
    assert schema_faults({"$ref": "https://json-schema.org/draft/2020-12/schema"}) != []


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(20)} | {"a20": {}}},
        {"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(2000)} | {"a2000": {}}},
        {"enum": list(range(10_000))},
    ],
)  # fmt: skip
def test_a_schema_that_grows_when_it_is_written_out_is_refused(schema: dict[str, object]):
    began = time.process_time()
    assert len(schema_faults(schema)) == 1
    assert time.process_time() - began < 2


def test_a_deep_schema_is_refused():
    schema: dict[str, object] = {"type": "string"}
    for _ in range(200):
        schema = {"not": schema}
    assert schema_faults(schema)[0].detail == "the schema is nested more than 24 deep: make it flatter"


def test_the_largest_schema_that_is_taken_is_checked_quickly():
    wide = {
        "$defs": {
            f"d{n}": {"properties": {f"p{m}": {"type": "object", "properties": {}} for m in range(10)}}
            for n in range(40)
        }
    }
    schema = wide | {
        "properties": {f"q{n}": {"allOf": [{"$ref": f"#/$defs/d{n % 40}"}] * 5} for n in range(40)}
    }
    began = time.process_time()
    assert schema_faults(schema) == []
    SchemaShape(schema).parse({})
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype"])
def test_a_property_that_means_something_else_in_javascript_is_refused(name: str):
    text = action(parameters=f"{{properties: {{id: {{type: object, properties: {{{name}: {{}}}}}}}}}}")
    assert [one.split(" ", 1)[1] for one in details(text)] == [
        "this name means something else in JavaScript: choose another"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "audit.export",
        "approval.approve",
        "contract.apply",
        "key.create",
        "me.show",
        "session.end",
        "ostiary.help",
        "vault.open",
    ],
)
def test_a_built_in_action_cannot_be_shadowed(name: str):
    assert details(action(name=name))[0].endswith("are the gateway's own: begin with another word")


@pytest.mark.parametrize(
    "name",
    ["invоice.refund", "ｉnvoice.refund", "invoice․refund", "invoice.refund\u200b", "Invoice.refund", "invoice..refund", ".refund", "invoice.refund ", "in-voice.refund"],
)  # fmt: skip
def test_a_look_alike_name_is_refused(name: str):
    assert len(details(action(name=f'"{name}"'))) == 1


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u2066", "\ufeff", "\U000e0041", "\u3164", "\x07"])
def test_what_a_reviewer_cannot_see_is_refused_everywhere_it_is_shown(hidden: str):
    quoted = "".join(f"\\U{ord(character):08x}" for character in hidden)
    for key in ("title", "description", "sentence"):
        assert len(details(action(**{key: f'"pay{quoted}"'}))) == 1
    parameters = f'{{properties: {{id: {{type: string, description: "x{quoted}"}}}}}}'
    assert len(details(action(parameters=parameters))) == 1


@pytest.mark.parametrize(
    "raw",
    [
        {"id": {"a": {}}},
        {"id": ["x"] * 30_000},
        {"id": "x" * 300_000},
        {"id" * 200_000: "x"},
        {"__proto__": {"id": 1}},
        {"id": "a", "constructor": 1},
    ],
)
def test_parameters_beyond_the_contract_are_refused(raw: object):
    shape = SchemaShape({"properties": {"id": {"type": "string"}}})
    with pytest.raises(InvalidParameters) as caught:
        shape.parse(raw)
    assert sum(len(fault.pointer) + len(fault.detail) for fault in caught.value.faults) < 1_000


def test_deep_parameters_are_refused_without_being_walked_by_the_engine():
    shape = SchemaShape({"properties": {"a": {}}})
    value: object = 1
    for _ in range(5_000):
        value = [value]
    with pytest.raises(InvalidParameters) as caught:
        shape.parse({"a": value})
    assert caught.value.faults[0].detail == "this is nested more than 32 deep"
