"""What may be read: tables, their columns, and which of these are masked."""

from collections.abc import Mapping
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
        """From `{"tables": [{"schema", "name", "columns": [name or {"name", "mask"}]}]}`; `schema` and `mask` may be missing. Raises CatalogueError."""
        tables: dict[str, Table] = {}
        try:
            for each in given["tables"]:
                columns = [one if isinstance(one, dict) else {"name": one} for one in each["columns"]]
                names = frozenset(str(one["name"]).lower() for one in columns)
                masked = frozenset(str(one["name"]).lower() for one in columns if one.get("mask"))
                name = str(each["name"]).lower()
                table = Table(names, masked)
                tables[name] = Table(names | tables[name].columns, masked | tables[name].masked) if name in tables else table  # fmt: skip
                for schema in [each["schema"]] if each.get("schema") else DEFAULT_SCHEMAS:
                    tables[f"{schema}.{name}".lower()] = table
        except (TypeError, KeyError, AttributeError) as error:
            raise CatalogueError('a catalogue is {"tables": [{"name": ..., "columns": [...]}]}') from error
        return cls(tables, complete=True)

    def find(self, schema: str, name: str) -> Table | None:
        """None: it is not known. A table whose name stands in several schemas has the masks of all of them where none is named."""
        return self.tables.get(f"{schema}.{name}".lower() if schema else name.lower())


EVERYTHING = Catalogue()
"""Every table is assumed to exist and to be readable."""
