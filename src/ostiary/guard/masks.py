"""Statements over tables with masked columns, until masks are applied at the source: only those pass that name their columns, and no masked one."""

from sqlglot import exp

from ostiary.guard.catalogue import Table
from ostiary.guard.tree import Named
from ostiary.guard.verdict import MASKED, Refused


def check(root: exp.Expr, masked: dict[Named, Table]) -> None:
    """Refused where a masked column is named anywhere, whatever it belongs to, or where all of a row is read. Raises Refused."""
    columns = frozenset().union(*(table.masked for table in masked.values()))
    if not columns:
        return
    rows = {each.name.lower() for each, table in masked.items() if table.masked}
    names = rows | {
        node.alias.lower() for node in root.find_all(exp.Table, exp.Subquery, exp.CTE) if node.alias
    }
    for node in root.walk():
        if isinstance(node, exp.Identifier) and node.name.lower() in columns:
            raise Refused(MASKED, f"The column {node.name[:80]} is masked: leave it out.")
        whole = isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count)
        if whole or (isinstance(node, exp.Column) and not node.table and node.name.lower() in names):
            raise Refused(MASKED, "A masked column is among them: name the columns instead of the whole row.")
        if isinstance(node, exp.Pivot | exp.Columns) or (isinstance(node, exp.Join) and node.method):
            raise Refused(MASKED, "A masked column may be among them: name the columns.")
        if (
            isinstance(node, exp.TableAlias)
            and node.args.get("columns")
            and isinstance(node.parent, exp.Table)
        ):
            raise Refused(
                MASKED, "Columns of a table with masked ones keep their names: leave out the new ones."
            )
