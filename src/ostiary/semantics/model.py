"""A semantic model: Apache Ossie's core (datasets, fields, relationships, metrics), and verified questions besides."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

ANSI = "ANSI_SQL"
JOINS_MAX = 8
PLACES_MAX = 3
"""Of one verified question: each place takes any words, and all ways to take them are tried."""
_PLACE = re.compile(r"\{(\w*)\}")


class ModelError(Exception):
    """What is wrong with a model: (place, sentence) each. A place is a JSON Pointer."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place or '(all)'}: {said}" for place, said in faults[:10]))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Expression:
    """SQL by dialect (`postgresql`, `mysql`, `sqlite`, `duckdb`, or ANSI_SQL for all)."""

    by_dialect: Mapping[str, str]

    def of(self, dialect: str) -> str:
        """The dialect's own, else the standard's, else any."""
        return (
            self.by_dialect.get(dialect) or self.by_dialect.get(ANSI) or next(iter(self.by_dialect.values()))
        )


@dataclass(frozen=True, slots=True)
class Field:
    """`kind`: time, number, text, boolean, or "" where nobody says. `values`: words that stand for values of it, to the values."""

    name: str
    expression: Expression
    kind: str = ""
    synonyms: tuple[str, ...] = ()
    description: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """`source`: a table, as `table`, `schema.table` or `database.schema.table`. `key`: the columns of its primary key."""

    name: str
    source: str
    fields: tuple[Field, ...] = ()
    key: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    description: str = ""

    def field(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Relationship:
    """Many rows of `many` belong to one of `one`."""

    name: str
    many: str
    one: str
    many_columns: tuple[str, ...]
    one_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """`expression` names columns as `dataset.field`."""

    name: str
    expression: Expression
    synonyms: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """A question that somebody has answered once and for all, in SQL. It may have places: `orders of {region}`, as `:region` in the statement."""

    question: str
    statement: str

    @property
    def places(self) -> list[str]:
        """Their names, in order."""
        return _PLACE.findall(self.question)


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    datasets: tuple[Dataset, ...]
    relationships: tuple[Relationship, ...] = ()
    metrics: tuple[Metric, ...] = ()
    verified: tuple[Verified, ...] = ()
    description: str = ""
    instructions: str = ""

    def dataset(self, name: str) -> Dataset | None:
        return next((each for each in self.datasets if each.name == name), None)

    def belonging(self, many: str, one: str) -> list[Relationship]:
        """How rows of `many` belong to one of `one`, by one step."""
        return [each for each in self.relationships if (each.many, each.one) == (many, one)]

    def path(self, start: str, end: str) -> list[Relationship] | None:
        """The shortest way from the many to the one; None where there is none, or more than one of the same length."""
        ways: list[tuple[str, list[Relationship]]] = [(start, [])]
        for _ in range(JOINS_MAX):
            found = [way for at, way in ways if at == end]
            if found:
                return found[0] if len(found) == 1 else None
            ways = [(each.one, [*way, each]) for at, way in ways for each in self.relationships if each.many == at and each not in way]  # fmt: skip
        return None

    def reaches(self, start: str, ends: Iterable[str]) -> bool:
        """Whether each of these is found from the many to the one."""
        return all(self.path(start, each) is not None for each in ends)

    def reaches_any(self, start: str, ends: Iterable[str]) -> bool:
        """Whether another of these is found from the many to the one."""
        return any(self.path(start, each) is not None for each in ends if each != start)

    def through(self, one: str, others: Collection[str]) -> str:
        """Whose rows tell which of `one` go with what there is of the others: customers with their products, by orders. The nearest; "" where there is no such table, or several."""
        able = [each.name for each in self.datasets if self.reaches(each.name, (one, *others))]
        near = [each for each in able if each in others] or [
            each for each in able if not self.reaches_any(each, able)
        ]
        return near[0] if len(near) == 1 else ""

    def metric(self, name: str) -> Metric | None:
        return next((each for each in self.metrics if each.name == name), None)
