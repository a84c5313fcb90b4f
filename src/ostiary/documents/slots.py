"""Pieces over the nodes of a parsed document. A piece may run over many nodes (a name split over five runs of Word is one name), so a change is spread over them:
the replacement stands where the change begins, and the rest of it goes from every node that held a part. Each node keeps its own formatting.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ostiary.documents.document import Carrier, Change, Document, Kind, Limits, Piece
from ostiary.errors import DocumentTooManyPieces


@dataclass(frozen=True, slots=True)
class Slot:
    """A place that holds text. `put` writes another text there."""

    text: str
    put: Callable[[str], None]


def gap(letter: str) -> Slot:
    """Something between two texts that is none: a tab, a line's end, what stands for context."""

    def put(new: str) -> None:
        """It stays, or goes with nothing written."""

    return Slot(letter, put)


@dataclass(frozen=True, slots=True)
class Group:
    """The slots that one piece runs over."""

    place: str
    slots: Sequence[Slot]
    kind: Kind = Kind.VISIBLE
    hint: str = ""
    prose: bool = True

    def text(self) -> str:
        return "".join(slot.text for slot in self.slots)


def document(name: str, groups: Sequence[Group], carriers: Iterable[Carrier], limits: Limits) -> Document:
    """The pieces of the groups, one each. DocumentTooManyPieces."""
    if len(groups) > limits.pieces_max:
        raise DocumentTooManyPieces
    pieces = tuple(
        Piece(number, group.place, group.text(), group.kind, hint=group.hint, prose=group.prose)
        for number, group in enumerate(groups)
    )
    return Document(name, pieces, tuple(carriers))


def apply(groups: Sequence[Group], changes: Iterable[Change]) -> None:
    """Write the changes into the slots."""
    of_group: dict[int, list[Change]] = {}
    for change in changes:
        of_group.setdefault(change.piece, []).append(change)
    for number, own in of_group.items():
        _spread(groups[number].slots, sorted(own, key=lambda each: each.start))


def _spread(slots: Sequence[Slot], changes: Sequence[Change]) -> None:
    begin = 0
    for slot in slots:
        end = begin + len(slot.text)
        parts: list[str] = []
        position = begin
        for change in changes:
            if change.end <= begin or change.start >= end:
                continue
            parts.append(slot.text[position - begin : max(change.start, begin) - begin])
            if change.start >= begin:
                parts.append(change.replacement)
            position = min(change.end, end)
        if position > begin:
            slot.put("".join((*parts, slot.text[position - begin :])))
        begin = end


def spliced(text: str, changes: Sequence[Change]) -> str:
    """One text with its changes."""
    parts: list[str] = []
    position = 0
    for change in sorted(changes, key=lambda each: each.start):
        parts += (text[position : change.start], change.replacement)
        position = change.end
    return "".join((*parts, text[position:]))
