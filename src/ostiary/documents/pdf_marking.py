"""Where a page loses something: the areas that are cut out, the boxes that are drawn there, and how far the rest of each line moves.

A gap as wide as a name tells how long it was. So a box on a level line is as wide as what is written on it and as high as its font, and what follows on the line moves up to it or away from
it, as far as words follow each other. What no moving hides: where a line that is set flush right, or centred, begins and ends; rules and underlines; lines that are not level; and words
of pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ostiary.documents import pdf_reading
from ostiary.documents.document import Box, Change, Drawn, Kind, Limits, Piece
from ostiary.documents.pdf_content import Area, Shift
from ostiary.documents.pdf_fonts import standard_widths
from ostiary.documents.pdf_reading import Character
from ostiary.documents.verifying import COVERED, covers

LABEL_SIZE = 0.7
WIDE_MAX = 4.0
"""Heights that a box is wide at most."""
WIDE_EMPTY = 2.0
"""Heights that a box is wide on which nothing is written."""
GAP = 1.2
"""Heights between two words of one line. What stands further away does not move."""
SAME_LINE = 0.3
BEFORE = 0.4
JOINED = 0.1
SPACE = 0.25
"""Heights between a box and the next word, whatever it was before."""


@dataclass(frozen=True, slots=True)
class Label:
    """A box that is drawn over what was removed, and what stands on it."""

    left: float
    bottom: float
    right: float
    top: float
    text: str


@dataclass(slots=True)
class Marks:
    """What happens to a page."""

    areas: list[Area] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters that go, one beside the other. label: what is written in their place."""

    areas: list[Area]
    letters: list[Character]
    label: str


def marked(
    content: bytes, changes: Sequence[Change], drawn: Sequence[Drawn], limits: Limits
) -> dict[int, Marks]:
    """The marks of each page that has some."""
    marks: dict[int, Marks] = {}
    if not changes and not drawn:
        return marks
    for each in drawn:
        own = marks.setdefault(each.page, Marks())
        own.areas.append(Area(each.left, each.bottom, each.right, each.top))
        own.labels.append(Label(each.left, each.bottom, each.right, each.top, ""))
    letters = _letters(content, limits)
    runs: dict[int, list[_Run]] = {}
    by_piece: dict[int, list[Change]] = {}
    for change in changes:
        by_piece.setdefault(change.piece, []).append(change)
    for piece in pdf_reading.read_pages(content, limits):
        page = piece.boxes[0].page if piece.boxes else 0
        own = marks.setdefault(page, Marks())
        known = letters.get(piece.place, [])
        for number, box in enumerate(piece.boxes if drawn and known else ()):
            if any(covers(each, box) > COVERED for each in drawn):
                own.areas.append(_area(box, known[number]))
        for change in by_piece.get(piece.number, ()):
            found = _runs(piece, change, known)
            own.areas += [area for run in found for area in run.areas]
            if piece.kind is Kind.VISIBLE:
                runs.setdefault(page, []).extend(found)
    for page, found in runs.items():
        _placed(marks[page], found, letters.get(f"page {page}", []))
    return marks


def _letters(content: bytes, limits: Limits) -> dict[str, list[Character]]:
    """The characters of each piece of text, by its place."""
    found: dict[str, list[Character]] = {}
    for at, (seen, unseen) in enumerate(pdf_reading.page_characters(content, limits), start=1):
        found[f"page {at}"], found[f"page {at}, invisible text"] = seen, unseen
    return found


def _area(box: Box, letter: Character | None) -> Area:
    origin = (letter.x, letter.y) if letter else (None, None)
    return Area(box.left, box.bottom, box.right, box.top, *origin)


def _runs(piece: Piece, change: Change, letters: Sequence[Character]) -> list[_Run]:
    runs: list[_Run] = []
    for box in piece.boxes:
        if box.start >= change.end or change.start >= box.end:
            continue
        letter = letters[box.start] if letters else None
        area = _area(box, letter)
        if not runs or not _beside(runs[-1].areas[-1], area):
            runs.append(_Run([], [], change.replacement if not runs else ""))
        runs[-1].areas.append(area)
        if letter is not None:
            runs[-1].letters.append(letter)
    return runs


def _beside(before: Area, after: Area) -> bool:
    """Whether two characters stand on one line, the second not before the first."""
    return min(before.top, after.top) > max(before.bottom, after.bottom) - 1 and after.left >= before.left - 1


def _placed(marks: Marks, runs: Sequence[_Run], page: Sequence[Character]) -> None:
    """The boxes of the runs, and what moves beside them."""
    made: list[tuple[_Run, Shift]] = []
    for run in runs:
        level = [each for each in run.letters if each.level and each.text.strip()]
        if len(level) != sum(bool(each.text.strip()) for each in run.letters) or not level:
            marks.labels.append(_tight(run))
        else:
            made.append((run, _shift(run, level, page)))
    marks.shifts += [shift for _, shift in made]
    for run, shift in made:
        moved = sum(
            each.by for each in marks.shifts if each is not shift and each.moves(shift.left, shift.line)
        )
        left = shift.left + moved
        marks.labels.append(
            Label(left, shift.bottom, left + wide(run.label, shift.top - shift.bottom), shift.top, run.label)
        )


def _tight(run: _Run) -> Label:
    solid = [each for each in run.areas if each.right > each.left and each.top > each.bottom] or run.areas
    return Label(
        min(each.left for each in solid), min(each.bottom for each in solid),
        max(each.right for each in solid), max(each.top for each in solid), run.label,
    )  # fmt: skip


def _shift(run: _Run, level: Sequence[Character], page: Sequence[Character]) -> Shift:
    left, right = min(each.x for each in level), max(each.whole[2] for each in level)
    bottom, top, line = level[0].whole[1], level[0].whole[3], level[0].y
    high = max(top - bottom, 0.1)
    after = sorted(
        (each for each in page if each.level and abs(each.y - line) < SAME_LINE * high and each.x > right - BEFORE * high and each not in run.letters),
        key=lambda each: each.x,
    )  # fmt: skip
    apart = 0.0
    if after and after[0].x - right < GAP * high:
        apart = SPACE * high if after[0].x - right > JOINED * high else 0.0
        right = after[0].x
    until = right
    for each in after:
        if each.whole[0] - until > GAP * high:
            break
        until = max(until, each.whole[2])
    return Shift(line, bottom, top, left, right, until, wide(run.label, high) + apart - (right - left))


def wide(label: str, high: float) -> float:
    """How wide a box is: by what stands on it and by its height alone."""
    return high * min(max(long(label) * LABEL_SIZE, WIDE_EMPTY if not label else 0.5), WIDE_MAX)


def long(text: str) -> float:
    """How long a text is in Helvetica of size 1."""
    widths = standard_widths("Helvetica")
    return sum(widths.get(each, 0.5) for each in text.encode("cp1252", "replace"))
