"""What a language model is told so that it makes a plan of a question: the question, and the words of a semantic model. Never a row: nothing here has one.

A model of a thousand tables is not told whole: the tables whose words the question has come first, and those that belong to them, until it is enough.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from ostiary.semantics.lexicon import phrase
from ostiary.semantics.model import Dataset, Field, Metric, Model, Verified

TOLD_CHARACTERS_MAX = 60_000
"""Of datasets, as JSON, about; what comes after is left out."""
VALUES_MAX = 50
"""Words for values that are told of a field."""
EXAMPLES_MAX = 5

INSTRUCTIONS = """You turn a question about a database into a plan, for a program that makes SQL of it and checks it.
The user message is one JSON object. "question" is what somebody asks, "before" what they asked just before, oldest first, which the question may go on from. \
"today" is the day of asking. "datasets", "metrics" and "relationships" are all that there is: name nothing else. \
"refused" holds what you answered before to the same question, and why it was not taken.
Answer with one JSON object and nothing else, in one of these forms, the first that can say what is asked:
1. {"plan": {"measures": [...], "by": [...], "filters": [...], "having": [...], "order": "most" | "least" | "", "limit": 0, "ranked": null, "compared": null}}
   measure: {"metric": NAME}, or {"function": "count" | "distinct" | "sum" | "avg" | "min" | "max", "dataset": NAME, "field": NAME}; rows are counted without a field.
   by: {"dataset": NAME, "field": NAME, "grain": "" | "day" | "week" | "month" | "quarter" | "year"}; a grain only for a field of the kind time.
   filter: {"dataset": NAME, "field": NAME, "operator": "=" | "<>" | "<" | "<=" | ">" | ">=" | "in" | "not in" | "between" | "contains" | "starts" | "ends" | "null" | "not null", "values": [...]}, or, for a field of the kind time,
   {"dataset": NAME, "field": NAME, "operator": "within", "period": PERIOD}, or, for rows of a dataset that no row of another belongs to, {"dataset": NAME, "operator": "without", "values": [NAME of the other dataset]}.
   PERIOD: {"kind": "this" | "last" | "previous", "unit": "day" | "week" | "month" | "quarter" | "year", "count": 1} ("last": so many and today; "previous": so many whole ones before this one), \
or {"kind": "between", "first": "2024-01-01", "end": "2025-01-01"}, without the end.
   having: {"measure": MEASURE, "operator": ">" | ">=" | "<" | "<=" | "=", "value": 1}: a condition on what was measured.
   "order" and "limit": by the first measure. "ranked": {"dataset": NAME, "field": NAME}, the order of plain rows, where "measures" is empty. "compared": a PERIOD beside the one of the filters.
2. {"sql": "SELECT ..."}: one SELECT in the SQL of "dialect" over the tables that "source" of the datasets names, with their columns and no parameters.
3. {"plans": [PLAN, PLAN]}: where the question has several meanings and you cannot tell which is meant.
4. {"none": true}: where it is no question about these data, or they do not hold the answer."""


def told(model: Model, question: str, before: Sequence[str], dialect: str, today: date) -> dict[str, Any]:
    """The data for INSTRUCTIONS."""
    words = {each for text in (question, *before) for each in phrase(text)}
    datasets = _fitting(model, words)
    names = {each.name for each in datasets}
    examples = [{"question": each.question, "sql": each.statement} for each in _alike(model.verified, words)]
    return {
        "question": question,
        "before": list(before),
        "today": today.isoformat(),
        "dialect": dialect,
        "instructions": model.instructions,
        "datasets": [_dataset(each, dialect) for each in datasets],
        "relationships": [
            {
                "many": each.many,
                "one": each.one,
                "on": dict(zip(each.many_columns, each.one_columns, strict=True)),
            }
            for each in model.relationships
            if {each.many, each.one} <= names
        ],
        "metrics": [_metric(each, dialect) for each in model.metrics],
        "examples": examples,
    }


def _fitting(model: Model, words: set[str]) -> list[Dataset]:
    """Datasets by how much of the question is theirs, as far as they may be told, in the order of the model."""
    own = {each.name: len(words & set(_words_of(each))) for each in model.datasets}
    near = dict.fromkeys(own, 0)
    for way in model.relationships:
        for one, other in ((way.many, way.one), (way.one, way.many)):
            if one in near:
                near[one] = max(near[one], own.get(other, 0))
    chosen: set[str] = set()
    left = TOLD_CHARACTERS_MAX
    for each in sorted(model.datasets, key=lambda one: (-own[one.name], -near[one.name])):
        left -= _size(each)
        if left < 0 and chosen:
            break
        chosen.add(each.name)
    return [each for each in model.datasets if each.name in chosen]


def _size(dataset: Dataset) -> int:
    """About how many characters it is told in."""
    return 100 + len(dataset.description) + sum(60 + 2 * len(each.name) + len(each.description) + sum(map(len, each.values)) for each in dataset.fields)  # fmt: skip


def _words_of(dataset: Dataset) -> Iterable[str]:
    for said in (dataset.name, *dataset.synonyms):
        yield from phrase(said)
    for each in dataset.fields:
        for said in (each.name, *each.synonyms, *each.values):
            yield from phrase(said)


def _alike(verified: Sequence[Verified], words: set[str]) -> list[Verified]:
    """Questions that have most words in common with it."""
    shared = {id(each): len(words & set(phrase(each.question))) for each in verified}
    found = sorted(verified, key=lambda each: -shared[id(each)])
    return [each for each in found[:EXAMPLES_MAX] if shared[id(each)]]


def _dataset(dataset: Dataset, dialect: str) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "source": dataset.source,
        **_said(dataset.synonyms, dataset.description),
        "fields": [_field(each, dialect) for each in dataset.fields],
    }


def _field(field: Field, dialect: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": field.name, "kind": field.kind, **_said(field.synonyms, field.description)}  # fmt: skip
    expression = field.expression.of(dialect)
    if expression.strip('"`') != field.name:
        found["expression"] = expression
    if field.values:
        found["values"] = dict(list(field.values.items())[:VALUES_MAX])
    return found


def _metric(metric: Metric, dialect: str) -> dict[str, Any]:
    return {"name": metric.name, "expression": metric.expression.of(dialect), **_said(metric.synonyms, metric.description)}  # fmt: skip


def _said(synonyms: Sequence[str], description: str) -> dict[str, Any]:
    found: dict[str, Any] = {"synonyms": list(synonyms)} if synonyms else {}
    return {**found, "description": description} if description else found
