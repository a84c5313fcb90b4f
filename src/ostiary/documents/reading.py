"""Reading alone, for who looks at documents without writing them: what a file says, as pieces, read in a process of its own (`confined`)."""

from collections.abc import Mapping
from typing import Any

from ostiary.documents import confined, formats
from ostiary.documents.document import Box, Carrier, Document, Kind, Limits, Piece
from ostiary.errors import DocumentMalformed, DocumentTooLarge, DocumentTooManyPieces

READS_MAX = 200
"""Documents that a Reader reads in one process, before it starts another."""


def read(content: bytes, name: str, limits: Limits) -> Document:
    """What the file says. Every error is one of `document.*` of errors.py. For content of strangers, `read_apart`."""
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    return formats.format_of(content, name).read(content, limits)


def read_apart(content: bytes, name: str, limits: Limits) -> Document:
    """`read` in a child process for this document alone. The same errors, and DocumentTookTooLong, DocumentTookTooMuchMemory, DocumentMalformed where the parser died."""
    with Reader(limits, uses_max=1) as reader:
        return reader.read(content, name)


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
