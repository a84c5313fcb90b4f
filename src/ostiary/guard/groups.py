"""Tables that are seen in groups only: of patients how many, and their average, but no single one.

A SELECT that reads such a table gathers its rows by plain totals, and groups of fewer than so many rows are left out. What tells one row from the others within a total (a condition inside it, the
highest, a list, a window) is refused.
"""

from collections.abc import Sequence

from sqlglot import exp

from ostiary.guard import ties, tree
from ostiary.guard.catalogue import Table
from ostiary.guard.verdict import GROUPED, Refused

_TOTALS = (
    exp.Count,
    exp.Sum,
    exp.Avg,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
)
_OF_COLUMNS = (exp.Column, exp.Identifier, exp.Distinct, exp.Star, exp.Add, exp.Mul, exp.Paren)


def settle(select: exp.Select, tables: Sequence[tuple[exp.Identifier, Table]]) -> None:
    """`tables`: those that it reads from itself, by what they are called. Changes the tree. Raises Refused."""
    guarded = [(called, table) for called, table in tables if table.group_min > 1]
    if not guarded:
        return
    _check_sources(select, tables)
    _check(select)
    for called, table in guarded:
        counted = _counted(called, table, alone=len(tables) == 1 and not select.args.get("joins"))
        enough = exp.GTE(this=counted, expression=exp.Literal.number(table.group_min))
        having = select.args.get("having")
        both = exp.And(this=exp.Paren(this=having.this), expression=enough) if having is not None else enough
        select.set("having", exp.Having(this=both))


def _counted(called: exp.Identifier, table: Table, *, alone: bool) -> exp.Expr:
    """How many rows of the table a group has, however often a join repeats them."""
    if len(table.key) == 1:
        key = exp.Column(this=exp.to_identifier(table.key[0], quoted=True), table=called.copy())
        return exp.Count(this=exp.Distinct(expressions=[key]))
    if alone:
        return exp.Count(this=exp.Star())
    raise Refused(GROUPED, f"{table.name[:80]} has no single key, and can be asked by itself only.")


def _check_sources(select: exp.Select, tables: Sequence[tuple[exp.Identifier, Table]]) -> None:
    """Tables that are joined by equal columns, and conditions of one table each: what a statement brings itself could repeat every row so often that a total says which are in it."""
    joins = select.args.get("joins") or []
    if len(tables) != len(joins) + 1 or select.args.get("laterals"):
        raise Refused(
            GROUPED, "A table that is seen in groups is joined with tables only, and not with a query."
        )
    for join in joins:
        on = join.args.get("on")
        equal = on is not None and all(_is_equal_columns(each) for each in tree.conjuncts(on))
        if join.side or join.method or not (equal or join.args.get("using")):
            raise Refused(
                GROUPED, "A table that is seen in groups is joined by JOIN ... ON with equal columns."
            )
    where = select.args.get("where")
    for each in tree.conjuncts(where.this) if where is not None else ():
        if not _is_equal_columns(each) and len(_named(each, tables)) > 1:
            raise Refused(GROUPED, "With a table that is seen in groups each condition is about one table.")


def _is_equal_columns(condition: exp.Expr) -> bool:
    return isinstance(condition, exp.EQ) and all(
        isinstance(each, exp.Column) for each in (condition.this, condition.expression)
    )


def _named(condition: exp.Expr, tables: Sequence[tuple[exp.Identifier, Table]]) -> set[str]:
    """What the tables are called whose columns stand in it; all that a name may belong to."""
    found: set[str] = set()
    for column in condition.find_all(exp.Column):
        for called, table in tables:
            own = tree.folded(called)
            if (
                tree.folded(column.args["table"]) == own
                if column.table
                else column.name.lower() in table.names
            ):
                found.add(own)
    return found


def _check(select: exp.Select) -> None:
    group = select.args.get("group")
    if group is None and not any(each.find(exp.AggFunc) for each in select.expressions):
        if not isinstance(select.parent, exp.Exists):
            raise Refused(GROUPED, "Its rows are seen in groups only: say COUNT, SUM or AVG, or GROUP BY.")
        select.set("expressions", [exp.Count(this=exp.Star())])  # whether there are enough
    by = [ties.grouped(each, select) for each in (group.expressions if group is not None else ())]
    if select.args.get("windows") or select.args.get("qualify"):
        raise Refused(GROUPED, "A table that is seen in groups has no windows.")
    for name in ("having", "order"):
        if select.args.get(name) is not None:
            _check_part(select.args[name], by, select)
    for each in select.expressions:
        _check_part(each.unalias(), by, select)


def _check_part(part: exp.Expr, by: list[exp.Expr], select: exp.Select) -> None:
    """Without its totals and what is grouped by, nothing of a row is left."""
    aliases = {each.alias.lower() for each in select.expressions if isinstance(each, exp.Alias)}
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if any(node == each for each in by):
            continue
        if isinstance(node, exp.AggFunc):
            _check_total(node)
            continue
        named = isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases
        if named and part is not node and isinstance(part, exp.Order):
            continue
        if isinstance(node, exp.Column | exp.Star | exp.Window | exp.Query | exp.Filter):
            raise Refused(
                GROUPED,
                "Its rows are seen in groups only: name what is grouped by, and COUNT, SUM or AVG of columns.",
            )
        waiting.extend(node.iter_expressions())


def _check_total(node: exp.AggFunc) -> None:
    if not isinstance(node, _TOTALS) or not all(
        isinstance(each, _OF_COLUMNS) for each in node.walk() if each is not node
    ):
        raise Refused(
            GROUPED,
            "Of a table that is seen in groups only COUNT, SUM, AVG and their like are told, of columns without conditions.",
        )
