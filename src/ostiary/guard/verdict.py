"""What the guard says about a statement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sql`: what may be executed, written anew from the tree; "" where it is refused. `tables`: what it reads, as it names them. `keys`: the names of the keys that
    are bound to it, in the order of its parameters. `code` and `why`: of a refusal; why says what to change, and
    quotes of the statement only names of functions and tables."""

    allowed: bool
    sql: str = ""
    code: str = ""
    why: str = ""
    tables: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


class Refused(Exception):
    """The statement is not let through. `code` is stable, `why` a sentence."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(code)
        self.code, self.why = code, why


UNREADABLE = "sql.unreadable"
TOO_LONG = "sql.too_long"
NOT_ONE = "sql.not_one_statement"
NOT_A_QUERY = "sql.not_a_query"
CONSTRUCT = "sql.construct"
FUNCTION = "sql.function"
TABLE = "sql.table"
MASKED = "sql.masked"
COSTLY = "sql.costly"
AMBIGUOUS = "sql.ambiguous"
CLAIM = "sql.claim"
GROUPED = "sql.grouped"
CODES = frozenset(
    {
        UNREADABLE,
        TOO_LONG,
        NOT_ONE,
        NOT_A_QUERY,
        CONSTRUCT,
        FUNCTION,
        TABLE,
        MASKED,
        COSTLY,
        AMBIGUOUS,
        CLAIM,
        GROUPED,
    }
)
"""Every code; docs/howto/guard.md says what each means."""
