"""What happens to text: written without capitals, in capitals, without full stops, badly scanned, other names in the same sentence."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from training.data import Annotated, Document
from training.entities import Cast
from training.names import Names

_CONFUSED = {"l": "1", "O": "0", "0": "O", "rn": "m", "e": "c", "i": "l", "S": "5", "B": "8"}
SCANNED_LETTERS = 0.015


def _same_length(text: str, change: Callable[[str], str]) -> str:
    """`change` by character, where it keeps one character one (ß has a capital of two)."""
    return "".join(changed if len(changed := change(char)) == 1 else char for char in text)


def cased(document: Document, random: Random) -> Document:
    """Small, in capitals or in title case; one document in five."""
    if document.loose:  # what its capitals say would be lost
        return document
    chance = random.random()
    if chance < 0.10:
        return replace(document, text=_same_length(document.text, str.lower))
    if chance < 0.16:
        return replace(document, text=_same_length(document.text, str.upper))
    if chance < 0.19 and len(document.text) < 200:
        words = document.text.split(" ")
        return replace(
            document,
            text=" ".join(
                word[:1].upper() + word[1:] if word[:1].upper().__len__() == 1 else word for word in words
            ),
        )
    return document


def rewritten(document: Document, edit: Callable[[int, str], str]) -> Document:
    """Every character replaced by `edit(position, character)`, spans moved along."""
    parts, moved, length = [], [0] * (len(document.text) + 1), 0
    for index, char in enumerate(document.text):
        moved[index] = length
        parts.append(edit(index, char))
        length += len(parts[-1])
    moved[len(document.text)] = length
    spans = tuple(
        replace(span, start=moved[span.start], end=moved[span.end])
        for span in document.spans
        if moved[span.start] < moved[span.end]
    )
    return replace(document, text="".join(parts), spans=spans)


def _apart(text: str, at: int, char: str) -> str:
    """Punctuation with a space before it, as corpora and some speech recognisers write; not within a number or a word."""
    alone = at > 0 and not text[at - 1].isspace() and (at + 1 == len(text) or text[at + 1].isspace())
    return f" {char}" if char in ".,;:!?)" and alone else char


def worn(document: Document, random: Random) -> Document:
    """Bad scans, lost or loose punctuation, broken lines; one document in seven."""
    chance = random.random()
    if chance < 0.03:
        return rewritten(
            document,
            lambda _, char: _CONFUSED.get(char, char) if random.random() < SCANNED_LETTERS * 4 else char,
        )
    if chance < 0.07:
        return rewritten(document, lambda _, char: "" if char in ".,;:!?" else char)
    if chance < 0.10:
        return rewritten(document, lambda at, char: _apart(document.text, at, char))
    if chance < 0.15:
        return rewritten(document, lambda _, char: "\n" if char == " " and random.random() < 0.08 else char)
    return document


_MAKERS: dict[str, Callable[[Cast], str]] = {
    "person": lambda cast: cast.full().text,
    "organisation": lambda cast: cast.organisation().text,
    "location": lambda cast: cast.place().text,
}


def substituted(document: Document, random: Random, names: Names, share: float = 0.6) -> Document:
    """The same sentences about others: named people, organisations and places are replaced, equal ones alike. Human contexts with names without end."""
    cast = Cast(random, names, "en")
    text, spans, at, length = [], [], 0, 0
    known: dict[tuple[str, str], str] = {}
    for span in sorted(document.spans, key=lambda span: span.start):
        if span.start < at:
            return document
        old = document.text[span.start : span.end]
        new = old
        maker = _MAKERS.get(span.labels[0]) if len(span.labels) == 1 else None
        if maker and len(old) > 2 and old[0].isupper() and random.random() < share:
            new = known.setdefault(
                (old, span.labels[0]),
                maker(cast)
                if " " in old or span.labels[0] != "person"
                else (cast.fresh(), cast.again())[1].text,
            )
        text += [document.text[at : span.start], new]
        length += span.start - at
        spans.append(Annotated(length, length + len(new), span.labels))
        length += len(new)
        at = span.end
    return replace(document, text="".join([*text, document.text[at:]]), spans=tuple(spans))
