"""CSV and TSV (RFC 4180): a piece a cell, named by its column. Only the cells that change are written anew, so quotes, endings and order stay as they were."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ostiary.documents import slots
from ostiary.documents.document import Change, Document, Limits, Options
from ostiary.documents.encoding import decoded
from ostiary.errors import DocumentMalformed
from ostiary.redaction.structured import harmless, hints_of

DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Cell:
    """text: without its quotes; start, end: where it stands with them."""

    row: int
    column: int
    text: str
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class Table:
    """name: csv or tsv."""

    name: str
    endings: tuple[str, ...]

    def recognises(self, content: bytes) -> bool:
        return False

    def read(self, content: bytes, limits: Limits) -> Document:
        text = decoded(content).text
        return slots.document(self.name, [group for group, _ in self._groups(text)], (), limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        source = decoded(content)
        held: dict[int, str] = {}
        made = self._groups(source.text, held)
        slots.apply([group for group, _ in made], changes)
        delimiter = self._delimiter(source.text)
        edits = [
            Change(0, cell.start, cell.end, _written(held[cell.start], cell, delimiter))
            for _, cell in made
            if cell.start in held
        ]
        return source.encoded(slots.spliced(source.text, edits))

    def _groups(self, text: str, held: dict[int, str] | None = None) -> list[tuple[slots.Group, Cell]]:
        made: list[tuple[slots.Group, Cell]] = []
        names: dict[int, str] = {}
        heads: dict[int, str] = {}
        new = held if held is not None else {}
        for cell in cells(text, self._delimiter(text)):
            if cell.row == 0:
                names[cell.column] = cell.text
            if not cell.text.strip():
                continue
            if cell.row and names:
                heads, names = dict(zip(names, hints_of(list(names.values())), strict=True)), {}
            name = heads.get(cell.column, "") if cell.row else ""

            def put(changed: str, at: int = cell.start) -> None:
                new[at] = changed

            place = f"row {cell.row + 1}, column {cell.column + 1}"
            made.append((slots.Group(place, [slots.Slot(cell.text, put)], hint=name), cell))
        return made

    def _delimiter(self, text: str) -> str:
        if self.name == "tsv":
            return "\t"
        first = Counter(re.sub(r'"[^"]*"', "", text[:10_000].split("\n", 1)[0]))
        return max(DELIMITERS, key=lambda each: (first[each], each == ","))


def cells(text: str, delimiter: str) -> Iterator[Cell]:
    """Every cell, in order. DocumentMalformed where a quote is never closed."""
    inside = re.compile(r'((?:[^"]|"")*)"([^' + re.escape(delimiter) + r"\r\n]*)")
    bare = re.compile(r"[^" + re.escape(delimiter) + r"\r\n]*")
    row = column = position = 0
    while position < len(text):
        start = position
        if text[position] == '"':
            found = inside.match(text, position + 1)
            if found is None:
                raise DocumentMalformed("A quote in the table is never closed.")
            position = found.end()
            yield Cell(row, column, found[1].replace('""', '"') + found[2], start, position, True)
        else:
            end = bare.match(text, position)
            position = end.end() if end else position
            yield Cell(row, column, text[start:position], start, position, False)
        if text.startswith(delimiter, position):
            column, position = column + 1, position + 1
        elif position < len(text):
            position += 2 if text.startswith("\r\n", position) else 1
            row, column = row + 1, 0


def _written(text: str, cell: Cell, delimiter: str) -> str:
    safe = harmless(text)
    if cell.quoted or any(letter in safe for letter in (delimiter, '"', "\n", "\r")):
        return '"' + safe.replace('"', '""') + '"'
    return safe


CSV = Table("csv", ("csv",))
TSV = Table("tsv", ("tsv", "tab"))
