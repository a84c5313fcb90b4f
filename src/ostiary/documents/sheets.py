"""Excel (SpreadsheetML): cells are pieces, named by their column. What is hidden goes: sheets, rows, columns, formulas (their values stay), names, lists of allowed values, tables'
definitions, text that no cell shows any more.
"""

import re
from collections.abc import Callable
from functools import partial

from ostiary.documents import slots, xmls
from ostiary.documents.document import Kind
from ostiary.documents.ooxml import RELATION, STRICT_RELATION, Ooxml, Package
from ostiary.documents.xmls import Element, local
from ostiary.redaction.structured import head_of

_GONE = {
    "f": "formulas",
    "definedNames": "defined names",
    "dataValidations": "lists of allowed values",
    "tableParts": "tables' definitions",
    "scenarios": "scenarios",
    "customSheetViews": "views",
    "protectedRanges": "protected ranges",
    "conditionalFormatting": "conditional formats",
    "rPh": "phonetic texts",
    "externalReferences": "external links",
    "pivotCaches": "pivot caches",
    "webPublishItems": "publishing targets",
    "webPublishing": "publishing targets",
    "fileSharing": "user names",
    "dataConsolidate": "data sources",
    "autoFilter": "filters",
    "sortState": "filters",
    "hyperlinks": "links",
    "ignoredErrors": "marks of errors",
    "cellWatches": "watches",
    "smartTags": "smart tags",
}
_MARGINS = ("oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter")
_CODE = re.compile(r"(&(?:K[0-9A-F]{6}|K\d\d[+-]\d{3}|\d{1,3}|[A-Za-z&]))")
_CODE_OF_FONT = re.compile(r'&"[^"]*"')
_CHART_KEPT = "drawingml"
_CELL = re.compile(r"([A-Z]{1,3})(\d+)")
_HIDDEN = ("hidden", "veryHidden")
_NAME_REFUSED = str.maketrans("[]:*?/\\'", "()-----_")
SHEET_NAME_CHARACTERS_MAX = 31


def clean(package: Package) -> None:
    for name in package.of_type("spreadsheetml.sheet.main") + package.of_type("macroEnabled.main"):
        _hidden_sheets(package, name)
    for name, tree in package.trees.items():
        if (
            name.startswith("xl/")
            and not name.endswith(".rels")
            and _CHART_KEPT not in package.types.get(name, "")
        ):
            for element in list(tree.iter()):
                if local(element) in _GONE and element.getparent() is not None:
                    package.carriers[_GONE[local(element)]] += 1
                    xmls.removed(element)
    for name in package.of_type("worksheet+xml"):
        _hidden_cells(package, package.trees[name])
    _unused_texts(package)


def _hidden_sheets(package: Package, name: str) -> None:
    tree, targets = package.trees[name], package.targets(name)
    for element in list(tree.iter()):
        if local(element) == "sheet" and element.get("state") in _HIDDEN:
            package.drop(targets.get(_relation(element), ""), "hidden sheets")
            xmls.removed(element)
        elif local(element) == "workbookView":
            element.attrib.pop("activeTab", None)
            element.attrib.pop("firstSheet", None)


def _relation(element: Element) -> str:
    return element.get(f"{RELATION}id") or element.get(f"{STRICT_RELATION}id") or ""


def _hidden_cells(package: Package, tree: Element) -> None:
    columns: list[tuple[int, int]] = []
    for element in list(tree.iter()):
        if local(element) == "col" and element.get("hidden") in ("1", "true"):
            columns.append((int(element.get("min", "1")), int(element.get("max", "1"))))
        elif local(element) == "row" and element.get("hidden") in ("1", "true"):
            package.carriers["hidden rows"] += 1
            for cell in list(element):
                element.remove(cell)
    if columns:
        package.carriers["hidden columns"] += len(columns)
        for cell in list(_cells(tree)):
            number = _column(cell.get("r", ""))
            if any(first <= number <= last for first, last in columns):
                xmls.removed(cell)


def _cells(tree: Element) -> list[Element]:
    return [
        element for element in tree.iter() if local(element) == "c" and local(element.getparent()) == "row"
    ]


def _column(reference: str) -> int:
    found = _CELL.fullmatch(reference)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - 64
    return number


def _value(cell: Element) -> Element | None:
    return next((child for child in cell if local(child) == "v"), None)


def _unused_texts(package: Package) -> None:
    """The table of shared texts keeps what deleted cells held: what no cell shows goes, the numbers stay."""
    used = {
        (value.text or "").strip()
        for name in package.of_type("worksheet+xml")
        for cell in _cells(package.trees[name])
        if cell.get("t") == "s" and (value := _value(cell)) is not None
    }
    for name in package.of_type("sharedStrings+xml"):
        for number, text in enumerate(_texts(package.trees[name])):
            if str(number) not in used and len(text):
                package.carriers["texts that no cell shows"] += 1
                for child in list(text):
                    text.remove(child)
                text.append(text.makeelement(text.tag.replace("}si", "}t"), {}))


def _texts(tree: Element) -> list[Element]:
    return [element for element in tree if local(element) == "si"]


def groups(package: Package) -> list[slots.Group]:
    """The shared texts first, each where it is first shown; then the cells that hold their own."""
    shown: dict[str, tuple[str, str]] = {}
    own: list[slots.Group] = []
    shared = [text for name in package.of_type("sharedStrings+xml") for text in _texts(package.trees[name])]
    for name in package.of_type("worksheet+xml"):
        own += _of_sheet(
            package.trees[name], name.removeprefix("xl/worksheets/").removesuffix(".xml"), shared, shown
        )
    made = []
    for number, text in enumerate(shared):
        place, hint = shown.get(str(number), (f"shared text {number + 1}", ""))
        inner = [xmls.text_slot(each) for each in text.iter() if local(each) == "t"]
        if any(slot.text.strip() for slot in inner):
            made.append(slots.Group(place, inner, hint=hint))
    return made + own + _elsewhere(package)


def _of_sheet(
    tree: Element, sheet: str, shared: list[Element], shown: dict[str, tuple[str, str]]
) -> list[slots.Group]:
    made: list[slots.Group] = []
    heads: dict[int, str] = {}
    for cell in _cells(tree):
        value, column = _value(cell), _column(cell.get("r", ""))
        text = (value.text or "").strip() if value is not None else ""
        place, hint = f"{sheet}!{cell.get('r', '')}", head_of(heads, column)
        plain = text
        if cell.get("t") == "s":
            shown.setdefault(text, (place, hint))
            plain = (
                "".join(each.text or "" for each in shared[int(text)].iter() if local(each) == "t")
                if text.isdigit() and int(text) < len(shared)
                else ""
            )
        elif cell.get("t") == "inlineStr":
            inner = [xmls.text_slot(each) for each in cell.iter() if local(each) == "t"]
            plain = "".join(slot.text for slot in inner)
            made.append(slots.Group(place, inner, hint=hint))
        elif text and cell.get("t") not in ("b", "e"):
            made.append(
                slots.Group(place, [_number_slot(cell, value, text)], hint=hint, prose=cell.get("t") == "str")
            )
        heads.setdefault(column, plain)
    return made


def _number_slot(cell: Element, value: Element, text: str) -> slots.Slot:
    """A number that is replaced becomes text, in the cell itself."""
    number = re.fullmatch(r"-?\d(?:\.(\d+))?[eE]\+?(\d+)", text)
    whole = number is not None and len(number[1] or "") <= int(number[2]) <= 20

    def put(new: str) -> None:
        cell.set("t", "str")
        value.text = new

    return slots.Slot(f"{float(text):.0f}" if whole else text, put)


def _elsewhere(package: Package) -> list[slots.Group]:
    made: list[slots.Group] = []
    for name, tree in package.trees.items():
        if name.endswith(".rels") or name.startswith("["):
            continue
        place = name.removeprefix("xl/").removesuffix(".xml")
        if "worksheet+xml" in package.types[name] or "sharedStrings" in package.types[name]:
            seen: tuple[str, ...] = ("t", "v")
        else:
            seen = ("t",)
            made += xmls.paragraphs(tree, place, ("p", "pt"), seen, ("br", "tab"))
        heads = _margins(tree, place)
        made += heads
        made += xmls.other_texts(tree, place, (*seen, *_MARGINS))
        made += _sheet_names(tree)
    return made


def _margins(tree: Element, place: str) -> list[slots.Group]:
    """Headers and footers: their codes (`&L`, `&P`) are no letters of what stands beside them; those that name fonts go."""
    made: list[slots.Group] = []
    for element in (each for each in tree.iter() if local(each) in _MARGINS and each.text):
        parts = _CODE.split(_CODE_OF_FONT.sub("", element.text))

        def put(at: int, new: str, parts: list[str] = parts, element: Element = element) -> None:
            parts[at] = new.replace("&", "&&")
            element.text = "".join(parts)

        run = [
            slots.gap("\n") if at % 2 else slots.Slot(part, partial(put, at)) for at, part in enumerate(parts)
        ]
        element.text = "".join(parts)
        if any(slot.text.strip() for slot in run):
            made.append(slots.Group(f"{place}, header or footer", run))
    return made


def _sheet_names(tree: Element) -> list[slots.Group]:
    made = []
    for element in tree.iter():
        if local(element) == "sheet" and element.get("name") is not None:
            made.append(
                slots.Group(
                    "name of a sheet", [slots.Slot(element.get("name"), _namer(element))], Kind.VISIBLE
                )
            )
    return made


def _namer(sheet: Element) -> Callable[[str], None]:
    def put(new: str) -> None:
        """Excel refuses some letters, long names, and two sheets of one name."""
        taken = {each.get("name", "").lower() for each in sheet.getparent() if each is not sheet}
        name = new.translate(_NAME_REFUSED)[: SHEET_NAME_CHARACTERS_MAX - 4].strip() or "Sheet"
        free, number = name, 2
        while free.lower() in taken:
            free, number = f"{name} {number}", number + 1
        sheet.set("name", free)

    return put


XLSX = Ooxml("xlsx", ("xlsx", "xlsm", "xltx", "xltm"), "xl/", clean, groups)
