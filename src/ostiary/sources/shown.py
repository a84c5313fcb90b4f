"""A source, and what may be read of it, as the faces show it."""

from typing import Annotated, Any

from pydantic import Field

from ostiary.clock import rfc3339
from ostiary.guard.catalogue import Mask, Table
from ostiary.semantics.model import Model
from ostiary.shapes import Answer
from ostiary.sources.policy import SourcePolicy, View
from ostiary.sources.schema import Drift, path
from ostiary.sources.services import Known


class ColumnShown(Answer):
    """`mask`: how it is shown, `none` for as it is. `tags`: what it is."""

    name: str
    type: str
    mask: str
    tags: list[str]


class TableShown(Answer):
    """`key`: the columns of its primary key. `rows`: `all`, or `some` where a condition decides. `group_min`: rows are told in groups of at least so many. `consent`: who has to agree."""

    schema_name: Annotated[str, Field(serialization_alias="schema")]
    name: str
    view: bool
    key: list[str]
    columns: list[ColumnShown]
    rows: str
    group_min: int
    consent: str
    rule: str


class MetricShown(Answer):
    name: str
    synonyms: list[str]
    description: str
    expression: str


class SchemaShown(Answer):
    """What whoever asks may read. `dialect`: whose SQL a statement is written in. `metrics` and `questions`: what can be asked for in words besides, where the source has a semantic model."""

    source: str
    dialect: str
    tables: list[TableShown]
    metrics: list[MetricShown]
    questions: list[str]


class SourceShown(Answer):
    """`tables`: how many of them whoever asks may read. `purposes`: those that open more. `streams`: rows may be taken out as they come."""

    name: str
    dialect: str
    tables: int
    purposes: list[str]
    streams: bool
    indexed_at: str


class SourcesShown(Answer):
    sources: list[SourceShown]


class Tagged(Answer):
    column: str
    type: str
    tags: list[str]


class DriftShown(Answer):
    """What the database has, lacks or has otherwise than when its tables were taken in. `same`: nothing of it."""

    same: bool
    added: list[str]
    gone: list[str]
    changed: list[str]


class SourceWhole(Answer):
    """A source for whoever looks after it. `current`: the connector is as it was when the tables were taken in. `tagged`: columns that are something, by the policy or by their names."""

    name: str
    dialect: str
    version: int
    policy: SourcePolicy
    tables: int
    columns: int
    tagged: list[Tagged]
    current: bool
    indexed_at: str
    changed_at: str


def metrics_shown(model: Model, dialect: str) -> list[MetricShown]:
    return [
        MetricShown(name=each.name, synonyms=list(each.synonyms), description=each.description, expression=each.expression.of(dialect))
        for each in model.metrics
    ]  # fmt: skip


def tables_shown(known: Known, view: View, tables: list[Table]) -> list[TableShown]:
    return [_table(known, view, table) for table in tables]


def _table(known: Known, view: View, table: Table) -> TableShown:
    rule, tags = view.rules[path(table.schema, table.name)], known.opened.tags(table)
    return TableShown(
        schema_name=table.schema,
        name=table.name,
        view=table.view,
        key=list(table.key),
        columns=[
            ColumnShown(name=each.name, type=each.type, mask=_mask(each.mask), tags=list(tags[each.name]))
            for each in table.columns
        ],
        rows="some" if table.rows else "all",
        group_min=table.group_min,
        consent=rule.consent,
        rule=rule.name,
    )


def _mask(mask: Mask | None) -> str:
    return mask.kind if mask else "none"


def drift_shown(found: Drift) -> DriftShown:
    return DriftShown(
        same=not (found.added or found.gone or found.changed),
        added=list(found.added),
        gone=list(found.gone),
        changed=list(found.changed),
    )


def source_whole(known: Known, dialect: str, *, current: bool) -> SourceWhole:
    row, tables = known.row, known.opened.tables
    tagged = [
        Tagged(column=path(table.schema, table.name, each.name), type=each.type, tags=list(tags))
        for table in tables
        for each in table.columns
        if (tags := known.opened.tags(table)[each.name])
    ]
    return SourceWhole(
        name=row.name,
        dialect=dialect,
        version=row.version,
        policy=known.opened.policy,
        tables=len(tables),
        columns=sum(len(table.columns) for table in tables),
        tagged=tagged,
        current=current,
        indexed_at=rfc3339(row.indexed_us),
        changed_at=rfc3339(row.changed_us),
    )


def masks_of(view: View, read: tuple[str, ...]) -> dict[str, str]:
    """By path: how the masked columns of the tables that a statement reads are shown."""
    found: dict[str, str] = {}
    for name in read:
        for table in view.catalogue.find("", name):
            found |= {path(table.schema, table.name, each.name): each.mask.kind for each in table.columns if each.mask}  # fmt: skip
    return found


JsonRow = dict[str, Any]
