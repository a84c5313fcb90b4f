"""A first model from a database's catalogue alone: each table a dataset, each column a field; belongings as the names of columns suggest them (`customer_id` and the key of `customers`)."""

from collections.abc import Iterable, Sequence

from ostiary.guard.catalogue import Table
from ostiary.semantics.lexicon import phrase
from ostiary.semantics.model import ANSI, Dataset, Expression, Field, Model, Relationship

_TIMES = ("date", "timestamp", "datetime")
_NUMBERS = ("int", "numeric", "decimal", "float", "double", "real", "money", "number", "hugeint", "serial")


def kind_of(type_: str) -> str:
    """Of a type as the engine names it: time, number, boolean or text."""
    said = type_.lower()
    if said.startswith(_TIMES):
        return "time"
    if "bool" in said or said == "tinyint(1)":
        return "boolean"
    return (
        "number"
        if any(each in said for each in _NUMBERS) and "interval" not in said and "point" not in said
        else "text"
    )


def drafted(name: str, tables: Iterable[Table]) -> Model:
    """Nobody has looked at it: what it means is what its names say."""
    tables = list(tables)
    alone = {each.name for each in tables if sum(other.name == each.name for other in tables) == 1}
    datasets = tuple(_dataset(each, each.name if each.name in alone else f"{each.schema}_{each.name}") for each in tables)  # fmt: skip
    return Model(name, datasets, tuple(_belongings(datasets)))


def _dataset(table: Table, name: str) -> Dataset:
    fields = tuple(Field(column.name, Expression({ANSI: _quoted(column.name)}), kind_of(column.type)) for column in table.columns)  # fmt: skip
    source = f"{table.schema}.{table.name}" if table.schema else table.name
    return Dataset(name, source, fields, table.key)


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.islower() else '"' + name.replace('"', '""') + '"'


def _belongings(datasets: Sequence[Dataset]) -> Iterable[Relationship]:
    """By the words of names: `sale_id`, `saleId` and `fk_sale` belong to the table sales, whose key is one column."""
    ones: dict[tuple[str, ...], Dataset] = {}
    for each in datasets:
        words = phrase(each.name)
        if len(each.key) == 1 and words:  # `sales` is a word of its own, and sale_id belongs to it
            ones |= {words: each, (*words[:-1], words[-1].removesuffix("s")): each}
    for dataset in datasets:
        for field in dataset.fields:
            words = tuple(each for each in phrase(field.name) if each != "fk")
            one = ones.get(words[:-1]) if words[-1:] in (("id",), ("key",), ("no",)) else None
            if one and one is not dataset and (field.name,) != dataset.key:
                yield Relationship(f"{dataset.name}_{field.name}", dataset.name, one.name, (field.name,), one.key)  # fmt: skip
