"""What may be read: tables, their columns, how these are masked, and which rows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from ostiary.guard.names import key

DEFAULT_SCHEMAS = ("public", "main", "dbo")
"""Where a table without a schema lies."""

MASKS = ("full", "partial", "hash", "token", "generalise", "null")
"""full: a constant. partial: the first and the last signs. hash: the same for the same value of this column. token: the same for the same value of a group of columns, so that they can be joined.
generalise: a period, or a range of numbers. null: nothing."""


class CatalogueError(Exception):
    """The file is not a catalogue."""


@dataclass(frozen=True, slots=True)
class Mask:
    """How a column is shown. `first`, `last`: signs that stay (partial). `to`: a period (year, quarter, month, day, hour) or the width of a range (generalise). `group`: whose tokens are the
    same (token)."""

    kind: str
    first: int = 0
    last: int = 4
    to: str | int = "year"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """`type` as the database writes it; "" where it is not known."""

    name: str
    type: str = ""
    mask: Mask | None = None


@dataclass(frozen=True)
class Table:
    """`key`: the columns of the primary key. `rows`: the condition that a row must meet to be seen, in the database's SQL; it may name who asks as `:name`. "": all rows.
    `view`: it is none of its own, and may be read along an index of another table. `group_min`: rows are told in groups of at least so many only; 1: each by itself."""

    name: str
    columns: tuple[Column, ...]
    schema: str = ""
    key: tuple[str, ...] = ()
    rows: str = ""
    group_min: int = 1
    view: bool = False
    written: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """By dialect: what stands in its place (`relation.py`)."""

    @property
    def hides(self) -> bool:
        """Whether anything of it is not shown as it is."""
        return bool(self.masked or self.rows or self.group_min > 1)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """In small letters."""
        return {column.name.lower(): column for column in self.columns}

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the columns, in small letters."""
        return frozenset(self.by_name)

    @cached_property
    def masked(self) -> frozenset[str]:
        """Names of the masked columns, in small letters."""
        return frozenset(name for name, column in self.by_name.items() if column.mask)


@dataclass(frozen=True)
class Catalogue:
    """Tables by name, and by schema and name (`sales.orders`), in small letters. `complete`: what is not in it may not be read."""

    tables: Mapping[str, tuple[Table, ...]] = field(default_factory=dict)
    complete: bool = False

    @classmethod
    def of(cls, given: Any) -> Self:
        """From `{"tables": [{"schema", "name", "columns": [name or {"name", "type", "mask"}], "key": [name], "rows": condition, "group_min": 5, "view": true}]}`, where all but the name and the columns may be missing. A mask
        is a kind, or an object with its kind. Tables and columns may be objects by name instead, and masks may stand beside the columns of a table or beside the tables
        (`{"customers": {"ssn": "full"}}`). Raises CatalogueError, also for a key that it does not know: a mask that is not understood would be none."""
        try:
            return cls.holding(_tables(given))
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise CatalogueError('a catalogue is {"tables": [{"name": ..., "columns": [...]}]}') from error

    @classmethod
    def holding(cls, tables: list[Table]) -> Self:
        """These tables and no other. Raises CatalogueError where two differ in nothing but small and capital letters."""
        found: dict[str, tuple[Table, ...]] = {}
        for table in tables:
            name = table.name.lower()
            found[name] = (*found.get(name, ()), table)
            for schema in [table.schema.lower()] if table.schema else DEFAULT_SCHEMAS:
                if found.setdefault(f"{schema}.{name}", (table,)) != (table,):
                    raise CatalogueError(f"two tables are called {schema}.{name}")
        return cls(found, complete=True)

    def fitted(self, there: list[Table]) -> tuple[Self, list[str]]:
        """With types and keys as the database has them, and what it lacks (`sales.orders`, `sales.orders.region`), which is left out."""
        known = type(self).holding(there)
        fitted, missing = [], []
        for table in {id(each): each for tables in self.tables.values() for each in tables}.values():
            called = f"{table.schema}.{table.name}".lstrip(".")
            found = known.find(table.schema, table.name)
            if len(found) != 1:
                missing.append(called)
                continue
            columns = [replace(each, name=real.name, type=real.type) for each in table.columns if (real := found[0].by_name.get(each.name.lower()))]  # fmt: skip
            missing += [
                f"{called}.{each.name}" for each in table.columns if each.name.lower() not in found[0].by_name
            ]
            own = {each.name.lower() for each in columns}
            own_key = found[0].key if {name.lower() for name in found[0].key} <= own else ()
            fitted.append(
                Table(
                    found[0].name,
                    tuple(columns),
                    found[0].schema,
                    own_key,
                    table.rows,
                    table.group_min,
                    found[0].view,
                )
            )
        return type(self).holding(fitted), missing

    @cached_property
    def keys(self) -> frozenset[str]:
        """Of the names of its tables (`names.py`)."""
        return frozenset(key(table.name) for tables in self.tables.values() for table in tables)

    def find(self, schema: str, name: str) -> tuple[Table, ...]:
        """(): it is not known. Several: its name stands in several schemas, and none is named."""
        return self.tables.get(f"{schema}.{name}".lower() if schema else name.lower(), ())


_OF_A_TABLE = frozenset({"schema", "name", "columns", "masks", "key", "rows", "group_min", "view"})
_OF_A_COLUMN = frozenset({"name", "type", "mask", "masked"})
_SAID_BESIDES = frozenset({"comment", "description", "nullable", "default", "primary_key", "unique"})
"""What catalogues say that changes nothing here. Every other word is an error, as it may be a mask."""

EVERYTHING = Catalogue()
"""Every table is assumed to exist and to be readable."""


def _tables(given: Any) -> list[Table]:
    _check_keys(given, {"tables", "masks"})
    apart = {name.lower(): each for name, each in _apart(given.get("masks", {}))}
    tables = []
    for each in _named(given["tables"], "columns"):
        _check_keys(each, _OF_A_TABLE | _SAID_BESIDES)
        schema, name = _place(each)
        masks = [each.get("masks", ()), apart.pop(f"{schema}.{name}".lower().lstrip("."), ())]
        columns = _columns(each["columns"], masks)
        known = {column.name.lower() for column in columns}
        own_key = tuple(str(column) for column in each.get("key", ()))
        if not all(column.lower() in known for column in own_key):
            raise ValueError
        rows = each.get("rows", "")
        if not isinstance(rows, str):
            raise ValueError
        group_min = each.get("group_min", 1)
        if type(group_min) is not int or group_min < 1:
            raise ValueError
        tables.append(Table(name, columns, schema, own_key, rows, group_min, bool(each.get("view"))))
    if apart:
        raise ValueError
    return tables


def _place(each: dict[str, Any]) -> tuple[str, str]:
    """Schema and name; `sales.orders` says both."""
    name = str(each["name"])
    if each.get("schema"):
        return str(each["schema"]), name
    schema, _, name = name.rpartition(".")
    return schema, name


def _columns(given: Any, masks: list[Any]) -> tuple[Column, ...]:
    columns: dict[str, Column] = {}
    for each in _named(given, "type"):
        _check_keys(each, _OF_A_COLUMN | _SAID_BESIDES)
        name = str(each["name"])
        if name.lower() in columns:
            raise ValueError
        columns[name.lower()] = Column(
            name, str(each.get("type") or ""), _mask(each.get("mask") or each.get("masked"))
        )
    for beside in masks:
        for name in beside:
            column = columns.get(str(name).lower()) or Column(str(name))
            mask = _mask(beside[name] if isinstance(beside, dict) else True)
            columns[column.name.lower()] = Column(column.name, column.type, mask)
    return tuple(columns.values())


def _mask(given: Any) -> Mask | None:
    """What is not known hides everything."""
    if not given:
        return None
    if isinstance(given, dict) and "kind" in given:
        _check_keys(given, {"kind", "first", "last", "to", "group"})
        mask = Mask(**given)
        lengths = (mask.first, mask.last)
        if not all(type(each) is int and 0 <= each <= 32 for each in lengths) or mask.kind not in MASKS:
            raise ValueError
        return mask
    return Mask(given if isinstance(given, str) and given in MASKS else "full")


def _apart(given: Any) -> Iterator[tuple[str, Any]]:
    """Masks by table; as a list they are `customers.ssn`."""
    if isinstance(given, dict):
        yield from ((str(name), each) for name, each in given.items())
        return
    by_table: dict[str, list[str]] = {}
    for each in given:
        table, dot, column = str(each).rpartition(".")
        if not dot:
            raise ValueError
        by_table.setdefault(table, []).append(column)
    yield from by_table.items()


def _named(given: Any, says: str) -> Iterator[dict[str, Any]]:
    """Each as an object with its name; a bare value of an object by name is what `says` is."""
    for each in given.items() if isinstance(given, dict) else given:
        if isinstance(each, tuple):
            name, value = each
            yield {"name": name, **(value if isinstance(value, dict) else {says: value})}
        else:
            yield {"name": each} if isinstance(each, str) and says == "type" else each


def _check_keys(given: Any, known: Collection[str]) -> None:
    if not isinstance(given, dict) or not set(given) <= set(known):
        raise ValueError
