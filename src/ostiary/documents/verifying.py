"""Whether anything is left of what was to be removed: the written bytes are unpacked by other code than wrote them, and every removed value is looked for in all of it, in any spelling.
Whatever is found means that there is no output. What a value must be to be looked for, `sought` says; plain single words are looked for in the text that is read again, and not in raw
bytes, where the names of fonts and tags are words too.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ostiary.documents.document import Box, Drawn, Limits, Piece
from ostiary.documents.sought import Sought, joined
from ostiary.documents.unpacking import blobs, views
from ostiary.errors import DocumentResidue

_WORD = re.compile(r"[^\W_]+")
RAW_MIN = 6
NOTHING: Mapping[str, int] = MappingProxyType({})
COVERED = 0.2
"""The share of a letter's box from which on an area that was drawn takes it."""
COVERED_SURELY = 0.35


@dataclass(frozen=True, slots=True)
class Checked:
    """What verification did: for how many values, in how many unpacked parts and pieces it looked."""

    values: int
    parts: int
    pieces: int


def verify(
    content: bytes,
    pieces: Sequence[Piece],
    removed: Iterable[str],
    written: Iterable[str],
    limits: Limits,
    kept: Mapping[str, int] = NOTHING,
) -> Checked:
    """removed: the values that must be gone; written: what stands for them; pieces: what is read from the output again; kept: how often a value (by its joined form) may stand in
    the text, because a person wants it there: one that does is looked for in the text alone. DocumentResidue."""
    allowed = "\n".join({joined(each) for each in written})
    values = [each for each in set(removed) if joined(each) not in allowed or not joined(each)]
    everywhere = Sought(values)
    stand = Counter(hit.joined for hit in everywhere.find("\n".join(piece.text for piece in pieces)))
    if more := sum(max(count - kept.get(form, 0), 0) for form, count in stand.items()):
        raise DocumentResidue(f"{more} removed values could still be read in the text.")
    raw = Sought(each for each in values if _is_raw(each) and joined(each) not in stand)
    parts = 0
    for blob in blobs(content, limits):
        parts += 1
        for view in views(blob):
            if hits := raw.find(view):
                raise DocumentResidue(f"{len(hits)} removed values were still in the file's bytes.")
    return Checked(len(everywhere.forms), parts, len(pieces))


def uncovered(pieces: Sequence[Piece], drawn: Sequence[Drawn]) -> None:
    """DocumentResidue where a letter of a page still stands in an area that was to be blacked out."""
    for piece in pieces:
        for box in piece.boxes:
            letter = piece.text[box.start : box.end].strip() if box.end - box.start == 1 else ""
            if letter and any(covers(each, box) > COVERED_SURELY for each in drawn):
                raise DocumentResidue("A letter still stands where an area was drawn.")


def covers(drawn: Drawn, box: Box) -> float:
    """How much of a box an area reaches into: the smaller of its shares across and up."""
    if drawn.page != box.page or box.right <= box.left or box.top <= box.bottom:
        return 0.0
    across = (min(drawn.right, box.right) - max(drawn.left, box.left)) / (box.right - box.left)
    up = (min(drawn.top, box.top) - max(drawn.bottom, box.bottom)) / (box.top - box.bottom)
    return max(min(across, up), 0.0)


def _is_raw(value: str) -> bool:
    """Whether a value is told from the words of a file format: it holds a digit, an at sign or two words, or letters beyond ASCII."""
    form = joined(value)
    words = _WORD.findall(value)
    return (len(form) >= RAW_MIN and (len(words) > 1 or any(map(str.isdigit, form)))) or not form.isascii()
