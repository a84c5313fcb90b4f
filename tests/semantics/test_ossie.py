"""Apache Ossie's YAML, in and out."""

from datetime import date

import pytest

from ostiary.semantics import ossie, sql
from ostiary.semantics.model import ModelError
from tests.semantics.given import SHOP


def test_a_model_comes_back_as_it_was() -> None:
    model = ossie.read(SHOP)
    assert ossie.read(ossie.write(model)) == model
    assert [each.name for each in model.datasets] == ["customers", "orders", "refunds"]
    assert model.dataset("orders").field("ordered_on").kind == "time"  # type: ignore[union-attr]
    assert model.verified[0].question == "Who is our best customer?"
    assert sql.check(model, "postgresql", date(2026, 1, 1)) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "/semantic_model"),
        ("a: [", ""),
        ("a: &a [1]\nb: *a", ""),
        ("semantic_model: 3", "/semantic_model"),
        ("semantic_model: [{name: a, datasets: []}]", "/semantic_model/0/datasets"),
        ("semantic_model: [{name: a, datasets: [{name: b}]}]", "/semantic_model/0/datasets/0/source"),
        (
            "semantic_model: [{name: a, datasets: [{name: b, source: t}, {name: b, source: t}]}]",
            "/semantic_model/0/datasets/1/name",
        ),
        (
            "semantic_model: [{name: a, datasets: [{name: b, source: t}], relationships: [{name: r, from: b, to: c, from_columns: [x], to_columns: [y]}]}]",
            "/semantic_model/0/relationships/0",
        ),
        (
            "semantic_model: [{name: a, datasets: [{name: b, source: t, fields: [{name: f, expression: {dialects: [{dialect: MDX, expression: x}]}}]}]}]",
            "/semantic_model/0/datasets/0/fields/0/expression",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ModelError) as raised:
        ossie.read(text)
    assert place in [each for each, _ in raised.value.faults]


@pytest.mark.parametrize("expression", ["SELECT 1", "DROP TABLE x", "1; 2", "(SELECT ssn FROM people)", "", "amount +"])  # fmt: skip
def test_an_expression_is_no_statement(expression: str) -> None:
    text = SHOP.replace("SUM(refunds.amount)", f'"{expression}"')
    try:
        found = sql.check(ossie.read(text), "sqlite", date(2026, 1, 1))
    except ModelError:
        return
    assert found
