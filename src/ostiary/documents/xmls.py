"""XML without its traps: no entities, no network, bounded depth. And the pieces that lie in a tree: paragraphs over their runs, every other text, every telling attribute."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ostiary.documents.document import Kind
from ostiary.documents.slots import Group, Slot, gap
from ostiary.errors import DocumentLibraryMissing, DocumentMalformed, DocumentTooDeep

Element = Any
"""An lxml element: the library has no types of its own."""

_TECHNICAL = re.compile(
    r"[\d.,+%\- ]{0,14}|[0-9A-Fa-f]{1,8}|\{[0-9A-Fa-f-]{36}\}|[A-Za-z]{1,3}|"
    r"(?:https?://(?:schemas\.(?:openxmlformats|microsoft)\.(?:org|com)|www\.w3\.org|purl\.(?:oclc\.)?org)/|urn:(?:schemas-microsoft-com|oasis):)[A-Za-z0-9/.:_+#\-]*"
)
"""Attributes that are measures, colours, ids of programs and names of standards."""
_STANDARD = re.compile(
    r"https?://(?:schemas\.(?:openxmlformats|microsoft)\.(?:org|com)|www\.w3\.org|purl\.(?:oclc\.)?org|docs\.oasis-open\.org|openoffice\.org)/[A-Za-z0-9/.:_+#\-]*|"
    r"urn:(?:schemas-microsoft-com|oasis|org:documentfoundation):[A-Za-z0-9/.:_+#\-]*"
)
"""Namespaces of office documents."""
_PLAIN_TYPE = re.compile(
    rb"""\A(\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!--).)*-->\s*)*)<!DOCTYPE\s+[\w:.-]+(?:\s+(?:PUBLIC\s+(?:"[^"\[]*"|'[^'\[]*')|SYSTEM)\s+(?:"[^"\[]*"|'[^'\[]*'))?\s*>""",
    re.S,
)
"""A document type that is but a name, with nothing of its own: it goes."""
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Letters that XML 1.0 (2.2) does not have, and HTML's parser lets in."""
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.I)


def library(name: str = "lxml.etree") -> Any:
    """lxml. DocumentLibraryMissing where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        raise DocumentLibraryMissing from None


def parsed(data: bytes, depth_max: int) -> Element:
    """The root. DocumentMalformed, also for a DOCTYPE that declares anything; DocumentTooDeep."""
    etree = library()
    data = _PLAIN_TYPE.sub(rb"\1", data, count=1)
    head = data.replace(b"\0", b"")
    if _DOCTYPE.search(head):
        raise DocumentMalformed("It declares a document type or entities.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if "xcessive depth" in str(error):
            raise DocumentTooDeep from None
        raise DocumentMalformed("A part of it is not well-formed XML.") from None
    if depth(root) > depth_max:
        raise DocumentTooDeep
    return root


def depth(root: Element) -> int:
    deepest = depth = 0
    for event, _ in library().iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def written(root: Element) -> bytes:
    made: bytes = library().tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return made


def local(element: Element) -> str:
    """The name without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def standard_only(root: Element) -> None:
    """Take out of a part of an office document what belongs to no namespace of the standards, and the declarations of it: they are text that nobody reads."""
    foreign = {prefix for prefix, uri in root.nsmap.items() if not _STANDARD.fullmatch(uri)}
    for element in list(root.iter()):
        foreign |= {prefix for prefix, uri in element.nsmap.items() if not _STANDARD.fullmatch(uri)}
        if element is not root and not _is_standard(element.tag):
            removed(element)
            continue
        for key in [key for key in element.attrib if not _is_standard(key)]:
            del element.attrib[key]
    if not foreign:
        return
    for element in list(root.iter()):
        for key in ("Requires", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Ignorable"):
            named = (element.get(key) or "").split()
            if not foreign & set(named):
                continue
            if key == "Requires":
                removed(element)
            else:
                element.set(key, " ".join(each for each in named if each not in foreign))
    kept = [prefix for prefix, uri in root.nsmap.items() if prefix and _STANDARD.fullmatch(uri)]
    library().cleanup_namespaces(root, keep_ns_prefixes=kept)


def _is_standard(name: object) -> bool:
    return (
        not isinstance(name, str)
        or name[:1] != "{"
        or _STANDARD.fullmatch(name[1 : name.index("}")]) is not None
    )


@dataclass(slots=True)
class Names:
    """The names in a tree that somebody chose: of elements, of attributes, and its namespaces. new: what they become."""

    new: dict[str, str] = field(default_factory=dict)

    def groups(self, root: Element, place: str) -> Iterator[Group]:
        chosen: dict[str, None] = {}
        for element in root.iter():
            for uri in element.nsmap.values():
                if not is_technical(uri):
                    chosen[uri] = None
            for each in (element.tag, *element.attrib):
                chosen[each.rpartition("}")[2]] = None
        for each in chosen:
            yield Group(
                f"{place}, name", [Slot(each, partial(self.new.__setitem__, each))], Kind.HIDDEN, prose=False
            )

    def written(self, root: Element) -> bytes:
        """The tree with its new names."""
        if not self.new:
            return written(root)
        for element in root.iter():
            element.tag = self._named(element.tag)
            for key, value in list(element.attrib.items()):
                if (name := self._named(key)) != key:
                    del element.attrib[key]
                    element.set(name, value)
        made = written(root)
        for uri, new in self.new.items():
            for old in {escape(uri, {'"': "&quot;"}), uri}:
                made = re.sub(
                    rb'(xmlns(?::[^=\s"]+)?=)"%b"' % re.escape(old.encode()),
                    lambda found, new=new: (
                        found[1] + quoteattr(re.sub(r"[^\w.:-]", "", new) or "urn:x").encode()
                    ),  # type: ignore[misc]
                    made,
                )
        return made

    def _named(self, name: str) -> str:
        space, mark, plain = name.rpartition("}")
        if plain not in self.new:
            return name
        return f"{space}{mark}_{re.sub(r'[^A-Za-z0-9_.-]', '', self.new[plain])}"


def removed(element: Element) -> None:
    """Take an element out; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    _append(parent, element, element.tail)
    parent.remove(element)


def unwrapped(element: Element) -> None:
    """Put an element's children in its place."""
    parent = element.getparent()
    if parent is None:
        return
    at = parent.index(element)
    _append(parent, element, element.text)
    for child in list(element):
        parent.insert(at, child)
        at += 1
    removed(element)


def _append(parent: Element, before: Element, text: str | None) -> None:
    if not text:
        return
    previous = before.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def text_slot(element: Element) -> Slot:
    def put(new: str) -> None:
        element.text = _UNFIT.sub("", new)
        element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")

    return Slot(element.text or "", put)


def bare_slot(element: Element, *, tail: bool) -> Slot:
    """An element's text, or what follows it."""

    def put(new: str) -> None:
        setattr(element, "tail" if tail else "text", _UNFIT.sub("", new))

    return Slot((element.tail if tail else element.text) or "", put)


def paragraphs(
    root: Element, place: str, names: Iterable[str], texts: Iterable[str], gaps: Iterable[str]
) -> Iterator[Group]:
    """A group for each paragraph: its texts in order, those of paragraphs within it (text boxes) left to them."""
    paragraph, text, between = set(names), set(texts), set(gaps)
    number = 0
    for element in root.iter():
        if local(element) in paragraph:
            number += 1
            slots = list(_slots(element, paragraph, text, between))
            if any(slot.text.strip() for slot in slots):
                yield Group(f"{place}, paragraph {number}", slots)


def _slots(element: Element, paragraph: set[str], text: set[str], between: set[str]) -> Iterator[Slot]:
    for child in element:
        name = local(child)
        if name in paragraph:
            continue
        if name in text:
            yield text_slot(child)
        elif name in between:
            yield gap("\t" if name == "tab" else "\n")
        else:
            yield from _slots(child, paragraph, text, between)


def other_texts(root: Element, place: str, seen: Iterable[str]) -> Iterator[Group]:
    """Every text that is in no paragraph."""
    texts = set(seen)
    for element in root.iter():
        if local(element) not in texts and (element.text or "").strip():
            yield Group(place, [bare_slot(element, tail=False)], Kind.HIDDEN)
        if (element.tail or "").strip():
            yield Group(place, [bare_slot(element, tail=True)], Kind.HIDDEN)


def fitting(text: str) -> str:
    """The text without letters that no XML has."""
    return _UNFIT.sub("", text)


def is_technical(value: str) -> bool:
    """Whether an attribute's value can be nothing but a measure, a colour, an id of a program or the name of a standard."""
    return _TECHNICAL.fullmatch(value) is not None


def attributes(root: Element, place: str, without: tuple[str, str] = ("", "")) -> Iterator[Group]:
    """Every attribute that could tell something; equal ones are one piece. without: (element, attribute) that is a piece elsewhere."""
    by_value: dict[str, list[tuple[Element, str]]] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            if not _TECHNICAL.fullmatch(value) and (local(element), name) != without:
                by_value.setdefault(value, []).append((element, name))
    for value, holders in by_value.items():

        def put(new: str, holders: list[tuple[Element, str]] = holders) -> None:
            for element, name in holders:
                element.set(name, _UNFIT.sub("", new))

        yield Group(f"{place}, attribute", [Slot(value, put)], Kind.HIDDEN, prose=False)
