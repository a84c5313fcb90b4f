"""What a language model answered, taken for what it is: words of somebody who is not trusted. A plan names only what the semantic model has, or it is none; SQL is a statement for the guard; no other word of it goes anywhere."""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ostiary.semantics import model as of
from ostiary.semantics.plan import By, Filter, Having, Measured, Period, Plan

ANSWER_CHARACTERS_MAX = 100_000
STATEMENT_CHARACTERS_MAX = 20_000
PLANS_MAX = 5
_FENCE = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)
_NONE_OF_THE_FORMS = 'answer with one JSON object that has exactly one of "plan", "sql", "plans" and "none"'


class Unfit(Exception):
    """The answer cannot be taken; the text says why, for the model that gave it. It holds names of the semantic model and of what the model said, and nothing else."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL of its own."""

    sql: str


@dataclass(frozen=True, slots=True)
class Several:
    """It could not tell which of these is meant. None: nothing is."""

    plans: tuple[Plan, ...]


def read(answer: str, model: of.Model) -> Plan | Statement | Several:
    """Raises Unfit."""
    given = _object(answer)
    if len(given) != 1:
        raise Unfit(_NONE_OF_THE_FORMS)
    ((form, said),) = given.items()
    if form == "plan":
        return _plan(said, model)
    if form == "plans" and isinstance(said, list) and len(said) > 1:
        return Several(tuple(_plan(each, model) for each in said[:PLANS_MAX]))
    if form == "sql" and isinstance(said, str):
        if not said.strip() or len(said) > STATEMENT_CHARACTERS_MAX:
            raise Unfit(f"a statement has 1 to {STATEMENT_CHARACTERS_MAX:,} characters")
        return Statement(said)
    if form == "none":
        return Several(())
    raise Unfit(_NONE_OF_THE_FORMS)


def _object(answer: str) -> dict[str, Any]:
    if len(answer) > ANSWER_CHARACTERS_MAX:
        raise Unfit("the answer is too long")
    fenced = _FENCE.match(answer)
    try:
        given = json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        raise Unfit(_NONE_OF_THE_FORMS) from None
    if not isinstance(given, dict):
        raise Unfit(_NONE_OF_THE_FORMS)
    return given


# The forms, before any name of them is looked up.

Name = Annotated[str, Field(max_length=300)]
Unit = Literal["day", "week", "month", "quarter", "year"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Value = Annotated[str, Field(max_length=1_000)] | int | Number


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Measure(_Form):
    metric: Name = ""
    function: Literal["", "count", "distinct", "sum", "avg", "min", "max"] = ""
    dataset: Name = ""
    field: Name = ""


class _By(_Form):
    dataset: Name
    field: Name
    grain: Literal["", "day", "week", "month", "quarter", "year"] = ""


class _Ranked(_Form):
    dataset: Name
    field: Name


class _Period(_Form):
    kind: Literal["this", "last", "previous", "before", "between"]
    unit: Unit = "day"
    count: Annotated[int, Field(ge=1, le=1_000)] = 1
    first: Annotated[str, Field(max_length=10)] | None = None
    end: Annotated[str, Field(max_length=10)] | None = None


class _Filter(_Form):
    dataset: Name
    field: Name = ""
    operator: Literal[
        "=", "<>", "<", "<=", ">", ">=", "in", "not in", "between", "contains", "starts", "ends", "null", "not null", "within", "without"
    ]  # fmt: skip
    values: Annotated[tuple[Value, ...], Field(max_length=200, strict=False)] = ()
    period: _Period | None = None


class _Having(_Form):
    measure: _Measure
    operator: Literal[">", ">=", "<", "<=", "="]
    value: Annotated[float, Field(allow_inf_nan=False)]


class _Plan(_Form):
    measures: Annotated[tuple[_Measure, ...], Field(max_length=10, strict=False)] = ()
    by: Annotated[tuple[_By, ...], Field(max_length=20, strict=False)] = ()
    filters: Annotated[tuple[_Filter, ...], Field(max_length=20, strict=False)] = ()
    having: Annotated[tuple[_Having, ...], Field(max_length=10, strict=False)] = ()
    order: Literal["", "most", "least"] = ""
    limit: Annotated[int, Field(ge=0, le=100_000)] = 0
    ranked: _Ranked | None = None
    compared: _Period | None = None


def _plan(said: Any, model: of.Model) -> Plan:
    try:
        form = _Plan.model_validate(said)
    except (ValidationError, RecursionError) as error:
        raise Unfit(_wrong(error)) from None
    return _Checking(model).plan(form)


def _wrong(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "the plan is too deep"
    places = ["/".join(map(str, each["loc"]))[:100] for each in error.errors(include_input=False, include_url=False)[:5]]  # fmt: skip
    return "the plan is not of its form at " + ", ".join(each or "(all)" for each in places)


_COUNTED = {"between": (2, 2), "in": (1, 200), "not in": (1, 200), "null": (0, 0), "not null": (0, 0), "within": (0, 0)}  # fmt: skip


class _Checking:
    """That each name is the model's, and each operator fits what it is put on."""

    def __init__(self, model: of.Model) -> None:
        self._model = model

    def plan(self, form: _Plan) -> Plan:
        measures = tuple(map(self._measure, form.measures))
        by = tuple(By(each.dataset, self._field(each.dataset, each.field, timed=bool(each.grain)).name, each.grain) for each in form.by)  # fmt: skip
        filters = tuple(map(self._filter, form.filters))
        having = tuple(Having(self._measure(each.measure), each.operator, each.value) for each in form.having)
        missing = [each.measured for each in having if each.measured not in measures]
        if not (measures or by):
            raise Unfit("a plan has measures, or fields in by")
        if having and not by:
            raise Unfit("a condition on a measure is of what it is told by")
        if form.limit and not by:
            raise Unfit("a limit is of what is told by")
        if form.compared and not any(each.period for each in filters):
            raise Unfit("compared stands beside a period among the filters")
        return Plan(
            measures=(*measures, *dict.fromkeys(missing)),
            by=by,
            filters=filters,
            having=having,
            order=form.order or ("most" if form.limit and measures else ""),
            limit=form.limit,
            compared=_period(form.compared) if form.compared else None,
            ranked=self._ranked(form, measures),
        )

    def _ranked(self, form: _Plan, measures: tuple[Measured, ...]) -> By | None:
        if form.ranked is None:
            return None
        if measures:
            raise Unfit("ranked is the order of plain rows, without measures")
        return By(form.ranked.dataset, self._field(form.ranked.dataset, form.ranked.field).name)

    def _measure(self, form: _Measure) -> Measured:
        if form.metric:
            if form.function or form.dataset or form.field or self._model.metric(form.metric) is None:
                raise Unfit(f"there is no metric {form.metric}")
            return Measured(metric=form.metric)
        self._dataset(form.dataset)
        if not form.function:
            raise Unfit("a measure is a metric, or a function of a field")
        if not form.field and form.function != "count":
            raise Unfit(f"{form.function} of which field of {form.dataset}")
        if form.field:
            field = self._field(form.dataset, form.field)
            if form.function in ("sum", "avg") and field.kind not in ("number", ""):
                raise Unfit(f"{form.dataset}.{form.field} is no number")
        return Measured(function=form.function, dataset=form.dataset, field=form.field)

    def _filter(self, form: _Filter) -> Filter:
        if form.operator == "without":
            return self._without(form)
        field = self._field(form.dataset, form.field, timed=form.operator == "within")
        least, most = _COUNTED.get(form.operator, (1, 1))
        if not least <= len(form.values) <= most:
            raise Unfit(f"{form.operator} has {least} values" + (f" to {most}" if most > least else ""))
        if (form.operator == "within") != (form.period is not None):
            raise Unfit("within has a period, and no other operator has one")
        if form.operator in ("contains", "starts", "ends") and field.kind not in ("text", ""):
            raise Unfit(f"{form.dataset}.{form.field} is no text")
        values = tuple(each if isinstance(each, str) else float(each) for each in form.values)
        return Filter(form.dataset, form.field, form.operator, values, _period(form.period) if form.period else None)  # fmt: skip

    def _without(self, form: _Filter) -> Filter:
        other = form.values[0] if len(form.values) == 1 else None
        if form.field or form.period or not isinstance(other, str):
            raise Unfit("without has a dataset, and the name of the other as its value")
        self._dataset(form.dataset)
        self._dataset(other)
        if len(self._model.belonging(other, form.dataset)) != 1:
            raise Unfit(f"no one relationship has many {other} of one {form.dataset}")
        return Filter(form.dataset, "", "without", (other,))

    def _dataset(self, name: str) -> of.Dataset:
        found = self._model.dataset(name)
        if found is None:
            raise Unfit(f"there is no dataset {name}")
        return found

    def _field(self, dataset: str, name: str, *, timed: bool = False) -> of.Field:
        found = self._dataset(dataset).field(name)
        if found is None:
            raise Unfit(f"there is no field {name} in {dataset}")
        if timed and found.kind != "time":
            raise Unfit(f"{dataset}.{name} is no time")
        return found


def _period(form: _Period) -> Period:
    if form.kind != "between":
        if form.first or form.end:
            raise Unfit("only a period between has a first day and an end")
        return Period(form.kind, form.unit, form.count)
    try:
        first, end = (date.fromisoformat(each) if each else None for each in (form.first, form.end))
    except ValueError:
        raise Unfit("a day is written 2024-01-31") from None
    if not (first or end) or (first and end and first >= end):
        raise Unfit("a period between has a first day before its end")
    return Period("between", first=first, end=end)
