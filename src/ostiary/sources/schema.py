"""What a database holds, as it was taken in: tables, columns, types, keys; what of that is sensitive by its name; and what has changed since."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.detection import fields
from ostiary.guard.catalogue import Column, Table

TABLES_MAX = 2_000
COLUMNS_MAX = 20_000
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_EMAIL = re.compile(r"(?:.* )?e ?mails?(?: address| adresse)?")
_NUMERIC = re.compile(r"(?i)\b(?:bool|boolean|bit|float|double|real|date|time|timestamp)")
"""Types whose values are no names, numbers of people or secrets, whatever the column is called."""
_DATED = frozenset({"date_of_birth"})


def path(schema: str, table: str, column: str = "") -> str:
    return ".".join(filter(None, (schema, table, column)))


def to_data(tables: Sequence[Table]) -> JsonValue:
    return [
        [table.schema, table.name, list(table.key), table.view, [[column.name, column.type] for column in table.columns]]
        for table in tables
    ]  # fmt: skip


def from_data(data: JsonValue) -> tuple[Table, ...]:
    return tuple(
        Table(name, tuple(Column(*column) for column in columns), schema, tuple(key), view=view)
        for schema, name, key, view, columns in data
    )


@dataclass(frozen=True, slots=True)
class Drift:
    """What the database has, lacks, or has otherwise than when it was taken in: `shop.orders`, `shop.orders.region`."""

    added: tuple[str, ...]
    gone: tuple[str, ...]
    changed: tuple[str, ...]


def drift(before: Iterable[Table], now: Iterable[Table]) -> Drift:
    old, new = _parts(before), _parts(now)
    return Drift(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(old.keys() - new.keys())),
        tuple(sorted(each for each in old.keys() & new.keys() if old[each] != new[each])),
    )


def _parts(tables: Iterable[Table]) -> dict[str, str]:
    """Each table and each column with what there is to say about it."""
    found = {}
    for table in tables:
        found[path(table.schema, table.name)] = f"{table.view} {table.key}"
        found |= {path(table.schema, table.name, column.name): column.type for column in table.columns}
    return found


def suggested(table: Table) -> Mapping[str, tuple[str, ...]]:
    """By column: the category that its name and its type speak of; only columns that have one."""
    words = fields.columns([_words(column.name) for column in table.columns])
    found = {}
    for column, said in zip(table.columns, words, strict=True):
        category = _category(said)
        if category and (category in _DATED or not _NUMERIC.search(column.type)):
            found[column.name] = (category,)
    return found


def _category(words: str) -> str:
    if _EMAIL.fullmatch(words):
        return "email"
    rule = fields.field_of(words) or fields.named_of(words)
    if rule is None and words == fields.OF_A_PERSON:
        return "person"
    return rule.category if rule else ""


def _words(name: str) -> str:
    """`dateOfBirth` and `date_of_birth` alike: `date of birth`."""
    return " ".join(word.lower() for word in _WORD.findall(name))
