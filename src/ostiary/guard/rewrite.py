"""A query rewritten so that it sees what it may: every table makes way for a sub-select of its columns as they may be shown and of the rows that may be seen.

The database itself then never compares, sorts, joins or casts what is hidden, so that no shape of a statement, and no error, can tell it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from ostiary.guard import groups, ordering, ties, tree
from ostiary.guard.catalogue import DEFAULT_SCHEMAS, Catalogue, Table
from ostiary.guard.dialects import Dialect
from ostiary.guard.masking import WRITINGS, kind_of
from ostiary.guard.masks import ANY_COLUMN
from ostiary.guard.names import key
from ostiary.guard.ordering import UNORDERED
from ostiary.guard.relation import BASE, Claim, relation, text_of
from ostiary.guard.verdict import AMBIGUOUS, CONSTRUCT, GROUPED, TABLE, Refused

_INSIDE = frozenset({"this", "db", "only"})
_OUTSIDE = ("joins", "laterals", "pivots")
_HINTS = frozenset({"hints", "indexed"})
"""What a table may be asked with: within what takes its place, beside it, or left out, as it changes no answer."""
_COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)


@dataclass(frozen=True, slots=True)
class _Use:
    """A table of the catalogue where a statement reads from it. `called`: its name in the statement, in small letters where it is not quoted."""

    node: exp.Table
    table: Table
    called: str


def rewrite(root: exp.Expr, dialect: Dialect, catalogue: Catalogue, claims: Mapping[str, Claim]) -> frozenset[tuple[str, str]]:  # fmt: skip
    """Changes the tree. The tables (schema or "", name) that it reads then. Raises Refused, and RowsError for a condition on rows that is none."""
    uses = [use for node in root.find_all(exp.Table) if (use := _use(node, dialect, catalogue))]
    _rename_own(root, dialect, catalogue)
    _unqualify(root, uses)
    by_select: dict[int, list[_Use]] = {}
    for use in uses:
        select = _select_of(use.node)
        if select is not None:
            by_select.setdefault(id(select), []).append(use)
    pushed: dict[int, list[str]] = {}
    hides = any(use.table.hides for use in uses)
    apart = [use for use in uses if use.table.group_min > 1 and _select_of(use.node) is None]
    if apart:
        raise Refused(
            GROUPED, f"{apart[0].table.name[:80]} is seen in groups only: read it in the FROM of a SELECT."
        )
    for select in list(root.find_all(exp.Select)):
        own = by_select.get(id(select), [])
        if hides:
            tables = [(_called(use.node), use.table) for use in own]
            groups.settle(select, tables)
            ties.settle(select, tables, dialect)
        if dialect.parser in ("postgres", "mysql"):
            _group_by_all_that_follows(select, own)
        for use in own:
            pushed[id(use.node)] = _pushed(select, use, own, dialect) if use.table.rows else []
    wanted = _wanted(root, uses)
    if hides:
        ordering.settle(root, {id(use.node): use.table for use in uses}, dialect)
    read: set[tuple[str, str]] = set()
    for use in uses:
        stands_for = relation(use.table, dialect)
        text = text_of(use.table, use.node, stands_for, dialect, claims, wanted, pushed.get(id(use.node), []))
        read |= {(use.table.schema or use.node.text("db"), use.table.name), *stands_for.tables}
        use.node.replace(_in_place(use.node, text))
    left = [node for node in root.find_all(exp.Table) if tree.base_table(node, dialect)]
    if left:
        raise Refused(AMBIGUOUS, "A table could not be replaced by what you may see of it: write it more plainly.")  # fmt: skip
    return frozenset(read)


def _wanted(root: exp.Expr, uses: list[_Use]) -> set[str] | None:
    """Keys of all names in the statement; None where it may read columns without naming them."""
    called = {key(use.called) for use in uses}
    columns = {name for use in uses for name in use.table.by_name}
    for node in root.walk():
        if isinstance(node, ANY_COLUMN) or (isinstance(node, exp.Join) and node.method):
            return None
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            return None
        if (
            isinstance(node, exp.TableAlias)
            and node.args.get("columns")
            and isinstance(node.parent, exp.Table)
        ):
            return None
        if isinstance(node, exp.Column):
            row = key(node.name) if not node.table else key(node.table)
            if row in called and (not node.table or node.name.lower() not in columns):
                return None
    return {key(node.name) for node in root.find_all(exp.Identifier)}


def _use(node: exp.Table, dialect: Dialect, catalogue: Catalogue) -> _Use | None:
    named = tree.base_table(node, dialect)
    if named is None:
        return None
    found = catalogue.find(named.schema, named.name)
    if len(found) > 1:
        found = tuple(
            table for table in found if (table.schema.lower() or DEFAULT_SCHEMAS[0]) in DEFAULT_SCHEMAS
        )
    if len(found) != 1:
        raise Refused(TABLE, f"{str(named)[:80]} stands in several schemas, or in none: name the schema.")
    if node.args.get("sample") or isinstance(node.parent, exp.TableSample):
        raise Refused(
            CONSTRUCT, "Leave out the sampling of a table: it draws from what is not shown as well."
        )
    others = tree.given(node) - _INSIDE - _HINTS - {"alias", *_OUTSIDE}
    if others:
        raise Refused(CONSTRUCT, f"Leave out what is said about a table besides its name: {', '.join(sorted(others))}.")  # fmt: skip
    return _Use(node, found[0], tree.folded(_called(node)))


def _called(node: exp.Table) -> exp.Identifier:
    alias = node.args.get("alias")
    name: exp.Identifier = alias.this if alias is not None and alias.this is not None else node.this
    return name


def _select_of(node: exp.Table) -> exp.Select | None:
    """The SELECT whose FROM or JOIN it stands in by itself."""
    above = node.parent
    if isinstance(above, exp.Join):
        above = above.parent
        return above if isinstance(above, exp.Select) else None
    if isinstance(above, exp.From) and isinstance(above.parent, exp.Select):
        return above.parent
    return None


def _in_place(node: exp.Table, text: str) -> exp.Subquery:
    given = {name: node.args[name] for name in _OUTSIDE if node.args.get(name)}
    return exp.Subquery(this=exp.Var(this=text), alias=_alias(node), **given)


def _alias(node: exp.Table) -> exp.TableAlias:
    """By which the statement goes on to call it, whatever takes its place."""
    alias: exp.TableAlias = node.args.get("alias") or exp.TableAlias()
    if alias.this is None:
        alias.set("this", node.this.copy())
    return alias


def _rename_own(root: exp.Expr, dialect: Dialect, catalogue: Catalogue) -> None:
    """A name of the statement's own that is a table's as well gets another, so that no engine can take one for the other."""
    clashing = {tree.folded(cte.args["alias"].this) for cte in root.find_all(exp.CTE) if key(cte.alias) in catalogue.keys}  # fmt: skip
    if not clashing:
        return
    renamed = {name: f"{name}_{at}_of_with" for at, name in enumerate(sorted(clashing), 1)}
    for node in list(root.find_all(exp.Table)):
        name = tree.folded(node.this) if isinstance(node.this, exp.Identifier) else ""
        if name in renamed and tree.base_table(node, dialect) is None:
            node.set("alias", _alias(node))
            node.set("this", exp.to_identifier(renamed[name], quoted=True))
    for cte in root.find_all(exp.CTE):
        alias = cte.args["alias"]
        name = tree.folded(alias.this)
        if name in renamed:
            alias.set("this", exp.to_identifier(renamed[name], quoted=True))


def _unqualify(root: exp.Expr, uses: list[_Use]) -> None:
    """`sales.orders.id` is a column of what stands in for `sales.orders`, which has no schema."""
    qualified = [column for column in root.find_all(exp.Column) if column.args.get("db")]
    if not qualified:
        return
    places = {(tree.folded(use.node.args.get("db")), tree.folded(use.node.this)) for use in uses}
    names = [name for _, name in places]
    for column in qualified:
        place = (tree.folded(column.args["db"]), tree.folded(column.args["table"]))
        if place[1] in names and names.count(place[1]) > 1:
            raise Refused(AMBIGUOUS, f"Several tables are called {place[1][:80]}: give each an alias.")
        if column.args.get("catalog") is None and (place in places or ("", place[1]) in places):
            column.set("db", None)


def _group_by_all_that_follows(select: exp.Select, uses: list[_Use]) -> None:
    """Whoever groups by a table's key may show its other columns; of what stands in its place the database does not know the key, so that they are grouped by as well."""
    group = select.args.get("group")
    if group is None or not group.expressions:
        return
    named = [ties.grouped(each, select) for each in group.expressions]
    columns = [each for each in named if isinstance(each, exp.Column)]
    parts = [*select.expressions, *(select.args[name] for name in ("having", "order", "qualify", "distinct") if select.args.get(name))]  # fmt: skip
    for use in uses:
        table = use.table
        keys = {name.lower() for name in table.key}
        if not keys or keys & table.masked or not keys <= {each.name.lower() for each in columns if _is_of(each, use, uses)}:  # fmt: skip
            continue
        shown = [
            column for part in parts for column in part.find_all(exp.Column) if _is_of(column, use, uses)
        ]
        names = dict.fromkeys(name for column in shown for name in ([column.name.lower()] if column.name != "*" else table.by_name))  # fmt: skip
        names.update(
            dict.fromkeys(table.by_name if any(isinstance(part, exp.Star) for part in parts) else ())
        )
        called = _called(use.node)
        for name in names:
            if name not in keys and table.by_name[name].type.lower() not in UNORDERED:
                given = exp.to_identifier(table.by_name[name].name, quoted=True)
                group.append("expressions", exp.Column(this=given, table=called.copy()))


def _is_of(column: exp.Column, use: _Use, uses: list[_Use]) -> bool:
    """Whether it is a column of this table: as it says, or as no other table has it."""
    if column.table:
        return tree.folded(column.args["table"]) == use.called and (isinstance(column.this, exp.Star) or column.name.lower() in use.table.names)  # fmt: skip
    having = [other for other in uses if column.name.lower() in other.table.names]
    return having == [use]


def _pushed(select: exp.Select, use: _Use, uses: list[_Use], dialect: Dialect) -> list[str]:
    """Conditions of WHERE that may be tried on rows that are not shown, so that an index serves them: comparisons of a column that is not masked with a constant of its kind, which raise no
    errors. They are tried again outside, so that nothing depends on them but time."""
    where = select.args.get("where")
    joins = select.args.get("joins") or []
    if where is None or any((join.side or "") not in ("", "LEFT") or join.method for join in joins):
        return []
    join = use.node.parent
    if isinstance(join, exp.Join) and join.side:
        return []
    alone = len(joins) == 0 and len(uses) == 1
    written = [_compared(part, use, alone=alone, dialect=dialect) for part in tree.conjuncts(where.this)]
    return [each for each in written if each]


def _compared(part: exp.Expr, use: _Use, *, alone: bool, dialect: Dialect) -> str:
    """The comparison as it is written within; "" where it is none of those."""
    if not isinstance(part, _COMPARISONS) or not isinstance(part.this, exp.Column):
        return ""
    column = part.this
    of_it = tree.folded(column.args.get("table")) == use.called if column.table else alone
    known = use.table.by_name.get(column.name.lower())
    constants = [value for name, value in part.args.items() if name != "this" and value]
    constants = [one for value in constants for one in (value if isinstance(value, list) else [value])]
    if not of_it or known is None or known.mask or not constants:
        return ""
    wanted = {"text": True, "date": True, "timestamp": True, "number": False}.get(kind_of(known.type))
    if not all(isinstance(one, exp.Literal) and one.is_string == wanted for one in constants):
        return ""
    name = WRITINGS[dialect.parser].quoted(known.name)
    within = part.copy()
    within.set("this", exp.Var(this=f"{BASE}.{name}"))
    return within.sql(dialect.parser, comments=False)
