"""A question in words as a plan, without any model of language: each word of it is accounted for by the semantic model or by the grammar of questions, or it is asked back. Nothing is guessed.

What it understands: a metric (or the number, sum, average, smallest and largest of something), by one or more fields or periods, for a stretch of time, under conditions, the first so many; verified questions; and what
is said on top of an earlier question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ostiary.semantics import periods
from ostiary.semantics.lexicon import Lexicon, Meaning, phrase, stem
from ostiary.semantics.model import Verified
from ostiary.semantics.plan import By, Filter, Having, Measured, Period, Plan

QUESTION_CHARACTERS_MAX = 2_000
CHOICES_MAX = 6
LIMIT_MAX = 10_000
_FILLER = """
a an the what whats is are was were be been show me give list find get tell display return compute calculate please can could you i want need would like to see know do does did we our us there
of in on at as it its that this these those them they their then and with for from have has had having which who whom whose where when how value result answer also along together respective
corresponding made happened occurred order sort sorted showing including ordered query report about all any overall following using only just total data record entry row table column so far
"""
FILLER = frozenset(_FILLER.split())
"""What may be left out of a question without changing what is asked. Never: or, not, than, by, per, each, between, without."""
_RETURNING = frozenset(["return", "showing", "including", "display"])
_BY = ("by", "per", "each", "across")
_BY_PHRASES = (("for", "each"), ("of", "each"), ("in", "each"), ("for", "every"), ("in", "every"), ("grouped", "by"), ("broken", "down", "by"), ("split", "by"), ("group", "by"), ("at", "each"), ("from", "each"))  # fmt: skip
_FUNCTIONS: dict[tuple[str, ...], str] = {
    ("average",): "avg", ("avg",): "avg", ("mean",): "avg", ("sum", "of"): "sum", ("sum",): "sum", ("total",): "sum", ("combined",): "sum", ("maximum",): "max", ("max",): "max",
    ("minimum",): "min", ("min",): "min", ("number", "of"): "count", ("count", "of"): "count", ("how", "many"): "count", ("total", "number", "of"): "count", ("count",): "count",
    ("number", "of", "unique"): "distinct", ("number", "of", "distinct"): "distinct", ("how", "many", "unique"): "distinct", ("how", "many", "different"): "distinct", ("how", "many", "distinct"): "distinct",
    ("total", "count", "of"): "count",
}  # fmt: skip
_MOST = frozenset(["top", "most", "highest", "largest", "biggest", "best", "greatest", "maximum"])
_LEAST = frozenset(["bottom", "least", "lowest", "smallest", "fewest", "worst"])
_COMPARED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("more", "than"), ">"), (("greater", "than"), ">"), (("higher", "than"), ">"), (("larger", "than"), ">"), (("over",), ">"), (("above",), ">"), (("exceeding",), ">"), (("exceeds",), ">"),
    (("at", "least"), ">="), (("or", "more"), ">="), (("less", "than"), "<"), (("fewer", "than"), "<"), (("lower", "than"), "<"), (("smaller", "than"), "<"), (("under",), "<"), (("below",), "<"),
    (("at", "most"), "<="), (("up", "to"), "<="), (("equal", "to"), "="), (("exactly",), "="), (("is",), "="), (("of",), "="), (("equals",), "="), (("=",), "="), ((">",), ">"), (("<",), "<"),
    ((">=",), ">="), (("<=",), "<="),
)  # fmt: skip
_NEGATED = (("is", "not"), ("are", "not"), ("not", "equal", "to"), ("other", "than"), ("except",), ("excluding",), ("not",))  # fmt: skip
_VERSUS = (("vs",), ("versus",), ("compared", "to"), ("compared", "with"), ("against",))
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]{1,200}"|'[^']{1,200}'|“[^”]{1,200}”)|(?P<number>[$€£]?\d[\d,]*(?:\.\d+)?(?:\s?(?:k|thousand|m|million|bn|billion)\b)?%?)(?![\w-])|(?P<word>[^\W\d_][\w'-]*|>=|<=|[<>=])|(?P<other>.))""",
    re.VERBOSE | re.IGNORECASE,
)
_TIMES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}


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


@dataclass(frozen=True, slots=True)
class Unsure:
    """What is asked back. `choices`: questions or words that would be understood."""

    why: str
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Item:
    kind: str
    """word, quoted, number, period, grain or stop."""
    text: str
    value: Any = None


@dataclass(slots=True)
class _Found:
    measures: list[Measured] = field(default_factory=list)
    by: list[tuple[list[Meaning], str]] = field(default_factory=list)
    """Meanings of each, and the words."""
    grains: list[str] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    filters: list[tuple[list[Meaning], str, tuple[Any, ...], str]] = field(default_factory=list)
    having: list[tuple[str, float]] = field(default_factory=list)
    compared: Period | None = None
    bare: list[tuple[list[Meaning], str]] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    order: str = ""
    limit: int = 0
    unknown: list[str] = field(default_factory=list)
    superlative: bool = False


class _Ask(Exception):
    def __init__(self, why: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.unsure = Unsure(why, choices[:CHOICES_MAX])


def asked(question: str, lexicon: Lexicon, before: Plan | None = None) -> Understood | Answered | Unsure:
    """`before`: what was asked last; then "and by month" or "only in 2024" is enough."""
    if len(question) > QUESTION_CHARACTERS_MAX:
        return Unsure(f"Ask in at most {QUESTION_CHARACTERS_MAX:,} characters.")
    if known := _verified(question, lexicon):
        return known
    try:
        found = _Reader(lexicon, question).read()
        plan = _Deciding(lexicon, found, before).plan()
    except _Ask as error:
        return error.unsure
    return Understood(plan, told(plan))


def _verified(question: str, lexicon: Lexicon) -> Answered | None:
    """The verified question that this one is, word by word; its places take any words."""
    words = " ".join(phrase(question)) + " "
    for each in lexicon.model.verified:
        pieces = re.split(r"\{(\w+)\}", each.question)
        pattern, raw = "", ""
        for at, piece in enumerate(pieces):
            pattern += rf"(?P<{piece}>.+?)\s*" if at % 2 else "".join(re.escape(word) + " " for word in phrase(piece))  # fmt: skip
            raw += rf"(?P<{piece}>.+?)" if at % 2 else r"\W+".join(re.escape(word) for word in re.findall(r"\w+", piece)) + r"\W*"  # fmt: skip
            if not at % 2:
                raw += r"\W*" if at + 1 < len(pieces) else ""
        if len(pieces) == 1 and pattern == words:
            return Answered(each, {})
        if len(pieces) > 1 and (found := re.fullmatch(r"\W*" + raw + r"\W*", question, re.IGNORECASE)):
            return Answered(each, {name: value.strip(" \"'?.") for name, value in found.groupdict().items()})
    return None


class _Reader:
    """From words to what was found."""

    def __init__(self, lexicon: Lexicon, question: str) -> None:
        self._lexicon = lexicon
        self._items = _items(question)
        self._words = [stem(each.text) if each.kind == "word" else "\0" for each in self._items]
        self._at = 0
        self._found = _Found()
        self._returning = False
        """After "return" stand the columns of the answer: fields among them are what it is told by."""

    def read(self) -> _Found:
        while self._at < len(self._items):
            item = self._items[self._at]
            if item.kind == "period":
                self._found.periods.append(item.value)
                self._at += 1
            elif self._versus():
                continue
            elif item.kind == "grain":
                self._found.grains.append(item.value)
                self._at += 1
            elif item.kind == "stop":
                self._at += 1
            elif not self._word():
                self._found.unknown.append(item.text)
                self._at += 1
        return self._found

    def _word(self) -> bool:
        return (
            self._ordered()
            or self._told_by()
            or self._counted()
            or self._ranked()
            or self._compared_measure()
            or self._meant()
            or self._filler()
        )

    def _versus(self) -> bool:
        """`compared to last year`."""
        length = next((len(each) for each in _VERSUS if self._next(*each)), 0)
        at = self._at + length
        if not length or at >= len(self._items) or self._items[at].kind != "period":
            return False
        self._found.compared = self._items[at].value
        self._at = at + 1
        return True

    def _next(self, *words: str, ahead: int = 0) -> bool:
        at = self._at + ahead
        items = self._items[at : at + len(words)]
        return [each.text for each in items] == list(words) and all(each.kind == "word" for each in items)

    def _ordered(self) -> bool:
        """`in descending order`, `sorted by revenue`, `from highest to lowest`."""
        for said, order in (
            (("in", "descending", "order"), "most"), (("in", "ascending", "order"), "least"), (("from", "highest", "to", "lowest"), "most"), (("from", "lowest", "to", "highest"), "least"),
            (("descending", "order"), "most"), (("ascending", "order"), "least"),
        ):  # fmt: skip
            if self._next(*said):
                self._found.order = self._found.order or order
                self._at += len(said)
                return True
        return False

    def _told_by(self) -> bool:
        length = next((len(each) for each in _BY_PHRASES if self._next(*each)), 0)
        if not length and self._items[self._at].text in _BY:
            length = 1
        if not length:
            return False
        at = self._at + length
        while at < len(self._words) and self._words[at] in ("the", "a", "of", "every", "each", "different", "unique"):  # fmt: skip
            at += 1
        size, meanings = self._lexicon.at(self._words, at)
        told = [each for each in meanings if each.kind in ("field", "dataset")]
        if any(each.kind == "metric" for each in meanings) or not told:  # top 5 customers by revenue
            before, self._at = self._at, at
            if at < len(self._items) and (self._counted() or (meanings and self._meant())):
                return True
            self._at = before
            return False
        self._at = at
        self._by(size, told)
        while self._at < len(self._items) and self._items[self._at].text in ("and", ","):
            size, meanings = self._lexicon.at(self._words, self._at + 1)
            told = [each for each in meanings if each.kind in ("field", "dataset")]
            if not told or any(each.kind == "metric" for each in meanings):
                break
            self._at += 1
            self._by(size, told)
        return True

    def _by(self, size: int, told: list[Meaning]) -> None:
        self._found.by.append((told, self._text(size)))
        self._at += size

    def _text(self, size: int) -> str:
        return " ".join(each.text for each in self._items[self._at : self._at + size])

    def _counted(self) -> bool:
        """`number of orders`, `average rating`: where the model has no metric of that name."""
        size, meanings = self._lexicon.at(self._words, self._at)
        if any(each.kind == "metric" for each in meanings):
            return False
        said = max((each for each in _FUNCTIONS if self._next(*each)), key=len, default=())
        if not said:
            return False
        at = self._at + len(said)
        while at < len(self._words) and self._words[at] in ("the", "of", "all", "total"):
            at += 1
        size, meanings = self._lexicon.at(self._words, at)
        function = _FUNCTIONS[said]
        metrics = [each for each in meanings if each.kind == "metric"]
        if metrics and function in ("sum", "count"):
            self._at = at
            return self._meant()
        fitting = [each for each in meanings if self._fits(function, each)]
        if len(fitting) != 1:
            if not fitting:
                return False
            raise _Ask(f"Which {' '.join(each.text for each in self._items[at : at + size])}?", tuple(f"{' '.join(said)} {_called(each)}" for each in fitting))  # fmt: skip
        (meant,) = fitting
        if meant.kind == "dataset":
            self._found.measures.append(Measured(function="count", dataset=meant.dataset))
            self._found.datasets.append(meant.dataset)
        else:
            how = "distinct" if function == "count" else function
            self._found.measures.append(Measured(function=how, dataset=meant.dataset, field=meant.name))
        self._at = at + size
        return True

    def _fits(self, function: str, meant: Meaning) -> bool:
        if meant.kind == "dataset":
            return function == "count"
        if meant.kind != "field":
            return False
        kind = self._kind(meant)
        return kind == "number" or function in ("count", "distinct") or (function in ("min", "max") and kind == "time")  # fmt: skip

    def _kind(self, meant: Meaning) -> str:
        dataset = self._lexicon.model.dataset(meant.dataset)
        known = dataset.field(meant.name) if dataset else None
        return known.kind if known else ""

    def _ranked(self) -> bool:
        """`top 5`, `5 largest`, `the most`."""
        item = self._items[self._at]
        after = self._items[self._at + 1] if self._at + 1 < len(self._items) else None
        if item.kind == "word" and item.text in _MOST | _LEAST:
            self._found.order = "most" if item.text in _MOST else "least"
            self._at += 1
            if after and after.kind == "number":
                self._limit(after.value)
                self._at += 1
            elif after and after.kind == "word" and after.text in periods._NUMBERS:
                self._limit(periods._NUMBERS[after.text])
                self._at += 1
            elif not self._found.limit:
                self._found.superlative = True
            return True
        if item.kind == "number" and after and after.text in _MOST | _LEAST:
            self._limit(item.value)
            self._found.order = "most" if after.text in _MOST else "least"
            self._at += 2
            return True
        if item.text in ("first", "limit") and after and after.kind == "number":
            self._limit(after.value)
            self._at += 2
            return True
        return False

    def _limit(self, value: float) -> None:
        if not value.is_integer() or not 1 <= value <= LIMIT_MAX:
            raise _Ask(f"How many: a whole number from 1 to {LIMIT_MAX:,}.")
        self._found.limit = int(value)

    def _compared_measure(self) -> bool:
        """`with more than 10 orders`: a condition on what is counted."""
        at = self._at + (1 if self._items[self._at].text in ("with", "having", "have", "has", "had") else 0)
        for said, operator in _COMPARED:
            if [each.text for each in self._items[at : at + len(said)]] != list(said) or said[0] in ("is", "of"):  # fmt: skip
                continue
            place = at + len(said)
            if place < len(self._items) and self._items[place].kind == "number":
                size, meanings = self._lexicon.at(self._words, place + 1)
                counted = [each for each in meanings if each.kind in ("dataset", "metric")]
                if counted:
                    meant = counted[0]
                    measured = Measured(metric=meant.name) if meant.kind == "metric" else Measured(function="count", dataset=meant.dataset)  # fmt: skip
                    if measured not in self._found.measures:
                        self._found.measures.append(measured)
                    self._found.having.append((operator, self._items[place].value))
                    self._at = place + 1 + size
                    return True
        return False

    def _meant(self) -> bool:
        size, meanings = self._lexicon.at(self._words, self._at)
        if not meanings:
            return False
        words = self._text(size)
        metrics = [each for each in meanings if each.kind == "metric"]
        values = [each for each in meanings if each.kind == "value"]
        if len(metrics) > 1:
            raise _Ask(f"Which {words}?", tuple(_plain(each.name) for each in metrics))
        self._at += size
        if metrics:
            measured = Measured(metric=metrics[0].name)
            if not self._condition_on(measured) and measured not in self._found.measures:
                self._found.measures.append(measured)
            return True
        if values:
            self._found.filters.append((values, "=", tuple({each.value for each in values})[:1], words))
            return True
        fields = [each for each in meanings if each.kind == "field"]
        if fields and self._condition(fields, words):
            return True
        datasets = [each for each in meanings if each.kind == "dataset"]
        if datasets:
            self._found.datasets.append(datasets[0].dataset)
            return True
        (self._found.by if self._returning else self._found.bare).append((fields, words))
        return True

    def _condition_on(self, measured: Measured) -> bool:
        for said, operator in _COMPARED:
            place = self._at + len(said)
            if self._next(*said) and said[0] not in ("is", "of") and place < len(self._items) and self._items[place].kind == "number":  # fmt: skip
                if measured not in self._found.measures:
                    self._found.measures.append(measured)
                self._found.having.append((operator, self._items[place].value))
                self._at = place + 1
                return True
        return False

    def _condition(self, fields: list[Meaning], words: str) -> bool:
        """What follows a field: `status is "paid"`, `price over 300`, `rating between 3 and 4`."""
        if self._next("between") and [each.kind for each in self._items[self._at + 1 : self._at + 4]] == ["number", "word", "number"]:  # fmt: skip
            low, high = self._items[self._at + 1].value, self._items[self._at + 3].value
            self._found.filters.append((fields, "between", (low, high), words))
            self._at += 4
            return True
        for denied in _NEGATED:
            at = self._at + len(denied)
            if self._next(*denied) and at < len(self._items) and self._items[at].kind == "quoted":
                self._found.filters.append((fields, "<>", (self._items[at].value,), words))
                self._at = at + 1
                return True
        for said, operator in (*_COMPARED, (("starts", "with"), "starts"), (("starting", "with"), "starts"), (("contains",), "contains"), (("containing",), "contains"), ((), "=")):  # fmt: skip
            at = self._at + len(said)
            if not self._next(*said) or at >= len(self._items):
                continue
            item = self._items[at]
            quoted = item.kind == "quoted" and operator in ("=", "starts", "contains")
            if quoted or (item.kind == "number" and said and operator not in ("starts", "contains")):
                self._found.filters.append((fields, operator, (item.value,), words))
                self._at = at + 1
                return True
        return False

    def _filler(self) -> bool:
        item = self._items[self._at]
        if item.kind == "word" and item.text in FILLER:
            self._returning = self._returning or item.text in _RETURNING
            self._at += 1
            return True
        return False


class _Deciding:
    """From what was found to a plan: which table each word is of, and what is missing."""

    def __init__(self, lexicon: Lexicon, found: _Found, before: Plan | None) -> None:
        self._lexicon = lexicon
        self._found = found
        self._before = before

    def plan(self) -> Plan:
        found = self._found
        if found.unknown:
            self._ask_unknown()
        measures = list(found.measures)
        following = self._before is not None and not measures
        if following and self._before:
            measures = list(self._before.measures)
        if not measures:
            return self._rows()
        by = [one for meanings, words in found.by for one in self._one_by(meanings, words)]
        homes = [*(each.dataset for each in measures if each.dataset), *found.datasets, *(each.dataset for each in by)]  # fmt: skip
        by += [self._time(grain, measures) for grain in found.grains]
        filters = [self._filter(*each, homes) for each in found.filters]
        if found.compared and not found.periods:  # this month, against the last
            found.periods.append(Period("this", found.compared.unit))
        if len(found.periods) > 1:
            raise _Ask("Which of these stretches of time?", tuple(_period(each) for each in found.periods))
        filters += [self._within(period, measures) for period in found.periods]
        by = self._superlative(by, measures)
        self._check_bare(by)
        self._check_named(measures, by, filters)
        plan = Plan(
            measures=tuple(dict.fromkeys(measures)),
            by=tuple(dict.fromkeys(by)),
            filters=tuple(filters),
            having=tuple(Having(measures[-1], operator, value) for operator, value in found.having),
            order=found.order,
            limit=found.limit,
            compared=self._other(found.periods),
        )
        if following and self._before:
            plan = _merged(self._before, plan)
        if plan.limit and not plan.by:
            raise _Ask("The first of what? Say what it is told by.", self._suggested(plan.measures[0]))
        return replace(plan, order="most") if plan.limit and not plan.order else plan

    def _other(self, periods: list[Period]) -> Period | None:
        """What it is compared with; last month against the previous one is against the one before it."""
        other = self._found.compared
        if other and periods and other.kind == "previous" and periods[0].kind == "previous":
            return replace(other, kind="before")
        return other

    def _superlative(self, by: list[By], measures: list[Measured]) -> list[By]:
        """`Which region has the highest revenue?`: by region, the first."""
        found = self._found
        if found.datasets and not by and (found.limit or found.superlative):
            other = [each for each in found.datasets if each not in {one.dataset for one in measures if one.function == "count" and not one.field}]  # fmt: skip
            by = [one for each in dict.fromkeys(other) for one in self._named(each)]
        if not by and (found.limit or found.superlative or found.having):
            by = [By(meant.dataset, meant.name) for each in found.bare[:1] for meant in [self._one(*each)]]
        if found.superlative and by and not found.limit:
            found.limit = 1
        return by

    def _check_bare(self, by: list[By]) -> None:
        """A field that is only named is one that it is told by already, or one that nobody said what to do with."""
        told_by = {(each.dataset, each.field) for each in by}
        for meanings, words in self._found.bare:
            if not told_by & {(each.dataset, each.name) for each in meanings}:
                raise _Ask(f"What about {words}: told by it, or only some of it?", (f"by {words}", f'where {words} is "…"'))  # fmt: skip

    def _check_named(self, measures: list[Measured], by: list[By], filters: list[Filter]) -> None:
        """A table that is named and not used would have been a condition: customers with orders."""
        used = {each.dataset for each in by} | {each.dataset for each in filters}
        used |= {name for each in measures for name in self._datasets(each)}
        for each in self._found.datasets:
            if each not in used:
                raise _Ask(f"What about {_plain(each)}: told by it?", (f"by {_plain(each)}",))

    def _rows(self) -> Plan:
        raise _Ask("What is measured? Name a metric, or ask how many, or for a sum or an average.", tuple(_plain(each.name) for each in self._lexicon.model.metrics))  # fmt: skip

    def _ask_unknown(self) -> None:
        words = [each for each in dict.fromkeys(self._found.unknown) if each.strip()]
        words = [each for each in words if each not in _BY] or words
        near = tuple(dict.fromkeys(one for each in words for one in _near(each, self._lexicon)))
        hint = "" if near else " Put a value between quotes, after the name of its field."
        raise _Ask(f"I do not know {', '.join(f'“{each}”' for each in words[:4])}.{hint}", near)

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
        for homes in (set(self._found.datasets), {each.dataset for each in self._found.measures if each.dataset}):  # fmt: skip
            near = [each for each in fields if each.dataset in homes]
            if len(near) == 1:
                return near[0]
        raise _Ask(f"Which {words}?", tuple(f"{_plain(each.dataset)} {_plain(each.name)}" for each in fields))

    def _named(self, dataset: str) -> list[By]:
        found = self._lexicon.naming(dataset)
        if not found:
            known = self._lexicon.model.dataset(dataset)
            raise _Ask(f"What of {_plain(dataset)}?", tuple(f"by {_plain(each.name)}" for each in (known.fields if known else ())))  # fmt: skip
        return [By(dataset, each.name) for each in found]

    def _filter(self, meanings: list[Meaning], operator: str, values: tuple[Any, ...], words: str, homes: list[str]) -> Filter:  # fmt: skip
        near = [each for each in meanings if each.dataset in homes] or meanings
        meant = near[0] if len(near) == 1 else self._one(near, words)
        dataset = self._lexicon.model.dataset(meant.dataset)
        known = dataset.field(meant.name) if dataset else None
        if operator == "=" and known and known.values and isinstance(values[0], str):
            values = (known.values.get(values[0].lower(), values[0]),)
        return Filter(meant.dataset, meant.name, operator, values)

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
        homes = dict.fromkeys(each for one in measures for each in self._datasets(one))
        times = [(home, each.name) for home in homes for each in self._lexicon.times(home)]
        if len(times) == 1:
            return times[0]
        if not times:
            raise _Ask("What is measured has no time in the model.")
        raise _Ask("Which time?", tuple(f"{_plain(name)} of {_plain(home)}" for home, name in times))

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
            f"{_plain(measured.name)} by {_plain(each.name)}"
            for home in self._datasets(measured)
            for dataset in [self._lexicon.model.dataset(home)]
            if dataset
            for each in dataset.fields
            if each.kind in ("text", "")
        )


def _items(question: str) -> list[_Item]:
    """Words, numbers, texts between quotes, stretches of time and their periods."""
    text = question.lower().replace("’", "'").replace("'s ", " ")
    kept = question.replace("’", "'").replace("'s ", " ")
    if len(text) != len(kept):  # a letter whose small form is longer
        kept = text
    found: list[_Item] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        taken = _timed(text, at)
        if taken:
            item, at = taken
            found.append(item)
            continue
        token = _TOKEN.match(text, at)
        if token is None:
            break
        if token["quoted"]:
            value = kept[token.start("quoted") + 1 : token.end("quoted") - 1]
            found.append(_Item("quoted", value, value))
        elif token["number"]:
            found.append(_Item("number", token["number"], _number(token["number"])))
        elif token["word"]:
            found += [_Item("word", each) for each in _pieces(token["word"])]
        elif token["other"] in ",;":
            found.append(_Item("stop", ","))
        elif token["other"].isalnum():
            found.append(_Item("word", token["other"]))
        at = max(token.end(), at + 1)
    return found


def _pieces(word: str) -> list[str]:
    """`sale_price` is two words."""
    return [each for each in word.split("_") if each] or [word]


def _timed(text: str, at: int) -> tuple[_Item, int] | None:
    if at and (text[at - 1].isalnum() or text[at - 1] in "_-'\""):
        return None
    best: tuple[_Item, int] | None = None
    for pattern, reading in periods.PHRASES:
        if (found := pattern.match(text, at)) and _ends(text, found.end()):
            period = reading(found)
            if period and (best is None or found.end() > best[1]):
                best = (_Item("period", found[0], period), found.end())
    for shape, grain in periods.GRAINS:
        if (found := shape.match(text, at)) and _ends(text, found.end()) and (best is None or found.end() > best[1]):  # fmt: skip
            best = (_Item("grain", found[0], grain), found.end())
    return best


def _ends(text: str, at: int) -> bool:
    return at >= len(text) or not (text[at].isalnum() or text[at] in "_-")


def _number(said: str) -> float:
    digits = re.sub(r"[^\d.]", "", said)
    times = next((_TIMES[unit] for unit in re.findall(r"[a-z]+", said) if unit in _TIMES), 1.0)
    return float(digits) * times


def _merged(before: Plan, now: Plan) -> Plan:
    """What was asked before, with what is said on top of it: a condition takes the place of the one on the same field."""
    fields = {(each.dataset, each.field) for each in now.filters}
    kept = tuple(each for each in before.filters if (each.dataset, each.field) not in fields)
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


def _near(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Words of the model that look like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is not known

    said = {" ".join(each): None for each in lexicon.all()}
    return tuple(get_close_matches(stem(word), list(said), CHOICES_MAX, 0.75))


def _called(meant: Meaning) -> str:
    return f"{_plain(meant.dataset)} {_plain(meant.name)}".strip()


def _plain(name: str) -> str:
    return name.replace("_", " ")


def told(plan: Plan) -> str:
    """The plan in words."""
    measures = " and ".join(_measured(each) for each in plan.measures) or "rows"
    parts = [measures]
    if plan.by:
        parts.append("by " + ", ".join(f"{each.grain} of {_plain(each.field)}" if each.grain else f"{_plain(each.dataset)} {_plain(each.field)}" for each in plan.by))  # fmt: skip
    for each in plan.filters:
        parts.append(f"{_plain(each.dataset)} {_plain(each.field)} {_period(each.period) if each.period else each.operator + ' ' + ' and '.join(str(one) for one in each.values)}".rstrip())  # fmt: skip
    parts += [f"{_measured(each.measured)} {each.operator} {each.value:g}" for each in plan.having]
    if plan.compared:
        parts.append(f"compared with {_period(plan.compared).removeprefix('in ')}")
    if plan.limit:
        parts.append(f"the {plan.limit} with the {plan.order or 'most'}")
    elif plan.order:
        parts.append(f"the {plan.order} first")
    return ", ".join(parts)


def _measured(each: Measured) -> str:
    if each.metric:
        return _plain(each.metric)
    if not each.field:
        return f"number of {_plain(each.dataset)}"
    how = {"avg": "average", "sum": "sum of", "min": "smallest", "max": "largest", "distinct": "number of different", "count": "number of"}  # fmt: skip
    return f"{how[each.function]} {_plain(each.dataset)} {_plain(each.field)}"


def _period(period: Period) -> str:
    if period.kind == "between":
        first = f"from {period.first}" if period.first else ""
        return f"{first} {'before ' + str(period.end) if period.end else ''}".strip()
    if period.kind == "this":
        return f"in this {period.unit}"
    if period.kind == "previous":
        return f"in the {period.unit} before this one" if period.count == 1 else f"in the {period.count} {period.unit}s before this one"  # fmt: skip
    if period.kind == "before":
        return f"in the {period.unit} before that"
    return f"in the last {period.count} {period.unit}{'s' if period.count > 1 else ''}"
