"""Documents within documents: what a message or an archive holds is read by its own format, its pieces stand among those of the whole, and changes find their way back to it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ostiary.documents import slots
from ostiary.documents.document import Carrier, Change, Document, Format, Limits, Options, Piece
from ostiary.errors import DocumentTooDeep, DocumentTooManyPieces

FormatOf = Callable[[bytes, str], Format]
"""Which format a file has, by its content and its name: `formats.format_of`."""


@dataclass(slots=True)
class Inner:
    """One document within another. new: what became of it, once `apply` has been called."""

    place: str
    content: bytes
    format: Format
    document: Document
    limits: Limits
    new: bytes = b""


Member = slots.Group | Inner


def deeper(limits: Limits) -> Limits:
    """The limits of what lies within. DocumentTooDeep."""
    if limits.nesting_max <= 0:
        raise DocumentTooDeep("Documents lie too deep within each other.")
    return replace(limits, nesting_max=limits.nesting_max - 1)


def inner(place: str, content: bytes, format_: Format, limits: Limits) -> Inner:
    """A document, read. limits: its own, as `deeper` gives them."""
    return Inner(place, content, format_, format_.read(content, limits), limits)


def document(name: str, members: Sequence[Member], carriers: Counter[str], limits: Limits) -> Document:
    """The pieces of all members, in order. They have no boxes: pages are those of the inner document. DocumentTooManyPieces."""
    pieces: list[Piece] = []
    for member in members:
        if isinstance(member, Inner):
            carriers.update({each.what: each.count for each in member.document.carriers})
        for piece in _pieces(member):
            if len(pieces) >= limits.pieces_max:
                raise DocumentTooManyPieces
            pieces.append(replace(piece, number=len(pieces)))
    return Document(name, tuple(pieces), tuple(Carrier(*each) for each in sorted(carriers.items())))


def _pieces(member: Member) -> Iterator[Piece]:
    if isinstance(member, slots.Group):
        yield Piece(0, member.place, member.text(), member.kind, hint=member.hint, prose=member.prose)
        return
    for piece in member.document.pieces:
        place = f"{member.place}, {piece.place}" if member.place else piece.place
        yield replace(piece, place=place, boxes=())


def apply(members: Sequence[Member], changes: Sequence[Change], options: Options) -> None:
    """Write the changes into the members they are of. What lies within is always written anew, changed or not."""
    by_piece: dict[int, list[Change]] = {}
    for change in changes:
        by_piece.setdefault(change.piece, []).append(change)
    begin = 0
    for member in members:
        count = 1 if isinstance(member, slots.Group) else len(member.document.pieces)
        own = [
            replace(change, piece=number - begin)
            for number in range(begin, begin + count)
            for change in by_piece.get(number, ())
        ]
        begin += count
        if isinstance(member, slots.Group):
            slots.apply([member], own)
        else:
            member.new = member.format.write(member.content, own, replace(options, drawn=()), member.limits)


def ending_of(name: str) -> str:
    """How a name ends, with its dot; empty where that is no ending."""
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem and dot and ending.isalnum() and len(ending) <= ENDING_CHARACTERS_MAX else ""


ENDING_CHARACTERS_MAX = 5


@dataclass(slots=True)
class FileName:
    """A file's name: what stands before its ending is a piece."""

    name: str

    def group(self, place: str) -> slots.Group:
        """The folders before it and the name itself, each for itself: a slash may be a letter of what is found."""
        ending = ending_of(self.name)
        parts = self.name[: len(self.name) - len(ending)].split("/")
        made: list[slots.Slot] = []
        for number, part in enumerate(parts):
            made += [slots.gap("\n")] if number else []
            made.append(slots.Slot(part, partial(self._put, parts, ending, number)))
        return slots.Group(place, [*made, slots.gap("\n" + ending if ending else "")])

    def _put(self, parts: list[str], ending: str, number: int, new: str) -> None:
        parts[number] = new
        self.name = "/".join(parts) + ending

    def fitting(self, inner: Inner) -> str:
        """The name, with another ending where what was written is of another format."""
        ending = inner.document.becomes
        return f"{self.name.removesuffix(ending_of(self.name))}.{ending}" if ending else self.name
