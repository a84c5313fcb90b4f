"""What the guard says about a statement."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sql`: what may be executed, written anew from the tree; "" where it is refused. `tables`: what it reads, as it names them. `code` and `why`: of a refusal; why says what to change, and
    quotes of the statement only names of functions and tables."""

    allowed: bool
    sql: str = ""
    code: str = ""
    why: str = ""
    tables: tuple[str, ...] = ()


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
EXPLAINED = {
    UNREADABLE: "The statement cannot be read as the dialect's SQL.",
    TOO_LONG: "The statement is longer or nested deeper than a question needs.",
    NOT_ONE: "There is more than one statement, or none.",
    NOT_A_QUERY: "The statement does something else than read.",
    CONSTRUCT: "A part of the statement is not among those that are known to only read.",
    FUNCTION: "A function is not among those that are known to only compute.",
    TABLE: "A table is not among those that may be read.",
    MASKED: "A column is masked, and the statement could tell what it holds.",
    COSTLY: "The statement would work without bound.",
    AMBIGUOUS: "The statement can be read in two ways.",
}
"""Every code, for the reference."""
