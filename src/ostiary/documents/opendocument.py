"""OpenDocument (ISO/IEC 26300) texts, tables and slides. As for other office files, the package's own XML is changed, and what stays is listed: the content, the styles and the
pictures. The list of files is written anew; settings, metadata, thumbnails, macros, signatures, objects and everything else go.
"""

import io
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from ostiary.documents import nested, opendocument_cleaning, opendocument_texts, packages, pictures, xmls
from ostiary.documents.document import Change, Document, Limits, Options
from ostiary.documents.nested import Member
from ostiary.documents.pictures import Pictures
from ostiary.documents.xmls import Element, local
from ostiary.errors import DocumentEncrypted, DocumentMalformed

TREES = ("content.xml", "styles.xml")
MIMETYPE = "mimetype"
MIMETYPE_BYTES_MAX = 200
XLINK = "{http://www.w3.org/1999/xlink}href"
MANIFEST = "META-INF/manifest.xml"
_MANIFEST = '<?xml version="1.0" encoding="UTF-8"?>\n<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">{}</manifest:manifest>'
_ENTRY = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}"/>'
_LABELS = (
    ("meta.xml", "metadata"),
    ("manifest.rdf", "metadata"),
    ("settings.xml", "settings"),
    ("Thumbnails/", "thumbnails"),
    ("Basic/", "macros"),
    ("Scripts/", "macros"),
    ("Dialogs/", "macros"),
    ("META-INF/", "signatures"),
    ("Configurations", "settings"),
    ("Object", "embedded objects"),
    ("Fonts/", "embedded fonts"),
    ("layout-cache", "settings"),
)


@dataclass(slots=True)
class Package:
    """A cleaned package. images: by their new names."""

    kind: str
    trees: dict[str, Element]
    images: dict[str, bytes] = field(default_factory=dict)
    carriers: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """name: odt, ods or odp. kind: what its media type holds."""

    name: str
    endings: tuple[str, ...]
    kind: str

    def recognises(self, content: bytes) -> bool:
        return f"opendocument.{self.kind}" in _media_type(content)

    def read(self, content: bytes, limits: Limits) -> Document:
        package, images = _opened(content, limits)
        return nested.document(self.name, _members(package, images), package.carriers, limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        package, images = _opened(content, limits)
        cells = opendocument_texts.cells(package.trees["content.xml"])
        nested.apply(_members(package, images), changes, options)
        opendocument_texts.settled(cells)
        return _packed(package, images.written())


def _media_type(content: bytes) -> str:
    if not packages.is_package(content):
        return ""
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as package,
            package.open(package.getinfo(MIMETYPE)) as opened,
        ):
            return opened.read(MIMETYPE_BYTES_MAX).decode("ascii", "replace").strip()
    except (*packages.BROKEN, KeyError):
        return ""


def _opened(content: bytes, limits: Limits) -> tuple[Package, Pictures]:
    parts = packages.unpacked(content, limits)
    if b"encryption-data" in parts.get(MANIFEST, b""):
        raise DocumentEncrypted
    if "content.xml" not in parts:
        raise DocumentMalformed("It has no content.")
    trees = {name: xmls.parsed(parts[name], limits.depth_max) for name in TREES if name in parts}
    package = Package(parts[MIMETYPE].decode("ascii", "replace").strip(), trees)
    for tree in trees.values():
        xmls.standard_only(tree)
    opendocument_cleaning.clean(package.trees, package.carriers)
    shown = _shown(package, parts)
    for name, data in parts.items():
        if name in TREES or name in (MIMETYPE, MANIFEST):
            continue
        if name in shown:
            package.images[shown[name]] = data
        else:
            label = next((label for mark, label in _LABELS if mark in name), "other parts")
            package.carriers["pictures" if name.startswith("Pictures/") else label] += 1
    return package, pictures.read(package.images, package.carriers, limits)


def _shown(package: Package, parts: dict[str, bytes]) -> dict[str, str]:
    """The new names of the pictures that are shown, by their old ones; what points elsewhere points to nothing."""
    names: dict[str, str] = {}
    for tree in package.trees.values():
        for element in list(tree.iter()):
            target = element.get(XLINK)
            if target is None or local(element) == "a":
                continue
            path = posixpath.normpath(unquote(target)).lstrip("/")
            if local(element) not in ("image", "fill-image", "background-image") or path not in parts:
                package.carriers["external links"] += 1
                del element.attrib[XLINK]
                continue
            if path not in names:
                names[path] = f"Pictures/picture{len(names) + 1}.{pictures.ending(parts[path])}"
            element.set(XLINK, names[path])
    return names


def _members(package: Package, images: Pictures) -> list[Member]:
    members: list[Member] = []
    for name, tree in package.trees.items():
        place = name.removesuffix(".xml")
        members += opendocument_texts.groups(tree, place)
    return [*members, *images.inner.values()]


def _packed(package: Package, images: dict[str, bytes]) -> bytes:
    entries = [_ENTRY.format("/", package.kind if re.fullmatch(r"[\w.+/-]+", package.kind) else "")]
    entries += [_ENTRY.format(name, "text/xml") for name in package.trees]
    entries += [_ENTRY.format(name, f"image/{name.rpartition('.')[2]}") for name in images]
    parts = {MIMETYPE: package.kind.encode()}
    parts |= {name: xmls.written(tree) for name, tree in package.trees.items()}
    parts |= images | {MANIFEST: _MANIFEST.format("".join(entries)).encode()}
    return packages.packed(parts, stored=(MIMETYPE,))


ODT = OpenDocument("odt", ("odt", "ott"), "text")
ODS = OpenDocument("ods", ("ods", "ots"), "spreadsheet")
ODP = OpenDocument("odp", ("odp", "otp"), "presentation")
