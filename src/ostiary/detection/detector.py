"""What a detector is, and the three ways in which most of them are written.

A detector's `score` is what a match that passes its check is worth alone; a context word close by, or in the name of the field, adds CONTEXT_RAISE.
What reaches THRESHOLD is a finding. So `score` 0.2 means "only with context", 0.5 and more "always". Patterns are RE2 (linear time) over folded text
(`folding`): ASCII digits, spaces and hyphens only; \\xe9 stands for other letters. A group named `v` narrows the span to the value.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass

from ostiary.detection import validity
from ostiary.detection.categories import CATEGORIES

THRESHOLD = 0.5
BESIDE_CONTEXT = ", context"
"""What the reason of a finding ends with that a word beside it has raised."""
CONTEXT_RAISE = 0.35
FORM = 0.2
"""The score of a mere form, which no context raises."""
GENERAL_RAISE = 0.3
"""What a word adds that many detectors answer to (`id number`): enough, and less than a word of one's own."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing to look for. `context`: lower-case words, any of which within reach raises the score. `reach`: characters before and after the match.

    general: words like those of `context`, that others answer to as well. languages: those (ISO 639-1) in which it is written so; none: any.
    follows: a match may be longer than a window; it is always read to its end.
    unless: a pattern that, right before the match, says that it is something else.
    numeric: the match may not be part of a longer number (1-2-3, 1.2.3). trims: groups at either end may be dropped until `valid` holds; it says how many letters and digits
    may stay, by what the letters and digits are, so that nothing else is checked.
    """

    name: str
    category: str
    country: str
    pattern: str
    valid: Callable[[str], bool] | None
    context: tuple[str, ...]
    score: float
    numeric: bool = False
    trims: Callable[[str], Container[int]] | None = None
    reach: tuple[int, int] = (60, 20)
    unless: str = ""
    follows: bool = False
    languages: tuple[str, ...] = ()
    general: tuple[str, ...] = ()


def secret(
    name: str, pattern: str, valid: Callable[[str], bool] | None = None, score: float = 0.95
) -> Detector:
    return Detector(name, "api_key", "", pattern, valid, (), score)


def form(
    name: str, category: str, country: str, pattern: str, valid: Callable[[str], bool] | None = None
) -> Detector:
    """What has the form alone, though a check fails or the value names nobody: never found unless the rules lower the threshold to FORM."""
    return Detector(name, category, country, pattern, valid, (), FORM, numeric=True)


ANY_ID = (
    "national id",
    "national identity",
    "identity number",
    "identity card",
    "id card",
    "id number",
    "id no",
    "personal number",
    "personal id",
    "personal code",
    "tax id",
    "tax number",
    "taxpayer",
    "tin",
    "social security",
    "identification number",
    "government id",
    "citizen",
    "national_id",
    "tax_id",
    "ssn",
)


def national_id(
    name: str,
    category: str,
    pattern: str,
    valid: Callable[[str], bool] | None,
    context: str,
    score: float,
) -> Detector:
    """A country's number. `context` lists words separated by `|`; every number answers to the general words too."""
    words = tuple(context.split("|")) if context else ()
    return Detector(
        name,
        category,
        CATEGORIES[category].country,
        pattern,
        valid,
        words,
        score,
        numeric=True,
        general=ANY_ID,
    )


def named(
    name: str,
    category: str,
    labels: str,
    value: str = r"\d(?:[ .\-]\d){5,24}|[a-z]{0,5}[\-/]?[a-z0-9]{0,4}\d[a-z0-9]*(?:[ \-./][a-z0-9]*\d[a-z0-9]*){0,5}",
    country: str = "",
) -> Detector:
    """A value that a label right before it names (`Passport no.: X1234567`), whatever its form and check digit: who wrote the label knew."""
    spelled = labels.replace(" ", r"[ _\-]?")
    label = rf"(?:\b|_)(?:{spelled})\b(?:[ _\-]?(?:number|nummer|no|nr|num|id|code|numero|#)\b)?[.#]?"
    joint = r"\\{0,3}[\"'\])]{0,2} ?(?:is|was|of|:|=|=>|>|#|-)? {0,2}\\{0,3}[\"'(]?"
    pattern = rf"(?i:{label}{joint}(?P<v>(?:{value}))\b)"
    return Detector(name, category, country, pattern, validity.telling_number, (), 0.7, numeric=True)
