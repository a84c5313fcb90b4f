"""The order of an answer, and which rows a LIMIT leaves, said in full.

Where SQL leaves it open the database decides, and what it decides by may be hidden: it reads a table along an index of a masked column, or sorts by how many rows there are that are not shown. A
statement that reads from what hides something therefore orders its answer by all of its columns, after those it orders by itself. What then stands in one place is the same.
"""

from collections.abc import Collection, Mapping

from sqlglot import exp

from ostiary.guard import tree
from ostiary.guard.catalogue import Table
from ostiary.guard.dialects import Dialect
from ostiary.guard.verdict import AMBIGUOUS, Refused

UNORDERED = frozenset(["json", "xml", "point", "polygon", "box", "circle", "line", "path", "lseg"])
"""Types of PostgreSQL that nothing can be ordered or grouped by."""
_PLAIN = frozenset({"expressions", "from_", "where", "order", "kind"})
_MAKES_JSON = ("to_json", "row_to_json", "json_", "array_to_json", "xml")
_ROW_BY_ROW = (exp.Subquery, exp.Window, exp.AggFunc, exp.Exists, exp.In, exp.Unnest)


def settle(root: exp.Expr, tables: Mapping[int, Table], dialect: Dialect) -> None:
    """`tables`: of the catalogue, by the id of the node that names them. Changes the tree. Raises Refused where the columns cannot be counted."""
    widths = _Widths(root, tables, dialect)
    outermost = root
    while isinstance(outermost, exp.Subquery) and isinstance(outermost.this, exp.Query):
        outermost = outermost.this
    for query in list(root.find_all(exp.Select, exp.SetOperation)):
        if _leaves_open(query) or (query is outermost and not _is_plain(query, tables)):
            _order(query, widths, dialect)


def _leaves_open(query: exp.Expr) -> bool:
    """Whether which rows it has depends on their order."""
    return bool(tree.given(query) & {"limit", "offset", "fetch"} or _distinct_on(query))


def _distinct_on(query: exp.Expr) -> list[exp.Expr]:
    """Of what each value is kept once; [] without DISTINCT ON."""
    distinct = query.args.get("distinct")
    on = distinct.args.get("on") if isinstance(distinct, exp.Distinct) else None
    if isinstance(on, exp.Tuple):
        return list(on.expressions)
    return [on.unnest()] if on is not None else []


def ordered(value: exp.Expr, dialect: Dialect) -> exp.Ordered:
    """As the dialect orders by itself."""
    return exp.Ordered(this=value, nulls_first=dialect.nulls_first)


def _is_plain(query: exp.Expr, tables: Mapping[int, Table]) -> bool:
    """One table, read from its beginning to its end, or one row: what streams is not sorted."""
    if not isinstance(query, exp.Select):
        return False
    given = tree.given(query)
    whole = [each.unalias() for each in query.expressions]
    if not given & {"group", "limit", "distinct"} and whole and all((each.find(exp.AggFunc) and not each.find(exp.Window, exp.Column)) or isinstance(each, exp.AggFunc) for each in whole):  # fmt: skip
        return True
    source = query.args.get("from_")
    table = tables.get(id(source.this)) if source is not None else None
    if table is None:
        return source is None
    return (
        given <= _PLAIN
        and not table.rows
        and table.group_min == 1
        and not (table.view and table.masked)
        and not any(isinstance(node, _ROW_BY_ROW) for node in query.walk())
    )


def _order(query: exp.Expr, widths: "_Widths", dialect: Dialect) -> None:
    order = query.args.get("order")
    given = list(order.expressions) if order is not None else []
    there = {each.this.name for each in given if isinstance(each.this, exp.Literal)}
    told = [each.this for each in given]
    given += [
        ordered(each.copy(), dialect) for each in _distinct_on(query) if each not in told
    ]  # before all others
    columns = widths.of(query)
    if columns is None:
        if dialect.parser == "duckdb" and not given:
            query.set("order", exp.Order(expressions=[exp.Ordered(this=exp.Var(this="ALL"))]))
            return
        raise Refused(
            AMBIGUOUS, "Name the columns instead of *, so that the order of the answer can be said."
        )
    for at, can_be_ordered in enumerate(columns, 1):
        if can_be_ordered and str(at) not in there:
            given.append(ordered(exp.Literal.number(at), dialect))
    if given:
        query.set("order", exp.Order(expressions=given))


class _Widths:
    """How many columns a query has, and which can be ordered by."""

    def __init__(self, root: exp.Expr, tables: Mapping[int, Table], dialect: Dialect) -> None:
        self._tables = tables
        self._dialect = dialect
        self._own: dict[str, exp.CTE | None] = {}
        for cte in root.find_all(exp.CTE):
            name = tree.folded(cte.args["alias"].this)
            self._own[name] = None if name in self._own else cte

    def of(self, query: exp.Expr, within: Collection[int] = ()) -> list[bool] | None:
        """None: it cannot be told. `within`: the ids of what is being counted."""
        if id(query) in within:
            return None
        within = {*within, id(query)}
        if isinstance(query, exp.SetOperation | exp.Subquery):
            return self.of(query.this, within)
        if not isinstance(query, exp.Select):
            return None
        found: list[bool] = []
        for each in query.expressions:
            star = each if isinstance(each, exp.Star) else each.this if isinstance(each, exp.Column) else None
            if isinstance(star, exp.Star):
                more = self._of_star(query, star, each, within)
                if more is None:
                    return None
                found += more
            elif isinstance(each, exp.Columns):
                return None
            else:
                found.append(self._can_be_ordered(each.unalias()))
        return found

    def _of_star(self, query: exp.Select, star: exp.Star, written: exp.Expr, within: Collection[int]) -> list[bool] | None:  # fmt: skip
        if any(value for value in star.args.values()):
            return None
        called = tree.folded(written.args["table"]) if isinstance(written, exp.Column) else None
        source = query.args.get("from_")
        joins = query.args.get("joins") or []
        if query.args.get("laterals") or any(join.method for join in joins):
            return None
        found: list[bool] = []
        shown = [join for join in joins if (join.kind or "").upper() not in ("SEMI", "ANTI")]
        for each in [*([source] if source else []), *shown]:
            if called is None or _called(each.this) == called:
                more = self._of_source(each.this, within)
                if more is None:
                    return None
                found += more[len(each.args.get("using") or ()) if called is None else 0 :]
        return found

    def _of_source(self, source: exp.Expr, within: Collection[int]) -> list[bool] | None:
        alias = source.args.get("alias")
        if source.args.get("joins") or source.args.get("pivots"):
            return None
        if isinstance(alias, exp.TableAlias) and alias.args.get("columns"):
            return [True] * len(alias.args["columns"])
        if isinstance(source, exp.Subquery):
            return self.of(source.this, within)
        if isinstance(source, exp.Lateral) and isinstance(source.this, exp.Subquery):
            return self.of(source.this.this, within)
        if not isinstance(source, exp.Table):
            return None
        table = self._tables.get(id(source))
        if table is not None:
            return [self._is_ordered(column.type) for column in table.columns]
        cte = self._own.get(tree.folded(source.this)) if isinstance(source.this, exp.Identifier) else None
        if cte is None:
            return None
        named = cte.args["alias"].args.get("columns")
        return [True] * len(named) if named else self.of(cte.this, within)

    def _can_be_ordered(self, value: exp.Expr) -> bool:
        if self._dialect.parser != "postgres":
            return True
        if isinstance(value, exp.Cast):
            return self._is_ordered(value.to.sql("postgres"))
        if isinstance(value, exp.Column):
            types = [table.by_name[value.name.lower()].type for table in self._tables.values() if value.name.lower() in table.by_name]  # fmt: skip
            return all(self._is_ordered(type_) for type_ in types)
        name = value.name.lower() if isinstance(value, exp.Anonymous) else type(value).__name__.lower()
        return not (name.startswith(_MAKES_JSON) or isinstance(value, exp.JSONExtract | exp.ParseJSON))

    def _is_ordered(self, type_: str) -> bool:
        return self._dialect.parser != "postgres" or type_.lower().removesuffix("[]") not in UNORDERED


def _called(source: exp.Expr) -> str:
    alias = source.args.get("alias")
    name = alias.this if isinstance(alias, exp.TableAlias) and alias.this is not None else source.this
    return tree.folded(name) if isinstance(name, exp.Identifier) else ""
