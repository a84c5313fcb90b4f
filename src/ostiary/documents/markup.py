"""HTML and XML. What a browser does not show (scripts, comments, hidden elements, meta data, inline drawings, embedded data) goes; a sentence over several elements is one piece."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.documents import slots, xmls
from ostiary.documents.document import Carrier, Change, Document, Limits, Options
from ostiary.documents.encoding import decoded
from ostiary.documents.xmls import Element, local
from ostiary.errors import DocumentMalformed, DocumentTooDeep

_GONE = {
    "script": "scripts",
    "noscript": "scripts",
    "template": "hidden elements",
    "meta": "metadata",
    "base": "metadata",
    "link": "external links",
    "iframe": "embedded objects",
    "frame": "embedded objects",
    "object": "embedded objects",
    "embed": "embedded objects",
    "applet": "embedded objects",
    "param": "embedded objects",
    "audio": "embedded objects",
    "video": "embedded objects",
    "source": "embedded objects",
    "canvas": "embedded objects",
    "svg": "drawings",
    "math": "drawings",
    "style": "style sheets",
    "xml": "metadata",
    "datalist": "lists of allowed values",
    "dialog": "hidden elements",
}
_KEPT_ATTRIBUTES = frozenset(
    [
        "href",
        "colspan",
        "rowspan",
        "class",
        "lang",
        "dir",
        "align",
        "valign",
        "width",
        "height",
        "border",
        "cellpadding",
        "cellspacing",
        "type",
        "size",
        "span",
        "start",
        "scope",
        "color",
        "bgcolor",
        "face",
        "style",
    ]
)
"""Others hold what nobody sees: alternative texts, titles, values of fields, data, handlers, sources of pictures."""
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "td",
        "th",
        "tr",
        "li",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "table",
        "body",
        "head",
        "title",
        "section",
        "article",
        "header",
        "footer",
        "nav",
        "aside",
        "main",
        "blockquote",
        "pre",
        "form",
        "fieldset",
        "legend",
        "option",
        "select",
        "textarea",
        "button",
        "label",
        "caption",
        "figure",
        "figcaption",
        "address",
        "html",
        "hr",
        "br",
        "tbody",
        "thead",
        "tfoot",
        "center",
        "details",
        "summary",
    ]
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0|mso-hide",
    re.I,
)
_STYLE = re.compile(r"(?:[a-zA-Z-]{1,40}\s*:\s*[#a-zA-Z0-9.%, \-]{1,60};?\s*)*")
_NAMES = re.compile(r"[A-Za-z][\w-]{0,40}(?: [A-Za-z][\w-]{0,40}){0,8}")
_LINK = re.compile(r"(?:https?|mailto|tel):", re.I)
_MARK = re.compile(rb"^\s*(?:<!doctype html|<html[\s>]|<!--.{0,2000}?-->\s*<(?:!doctype )?html)", re.I | re.S)


@dataclass(frozen=True, slots=True)
class Html:
    """Written anew from the tree, so nothing that was not read is in it."""

    name: str = "html"
    endings: tuple[str, ...] = ("html", "htm", "xhtml")

    def recognises(self, content: bytes) -> bool:
        return _MARK.match(content[:10_000].lstrip(b"\xef\xbb\xbf")) is not None

    def read(self, content: bytes, limits: Limits) -> Document:
        root, carriers = _page(content, limits)
        found = [Carrier(what, count) for what, count in sorted(carriers.items())]
        return slots.document(self.name, _groups(root), found, limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        root, _ = _page(content, limits)
        slots.apply(_groups(root), changes)
        made: bytes = (
            xmls.library()
            .tostring(root, method="html", encoding="unicode", doctype="<!DOCTYPE html>")
            .encode()
        )
        return made.replace(b"<head>", b'<head><meta charset="utf-8">', 1)


def _page(content: bytes, limits: Limits) -> tuple[Element, Counter[str]]:
    etree = xmls.library()
    text = xmls.fitting(decoded(content).text)
    text = re.sub(r"^\s*<\?xml[^>]*>", "", text)
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_pis=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        if "xcessive depth" in str(error):
            raise DocumentTooDeep from None
        raise DocumentMalformed("This is no HTML.") from None
    if root is None:
        raise DocumentMalformed("This is no HTML.")
    if xmls.depth(root) > limits.depth_max:
        raise DocumentTooDeep
    return root, _cleaned(root)


def _cleaned(root: Element) -> Counter[str]:
    carriers: Counter[str] = Counter()
    for element in list(root.iter()):
        name = local(element).lower()
        if not name:
            carriers["comments"] += 1
            xmls.removed(element)
        elif name == "meta" and element.get("charset") == "utf-8":
            xmls.removed(element)
        elif name in _GONE or (":" in name and not len(element)):
            carriers[_GONE.get(name, "metadata")] += 1
            xmls.removed(element)
        elif _is_hidden(element, name):
            carriers["hidden elements"] += 1
            xmls.removed(element)
        else:
            if "-" in name or ":" in name:
                element.tag = "span"  # a name that somebody chose
            _clean_attributes(element, carriers)
    return carriers


def _is_hidden(element: Element, name: str) -> bool:
    if name in ("html", "body"):
        return False
    hidden_field = name == "input" and (element.get("type") or "").lower() == "hidden"
    return (
        hidden_field
        or "hidden" in element.attrib
        or _HIDDEN_STYLE.search(element.get("style") or "") is not None
    )


def _clean_attributes(element: Element, carriers: Counter[str]) -> None:
    for key, value in list(element.attrib.items()):
        kept = key in _KEPT_ATTRIBUTES
        if key == "style":
            kept = _STYLE.fullmatch(value) is not None
        elif key == "href":
            kept = _LINK.match(value) is not None
        elif kept:
            kept = len(value) <= 200
        if not kept:
            carriers["attributes"] += 1
            del element.attrib[key]


def _groups(root: Element) -> list[slots.Group]:
    """A piece for each run of text between the bounds of blocks, whatever inline elements it runs over."""
    made: list[slots.Group] = []
    run: list[slots.Slot] = []

    def close() -> None:
        if any(slot.text.strip() for slot in run):
            made.append(slots.Group(f"paragraph {len(made) + 1}", list(run)))
        run.clear()

    for event, element in xmls.library().iterwalk(root, events=("start", "end")):
        if local(element) in _BLOCKS:
            close()
        tail = event == "end"
        if element.tail if tail else element.text:
            run.append(xmls.bare_slot(element, tail=tail))
    close()
    return [*made, *xmls.attributes(root, "page")]


@dataclass(frozen=True, slots=True)
class Xml:
    """XML without document types of its own: each text and telling attribute is a piece; comments and instructions go."""

    name: str = "xml"
    endings: tuple[str, ...] = ("xml", "svg", "rss", "atom", "xsd", "kml", "gpx")

    def recognises(self, content: bytes) -> bool:
        return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml")

    def read(self, content: bytes, limits: Limits) -> Document:
        root = xmls.parsed(content, limits.depth_max)
        comments = content.count(b"<!--")
        groups = [*self._groups(root), *xmls.Names().groups(root, "document")]
        return slots.document(self.name, groups, [Carrier("comments", comments)] if comments else [], limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        root = xmls.parsed(content, limits.depth_max)
        names = xmls.Names()
        slots.apply([*self._groups(root), *names.groups(root, "document")], changes)
        return names.written(root)

    def _groups(self, root: Element) -> list[slots.Group]:
        return [*_mixed(root), *xmls.attributes(root, "document")]


def _mixed(root: Element) -> list[slots.Group]:
    """A piece for each element that holds text, with all the elements within it: `Ze<b>bed</b>eux` is one word."""
    made: list[slots.Group] = []
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if not any((text or "").strip() for text in (element.text, *(child.tail for child in element))):
            waiting += reversed(element)
            continue
        run = [
            xmls.bare_slot(each, tail=event == "end")
            for event, each in xmls.library().iterwalk(element, events=("start", "end"))
            if (each.tail if event == "end" else each.text) and not (event == "end" and each is element)
        ]
        made.append(slots.Group(root.getroottree().getpath(element), run, hint=local(element)))
    return made


HTML = Html()
XML = Xml()
