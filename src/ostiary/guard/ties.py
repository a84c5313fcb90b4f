"""What functions leave open that depend on the order of their rows: numbering by a column that several rows share, lists, any value.

As with the order of an answer (`ordering.py`), what is left open the database decides by what may be hidden: here it is said by what is shown.
"""

from collections.abc import Sequence

from sqlglot import exp

from ostiary.guard import tree
from ostiary.guard.catalogue import Table
from ostiary.guard.dialects import Dialect
from ostiary.guard.ordering import ordered
from ostiary.guard.verdict import AMBIGUOUS, Refused

_NUMBERING = (exp.RowNumber, exp.Ntile, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
_GATHERING = (exp.ArrayAgg, exp.GroupConcat, exp.JSONArrayAgg, exp.AnyValue, exp.First, exp.Last)
_OTHERS_THAT_GATHER = frozenset(["jsonb_agg", "xmlagg", "list", "arbitrary"])


def settle(select: exp.Select, tables: Sequence[tuple[exp.Identifier, Table]], dialect: Dialect) -> None:
    """`tables`: those that it reads from itself, by what they are called. Changes the tree. Raises Refused."""
    inner = [node for part in _parts(select) for node in _own(part)]
    for node in inner:
        if isinstance(node, exp.Window):
            _settle_window(node, select, tables, dialect)
        elif _gathers(node) and not _is_windowed(node):
            _settle_list(node, dialect)


def _parts(select: exp.Select) -> list[exp.Expr]:
    found = list(select.expressions)
    for name in ("having", "order", "qualify"):
        if select.args.get(name):
            found.append(select.args[name])
    return found


def _own(part: exp.Expr) -> list[exp.Expr]:
    """Without what stands in a query within."""
    return list(part.walk(prune=lambda node: isinstance(node, exp.Query)))


def _is_windowed(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        above = above.parent
    return isinstance(above, exp.Window)


def _settle_window(window: exp.Window, select: exp.Select, tables: Sequence[tuple[exp.Identifier, Table]], dialect: Dialect) -> None:  # fmt: skip
    spec = window.args.get("spec")
    by_rows = spec is not None and str(spec.args.get("kind")).upper() in ("ROWS", "GROUPS")
    function = window.this
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        function = function.this
    if not (by_rows or isinstance(function, _NUMBERING) or _gathers(function)):
        return
    if window.args.get("alias") or select.args.get("windows"):
        raise Refused(AMBIGUOUS, "Write the window where it is used, after OVER.")
    order = window.args.get("order")
    given = list(order.expressions) if order is not None else []
    given += [ordered(each, dialect) for each in _rows_told_apart(select, tables, dialect)]
    if given:
        window.set("order", exp.Order(expressions=given))


def _rows_told_apart(select: exp.Select, tables: Sequence[tuple[exp.Identifier, Table]], dialect: Dialect) -> list[exp.Expr]:  # fmt: skip
    """What is different in any two rows that are not the same: the groups, or the keys of the tables."""
    group = select.args.get("group")
    if group is not None:
        return [grouped(each, select).copy() for each in group.expressions]
    found: list[exp.Expr] = []
    for called, table in tables:
        keys = {name.lower() for name in table.key}
        names = keys if keys and not keys & table.masked else set(table.by_name)
        for name in sorted(names):
            column = exp.Column(
                this=exp.to_identifier(table.by_name[name].name, quoted=True), table=called.copy()
            )
            as_text = dialect.parser == "postgres" and name not in keys
            found.append(exp.cast(column, "text") if as_text else column)
    return found


def grouped(each: exp.Expr, select: exp.Select) -> exp.Expr:
    """What is grouped by, also where it is named by its place or by its alias."""
    if isinstance(each, exp.Literal) and not each.is_string and each.name.isdigit():
        at = int(each.name) - 1
        shown: list[exp.Expr] = select.expressions
        return shown[at].unalias() if 0 <= at < len(shown) else each
    if isinstance(each, exp.Column) and not each.table:
        for one in select.expressions:
            if isinstance(one, exp.Alias) and tree.folded(one.args["alias"]) == tree.folded(each.this):
                value: exp.Expr = one.this
                return value
    return each


def _gathers(node: exp.Expr) -> bool:
    return isinstance(node, _GATHERING) or (isinstance(node, exp.Anonymous) and node.name.lower() in _OTHERS_THAT_GATHER)  # fmt: skip


def _settle_list(node: exp.Expr, dialect: Dialect) -> None:
    """A list is in the order of its values. SQLite gathers in the order of its rows, and MySQL's lists of JSON have no order to give."""
    if dialect.parser == "sqlite" or (dialect.parser == "mysql" and not isinstance(node, exp.GroupConcat | exp.AnyValue)):  # fmt: skip
        return
    if dialect.parser == "mysql" and isinstance(node, exp.AnyValue):
        node.replace(exp.Min(this=node.this))
        return
    given = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
    if len(given) != 1 or given[0].find(exp.Order):
        return
    value = given[0]
    by = value.expressions[0] if isinstance(value, exp.Distinct) else value
    plain = (
        isinstance(value, exp.Distinct) or isinstance(node, exp.GroupConcat) or dialect.parser != "postgres"
    )
    written = by.copy() if plain else exp.cast(by.copy(), "text")
    in_order = exp.Order(this=value.copy(), expressions=[ordered(written, dialect)])
    if isinstance(node, exp.Anonymous):
        node.set("expressions", [in_order])
    else:
        node.set("this", in_order)
