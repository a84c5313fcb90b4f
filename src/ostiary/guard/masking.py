"""How a masked column is written in a dialect, so that the database shows no more of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ostiary.guard.catalogue import Column, Mask

SHOWN = "***"
"""What stands in place of what is hidden."""
KEY_MARK = "\x01"
"""Around the name of a key, where the key will be bound: no statement that is judged holds this sign."""

_TEXT = frozenset(["char", "varchar", "character", "text", "nvarchar", "nchar", "ntext", "string", "bpchar", "citext", "tinytext", "mediumtext", "longtext", "clob", "enum", "name"])  # fmt: skip
_NUMBER = frozenset(["int", "integer", "bigint", "smallint", "tinyint", "mediumint", "int2", "int4", "int8", "hugeint", "numeric", "decimal", "dec", "number", "real", "float", "float4", "float8", "double", "money"])  # fmt: skip
_PERIODS = ("year", "quarter", "month", "day", "hour")
_PATTERNS = {"year": "%Y-01-01", "month": "%Y-%m-01", "day": "%Y-%m-%d", "hour": "%Y-%m-%d %H:00:00"}
"""Of strftime: the beginning of a period."""


def kind_of(type_: str) -> str:
    """`text`, `number`, `date`, `timestamp`, or "" for what is none of these or not known."""
    words = type_.lower().replace("(", " ").split()
    first = words[0] if words else ""
    if "[" in type_ or first in ("uuid", ""):
        return ""
    if first in ("date", "datetime", "datetime2", "timestamp", "timestamptz"):
        return "date" if first == "date" else "timestamp"
    return "text" if first in _TEXT else "number" if first in _NUMBER else ""


@dataclass(frozen=True, slots=True)
class Writing:
    """What dialects write in their own way. `fence`: what keeps conditions of a statement from being tried on rows that are not shown. `hashed`: of a mark for the key and a text. `unled`: what keeps the table from being
    read along an index of a column that is masked, with and without a primary key. `moment`: what an hour is cast to; "": a text stays one."""

    quote: str
    fence: str
    unled: tuple[str, str]
    as_text: str
    length: str
    moment: str
    partial: str
    hashed: str
    periods: Callable[[str, str], str]
    ranged: str

    def quoted(self, name: str) -> str:
        """A name as this dialect quotes it, whatever stands in it."""
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"


def _truncated(value: str, period: str) -> str:
    return f"DATE_TRUNC('{period}', {value})"


def _mysql_period(value: str, period: str) -> str:
    if period == "quarter":
        return f"MAKEDATE(YEAR({value}), 1) + INTERVAL (QUARTER({value}) - 1) QUARTER"
    return f"DATE_FORMAT({value}, '{_PATTERNS[period]}')"


def _sqlite_period(value: str, period: str) -> str:
    if period == "quarter":
        months = f"CAST(STRFTIME('%m', {value}) AS INTEGER) - 1"
        return f"STRFTIME('%Y-', {value}) || PRINTF('%02d-01', ({months}) / 3 * 3 + 1)"
    return f"STRFTIME('{_PATTERNS[period]}', {value})"


_SHORT = f"CASE WHEN {{value}} IS NULL THEN NULL WHEN {{length}}({{value}}) < {{least}} THEN '{SHOWN}' ELSE "
_ENDS = _SHORT + f"LEFT({{value}}, {{first}}) || '{SHOWN}' || RIGHT({{value}}, {{last}}) END"
WRITINGS = {
    "postgres": Writing(
        quote='"',
        fence=" OFFSET 0",
        unled=("", ""),
        as_text="CAST({0} AS TEXT)",
        length="CHAR_LENGTH",
        moment="TIMESTAMP",
        partial=_ENDS,
        hashed="SUBSTR(ENCODE(SHA256(CONVERT_TO(CAST({key} AS TEXT) || {0}, 'UTF8')), 'hex'), 1, 32)",
        periods=_truncated,
        ranged="FLOOR(CAST({0} AS NUMERIC) / {width}) * {width}",
    ),
    "mysql": Writing(
        quote="`",
        fence=" LIMIT 18446744073709551615",
        unled=(" USE INDEX (PRIMARY)", " USE INDEX ()"),
        as_text="CAST({0} AS CHAR)",
        length="CHAR_LENGTH",
        moment="DATETIME",
        partial=_SHORT + f"CONCAT(LEFT({{value}}, {{first}}), '{SHOWN}', RIGHT({{value}}, {{last}})) END",
        hashed="SUBSTRING(SHA2(CONCAT({key}, {0}), 256), 1, 32)",
        periods=_mysql_period,
        ranged="FLOOR({0} / {width}) * {width}",
    ),
    "sqlite": Writing(
        quote='"',
        fence=" LIMIT -1",
        unled=(" NOT INDEXED", " NOT INDEXED"),
        as_text="CAST({0} AS TEXT)",
        length="LENGTH",
        moment="",
        partial=_SHORT
        + f"SUBSTR({{value}}, 1, {{first}}) || '{SHOWN}' || SUBSTR({{value}}, LENGTH({{value}}) + 1 - {{last}}) END",
        hashed="SUBSTR(OSTIARY_SHA256(CAST({key} AS TEXT) || {0}), 1, 32)",
        periods=_sqlite_period,
        ranged="(CAST({0} / {width}.0 AS INTEGER) - ({0} / {width}.0 < CAST({0} / {width}.0 AS INTEGER))) * {width}",
    ),
    "duckdb": Writing(
        quote='"',
        fence=" LIMIT 9223372036854775807",
        unled=("", ""),
        as_text="CAST({0} AS TEXT)",
        length="LENGTH",
        moment="TIMESTAMP",
        partial=_ENDS,
        hashed="SUBSTR(SHA256(CAST({key} AS TEXT) || {0}), 1, 32)",
        periods=_truncated,
        ranged="FLOOR({0} / {width}) * {width}",
    ),
}
"""By the parser's name. SQLite has no hash of its own: whoever runs the statement gives it `ostiary_sha256` (a text to its hexadecimal digits)."""


SESSIONS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("SET enable_indexonlyscan = off",),
    "mysql": (),
    "sqlite": (),
    "duckdb": ("SET disabled_optimizers = 'join_order,build_side_probe_side,statistics_propagation'",),
}
"""What is to be said to a session before governed statements are run: that what is hidden decides neither along which index a table is read, nor which of two tables is looked at first, and with it which row
fails."""


def masked(value: str, column: Column, table: str, writing: Writing) -> str:
    """The expression that shows of `value`, a column, what its mask lets through. What a mask cannot be applied to is hidden."""
    mask, kind = column.mask, kind_of(column.type)
    if mask is None:
        return value
    if mask.kind == "partial":
        return _partial(writing.as_text.format(value), mask, writing)
    if mask.kind in ("hash", "token"):
        return _hashed(value, mask, f"{table}.{column.name}".lower(), writing)
    if mask.kind == "generalise":
        return _generalised(value, mask, kind, writing)
    if mask.kind == "full" and kind == "text":
        return f"'{SHOWN}'"
    return _nothing(value)


def _nothing(value: str) -> str:
    """NULL of its type."""
    return f"CASE WHEN 1 = 0 THEN {value} END"


def _partial(value: str, mask: Mask, writing: Writing) -> str:
    """All of a value that is not at least twice as long as what would stay is hidden."""
    least = max(1, 2 * (mask.first + mask.last))
    return writing.partial.format(
        value=value, length=writing.length, least=least, first=mask.first, last=mask.last
    )


def _hashed(value: str, mask: Mask, column: str, writing: Writing) -> str:
    """Each key is 64 hexadecimal digits and the hash is cut to half its length, so that nothing can be appended: a pseudo-random function as long as the key is not known."""
    group = f"token:{mask.group}" if mask.kind == "token" else f"hash:{column}"
    return writing.hashed.format(writing.as_text.format(value), key=f"{KEY_MARK}{group}{KEY_MARK}")


def _generalised(value: str, mask: Mask, kind: str, writing: Writing) -> str:
    if kind in ("date", "timestamp") and mask.to in _PERIODS:
        written = writing.periods(value, str(mask.to))
        type_ = "DATE" if kind == "date" or mask.to != "hour" else writing.moment
        return f"CAST({written} AS {type_})" if writing.moment else written
    if kind == "number" and type(mask.to) is int and mask.to > 0:
        return writing.ranged.format(value, width=mask.to)
    return _nothing(value)
