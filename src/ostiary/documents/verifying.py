"""Whether anything is left of what was to be removed: the written bytes are unpacked by other code than wrote them, and every removed value is looked for in all of it, in any spelling.
Whatever is found means that there is no output. What a value must be to be looked for, `sought` says; plain single words are looked for in the text that is read again, and not in raw
bytes, where the names of fonts and tags are words too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ostiary.documents.document import Limits, Piece
from ostiary.documents.sought import Sought, joined
from ostiary.documents.unpacking import blobs, views
from ostiary.errors import DocumentResidue

_WORD = re.compile(r"[^\W_]+")
RAW_MIN = 6


@dataclass(frozen=True, slots=True)
class Checked:
    """What verification did: for how many values, in how many unpacked parts and pieces it looked."""

    values: int
    parts: int
    pieces: int


def verify(
    content: bytes, pieces: Sequence[Piece], removed: Iterable[str], written: Iterable[str], limits: Limits
) -> Checked:
    """removed: the values that must be gone; written: what stands for them; pieces: what is read from the output again. DocumentResidue."""
    allowed = "\n".join({joined(each) for each in written})
    values = [each for each in set(removed) if joined(each) not in allowed or not joined(each)]
    everywhere, raw = Sought(values), Sought(each for each in values if _is_raw(each))
    if hits := everywhere.find("\n".join(piece.text for piece in pieces)):
        raise DocumentResidue(f"{len(hits)} removed values could still be read in the text.")
    parts = 0
    for blob in blobs(content, limits):
        parts += 1
        for view in views(blob):
            if hits := raw.find(view):
                raise DocumentResidue(f"{len(hits)} removed values were still in the file's bytes.")
    return Checked(len(everywhere.forms), parts, len(pieces))


def _is_raw(value: str) -> bool:
    """Whether a value is told from the words of a file format: it holds a digit, an at sign or two words, or letters beyond ASCII."""
    form = joined(value)
    words = _WORD.findall(value)
    return (len(form) >= RAW_MIN and (len(words) > 1 or any(map(str.isdigit, form)))) or not form.isascii()
