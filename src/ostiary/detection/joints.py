"""Numbers whose groups are joined by what no issuer joins them by (`4111|1111|1111|1111`, `[536][90][4399]`, a tab between the groups, a digit a cell): written to be overlooked, or laid out by a
machine.

A row of groups with one and the same joint is written anew as issuers write it, and looked at again with the words around it. It counts only as a whole: a row of a table has more cells than
a number has groups. Where no word beside it names that number, only what check digits make certain counts: cards and IBANs.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import re2

from ostiary.detection import validity
from ostiary.detection.categories import family_of
from ostiary.detection.detector import BESIDE_CONTEXT
from ostiary.detection.finding import Finding
from ostiary.detection.matching import ANYWHERE, searched

_JOINT = rb"\) ?\(|\] ?\[|\} ?\{|\*{1,2} ?\*{1,2}|\" ?,? ?\"|' ?,? ?'|> ?<|<(?i:br) ?/?>|-?->|=>|\r?\n|\t+|   ?|--|\.\.\.?| ?[|~*:;#=\\,_/+'\"\xa4] ?"


def _latin(expression: bytes) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(expression, options)


_BETWEEN = searched(
    _latin(
        rb"[0-9](" + _JOINT + rb")[0-9A-Za-z]{1,12}(" + _JOINT + rb")[0-9A-Za-z]"
        rb"|[A-Z](" + _JOINT + rb")[0-9][0-9A-Za-z]{0,11}(" + _JOINT + rb")[0-9A-Za-z]"
    )
)
"""A group between two joints, one of which has a digit beside it."""
_OF_CARDS = ((4, 6, 5), (4, 6, 4))
_OF_AMOUNTS = frozenset([b",", b"'", b"_"])
"""`1,234,567`."""
_OPENS, _CLOSES = b"([{<\"'*", b")]}>\"'*"
_LETTERS = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
GROUPS_MIN = 3
CHARACTERS_MAX = 34
"""The letters and digits of the longest IBAN."""
DIGITS_MIN = 7
BEFORE, AFTER = 60, 20
"""How many bytes around a row are read as its context."""
ROWS_MAX = 1_000
"""How many rows of a text are looked at for the sake of a word beside them; what check digits make certain is always looked at."""
_WRITTEN = (b" ", b"", b"-", b".")
_NO_NUMBERS = frozenset(["date", "date_of_birth", "address", "coordinates", "age", "url"])

Look = Callable[[bytes], list[Finding]]
"""What the patterns find in folded text."""


@dataclass(frozen=True, slots=True)
class Row:
    """Groups with one joint between them, in bytes of the folded text. `start` and `end` take in the brackets around the first and last."""

    start: int
    end: int
    groups: tuple[bytes, ...]
    joint: bytes

    @property
    def whole(self) -> str:
        return b"".join(self.groups).decode("latin-1")


def rows(data: bytes) -> Iterator[Row]:
    """Those that could be a number: at least GROUPS_MIN groups and DIGITS_MIN digits, at most CHARACTERS_MAX letters and digits, and no part of a longer row or an amount."""
    position = 0
    while True:
        spans = _BETWEEN(ANYWHERE, data, position, len(data))
        if spans[0][0] < 0:
            return
        (low, high), second = (spans[1], spans[2]) if spans[1][0] >= 0 else (spans[3], spans[4])
        joint = data[low:high]
        position = high
        if data[second[0] : second[1]] != joint:
            continue
        end = _end(data, low, joint)
        position = max(high, end - 1)
        start = _begin(data, low, joint) if end - low <= (CHARACTERS_MAX + 1) * (len(joint) + 1) else 0
        if end - start > (CHARACTERS_MAX + 1) * (len(joint) + 1):
            continue
        groups = tuple(data[start:end].split(joint))
        if _could_be(groups, joint) and not _wordy(data, start, end):
            opened = start > 0 and end < len(data) and data[start - 1] in _OPENS and data[end] in _CLOSES
            yield Row(start - opened, end + opened, groups, joint)


def find_rejoined(data: bytes, found: list[Finding], look: Look, named: Callable[[bytes], bool]) -> list[Finding]:  # fmt: skip
    """What rows of the folded text are, in its offsets. found: what was found as it stands; a row half of which it covers is not asked again. named: whether a word that names any number stands in
    the bytes."""
    new: list[Finding] = []
    asked = 0
    for row in rows(data):
        before, after = data[max(0, row.start - BEFORE) : row.start], data[row.end : row.end + AFTER]
        if not _is_certain(row):
            asked += 1
            if b"\n" in row.joint or asked > ROWS_MAX or not named(before + b" \0 " + after):
                continue
        if any(each.start < row.end and row.start < each.end and 2 * (each.end - each.start) >= row.end - row.start for each in found):  # fmt: skip
            continue
        if (finding := _written_anew(before, row, after, look)) is not None:
            new.append(replace(finding, start=row.start, end=row.end, why=f"{finding.why}, oddly joined"))
    return new


def _written_anew(before: bytes, row: Row, after: bytes, look: Look) -> Finding | None:
    """What the whole row is, however it is written: of the finest category, and then the strongest."""
    found: list[Finding] = []
    for joint in _WRITTEN:
        plain = (b"+" if before.endswith(b"+") else b"") + joint.join(row.groups)
        low = len(before) + 1
        alone = frozenset() if _is_certain(row) else {each.category for each in look(b" " + plain + b" ")}
        found += [
            each
            for each in look(before + b" " + plain + b" " + after)
            if each.start <= low
            and each.end >= low + len(plain)
            and each.category not in _NO_NUMBERS
            and (each.category not in alone or each.why.endswith(BESIDE_CONTEXT))
        ]
    return max(found, key=lambda each: (each.category != family_of(each.category), each.score), default=None)


def _is_certain(row: Row) -> bool:
    """Cells of a table have any length; the groups of a number have one, but for the last."""
    lengths = tuple(map(len, row.groups))
    if len({*lengths[:-1]}) > 1 and lengths not in _OF_CARDS:
        return False
    whole = row.whole
    return validity.card_certain(whole) if whole.isdigit() else validity.iban(whole.upper())


def _could_be(groups: tuple[bytes, ...], joint: bytes) -> bool:
    written = b"".join(groups)
    digits = len(written) - len(written.translate(None, b"0123456789"))
    if len(groups) < GROUPS_MIN or digits < DIGITS_MIN or len(written) > CHARACTERS_MAX:
        return False
    amount = joint in _OF_AMOUNTS and len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    return not amount


def _wordy(data: bytes, start: int, end: int) -> bool:
    """Whether a group is longer than groups are."""
    return (start > 0 and data[start - 1] in _LETTERS) or (end < len(data) and data[end] in _LETTERS)


def _begin(data: bytes, at: int, joint: bytes) -> int:
    """Where the row begins, one joint of which is at `at`; not further back than a number is long."""
    for _ in range(CHARACTERS_MAX + 1):
        start = at
        while start > 0 and at - start < 12 and data[start - 1] in _LETTERS:
            start -= 1
        if start == at:
            return at + len(joint)
        if not data.endswith(joint, 0, start):
            return start
        at = start - len(joint)
    return at


def _end(data: bytes, at: int, joint: bytes) -> int:
    """Where it ends."""
    match = _rest(joint).match(data, at)
    return match.end() if match else at


@lru_cache(maxsize=256)
def _rest(joint: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:" + re.escape(joint) + rb"[0-9A-Za-z]{1,12})+")
