"""What a question asks for, in the terms of a model: a typed plan, of which the SQL follows. It holds no row and no SQL of anybody's."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of the model by its name; or `function` (count, sum, avg, min, max, distinct) of `field` of a dataset, `dataset` alone for its rows."""

    metric: str = ""
    function: str = ""
    dataset: str = ""
    field: str = ""

    @property
    def of_rows(self) -> bool:
        """Whether it is how many rows there are of the dataset."""
        return self.function == "count" and not self.field

    @property
    def name(self) -> str:
        if self.metric:
            return self.metric
        if self.of_rows:
            return f"{self.dataset}_count"
        return f"{self.function}_{self.field}"


@dataclass(frozen=True, slots=True)
class By:
    """A field that is told by; of a time field, its period (`grain`)."""

    dataset: str
    field: str
    grain: str = ""

    @property
    def name(self) -> str:
        return f"{self.field}_{self.grain}" if self.grain else self.field


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to before the last, both found out from the day of asking: `last 3 month`, `this year`, `2024`. Whole weeks begin on Monday."""

    kind: str
    """`last`: so many whole days up to and with today, or so many whole periods before this one and this one so far; `previous`: so many before this one; `before`: as many before those; `this`; `between`."""
    unit: str = "day"
    count: int = 1
    first: date | None = None
    end: date | None = None

    def bounds(self, today: date) -> tuple[date | None, date | None]:
        """(from, before); None: open."""
        if self.kind == "between":
            return self.first, self.end
        start = floor(today, self.unit)
        if self.kind == "this":
            return start, shifted(start, self.unit, 1)
        if self.kind == "previous":
            return shifted(start, self.unit, -self.count), start
        if self.kind == "before":  # the one before `previous`
            end = shifted(start, self.unit, -self.count)
            return shifted(end, self.unit, -self.count), end
        if self.unit == "day":
            return today - timedelta(days=self.count), today + timedelta(days=1)
        back = today - timedelta(weeks=self.count) if self.unit == "week" else shifted(today, self.unit, -self.count)  # fmt: skip
        return back, today + timedelta(days=1)


DAYS = frozenset(["weekend", "weekday"])
"""Conditions on the day of the week, which need no value."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`within` has a period, `weekend` and `weekday` nothing, the others values. `without`: no row of another dataset, which is the value, belongs to it; `with`: so many do (dataset, operator, number); `any`: rows of
    it there are. None of these has a field."""

    dataset: str
    field: str
    operator: str
    values: tuple[str | float, ...] = ()
    period: Period | None = None
    other: "Filter | None" = None
    """Or this one, of the same dataset."""


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on what was measured."""

    measured: Measured
    operator: str
    value: float


@dataclass(frozen=True, slots=True)
class Plan:
    """`order`: by the first measure or by what it is told by; `rows`: plain rows of these fields, where nothing is measured."""

    measures: tuple[Measured, ...] = ()
    by: tuple[By, ...] = ()
    filters: tuple[Filter, ...] = ()
    having: tuple[Having, ...] = ()
    compared: Period | None = None
    """The same for another stretch of time, beside it."""
    order: str = ""
    """`most`, `least`, or "" for the order of what it is told by."""
    limit: int = 0
    ranked: By | None = None
    """Plain rows are in the order of this field."""

    @property
    def period(self) -> Filter | None:
        """The stretch of time, where there is one."""
        return next((each for each in self.filters if each.period), None)


def floor(day: date, unit: str) -> date:
    """The first day of the period that holds it."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def shifted(day: date, unit: str, count: int) -> date:
    """So many periods later; at the end of a shorter month its last day."""
    if unit in ("day", "week"):
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
    year, month = divmod(months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (following - timedelta(days=1)).day))
