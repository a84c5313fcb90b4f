"""Reading a contract's SQL statement before any database does: one SELECT, parameters as `:name`, functions from a list.

The database's own read-only mode, authorizer and time limit stand behind this (`sqlite.py`, `postgresql.py`). Here is refused what they would let
pass or read in two ways: comments, dollar quotes, prefixed strings, functions that reach beyond the data, and any second statement.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

STATEMENT_CHARACTERS_MAX = 20_000

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<string>'(?:[^'\x00]|'')*')
  | (?P<quoted>"(?:[^"\x00]|"")+")
  | (?P<cast>::)
  | :(?P<parameter>[A-Za-z_][A-Za-z0-9_]{0,62})
  | (?P<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)
  | (?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?P<sign>--|/\*|\*/|[-+*/<>=~!@\#%^&|?.,()\[\]:;`$\\{}])
    """,
    re.VERBOSE,
)

_FORBIDDEN_SIGNS = {
    "--": "comments are not taken; write them beside the statement",
    "/*": "comments are not taken; write them beside the statement",
    "*/": "comments are not taken; write them beside the statement",
    ";": "one statement only, without ;",
    "`": 'names are quoted with "',
    "$": "dollar quotes are not taken; parameters are written :name",
    "\\": "a backslash stands outside of a text",
    "{": "parameters are written :name",
    "}": "parameters are written :name",
}
_FORBIDDEN_IN_SQLITE = {
    "[": 'names are quoted with "',
    "?": "parameters are written :name",
    "@": "parameters are written :name",
    "#": "this sign is not SQL",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FORBIDDEN_WORDS = _words(
    "attach delete detach insert into merge pragma tablesample truncate update vacuum xmltable"
)
"""What could change or reach something inside a SELECT; other commands cannot stand there."""

_BEFORE_PARENTHESIS = _words(
    "all and any array as between by case cross cube distinct else end escape except exists extract filter from full group grouping having ilike in inner "
    "intersect is join lateral left like limit materialized natural not null offset on or order outer over partition recursive returning right rollup "
    "row select sets similar some then union using values when where with within"
)  # `left` and `right` are functions too, and harmless ones

_TYPES = _words("bit char character decimal numeric time timestamp timestamptz timetz varchar varying")

FUNCTIONS = _words(
    "abs age array_agg array_length array_to_string avg bool_and bool_or btrim cardinality cast ceil ceiling char_length character_length coalesce "
    "concat concat_ws corr count cume_dist current_date current_time current_timestamp date date_part date_trunc datetime dense_rank every extract "
    "first_value floor glob greatest group_concat hex ifnull iif initcap instr json json_agg json_array json_array_elements json_array_elements_text "
    "json_array_length json_build_array json_build_object json_each json_each_text json_extract json_extract_path json_extract_path_text "
    "json_group_array json_group_object json_object json_object_agg json_object_keys json_tree json_type json_typeof json_valid jsonb_agg "
    "jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text "
    "jsonb_extract_path jsonb_extract_path_text jsonb_object_agg jsonb_object_keys jsonb_typeof julianday lag last_value lead least left length "
    "like likelihood likely localtime localtimestamp lower ltrim make_date make_interval make_timestamp max min mod mode now nth_value ntile nullif "
    "octet_length overlay percent_rank percentile_cont percentile_disc plainto_tsquery position power quote rank regexp_replace replace right round row_number "
    "row_to_json rtrim sign split_part sqrt stddev stddev_pop stddev_samp strftime string_agg string_to_array strpos substr substring sum time "
    "timezone to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector total trim trunc typeof unicode unixepoch unlikely unnest "
    "upper var_pop var_samp variance websearch_to_tsquery width_bucket"
)
"""What a statement may call. Others (files, sleep, settings, sequences, large objects, other servers, your own) go into a view."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was read. `sqlite` and `psycopg` are the same with each driver's parameters."""

    text: str
    sqlite: str
    psycopg: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def read_statement(text: str, *, sqlite: bool) -> Statement:
    """The statement, to run with named parameters. Raises ValueError with a sentence that says what is wrong."""
    if len(text) > STATEMENT_CHARACTERS_MAX:
        raise ValueError(f"the statement is longer than {STATEMENT_CHARACTERS_MAX} characters")
    tokens = _tokens(text.strip())
    seen = [token for token in tokens if token.kind != "space"]
    if not seen or seen[0].text.lower() not in {"select", "with"}:
        raise ValueError("the statement must start with SELECT or WITH")
    for token in seen:
        _check_token(token, sqlite=sqlite)
    for before, token in pairwise(tokens):
        if token.kind in {"string", "quoted"} and (before.kind == "word" or before.text == "&"):
            raise ValueError("a text or a name has no prefix (E'', U&'', X'')")
    _check_calls(seen)
    names = tuple(dict.fromkeys(token.text for token in seen if token.kind == "parameter"))
    return Statement(text.strip(), _rendered(tokens, sqlite=True), _rendered(tokens, sqlite=False), names)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(
                "the statement holds a character that is not taken, or a quote that does not end"
            )
        kind = match.lastgroup or ""
        tokens.append(_Token(kind, match.group(kind)))
        at = match.end()
    return tokens


def _check_token(token: _Token, *, sqlite: bool) -> None:
    if token.kind == "sign":
        reason = _FORBIDDEN_SIGNS.get(token.text) or (
            _FORBIDDEN_IN_SQLITE.get(token.text) if sqlite else None
        )
        if reason:
            raise ValueError(reason)
    if token.kind == "word" and token.text.lower() in _FORBIDDEN_WORDS:
        raise ValueError(
            f'{token.text.upper()} is not taken; a column of that name is written "{token.text}"'
        )


def _check_calls(seen: list[_Token]) -> None:
    for index in range(1, len(seen)):
        name, before = seen[index - 1], seen[index - 2] if index > 1 else _Token("", "")
        if seen[index].text != "(" or seen[index].kind != "sign" or name.kind not in {"word", "quoted"}:
            continue
        if before.text.lower() == "as" or before.kind == "cast":
            continue  # `AS numeric(10, 2)`, `AS t(a, b)`, `::varchar(20)`: a type or an alias, never a call
        _check_call(name, qualified=before.text == ".")


def _check_call(name: _Token, *, qualified: bool) -> None:
    called = name.text[1:-1] if name.kind == "quoted" else name.text.lower()
    known = called in FUNCTIONS or (
        name.kind == "word" and (called in _BEFORE_PARENTHESIS or called in _TYPES)
    )
    if qualified or not known:
        raise ValueError(f"the function {name.text} is not in the list of functions; put it into a view")


def _rendered(tokens: list[_Token], *, sqlite: bool) -> str:
    out: list[str] = []
    for token in tokens:
        if token.kind == "parameter":
            out.append(f":{token.text}" if sqlite else f"%({token.text})s")
        else:
            out.append(token.text if sqlite else token.text.replace("%", "%%"))
    return "".join(out)
