"""Reading alone, for who looks at documents without writing them: what a file says, as pieces, and how a page looks; in a process of its own (`confined`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ostiary.documents import confined, formats, showing
from ostiary.documents.document import Box, Carrier, Document, Kind, Limits, Piece
from ostiary.errors import DocumentMalformed, DocumentTooLarge, DocumentTooManyPieces

READS_MAX = 200
"""Documents that a Reader reads in one process, before it starts another."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as a picture. pages: how many there are. to_page: six numbers a, b, c, d, e, f; the pixel (x, y) from the picture's upper left corner is the point (ax + cy + e, bx + dy + f) of a
    Box, whatever the page's rotation and margins."""

    png: bytes = field(repr=False)
    pages: int
    width: int
    height: int
    to_page: tuple[float, float, float, float, float, float]


def read(content: bytes, name: str, limits: Limits) -> Document:
    """What the file says. Every error is one of `document.*` of errors.py. For content of strangers, `read_apart`."""
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    return formats.format_of(content, name).read(content, limits)


def read_apart(content: bytes, name: str, limits: Limits) -> Document:
    """`read` in a child process for this document alone. The same errors, and DocumentTookTooLong, DocumentTookTooMuchMemory, DocumentMalformed where the parser died."""
    with Reader(limits, uses_max=1) as reader:
        return reader.read(content, name)


def shown_apart(content: bytes, name: str, page: int, limits: Limits) -> Shown:
    """A page of a PDF or a frame of a picture, counted from 1, as a reader sees it; in a child process. DocumentNotRedactable: it has no such page, or no pages. And the errors of reading."""
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    said, png = confined.apart("ostiary.documents.reading:showing_task", limits, content, name, page)
    try:
        a, b, c, d, e, f = map(float, said["to_page"])
        return Shown(png, int(said["pages"]), int(said["width"]), int(said["height"]), (a, b, c, d, e, f))
    except (KeyError, TypeError, ValueError):
        raise DocumentMalformed("Its parser gave up.") from None


class Reader:
    """Many documents, one after another, in a process that is kept between them: much quicker, and a document could harm those after it. For one thread at a time; close it."""

    def __init__(self, limits: Limits, *, uses_max: int = READS_MAX) -> None:
        self._limits = limits
        self._child = confined.Child("ostiary.documents.reading:task", limits, uses_max=uses_max)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._child.close()

    def read(self, content: bytes, name: str) -> Document:
        """As `read_apart`."""
        if len(content) > self._limits.bytes_max:
            raise DocumentTooLarge
        said, _ = self._child.ask(content, name)
        try:
            return _made(said, self._limits)
        except (KeyError, TypeError, ValueError):
            raise DocumentMalformed("Its parser gave up.") from None


def task(limits: Limits, content: bytes, name: str) -> confined.Answer:
    """What the child process does."""
    document = read(content, name, limits)
    pieces = [
        [each.place, each.text, each.kind.value, each.hint, each.prose,
         [[at.start, at.end, at.page, at.left, at.bottom, at.right, at.top] for at in each.boxes]]
        for each in document.pieces
    ]  # fmt: skip
    carriers = [[each.what, each.count] for each in document.carriers]
    return {"format": document.format, "pieces": pieces, "carriers": carriers}, b""


def showing_task(limits: Limits, content: bytes, name: str, page: int) -> confined.Answer:
    """What the child process does to show a page."""
    return showing.shown(formats.format_of(content, name).name, content, page, limits)


def _made(said: Mapping[str, Any], limits: Limits) -> Document:
    if len(said["pieces"]) > limits.pieces_max:
        raise DocumentTooManyPieces
    return Document(
        str(said["format"]),
        tuple(_piece(number, each) for number, each in enumerate(said["pieces"])),
        tuple(Carrier(str(what), int(count)) for what, count in said["carriers"]),
    )


def _piece(number: int, said: Any) -> Piece:
    place, text, kind, hint, prose, boxes = said
    made = tuple(
        Box(int(start), int(end), int(page), float(left), float(bottom), float(right), float(top))
        for start, end, page, left, bottom, right, top in boxes
    )
    if any(not 0 <= each.start <= each.end <= len(text) for each in made):
        raise ValueError("a box beyond its text")
    return Piece(number, str(place), str(text), Kind(kind), made, str(hint), bool(prose))
