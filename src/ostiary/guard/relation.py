"""What stands in place of a table: its columns as they may be seen, and the rows that may be."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from ostiary.guard import tree
from ostiary.guard.catalogue import Table
from ostiary.guard.dialects import Dialect
from ostiary.guard.masking import WRITINGS, masked
from ostiary.guard.names import key
from ostiary.guard.verdict import CLAIM, Refused

BASE = "base"
"""What the table itself is called within."""

Claim = str | int | float | bool | Sequence[str]
"""What is known about who asks. A list stands in IN (:name)."""


class RowsError(ValueError):
    """A condition on rows is none. Says why."""


@dataclass(frozen=True, slots=True)
class Relation:
    """`columns`: each by its key (`names.py`), as it is shown. `rows`: the condition, where there is one; its placeholders are filled in for who asks. `tables`: that the condition reads (schema, name)."""

    columns: tuple[tuple[str, str], ...]
    rows: exp.Expr | None
    claims: frozenset[str]
    tables: frozenset[tuple[str, str]]


def relation(table: Table, dialect: Dialect) -> Relation:
    """Written once for a table and a dialect. Raises RowsError where its condition is none, and KeyError for a dialect in which no masks are written."""
    found = table.written.get(dialect.parser)
    if found is None:
        found = table.written[dialect.parser] = _written(table, dialect)
    return found


def _written(table: Table, dialect: Dialect) -> Relation:
    writing = WRITINGS[dialect.parser]
    columns = []
    for column in table.columns:
        name = writing.quoted(column.name)
        shown = masked(f"{BASE}.{name}", column, table.name, writing)
        columns.append((key(column.name), f"{shown} AS {name}" if column.mask else shown))
    rows = _condition(table.rows, dialect) if table.rows else None
    claims = {each.name for each in rows.find_all(exp.Placeholder)} if rows is not None else set()
    tables = {(tree.folded(each.args["db"]), tree.folded(each.this)) for each in rows.find_all(exp.Table) if each.args.get("db")} if rows is not None else set()  # fmt: skip
    return Relation(tuple(columns), rows, frozenset(claims), frozenset(tables))


def _condition(text: str, dialect: Dialect) -> exp.Expr:
    """Raises RowsError for what the guard would not let through, and for a table without its schema, which a statement could give another meaning by a name of its own."""
    try:
        whole = f"SELECT 1 FROM {BASE} WHERE ({text}\n)"  # noqa: S608 (it is only read)
        select = sqlglot.parse_one(whole, read=dialect.parser)
        where = select.args["where"].this
        if not isinstance(select, exp.Select) or not isinstance(where, exp.Paren) or tree.given(select) != {"expressions", "from_", "where"}:  # fmt: skip
            raise RowsError("it is more than a condition")
        plain = where.copy()
        for each in list(plain.find_all(exp.Placeholder)):
            if not each.this:
                raise RowsError("who asks is named as :name")
            each.replace(exp.null())
        tree.check(plain, dialect)
    except Refused as refused:
        raise RowsError(refused.why) from refused
    except (sqlglot.errors.SqlglotError, KeyError) as error:
        raise RowsError("it cannot be read") from error
    for table in where.find_all(exp.Table):
        if not table.args.get("db") and not isinstance(table.this, exp.Func):
            raise RowsError("name tables with their schema")
    for column in list(where.find_all(exp.Column)):
        if not column.table and column.find_ancestor(exp.Select) is select:
            column.set("table", exp.to_identifier(BASE))
    return where.copy()


def text_of(table: Table, where: exp.Table, found: Relation, dialect: Dialect, claims: Mapping[str, Claim], wanted: Collection[str] | None, pushed: Sequence[str]) -> str:  # fmt: skip
    """The SELECT, without brackets. `where`: the table as the statement names it. `wanted`: keys of the columns that it may name; None: all. `pushed`: conditions of the statement that may be tried on hidden rows. Raises Refused where something about who
    asks is not known."""
    writing = WRITINGS[dialect.parser]
    schema = table.schema or where.text("db")
    name = ".".join(writing.quoted(each) for each in (schema, table.name) if each)
    only = "ONLY " if where.args.get("only") else ""
    unled = writing.unled[0 if table.key else 1] if table.masked and not table.view else ""
    shown = [text for column, text in found.columns if wanted is None or column in wanted]
    text = f"SELECT {', '.join(shown) or '1 AS one'} FROM {only}{name} AS {BASE}{unled}"  # noqa: S608 (names are quoted)
    if found.rows is None:
        return text
    condition = found.rows if not found.claims else _filled(found.rows, claims)
    every = " AND ".join([condition.sql(dialect.parser, comments=False), *pushed])
    return f"{text} WHERE {every}{writing.fence}"


def _filled(rows: exp.Expr, claims: Mapping[str, Claim]) -> exp.Expr:
    filled = rows.copy()
    for each in list(filled.find_all(exp.Placeholder)):
        if each.name not in claims:
            raise Refused(
                CLAIM, f"Which rows you may see depends on your {each.name[:80]}, which is not known."
            )
        value = claims[each.name]
        if isinstance(value, str | bool | int | float):
            each.replace(_literal(value))
        elif isinstance(each.parent, exp.In):
            others = [one for one in each.parent.expressions if one is not each]
            given = [_literal(one) for one in value] or [exp.null()]
            each.parent.set("expressions", [*others, *given])
        else:
            raise Refused(CLAIM, f"Your {each.name[:80]} is a list, which stands in IN (...) only.")
    return filled


def _literal(value: object) -> exp.Expr:
    """Raises Refused for what no database can hold."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int | float) and math.isfinite(value):
        return exp.Literal.number(value)
    if isinstance(value, str) and "\x00" not in value and "\x01" not in value:
        return exp.Literal.string(value)
    raise Refused(CLAIM, "What is known about you cannot be compared.")
