"""Statements over tables with masked columns, where masks are not applied: only those pass that name their columns, and no masked one."""

from sqlglot import exp

from ostiary.guard.catalogue import Table
from ostiary.guard.names import key
from ostiary.guard.tree import Named
from ostiary.guard.verdict import MASKED, Refused


def check(root: exp.Expr, known: dict[Named, tuple[Table, ...]]) -> None:
    """Refused where a masked column is named anywhere, whatever it belongs to, where all of a row is read, and where only some rows of a table may be seen. Raises Refused."""
    for each, tables in known.items():
        if any(table.rows or table.group_min > 1 for table in tables):
            raise Refused(
                MASKED, f"Only some rows of {str(each)[:80]} may be seen: run the governed statement."
            )
    hidden = {each: tables for each, tables in known.items() if any(table.masked for table in tables)}
    if not hidden:
        return
    columns = {key(column) for tables in hidden.values() for table in tables for column in table.masked}
    aliases = _aliases(root, hidden)
    rows = {
        *aliases,
        *(key(node.alias) for node in root.find_all(exp.Table, exp.Subquery, exp.CTE) if node.alias),
    }
    for node in root.walk():
        if isinstance(node, exp.Identifier) and key(node.name) in columns:
            raise Refused(MASKED, f"The column {node.name[:80]} is masked: leave it out.")
        if isinstance(node, exp.Column):
            _check_column(node, aliases, rows)
        elif isinstance(node, ANY_COLUMN) or (
            isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)
        ):
            raise Refused(
                MASKED, "A masked column may be among them: name the columns instead of the whole row."
            )
        elif isinstance(node, exp.Join) and node.method:
            raise Refused(MASKED, "A join by all names of columns may use a masked one: name them after ON.")
        elif (
            isinstance(node, exp.TableAlias)
            and node.args.get("columns")
            and isinstance(node.parent, exp.Table)
        ):
            raise Refused(
                MASKED, "Columns of a table with masked ones keep their names: leave out the new ones."
            )


ANY_COLUMN = (exp.Pivot, exp.Columns, exp.PositionalColumn)
"""What reads columns without naming them."""


def _aliases(root: exp.Expr, hidden: dict[Named, tuple[Table, ...]]) -> dict[str, list[Table]]:
    """What the tables with masked columns are called in the statement, wherever that is."""
    by_name: dict[str, list[Table]] = {}
    for each, tables in hidden.items():
        by_name.setdefault(key(each.name), []).extend(tables)
    called: dict[str, list[Table]] = {}
    for node in root.find_all(exp.Table):
        for table in by_name.get(key(node.name), ()):
            for name in (node.name, node.alias):
                called.setdefault(key(name), []).append(table)
    return called


def _check_column(node: exp.Column, aliases: dict[str, list[Table]], rows: set[str]) -> None:
    """`c.id` is a column; `c`, and `c.row_to_json`, which PostgreSQL calls with the row, are not."""
    if isinstance(node.this, exp.Star):
        return
    if not node.table:
        if key(node.name) in rows:
            raise Refused(MASKED, "A masked column is among them: name the columns instead of the whole row.")
        return
    tables = aliases.get(key(node.table), ())
    if any(node.name.lower() not in table.names for table in tables):
        raise Refused(
            MASKED, f"{node.name[:80]} is no column of it: a function of the row could tell what is masked."
        )
