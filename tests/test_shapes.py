"""What is asked is exact, and each mistake says where it is."""

from enum import StrEnum

import pytest
from pydantic import Field

from ostiary.errors import Fault, InvalidParameters
from ostiary.shapes import Empty, ModelShape, Page, Params, pointer


class Colour(StrEnum):
    RED = "red"


class Paint(Params):
    colour: Colour
    layers: tuple[int, ...] = Field(default=(), max_length=3)


def faults(shape: ModelShape, raw: object) -> tuple[Fault, ...]:
    with pytest.raises(InvalidParameters) as refused:
        shape.parse(raw)
    return refused.value.faults


def test_json_values_become_exact_values() -> None:
    assert ModelShape(Paint).parse({"colour": "red", "layers": [1, 2]}) == Paint(
        colour=Colour.RED, layers=(1, 2)
    )


def test_an_unknown_field_a_wrong_type_and_a_missing_one_are_each_named() -> None:
    found = faults(ModelShape(Paint), {"layers": ["1"], "a/b": 1})
    assert [fault.pointer for fault in found] == ["/colour", "/layers/0", "/a~1b"]
    assert found[0].detail == "Field required"


def test_what_is_no_object_and_no_json_is_refused() -> None:
    assert faults(ModelShape(Empty), []) != ()
    assert faults(ModelShape(Empty), {"a": 2**80}) == (Fault("", "this is not a JSON value"),)


def test_a_page_has_bounds() -> None:
    assert ModelShape(Page).parse({}) == Page(cursor="", limit=50)
    assert faults(ModelShape(Page), {"limit": 201})[0].pointer == "/limit"
    assert faults(ModelShape(Page), {"limit": 0})[0].pointer == "/limit"


def test_at_most_twenty_mistakes_are_told() -> None:
    assert len(faults(ModelShape(Empty), {f"x{n}": 1 for n in range(50)})) == 20


def test_pointers_are_escaped_and_bounded() -> None:
    assert pointer("a~b", 0, "c/d") == "/a~0b/0/c~1d"
    assert len(pointer("x" * 1000)) == 200


def test_the_schema_forbids_what_it_does_not_name() -> None:
    assert ModelShape(Paint).schema()["additionalProperties"] is False


def test_a_whole_number_may_be_written_with_a_point_zero_and_nothing_else_is_converted() -> None:
    assert ModelShape(Paint).parse({"colour": "red", "layers": [1.0, 2]}) == Paint(
        colour=Colour.RED, layers=(1, 2)
    )
    for layers in ([1.5], ["1"], [True], [1e300]):
        faults(ModelShape(Paint), {"colour": "red", "layers": layers})
