"""The pieces of an OpenDocument's tree: paragraphs over their spans, values of cells, links, names of sheets, and every other text and telling attribute."""

from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote

from ostiary.documents import slots, xmls
from ostiary.documents.document import Kind
from ostiary.documents.opendocument_cleaning import placed
from ostiary.documents.xmls import Element, local
from ostiary.redaction.structured import head_of

XLINK = "{http://www.w3.org/1999/xlink}href"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
VALUES = tuple(f"{OFFICE}{each}" for each in ("value", "date-value", "time-value", "string-value", "boolean-value"))  # fmt: skip
_GAPS = {"tab": "\t", "line-break": "\n", "soft-page-break": ""}
SPACES_MAX = 200
SHEET = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}name"
HEAD_CHARACTERS_MAX = 100


def groups(tree: Element, place: str) -> list[slots.Group]:
    """The pieces of a tree, in order."""
    hints = dict(_hints(tree))
    seen: set[tuple[Element, bool]] = set()
    made: list[slots.Group] = []
    for number, element in enumerate((each for each in tree.iter() if local(each) in ("p", "h")), start=1):
        run = list(_runs(element, seen))
        if any(slot.text.strip() for slot in run):
            cell = element.getparent()
            made.append(slots.Group(f"{place}, paragraph {number}", run, hint=hints.get(cell, "")))
    for element in tree.iter():
        for tail in (False, True):
            text = element.tail if tail else element.text
            if (element, tail) not in seen and (text or "").strip():
                made.append(slots.Group(place, [xmls.bare_slot(element, tail=tail)], Kind.HIDDEN))
    made += _values(tree, place, hints)
    made += _links(tree, place)
    made += _sheets(tree)
    return made + list(_others(tree, place))


def _runs(element: Element, seen: set[tuple[Element, bool]]) -> Iterator[slots.Slot]:
    """The texts of a paragraph; those of paragraphs within it are left to them."""
    seen.add((element, False))
    if element.text:
        yield xmls.bare_slot(element, tail=False)
    for child in element:
        name = local(child)
        if name == "s":
            count = next((value for key, value in child.attrib.items() if key.endswith("}c")), "1")
            yield slots.gap(" " * min(int(count) if count.isdigit() else 1, SPACES_MAX))
        elif name in _GAPS:
            yield slots.gap(_GAPS[name])
        elif name not in ("p", "h") and not _holds_paragraphs(child):
            yield from _runs(child, seen)
        seen.add((child, True))
        if child.tail:
            yield xmls.bare_slot(child, tail=True)


def _holds_paragraphs(element: Element) -> bool:
    return any(local(each) in ("p", "h") for each in element.iter())


def cells(tree: Element) -> list[tuple[Element, str]]:
    """The cells of all tables with the text that they show, to be compared once changes are written."""
    return [(each, "".join(each.itertext())) for each in tree.iter() if local(each) in ("table-cell", "covered-table-cell")]  # fmt: skip


def settled(before: list[tuple[Element, str]]) -> None:
    """A cell whose text was changed holds that text alone, and not the value that it was the text of."""
    for cell, text in before:
        if "".join(cell.itertext()) != text:
            _bare(cell)


def _bare(cell: Element) -> None:
    for key in (*VALUES, f"{OFFICE}currency"):
        cell.attrib.pop(key, None)
    if f"{OFFICE}value-type" in cell.attrib:
        cell.set(f"{OFFICE}value-type", "string")
        cell.attrib.pop(f"{CALC}value-type", None)


def _hints(tree: Element) -> Iterator[tuple[Element, str]]:
    """For each cell the text of the first cell of its column."""
    for table in (each for each in tree.iter() if local(each) == "table"):
        heads: dict[int, str] = {}
        for row in (each for each in table.iter() if local(each) == "table-row"):
            for first, _, cell in placed(row):
                text = "".join(cell.itertext()).strip()[:HEAD_CHARACTERS_MAX]
                if first in heads:
                    yield cell, head_of(heads, first)
                elif text:
                    heads[first] = text


def _values(tree: Element, place: str, hints: dict[Element, str]) -> Iterator[slots.Group]:
    """Values of cells that are more than a short number, where the text does not show them as they are."""
    for cell, text in cells(tree):
        for key in VALUES:
            value = cell.get(key, "")
            if value and not xmls.is_technical(value) and value != text:

                def put(new: str, cell: Element = cell) -> None:
                    _bare(cell)

                yield slots.Group(f"{place}, value of a cell", [slots.Slot(value, put)], Kind.HIDDEN, hints.get(cell, ""), prose=False)  # fmt: skip


def _links(tree: Element, place: str) -> Iterator[slots.Group]:
    for element in tree.iter():
        if local(element) == "a" and element.get(XLINK):
            yield slots.Group(f"{place}, link", [slots.Slot(unquote(element.get(XLINK)), _link(element))], Kind.HIDDEN, prose=False)  # fmt: skip


def _link(element: Element) -> Callable[[str], None]:
    def put(new: str) -> None:
        element.set(XLINK, quote(new, safe=":/?#@!$&'()*+,;=~%-._"))

    return put


def _sheets(tree: Element) -> Iterator[slots.Group]:
    for element in tree.iter():
        if local(element) == "table" and any(
            local(each) == "spreadsheet" for each in element.iterancestors()
        ):
            yield slots.Group("name of a sheet", [slots.Slot(element.get(SHEET, ""), _sheet(element))])


def _sheet(element: Element) -> Callable[[str], None]:
    def put(new: str) -> None:
        taken = {each.get(SHEET) for each in element.getparent() if each is not element}
        name = new.translate(str.maketrans("[]:*?/\\'", "()-----_")).strip() or "Sheet"
        free, number = name, 1
        while free in taken:
            number += 1
            free = f"{name} {number}"
        element.set(SHEET, free)

    return put


def _others(tree: Element, place: str) -> Iterator[slots.Group]:
    """Attributes that could tell something and are no piece yet; equal ones are one piece."""
    by_value: dict[str, list[tuple[Element, str]]] = {}
    for element in tree.iter():
        is_sheet = local(element) == "table"
        for key, value in element.attrib.items():
            if key not in VALUES and key != XLINK and not (is_sheet and key == SHEET) and not xmls.is_technical(value):  # fmt: skip
                by_value.setdefault(value, []).append((element, key))
    for value, holders in by_value.items():

        def put(new: str, holders: list[tuple[Element, str]] = holders) -> None:
            for element, key in holders:
                element.set(key, new)

        yield slots.Group(f"{place}, attribute", [slots.Slot(value, put)], Kind.HIDDEN, prose=False)
