"""Word (WordprocessingML): what a reader of the final document does not see goes, the rest is text over runs."""

import re
from functools import partial

from ostiary.documents import xmls
from ostiary.documents.ooxml import Ooxml, Package, paragraph_groups
from ostiary.documents.xmls import Element, local

_GONE = {
    "del": "tracked changes",
    "moveFrom": "tracked changes",
    "commentReference": "comments",
    "annotationRef": "comments",
    "docVars": "document variables",
    "rsids": "revision marks",
    "attachedTemplate": "templates",
    "mailMerge": "mail merge",
}
_SILENT = frozenset(
    [
        "rPrChange",
        "pPrChange",
        "sectPrChange",
        "tblPrChange",
        "tblPrExChange",
        "trPrChange",
        "tcPrChange",
        "tblGridChange",
        "numberingChange",
        "cellIns",
        "cellDel",
        "cellMerge",
        "moveFromRangeStart",
        "moveFromRangeEnd",
        "moveToRangeStart",
        "moveToRangeEnd",
        "commentRangeStart",
        "commentRangeEnd",
        "bookmarkStart",
        "bookmarkEnd",
        "proofErr",
        "permStart",
        "permEnd",
        "customXmlInsRangeStart",
        "customXmlInsRangeEnd",
        "customXmlDelRangeStart",
        "customXmlDelRangeEnd",
        "sdtPr",
        "sdtEndPr",
        "tblCaption",
        "tblDescription",
        "documentProtection",
        "writeProtection",
        "saveThroughXslt",
        "ffData",
        "private",
        "control",
        "docPartObj",
        "lsdException",
    ]
)
_UNWRAPPED = frozenset({"ins", "moveTo", "sdt", "sdtContent", "smartTag", "customXml"})
_MARKS = re.compile(r"(?:rsid\w*|paraId|textId|author|initials|date|dateUtc)$")
_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTION|SECTIONPAGES)(?:\s+\\\*\s+\w+)*\s*")
TEXTS = ("t", "delText")
GAPS = ("tab", "br", "cr", "ptab", "noBreakHyphen")


def clean(package: Package) -> None:
    for tree in [
        tree
        for name, tree in package.trees.items()
        if name.startswith("word/") and not name.endswith(".rels")
    ]:
        _rows(package, tree)
        for element in list(tree.iter()):
            name = local(element)
            if name in _GONE or name in _SILENT:
                if name in _GONE:
                    package.carriers[_GONE[name]] += 1
                xmls.removed(element)
            elif name == "vanish" and element.getparent() is not None:
                _hidden(package, element)
        _fields(package, tree)
        for element in list(tree.iter()):
            if local(element) in _UNWRAPPED:
                xmls.unwrapped(element)
            for key in list(element.attrib):
                if _MARKS.search(key.rpartition("}")[2]):
                    del element.attrib[key]


def _rows(package: Package, tree: Element) -> None:
    """Rows of tables that a tracked change took out."""
    for element in list(tree.iter()):
        if (
            local(element) == "del"
            and element.getparent() is not None
            and local(element.getparent()) == "trPr"
        ):
            package.carriers["tracked changes"] += 1
            xmls.removed(element.getparent().getparent())


def _hidden(package: Package, mark: Element) -> None:
    """Runs that are formatted as hidden; a style that hides keeps hiding."""
    properties = mark.getparent()
    run = properties.getparent()
    value = next((each for key, each in mark.attrib.items() if key.endswith("}val")), "1")
    if run is not None and local(run) == "r" and value not in ("0", "false", "off"):
        package.carriers["hidden text"] += 1
        xmls.removed(run)


def _fields(package: Package, tree: Element) -> None:
    """Field codes go, what they show stays; page numbers stay fields."""
    for element in list(tree.iter()):
        if local(element) == "fldSimple":
            code = next((each for key, each in element.attrib.items() if key.endswith("}instr")), "")
            if not _FIELD.fullmatch(code):
                package.carriers["field codes"] += 1
                xmls.unwrapped(element)
    for field in _complex(tree):
        code = "".join(each.text or "" for each in field if local(each) == "instrText")
        if not _FIELD.fullmatch(code):
            package.carriers["field codes"] += 1
            for each in field:
                xmls.removed(each)


def _complex(tree: Element) -> list[list[Element]]:
    """The marks and codes of each field. What is never closed is a field as well."""
    open_: list[list[Element]] = []
    done: list[list[Element]] = []
    for element in tree.iter():
        name = local(element)
        if name == "fldChar":
            kind = next((each for key, each in element.attrib.items() if key.endswith("}fldCharType")), "")
            if kind == "begin" or not open_:
                open_.append([])
            open_[-1].append(element)
            if kind == "end":
                done.append(open_.pop())
        elif name in ("instrText", "delInstrText"):
            if not open_:
                open_.append([])
            open_[-1].append(element)
    return done + open_


DOCX = Ooxml(
    "docx",
    ("docx", "docm", "dotx", "dotm"),
    "word/",
    clean,
    partial(paragraph_groups, folder="word/", texts=TEXTS, gaps=GAPS),
)
