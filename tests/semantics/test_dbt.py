"""dbt's semantic models and metrics."""

import sqlite3
from pathlib import Path

import pytest

from ostiary.semantics import dbt, ossie
from ostiary.semantics.model import ModelError
from tests.engines.test_cli import ran
from tests.semantics.given import TABLES

DBT = """
semantic_models:
  - name: customers
    model: ref('customers')
    entities: [{name: customer, type: primary, expr: id}]
    dimensions: [{name: country, type: categorical}]
    measures: [{name: customer_count, agg: count_distinct, expr: id}]
  - name: orders
    model: "{{ ref('shop', 'orders') }}"
    defaults: {agg_time_dimension: ordered_on}
    entities: [{name: order, type: primary, expr: id}, {name: customer, type: foreign, expr: customer_id}]
    dimensions:
      - {name: ordered_on, type: time, type_params: {time_granularity: day}}
      - {name: is_large, type: categorical, expr: "CASE WHEN amount > 25 THEN 'yes' ELSE 'no' END"}
    measures:
      - {name: order_total, agg: sum, expr: amount}
      - {name: order_count, agg: sum, expr: 1}
      - {name: middle, agg: median, expr: amount}
      - {name: stock, agg: sum, expr: amount, non_additive_dimension: {name: ordered_on}}
metrics:
  - {name: revenue, label: Turnover, type: simple, type_params: {measure: order_total}}
  - {name: order_number, type: simple, type_params: {measure: {name: order_count}}}
  - {name: average_order, type: ratio, type_params: {numerator: revenue, denominator: {name: order_number}}}
  - {name: doubled, type: derived, type_params: {expr: r * 2 + order_number, metrics: [{name: revenue, alias: r}, order_number]}}
  - {name: filtered, type: simple, type_params: {measure: {name: order_total, filter: "x"}}}
  - {name: filtered_too, type: simple, filter: "{{ Dimension('order__is_large') }}", type_params: {measure: order_total}}
  - {name: running, type: cumulative, type_params: {measure: order_total}}
  - {name: middle_of_all, type: simple, type_params: {measure: middle}}
  - {name: itself, type: derived, type_params: {expr: itself, metrics: [itself]}}
"""


def test_metrics_of_dbt_count_as_they_say_or_are_left_out(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.sqlite") as store:
        for statement in TABLES:
            store.execute(statement)
    (tmp_path / "dbt.yml").write_text(DBT)

    def asked(question: str) -> str:
        done = ran("ask", str(tmp_path / "shop.sqlite"), question, "--model", str(tmp_path / "dbt.yml"), "--format", "csv")  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert asked("turnover by country") == "country,revenue\nDE,40\nUS,60\n"
    assert asked("average order by country") == "country,average_order\nDE,20.0\nUS,30.0\n"
    assert asked("doubled by is large") == "is_large,doubled\nno,32\nyes,172\n"
    assert asked("revenue by month in 2026") == "ordered_on_month,revenue\n2026-10-01,10\n2026-11-01,35\n"
    told = ran("semantics", "convert", str(tmp_path / "dbt.yml"))
    for each in ("measure middle", "measure stock", "metric filtered", "metric filtered_too", "metric running", "metric middle_of_all", "metric itself"):  # fmt: skip
        assert each in told.stderr
    model = ossie.read(told.stdout)
    assert [each.name for each in model.metrics] == ["revenue", "order_number", "average_order", "doubled"]


@pytest.mark.parametrize("given", [{"semantic_models": 3}, {"semantic_models": []}, {"semantic_models": [{"name": 3}]}, {"semantic_models": [{"name": "a", "model": "b", "measures": [1]}]}])  # fmt: skip
def test_what_is_no_model_is_said(given: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        dbt.from_data(given)
