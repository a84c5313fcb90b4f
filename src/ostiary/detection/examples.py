"""A pattern from a handful of examples: what they have in common, piece by piece. A person reads it before it is used.

Each example is cut into runs of letters, of digits, and single other characters. Runs that are the same letters in all of them stand as they are; else a run is its kind of letter, as often as
seen. What has no shape in common is refused, and so is what would match any word, or a counter example: a guess is no rule.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.detection.rules import BadRules, compiled

EXAMPLES_MIN, EXAMPLES_MAX = 2, 100
CHARACTERS_MAX = 100
_FINE = re.compile(r"[^\W\d_]+|[0-9]+|.", re.DOTALL)
_COARSE = re.compile(r"(?:[^\W\d_]|[0-9])+|.", re.DOTALL)
_WORDS = {
    "[0-9]": "digits",
    "[A-Z]": "capital letters",
    "[a-z]": "small letters",
    "[A-Za-z]": "letters",
    r"\p{L}": "letters of any script",
    "[0-9A-Z]": "digits or capital letters",
    "[0-9a-z]": "digits or small letters",
    "[0-9A-Za-z]": "digits or letters",
    r"[0-9\p{L}]": "digits or letters of any script",
}


@dataclass(frozen=True, slots=True)
class Inferred:
    """`pattern`: RE2. `reading`: the same in words."""

    pattern: str
    reading: str


def inferred(examples: Sequence[str], counter: Sequence[str] = ()) -> Inferred:
    """What the examples have in common. Raises BadRules, which repeats no example."""
    given = list(dict.fromkeys(example.strip() for example in examples))
    if not EXAMPLES_MIN <= len(given) <= EXAMPLES_MAX:
        raise BadRules(f"give {EXAMPLES_MIN} to {EXAMPLES_MAX} different examples")
    if any(not 0 < len(example) <= CHARACTERS_MAX for example in given):
        raise BadRules(f"an example is empty, or longer than {CHARACTERS_MAX} characters")
    parts = _parts(given, _FINE) or _parts(given, _COARSE)
    if not parts:
        raise BadRules("the examples have no shape in common: give those of one shape, and one pattern for each shape")  # fmt: skip
    if not any(literal or "0-9" in kind for literal, kind, _, _ in parts):
        raise BadRules("what the examples have in common would match any word: use a dictionary")
    body = "".join(_written(part) for part in parts)
    pattern = f"{_edge(given, 0)}{body}{_edge(given, -1)}"
    expression = compiled("pattern", pattern)
    if not all(expression.fullmatch(example) for example in given):
        raise BadRules("the examples have no shape in common")
    if any(expression.search(each) for each in counter):
        raise BadRules("what the examples have in common matches a counter example too: write the pattern yourself, or give examples that differ less")  # fmt: skip
    return Inferred(pattern, ", then ".join(_said(part) for part in parts))


_Part = tuple[str, str, int, int]
"""(the text that all have, the class of letters where they differ, at least, at most)."""


def _parts(given: Sequence[str], cut: re.Pattern[str]) -> list[_Part]:
    """Empty where they have no shape in common."""
    rows = [cut.findall(example) for example in given]
    if len({len(row) for row in rows}) > 1:
        return []
    found = [_part(column) for column in zip(*rows, strict=True)]
    return [each for each in found if each is not None] if None not in found else []


def _part(column: Sequence[str]) -> _Part | None:
    """What the runs of one place have in common."""
    same, wordy = len(set(column)) == 1, all(run.isalnum() for run in column)
    if same and not any(char.isdigit() for char in column[0]):
        return column[0], "", 0, 0
    if not wordy:
        return None
    digits = any(char.isdigit() for run in column for char in run)
    letters = "".join(char for run in column for char in run if not char.isdigit())
    lengths = [len(run) for run in column]
    return "", _class(letters, digits=digits), min(lengths), max(lengths)


def _class(letters: str, *, digits: bool) -> str:
    if not letters.isascii():
        return r"[0-9\p{L}]" if digits else r"\p{L}"
    upper, lower = any(map(str.isupper, letters)), any(map(str.islower, letters))
    return f"[{'0-9' if digits else ''}{'A-Z' if upper else ''}{'a-z' if lower else ''}]"


def _written(part: _Part) -> str:
    literal, kind, least, most = part
    if literal:
        return re.sub(r"([^0-9A-Za-z \x80-\U0010ffff])", r"\\\1", literal)
    return kind + (f"{{{least}}}" if least == most else f"{{{least},{most}}}")


def _said(part: _Part) -> str:
    literal, kind, least, most = part
    if literal:
        return f'"{literal}"'
    amount = str(least) if least == most else f"{least} to {most}"
    words = _WORDS[kind]
    return f"{amount} {words if most > 1 else words.replace('digits', 'digit').replace('letters', 'letter')}"


def _edge(given: Sequence[str], at: int) -> str:
    """The border of a word, where all examples begin (or end) with what words are made of."""
    return r"\b" if all(example[at].isascii() and example[at].isalnum() for example in given) else ""
