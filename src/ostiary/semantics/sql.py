"""A plan as SQL of a dialect. Measures of different tables are computed apart and put together afterwards, and what is told by is only ever joined from the many to the one: nothing is counted twice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from ostiary.semantics.model import Dataset, Metric, Model, ModelError
from ostiary.semantics.plan import DAYS, By, Filter, Having, Measured, Plan

SQLGLOT = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite", "duckdb": "duckdb"}
_LACKED = "of_it"
"""What rows are called that belong to something."""
_KINDS = {"=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_FUNCTIONS = {"sum": exp.Sum, "avg": exp.Avg, "min": exp.Min, "max": exp.Max}


class Untold(Exception):
    """The plan cannot be made into SQL over this model; the text says why, for whoever asked."""


class Writer:
    """Of one model and dialect. Raises ModelError where an expression cannot be read."""

    def __init__(self, model: Model, dialect: str) -> None:
        self._model, self._ours = model, dialect
        self._dialect = SQLGLOT[dialect]

    def write(self, plan: Plan, today: date) -> str:
        """Raises Untold, ModelError."""
        if not plan.measures:
            return self._rows(plan, today).sql(self._dialect)
        homes: dict[str, list[Measured]] = {}
        told = dict.fromkeys([*(each.dataset for each in plan.by), *(each.dataset for each in plan.filters)])
        for each in plan.measures:
            homes.setdefault(self._counted_at(each, list(told)), []).append(each)
        if plan.compared:
            found = self._compared(homes, plan, today)
        elif len(homes) == 1:
            ((home, measures),) = homes.items()
            found = self._grouped(home, measures, plan, today)
        else:
            found = self._together(homes, plan, today)
        return self._ordered(found, plan).sql(self._dialect)

    def home(self, measured: Measured) -> str:
        """The dataset whose rows are measured: the one from which all the others that the measure names are found by going from the many to the one."""
        if not measured.metric:
            return measured.dataset
        named = self._datasets_of(self._metric(measured.metric))
        for each in named:
            if self._model.reaches(each, named):
                return each
        raise Untold(f"{measured.metric} measures tables that do not belong together one by one: {', '.join(named)}.")  # fmt: skip

    def _counted_at(self, measured: Measured, told: Sequence[str]) -> str:
        """Its home, from which what it is told by is found. Else, of what is not more for being met twice, such as the number of different customers: the one table whose rows tell which go with which."""
        home = self.home(measured)
        if self._model.reaches(home, told) or not self._once(measured, home):
            return home
        return self._model.through(home, told) or home

    def _once(self, measured: Measured, home: str) -> bool:
        """Whether it is the same however often a row is met."""
        if not measured.metric:
            key = self._known(home).key
            return len(key) == 1 if measured.of_rows else measured.function in ("distinct", "min", "max")  # fmt: skip
        metric = self._metric(measured.metric)
        found = self._parsed(metric.expression.of(self._ours), f"metric {metric.name}")
        return all(
            isinstance(each, exp.Min | exp.Max)
            or (isinstance(each, exp.Count) and isinstance(each.this, exp.Distinct))
            for each in found.find_all(exp.AggFunc)
        )

    # Statements.

    def _grouped(self, home: str, measures: Sequence[Measured], plan: Plan, today: date) -> exp.Select:
        if any(
            each.operator == "any" and not self._model.reaches(home, [each.dataset]) for each in plan.filters
        ):
            raise Untold(f"{_words(home)} have no key of one column in the model, so that those with several are not told apart.")  # fmt: skip
        by = [self._told_by(each) for each in plan.by]
        named = [self._measure(each, home) for each in measures]
        found = exp.select(
            *(exp.alias_(told, each.name, quoted=True) for told, each in zip(by, plan.by, strict=True)),
            *(exp.alias_(value, each.name, quoted=True) for value, each in zip(named, measures, strict=True)),
        )
        conditions = [self._condition(each, today) for each in plan.filters if each.operator != "any"]
        found = self._from(found, home, [*by, *named, *conditions])
        for condition in conditions:
            found = found.where(condition)
        if by:
            found = found.group_by(*(told.copy() for told in by))
        for having in plan.having:
            if having.measured in measures:
                found = found.having(self._having(having, home))
        return found

    def _together(self, homes: dict[str, list[Measured]], plan: Plan, today: date) -> exp.Select:
        """Each table's measures by themselves, one under the other with nothing in the places of the others', then the largest of each place: there is but one."""
        if plan.having:
            raise Untold("Ask for one of these measures at a time where it has a condition of its own.")
        bare = replace(plan, order="", limit=0)
        parts = [(self._grouped(home, measures, bare, today), {each.name: each.name for each in measures}) for home, measures in homes.items()]  # fmt: skip
        return _side_by_side(parts, [each.name for each in plan.by], [each.name for each in plan.measures])

    def _compared(self, homes: dict[str, list[Measured]], plan: Plan, today: date) -> exp.Select:
        """The measures of one stretch of time, and of the other under the name of the measure with `_before`."""
        now = plan.period
        if now is None or len(homes) > 1:
            raise Untold("Compare one measure at a time, of a stretch of time with another.")
        if any(each.grain for each in plan.by):
            raise Untold("Compare two stretches of time by something else than time.")
        ((home, measures),) = homes.items()
        parts = []
        for period, ending in ((now.period, ""), (plan.compared, "_before")):
            filters = tuple(replace(each, period=period) if each is now else each for each in plan.filters)
            part = self._grouped(home, measures, replace(plan, filters=filters, order="", limit=0), today)
            parts.append((part, {each.name + ending: each.name for each in measures}))
        names = [each.name + ending for each in measures for ending in ("", "_before")]
        return _side_by_side(parts, [each.name for each in plan.by], names)

    def _rows(self, plan: Plan, today: date) -> exp.Select:
        if not plan.by:
            raise Untold("Say what is asked for.")
        fields = list(dict.fromkeys((*plan.by, *([plan.ranked] if plan.ranked else []))))
        by = [self._told_by(each) for each in fields]
        conditions = [self._condition(each, today) for each in plan.filters]
        named = list(
            dict.fromkeys([each.dataset for each in fields] + [each.dataset for each in plan.filters])
        )
        home = next((each for each in named if self._model.reaches(each, named)), None)  # fmt: skip
        if home is None:
            raise Untold(f"These do not belong together one by one: {', '.join(named)}.")
        if plan.ranked and plan.ranked.dataset != home:
            raise Untold(f"{_words(plan.ranked.dataset)} cannot be put in order by what belongs to several {_words(home)} each: ask without that condition.")  # fmt: skip
        found = exp.select(*(exp.alias_(told, each.name, quoted=True) for told, each in zip(by, fields, strict=True)))  # fmt: skip
        found = found if plan.ranked else found.distinct()
        found = self._from(found, home, [*by, *conditions])
        for condition in conditions:
            found = found.where(condition)
        if plan.ranked:  # what has no value is neither the highest nor the lowest
            at = fields.index(plan.ranked)
            found = found.where(exp.Not(this=exp.Is(this=by[at].copy(), expression=exp.null())))
            found = found.order_by(exp.Ordered(this=exp.Literal.number(at + 1), desc=plan.order == "most"))
        found = found.order_by(*(exp.Literal.number(at + 1) for at in range(len(by)) if fields[at] != plan.ranked))  # fmt: skip
        return found.limit(plan.limit) if plan.limit else found

    def _ordered(self, found: exp.Select, plan: Plan) -> exp.Select:
        if plan.order and plan.by:
            place = exp.Literal.number(len(plan.by) + 1)
            first = self._last_nulls(found, plan, place)
            small = self._ours in ("mysql", "sqlite")  # where nothing comes before everything
            others = [exp.Ordered(this=exp.Literal.number(at + 1), nulls_first=small) for at in range(len(plan.by))]  # fmt: skip
            found = found.order_by(*first, *others)
        elif plan.by:
            found = found.order_by(*(exp.Literal.number(at + 1) for at in range(len(plan.by))))
        return found.limit(plan.limit) if plan.limit else found

    def _last_nulls(self, found: exp.Select, plan: Plan, place: exp.Expr) -> list[exp.Expr]:
        """What was not measured comes last, whatever the database's habit: on MySQL and SQLite by an order that has it last already, or by a condition in front."""
        down = plan.order == "most"
        ordered = exp.Ordered(this=place, desc=down, nulls_first=False)
        if self._ours in ("postgresql", "duckdb", "sqlite"):
            return [ordered]
        value = found.selects[len(plan.by)].unalias().copy()
        tail = (
            []
            if down
            else [exp.Ordered(this=exp.Is(this=exp.paren(value), expression=exp.null()), nulls_first=True)]
        )
        return [*tail, exp.Ordered(this=place, desc=down, nulls_first=not down)]

    def _from(self, found: exp.Select, home: str, read: Iterable[exp.Expr]) -> exp.Select:
        named = {column.table for each in read for column in each.find_all(exp.Column) if column.table not in ("", _LACKED)}  # fmt: skip
        found = found.from_(self._table(home))
        joined = {home}
        for name in sorted(named - {home}):
            way = self._model.path(home, name)
            if way is None:
                raise Untold(f"{_words(home)} cannot be told by {_words(name)}: one of them has several of the other, or there are several ways.")  # fmt: skip
            for each in way:
                if each.one in joined:
                    continue
                joined.add(each.one)
                pairs = zip(each.many_columns, each.one_columns, strict=True)
                on = [exp.EQ(this=_column(each.many, many), expression=_column(each.one, one)) for many, one in pairs]  # fmt: skip
                found = found.join(self._table(each.one), on=exp.and_(*on), join_type="left")
        return found

    # Pieces.

    def _table(self, name: str, called: str = "") -> exp.Expr:
        parts = self._known(name).source.split(".")[-2:]
        table = exp.table_(parts[-1], db=parts[-2] if len(parts) > 1 else None, quoted=None)
        return exp.alias_(table, called or name, table=True)

    def _told_by(self, by: By) -> exp.Expr:
        value = self._field(by.dataset, by.field)
        return self._period(value, by.grain) if by.grain else value

    def _field(self, dataset: str, name: str) -> exp.Expr:
        """A field's expression with its columns named by their dataset."""
        known = self._known(dataset)
        field = known.field(name)
        if field is None:
            return _column(dataset, name)
        found = self._parsed(field.expression.of(self._ours), f"field {dataset}.{name}")
        for column in list(found.find_all(exp.Column)):
            if not column.table:
                column.set("table", exp.to_identifier(dataset))
        return found if isinstance(found, exp.Column) else exp.paren(found)

    def _measure(self, measured: Measured, at: str = "") -> exp.Expr:
        """`at`: whose rows are met, where it is not its own."""
        if measured.metric:
            metric = self._metric(measured.metric)
            found = self._parsed(metric.expression.of(self._ours), f"metric {metric.name}")
            home = ""
            for column in list(found.find_all(exp.Column)):
                dataset = column.table or (home := home or self._only(metric))
                value = self._field(dataset, column.name)
                if column is found:
                    raise ModelError([("", f"metric {metric.name} sums up nothing")])
                column.replace(value)
            return found
        if not measured.field:
            if at in ("", measured.dataset):
                return exp.Count(this=exp.Star())
            (key,) = self._known(measured.dataset).key
            return exp.Count(this=exp.Distinct(expressions=[self._field(measured.dataset, key)]))
        value = self._field(measured.dataset, measured.field)
        if measured.function == "count":
            return exp.Count(this=value)
        if measured.function == "distinct":
            return exp.Count(this=exp.Distinct(expressions=[value]))
        return _FUNCTIONS[measured.function](this=value)

    def _only(self, metric: Metric) -> str:
        if len(self._model.datasets) == 1:
            return self._model.datasets[0].name
        raise ModelError([("", f"metric {metric.name}: say of which dataset each column is, as dataset.field")])  # fmt: skip

    def _having(self, having: Having, at: str) -> exp.Expr:
        return _KINDS[having.operator](
            this=self._measure(having.measured, at), expression=_number(having.value)
        )

    def _condition(self, each: Filter, today: date) -> exp.Expr:
        found = self._alone(each, today)
        return exp.paren(exp.or_(found, self._condition(each.other, today))) if each.other else found

    def _alone(self, each: Filter, today: date) -> exp.Expr:
        if each.operator == "with":
            many, operator, most = each.values
            counted = self._of_it(each.dataset, str(many), exp.Count(this=exp.Star()))
            return _KINDS[str(operator)](this=counted.subquery(), expression=_literal(most))
        if each.operator == "without":
            return exp.Not(this=exp.Exists(this=self._of_it(each.dataset, str(each.values[0]), "1")))
        value = self._field(each.dataset, each.field)
        if each.operator in DAYS:
            return self._on_days(value, each.operator)
        if each.period:
            return self._within(value, *each.period.bounds(today))
        if each.operator in ("null", "not null"):
            test: exp.Expr = exp.Is(this=value, expression=exp.null())
            return exp.Not(this=test) if each.operator == "not null" else test
        values = [_literal(one) for one in each.values]
        if each.operator in ("in", "not in"):
            among = exp.In(this=value, expressions=values)
            return exp.Not(this=among) if each.operator == "not in" else among
        if each.operator == "between":
            return exp.Between(this=value, low=values[0], high=values[1])
        if each.operator in ("contains", "starts", "ends"):
            text = str(each.values[0]).lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
            before, after = "%" * (each.operator != "starts"), "%" * (each.operator != "ends")
            like = exp.Like(
                this=exp.Lower(this=value), expression=exp.Literal.string(f"{before}{text}{after}")
            )
            return exp.Escape(this=like, expression=exp.Literal.string("!")) if "!" in text else like
        return _KINDS[each.operator](this=value, expression=values[0])

    def _of_it(self, one: str, many: str, what: Any) -> exp.Select:
        """Of the rows of `many` that belong to it."""
        (way,) = self._model.belonging(many, one)
        pairs = zip(way.many_columns, way.one_columns, strict=True)
        on = [exp.EQ(this=_column(_LACKED, theirs), expression=_column(one, own)) for theirs, own in pairs]
        return exp.select(what).from_(self._table(many, _LACKED)).where(exp.and_(*on))

    def _within(self, value: exp.Expr, first: date | None, end: date | None) -> exp.Expr:
        found: list[exp.Expr] = []
        if first:
            found.append(exp.GTE(this=value.copy(), expression=self._day(first)))
        if end:
            found.append(exp.LT(this=value.copy(), expression=self._day(end)))
        return exp.and_(*found) if found else exp.true()

    def _on_days(self, value: exp.Expr, days: str) -> exp.Expr:
        """`weekend`: Saturday and Sunday; `weekday`: the others."""
        said, also = value.sql(self._dialect), days == "weekday"
        text = {
            "mysql": f"WEEKDAY({said}) {'<' if also else '>='} 5",
            "sqlite": f"CAST(STRFTIME('%w', {said}) AS INTEGER) {'NOT IN' if also else 'IN'} (0, 6)",
        }.get(self._ours, f"EXTRACT(ISODOW FROM {said}) {'<' if also else '>='} 6")
        return sqlglot.parse_one(text, dialect=self._dialect)

    def _day(self, day: date) -> exp.Expr:
        text = exp.Literal.string(day.isoformat())
        return text if self._ours == "sqlite" else exp.cast(text, "date")

    def _period(self, value: exp.Expr, grain: str) -> exp.Expr:
        """The first day of the period."""
        said = value.sql(self._dialect)
        if self._ours in ("postgresql", "duckdb"):
            text = f"CAST(DATE_TRUNC('{grain}', {said}) AS DATE)"
        elif self._ours == "mysql":
            text = {
                "day": f"DATE({said})",
                "week": f"DATE_SUB(DATE({said}), INTERVAL (WEEKDAY({said})) DAY)",
                "month": f"DATE_FORMAT({said}, '%Y-%m-01')",
                "quarter": f"CONCAT(YEAR({said}), '-', LPAD(3 * QUARTER({said}) - 2, 2, '0'), '-01')",
                "year": f"DATE_FORMAT({said}, '%Y-01-01')",
            }[grain]
        else:
            text = {
                "day": f"DATE({said})",
                "week": f"DATE({said}, '-6 days', 'weekday 1')",
                "month": f"STRFTIME('%Y-%m-01', {said})",
                "quarter": f"STRFTIME('%Y', {said}) || '-' || SUBSTR('01040710', 1 + 2 * ((CAST(STRFTIME('%m', {said}) AS INTEGER) - 1) / 3), 2) || '-01'",
                "year": f"STRFTIME('%Y-01-01', {said})",
            }[grain]
        return sqlglot.parse_one(text, dialect=self._dialect)

    def _parsed(self, text: str, what: str) -> exp.Expr:
        found = one(text, self._dialect)
        if found is None:
            raise ModelError([("", f"{what}: this is no expression of SQL")])
        if found.find(exp.Query, exp.Command, exp.DDL, exp.DML, exp.Placeholder, exp.Parameter) or not isinstance(found, exp.Condition):  # fmt: skip
            raise ModelError([("", f"{what}: an expression, not a statement")])
        return found

    def _datasets_of(self, metric: Metric) -> list[str]:
        found = self._parsed(metric.expression.of(self._ours), f"metric {metric.name}")
        named = [column.table or self._only(metric) for column in found.find_all(exp.Column)]
        for each in named:
            self._known(each)
        return list(dict.fromkeys(named)) or [self._only(metric)]

    def _known(self, name: str) -> Dataset:
        found = self._model.dataset(name)
        if found is None:
            raise ModelError([("", f"there is no dataset {name}")])
        return found

    def _metric(self, name: str) -> Metric:
        found = self._model.metric(name)
        if found is None:
            raise Untold(f"There is no metric {name}.")
        return found


def filled(statement: str, values: Mapping[str, str], dialect: str) -> str:
    """A verified statement with the words of a question as texts in its places (`:region`). Raises ModelError."""
    found = one(statement, SQLGLOT[dialect])
    if found is None:
        raise ModelError([("", "a verified statement is no SQL of this database")])
    for place in list(found.find_all(exp.Placeholder)):
        if place.name not in values:
            raise ModelError([("", f"the verified question has no place {place.name}")])
        place.replace(exp.Literal.string(values[place.name]))
    return found.sql(SQLGLOT[dialect])


def check(model: Model, dialect: str, today: date) -> list[str]:
    """What of the model cannot be made into SQL."""
    writer, found = Writer(model, dialect), []
    plans = [Plan((Measured(metric=each.name),)) for each in model.metrics]
    plans += [Plan(by=(By(dataset.name, each.name),)) for dataset in model.datasets for each in dataset.fields]  # fmt: skip
    for plan in plans:
        try:
            writer.write(plan, today)
        except (ModelError, Untold) as error:
            found.append(str(error).removeprefix("(all): "))
    return found


def _side_by_side(parts: Sequence[tuple[exp.Select, Mapping[str, str]]], by: Sequence[str], names: Sequence[str]) -> exp.Select:  # fmt: skip
    """Parts that are told by the same, one under the other with nothing in the places of the others', then the largest of each place: there is but one. A part comes with what each of its values
    is called in the whole."""
    whole: Any = None
    for part, called in parts:
        columns: list[exp.Expr] = [_quoted(name, "part") for name in by]
        columns += [exp.alias_(_quoted(called[name], "part") if name in called else exp.null(), name, quoted=True) for name in names]  # fmt: skip
        selected = exp.select(*columns).from_(part.subquery("part"))
        whole = selected if whole is None else exp.union(whole, selected, distinct=False)
    told = [_quoted(name, "every") for name in by]
    totals = [exp.alias_(exp.Max(this=_quoted(name, "every")), name, quoted=True) for name in names]
    found = exp.select(*told, *totals).from_(whole.subquery("every"))
    return found.group_by(*(each.copy() for each in told)) if told else found


def _quoted(name: str, table: str) -> exp.Column:
    return exp.column(name, quoted=True, table=table)


def one(text: str, dialect: str) -> exp.Expr | None:
    """The one statement or expression that a text is; None where it is none, or several."""
    try:
        (found,) = sqlglot.parse(text, dialect=dialect)
    except (SqlglotError, RecursionError, ValueError):
        return None
    return found


def _column(dataset: str, name: str) -> exp.Column:
    return exp.column(name, table=dataset)


def _literal(value: str | float) -> exp.Expr:
    return exp.Literal.string(value) if isinstance(value, str) else _number(value)


def _number(value: float) -> exp.Expr:
    said = str(int(value)) if float(value).is_integer() else repr(value)
    return exp.Neg(this=exp.Literal.number(said[1:])) if said.startswith("-") else exp.Literal.number(said)


def _words(name: str) -> str:
    return name.replace("_", " ")
