"""A model out of dbt's semantic models and metrics (https://docs.getdbt.com/docs/build/semantic-models), as their YAML has them.

What would count otherwise than it says there is left out, by name: filters in Jinja, cumulative and conversion metrics, medians and percentiles, measures of a time that is not added up.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ostiary.semantics.model import (
    ANSI,
    Dataset,
    Expression,
    Field,
    Metric,
    Model,
    ModelError,
    Relationship,
)

_REF = re.compile(r"\s*(?:\{\{\s*)?ref\(\s*['\"]([^'\"]+)['\"](?:\s*,\s*['\"]([^'\"]+)['\"])?.*\)\s*(?:\}\})?\s*")  # fmt: skip
_KINDS = {"time": "time", "categorical": "text"}
_AGGREGATES = {
    "sum": "SUM({})", "min": "MIN({})", "max": "MAX({})", "average": "AVG({})", "avg": "AVG({})", "count": "COUNT({})", "count_distinct": "COUNT(DISTINCT {})",
    "sum_boolean": "SUM(CASE WHEN {} THEN 1 ELSE 0 END)",
}  # fmt: skip
DEPTH_MAX = 20
"""Metrics of metrics of metrics."""


def speaks(given: Any) -> bool:
    """Whether this is dbt's."""
    return isinstance(given, dict) and "semantic_models" in given


def from_data(given: Mapping[str, Any]) -> tuple[Model, list[str]]:
    """The model, and what of it was left out. Raises ModelError."""
    reading = _Reading()
    models = _rows(given, "semantic_models")
    datasets = tuple(reading.dataset(each) for each in models)
    metrics = tuple(filter(None, (reading.metric(each, _rows(given, "metrics")) for each in _rows(given, "metrics"))))  # fmt: skip
    if not datasets:
        raise ModelError([("/semantic_models", "one or more")])
    return Model("dbt", datasets, tuple(_belongings(models)), metrics), reading.left


class _Reading:
    def __init__(self) -> None:
        self.left: list[str] = []
        self._measures: dict[str, str] = {}
        """SQL of each measure by its name."""

    def dataset(self, given: Mapping[str, Any]) -> Dataset:
        name = _text(given, "name")
        found = _REF.fullmatch(_text(given, "model"))
        source = (found[2] or found[1]) if found else _text(given, "model")
        fields = [_field(each, _KINDS.get(str(each.get("type")), "")) for each in _rows(given, "dimensions")]
        names = {each.name for each in fields}
        for measure in _rows(given, "measures"):
            self._measure(name, measure)
            if measure["name"] not in names:
                fields.append(_field(measure, "number"))
        key = tuple(_expr(each) for each in _rows(given, "entities") if each.get("type") == "primary")
        return Dataset(name, source, tuple(fields), key, (), str(given.get("description") or ""))

    def _measure(self, dataset: str, given: Mapping[str, Any]) -> None:
        name, aggregate = _text(given, "name"), _AGGREGATES.get(str(given.get("agg")))
        if aggregate is None or given.get("non_additive_dimension"):
            self.left.append(f"measure {name} ({given.get('agg')})")
            return
        self._measures[name] = aggregate.format(f"{dataset}.{name}")

    def metric(self, given: Mapping[str, Any], every: list[dict[str, Any]]) -> Metric | None:
        name = _text(given, "name")
        expression = self._expression(given, {str(each.get("name")): each for each in every}, 0)
        if expression is None:
            self.left.append(f"metric {name}")
            return None
        label = str(given.get("label") or "")
        return Metric(name, Expression({ANSI: expression}), (label,) if label else (), str(given.get("description") or ""))  # fmt: skip

    def _expression(self, given: Mapping[str, Any], every: Mapping[str, Any], depth: int) -> str | None:
        params = given.get("type_params")
        if not isinstance(params, dict) or given.get("filter") or depth > DEPTH_MAX:
            return None
        kind = given.get("type", "simple")
        if kind == "simple":
            return self._simple(params.get("measure"))
        if kind == "ratio":
            above, below = (self._input(params.get(each), every, depth) for each in ("numerator", "denominator"))  # fmt: skip
            return f"CAST({above} AS DOUBLE PRECISION) / NULLIF({below}, 0)" if above and below else None
        if kind != "derived" or not isinstance(params.get("expr"), str):
            return None
        said: str = params["expr"]
        parts: dict[str, str] = {}
        for each in params.get("metrics") or []:
            found = self._input(each, every, depth)
            if found is None:
                return None
            called = each.get("alias") or each.get("name") if isinstance(each, dict) else each
            parts[str(called)] = found
        return re.sub(r"\b[A-Za-z_]\w*\b", lambda word: f"({parts[word[0]]})" if word[0] in parts else word[0], said)  # fmt: skip

    def _simple(self, measure: Any) -> str | None:
        if isinstance(measure, dict):
            if set(measure) - {"name"}:  # a filter, a filling of gaps: it would count otherwise
                return None
            measure = measure.get("name")
        return self._measures.get(str(measure))

    def _input(self, given: Any, every: Mapping[str, Any], depth: int) -> str | None:
        """A metric that another one is made of."""
        if isinstance(given, dict):
            if set(given) - {"name", "alias"}:
                return None
            given = given.get("name")
        found = every.get(str(given))
        return self._expression(found, every, depth + 1) if found else None


def _belongings(models: Iterable[Mapping[str, Any]]) -> Iterable[Relationship]:
    """An entity that is foreign in one and primary or unique in another."""
    ones = {
        str(entity.get("name")): (str(model.get("name")), _expr(entity))
        for model in models
        for entity in _rows(model, "entities")
        if entity.get("type") in ("primary", "unique")
    }
    for model in models:
        for entity in _rows(model, "entities"):
            one = ones.get(str(entity.get("name")))
            if entity.get("type") == "foreign" and one and one[0] != model.get("name"):
                name = f"{model.get('name')}_{entity.get('name')}"
                yield Relationship(name, str(model.get("name")), one[0], (_expr(entity),), (one[1],))


def _field(given: Mapping[str, Any], kind: str) -> Field:
    label = str(given.get("label") or "")
    return Field(_text(given, "name"), Expression({ANSI: _expr(given)}), kind, (label,) if label else (), str(given.get("description") or ""))  # fmt: skip


def _expr(given: Mapping[str, Any]) -> str:
    found = given.get("expr")
    return _text(given, "name") if found is None else str(found)


def _rows(given: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = given.get(name) or []
    if not isinstance(found, list) or any(not isinstance(each, dict) for each in found):
        raise ModelError([(f"/{name}", "a list of objects")])
    return found


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    if not isinstance(found, str) or not found.strip():
        raise ModelError([(f"/{name}", "a text")])
    return found
