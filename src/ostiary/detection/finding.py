"""What is found: a span of a text, the category it belongs to, and why we think so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A sensitive span: `start` and `end` (exclusive) count code points of the text as it was given.

    `category` is a name of `categories` or a rule set's own. `country` is ISO 3166 alpha-2, empty where there is none. `score` is 0 to 1. `why` names the detector and whether a context word stood by.
    """

    start: int
    end: int
    category: str
    country: str
    score: float
    why: str
