"""The columns of a database as a place. A connector gives the catalogue and samples (`Source`); whole tables are never read."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ostiary.scanning.place import Item, PlaceUnreadable, Sample, Unreadable

COLUMNS_MAX = 200_000
VALUES_MAX = 100
"""Distinct values of a column that are looked at."""
ROWS_MAX = 400
"""Rows that are read of a table, at most: less than 0.1 % of one of half a million."""
CHARACTERS_MAX = 2_000
"""Of one value; what is longer is cut."""
NOTHING = frozenset({"boolean", "bool", "uuid"})
"""Types whose values say nothing by themselves, so they are not read."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the catalogue. schema: "" where there is none. type: as the database names it. state: why it is not to be read, "" where it is."""

    schema: str
    table: str
    name: str
    type: str
    rows_estimate: int = 0
    state: str = ""

    @property
    def key(self) -> str:
        """Unambiguous whatever the names hold: dots and backslashes in them are escaped."""
        return ".".join(_escaped(part) for part in (self.schema, self.table, self.name) if part)


class Source(Protocol):
    """What a database connector offers. Called by one thread at a time."""

    def columns(self) -> Iterator[Column]:
        """All columns, out of the catalogue alone, in any order. Raises PlaceUnreadable."""
        ...

    def sample(self, column: Column, most: int) -> tuple[str, ...]:
        """Up to `most` distinct values, as text, out of at most ROWS_MAX rows, each cut to CHARACTERS_MAX. Raises Unreadable."""
        ...


class Columns:
    """A database's columns, in key order. The catalogue is read once, when it is first asked for."""

    kind = "database"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._columns: dict[str, Column] | None = None
        self._lock = threading.Lock()

    def items(self, after: str) -> Iterator[Item]:
        """Of unknown version: whether a column changed only looking tells. Raises PlaceUnreadable."""
        known = self._known()
        for key in sorted(known):
            if key > after:
                yield Item(key, 0, "", state=known[key].state)

    def read(self, item: Item, bytes_max: int, start: int = 0) -> Sample:
        """The sample; `start` means nothing here. Raises Unreadable."""
        column = self._known().get(item.key)
        if column is None:
            raise Unreadable
        values: tuple[str, ...] = ()
        if column.type.lower() not in NOTHING:
            with self._lock:
                values = self._source.sample(column, VALUES_MAX)
        return Sample(column.name, column.type, _bounded(values, bytes_max), column.rows_estimate)

    def _known(self) -> dict[str, Column]:
        with self._lock:
            if self._columns is None:
                self._columns = {}
                for column in self._source.columns():
                    if len(self._columns) >= COLUMNS_MAX:
                        raise PlaceUnreadable(f"The database has more than {COLUMNS_MAX} columns.")
                    self._columns[column.key] = column
            return self._columns


def _bounded(values: tuple[str, ...], bytes_max: int) -> tuple[str, ...]:
    kept, left = [], bytes_max
    for value in values[:VALUES_MAX]:
        left -= len(value)
        if left < 0:
            break
        kept.append(value[:CHARACTERS_MAX])
    return tuple(kept)


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace(".", "\\.")
