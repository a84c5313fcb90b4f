"""How the strings of a PDF fall into codes, and how far each code moves on (ISO 32000-1, 9.2-9.7). It is all that is needed to know where each glyph stands."""

import re
from collections.abc import Iterator, Mapping
from ctypes import byref, c_float
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ostiary.documents.libraries import library
from ostiary.documents.pdf_objects import is_array, is_stream
from ostiary.errors import DocumentNotRedactable

_RANGE = re.compile(rb"begincodespacerange(.*?)endcodespacerange", re.S)
_PAIR = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_TWO_BYTES = re.compile(r"^/(Identity|.*UCS2|.*UTF16)-[HV]$")
_WIDTHS_MAX = 65_536
STANDARD = (
    ("cour", "Courier"),
    ("times", "Times-Roman"),
    ("georgia", "Times-Roman"),
    ("serif", "Times-Roman"),
)


@dataclass(slots=True)
class Font:
    """widths: by code, in the units of text space (1 is the size of the font). used: the codes that stay on some page."""

    widths: Mapping[int, float]
    default: float
    lengths: tuple[tuple[int, int, int], ...] = ()
    """(bytes, first, last) of the codes of a composite font; none: one byte each."""
    vertical: bool = False
    used: set[int] = field(default_factory=set)

    def codes(self, text: bytes) -> Iterator[tuple[bytes, int, float]]:
        """(its bytes, the code, its advance) of each code."""
        at = 0
        while at < len(text):
            length = self._length(text, at)
            part = text[at : at + length]
            code = int.from_bytes(part)
            yield part, code, self.widths.get(code, self.default)
            at += length

    def _length(self, text: bytes, at: int) -> int:
        for length, first, last in self.lengths:
            if first <= int.from_bytes(text[at : at + length]) <= last and at + length <= len(text):
                return length
        return self.lengths[0][0] if self.lengths else 1


def font_of(given: Any) -> Font:
    """A font from its dictionary. DocumentNotRedactable where its strings cannot be cut into codes."""
    if given is None:
        return Font({}, 0.5)
    if str(given.get("/Subtype")) == "/Type0":
        return _composite(given)
    scale = 0.001
    if str(given.get("/Subtype")) == "/Type3":
        scale = abs(float(given.get("/FontMatrix", [0.001])[0]))
    first, widths = int(given.get("/FirstChar", 0)), given.get("/Widths")
    if widths is None:
        return Font(standard_widths(str(given.get("/BaseFont", ""))), 0.5)
    missing = given.get("/FontDescriptor", {}).get("/MissingWidth", 0)
    return Font(
        {first + n: float(width) * scale for n, width in enumerate(list(widths)[:_WIDTHS_MAX])},
        float(missing) * scale,
    )


def _composite(given: Any) -> Font:
    encoding, descendant = given.get("/Encoding"), given.get("/DescendantFonts")[0]
    name = str(encoding) if not is_stream(encoding) else str(encoding.get("/CMapName", "/Own-H"))
    lengths: tuple[tuple[int, int, int], ...] = ((2, 0, 0xFFFF),)
    if is_stream(encoding):
        pairs = [pair for part in _RANGE.findall(encoding.read_bytes()) for pair in _PAIR.findall(part)]
        lengths = (
            tuple(sorted((len(low) // 2, int(low, 16), int(high, 16)) for low, high in pairs)) or lengths
        )
    elif not _TWO_BYTES.match(name):
        raise DocumentNotRedactable
    if name.endswith("-V"):
        return Font({}, float(list(descendant.get("/DW2", [880, -1000]))[1]) / 1000, lengths, vertical=True)
    return Font(
        dict(_composite_widths(list(descendant.get("/W", [])))),
        float(descendant.get("/DW", 1000)) / 1000,
        lengths,
    )


def _composite_widths(given: list[Any]) -> Iterator[tuple[int, float]]:
    at = 0
    while at + 1 < len(given):
        first, second = int(given[at]), given[at + 1]
        if is_array(second):
            yield from ((first + n, float(width) / 1000) for n, width in enumerate(second))
            at += 2
        elif at + 2 < len(given):
            last = min(int(second), first + _WIDTHS_MAX)
            yield from ((code, float(given[at + 2]) / 1000) for code in range(first, last + 1))
            at += 3
        else:
            return


@lru_cache(maxsize=32)
def standard_widths(name: str) -> dict[int, float]:
    """The widths of one of the fourteen fonts that every reader has, or of the one that it is replaced by. PDFium knows them."""
    lower = name.lower()
    known = next((standard for part, standard in STANDARD if part in lower), "Helvetica")
    bold, italic = "bold" in lower, "italic" in lower or "oblique" in lower
    slanted = "Italic" if known.startswith("Times") else "Oblique"
    style = ("Bold" if bold else "") + (slanted if italic else "")
    known = known.replace("-Roman", "") + f"-{style}" if style else known
    pdfium, raw = library("pypdfium2"), library("pypdfium2.raw")
    blank = pdfium.PdfDocument.new()
    try:
        font, width = raw.FPDFText_LoadStandardFont(blank.raw, known.encode()), c_float()
        widths = {}
        for code in range(256):
            if raw.FPDFFont_GetGlyphWidth(font, code, 1000.0, byref(width)):
                widths[code] = width.value / 1000
        raw.FPDFFont_Close(font)
        return widths
    finally:
        blank.close()
