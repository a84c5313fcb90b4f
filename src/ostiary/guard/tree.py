"""The allow-list on the syntax tree: kinds of nodes, functions, tables, and what would work without bound."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from sqlglot import exp

from ostiary.guard.dialects import Dialect
from ostiary.guard.names import key
from ostiary.guard.nodes import ALLOWED, STATEMENT_WORDS, WITHOUT_A_CALL
from ostiary.guard.verdict import AMBIGUOUS, CONSTRUCT, COSTLY, FUNCTION, TABLE, Refused

_CALL = re.compile(r"([A-Za-z_][\w$]*)\(")
_PLAIN_NAME = re.compile(r"\w[\w$ #-]*")
"""What a table is called that is no file and no address."""
_SYSTEM_TYPES = ("pg_", "reg", "pg_catalog.")
_OLD_VIEWS = re.compile(
    r"sys(objects|users|logins|databases|columns|comments|processes|configures|files|indexes|members|permissions|servers|types|depends|protects|oledbusers|remotelogins|perfinfo|lockinfo|devices|altfiles|cacheobjects|curconfigs|filegroups|foreignkeys|fulltextcatalogs|indexkeys|languages|messages|opentapes|references|segments|constraints)"
)
"""Of SQL Server's master database, that need no schema."""
_READ_LOOSELY = frozenset({"NOLOCK", "READUNCOMMITTED"})
_LONG_WORDS = (
    "format generate_series lpad printf randomblob range repeat replicate rpad sequence space zeroblob"
)
_LONG = frozenset(_LONG_WORDS.split())
_LONG_KINDS = (exp.Pad, exp.Repeat, exp.Space, exp.GenerateSeries, exp.Format, exp.GenerateDateArray)
_KNOWN: dict[tuple[type[exp.Func], str], bool] = {}
_COMPARED = (exp.EQ, exp.GT, exp.LT, exp.GTE, exp.LTE, exp.Like, exp.Between, exp.NullSafeEQ)
_WIDTH = re.compile(r"%[^a-zA-Z]*\d{6}")
LENGTH_MAX = 10_000_000
"""What a number may be that says how long or how many: beyond it a value or a series fills the memory."""
UNJOINED_MAX = 2
"""Tables of one FROM that nothing joins to the others: a calendar and a parameter, but no product of five."""


@dataclass(frozen=True, slots=True)
class Named:
    """A table as the statement names it; unquoted names in small letters."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


def check(root: exp.Expr, dialect: Dialect) -> list[Named]:
    """The tables that it reads. Raises Refused."""
    tables: dict[Named, None] = {}
    for node in root.walk():
        kind = type(node).__name__
        if isinstance(node, exp.Func):
            _check_function(node, kind, dialect)
        else:
            _check_kind(node, kind, dialect)
        if isinstance(node, exp.Table):
            if table := base_table(node, dialect):
                tables[table] = None
        elif isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            _check_schema_of_function(node)
        elif isinstance(node, exp.Select):
            _check_joined(node)
        elif isinstance(node, exp.With) and node.recursive:
            _check_recursive(node)
        elif isinstance(node, exp.Alias | exp.TableAlias) and dialect.parser == "tsql":
            _check_alias(node)
    return list(tables)


def _check_kind(node: exp.Expr, kind: str, dialect: Dialect) -> None:
    if kind == "WithTableHint":
        _check_hint(node)
    elif kind not in ALLOWED:
        raise Refused(CONSTRUCT, f"{_readable(kind)} is not part of reading: leave it out.")
    elif isinstance(node, exp.In) and node.args.get("field") is not None and dialect.parser == "sqlite":
        raise Refused(TABLE, "Write IN (SELECT ...) instead of IN and a table.")
    elif isinstance(node, exp.PropertyEQ) and dialect.parser != "duckdb":
        raise Refused(CONSTRUCT, "A query sets no variables: leave out :=.")
    elif isinstance(node, exp.DataType) and str(node.args.get("kind") or "").lower().startswith(
        _SYSTEM_TYPES
    ):
        raise Refused(TABLE, "Leave out the system's types.")


def _check_function(node: exp.Func, kind: str, dialect: Dialect) -> None:
    """What is written as a call must be known by the name that is written; what was written is read once more at the end."""
    if kind in WITHOUT_A_CALL:
        return
    if not _has_known_name(type(node), dialect):
        name = node.name.lower() if isinstance(node, exp.Anonymous) else _called(node, dialect)
        if name not in dialect.functions:
            raise Refused(FUNCTION, f"{(name or _readable(kind))[:80]} is not among the functions that are known to only compute.")  # fmt: skip
    if _is_long(node) and _length(node) > LENGTH_MAX:
        raise Refused(COSTLY, f"A function would make more than {LENGTH_MAX:,}: ask for less.")


def _has_known_name(kind: type[exp.Func], dialect: Dialect) -> bool:
    """Whether all names of this function are known, so that it need not be written to see which."""
    known = _KNOWN.get((kind, dialect.parser))
    if known is None:
        names = () if kind is exp.Anonymous else kind.sql_names()
        known = bool(names) and all(name.lower() in dialect.functions for name in names)
        _KNOWN[kind, dialect.parser] = known
    return known


def _called(node: exp.Func, dialect: Dialect) -> str:
    """The name before the bracket as it would be written; "" where it is no call."""
    match = _CALL.match(node.sql(dialect.parser, comments=False))
    return match[1].lower() if match else ""


def _check_schema_of_function(node: exp.Dot) -> None:
    if node.this.name.lower() != "pg_catalog":
        raise Refused(FUNCTION, "Functions of the database's own makers are called without a schema; others are not called.")  # fmt: skip


def base_table(node: exp.Table, dialect: Dialect) -> Named | None:
    """None: it is a function, or a name of the statement's own. Raises Refused."""
    if isinstance(node.this, exp.Func):
        name = node.this.name.lower() if isinstance(node.this, exp.Anonymous) else _called(node.this, dialect)
        if node.args.get("db") or name not in dialect.relations:
            raise Refused(FUNCTION, f"{name[:80]} cannot be read from: name a table.")
        return None
    if not isinstance(node.this, exp.Identifier) or node.args.get("catalog") or len(node.parts) > 2:
        raise Refused(TABLE, "Name tables by schema and name, without a server and a database.")
    schema, name = (folded(part) for part in (node.args.get("db"), node.this))
    if not schema and _is_own(node, name):
        return None
    if dialect.parser == "tsql" and _OLD_VIEWS.fullmatch(key(name)):
        raise Refused(TABLE, f"{name[:80]} is not a table of yours.")
    if key(schema) in dialect.system or key(name).startswith(dialect.prefixes) or not _PLAIN_NAME.fullmatch(name):  # fmt: skip
        raise Refused(TABLE, f"{name[:80]} is not a table of yours.")
    return Named(schema, name)


def folded(part: exp.Expr | None) -> str:
    """A name as a database compares it: in small letters where it is not quoted."""
    if part is None:
        return ""
    return part.name if part.args.get("quoted") else part.name.lower()


def given(node: exp.Expr) -> set[str]:
    """What is said in it, by the parser's names."""
    return {name for name, value in node.args.items() if value}


def conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    """The parts that AND joins, without brackets around them."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    return [each.unnest() for each in parts]


def _is_own(table: exp.Table, name: str) -> bool:
    """Whether a common table expression of this name is in sight where it stands. Raises Refused where engines see different things."""
    below: exp.Expr = table
    above = table.parent
    while above is not None:
        if isinstance(above, exp.With) and isinstance(below, exp.CTE):
            at = _place(above, below)
            if any(_called_so(cte, name) for cte in above.expressions[:at]):
                return True
            if above.recursive and any(_called_so(cte, name) for cte in above.expressions[at:]):
                _check_calls_itself(below, name)
                return True
        elif not isinstance(below, exp.With):
            own = above.args.get("with_")
            if own is not None and any(_called_so(cte, name) for cte in own.expressions):
                return True
        below, above = above, above.parent
    return False


def _called_so(cte: exp.CTE, name: str) -> bool:
    return folded(cte.args["alias"].this) == name


def _check_calls_itself(cte: exp.CTE, name: str) -> None:
    """What stands further down, or calls itself without a UNION, is a table of the database to some engines."""
    if not (_called_so(cte, name) and isinstance(cte.this, exp.SetOperation)):
        raise Refused(AMBIGUOUS, f"Put {name[:80]} before the part of WITH that reads from it.")


def _place(own: exp.With, cte: exp.CTE) -> int:
    return next(at for at, each in enumerate(own.expressions) if each is cte)


def _check_hint(node: exp.Expr) -> None:
    if any(each.name.upper() not in _READ_LOOSELY for each in node.expressions):
        raise Refused(CONSTRUCT, "Leave out the hints on tables: a query takes no locks.")


def _check_alias(node: exp.Expr) -> None:
    """`SELECT 1 SHUTDOWN` is two statements to SQL Server."""
    alias = node.this if isinstance(node, exp.TableAlias) else node.args.get("alias")
    if isinstance(alias, exp.Identifier) and not alias.args.get("quoted") and alias.name.upper() in STATEMENT_WORDS:  # fmt: skip
        raise Refused(AMBIGUOUS, f"{alias.name.upper()} begins a statement: put the name into brackets.")


def _check_joined(node: exp.Select) -> None:
    series = [_length(each.this) for each in _sources(node) if isinstance(each.this, exp.Func)]
    if prod(series) > LENGTH_MAX:
        raise Refused(COSTLY, f"The series multiply to more than {LENGTH_MAX:,} rows: ask for less.")
    loose = [join for join in node.args.get("joins") or () if _is_loose(join)]
    if len(loose) <= UNJOINED_MAX:
        return
    where = node.args.get("where")
    between = sum(1 for each in where.find_all(*_COMPARED) if _joins(each)) if where else 0  # fmt: skip
    if len(loose) - between > UNJOINED_MAX:
        raise Refused(COSTLY, "Many tables are multiplied with each other: say in WHERE or ON how they belong together.")  # fmt: skip


def _is_loose(join: exp.Join) -> bool:
    """Whether nothing ties it to what stands before it: no condition, or one that compares no columns of two."""
    if not isinstance(join.this, exp.Table) or join.args.get("using") or join.method:
        return False
    on = join.args.get("on")
    return on is None or not any(_joins(each) for each in on.find_all(*_COMPARED, exp.Func))


def _joins(predicate: exp.Expr) -> bool:
    """Whether columns of two tables stand in it, as far as it names them."""
    columns = list(predicate.find_all(exp.Column))
    return len({(each.table, "" if each.table else each.name) for each in columns}) > 1


def _check_recursive(node: exp.With) -> None:
    """That what calls itself has something that ends it: a condition, a join or a limit."""
    for cte in node.expressions:
        name = folded(cte.args["alias"].this)
        steps = cte.this.find_all(exp.Select) if isinstance(cte.this, exp.SetOperation) else ()
        for step in steps:
            calls = any(folded(table.this) == name for table in _sources(step) if isinstance(table.this, exp.Identifier))  # fmt: skip
            where = step.args.get("where")
            ended = (where and where.find(exp.Column)) or step.args.get("limit") or cte.this.args.get("limit")
            joined = any(not _is_loose(join) for join in step.args.get("joins") or ())
            if calls and not (ended or joined):
                raise Refused(COSTLY, "The recursive part has no end: give it a WHERE or a LIMIT.")


def _sources(select: exp.Select) -> Iterator[exp.Table]:
    source = select.args.get("from_")
    for each in [*([source] if source else []), *(select.args.get("joins") or ())]:
        if isinstance(each.this, exp.Table):
            yield each.this


def _length(node: exp.Expr) -> float:
    """The largest number in the call as far as it can be told, times what calls within it make; a width in a format counts too."""
    inner = [_length(each) for each in node.find_all(exp.Func) if each is not node and _is_long(each)]
    numbers = [_number(each) for each in node.find_all(exp.Literal, exp.Mul, exp.Pow)]
    widths = [each for each in node.find_all(exp.Literal) if each.is_string and _WIDTH.search(each.name)]
    return max(numbers, default=1.0) * max([1.0, *inner]) if not widths else float("inf")


def _number(node: exp.Expr) -> float:
    """What arithmetic of numbers comes to; 1 for everything else."""
    try:
        if isinstance(node, exp.Literal):
            return 1.0 if node.is_string else float(node.this)
        if isinstance(node, exp.Mul):
            return _number(node.this) * _number(node.expression)
        if isinstance(node, exp.Pow):
            return float(_number(node.this) ** min(_number(node.expression), 99.0))
        if isinstance(node, exp.Paren):
            return _number(node.this)
    except OverflowError:
        return float("inf")
    return 1.0


def _is_long(node: exp.Func) -> bool:
    return isinstance(node, _LONG_KINDS) or (isinstance(node, exp.Anonymous) and node.name.lower() in _LONG)


def _readable(kind: str) -> str:
    """`WithTableHint`: "with table hint"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
