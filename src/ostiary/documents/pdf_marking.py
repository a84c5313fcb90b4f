"""Where a page loses something: the areas that are cut out, the boxes that are drawn there, and how far the rest of each line moves.

A gap as wide as a name tells how long it was. So a box on a level line is as wide as what is written on it and as high as its font, and what follows on the line moves up to it or away from
it, as far as words follow each other. What no moving hides: where a line that is set flush right, or centred, begins and ends; rules and underlines; lines that are not level; and words
of pictures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import cos, sin

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
COLUMN = 2.5
"""Heights between two columns: the words of a line that is justified stand nearer."""
SAME_LINE = 0.3
TURN_SAME = 0.02
"""Radians between letters of one turned line."""
BELOW = 0.22
"""How far the letters of a font reach under their line, as a share of its height."""
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
    turn: float = 0.0
    """Radians by which it is turned around its lower left corner."""


@dataclass(slots=True)
class Marks:
    """What happens to a page."""

    areas: list[Area] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    shapes: list[Drawn] = field(default_factory=list)
    """Out of these go lines and shapes as well: codes that are drawn with them."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Characters that go, one beside the other. label: what is written in their place."""

    areas: list[Area]
    letters: list[Character]
    label: str
    begins: bool = True
    """Whether it is the first of its change."""


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
            if piece.place.endswith(pdf_reading.DRAWN_CODE):
                own.shapes += [Drawn(page, box.left, box.bottom, box.right, box.top) for box in piece.boxes]
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
        far = bool(runs) and _is_far(runs[-1], letter)
        if not runs or far or not _beside(runs[-1].areas[-1], area):
            runs.append(_Run([], [], change.replacement if far or not runs else "", not runs))
        runs[-1].areas.append(area)
        if letter is not None:
            runs[-1].letters.append(letter)
    return runs


def _is_far(run: _Run, letter: Character | None) -> bool:
    """Whether a letter stands in another column of the same line: the parts of what goes there get a box each."""
    before = next((each for each in reversed(run.letters) if each.text.strip()), None)
    if letter is None or before is None or not letter.text.strip() or not (before.level and letter.level):
        return False
    high = before.whole[3] - before.whole[1]
    return abs(letter.y - before.y) < SAME_LINE * high and letter.x - before.whole[2] > COLUMN * high


def _beside(before: Area, after: Area) -> bool:
    """Whether two characters stand on one line, the second not before the first."""
    return min(before.top, after.top) > max(before.bottom, after.bottom) - 1 and after.left >= before.left - 1


def _placed(marks: Marks, runs: Sequence[_Run], page: Sequence[Character]) -> None:
    """The boxes of the runs, and what moves beside them."""
    made: list[tuple[_Run, Shift]] = []
    turned: list[tuple[str, list[Character]]] = []
    for run in runs:
        level = [each for each in run.letters if each.level and each.text.strip()]
        if len(level) != sum(bool(each.text.strip()) for each in run.letters) or not level:
            if not run.letters or not all(each.high > 0 for each in run.letters if each.text.strip()):
                marks.labels.append(_tight(run))
            elif run.begins or not turned:
                turned.append((run.label, list(run.letters)))
            else:
                turned[-1][1].extend(run.letters)
        else:
            made.append((run, _shift(run, level, page)))
    marks.labels += [label for text, letters in turned for label in _turned(text, letters)]
    marks.shifts += [shift for _, shift in made]
    for run, shift in made:
        moved = sum(
            each.by for each in marks.shifts if each is not shift and each.moves(shift.left, shift.line)
        )
        left = shift.left + moved
        marks.labels.append(
            Label(left, shift.bottom, left + wide(run.label, shift.top - shift.bottom), shift.top, run.label)
        )


def _turned(text: str, letters: Sequence[Character]) -> Iterator[Label]:
    """A box along each turned line, as high as its font whatever the letters are: a box for each letter draws its shape."""
    line: list[Character] = []
    for each in (each for each in letters if each.text.strip()):
        if line and not _same_line(line[-1], each):
            yield _along(text, line)
            text, line = "", []
        line.append(each)
    if line:
        yield _along(text, line)


def _same_line(before: Character, after: Character) -> bool:
    across, up = after.x - before.x, after.y - before.y
    along = across * cos(before.turn) + up * sin(before.turn)
    beside = up * cos(before.turn) - across * sin(before.turn)
    near = before.high or 1.0
    return (
        abs(beside) < SAME_LINE * near
        and -near < along < 4 * near
        and abs(after.turn - before.turn) < TURN_SAME
    )


def _along(text: str, line: Sequence[Character]) -> Label:
    first, last, high = line[0], line[-1], max(each.high for each in line)
    middle = ((last.left + last.right) / 2, (last.bottom + last.top) / 2)
    to_middle = (middle[0] - first.x) * cos(first.turn) + (middle[1] - first.y) * sin(first.turn)
    to_last = (last.x - first.x) * cos(first.turn) + (last.y - first.y) * sin(first.turn)
    length = max(2 * to_middle - to_last, to_last) + BELOW / 2 * high
    left, bottom = first.x + BELOW * high * sin(first.turn), first.y - BELOW * high * cos(first.turn)
    return Label(left, bottom, left + length, bottom + high, text, first.turn)


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
