"""Small grammars: `{slot}` is filled by a maker, `<a|b|c>` is one of its parts, `<a|>` may be nothing; brackets without `|` are text. What a slot says of itself becomes a span."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from training.data import Annotated, Document

Maker = Callable[[], "Piece"]
_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"<([^<>]*\|[^<>]*)>")
CHOICES_MAX = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with the spans in it: (start, end, label)."""

    text: str
    spans: tuple[tuple[int, int, str], ...] = ()


def labelled(text: str, label: str, before: str = "", after: str = "") -> Piece:
    """`text` is of that label; what stands before and after belongs to nothing."""
    return Piece(before + text + after, ((len(before), len(before) + len(text), label),))


@dataclass(slots=True)
class Builder:
    """Pieces put together."""

    _parts: list[str] = field(default_factory=list)
    _spans: list[tuple[int, int, str]] = field(default_factory=list)
    _length: int = 0

    def add(self, piece: Piece) -> None:
        self._spans += [
            (start + self._length, end + self._length, label) for start, end, label in piece.spans
        ]
        self._parts.append(piece.text)
        self._length += len(piece.text)

    def text(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def piece(self) -> Piece:
        return Piece("".join(self._parts), tuple(self._spans))


def chosen(template: str, random: Random) -> str:
    """The template with its choices made, the innermost first. Raises ValueError where brackets do not close within CHOICES_MAX choices."""
    for _ in range(CHOICES_MAX):
        match = _CHOICE.search(template)
        if match is None:
            return template
        template = template[: match.start()] + random.choice(match[1].split("|")) + template[match.end() :]
    raise ValueError("a template chooses without end")


def expanded(template: str, makers: dict[str, Maker], random: Random) -> Piece:
    """Raises KeyError for a slot that nobody makes."""
    builder = Builder()
    at = 0
    template = chosen(template, random)
    for slot in _SLOT.finditer(template):
        builder.text(template[at : slot.start()])
        builder.add(makers[slot[1]]())
        at = slot.end()
    builder.text(template[at:])
    return builder.piece()


def joined(pieces: list[Piece], separator: str) -> Piece:
    builder = Builder()
    for index, piece in enumerate(pieces):
        if index:
            builder.text(separator)
        builder.add(piece)
    return builder.piece()


def document(piece: Piece) -> Document:
    return Document(
        piece.text, tuple(Annotated(start, end, (label,)) for start, end, label in piece.spans if start < end)
    )
