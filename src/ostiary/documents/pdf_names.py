"""What programs and people write into a PDF beside its text: names of resources, colours and glyphs, boxes of JPEG 2000, texts of colour profiles. A reader sees none of it, so none stays."""

import re
from collections.abc import Iterator
from typing import Any

from ostiary.documents.libraries import library
from ostiary.documents.pdf_objects import is_array, is_dictionary, is_stream

_KINDS = {"Tf": "/Font", "gs": "/ExtGState", "cs": "/ColorSpace", "CS": "/ColorSpace", "scn": "/Pattern", "SCN": "/Pattern", "sh": "/Shading"}  # fmt: skip
_SAYS_NOTHING = re.compile(r"/[A-Za-z]{0,4}[\d_.-]{0,8}")
_COLOURS = frozenset({"/All", "/None", "/Cyan", "/Magenta", "/Yellow", "/Black"})
_DEVICE = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK"}
_FAMILIES = re.compile(
    r"arial|helv|times|cour|calibri|cambria|candara|corbel|constantia|consol|verdana|georgia|tahoma|trebuc|garamond|palatin|bookman|schoolbook|century|futura|univers|frutiger|myriad|minion|"
    r"symbol|dingbat|ding|comic|impact|lucida|segoe|aptos|dejavu|vera|liberation|carlito|caladea|nimbus|noto|roboto|ubuntu|lato|inter|open.?sans|source|computer|cm[a-z]{1,3}\d|lm[a-z]+\d|sfrm|latin.?modern|stix|"
    r"sans|serif|mono|gothic|mincho|ming|song|hei|kai|batang|dotum|gulim|malgun|meiryo|font|label|layer|^/[A-Z]?\d*$",
    re.I,
)
_DEEP_MAX = 16
_BOXES = frozenset({b"jP  ", b"ftyp", b"jp2h", b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef", b"jp2c"})
"""Of JPEG 2000 (ITU-T T.800, annex I): what is needed to paint it."""
_NUMBERS = frozenset({b"XYZ ", b"curv", b"para", b"sf32", b"mft1", b"mft2", b"mAB ", b"mBA "})
"""Types of what a colour profile (ICC.1) says in numbers."""
_ICC_HEAD = 128
_ICC_TAGS_MAX = 200
_INLINE_KEYS = frozenset({"/W", "/H", "/BPC", "/CS", "/F", "/DP", "/D", "/IM", "/I", "/Width", "/Height", "/BitsPerComponent", "/ColorSpace", "/Filter", "/DecodeParms", "/Decode", "/ImageMask", "/Interpolate", "/L", "/Length"})  # fmt: skip


class Renamed:
    """The resources of one content stream, with numbers for names that say anything."""

    def __init__(self, resources: Any) -> None:
        self._names: dict[tuple[str, str], Any] = {}
        pikepdf = library("pikepdf")
        for kind in sorted(set(_KINDS.values())):
            given = resources.get(kind)
            if not is_dictionary(given) or all(_SAYS_NOTHING.fullmatch(key) for key in given.keys()):  # noqa: SIM118 - an object of pikepdf is no mapping
                continue
            new: dict[str, Any] = {}
            for number, key in enumerate(sorted(given.keys())):
                plain = _SAYS_NOTHING.fullmatch(key) is not None
                name = key if plain else f"/Own{number}"
                while not plain and name in given:
                    name += "0"
                new[name] = given[key]
                self._names[kind, key] = pikepdf.Name(name)
            resources[kind] = pikepdf.Dictionary(new)

    def operands(self, operator: str, given: list[Any]) -> list[Any]:
        """What an operator is given, with the new names."""
        kind = _KINDS.get(operator)
        if kind is None or not self._names or not given:
            return given
        at = 0 if operator == "Tf" else len(given) - 1
        if not isinstance(given[at], library("pikepdf").Name):
            return given
        return [*given[:at], self._names.get((kind, str(given[at])), given[at]), *given[at + 1 :]]

    def keeps(self, inline: Any) -> bool:
        """Whether a picture within the content says nothing but what it is."""
        try:
            keys = {str(key) for key in inline.obj.keys()}  # noqa: SIM118 - an object of pikepdf is no mapping
        except AttributeError:
            return True
        return keys <= _INLINE_KEYS


def silenced(opened: Any) -> None:
    """Take it out of every object of the file."""
    for node in list(opened.objects):
        _colours(node, 0)
        if is_stream(node):
            _quiet_stream(node)
        if is_dictionary(node) and str(node.get("/Subtype", "")) == "/Type3":
            _glyphs(node)
        if is_dictionary(node) and str(node.get("/Type", "")) == "/Font" and "/CIDSystemInfo" not in node:
            _font_name(node)


def _quiet_stream(node: Any) -> None:
    pikepdf = library("pikepdf")
    kind = str(node.get("/Filter", ""))
    if str(node.get("/Subtype", "")) == "/Image" and kind == "/JPXDecode":
        node.write(b"".join(_boxes(node.read_raw_bytes(), 0)), filter=pikepdf.Name("/JPXDecode"))
    elif "/N" in node and "/Type" not in node and "/FunctionType" not in node:
        try:
            data = node.read_bytes()
        except pikepdf.PdfError:
            return
        if data[36:40] == b"acsp":
            node.write(quiet_profile(data))


def _colours(node: Any, deep: int) -> None:
    """Spot colours have names; how they are painted stands beside them."""
    pikepdf = library("pikepdf")
    if deep > _DEEP_MAX:
        return
    if is_array(node):
        kind = str(node[0]) if len(node) > 1 and isinstance(node[0], pikepdf.Name) else ""
        if kind == "/Separation" and str(node[1]) not in _COLOURS:
            node[1] = pikepdf.Name("/Spot")
        elif kind == "/ICCBased" and is_stream(node[1]) and not _is_profile(node[1]):
            count = int(node[1].get("/N", 3))
            node[0] = pikepdf.Name(_DEVICE.get(count, "/DeviceRGB"))
            del node[1]
        elif kind == "/DeviceN" and is_array(node[1]):
            for at, name in enumerate(list(node[1])):
                if str(name) not in _COLOURS:
                    node[1][at] = pikepdf.Name(f"/Spot{at}")
            while len(node) > 4:
                del node[len(node) - 1]
        within = list(node)
    elif is_dictionary(node) or is_stream(node):
        within = [node[key] for key in node.keys()]  # noqa: SIM118 - as above
    else:
        return
    for each in within:
        if not getattr(each, "is_indirect", False):
            _colours(each, deep + 1)


def _is_profile(stream: Any) -> bool:
    try:
        data = stream.read_bytes()
    except library("pikepdf").PdfError:
        return False
    return bool(data[36:40] == b"acsp")


def _font_name(font: Any) -> None:
    """A name that is none of a known family: an embedded font needs none, and another one is replaced by what readers replace it by."""
    pikepdf = library("pikepdf")
    below = font["/DescendantFonts"][0] if is_array(font.get("/DescendantFonts")) else font
    about = below.get("/FontDescriptor", {})
    name = str(font.get("/BaseFont", ""))
    if not name or _FAMILIES.search(name):
        return
    embedded = any(key in about for key in ("/FontFile", "/FontFile2", "/FontFile3"))
    if not embedded and below is not font:
        return
    new = pikepdf.Name("/AAAAAA+Font" if embedded else "/Helvetica")
    for owner, key in ((font, "/BaseFont"), (below, "/BaseFont"), (about, "/FontName")):
        if key in owner:
            owner[key] = new


def _glyphs(font: Any) -> None:
    """The glyphs of a font that is drawn by procedures get numbers for names."""
    pikepdf = library("pikepdf")
    drawn, encoding = font.get("/CharProcs"), font.get("/Encoding")
    if not is_dictionary(drawn) or not is_dictionary(encoding):
        return
    names = {key: pikepdf.Name(f"/g{number}") for number, key in enumerate(sorted(drawn.keys()))}
    font["/CharProcs"] = pikepdf.Dictionary({str(names[key]): drawn[key] for key in names})
    known = encoding.get("/Differences", [])
    given = [
        names.get(str(each), pikepdf.Name("/g")) if isinstance(each, pikepdf.Name) else each for each in known
    ]
    font["/Encoding"] = pikepdf.Dictionary(Type=pikepdf.Name("/Encoding"), Differences=pikepdf.Array(given))


def shown_only(font: Any, used: set[int]) -> None:
    """Names and widths of glyphs that no page shows any more go: where a writer numbers letters as they come, they spell what was removed."""
    pikepdf = library("pikepdf")
    encoding = font.get("/Encoding")
    if is_dictionary(encoding) and is_array(encoding.get("/Differences")):
        kept: list[Any] = []
        for code, name in _differences(list(encoding["/Differences"])):
            if code in used:
                kept += [code, name]
        made = {key: encoding[key] for key in encoding.keys() if key != "/Differences"}  # noqa: SIM118 - as above
        font["/Encoding"] = pikepdf.Dictionary({**made, "/Differences": pikepdf.Array(kept)})
    if str(encoding) in ("/Identity-H", "/Identity-V") and is_array(font.get("/DescendantFonts")):
        below = font["/DescendantFonts"][0]
        for key in ("/CIDSet", "/CharSet", "/Style"):
            if key in below.get("/FontDescriptor", {}):
                del below["/FontDescriptor"][key]


def _differences(given: list[Any]) -> Iterator[tuple[int, Any]]:
    code = 0
    for each in given:
        if isinstance(each, library("pikepdf").Name):
            yield code, each
            code += 1
        else:
            code = int(each)


def _boxes(data: bytes, at: int) -> Iterator[bytes]:
    """The boxes of a JPEG 2000 that paint; a bare code stream is one."""
    if data.startswith(b"\xff\x4f"):
        end = data.rfind(b"\xff\xd9")
        yield data[: end + 2] if end > 0 else data
        return
    while at + 8 <= len(data):
        size, kind, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        end = len(data) if size == 0 else at + size
        if end <= at + head - 1:
            return
        body = data[at + head : end]
        if kind == b"jp2h":
            body = b"".join(_boxes(body, 0))
        elif kind == b"jp2c":
            last = body.rfind(b"\xff\xd9")
            body = body[: last + 2] if last > 0 else body
        if kind in _BOXES:
            yield (len(body) + 8).to_bytes(4) + kind + body
        at = end


def quiet_profile(data: bytes) -> bytes:
    """A colour profile (ICC.1) with its numbers and none of its texts, and no bytes between them."""
    count = min(int.from_bytes(data[_ICC_HEAD : _ICC_HEAD + 4]), _ICC_TAGS_MAX)
    tags: list[tuple[bytes, bytes]] = [(b"desc", _TEXT), (b"cprt", _TEXT)]
    for number in range(count):
        place = _ICC_HEAD + 4 + number * 12
        name, begin, size = (
            data[place : place + 4],
            *(int.from_bytes(data[place + n : place + n + 4]) for n in (4, 8)),
        )
        body = data[begin : begin + size]
        if len(name) == 4 and len(body) == size and body[:4] in _NUMBERS:
            tags.append((name, body))
    table, bodies = b"", b""
    begin = _ICC_HEAD + 4 + len(tags) * 12
    for name, body in tags:
        table += name + (begin + len(bodies)).to_bytes(4) + len(body).to_bytes(4)
        bodies += body + bytes(-len(body) % 4)
    rest = data[4:_ICC_HEAD][:40] + bytes(4) + data[48:80] + bytes(48)
    made = len(tags).to_bytes(4) + table + bodies
    return (_ICC_HEAD + len(made)).to_bytes(4) + rest[: _ICC_HEAD - 4] + made


_TEXT = b"mluc" + bytes(4) + (0).to_bytes(4) + (12).to_bytes(4)
"""A text that says nothing."""
