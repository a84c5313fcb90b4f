"""The statement as it would be executed, word by word: whatever stands before a bracket is a function that is known, or a word of the language. It trusts no tree."""

from collections.abc import Collection

from sqlglot import TokenType
from sqlglot.dialects.dialect import Dialect as Parser

from ostiary.guard.verdict import FUNCTION, Refused

_WORDS = (
    "against all and anti any apply array as asc asof bernoulli between by case collate cross cube desc distinct else end escape except exclude exists "
    "fetch filter first following from full glob group having if ilike in index inner intersect interval is join last lateral left like limit materialized "
    "minus natural not null nulls offset on or order outer over partition percent pivot positional preceding qualify range recursive regexp replace "
    "reservoir right rlike rollup row rows sample select semi sets similar some struct system table tablesample then to top union unpivot using values when "
    "where window with within xor"
)
LANGUAGE = frozenset(_WORDS.split())
"""Words that a bracket may follow without a call."""

_OF_TYPES = (
    "bigint binary bit blob bool boolean bpchar bytea char character clob date datetime datetime2 datetimeoffset dec decimal double enum float float4 "
    "float8 hugeint int int2 int4 int8 integer interval json jsonb list map money nchar nclob ntext number numeric nvarchar real signed smallint string "
    "struct text time timestamp timestamp_ntz timestamptz timetz tinyint unsigned uuid varbinary varbit varchar varying vector xml year zone"
)
TYPES = frozenset(_OF_TYPES.split())

_NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER})


def check(sql: str, parser: Parser, functions: Collection[str], columns_follow: Collection[str]) -> None:
    """`columns_follow`: names of the statement's own that a list of columns follows (`WITH r(n) AS`). Raises Refused."""
    before = None
    older = None
    for token in parser.tokenize(sql):
        if token.token_type == TokenType.L_PAREN and before is not None:
            word = before.text.lower()
            named = before.token_type in _NAMES or (word.replace("_", "").isalnum() and not word[0].isdigit())
            literal = before.token_type in (TokenType.STRING, TokenType.NUMBER, TokenType.NATIONAL_STRING)
            after_as = older is not None and older.token_type == TokenType.ALIAS
            known = word in functions or word in columns_follow or after_as
            if before.token_type != TokenType.IDENTIFIER:
                known = known or word in LANGUAGE or word in TYPES
            if named and not literal and not known:
                raise Refused(FUNCTION, f"{word[:80]} is not among the functions that are known to only compute.")  # fmt: skip
        older, before = before, token
