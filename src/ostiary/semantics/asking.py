"""A question in words as a plan, without any model of language: each word of it is accounted for by the semantic model or by the grammar of questions, or it is asked back. Nothing is guessed.

What it understands: a metric (or the number, sum, average, smallest and largest of something), by one or more fields or periods, for a stretch of time, under conditions, the first so many; verified questions; and what
is said on top of an earlier question.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NoReturn

from ostiary.semantics.found import CHOICES_MAX, AskBack, Found, Unsure
from ostiary.semantics.lexicon import Lexicon, Meaning, phrase, stem
from ostiary.semantics.model import Verified
from ostiary.semantics.plan import DAYS, By, Filter, Having, Measured, Period, Plan
from ostiary.semantics.reading import Reader
from ostiary.semantics.telling import plainly, stretch, told
from ostiary.semantics.words import BY

QUESTION_CHARACTERS_MAX = 2_000
PLACED_CHARACTERS_MAX = 400
"""Longer questions are none with places."""
VERIFIED_KEPT = 512
"""Patterns of questions with places that are kept compiled."""


@dataclass(frozen=True, slots=True)
class Understood:
    """`said`: the question, as it was understood."""

    plan: Plan
    said: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody has answered this question before: a statement, with values in its places."""

    verified: Verified
    values: Mapping[str, str]


def asked(question: str, lexicon: Lexicon, before: Plan | None = None) -> Understood | Answered | Unsure:
    """`before`: what was asked last; then "and by month" or "only in 2024" is enough."""
    if len(question) > QUESTION_CHARACTERS_MAX:
        return Unsure(f"Ask in at most {QUESTION_CHARACTERS_MAX:,} characters.")
    if known := _verified(question, lexicon):
        return known
    try:
        found = Reader(lexicon, question).read()
        plan = _Deciding(lexicon, found, before).plan()
    except AskBack as error:
        return error.unsure
    return Understood(plan, told(plan))


def _verified(question: str, lexicon: Lexicon) -> Answered | None:
    """The verified question that this one is, word by word; its places take any words."""
    words = phrase(question)
    for each in lexicon.model.verified:
        if not each.places:
            if words and words == phrase(each.question):
                return Answered(each, {})
        elif len(question) <= PLACED_CHARACTERS_MAX and (found := _placed(each.question).fullmatch(question)):
            return Answered(each, {name: value.strip(" \"'?.") for name, value in found.groupdict().items()})
    return None


@lru_cache(VERIFIED_KEPT)
def _placed(question: str) -> re.Pattern[str]:
    """Its words, with whatever is no word between them, and in each place up to 100 signs."""
    found = r"\W*"
    for at, piece in enumerate(re.split(r"\{(\w+)\}", question)):
        found += rf"(?P<{piece}>.{{1,100}}?)" if at % 2 else r"\W+".join(map(re.escape, re.findall(r"\w+", piece))) + r"\W*"  # fmt: skip
    return re.compile(found, re.IGNORECASE)


class _Deciding:
    """From what was found to a plan: which table each word is of, and what is missing."""

    def __init__(self, lexicon: Lexicon, found: Found, before: Plan | None) -> None:
        self._lexicon = lexicon
        self._found = found
        self._before = before
        self._of_each: list[Filter] = []
        self._afar: list[str] = []
        """Tables that what is measured is told by, and that are not found from it: customers by what their orders are."""

    def plan(self) -> Plan:
        found = self._found
        if found.unknown or found.unplaced:
            self._ask_unknown()
        measures = self._measures()
        following = self._before is not None and not measures
        if following and self._before:
            measures = list(self._before.measures)
        if not measures:
            return self._rows()
        if found.ranked and found.ordering is None:
            raise AskBack(f"What has the {'highest' if found.order == 'most' else 'lowest'} {found.ranked[1]}: that, or what is measured?", self._suggested(measures[0]))  # fmt: skip
        if found.ranked:
            found.bare.append(found.ranked)
        by = [one for meanings, words in found.by for one in self._one_by(meanings, words)]
        homes = [*(name for each in measures for name in self._datasets(each)), *found.datasets, *(each.dataset for each in by)]  # fmt: skip
        filters = self._filters(homes)
        filters += [*self._of_each, *self._holding(measures, by, filters)]
        self._afar = self._met_elsewhere(measures, by, filters)
        by += [self._time(grain, measures) for grain in found.grains]
        if found.compared and not found.periods:  # this month, against the last
            found.periods.append(Period("this", found.compared.unit))
        if len(found.periods) > 1:
            raise AskBack("Which of these stretches of time?", tuple(stretch(each) for each in found.periods))
        filters += [self._within(period, measures) for period in found.periods]
        filters += self._days(filters, lambda: self._time_field(measures))
        filters += self._lacking(filters)
        by = self._superlative(by, measures)
        by = self._sorted(by, measures)
        self._check_bare(by)
        self._check_alike(filters)
        if found.having and not by:
            raise AskBack("Of what, where a condition is put on what is measured? Say what it is told by.", self._suggested(measures[0]))  # fmt: skip
        self._check_named(measures, by, filters)
        plan = Plan(
            measures=tuple(dict.fromkeys(measures)),
            by=tuple(dict.fromkeys(by)),
            filters=tuple(filters),
            having=tuple(Having(*each) for each in found.having),
            order=found.order,
            limit=found.limit,
            compared=self._other(found.periods),
        )
        if following and self._before:
            plan = _merged(self._before, plan)
        if plan.limit and not plan.by:
            raise AskBack("The first of what? Say what it is told by.", self._suggested(plan.measures[0]))
        return replace(plan, order="most") if plan.limit and not plan.order else plan

    def _measures(self) -> list[Measured]:
        found = self._found
        if many := self._many():
            found.having, self._of_each = [], many
        conditions = [each for each, _, _ in found.having if each not in found.measures]
        measures = [*found.measures, *dict.fromkeys(conditions)]
        if found.ordering:  # the order goes by the first
            measures.sort(key=lambda each: each != found.ordering)
        if found.distinct and (measures or found.ranked):
            raise AskBack("Different in what? Ask for the number of different values of a field.")
        whole = found.ranked_first and not found.bare and not found.sorted and len(set(found.datasets)) < 2
        if (
            found.ranked and (found.grouped or whole) and not measures and not found.limit
        ):  # the highest price (of each model)
            return [self._extreme(*found.ranked)]
        return measures

    def _other(self, periods: list[Period]) -> Period | None:
        """What it is compared with; last month against the previous one is against the one before it."""
        other = self._found.compared
        if other and periods and other.kind == "previous" and periods[0].kind == "previous":
            return replace(other, kind="before")
        return other

    def _superlative(self, by: list[By], measures: list[Measured]) -> list[By]:
        """`Which region has the highest revenue?`: by region, the first."""
        found = self._found
        if found.alone and by and not found.limit:
            name = plainly(by[0].field)
            raise AskBack("The one, or all of them in order?", (f"which {name} has the {found.order}", f"by {name} in {'descending' if found.order == 'most' else 'ascending'} order"))  # fmt: skip
        if found.datasets and not by and (found.limit or found.superlative or found.having):
            other = [each for each in found.datasets if each not in {one.dataset for one in measures if one.of_rows}]  # fmt: skip
            by = [one for each in dict.fromkeys(other) for one in self._named(each)]
        if not by and (found.limit or found.superlative or found.having):
            by = [By(meant.dataset, meant.name) for each in found.bare[:1] for meant in [self._one(*each)]]
        if found.superlative and not by:
            raise AskBack("The first of what? Say what it is told by.", self._suggested(measures[0]))
        if found.superlative and not found.limit:
            found.limit = 1
        return by

    def _extreme(self, fields: list[Meaning], words: str) -> Measured:
        found = self._found
        meant = self._one(fields, words)
        measured = Measured(function="max" if found.order == "most" else "min", dataset=meant.dataset, field=meant.name)  # fmt: skip
        found.ranked, found.order, found.superlative, found.alone = None, found.after, False, False
        return measured

    def _sorted(self, by: list[By], measures: list[Measured]) -> list[By]:
        """`ordered by region`, where it is told by it; by price, where that is what is measured."""
        for fields, words in self._found.sorted:
            told = [
                each for each in by for one in fields if (each.dataset, each.field) == (one.dataset, one.name)
            ]
            if told and not self._found.order:
                return [told[0], *(each for each in by if each is not told[0])]
            measured = [each for each in measures[:1] for one in fields if (each.dataset, each.field) == (one.dataset, one.name)]  # fmt: skip
            if not measured or told:
                raise AskBack(f"In the order of {words}: it is neither the first that is measured, nor what it is told by from the smallest on.")  # fmt: skip
            self._found.order = self._found.order or "least"
        return by

    def _check_bare(self, by: list[By]) -> None:
        """A field that is only named is one that it is told by already, or one that nobody said what to do with."""
        told_by = {(each.dataset, each.field) for each in by}
        for meanings, words in self._found.bare:
            if not told_by & {(each.dataset, each.name) for each in meanings}:
                raise AskBack(f"What about {words}: told by it, or only some of it?", (f"by {words}", f'where {words} is "…"'))  # fmt: skip

    def _check_alike(self, filters: list[Filter]) -> None:
        """A field that is two things at once would be neither."""
        same = [(each.dataset, each.field) for each in filters if each.operator == "="]
        for each in same:
            if same.count(each) > 1:
                raise AskBack(f"Which {plainly(each[1])}: it cannot be both.")

    def _check_named(self, measures: list[Measured], by: list[By], filters: list[Filter]) -> None:
        """A table that is named and not used would have been a condition: customers with orders."""
        used = {each.dataset for each in by} | {each.dataset for each in filters}
        used |= {name for each in measures for name in self._datasets(each)}
        used |= {str(each.values[0]) for each in filters if each.operator in ("without", "with")}
        model = self._lexicon.model
        for each in self._found.datasets:
            if each not in used:
                raise AskBack(f"What about {plainly(each)}: told by it?", (f"by {plainly(each)}",))
        used |= {step.one for one in used for other in used for step in model.path(one, other) or ()}
        for each in self._found.joined:
            if each not in used:
                raise AskBack(f"What about {plainly(each)}? They are to be joined, and nothing else is said of them.")  # fmt: skip

    def _rows(self) -> Plan:
        """Plain rows: of the fields that are named, else of what the table is called by."""
        found = self._found
        if (
            found.grouped
            or (bool(found.order or found.limit or found.superlative) and not found.ranked)
            or found.having
            or found.grains
            or found.compared
        ):
            self._ask_measure()
        named = list(dict.fromkeys(found.datasets))
        if found.sorted and found.order:
            raise AskBack("In which order? Rows are in the order of their first column, or those with the highest of something come first.")  # fmt: skip
        by = [
            one
            for meanings, words in (*found.sorted, *found.by, *found.bare)
            for one in self._one_by(meanings, words)
        ]
        if (
            not by
            and len(named) == 1
            and (found.filters or found.periods or found.days or found.ranked or found.lacking)
        ):
            by = self._named(named[0])
        if not by:
            self._ask_measure()
        homes = [*named, *(each.dataset for each in by)]
        ranked = self._ranked(*found.ranked, by) if found.ranked else None
        filters = self._filters(homes)
        if found.periods:
            if len(found.periods) > 1:
                raise AskBack(
                    "Which of these stretches of time?", tuple(stretch(each) for each in found.periods)
                )
            last = found.period_of  # customers with orders in 2024: the time of the orders
            alone = last in homes and bool(self._lexicon.times(last)) and self._lexicon.model.reaches(last, homes)  # fmt: skip
            filters.append(
                Filter(*self._one_time([last] if alone else homes), "within", (), found.periods[0])
            )
        filters += self._days(filters, lambda: self._one_time(homes))
        filters += self._lacking(filters) or self._with(by, filters)
        if not (filters or found.by or named) and len(by) < 2:
            self._ask_measure()
        self._check_alike(filters)
        self._check_named([], by, filters)
        limit = found.limit or int(found.superlative)
        return Plan(by=tuple(dict.fromkeys(by)), filters=tuple(filters), ranked=ranked, order=found.order if ranked else "", limit=limit)  # fmt: skip

    def _ranked(self, fields: list[Meaning], words: str, by: list[By]) -> By:
        """The field that plain rows are in the order of: one of theirs."""
        if self._found.alone:
            self._ask_measure()
        meant = self._one(fields, words)
        if any(each.dataset != meant.dataset for each in by):
            raise AskBack(f"The {words} of which?", tuple(f"by {plainly(each.dataset)}" for each in by))  # fmt: skip
        return By(meant.dataset, meant.name)

    def _holding(self, measures: list[Measured], by: list[By], filters: list[Filter]) -> list[Filter]:
        """Customers who made orders, where they are counted: those that there are orders of."""
        counted = {each.dataset for each in measures if each.of_rows}
        used = {each.dataset for each in by} | {each.dataset for each in filters}
        return [
            Filter(many, "", "any")
            for one, many in dict.fromkeys(self._found.holding)
            if counted == {one} and len(measures) == 1 and many not in used and self._lexicon.model.reaches(many, [one])
        ]  # fmt: skip

    def _many(self) -> list[Filter]:
        """How many customers have more than 3 orders: a condition on how many there are of each, where the customers themselves are counted."""
        found = self._found
        one = found.measures[0].dataset if len(found.measures) == 1 and found.measures[0].of_rows else ""  # fmt: skip
        wanted = [(each.dataset, operator, value) for each, operator, value in found.having if each.of_rows and each.dataset != one]  # fmt: skip
        if not one or len(wanted) != len(found.having):
            return []
        if any(len(self._lexicon.model.belonging(many, one)) != 1 for many, _, _ in wanted):
            return []
        if wanted and (found.days or found.filters or found.periods or found.by or found.grains):
            raise AskBack("Is the condition on those that are counted, or on what belongs to them? Ask for one condition at a time.")  # fmt: skip
        return [Filter(one, "", "with", each) for each in wanted]

    def _with(self, by: list[By], others: list[Filter]) -> list[Filter]:
        """Names of customers who made orders: those that there is at least one of. A condition besides could be one on the orders, and is asked about."""
        told, wanted = {each.dataset for each in by}, dict.fromkeys(self._found.holding)
        alone = len(wanted) == 1 and not others and not self._found.ranked
        return [
            Filter(one, "", "with", (many, ">=", 1.0))
            for one, many in wanted
            if alone and one in told and many not in told and len(self._lexicon.model.belonging(many, one)) == 1
        ]  # fmt: skip

    def _lacking(self, others: list[Filter]) -> list[Filter]:
        """Customers without orders. A condition besides could be one on the orders that they do not have."""
        lacking = list(dict.fromkeys(self._found.lacking))
        for one, many in lacking:
            if others or len(lacking) > 1:
                raise AskBack(f"Without {plainly(many)} at all, or without some of them? Ask for one condition at a time.")  # fmt: skip
            if len(self._lexicon.model.belonging(many, one)) != 1:
                raise AskBack(f"I do not know which {plainly(many)} belong to {plainly(one)}.")
        return [Filter(one, "", "without", (many,)) for one, many in lacking]

    def _ask_measure(self) -> NoReturn:
        raise AskBack("What is measured? Name a metric, or ask how many, or for a sum or an average.", tuple(plainly(each.name) for each in self._lexicon.model.metrics))  # fmt: skip

    def _ask_unknown(self) -> None:
        words = [each for each in dict.fromkeys(self._found.unknown) if each.strip()]
        words = [each for each in words if each not in BY] or words
        near = tuple(dict.fromkeys(one for each in words for one in _near(each, self._lexicon)))
        if not words:
            raise AskBack(
                f"Of which field is “{self._found.unplaced[0]}”?", self._placed(self._found.unplaced[0])
            )
        words += self._found.unplaced
        hint = "" if near else " Put a value between quotes, after the name of its field."
        raise AskBack(f"I do not know {', '.join(f'“{each}”' for each in words[:4])}.{hint}", near)

    def _placed(self, value: str) -> tuple[str, ...]:
        """Where it could be a value: fields of what was named first, then of all."""
        named = [*self._found.datasets, *(each.dataset for each in self._found.measures)]
        datasets = sorted(self._lexicon.model.datasets, key=lambda each: each.name not in named)
        return tuple(f'{plainly(each.name)} {plainly(field.name)} is "{value}"' for each in datasets for field in each.fields if field.kind in ("text", ""))  # fmt: skip

    def _one_by(self, meanings: list[Meaning], words: str) -> list[By]:
        fields = [each for each in meanings if each.kind == "field"]
        if not fields:
            return self._named(meanings[0].dataset)
        meant = self._one(fields, words)
        return [By(meant.dataset, meant.name)]

    def _one(self, fields: list[Meaning], words: str) -> Meaning:
        """The one that is meant, where a name is several tables': the one of a table that was named, or that is measured."""
        if len(fields) == 1:
            return fields[0]
        measured = {name for each in self._found.measures for name in self._datasets(each)}
        for homes in (set(self._found.datasets), measured):
            near = [each for each in fields if each.dataset in homes]
            if len(near) == 1:
                return near[0]
        told = {one.dataset for each, _ in self._found.by for one in each if one.kind == "dataset"}
        near = [each for each in fields if each.dataset in told]
        if len(near) == 1:
            return near[0]
        raise AskBack(
            f"Which {words}?", tuple(f"{plainly(each.dataset)} {plainly(each.name)}" for each in fields)
        )

    def _named(self, dataset: str) -> list[By]:
        found = self._lexicon.naming(dataset)
        known = self._lexicon.model.dataset(dataset)
        if not found and self._found.ranked and known and known.key:  # the order with the highest amount
            return [By(dataset, each) for each in known.key]
        if not found:
            raise AskBack(f"What of {plainly(dataset)}?", tuple(f"by {plainly(each.name)}" for each in (known.fields if known else ())))  # fmt: skip
        return [By(dataset, each.name) for each in found]

    def _filters(self, homes: list[str]) -> list[Filter]:
        found = self._found
        filters = [self._filter(*each, homes) for each in found.filters]
        if not found.either:
            return filters
        alone = len(filters) == 2 and not found.periods and not found.lacking
        if not alone or filters[0].dataset != filters[1].dataset:
            raise AskBack("Which conditions hold together, and which instead of others? Ask with one “or” between two of the same table.")  # fmt: skip
        return [replace(filters[0], other=filters[1])]

    def _filter(self, meanings: list[Meaning], operator: str, values: tuple[Any, ...], words: str, homes: list[str]) -> Filter:  # fmt: skip
        near = [each for each in meanings if each.dataset in homes] or meanings
        meant = near[0] if len(near) == 1 else self._one(near, words)
        dataset = self._lexicon.model.dataset(meant.dataset)
        known = dataset.field(meant.name) if dataset else None
        if operator == "=" and known and known.values and isinstance(values[0], str):
            values = (known.values.get(values[0].lower(), values[0]),)
        return Filter(meant.dataset, meant.name, operator, values)

    def _days(self, filters: list[Filter], time: Callable[[], tuple[str, str]]) -> list[Filter]:
        """Of the time that is asked about already, else of the one there is."""
        at = next(((each.dataset, each.field) for each in filters if each.period), None)
        return [Filter(*(at or time()), self._found.days)] if self._found.days else []

    def _time(self, grain: str, measures: list[Measured]) -> By:
        dataset, name = self._time_field(measures)
        return By(dataset, name, grain)

    def _within(self, period: Period, measures: list[Measured]) -> Filter:
        dataset, name = self._time_field(measures)
        return Filter(dataset, name, "within", (), period)

    def _time_field(self, measures: list[Measured]) -> tuple[str, str]:
        """The one time of what is measured."""
        for each in self._found.bare:
            meant = [one for one in each[0] if self._is_time(one)]
            if len(meant) == 1:
                self._found.bare.remove(each)
                return meant[0].dataset, meant[0].name
        measured = [each for one in measures for each in self._datasets(one)]
        if self._afar and self._found.period_of in self._afar:
            return self._one_time([self._found.period_of])
        return self._one_time([*measured, *self._afar])

    def _met_elsewhere(self, measures: list[Measured], by: list[By], filters: list[Filter]) -> list[str]:
        before = self._before if self._before and not self._found.measures else Plan()
        told = dict.fromkeys([each.dataset for each in (*before.by, *by)] + [each.dataset for each in (*before.filters, *filters)])  # fmt: skip
        homes = {name for each in measures for name in self._datasets(each)}
        return [each for each in told if not any(self._lexicon.model.reaches(home, [each]) for home in homes)]

    def _one_time(self, homes: list[str]) -> tuple[str, str]:
        times = [(home, each.name) for home in dict.fromkeys(homes) for each in self._lexicon.times(home)]
        if len(times) == 1:
            return times[0]
        if not times:
            raise AskBack("What is asked for has no time in the model.")
        raise AskBack("Which time?", tuple(f"{plainly(name)} of {plainly(home)}" for home, name in times))

    def _is_time(self, meant: Meaning) -> bool:
        return any(each.name == meant.name for each in self._lexicon.times(meant.dataset))

    def _datasets(self, measured: Measured) -> list[str]:
        if measured.dataset:
            return [measured.dataset]
        metric = self._lexicon.model.metric(measured.metric)
        text = " ".join(metric.expression.by_dialect.values()) if metric else ""
        return [each.name for each in self._lexicon.model.datasets if re.search(rf"\b{re.escape(each.name)}\.", text)] or [
            each.name for each in self._lexicon.model.datasets[:1]
        ]  # fmt: skip

    def _suggested(self, measured: Measured) -> tuple[str, ...]:
        return tuple(
            f"{plainly(measured.name)} by {plainly(each.name)}"
            for home in self._datasets(measured)
            for dataset in [self._lexicon.model.dataset(home)]
            if dataset
            for each in dataset.fields
            if each.kind in ("text", "")
        )


def _merged(before: Plan, now: Plan) -> Plan:
    """What was asked before, with what is said on top of it: a condition takes the place of the one on the same field."""
    fields = {_about(each) for each in now.filters}
    kept = tuple(each for each in before.filters if _about(each) not in fields)
    grains = {(each.dataset, each.field) for each in now.by if each.grain}
    by = tuple(each for each in before.by if (each.dataset, each.field) not in grains)
    return Plan(
        before.measures,
        tuple(dict.fromkeys((*by, *now.by))),
        (*kept, *now.filters),
        now.having or before.having,
        now.compared or before.compared,
        now.order or before.order,
        now.limit or before.limit,
    )


def _about(each: Filter) -> tuple[str, str, bool]:
    """A stretch of time and the days in it are conditions of their own."""
    return each.dataset, each.field, each.operator in DAYS


def _near(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Words of the model that look like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is not known

    said = {" ".join(each): None for each in lexicon.all()}
    return tuple(get_close_matches(stem(word), list(said), CHOICES_MAX, 0.75))
