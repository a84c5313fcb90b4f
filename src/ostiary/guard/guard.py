"""One judgement: read, check the tree, write anew, and check what was written."""

import logging
import re
from collections.abc import Callable, Collection
from itertools import accumulate

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Parser
from sqlglot.errors import ErrorLevel, SqlglotError

from ostiary.guard import grammar, masks, tree, written
from ostiary.guard.catalogue import EVERYTHING, Catalogue, Table
from ostiary.guard.dialects import Dialect, dialect_of
from ostiary.guard.nodes import ROOTS
from ostiary.guard.tree import Named
from ostiary.guard.verdict import (
    AMBIGUOUS,
    FUNCTION,
    NOT_A_QUERY,
    NOT_ONE,
    TABLE,
    TOO_LONG,
    UNREADABLE,
    Refused,
    Verdict,
)

CHARACTERS_MAX = 65_536
DEPTH_MAX = 100
"""Brackets within brackets."""

_OPTION = (
    r"(?:COSTS|VERBOSE|SETTINGS|SUMMARY|GENERIC_PLAN|FORMAT)(?:\s+(?:ON|OFF|TRUE|FALSE|TEXT|JSON|XML|YAML))?"
)
_EXPLAIN = re.compile(
    rf"\s*EXPLAIN(?:\s+QUERY\s+PLAN|\s*\(\s*{_OPTION}(?:\s*,\s*{_OPTION})*\s*\))?\s+(?=SELECT\b|WITH\b|\()",
    re.IGNORECASE,
)
"""The plan of a query, without running it."""
_EXECUTED_COMMENT = re.compile(r"/\*(?:M?!|\+)", re.IGNORECASE)
_CODED_NAME = re.compile(r"\bU&\s*[\"']", re.IGNORECASE)
_BRACKETS = re.compile(r"[()\[\]]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff]")

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def judge(sql: str, dialect: str, catalogue: Catalogue = EVERYTHING) -> Verdict:
    """Whether `sql` may be run, and as what. Without a catalogue every table is assumed to exist and to be readable, those of the system excepted; what names a masked column is refused. Raises
    KeyError for an unknown dialect."""
    spoken = dialect_of(dialect)
    return answered(lambda: judged(sql, spoken, catalogue), spoken)


def answered(decide: Callable[[], Verdict], dialect: Dialect) -> Verdict:
    """What is decided; nothing passes where something fails."""
    try:
        return decide()
    except Refused as refused:
        return Verdict(False, code=refused.code, why=refused.why)
    except RecursionError:
        return Verdict(False, code=TOO_LONG, why="The statement is nested too deep.")
    except Exception:  # noqa: BLE001 (whatever a parser does not expect: nothing passes by it)
        return Verdict(
            False, code=UNREADABLE, why=f"This cannot be read as {dialect.name}'s SQL: write it more plainly."
        )


def judged(sql: str, dialect: Dialect, catalogue: Catalogue, *, hide: bool = True) -> Verdict:
    """`hide`: that what names a masked column is refused. Raises Refused."""
    _check_text(sql)
    explained = _EXPLAIN.match(sql)
    asked = sql[explained.end() :] if explained else sql
    root = parsed(asked, dialect)
    if isinstance(root, exp.Describe):
        return _described(root, dialect, catalogue)
    if type(root).__name__ not in ROOTS:
        raise Refused(NOT_A_QUERY, "Only queries are run: begin with SELECT or WITH.")
    named = tree.check(root, dialect)
    known = _known(named, catalogue)
    if hide:
        masks.check(root, known)
    parser = Parser.get_or_raise(dialect.parser)
    own = [cte.args["alias"] for cte in root.find_all(exp.CTE)]
    with_columns = frozenset(alias.name.lower() for alias in own if alias.args.get("columns"))
    own_names = frozenset(tree.folded(alias.this) for alias in own)
    text = rendered(root, dialect)
    written.check(text, parser, dialect.functions, with_columns)
    if dialect.parser == "postgres":
        _check_grammar(asked, text, named, dialect, own_names)
    prefix = re.sub(r"\s+", " ", explained[0].strip().upper()) + " " if explained else ""
    return Verdict(True, prefix + text, tables=tuple(map(str, named)))


def rendered(root: exp.Expr, dialect: Dialect) -> str:
    """As text, without comments. Changes the tree: nothing may look at it any more. What cannot be written in the dialect is an error, and not left out."""
    return root.sql(dialect.parser, comments=False, copy=False, unsupported_level=ErrorLevel.RAISE)


def _known(named: list[Named], catalogue: Catalogue) -> dict[Named, tuple[Table, ...]]:
    """Those that the catalogue has. Raises Refused for one that it lacks, where it is complete."""
    known: dict[Named, tuple[Table, ...]] = {}
    for each in named:
        tables = catalogue.find(each.schema, each.name)
        if tables:
            known[each] = tables
        elif catalogue.complete:
            raise Refused(TABLE, f"{str(each)[:80]} is not among the tables that you may read.")
    return known


def _check_text(sql: str) -> None:
    """What is refused before anything reads it."""
    if len(sql) > CHARACTERS_MAX:
        raise Refused(TOO_LONG, f"A statement has at most {CHARACTERS_MAX:,} characters.")
    if _CONTROL.search(sql):
        raise Refused(AMBIGUOUS, "Leave out control characters and signs without a width.")
    if _EXECUTED_COMMENT.search(sql):
        raise Refused(AMBIGUOUS, "Leave out comments that a database may execute: /*! and /*+.")
    if _CODED_NAME.search(sql):
        raise Refused(AMBIGUOUS, "Write names and texts as they are, without U&.")
    deepest = max(accumulate(1 if sign in "([" else -1 for sign in _BRACKETS.findall(sql)), default=0)
    if deepest > DEPTH_MAX:
        raise Refused(TOO_LONG, f"Brackets are nested at most {DEPTH_MAX} deep.")


def parsed(sql: str, dialect: Dialect) -> exp.Expr:
    """The one statement. Raises Refused."""
    try:
        found = sqlglot.parse(sql, read=dialect.parser, error_level=ErrorLevel.IMMEDIATE)
    except SqlglotError as error:
        raise Refused(UNREADABLE, f"This cannot be read as {dialect.name}'s SQL: look at how it is written.") from error  # fmt: skip
    statements = [each for each in found if each is not None and not isinstance(each, exp.Semicolon)]
    if len(statements) != 1:
        raise Refused(NOT_ONE, "Send one statement.")
    if dialect.parser == "mysql":
        _drop_dual(statements[0])
    return statements[0]


def _drop_dual(root: exp.Expr) -> None:
    """`FROM DUAL` is no table, and would be written as one."""
    for select in root.find_all(exp.Select):
        source = select.args.get("from_")
        table = source.this if source is not None else None
        if (
            isinstance(table, exp.Table)
            and len(table.parts) == 1
            and not table.this.args.get("quoted")
            and table.name.upper() == "DUAL"
            and not select.args.get("joins")
        ):
            select.set("from_", None)


def _described(root: exp.Describe, dialect: Dialect, catalogue: Catalogue) -> Verdict:
    """`DESCRIBE orders`, which the schema could tell as well."""
    if (
        not isinstance(root.this, exp.Table)
        or dialect.parser not in ("mysql", "duckdb")
        or len(list(root.walk())) > 4
    ):
        raise Refused(NOT_A_QUERY, "Only tables are described.")
    named = tree.check(root.this, dialect)
    _known(named, catalogue)
    return Verdict(
        True, f"DESCRIBE {root.this.sql(dialect.parser, comments=False)}", tables=tuple(map(str, named))
    )


def _check_grammar(asked: str, text: str, named: list[Named], dialect: Dialect, own: Collection[str]) -> None:
    """That PostgreSQL reads in what was asked and in what was written the tables that the first parser read, and only known functions."""
    before, after = grammar.read(asked), grammar.read(text)
    for name in sorted(before.functions | after.functions):
        if name.lower() not in dialect.functions:
            raise Refused(FUNCTION, f"{name[:80]} is not among the functions that are known to only compute.")
    ours = {(each.schema, each.name) for each in named if each.schema or each.name not in own}
    for read in (before, after):
        if ours != {each for each in read.tables if each[0] or each[1] not in own}:
            raise Refused(AMBIGUOUS, "Two parsers read different tables in it: write it more plainly.")
