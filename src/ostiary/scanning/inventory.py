"""What a place holds, in sums: by category, by family, by folder or table, with the risk, and what changed since the run before. Pure; it holds no value.

The weight of a place, folder or table is exposure x the sum over its families of sensitivity (1 to 5) x log10(1 + distinct values): ten times the values of a kind add
one step, and a hundred card numbers weigh more than a thousand dates. Its risk is 100 x (1 - e^(-weight / 60)), so that places of every size can be told apart.
Sums are exact but for `distinct`: a value that stands in two items counts
twice, so it is an upper bound; a column's is its sampled share carried over to the table's estimated rows.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ostiary.detection.categories import Family, family_of
from ostiary.scanning.columns import VALUES_MAX
from ostiary.scanning.look import Looked
from ostiary.scanning.place import IN_PART, LOOKED

SENSITIVITY: Mapping[str, int] = MappingProxyType(
    {
        Family.PRIVATE_KEY: 5,
        Family.API_KEY: 5,
        Family.PASSWORD: 5,
        Family.CARD: 5,
        Family.NATIONAL_ID: 5,
        Family.HEALTH_ID: 5,
        Family.MEDICAL: 5,
        Family.PASSPORT: 5,
        Family.DRIVING_LICENCE: 4,
        Family.IBAN: 4,
        Family.BANK_ACCOUNT: 4,
        Family.DATE_OF_BIRTH: 4,
        Family.NATIONALITY: 4,
        Family.CRYPTO_WALLET: 3,
        Family.ADDRESS: 3,
        Family.PERSON: 3,
        Family.EMAIL: 3,
        Family.PHONE: 3,
        Family.ID_NUMBER: 3,
        Family.CUSTOM: 3,
        Family.TAX_ID: 2,
        Family.USERNAME: 2,
        Family.VEHICLE: 2,
        Family.AGE: 2,
        Family.IP_ADDRESS: 2,
        Family.MAC_ADDRESS: 2,
        Family.JOB_TITLE: 1,
        Family.LOCATION: 1,
        Family.ORGANISATION: 1,
        Family.DATE: 1,
        Family.URL: 1,
    }
)
"""By family, 1 (seldom harms alone) to 5 (harms as soon as it is out)."""
RISK_MAX = 100
RISK_SCALE = 60
"""The weight at which a risk is 63: three of the gravest families with ten thousand values each."""
LEVELS = ((60, "high"), (25, "medium"))
"""A risk from this on is called so; any other above 0 is low."""
GROUPS_MAX = 10_000
"""Folders or tables that are summed by name; those beyond are summed as one, named OTHERS."""
OTHERS = "(others)"
TOP_MAX = 50
UNSEEN_MAX = 200
"""Items not looked at that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of one category, family, folder or table. risk: of a folder or table; of a family its part of the weight. categories: findings by category (of folders and tables only)."""

    name: str
    items: int
    findings: int
    distinct: int
    risk: float = 0.0
    categories: Mapping[str, int] = field(default_factory=dict)

    @property
    def level(self) -> str:
        return level_of(self.risk)


@dataclass(frozen=True, slots=True)
class Unseen:
    """An item that was not looked at whole, and why."""

    key: str
    state: str
    code: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """name: the place, without secrets. items: all that were listed; looked: those looked at, whole or in part; with_findings: those in which something was found.

    states: items by state. categories, families: the most findings first. top: folders or tables, the greatest risk first. unseen: the first of those not looked at.
    """

    name: str
    kind: str
    items: int
    looked: int
    with_findings: int
    size: int
    findings: int
    risk: float
    states: Mapping[str, int]
    categories: tuple[Total, ...]
    families: tuple[Total, ...]
    top: tuple[Total, ...]
    unseen: tuple[Unseen, ...]

    @property
    def level(self) -> str:
        return level_of(self.risk)


@dataclass(frozen=True, slots=True)
class Change:
    """A category's distinct values, before and now."""

    name: str
    before: int
    now: int


@dataclass(slots=True)
class _Sum:
    items: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    distinct: Counter[str] = field(default_factory=Counter)

    def add(self, counts: Mapping[str, int], distinct: Mapping[str, int]) -> None:
        self.items += 1
        self.counts.update(counts)
        self.distinct.update(distinct)

    def to_data(self) -> list[Any]:
        return [self.items, dict(self.counts), dict(self.distinct)]

    @classmethod
    def of_data(cls, data: Any) -> "_Sum":
        items, counts, distinct = data
        return cls(int(items), Counter(counts), Counter(distinct))


class Tally:
    """Sums that grow item by item, in memory that does not grow with the place. `groups_max`: folders or tables that are summed by name."""

    def __init__(self, name: str, kind: str, *, exposure: float = 1.0, groups_max: int = GROUPS_MAX) -> None:
        self._name, self._kind, self._exposure = name, kind, exposure
        self._groups_max = groups_max
        self._all = _Sum()
        self._having: Counter[str] = Counter()
        self._families: Counter[str] = Counter()
        self._groups: dict[str, _Sum] = {}
        self._states: Counter[str] = Counter()
        self._unseen: list[Unseen] = []
        self._size = self._with = 0

    def add(self, looked: Looked) -> None:
        self._states[looked.state] += 1
        self._size += looked.size
        if looked.state != LOOKED and len(self._unseen) < UNSEEN_MAX:
            self._unseen.append(Unseen(looked.key, looked.state, looked.code))
        distinct = carried_over(looked)
        self._all.add(looked.counts, distinct)
        if not looked.counts:
            return
        self._with += 1
        self._having.update(looked.counts.keys())
        self._families.update({family_of(category) for category in looked.counts})
        group = group_of(looked.key, self._kind)
        if group not in self._groups and len(self._groups) >= self._groups_max:
            group = OTHERS
        self._groups.setdefault(group, _Sum()).add(looked.counts, distinct)

    def inventory(self) -> Inventory:
        """What the sums are now."""
        everything = self._all
        categories = [
            Total(name, self._having[name], count, everything.distinct[name])
            for name, count in everything.counts.items()
        ]
        groups = [
            Total(name, own.items, own.counts.total(), own.distinct.total(), self._risk(own.distinct), dict(own.counts))
            for name, own in self._groups.items()
        ]  # fmt: skip
        return Inventory(
            self._name,
            self._kind,
            self._states.total(),
            self._states[LOOKED] + self._states[IN_PART],
            self._with,
            self._size,
            everything.counts.total(),
            self._risk(everything.distinct),
            dict(sorted(self._states.items())),
            tuple(sorted(categories, key=_most)),
            tuple(sorted(self._by_family(categories), key=_most)),
            tuple(sorted(groups, key=lambda each: (-each.risk, each.name))[:TOP_MAX]),
            tuple(self._unseen),
        )

    def to_data(self) -> dict[str, Any]:
        """The sums as JSON values, for `of_data`: a scan that goes on in another process goes on with them."""
        return {
            "name": self._name,
            "kind": self._kind,
            "exposure": self._exposure,
            "groups_max": self._groups_max,
            "all": self._all.to_data(),
            "having": dict(self._having),
            "families": {str(name): count for name, count in self._families.items()},
            "groups": {name: own.to_data() for name, own in self._groups.items()},
            "states": dict(self._states),
            "unseen": [[each.key, each.state, each.code] for each in self._unseen],
            "size": self._size,
            "with": self._with,
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "Tally":
        """The tally that gave this. Raises KeyError, TypeError, ValueError for what none gave."""
        tally = cls(
            data["name"], data["kind"], exposure=float(data["exposure"]), groups_max=int(data["groups_max"])
        )
        tally._all = _Sum.of_data(data["all"])
        tally._having = Counter(data["having"])
        tally._families = Counter(data["families"])
        tally._groups = {name: _Sum.of_data(own) for name, own in data["groups"].items()}
        tally._states = Counter(data["states"])
        tally._unseen = [Unseen(*each) for each in data["unseen"]]
        tally._size, tally._with = int(data["size"]), int(data["with"])
        return tally

    def _by_family(self, categories: Iterable[Total]) -> Iterable[Total]:
        findings: Counter[str] = Counter()
        distinct: Counter[str] = Counter()
        for each in categories:
            findings[family_of(each.name)] += each.findings
            distinct[family_of(each.name)] += each.distinct
        for name, count in findings.items():
            own = self._exposure * SENSITIVITY.get(name, 1) * math.log10(1 + distinct[name])
            yield Total(str(name), self._families[name], count, distinct[name], round(own, 1))

    def _risk(self, distinct: Mapping[str, int]) -> float:
        return risk_of(distinct, self._exposure)


def inventory(name: str, kind: str, looked: Iterable[Looked], *, exposure: float = 1.0) -> Inventory:
    """What a place holds, out of everything that was looked at in it."""
    tally = Tally(name, kind, exposure=exposure)
    for each in looked:
        tally.add(each)
    return tally.inventory()


def risk_of(distinct: Mapping[str, int], exposure: float = 1.0) -> float:
    """0 to 100, of distinct values by category."""
    return round(RISK_MAX * (1 - math.exp(-weight_of(distinct, exposure) / RISK_SCALE)), 1)


def weight_of(distinct: Mapping[str, int], exposure: float = 1.0) -> float:
    """exposure x sum over families of sensitivity x log10(1 + distinct values)."""
    families: Counter[str] = Counter()
    for category, count in distinct.items():
        families[family_of(category)] += count
    return exposure * sum(
        SENSITIVITY.get(family, 1) * math.log10(1 + count) for family, count in families.items()
    )


def level_of(risk: float) -> str:
    """ "none", "low", "medium" or "high"."""
    return next((name for least, name in LEVELS if risk >= least), "low" if risk > 0 else "none")


def group_of(key: str, kind: str) -> str:
    """The folder of a file or object (its first two parts), or the table of a column."""
    if kind == "database":
        return key.rpartition(".")[0]
    folders = key.split("/")[:-1]
    return "/".join(folders[:2]) or "/"


def carried_over(looked: Looked) -> Mapping[str, int]:
    """Distinct values by category: of a column as they would be in the whole table, by the share of the sample; of anything else as counted.

    A sample that has fewer distinct values than were asked for has about all of them."""
    if looked.values < VALUES_MAX or looked.rows <= looked.values:
        return looked.distinct
    return {
        category: max(count, round(count / looked.values * looked.rows))
        for category, count in looked.distinct.items()
    }


def trend(before: Mapping[str, int], now: Inventory) -> tuple[Change, ...]:
    """What differs from the run before, whose distinct values by category are given: the greatest difference first."""
    after = {each.name: each.distinct for each in now.categories}
    changes = [Change(name, before.get(name, 0), after.get(name, 0)) for name in before.keys() | after.keys()]
    moved = [each for each in changes if each.before != each.now]
    return tuple(sorted(moved, key=lambda each: (-abs(each.now - each.before), each.name)))


def _most(total: Total) -> tuple[int, str]:
    return -total.findings, total.name
