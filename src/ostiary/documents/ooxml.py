"""Office Open XML (ECMA-376): what Word, Excel and PowerPoint write. The package's own XML is changed; no library that reads documents stands between.

Parts are kept by a list of content types, everything else goes with whatever points to it: comments, persons, custom XML, properties, thumbnails, macros, embedded objects, printer
settings, pivot caches, connections, external links, and whatever somebody invents next. Pictures are read as pictures are; those that cannot be become empty ones of the same place and size.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from ostiary.documents import nested, packages, pictures, slots, xmls
from ostiary.documents.document import Change, Document, Kind, Limits, Options
from ostiary.documents.xmls import Element, local
from ostiary.errors import DocumentMalformed

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
TYPES = "[Content_Types].xml"
KEPT = re.compile(
    r".*(?:wordprocessingml\.(?:document|template|styles|settings|numbering|fontTable|footnotes|endnotes|header|footer)"
    r"|ms-word\.(?:document|template)\.macroEnabled|ms-excel\.(?:sheet|template)\.macroEnabled|ms-powerpoint\.(?:presentation|slideshow|template)\.macroEnabled"
    r"|spreadsheetml\.(?:sheet|template|worksheet|chartsheet|sharedStrings|styles)"
    r"|presentationml\.(?:presentation|slideshow|template|slide|slideLayout|slideMaster|tableStyles)"
    r"|officedocument\.theme|drawingml\.(?:chart|chartshapes|diagramData|diagramLayout|diagramStyle|diagramColors)|officedocument\.drawing)"
    r"(?:\.main)?\+xml",
    re.I,
)
_LABELS = (
    ("omment", "comments"),
    ("person", "comments"),
    ("vba", "macros"),
    ("macro", "macros"),
    ("custom", "custom data"),
    ("core", "metadata"),
    ("properties", "metadata"),
    ("thumbnail", "thumbnails"),
    ("printer", "printer settings"),
    ("pivot", "pivot caches"),
    ("xternal", "external links"),
    ("onnection", "connections"),
    ("notes", "notes"),
    ("embed", "embedded objects"),
    ("ole", "embedded objects"),
    ("package", "embedded objects"),
    ("font", "embedded fonts"),
)
_HIDDEN_NAMES = frozenset({"descr", "title", "alt", "tooltip", "href", "docLocation", "tgtFrame", "history"})
"""Alternative texts, tooltips and targets."""
_NAMELESS = frozenset({"docPr", "cNvPr"})
_EMPTY = frozenset({"custShowLst", "extLst", "custDataLst", "tags"})


@dataclass(slots=True)
class Package:
    """A cleaned package. trees: its parts that are XML; images: its pictures, as they were given, by their new names."""

    trees: dict[str, Element]
    images: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    carriers: Counter[str] = field(default_factory=Counter)

    def of_type(self, what: str) -> list[str]:
        return [name for name in self.trees if what in self.types.get(name, "")]

    def targets(self, part: str) -> dict[str, str]:
        """The parts that a part points to, by the relation's id."""
        relations = self.trees.get(_relations_of(part))
        if relations is None:
            return {}
        return {
            each.get("Id"): _target(part, each.get("Target"))
            for each in relations
            if each.get("TargetMode") != "External"
        }

    def drop(self, part: str, label: str) -> None:
        """Take a part out, and its relations with it. `tidied` takes out what pointed to it."""
        self.carriers[label] += 1
        for name in (part, _relations_of(part)):
            self.trees.pop(name, None)


def paragraph_groups(
    package: Package, *, folder: str, texts: Sequence[str], gaps: Sequence[str]
) -> list[slots.Group]:
    """The paragraphs of every part, in the part's order, then what text stands in none. texts, gaps: local names of what holds text, and of what parts words."""
    made: list[slots.Group] = []
    for name, tree in package.trees.items():
        if name.endswith(".rels") or name.startswith("["):
            continue
        place = name.removeprefix(folder).removesuffix(".xml")
        made += xmls.paragraphs(tree, place, ("p", "pt"), texts, gaps)
        made += xmls.other_texts(tree, place, texts)
    return made


@dataclass(frozen=True, slots=True)
class Ooxml:
    """name: docx, xlsx or pptx. main: what the content type of the main part holds. clean: takes out what this format hides; groups: its pieces."""

    name: str
    endings: tuple[str, ...]
    folder: str
    clean: Callable[[Package], None]
    groups: Callable[[Package], list[slots.Group]]

    def recognises(self, content: bytes) -> bool:
        if not packages.is_package(content):
            return False
        names = packages.names(content)
        return TYPES in names and any(name.startswith(self.folder) for name in names)

    def read(self, content: bytes, limits: Limits) -> Document:
        package = self._opened(content, limits)
        images = pictures.read(package.images, package.carriers, limits)
        members: list[nested.Member] = [*self._groups(package), *images.inner.values()]
        return nested.document(self.name, members, package.carriers, limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        package = self._opened(content, limits)
        images = pictures.read(package.images, package.carriers, limits)
        nested.apply([*self._groups(package), *images.inner.values()], changes, options)
        parts = {name: xmls.written(tree) for name, tree in package.trees.items()}
        return packages.packed({**parts, **images.written()})

    def _opened(self, content: bytes, limits: Limits) -> Package:
        package = opened(content, limits)
        self.clean(package)
        tidied(package)
        return package

    def _groups(self, package: Package) -> list[slots.Group]:
        groups = self.groups(package)
        for name, tree in package.trees.items():
            if name == TYPES:
                continue
            if name.endswith(".rels"):
                groups += _links(tree, name)
            else:
                groups += xmls.attributes(tree, name, ("sheet", "name"))
        return groups


def opened(content: bytes, limits: Limits) -> Package:
    """The parts that are kept. DocumentMalformed where it is no such package."""
    parts = packages.unpacked(content, limits)
    if TYPES not in parts:
        raise DocumentMalformed("It says nothing of the types of its parts.")
    listed = xmls.parsed(parts[TYPES], limits.depth_max)
    package = Package({TYPES: listed})
    defaults = {
        each.get("Extension", "").lower(): each.get("ContentType", "")
        for each in listed
        if local(each) == "Default"
    }
    own = {
        each.get("PartName", "").lstrip("/"): each.get("ContentType", "")
        for each in listed
        if local(each) == "Override"
    }
    renamed: dict[str, str] = {}
    for name, data in parts.items():
        kind = own.get(name) or defaults.get(name.rpartition(".")[2].lower(), "")
        if name == TYPES:
            continue
        if name.endswith(".rels"):
            package.trees[name] = xmls.parsed(data, limits.depth_max)
        elif KEPT.fullmatch(kind):
            package.trees[name], package.types[name] = xmls.parsed(data, limits.depth_max), kind
        elif kind.startswith("image/"):
            renamed[name] = f"{posixpath.dirname(name)}/picture{len(renamed) + 1}.{pictures.ending(data)}"
            package.images[renamed[name]] = data
        else:
            package.carriers[_label(name, kind)] += 1
    for tree in package.trees.values():
        xmls.standard_only(tree)
    _rename(package, renamed)
    return package


def tidied(package: Package) -> None:
    """Take out what points to nothing any more, attributes that nobody sees, and the types of parts that are gone."""
    for name in [each for each in package.trees if each.endswith(".rels")]:
        part = _part_of(name)
        if part and part not in package.trees:
            del package.trees[name]
            continue
        _tidy_relations(package, name, part)
    for name, tree in package.trees.items():
        if name == TYPES:
            _tidy_types(package, tree)
        elif not name.endswith(".rels"):
            _tidy_part(package, name, tree)
    shown = {target for name in package.trees for target in package.targets(name).values()}
    for name in [each for each in package.images if each not in shown]:
        package.carriers["pictures"] += 1
        del package.images[name]


def _tidy_relations(package: Package, name: str, part: str) -> None:
    relations = package.trees[name]
    for each in list(relations):
        if each.get("TargetMode") == "External":
            if not (each.get("Type") or "").endswith("/hyperlink"):
                package.carriers["external links"] += 1
                relations.remove(each)
        else:
            target = _target(part, each.get("Target"))
            if not part and package.images.pop(target, None) is not None:
                package.carriers["thumbnails"] += 1
            if target not in package.trees and target not in package.images:
                relations.remove(each)


def _tidy_part(package: Package, name: str, tree: Element) -> None:
    relations = package.trees.get(_relations_of(name))
    ids = set() if relations is None else {each.get("Id") for each in relations}
    for element in list(tree.iter()):
        for key in list(element.attrib):
            plain = key.rpartition("}")[2]
            if key.startswith((RELATION, STRICT_RELATION)):
                if element.get(key) and element.get(key) not in ids:
                    _unlink(element, key)
            elif plain in _HIDDEN_NAMES and local(element) not in ("style", "sheet"):
                if element.get(key):
                    package.carriers["alternative texts"] += 1
                del element.attrib[key]
            elif plain == "name" and local(element) in _NAMELESS:
                element.set(key, "")
        if local(element) in _EMPTY:
            xmls.removed(element)


def _unlink(element: Element, key: str) -> None:
    """Remove what lives by a relation that is gone: the whole frame of an embedded object; of a picture or link only the attribute."""
    if local(element) in ("oleObj", "contentPart"):
        frame = next(
            (each for each in element.iterancestors() if local(each) in ("graphicFrame", "AlternateContent")),
            element,
        )
        xmls.removed(frame)
    elif local(element) in ("hyperlink", "blip", "hlinkClick", "hlinkHover", "imagedata", "fill"):
        del element.attrib[key]
        if local(element).startswith("hlink"):
            xmls.removed(element)
    else:
        xmls.removed(element)


def _tidy_types(package: Package, tree: Element) -> None:
    for each in list(tree):
        if local(each) == "Override":
            if each.get("PartName", "").lstrip("/") not in package.trees:
                tree.remove(each)
        elif each.get("Extension", "").lower() not in ("rels", "xml"):
            tree.remove(each)
    for ending in sorted({name.rpartition(".")[2] for name in package.images}):
        said = {"Extension": ending, "ContentType": f"image/{ending}"}
        tree.insert(0, tree.makeelement(tree.tag.replace("Types", "Default"), said))


def _rename(package: Package, renamed: dict[str, str]) -> None:
    for name, tree in package.trees.items():
        if name.endswith(".rels"):
            for each in tree:
                target = _target(_part_of(name), each.get("Target"))
                if each.get("TargetMode") != "External" and target in renamed:
                    each.set("Target", "/" + renamed[target])


def _links(tree: Element, name: str) -> list[slots.Group]:
    """The targets of links, which are pieces: an address is found in them, and written so that it stays one."""
    groups = []
    for each in tree:
        if each.get("TargetMode") == "External":

            def put(new: str, relation: Element = each) -> None:
                relation.set("Target", quote(new, safe=":/?#@!$&'()*+,;=~%-._"))

            groups.append(
                slots.Group(
                    f"{name}, link",
                    [slots.Slot(unquote(each.get("Target") or ""), put)],
                    Kind.HIDDEN,
                    prose=False,
                )
            )
    return groups


def _label(name: str, kind: str) -> str:
    for mark, label in _LABELS:
        if mark in kind or mark in name:
            return label
    return "other parts"


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _part_of(relations: str) -> str:
    folder, name = posixpath.split(relations)
    return posixpath.join(posixpath.dirname(folder), name.removesuffix(".rels"))


def _target(part: str, target: str | None) -> str:
    path = unquote(target or "")
    if path.startswith("/"):
        return path.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), path))
