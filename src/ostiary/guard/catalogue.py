"""What may be read: tables, their columns, and which of these are masked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

DEFAULT_SCHEMAS = ("public", "main", "dbo")
"""Where a table without a schema lies."""


class CatalogueError(Exception):
    """The file is not a catalogue."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and the masked ones among them, in small letters."""

    columns: frozenset[str]
    masked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Tables by name, and by schema and name (`sales.orders`), in small letters. `complete`: what is not in it may not be read."""

    tables: Mapping[str, Table] = field(default_factory=dict)
    complete: bool = False

    @classmethod
    def of(cls, given: Any) -> Self:
        """From `{"tables": [{"schema", "name", "columns": [name or {"name", "type", "mask"}]}]}`, where `schema`, `type` and `mask` may be missing. Tables and columns may be objects by name
        instead, and masks may stand beside the columns of a table or beside the tables (`{"customers": {"ssn": "full"}}`). Raises CatalogueError, also for a key that it does not know: a mask that
        is not understood would be none."""
        try:
            return cls(_tables(given), complete=True)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise CatalogueError('a catalogue is {"tables": [{"name": ..., "columns": [...]}]}') from error

    def find(self, schema: str, name: str) -> Table | None:
        """None: it is not known. A table whose name stands in several schemas has the masks of all of them where none is named."""
        return self.tables.get(f"{schema}.{name}".lower() if schema else name.lower())


EVERYTHING = Catalogue()
"""Every table is assumed to exist and to be readable."""


def _tables(given: Any) -> dict[str, Table]:
    _check_keys(given, {"tables", "masks"})
    apart = {str(name).lower(): each for name, each in given.get("masks", {}).items()}
    tables: dict[str, Table] = {}
    for each in _named(given["tables"], "columns"):
        _check_keys(each, {"schema", "name", "columns", "masks"})
        schema, _, name = f"{each.get('schema') or ''}.{each['name']}".lower().lstrip(".").rpartition(".")
        columns = list(_named(each["columns"], "type"))
        for column in columns:
            _check_keys(column, {"name", "type", "mask"})
        names = {str(column["name"]).lower() for column in columns}
        masked = {str(column["name"]).lower() for column in columns if column.get("mask")}
        for masks in (each.get("masks", ()), apart.pop(f"{schema}.{name}".lstrip("."), ())):
            masked |= {str(column).lower() for column in masks}
        table = Table(frozenset(names), frozenset(masked))
        before = tables.get(name, Table(frozenset(), frozenset()))
        tables[name] = Table(before.columns | names, before.masked | masked)
        for one in [schema] if schema else DEFAULT_SCHEMAS:
            tables[f"{one}.{name}"] = table
    if apart:
        raise ValueError
    return tables


def _named(given: Any, says: str) -> Iterator[dict[str, Any]]:
    """Each as an object with its name; a bare value of an object by name is what `says` is."""
    for each in given.items() if isinstance(given, dict) else given:
        if isinstance(each, tuple):
            name, value = each
            yield {"name": name, **(value if isinstance(value, dict) else {says: value})}
        else:
            yield {"name": each} if isinstance(each, str) and says == "type" else each


def _check_keys(given: Any, known: set[str]) -> None:
    if not isinstance(given, dict) or not set(given) <= known:
        raise ValueError
