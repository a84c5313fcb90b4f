"""Numbers that pass a check by chance. One in ten numbers has a right Luhn digit: in a table of order numbers some look like cards, and none is one.

So a bare number that only its check digit speaks for is dropped where it stands among many of its length, written alike, most of which fail the same check. It stays where a word
of its own (`card`, `visa`) stands anywhere in the text, where one in CHANCE passes, as in a column of cards beside three other columns, and in sentences, where the marks around it differ.
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from ostiary.detection.finding import Finding

CROWD_MIN = 10
NEAREST = 24
"""How many of its like are asked, nearest first by halves: before it and after it."""
REACH_BYTES = 2000
CHANCE = 4

_NUMBER = re.compile(rb"(?<![0-9A-Za-z])[0-9]{8,19}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Bare:
    """A finding of digits alone, and the check that it passed."""

    finding: Finding
    valid: Callable[[str], bool]


def by_chance(bare: list[Bare], data: bytes) -> set[Finding]:
    """Those that stand in a crowd whose other members fail. Each number is asked at most once by each check."""
    alike: dict[tuple[int, bytes], list[int]] = {}
    for number in _NUMBER.finditer(data):
        alike.setdefault(_likeness(data, *number.span()), []).append(number.start())
    known: dict[tuple[int, int], bool] = {}
    dropped = set()
    for each in bare:
        start, end = each.finding.start, each.finding.end
        places = alike.get(_likeness(data, start, end), [])
        here = bisect_left(places, start)
        near = [
            place
            for place in places[max(0, here - NEAREST // 2) : here + NEAREST // 2]
            if abs(place - start) <= REACH_BYTES
        ]
        passing = 0
        for place in near:
            key = (place, id(each.valid))
            if key not in known:
                known[key] = each.valid(data[place : place + end - start].decode("ascii"))
            passing += known[key]
        if len(near) >= CROWD_MIN and passing * CHANCE < len(near):
            dropped.add(each.finding)
    return dropped


def _likeness(data: bytes, start: int, end: int) -> tuple[int, bytes]:
    """Its length, and the marks right before and after it; a line's end is as good as any mark of a table's."""
    before, after = data[start - 1 : start] if start else b"\n", data[end : end + 1] or b"\n"
    return end - start, (before + after).translate(_SAME)


_SAME = bytes.maketrans(b"\r\n\t;|", b",,,,,")
