"""PDF: read with positions, redacted in its content streams, and written from scratch.

Of what the file has besides its pages' content nothing stays: no annotations, forms, metadata, bookmarks, attachments, structure, layers, scripts, thumbnails, names or old
revisions. A page keeps the keys of PAGE_KEPT, the catalogue only its pages. Fonts keep the widths and the letters (ToUnicode) of the codes that are still shown.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import cos, sin
from typing import Any

from ostiary.documents import pdf_marking, pdf_reading, pdf_strict
from ostiary.documents.document import Change, Document, Limits, Options
from ostiary.documents.libraries import library
from ostiary.documents.pdf_content import Areas, Rewriter, State, Work, form_like
from ostiary.documents.pdf_fonts import Font
from ostiary.documents.pdf_marking import Label, Marks
from ostiary.documents.pdf_names import shown_only, silenced
from ostiary.documents.pdf_objects import is_dictionary, is_stream
from ostiary.documents.pdf_pictures import without_segments
from ostiary.errors import DocumentTooManyPages

PAGE_KEPT = frozenset(
    {"/Type", "/Parent", "/Resources", "/MediaBox", "/CropBox", "/Rotate", "/Contents", "/UserUnit", "/Group"}
)
SAID_ASIDE = (
    "/Metadata",
    "/PieceInfo",
    "/LastModified",
    "/StructParent",
    "/StructParents",
    "/OPI",
    "/Alternates",
    "/OC",
    "/Measure",
    "/PtData",
    "/Thumb",
    "/AF",
    "/Name",
    "/FontFamily",
)
"""Keys of any object that speak to programs, not to readers."""
LABEL_SIZE_MIN = 3.0
HEAD = 1024
_CHARS = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f\s]+)>")
_RANGES = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f\s]+)>|\[([^\]]*)\])")
_SECTION = re.compile(rb"beginbf(char|range)(.*?)endbf(?:char|range)", re.S)
RANGE_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Pdf:
    """Portable documents (ISO 32000-1)."""

    name: str = "pdf"
    endings: tuple[str, ...] = ("pdf",)

    def recognises(self, content: bytes) -> bool:
        return b"%PDF-" in content[:HEAD] and not content.startswith(b"PK\x03\x04")

    def read(self, content: bytes, limits: Limits) -> Document:
        return pdf_reading.read(content, limits)

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        marks = pdf_marking.marked(content, changes, options.drawn, limits)
        with pdf_reading.with_objects(content, limits) as opened:
            if len(opened.pages) > limits.pages_max:
                raise DocumentTooManyPages
            work = Work(opened, limits, _off(opened))
            for at, page in enumerate(opened.pages):
                own = marks.get(at + 1, Marks())
                drawn = [*(each for each in options.drawn if each.page == at + 1), *own.shapes]
                _rewrite(work, page, Areas(own.areas, drawn, own.shifts), own.labels)
            _strip(opened)
            _fonts(opened, work)
            silenced(opened)
            made = _saved(opened)
        return pdf_strict.rasterised(made, limits) if options.strict else made


PDF = Pdf()


def _off(opened: Any) -> frozenset[tuple[int, int]]:
    """The layers that are not shown as the document opens."""
    layers = opened.Root.get("/OCProperties")
    if layers is None:
        return frozenset()
    shown = layers.get("/D", {})
    off = {each.objgen for each in shown.get("/OFF", [])}
    if str(shown.get("/BaseState", "/ON")) == "/OFF":
        on = {each.objgen for each in shown.get("/ON", [])}
        off |= {each.objgen for each in layers.get("/OCGs", [])} - on
    return frozenset(off)


def _rewrite(work: Work, page: Any, areas: Areas, labels: list[Label]) -> None:
    pikepdf = library("pikepdf")
    inherited = {
        key: page.obj.get(key) or _inherited(page.obj, key)
        for key in ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
    }
    for key, value in inherited.items():
        if value is not None:
            page.obj[key] = value
    rewriter = Rewriter(work, areas, page.obj.get("/Resources"), State())
    rewriter.run(page)
    for kind in ("/Pattern", "/ExtGState", "/Font"):
        _beneath(work, rewriter.resources.get(kind))
    content = b"q\n" + rewriter.content() + b"\nQ\n"
    if labels:
        fonts = pikepdf.Dictionary(dict(rewriter.resources.get("/Font", {}).items()))
        fonts["/OstiaryLabel"] = pikepdf.Dictionary(Type=pikepdf.Name("/Font"), Subtype=pikepdf.Name("/Type1"), BaseFont=pikepdf.Name("/Helvetica"), Encoding=pikepdf.Name("/WinAnsiEncoding"))  # fmt: skip
        rewriter.resources["/Font"] = fonts
        content += b"".join(_drawn(label) for label in labels)
    page.obj["/Contents"] = work.pdf.make_stream(content)
    page.obj["/Resources"] = rewriter.resources
    for key in [key for key in page.obj.keys() if key not in PAGE_KEPT]:  # noqa: SIM118 - an object of pikepdf is no mapping
        del page.obj[key]


def _inherited(page: Any, key: str) -> Any:
    node: Any = page
    for _ in range(pdf_reading.NESTED_MAX):
        node = node.get("/Parent")
        if node is None:
            return None
        if key in node:
            return node[key]
    return None


def _beneath(work: Work, given: Any) -> None:
    """Content that is painted with, not shown: patterns, masks, glyphs drawn by procedures. No reader finds text there, so none stays."""
    for owner in list(given.values()) if given is not None else []:
        if is_stream(owner):
            _textless(work, owner)
            continue
        mask: Any = owner.get("/SMask") if is_dictionary(owner) else None
        if mask is not None and is_dictionary(mask) and is_stream(mask.get("/G")):
            _textless(work, mask["/G"])
        for glyph in list(owner.get("/CharProcs", {}).values()) if is_dictionary(owner) else []:
            _textless(work, glyph)


def _textless(work: Work, owner: Any) -> None:
    inner = Rewriter(work, Areas(()), owner.get("/Resources"), State(), (owner.objgen,), textless=True)
    inner.run(owner)
    made = form_like(work.pdf, owner, inner)
    owner.write(made.read_bytes())
    if len(inner.resources.keys()):
        owner["/Resources"] = inner.resources


def _drawn(label: Label) -> bytes:
    """The box in black, and the replacement in white where it fits."""
    width, height = label.right - label.left, label.top - label.bottom
    if label.turn:
        across, up = cos(label.turn), sin(label.turn)
        level = _drawn(Label(0, 0, width, height, label.text))
        return (
            f"q {across:.5f} {up:.5f} {-up:.5f} {across:.5f} {label.left:.2f} {label.bottom:.2f} cm\n".encode()
            + level
            + b"Q\n"
        )
    made = f"q 0 g {label.left - 0.5:.2f} {label.bottom - 1:.2f} {width + 1:.2f} {height + 2:.2f} re f Q\n".encode()
    text = label.text.encode("cp1252", "replace")
    long = pdf_marking.long(label.text)
    size = min(height * pdf_marking.LABEL_SIZE, width / long) if long else 0
    if size < LABEL_SIZE_MIN:
        return made
    shown = (
        text.replace(b"\\", b"\\\\")
        .replace(b"(", b"\\(")
        .replace(b")", b"\\)")
        .replace(b"\n", b" ")
        .replace(b"\r", b" ")
    )
    at = (
        f"BT /OstiaryLabel {size:.2f} Tf 1 g {label.left:.2f} {label.bottom + height * 0.15:.2f} Td ".encode()
    )
    return made + b"q " + at + b"(" + shown + b") Tj ET Q\n"


def _strip(opened: Any) -> None:
    pikepdf = library("pikepdf")
    for key in [key for key in opened.Root.keys() if key not in ("/Type", "/Pages")]:  # noqa: SIM118 - as above
        del opened.Root[key]
    if "/Info" in opened.trailer:
        del opened.trailer["/Info"]
    for node in (each for each in opened.objects if isinstance(each, pikepdf.Dictionary | pikepdf.Stream)):
        for key in SAID_ASIDE:
            if key in node:
                del node[key]
        if (
            isinstance(node, pikepdf.Stream)
            and str(node.get("/Subtype", "")) == "/Image"
            and str(node.get("/Filter", "")) == "/DCTDecode"
        ):
            node.write(
                without_segments(node.read_raw_bytes()),
                filter=pikepdf.Name("/DCTDecode"),
                decode_parms=node.get("/DecodeParms"),
            )


def _fonts(opened: Any, work: Work) -> None:
    """Takes the letters and widths of codes that are shown no more out of the fonts: they spell what was removed."""
    for key, font in work.fonts.items():
        given = opened.get_object(key)
        letters = given.get("/ToUnicode")
        if is_stream(letters):
            given["/ToUnicode"] = opened.make_stream(_letters(letters.read_bytes(), font))
        shown_only(given, font.used)
        first, widths = int(given.get("/FirstChar", 0)), given.get("/Widths")
        if widths is not None:
            given["/Widths"] = library("pikepdf").Array(
                [width if first + n in font.used else 0 for n, width in enumerate(widths)]
            )
        if "/FontDescriptor" in given and "/CharSet" in given["/FontDescriptor"]:
            del given["/FontDescriptor"]["/CharSet"]


def _letters(source: bytes, font: Font) -> bytes:
    """A ToUnicode map of the codes that are used (Adobe technical note 5014)."""
    size = font.lengths[0][0] if font.lengths else 1
    kept = [(code, letter) for code, letter in _mapped(source) if code in font.used]
    lines = [
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def"
    ]
    lines.append(b"1 begincodespacerange <%b> <%b> endcodespacerange" % (b"00" * size, b"FF" * size))
    for at in range(0, len(kept), 100):
        part = kept[at : at + 100]
        lines.append(b"%d beginbfchar" % len(part))
        lines += [b"<%0*X> <%b>" % (size * 2, code, letter) for code, letter in part]
        lines.append(b"endbfchar")
    return b"\n".join([*lines, b"endcmap end end"])


def _mapped(source: bytes) -> Iterator[tuple[int, bytes]]:
    for kind, body in _SECTION.findall(source):
        if kind == b"char":
            yield from ((int(code, 16), b"".join(letter.split())) for code, letter in _CHARS.findall(body))
            continue
        for low, high, start, several in _RANGES.findall(body):
            first, last = int(low, 16), min(int(high, 16), int(low, 16) + RANGE_MAX)
            if start:
                hexes = b"".join(start.split())
                yield from (
                    (code, b"%0*X" % (len(hexes), int(hexes, 16) + code - first))
                    for code in range(first, last + 1)
                )
            else:
                yield from zip(
                    range(first, last + 1), re.findall(rb"<([0-9A-Fa-f]+)>", several), strict=False
                )


def _saved(opened: Any) -> bytes:
    """Every object that is still reached, written anew; nothing of the given file's bytes is copied over."""
    made, pikepdf = BytesIO(), library("pikepdf")
    opened.save(
        made, encryption=False, linearize=False, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate,
        stream_decode_level=pikepdf.StreamDecodeLevel.generalized, recompress_flate=True, fix_metadata_version=False,
    )  # fmt: skip
    return made.getvalue()
