"""PostgreSQL's own grammar as the second opinion: what it reads in a statement must be as harmless as what the first parser read, and about the same tables."""

from collections.abc import Iterator
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message

from ostiary.guard.verdict import CONSTRUCT, FUNCTION, NOT_A_QUERY, NOT_ONE, UNREADABLE, Refused

_ALLOWED = frozenset(
    [
        "ParseResult",
        "RawStmt",
        "Node",
        "SelectStmt",
        "ResTarget",
        "ColumnRef",
        "A_Star",
        "A_Const",
        "Integer",
        "Float",
        "Boolean",
        "String",
        "BitString",
        "List",
        "A_Expr",
        "BoolExpr",
        "NullTest",
        "BooleanTest",
        "FuncCall",
        "NamedArgExpr",
        "TypeCast",
        "TypeName",
        "CaseExpr",
        "CaseWhen",
        "CoalesceExpr",
        "MinMaxExpr",
        "SubLink",
        "RangeVar",
        "RangeSubselect",
        "RangeFunction",
        "RangeTableSample",
        "JoinExpr",
        "Alias",
        "SortBy",
        "WindowDef",
        "GroupingSet",
        "GroupingFunc",
        "WithClause",
        "CommonTableExpr",
        "CTESearchClause",
        "CTECycleClause",
        "A_ArrayExpr",
        "A_Indirection",
        "A_Indices",
        "RowExpr",
        "CollateClause",
        "SQLValueFunction",
        "ColumnDef",
        "XmlExpr",
        "XmlSerialize",
        "JsonObjectConstructor",
        "JsonArrayConstructor",
        "JsonArrayQueryConstructor",
        "JsonObjectAgg",
        "JsonArrayAgg",
        "JsonAggConstructor",
        "JsonKeyValue",
        "JsonValueExpr",
        "JsonFormat",
        "JsonOutput",
        "JsonReturning",
        "JsonIsPredicate",
        "JsonFuncExpr",
        "JsonBehavior",
        "JsonParseExpr",
        "JsonScalarExpr",
        "JsonSerializeExpr",
    ]
)
"""The kinds of nodes of PostgreSQL's grammar that a query may have. Not here: every other statement, INTO, FOR UPDATE, parameters."""

_VALUES = frozenset(range(1, 10))
"""Of SQLValueFunction: current_date, current_time, current_timestamp, localtime, localtimestamp with their precisions; behind them stand current_user and its like."""
_BUILT_IN = "pg_catalog"


@dataclass(frozen=True, slots=True)
class Read:
    """What PostgreSQL reads in a statement: tables (schema or "", name), with the names of common table expressions where they are read, and functions."""

    tables: frozenset[tuple[str, str]]
    functions: frozenset[str]


def read(sql: str) -> Read:
    """Raises Refused where it is not one query, or holds what a query may not."""
    try:
        tree = postgast.parse(sql)
    except postgast.PgQueryError as error:
        raise Refused(UNREADABLE, "This is not PostgreSQL's SQL: look at how it is written.") from error
    if len(tree.stmts) != 1:
        raise Refused(NOT_ONE, "Send one statement.")
    if tree.stmts[0].stmt.WhichOneof("node") != "select_stmt":
        raise Refused(NOT_A_QUERY, "Only queries are run: begin with SELECT or WITH.")
    tables: set[tuple[str, str]] = set()
    functions: set[str] = set()
    for node in _every(tree):
        kind = node.DESCRIPTOR.name
        if kind not in _ALLOWED:
            raise Refused(CONSTRUCT, "The statement holds what is not part of reading: leave out INTO, locks and parameters.")  # fmt: skip
        if kind == "RangeVar":
            if node.catalogname:
                raise Refused(CONSTRUCT, "Name tables without their database.")
            tables.add((node.schemaname, node.relname))
        elif kind == "FuncCall":
            functions.add(_function(node))
        elif kind == "SQLValueFunction" and node.op not in _VALUES:
            raise Refused(FUNCTION, "Who and where one is is not told: leave out current_user and its like.")
        elif kind == "A_Expr" and len(node.name) > 1:
            raise Refused(CONSTRUCT, "Write operators without a schema.")
    return Read(frozenset(tables), frozenset(functions))


def _function(node: Message) -> str:
    names = [each.string.sval for each in node.funcname]
    if len(names) > 2 or (len(names) == 2 and names[0] != _BUILT_IN):
        raise Refused(FUNCTION, f"{'.'.join(names)[:80]} is not among the functions that are known to only compute.")  # fmt: skip
    return str(names[-1])


def _every(message: Message) -> Iterator[Message]:
    """All nodes, without recursion: statements may be nested deep."""
    waiting = [message]
    while waiting:
        node = waiting.pop()
        yield node
        for field, value in node.ListFields():
            if field.message_type is not None:
                waiting.extend([value] if isinstance(value, Message) else value)
