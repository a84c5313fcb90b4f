"""A model as far as tables have what it speaks of: the same for somebody who may read some of them, and for a model that was written for others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlglot import exp

from ostiary.guard.catalogue import Catalogue, Table
from ostiary.semantics.model import Dataset, Field, Metric, Model, Relationship, Verified
from ostiary.semantics.sql import SQLGLOT, one

Lost = list[tuple[str, str]]
Part = TypeVar("Part", Dataset, Field, Metric, Relationship, Verified)


def narrowed(model: Model, tables: Iterable[Table], dialect: str) -> tuple[Model, Lost]:
    """What is left of the model, and what is not: (JSON Pointer within the model, sentence) each. Nothing that is left names a table or a column that is not among these."""
    narrowing = _Narrowing(model, tables, SQLGLOT[dialect], dialect)
    return narrowing.all(), narrowing.lost


class _Narrowing:
    def __init__(self, model: Model, tables: Iterable[Table], spoken: str, ours: str) -> None:
        self._model, self._spoken, self._ours = model, spoken, ours
        self._catalogue = Catalogue.holding(list(tables))
        self._tables: dict[str, Table] = {}
        """By the names of the datasets that are left."""
        self._fields: dict[str, frozenset[str]] = {}
        """Names of the fields that are left, by dataset."""
        self.lost: Lost = []

    def all(self) -> Model:
        model = self._model
        return replace(
            model,
            datasets=self._kept(model.datasets, self._dataset, "/datasets"),
            relationships=self._kept(model.relationships, self._relationship, "/relationships"),
            metrics=self._kept(model.metrics, self._metric, "/metrics"),
            verified=self._kept(model.verified, self._verified, "/verified"),
        )

    def _kept(self, given: Sequence[Part], look: Callable[[Part, str], Part | str], place: str) -> tuple[Part, ...]:  # fmt: skip
        """Those that `look` does not say why not of."""
        kept = []
        for number, each in enumerate(given):
            found = look(each, f"{place}/{number}")
            if isinstance(found, str):
                self.lost.append((f"{place}/{number}", found))
            else:
                kept.append(found)
        return tuple(kept)

    def _dataset(self, dataset: Dataset, place: str) -> Dataset | str:
        table = self._find(dataset.source)
        if isinstance(table, str):
            return table
        fields = self._kept(dataset.fields, lambda field, _: self._field(field, dataset, table), f"{place}/fields")  # fmt: skip
        self._tables[dataset.name] = table
        self._fields[dataset.name] = frozenset(each.name for each in fields)
        key = dataset.key if {each.lower() for each in dataset.key} <= table.names else ()
        source = f"{table.schema}.{table.name}" if table.schema else table.name
        return replace(dataset, source=source, fields=fields, key=key)

    def _find(self, source: str) -> Table | str:
        parts = source.split(".")[-2:]
        found = self._catalogue.find(parts[0] if len(parts) > 1 else "", parts[-1])
        if len(found) == 1:
            return found[0]
        return f"several tables are called {source}: say the schema" if found else f"there is no table {source}"  # fmt: skip

    def _field(self, field: Field, dataset: Dataset, table: Table) -> Field | str:
        columns = self._columns(field.expression.of(self._ours))
        if columns is None:
            return "its expression cannot be read"
        for column in columns:
            if column.table not in ("", dataset.name):
                return f"its expression names {column.table}.{column.name}: a field is of its own table"
            if column.name.lower() not in table.names:
                return f"there is no column {column.name} in {table.name}"
        return field

    def _relationship(self, each: Relationship, _: str) -> Relationship | str:
        for side, columns in ((each.many, each.many_columns), (each.one, each.one_columns)):
            table = self._tables.get(side)
            if table is None:
                return f"there is no table behind {side}"
            for name in columns:
                if name.lower() not in table.names:
                    return f"there is no column {name} in {table.name}"
        return each

    def _metric(self, metric: Metric, _: str) -> Metric | str:
        columns = self._columns(metric.expression.of(self._ours))
        if columns is None:
            return "its expression cannot be read"
        why = [self._not_of(column.table, column.name) for column in columns] or [self._not_of("", "")]
        return next(filter(None, why), metric)

    def _not_of(self, owner: str, name: str) -> str:
        """Why `dataset.field` is none; "" where it is one, or a column of the dataset's table. Without an owner: of the only dataset."""
        alone = self._model.datasets[0].name if len(self._model.datasets) == 1 else ""
        dataset = self._model.dataset(owner or alone)
        if dataset is None:
            return f"there is no dataset {owner}" if owner else "say of which dataset each column is, as dataset.field"  # fmt: skip
        table = self._tables.get(dataset.name)
        if table is None:
            return f"there is no table behind {dataset.name}"
        if dataset.field(name):
            return "" if name in self._fields[dataset.name] else f"the field {dataset.name}.{name} is not there"  # fmt: skip
        return "" if not name or name.lower() in table.names else f"there is no field {name} in {dataset.name}"  # fmt: skip

    def _verified(self, each: Verified, _: str) -> Verified | str:
        """By its tables and the names of its columns; the guard looks at the whole when it is asked."""
        found = one(each.statement, self._spoken)
        if not isinstance(found, exp.Query):
            return "its statement is no SELECT"
        named = {each.alias_or_name.lower() for each in found.find_all(exp.CTE)}
        known = {each.alias_or_name.lower() for each in found.find_all(exp.Alias, exp.CTE, exp.Subquery, exp.Table)}  # fmt: skip
        for table in found.find_all(exp.Table):
            if not table.db and table.name.lower() in named:
                continue
            there = self._find(f"{table.db}.{table.name}" if table.db else table.name)
            if isinstance(there, str):
                return there
            known |= there.names
        missing = (column.name for column in found.find_all(exp.Column) if column.name.lower() not in known)
        return next((f"there is no column {name}" for name in missing if name), each)

    def _columns(self, text: str) -> list[exp.Column] | None:
        found = one(text, self._spoken)
        return None if found is None else list(found.find_all(exp.Column))
