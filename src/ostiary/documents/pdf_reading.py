"""What a PDF says, as pieces: the text of each page with the place of every character (PDFium), the text of its pictures (OCR), and every string that no page shows (pikepdf)."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_double
from dataclasses import dataclass
from io import BytesIO
from math import atan2, hypot
from typing import Any

from ostiary.documents.document import Box, Carrier, Document, Kind, Limits, Piece
from ostiary.documents.images import page_of
from ostiary.documents.libraries import library
from ostiary.documents.ocr import codes_of, ocr_image
from ostiary.documents.pdf_objects import is_array
from ostiary.errors import (
    DocumentEncrypted,
    DocumentMalformed,
    DocumentTooDeep,
    DocumentTooLarge,
    DocumentTooManyPages,
    DocumentTooManyPieces,
    DocumentTooManyPixels,
    DocumentUnpacksTooLarge,
)

INVISIBLE = 3
"""The text rendering mode that paints nothing (ISO 32000-1, table 106)."""
PICTURE_POINTS_MIN = 12.0
PICTURE_SCALE = 2.5
CODE_SEGMENTS_MIN = 100
"""Lines and curves on a page: the smallest code has more."""
CODE_SHARE_MAX = 0.6
"""Of a page's shorter side: a longer line is a rule, and no part of a code."""
DRAWN_CODE = ", drawn code"
"""What the place of such a piece ends with."""
"""Pixels a point at which pictures are rendered for OCR: 180 dots an inch."""
STRING_CHARACTERS_MIN = 3
LEVEL = 0.001
"""Radians that a line may be turned by."""
NESTED_MAX = 32
QUIET = frozenset(
    {
        "/ID",
        "/Registry",
        "/Ordering",
        "/CharSet",
        "/CreationDate",
        "/ModDate",
        "/M",
        "/Panose",
        "/DA",
        "/Lookup",
        "/Cs",
        "/CheckSum",
        "/Contents16",
    }
)
"""Keys whose strings are no text for people."""
WORDS = {
    "/Contents": "annotation", "/V": "form field", "/DV": "form field", "/T": "name of a form field or annotation", "/TU": "form field", "/Title": "title",
    "/ActualText": "replacement text (ActualText)", "/Alt": "alternative text", "/E": "expansion", "/JS": "script", "/F": "name of a file", "/UF": "name of a file",
    "/URI": "link", "/RC": "annotation", "/Name": "name of a layer", "/P": "page label", "/Author": "author", "/Subject": "subject", "/Keywords": "keywords",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Character:
    """A character as PDFium found it, on its page. x and y: where its glyph begins."""

    text: str
    x: float
    y: float
    left: float
    bottom: float
    right: float
    top: float
    visible: bool
    whole: tuple[float, float, float, float] = (0, 0, 0, 0)
    """Left, bottom, right and top of the room that its font gives it, whatever its shape. Only where it was asked for."""
    level: bool = False
    """Whether it stands on a horizontal line, from left to right."""
    turn: float = 0.0
    """By how much its line is turned, in radians against the clock; and how high its font is."""
    high: float = 0.0


@contextmanager
def with_pages(content: bytes, limits: Limits) -> Iterator[Any]:
    """The document in PDFium."""
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    pdfium = library("pypdfium2")
    try:
        opened = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise (DocumentEncrypted if "assword" in str(error) else DocumentMalformed) from error
    try:
        if len(opened) > limits.pages_max:
            raise DocumentTooManyPages
        yield opened
    except pdfium.PdfiumError as error:
        raise DocumentMalformed from error
    finally:
        opened.close()


@contextmanager
def with_objects(content: bytes, limits: Limits) -> Iterator[Any]:
    """The document in pikepdf, after a look at what its streams unpack to."""
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    pikepdf = library("pikepdf")
    try:
        opened = pikepdf.open(BytesIO(content), suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise DocumentEncrypted from error
    except (pikepdf.PdfError, RuntimeError, ValueError, RecursionError) as error:
        raise DocumentMalformed from error
    try:
        _bounded(opened, limits)
        yield opened
    except (
        pikepdf.PdfError,
        RuntimeError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        IndexError,
    ) as error:
        raise DocumentMalformed from error
    except RecursionError as error:
        raise DocumentTooDeep from error
    finally:
        opened.close()


def _bounded(opened: Any, limits: Limits) -> None:
    stream, left = library("pikepdf").Stream, limits.unpacked_bytes_max
    if len(opened.objects) > limits.pieces_max:
        raise DocumentTooManyPieces
    for each in opened.objects:
        if isinstance(each, stream):
            left -= _unpacked(each, left)
            if left < 0:
                raise DocumentUnpacksTooLarge


def _unpacked(stream: Any, left: int) -> int:
    """How many bytes a stream has behind its filters of Flate, never more than a few beyond what is left."""
    data, filters = stream.read_raw_bytes(), stream.get("/Filter", [])
    filters = list(filters) if is_array(filters) or filters == [] else [filters]
    if len(filters) > NESTED_MAX:
        raise DocumentTooDeep
    for each in filters:
        if str(each) not in ("/FlateDecode", "/Fl"):
            break
        machine = zlib.decompressobj()
        try:
            data = machine.decompress(data, left + 1)
        except zlib.error:
            break
        if len(data) > left:
            break
    return len(data)


def characters(page: Any, *, rooms: bool = False) -> list[Character]:
    """Every character of a page in reading order, also what no one sees. rooms: with the room of each."""
    raw = library("pypdfium2.raw")
    text = page.get_textpage()
    found: list[Character] = []
    x, y = c_double(), c_double()
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    high = 0
    for n in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text.raw, n)
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00) if high else 0xFFFD
        high = 0
        letter = "-" if code in (2, 0xFFFE) else chr(code) if code else "\ufffd"
        raw.FPDFText_GetCharOrigin(text.raw, n, byref(x), byref(y))
        raw.FPDFText_GetCharBox(text.raw, n, byref(left), byref(right), byref(bottom), byref(top))
        owner = raw.FPDFText_GetTextObject(text.raw, n)
        visible = not owner or raw.FPDFTextObj_GetTextRenderMode(owner) != INVISIBLE
        room = _room(text, n) if rooms else ()
        found.append(
            Character(
                letter, x.value, y.value, left.value, bottom.value, right.value, top.value, visible, *room
            )
        )
    text.close()
    return found


def _room(text: Any, n: int) -> tuple[tuple[float, float, float, float], bool, float, float]:
    raw = library("pypdfium2.raw")
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text.raw, n, byref(box))
    angle = raw.FPDFText_GetCharAngle(text.raw, n)
    level = abs(angle) < LEVEL and box.right > box.left
    matrix = raw.FS_MATRIX()
    if level or not raw.FPDFText_GetMatrix(text.raw, n, byref(matrix)):
        return (box.left, box.bottom, box.right, box.top), level, 0.0, 0.0
    high = raw.FPDFText_GetFontSize(text.raw, n) * hypot(matrix.c, matrix.d)
    return (box.left, box.bottom, box.right, box.top), level, atan2(matrix.b, matrix.a), high


def read_pages(content: bytes, limits: Limits) -> Iterator[Piece]:
    """The pieces of the pages, numbered from 0: for each page its text, its invisible text, and that of its pictures."""
    number = 0
    with with_pages(content, limits) as opened:
        for at in range(len(opened)):
            page = opened[at]
            own = characters(page)
            for kind, place in (
                (Kind.VISIBLE, f"page {at + 1}"),
                (Kind.HIDDEN, f"page {at + 1}, invisible text"),
            ):
                kept = [each for each in own if each.visible is (kind is Kind.VISIBLE)]
                text = "".join(each.text for each in kept)
                if text.strip():
                    boxes = tuple(
                        Box(n, n + 1, at + 1, each.left, each.bottom, each.right, each.top)
                        for n, each in enumerate(kept)
                    )
                    yield Piece(number, place, text, kind, boxes)
                    number += 1
            for text, boxes in _pictures(page, at + 1, limits):
                yield Piece(number, f"page {at + 1}, picture", text, boxes=boxes)
                number += 1
            for text, boxes in _drawn_codes(page, at + 1, limits):
                yield Piece(number, f"page {at + 1}{DRAWN_CODE}", text, boxes=boxes)
                number += 1
            page.close()


def page_characters(content: bytes, limits: Limits) -> Iterator[tuple[list[Character], list[Character]]]:
    """For each page: its visible characters, its invisible ones; the same lists that `read_pages` made pieces of."""
    with with_pages(content, limits) as opened:
        for at in range(len(opened)):
            page = opened[at]
            own = characters(page, rooms=True)
            yield [each for each in own if each.visible], [each for each in own if not each.visible]
            page.close()


def _pictures(page: Any, number: int, limits: Limits) -> Iterator[tuple[str, tuple[Box, ...]]]:
    """The text of the pictures on a page. They are looked at as the page shows them: masks, rotation and decoding are PDFium's."""
    raw = library("pypdfium2.raw")
    bounds = [each.get_bounds() for each in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=8)]
    bounds = [
        each
        for each in bounds
        if each[2] - each[0] >= PICTURE_POINTS_MIN and each[3] - each[1] >= PICTURE_POINTS_MIN
    ]
    if not bounds:
        return
    width, height = page.get_size()
    if width * height * PICTURE_SCALE**2 > limits.pixels_max:
        raise DocumentTooManyPixels
    bitmap = page.render(scale=PICTURE_SCALE, may_draw_forms=False)
    converter, shown = bitmap.get_posconv(page), bitmap.to_pil().convert("RGB")
    for left, bottom, right, top in sorted(set(bounds)):
        corners = [converter.to_bitmap(x, y) for x, y in ((left, bottom), (right, top))]
        frame = (
            max(min(x for x, _ in corners), 0), max(min(y for _, y in corners), 0),
            min(max(x for x, _ in corners), shown.width), min(max(y for _, y in corners), shown.height),
        )  # fmt: skip
        if frame[2] - frame[0] < 8 or frame[3] - frame[1] < 8:
            continue
        text, boxes = page_of(ocr_image(shown.crop(frame), limits), number, frame[3] - frame[1])
        if text:
            yield text, tuple(_on_page(box, frame, converter) for box in boxes)


def _drawn_codes(page: Any, number: int, limits: Limits) -> Iterator[tuple[str, tuple[Box, ...]]]:
    """What QR codes and bar codes say that are drawn with lines and shapes, not shown as pictures."""
    raw = library("pypdfium2.raw")
    width, height = page.get_size()
    segments = 0
    for each in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=8):
        left, bottom, right, top = each.get_bounds()
        own = max(raw.FPDFPath_CountSegments(each.raw), 0)
        if own >= CODE_SEGMENTS_MIN or max(right - left, top - bottom) < CODE_SHARE_MAX * min(width, height):
            segments += own
        if segments >= CODE_SEGMENTS_MIN:
            break
    else:
        return
    if width * height * PICTURE_SCALE**2 > limits.pixels_max:
        raise DocumentTooManyPixels
    bitmap = page.render(scale=PICTURE_SCALE, may_draw_forms=False)
    converter, shown = bitmap.get_posconv(page), bitmap.to_pil().convert("RGB")
    pictures = [each.get_bounds() for each in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=8)]
    whole = (0, 0, shown.width, shown.height)
    for line in codes_of(shown):
        text, boxes = page_of([line], number, shown.height)
        box = _on_page(boxes[0], whole, converter)
        x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2
        if not any(left <= x <= right and bottom <= y <= top for left, bottom, right, top in pictures):
            yield text, (box,)


def _on_page(box: Box, frame: tuple[int, int, int, int], converter: Any) -> Box:
    """A box of the cropped bitmap on the page."""
    first = converter.to_page(int(frame[0] + box.left), int(frame[3] - box.bottom))
    second = converter.to_page(int(frame[0] + box.right) + 1, int(frame[3] - box.top) - 1)
    (left, right), (bottom, top) = sorted((first[0], second[0])), sorted((first[1], second[1]))
    return Box(box.start, box.end, box.page, left, bottom, right, top)


def read(content: bytes, limits: Limits) -> Document:
    pieces = list(read_pages(content, limits))
    carriers: dict[str, int] = {}
    with with_objects(content, limits) as opened:
        for place, text, kind in _unseen(opened, limits):
            if len(pieces) >= limits.pieces_max:
                raise DocumentTooManyPieces
            carriers[place] = carriers.get(place, 0) + 1
            pieces.append(Piece(len(pieces), place, text, kind))
    return Document("pdf", tuple(pieces), tuple(Carrier(what, count) for what, count in carriers.items()))


def _unseen(opened: Any, limits: Limits) -> Iterator[tuple[str, str, Kind]]:
    """(where, text, kind) of every string that no page shows."""
    stream = library("pikepdf").Stream
    for each in opened.objects:
        if isinstance(each, stream):
            yield from _of_stream(each)
        yield from _strings(each, "", 0)
    for page in opened.pages:
        yield from _marks(page)


def _of_stream(each: Any) -> Iterator[tuple[str, str, Kind]]:
    kind = str(each.get("/Type", ""))
    if kind == "/Metadata":
        yield "metadata (XMP)", each.read_bytes().decode("utf-8", "replace"), Kind.METADATA
    elif kind == "/EmbeddedFile":
        text = each.read_bytes().decode("utf-8", "replace")
        if text.count("\ufffd") <= len(text) / 10:
            yield "attachment", text, Kind.ATTACHMENT
    elif str(each.get("/Subtype", "")) == "/Form":
        yield from _marks(each)


def _marks(owner: Any) -> Iterator[tuple[str, str, Kind]]:
    """What the content says beside what it shows: ActualText, Alt and E of its marks."""
    pikepdf = library("pikepdf")
    try:
        marks = pikepdf.parse_content_stream(owner, "BDC DP")
    except pikepdf.PdfError:
        return
    for mark in marks:
        if len(mark.operands) > 1:
            yield from _strings(mark.operands[1], "", 0)


def _strings(each: Any, key: str, depth: int) -> Iterator[tuple[str, str, Kind]]:
    """The strings directly within an object; what it refers to comes on its own."""
    pikepdf = library("pikepdf")
    if depth > NESTED_MAX:
        raise DocumentTooDeep
    if isinstance(each, pikepdf.String):
        text = str(each)
        if key not in QUIET and len(text) >= STRING_CHARACTERS_MIN:
            kind = Kind.HIDDEN if key in WORDS else Kind.METADATA
            yield WORDS.get(key, "entry " + key.removeprefix("/")), text, kind
    elif isinstance(each, pikepdf.Dictionary | pikepdf.Stream):
        for name in sorted(each.keys()):  # a set: its order is another one in every process
            value = each.get(name)
            if not getattr(value, "is_indirect", False):
                yield from _strings(value, name, depth + 1)
    elif isinstance(each, pikepdf.Array):
        for value in each:
            if not getattr(value, "is_indirect", False):
                yield from _strings(value, key, depth + 1)
