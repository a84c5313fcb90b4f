"""RE2's own search, without what its Python module does around it: a generator and an object for each match cost as much again as the match."""

from collections.abc import Callable
from typing import Any

import re2

ANYWHERE = re2._re2.RE2.Anchor.UNANCHORED
HERE = re2._re2.RE2.Anchor.ANCHOR_START

Spans = list[tuple[int, int]]
"""Of the whole match and of each group; (-1, -1) for what did not match."""


def searched(expression: Any) -> Callable[[Any, bytes, int, int], Spans]:
    """(ANYWHERE or HERE, data, from, to) -> spans, for a compiled expression over bytes; `from` and `to` lie within the data."""
    search: Callable[[Any, bytes, int, int], Spans] = expression._regexp.Match
    return search


def stands(expression: Any) -> Callable[[bytes], bool]:
    """Whether the expression matches anywhere in the data."""
    search = searched(expression)
    return lambda data: search(ANYWHERE, data, 0, len(data))[0][0] >= 0
