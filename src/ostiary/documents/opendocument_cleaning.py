"""What goes out of an OpenDocument whatever stands in it: what nobody sees, who did what and when, programs, forms, formulas, and the definitions behind fields."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from ostiary.documents import xmls
from ostiary.documents.xmls import Element, local

_GONE = {
    "annotation": "comments",
    "annotation-end": "comments",
    "tracked-changes": "tracked changes",
    "scripts": "macros",
    "event-listeners": "macros",
    "forms": "form controls",
    "control": "form controls",
    "object": "embedded objects",
    "object-ole": "embedded objects",
    "plugin": "embedded objects",
    "applet": "embedded objects",
    "floating-frame": "embedded objects",
    "binary-data": "pictures",
    "title": "alternative texts",
    "desc": "alternative texts",
    "hidden-text": "hidden text",
    "user-field-decls": "fields",
    "variable-decls": "fields",
    "sequence-decls": "fields",
    "dde-connection-decls": "external links",
    "dde-links": "external links",
    "dde-source": "external links",
    "section-source": "external links",
    "table-source": "external links",
    "cell-range-source": "external links",
    "named-expressions": "defined names",
    "database-ranges": "defined names",
    "label-ranges": "defined names",
    "data-pilot-tables": "pivot tables",
    "content-validations": "lists of allowed values",
    "consolidation": "data sources",
    "detective": "marks",
    "calculation-settings": "settings",
    "notes": "notes",
    "meta": "metadata",
    "settings": "settings",
    "font-face-src": "embedded fonts",
    "image-map": "links",
    "signature": "signatures",
    "filter": "filters",
    "sort": "filters",
}
_SILENT = frozenset({"change", "change-start", "change-end", "bookmark", "bookmark-start", "bookmark-end", "reference-mark", "reference-mark-start", "reference-mark-end", "toc-mark", "alphabetical-index-mark", "user-index-mark", "toc-mark-start", "toc-mark-end", "alphabetical-index-mark-start", "alphabetical-index-mark-end", "user-index-mark-start", "user-index-mark-end"})  # fmt: skip
_INLINE_KEPT = frozenset({"span", "a", "s", "tab", "line-break", "soft-page-break", "note", "note-citation", "note-body", "page-number", "page-count", "number", "ruby", "ruby-base", "ruby-text", "p", "h", "list", "list-item", "list-header", "section", "index-body", "index-title", "table-of-content", "alphabetical-index", "illustration-index", "table-index", "object-index", "user-index", "bibliography", "numbered-paragraph"})  # fmt: skip
"""Other elements of the namespace of texts within a paragraph are fields: what they show stays, as text."""
_SOURCES = re.compile(r".*-index-source|table-of-content-source|bibliography-source|index-source-styles?")
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT_TITLES = f"{TEXT}title"
_ATTRIBUTES = frozenset({"formula", "condition", "is-hidden", "string-value-if-true", "string-value-if-false", "description", "help-message", "tooltip", "target-frame-name", "about", "property", "content", "datatype", "id", "author", "creator", "initials", "protection-key", "password-hash", "content-validation-name", "message-type", "filter-name", "filter-options", "matrix-covered", "original-text", "connection-name", "column-name", "database-name", "data-style", "range-usable-as"})  # fmt: skip
_NUMBERED = {"section": "Section", "frame": "", "table": "Table", "page": "Page", "list": ""}
"""Elements that have a name only for people or programs; the names of sheets are seen, and are pieces."""


def clean(trees: Mapping[str, Element], carriers: Counter[str]) -> None:
    """Take it all out of the trees of a package."""
    hidden = _hidden_styles(trees)
    sheets = any(local(each) == "spreadsheet" for tree in trees.values() for each in tree.iter())
    for tree in trees.values():
        _parts(tree, carriers)
        _hidden(tree, hidden, carriers)
        _hidden_cells(tree, carriers)
        _fields(tree, carriers)
        _attributes(tree, sheets=sheets)


def _parts(tree: Element, carriers: Counter[str]) -> None:
    for element in list(tree.iter()):
        name = local(element)
        if element.getparent() is None:
            continue
        if name in _SILENT or _SOURCES.fullmatch(name):
            xmls.removed(element)
        elif name in _GONE and element.tag != _TEXT_TITLES and not _is_field(element):
            if len(element) or element.text or element.attrib:
                carriers[_GONE[name]] += 1
            xmls.removed(element)


def _is_field(element: Element) -> bool:
    """Whether a name that elsewhere stands for a part is a field within a text: `title`, `description`."""
    return bool(element.tag.startswith(TEXT)) and local(element) in ("title", "meta")


def _named(element: Element, name: str) -> str:
    """The value of an attribute, by its name without its namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _hidden_styles(trees: Mapping[str, Element]) -> frozenset[str]:
    """The names of styles that hide: text, tables and slides, also by the style that they are made from."""
    hidden: set[str] = set()
    parents: dict[str, str] = {}
    for element in (each for tree in trees.values() for each in tree.iter() if local(each) == "style"):
        parents[_named(element, "name")] = _named(element, "parent-style-name")
        for each in element:
            if (
                (local(each) == "text-properties" and _named(each, "display") == "none")
                or (local(each) == "table-properties" and _named(each, "display") == "false")
                or (local(each) == "drawing-page-properties" and _named(each, "visibility") == "hidden")
            ):
                hidden.add(_named(element, "name"))
    for name in parents:
        seen, at = set(), name
        while at and at not in seen:
            seen.add(at)
            if at in hidden:
                hidden.add(name)
            at = parents.get(at, "")
    return frozenset(hidden)


def _hidden(tree: Element, styles: frozenset[str], carriers: Counter[str]) -> None:
    for element in list(tree.iter()):
        name = local(element)
        if element.getparent() is None or name in ("style", "list-style", "default-style"):
            continue
        if name == "hidden-paragraph":
            owner = next((each for each in element.iterancestors() if local(each) in ("p", "h")), element)
            if _named(element, "is-hidden") != "false" and owner.getparent() is not None:
                carriers["hidden text"] += 1
                xmls.removed(owner)
            continue
        by_section = name == "section" and _named(element, "display") in ("none", "condition")
        if by_section or (_named(element, "style-name") in styles and name != "master-page"):
            carriers["hidden text"] += 1
            xmls.removed(element)


def _hidden_cells(tree: Element, carriers: Counter[str]) -> None:
    """Rows and columns of tables that are not shown, or filtered away."""
    for table in [each for each in tree.iter() if local(each) == "table"]:
        hidden = list(_columns(table))
        rows = [each for each in table.iter() if local(each) == "table-row"]
        for row in rows:
            if _named(row, "visibility") in ("collapse", "filter"):
                carriers["hidden rows"] += 1
                for cell in list(row):
                    _emptied(cell)
            elif hidden:
                for first, last, cell in placed(row):
                    if any(first <= end and begin <= last for begin, end in hidden):
                        _emptied(cell)
        carriers.update({"hidden columns": len(hidden)} if hidden else {})


def _columns(table: Element) -> Iterator[tuple[int, int]]:
    at = 0
    for column in (each for each in table.iter() if local(each) == "table-column"):
        count = repeated(column)
        if _named(column, "visibility") in ("collapse", "filter"):
            yield at, at + count - 1
        at += count


def placed(row: Element) -> Iterator[tuple[int, int, Element]]:
    """The cells of a row, with the first and the last column that each stands for."""
    at = 0
    for cell in row:
        if local(cell) in ("table-cell", "covered-table-cell"):
            count = repeated(cell)
            yield at, at + count - 1, cell
            at += count


def repeated(element: Element) -> int:
    text = _named(element, "number-columns-repeated")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 1


def _emptied(cell: Element) -> None:
    for child in list(cell):
        cell.remove(child)
    cell.text = None
    for key in list(cell.attrib):
        if key.startswith(_OFFICE) or key.rpartition("}")[2] == "value-type":
            del cell.attrib[key]


def _fields(tree: Element, carriers: Counter[str]) -> None:
    for element in list(tree.iter()):
        if (
            isinstance(element.tag, str)
            and element.tag.startswith(TEXT)
            and local(element) not in _INLINE_KEPT
            and any(local(each) in ("p", "h") for each in element.iterancestors())
        ):
            carriers["fields"] += 1
            xmls.unwrapped(element)


def _attributes(tree: Element, *, sheets: bool) -> None:
    numbers: Counter[str] = Counter()
    for element in tree.iter():
        name = local(element)
        for key in list(element.attrib):
            if key.rpartition("}")[2] in _ATTRIBUTES:
                del element.attrib[key]
            elif key.rpartition("}")[2] == "name" and name in _NUMBERED and not (name == "table" and sheets):
                numbers[name] += 1
                if _NUMBERED[name]:
                    element.set(key, f"{_NUMBERED[name]}{numbers[name]}")
                else:
                    del element.attrib[key]
