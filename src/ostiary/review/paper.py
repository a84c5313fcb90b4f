"""A document as a reviewer sees it: pieces of text in leaves of a bearable length, what was found in them, and where the words stand on a page's picture.

It is made once, when the document is read, and never changed: what people decide refers to its numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from ostiary.detection.finding import Finding
from ostiary.documents.document import Box, Document, Limits
from ostiary.documents.sought import joined

BYTES_MAX = 50 * 1024 * 1024
FINDINGS_MAX = 20_000
LEAF_CHARACTERS = 12_000
"""So much text a leaf, where the document has no pages of its own."""
LEAF_PIECES_MAX = 400
PICTURED = frozenset({"pdf", "image"})
"""Formats whose pages can be drawn, and on which areas may be marked."""
LIMITS = Limits(
    bytes_max=BYTES_MAX,
    unpacked_bytes_max=256 * 1024 * 1024,
    pieces_max=50_000,
    pages_max=500,
    memory_bytes_max=3 * 1024 * 1024 * 1024,
)

Rectangle = tuple[int, float, float, float, float]
"""Page, left, bottom, right, top: in points (pixels of a picture) from the lower left corner."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece: `words` says where its stretches of text stand on pages: start, end, then a rectangle."""

    number: int
    place: str
    kind: str
    text: str = field(repr=False)
    words: tuple[tuple[int, int, int, float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, before anybody decided. `like`: equal for all spellings of one value."""

    id: str
    piece: int
    start: int
    end: int
    category: str
    score: float
    why: str
    like: str = field(default="", repr=False)


@dataclass(frozen=True)
class Paper:
    """`format`: what read it. `pages`: how many it has that can be drawn. `carriers`: what goes in any case, with how many of them."""

    format: str
    parts: tuple[Part, ...]
    found: tuple[Found, ...]
    carriers: tuple[tuple[str, int], ...] = ()
    pages: int = 0

    @cached_property
    def leaves(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the pieces of each leaf, in reading order: each page that can be drawn is one; what stands on none comes after, in leaves of about LEAF_CHARACTERS."""
        pages: list[list[int]] = [[] for _ in range(self.pages)]
        rest: list[list[int]] = []
        length = 0
        for part in self.parts:
            at = part.words[0][2] if part.words else 0
            if 1 <= at <= self.pages:
                pages[at - 1].append(part.number)
                continue
            if not rest or length > LEAF_CHARACTERS or len(rest[-1]) >= LEAF_PIECES_MAX:
                rest.append([])
                length = 0
            rest[-1].append(part.number)
            length += len(part.text)
        return tuple(map(tuple, (*pages, *rest))) or ((),)

    @cached_property
    def leaf_of(self) -> Mapping[int, int]:
        """The leaf of each piece."""
        return {number: at for at, leaf in enumerate(self.leaves) for number in leaf}

    def text(self, piece: int, start: int, end: int) -> str:
        return self.parts[piece].text[start:end]

    def rectangles(self, piece: int, start: int, end: int) -> list[Rectangle]:
        """Where a stretch of a piece stands on pages; one for each line of it."""
        lines: list[Rectangle] = []
        for first, last, page, left, bottom, right, top in self.parts[piece].words:
            if first >= end or last <= start:
                continue
            before = lines[-1] if lines else None
            if before and before[0] == page and min(before[4], top) - max(before[2], bottom) > 0.5 * (top - bottom) and left >= before[1] - 1:  # fmt: skip
                lines[-1] = (page, before[1], min(before[2], bottom), max(before[3], right), max(before[4], top))  # fmt: skip
            else:
                lines.append((page, left, bottom, right, top))
        return lines

    def packed(self) -> bytes:
        parts = [[each.place, each.kind, each.text, each.words] for each in self.parts]
        found = [[each.piece, each.start, each.end, each.category, each.score, each.why] for each in self.found]  # fmt: skip
        return orjson.dumps(
            {
                "format": self.format,
                "parts": parts,
                "found": found,
                "carriers": self.carriers,
                "pages": self.pages,
            }
        )


def unpacked(data: bytes) -> Paper:
    """What `packed` wrote, here or in the child that read the document; so nothing of it is believed beyond its own bounds. ValueError, KeyError, TypeError."""
    said = orjson.loads(data)
    parts = tuple(_part(number, each) for number, each in enumerate(said["parts"]))
    if len(parts) > LIMITS.pieces_max or len(said["found"]) > FINDINGS_MAX:
        raise ValueError("more than may be")
    found = tuple(_found(number, each, parts) for number, each in enumerate(said["found"]))
    carriers = tuple((str(what), int(count)) for what, count in said["carriers"])
    pages = min(max(int(said["pages"]), 0), LIMITS.pages_max)
    return Paper(str(said["format"]), parts, found, carriers, pages)


def of(document: Document, stretched: Mapping[int, Sequence[tuple[int, int, Finding]]], pages: int) -> Paper:
    """A document with what was found in its pieces, in order and apart."""
    parts = tuple(
        Part(each.number, each.place, each.kind.value, each.text, words(each.text, each.boxes))
        for each in document.pieces
    )
    found: list[Found] = []
    for part in parts:
        for start, end, finding in stretched.get(part.number, ()):
            like = joined(part.text[start:end])
            found.append(
                Found(f"f{len(found)}", part.number, start, end, str(finding.category), round(finding.score, 3), finding.why, like)
            )  # fmt: skip
    carriers = tuple((each.what, each.count) for each in document.carriers)
    return Paper(document.format, parts, tuple(found), carriers, pages)


def words(text: str, boxes: Sequence[Box]) -> tuple[tuple[int, int, int, float, float, float, float], ...]:
    """The boxes of neighbouring characters of a word as one: a tenth of what they would weigh."""
    made: list[list[float]] = []
    for box in boxes:
        last = made[-1] if made else None
        joins = (
            last is not None
            and last[1] == box.start
            and last[2] == box.page
            and not text[int(last[1]) - 1 : int(last[1])].isspace()
            and not text[box.start : box.end].isspace()
            and min(last[6], box.top) > max(last[4], box.bottom)
            and box.left >= last[5] - 2
        )
        if last is not None and joins:
            last[1], last[4], last[5], last[6] = box.end, min(last[4], box.bottom), max(last[5], box.right), max(last[6], box.top)  # fmt: skip
        else:
            made.append([box.start, box.end, box.page, box.left, box.bottom, box.right, box.top])
    return tuple(
        (int(each[0]), int(each[1]), int(each[2]), *(round(value, 1) for value in each[3:]))  # type: ignore[misc]
        for each in made
        if text[int(each[0]) : int(each[1])].strip()
    )


def _part(number: int, said: Any) -> Part:
    place, kind, text, stood = said
    made = tuple(
        (int(a), int(b), int(page), float(left), float(bottom), float(right), float(top))
        for a, b, page, left, bottom, right, top in stood
    )
    if any(not 0 <= each[0] <= each[1] <= len(text) for each in made):
        raise ValueError("a word beyond its text")
    return Part(number, str(place), str(kind), str(text), made)


def _found(number: int, said: Any, parts: Sequence[Part]) -> Found:
    piece, start, end, category, score, why = said
    if not 0 <= int(piece) < len(parts) or not 0 <= int(start) < int(end) <= len(parts[piece].text):
        raise ValueError("a finding beyond the text")
    like = joined(parts[piece].text[start:end])
    return Found(f"f{number}", int(piece), int(start), int(end), str(category), float(score), str(why), like)
