"""What was found of a model in the words of a question, and what is asked back where that is not enough."""

from dataclasses import dataclass, field
from typing import Any

from ostiary.semantics.lexicon import Meaning
from ostiary.semantics.plan import Measured, Period

CHOICES_MAX = 6


@dataclass(frozen=True, slots=True)
class Unsure:
    """What is asked back. `choices`: questions or words that would be understood."""

    why: str
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class Found:
    measures: list[Measured] = field(default_factory=list)
    by: list[tuple[list[Meaning], str]] = field(default_factory=list)
    """Meanings of each, and the words."""
    grains: list[str] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    days: str = ""
    """`weekend` or `weekday`."""
    period_of: str = ""
    """The table that was named last before it."""
    filters: list[tuple[list[Meaning], str, tuple[Any, ...], str]] = field(default_factory=list)
    either: bool = False
    """The first condition, or the second."""
    ranked_first: bool = False
    """`the highest price`, before anything else was named."""
    lacking: list[tuple[str, str]] = field(default_factory=list)
    """(of, without): customers without orders."""
    holding: list[tuple[str, str]] = field(default_factory=list)
    """(of, with): customers who made orders."""
    having: list[tuple[Measured, str, float]] = field(default_factory=list)
    ordering: Measured | None = None
    """By which measure the order goes, where it says so: `top 5 by revenue`, `from lowest to highest revenue`."""
    compared: Period | None = None
    ranked: tuple[list[Meaning], str] | None = None
    """Which field the order goes by: `the highest rating`."""
    bare: list[tuple[list[Meaning], str]] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    joined: tuple[str, ...] = ()
    """Tables that the question says are to be joined: each has to be in the plan."""
    order: str = ""
    after: str = ""
    """An order that was said besides a superlative: the highest price of each model, from highest to lowest."""
    limit: int = 0
    unknown: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    """What seems to be a value of some field: between quotes, or with a capital."""
    distinct: bool = False
    sorted: list[tuple[list[Meaning], str]] = field(default_factory=list)
    """Fields that the rows are to be in the order of."""
    grouped: bool = False
    """Something is to be told by something: it takes a measure."""
    superlative: bool = False
    alone: bool = False
    """`highest revenue by country`: the one, or all of them in order?"""


class AskBack(Exception):
    def __init__(self, why: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(why)
        self.unsure = Unsure(why, choices[:CHOICES_MAX])
