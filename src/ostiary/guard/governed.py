"""One judgement, and the query as whoever asks may see the data: masks and conditions on rows are applied where the database reads."""

import re
from collections.abc import Mapping

from sqlglot import exp

from ostiary.guard import grammar, tree
from ostiary.guard.catalogue import Catalogue
from ostiary.guard.dialects import Dialect, dialect_of
from ostiary.guard.guard import answered, judge, judged, parsed, rendered
from ostiary.guard.masking import KEY_MARK, WRITINGS
from ostiary.guard.nodes import ROOTS
from ostiary.guard.relation import Claim, relation
from ostiary.guard.rewrite import rewrite
from ostiary.guard.verdict import AMBIGUOUS, NOT_A_QUERY, TABLE, Refused, Verdict

_KEY = re.compile(rf"{KEY_MARK}([^{KEY_MARK}]+){KEY_MARK}")


def governed(
    sql: str, dialect: str, catalogue: Catalogue, claims: Mapping[str, Claim] | None = None
) -> Verdict:
    """As `judge`, but what may be run shows masked columns as they may be shown, and the rows that may be seen. `claims`: what is known about who asks. A dialect in which no masks can be written
    has them refused. Raises KeyError for an unknown dialect."""
    spoken = dialect_of(dialect)
    if spoken.parser not in WRITINGS:
        return judge(sql, dialect, catalogue)
    return answered(lambda: _governed(sql, spoken, catalogue, claims or {}), spoken)


def check(catalogue: Catalogue, dialect: str) -> None:
    """That every condition on rows can be applied. Raises RowsError, and KeyError for an unknown dialect."""
    spoken = dialect_of(dialect)
    if spoken.parser in WRITINGS:
        for tables in catalogue.tables.values():
            for table in tables:
                relation(table, spoken)


def _governed(sql: str, dialect: Dialect, catalogue: Catalogue, claims: Mapping[str, Claim]) -> Verdict:
    """What was judged and written anew is read again: what is changed is what would be executed."""
    if not catalogue.complete:
        raise Refused(TABLE, "There is no catalogue of what you may read.")
    verdict = judged(sql, dialect, catalogue, hide=False)
    root = parsed(verdict.sql, dialect)
    if type(root).__name__ not in ROOTS:
        raise Refused(NOT_A_QUERY, "A plan tells about rows that are not shown: ask the query itself.")
    read = rewrite(root, dialect, catalogue, claims)
    own = frozenset(tree.folded(cte.args["alias"].this) for cte in root.find_all(exp.CTE))
    marked = rendered(root, dialect)
    if dialect.parser == "postgres":
        seen = grammar.read(_KEY.sub("NULL", marked)).tables
        if {each for each in seen if each[0] or each[1] not in own} != read - {("", name) for name in own}:
            raise Refused(AMBIGUOUS, "Two parsers read different tables in it: write it more plainly.")
    text, keys = _bound(marked, dialect)
    return Verdict(True, text, tables=verdict.tables, keys=keys)


def _bound(marked: str, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """With parameters in place of the marks of keys, and the names of these. MySQL's parameters have no number."""
    if dialect.parser == "mysql":
        return _KEY.sub("?", marked), tuple(_KEY.findall(marked))
    keys = list(dict.fromkeys(_KEY.findall(marked)))
    sign = "?" if dialect.parser == "sqlite" else "$"
    return _KEY.sub(lambda found: f"{sign}{keys.index(found[1]) + 1}", marked), tuple(keys)
