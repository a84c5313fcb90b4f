"""Who may read what of a source, as people write it; checked as a whole against what the database holds.

Rules stand in order: for each table the first one counts that names it and fits whoever asks. A table that none opens is not there. A column with a tag is masked in full unless the rule says
otherwise; tags are what names suggest, or what the policy says instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from ostiary.errors import Fault
from ostiary.guard.catalogue import Catalogue, Column, Mask, Table
from ostiary.shapes import Params, pointer
from ostiary.sources.schema import path, suggested

ENTRIES_MAX = 200
NAMES_MAX = 1_000
ROWS_MAX = 5_000
"""Of one answer that is not streamed."""
STREAM_ROWS_MAX = 1_000_000_000
WORD = r"^[a-z][a-z0-9_-]{0,62}$"
CONSENTS = ("run", "confirm", "approve")
"""In the order of how much they ask: run at once; whoever asks confirms (for a program or an agent a person does); somebody else approves."""

Word = Annotated[str, Field(pattern=WORD)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]
Path = Annotated[str, Field(min_length=1, max_length=300)]
Cost = Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
Consent = Literal["run", "confirm", "approve"]
Kind = Literal["none", "full", "partial", "hash", "token", "generalise", "null"]
_TAG = "tag:"
_STRICT = ("none", "partial", "token", "hash", "generalise", "null", "full")
"""Of two masks by two tags of a column the later one here counts."""
BUILT_IN = ("actor", "person", "roles", "purpose")
"""What is known of everybody who asks."""


class MaskEntry(Params):
    """A mask with its own measures: the first and last signs that stay (partial), the period or the width of a range (generalise), whose tokens are the same (token)."""

    kind: Kind
    first: Annotated[int, Field(ge=0, le=32)] = 0
    last: Annotated[int, Field(ge=0, le=32)] = 4
    to: Literal["year", "quarter", "month", "day", "hour"] | Annotated[int, Field(ge=2, le=10**12)] = "year"
    group: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] = ""


class ClaimEntry(Params):
    """What is known of those with one of these roles, for conditions on rows (`:region`). The first entry of a name that fits counts."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    roles: Words = ()
    value: (
        Annotated[str, Field(max_length=300)]
        | Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(min_length=1, max_length=200)]
    )


class RuleEntry(Params):
    """Opens tables. `roles` and `purposes`: any of them fits; empty: everybody's, and any or none. `tables`: `orders`, `sales.orders`, `sales.*` or `*`. `masks`: by column
    (`customers.email`) or by tag (`tag:phone`). `rows`: by table, the condition that a row must meet, in the database's SQL; it may name who asks (`region = :region`). `group_min`: rows are told in groups of at
    least so many. `consent`: who has to agree to a statement that reads one of the tables."""

    name: Word
    roles: Words = ()
    purposes: Words = ()
    tables: Annotated[tuple[Path, ...], Field(min_length=1, max_length=NAMES_MAX)]
    masks: Annotated[dict[Path, Kind | MaskEntry], Field(max_length=NAMES_MAX)] = {}  # noqa: RUF012 - pydantic copies it
    rows: Annotated[dict[Path, Annotated[str, Field(min_length=1, max_length=4_000)]], Field(max_length=NAMES_MAX)] = {}  # fmt: skip  # noqa: RUF012
    group_min: Annotated[int, Field(ge=1, le=10_000)] = 1
    consent: Consent = "run"


class SourcePolicy(Params):
    """The whole of it. `tags`: what a column is, instead of what its name suggests; an empty list: nothing. `cost_*`: the database's estimate (PostgreSQL, MariaDB, MySQL) from which on somebody confirms or approves, and beyond which
    nothing runs. `streams`: rows may be taken out as they come, up to `stream_rows_max`, by whoever has `source.stream`: masked as the rules say, and not by the tenant's masking besides. `accept_writer`: go on although the credential may do more than read. `provider`: questions that we
    do not understand ourselves go to the operator's model provider, with the names of what whoever asks may see. `samples`: whoever looks after the source may have a few rows of each table looked at by the detector, to see what is sensitive."""

    version: Literal[1]
    rules: Annotated[tuple[RuleEntry, ...], Field(max_length=ENTRIES_MAX)] = ()
    tags: Annotated[dict[Path, Words], Field(max_length=10 * NAMES_MAX)] = {}  # noqa: RUF012 - as above
    claims: Annotated[tuple[ClaimEntry, ...], Field(max_length=ENTRIES_MAX)] = ()
    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 1_000
    streams: bool = False
    stream_rows_max: Annotated[int, Field(ge=1, le=STREAM_ROWS_MAX)] = 10_000_000
    cost_confirm: Cost | None = None
    cost_approve: Cost | None = None
    cost_max: Cost | None = None
    accept_writer: bool = False
    provider: bool = False
    samples: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what for: all that a rule looks at."""

    roles: frozenset[str]
    purpose: str = ""


@dataclass(frozen=True)
class View:
    """What one kind of asker may read. `rules`: by table's path the rule that opens it. `fitting`: numbers of the rules that fit, of which it follows."""

    catalogue: Catalogue
    rules: Mapping[str, RuleEntry]
    tables: Sequence[Table]
    fitting: tuple[int, ...]

    def consent(self, read: Iterable[str]) -> tuple[str, str]:
        """The most that these tables ask for, as the guard names them, and the rule that does; ("run", "") where nothing is asked."""
        most, why = "run", ""
        for name in read:
            for table in self.catalogue.find("", name):
                rule = self.rules[path(table.schema, table.name)]
                if CONSENTS.index(rule.consent) > CONSENTS.index(most):
                    most, why = rule.consent, rule.name
        return most, why


@dataclass(frozen=True)
class Opened:
    """A policy over the tables that were taken in. Makes views, each once."""

    policy: SourcePolicy
    tables: tuple[Table, ...]
    _views: dict[tuple[int, ...], View] = field(default_factory=dict, compare=False, repr=False)

    def view(self, asker: Asker) -> View:
        fitting = tuple(number for number, rule in enumerate(self.policy.rules) if _fits(rule, asker))
        found = self._views.get(fitting)
        if found is None:
            found = self._views[fitting] = self._made(fitting)
        return found

    def tags(self, table: Table) -> Mapping[str, tuple[str, ...]]:
        """By column's name: what it is, by the policy or else by its name."""
        known = suggested(table)
        return {
            column.name: self._said.get(path(table.schema, table.name, column.name).lower(), known.get(column.name, ()))
            for column in table.columns
        }  # fmt: skip

    @cached_property
    def _said(self) -> Mapping[str, tuple[str, ...]]:
        """By column's path, in small letters: what the policy itself says that it is."""
        return {
            path(table.schema, table.name, column.name).lower(): tags
            for name, tags in self.policy.tags.items()
            for table, column in columns_of(name, self.tables)
        }

    def _made(self, fitting: tuple[int, ...]) -> View:
        rules = [self.policy.rules[number] for number in fitting]
        shown, by = [], {}
        for table in self.tables:
            rule = next((each for each in rules if any(covers(name, table) for name in each.tables)), None)
            if rule:
                shown.append(self._governed(table, rule))
                by[path(table.schema, table.name)] = rule
        return View(Catalogue.holding(shown), by, shown, fitting)

    def _governed(self, table: Table, rule: RuleEntry) -> Table:
        tags = self.tags(table)
        columns = tuple(replace(each, mask=_mask(table, each, tags[each.name], rule)) for each in table.columns)  # fmt: skip
        rows = " AND ".join(f"({text})" for name, text in rule.rows.items() if covers(name, table))
        return Table(
            table.name, columns, table.schema, table.key, rows, group_min=rule.group_min, view=table.view
        )


def claims(policy: SourcePolicy, asker: Asker, actor: str, person: str) -> dict[str, str | list[str]]:
    """What is known about who asks. What nothing is known of is not in it, so that a condition that names it lets nobody through."""
    known: dict[str, str | list[str]] = {"actor": actor, "roles": sorted(asker.roles) or [""]}
    known |= {name: value for name, value in (("person", person), ("purpose", asker.purpose)) if value}
    for entry in policy.claims:
        if entry.name not in known and (not entry.roles or asker.roles & set(entry.roles)):
            known[entry.name] = entry.value if isinstance(entry.value, str) else list(entry.value)
    return known


def covers(name: str, table: Table) -> bool:
    """Whether a rule's `sales.orders`, `sales.*`, `orders` or `*` names the table."""
    said, own = name.lower(), (table.schema.lower(), table.name.lower())
    if said == "*":
        return True
    schema, _, last = said.rpartition(".")
    return (not schema or schema == own[0]) and (last == own[1] or (last == "*" and bool(schema)))


def columns_of(name: str, tables: Iterable[Table]) -> list[tuple[Table, Column]]:
    """The columns that `customers.email` or `sales.customers.email` names."""
    where, _, last = name.rpartition(".")
    return [
        (table, column)
        for table in tables
        if where and covers(where, table) and (column := table.by_name.get(last.lower()))
    ]


def faults(policy: SourcePolicy, tables: Sequence[Table]) -> list[Fault]:
    """What the policy speaks of and the database does not have: a mask that names nothing would hide nothing. Pointers are relative to the policy."""
    found = [Fault(pointer("tags", name), _NO_COLUMN) for name in policy.tags if len(columns_of(name, tables)) != 1]  # fmt: skip
    for number, entry in enumerate(policy.claims):
        if entry.name in BUILT_IN:
            found.append(Fault(pointer("claims", number, "name"), "is known of everybody who asks already"))
    names = [rule.name for rule in policy.rules]
    for number, rule in enumerate(policy.rules):
        at = ("rules", number)
        if names.index(rule.name) != number:
            found.append(Fault(pointer(*at, "name"), "names two rules: a question has to say which one asks"))
        found += [Fault(pointer(*at, "tables", which), _NO_TABLE) for which, name in enumerate(rule.tables) if not _one(name, tables)]  # fmt: skip
        found += [
            Fault(pointer(*at, "masks", name), _NO_COLUMN)
            for name in rule.masks
            if not name.startswith(_TAG) and len(columns_of(name, tables)) != 1
        ]
        found += [
            Fault(pointer(*at, "rows", name), _NO_TABLE)
            for name in rule.rows
            if "*" in name or not _one(name, tables)
        ]
    return found


_NO_TABLE = "names no table of the database, or several: say its schema"
_NO_COLUMN = "names no column of the database, or several: say table and schema"


def _one(name: str, tables: Sequence[Table]) -> bool:
    found = sum(covers(name, table) for table in tables)
    return found > 0 if "*" in name else found == 1


def _fits(rule: RuleEntry, asker: Asker) -> bool:
    by_role = not rule.roles or bool(asker.roles & set(rule.roles))
    return by_role and (not rule.purposes or asker.purpose in rule.purposes)


def _mask(table: Table, column: Column, tags: Sequence[str], rule: RuleEntry) -> Mask | None:
    """By the column's own entry; else the strictest of its tags' entries, and in full for a tag without one."""
    for name, said in rule.masks.items():
        where, _, last = name.rpartition(".")
        if not name.startswith(_TAG) and last.lower() == column.name.lower() and covers(where, table):
            return _mask_of(said)
    said_of = [rule.masks.get(_TAG + tag, "full") for tag in tags]
    if not said_of:
        return None
    return _mask_of(max(said_of, key=lambda said: _STRICT.index(_kind(said))))


def _kind(said: str | MaskEntry) -> str:
    return said if isinstance(said, str) else said.kind


def _mask_of(said: str | MaskEntry) -> Mask | None:
    if _kind(said) == "none":
        return None
    return Mask(said) if isinstance(said, str) else Mask(said.kind, said.first, said.last, said.to, said.group)  # fmt: skip
