"""Text in pictures: lines with the place of every word, recognised by PP-OCR as rapidocr bundles it, and what QR codes and bar codes say, read by ZXing. Nothing is ever downloaded: the three models
lie in the package.

A picture is looked at as it stands. It is looked at turned, too, where what was read says that it lies on its side or on its head, and at twice its size where letters are small.
"""

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from ostiary.documents.document import Limits
from ostiary.documents.libraries import library
from ostiary.errors import DocumentTooManyPixels

SIDE_PIXELS_MIN = 8
LETTER_PIXELS_SMALL = 18
"""Lines lower than this are read again at twice the size."""
SCALED_PIXELS_MAX = 16_000_000
SCORE_SURE = 0.85
TALL = 1.5
"""A box so many times higher than wide is a line on its side."""
OVERLAP_SAME = 0.5
ROW_SHARED = 0.5
ROWS_BACK = 4
GAP_HEIGHTS = 1.2
KEPT_MAX = 32
CODES_MAX = 256
"""So many codes of one picture are read."""
KEPT_CODES_MAX = 1024
_TURN = threading.Lock()
_KEPT: OrderedDict[bytes, tuple["Line", ...]] = OrderedDict()

_KEPT_CODES: OrderedDict[bytes, tuple["Line", ...]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In pixels from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        return max(self.right - self.left, 0) * max(self.bottom - self.top, 0)

    def overlap(self, other: "Rectangle") -> float:
        """The share of the smaller one that both cover."""
        both = Rectangle(
            max(self.left, other.left), max(self.top, other.top), min(self.right, other.right), min(self.bottom, other.bottom)
        )  # fmt: skip
        return both.area / max(min(self.area, other.area), 1e-9) if both.right > both.left else 0.0

    def beside(self, other: "Rectangle") -> bool:
        """Whether both stand in one row."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return shared > ROW_SHARED * min(self.bottom - self.top, other.bottom - other.top)

    def goes_on(self, other: "Rectangle") -> bool:
        """Whether the other one is what is read next in the same row, no wider apart than words are."""
        high = max(self.bottom - self.top, other.bottom - other.top)
        return self.beside(other) and -0.5 * high < other.left - self.right < GAP_HEIGHTS * high


@dataclass(frozen=True, slots=True)
class Word:
    """The code points start to end (exclusive) of a line, and where they stand."""

    start: int
    end: int
    box: Rectangle


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was read. code: it is what a QR code or a bar code says, and may hold line breaks; its one word is the whole code, since no part of a code can go alone."""

    text: str
    score: float
    box: Rectangle
    words: tuple[Word, ...]
    code: bool = False

    def goes_on(self, other: "Line") -> bool:
        """Whether the other one is the rest of this line."""
        return not self.code and not other.code and self.box.goes_on(other.box)


def is_there() -> bool:
    """Whether text in pictures can be read: the libraries are installed."""
    return all(find_spec(each) is not None for each in ("rapidocr", "onnxruntime", "PIL", "zxingcpp"))


def ocr_image(picture: Any, limits: Limits) -> tuple[Line, ...]:
    """The lines of a picture (of Pillow), from top to bottom. DocumentTooManyPixels, DocumentLibraryMissing."""
    width, height = picture.size
    if width * height > limits.pixels_max:
        raise DocumentTooManyPixels
    if width < SIDE_PIXELS_MIN or height < SIDE_PIXELS_MIN:
        return ()
    flat = flattened(picture)
    key = hashlib.sha256(repr(flat.size).encode() + flat.tobytes()).digest()
    with _TURN:
        if key not in _KEPT:
            _KEPT[key] = _lines(flat)
            if len(_KEPT) > KEPT_MAX:
                _KEPT.popitem(last=False)
        return _KEPT[key]


def forget() -> None:
    """Keep nothing of what was read."""
    with _TURN:
        _KEPT.clear()
        _KEPT_CODES.clear()


def flattened(picture: Any) -> Any:
    """The picture as a reader sees it: red, green and blue on white, without a layer of transparency."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        image = library("PIL.Image")
        over = picture.convert("RGBA")
        under = image.new("RGBA", over.size, (255, 255, 255, 255))
        return image.alpha_composite(under, over).convert("RGB")
    if picture.mode in ("I", "I;16", "I;16B", "F"):
        low, high = picture.getextrema()
        picture = picture.point(lambda value: (value - low) * (255 / ((high - low) or 1))).convert("L")
    return picture.convert("RGB")


def _lines(flat: Any) -> tuple[Line, ...]:
    found = list(_read(flat, 0))
    for turn in _turns(found):
        _joined(found, _read(flat, turn))
    smallest = min(
        (min(line.box.right - line.box.left, line.box.bottom - line.box.top) for line in found), default=0.0
    )
    width, height = flat.size
    if smallest < LETTER_PIXELS_SMALL and width * height * 4 <= SCALED_PIXELS_MAX:
        larger = flat.resize((width * 2, height * 2), library("PIL.Image").Resampling.LANCZOS)
        _joined(found, (_scaled(line, 0.5) for line in _read(larger, 0)))
    return (*_in_rows(found), *_codes(flat))


def codes_of(flat: Any) -> tuple[Line, ...]:
    """What every code of the flattened picture says, however it is turned; a page takes tenths of a second, so what was read is kept. DocumentLibraryMissing."""
    key = hashlib.sha256(repr(flat.size).encode() + flat.tobytes()).digest()
    with _TURN:
        if key not in _KEPT_CODES:
            _KEPT_CODES[key] = tuple(_codes(flat))
            if len(_KEPT_CODES) > KEPT_CODES_MAX:
                _KEPT_CODES.popitem(last=False)
        return _KEPT_CODES[key]


def _codes(flat: Any) -> Iterator[Line]:
    """Codes of the same text at two places are two."""
    reader = library("zxingcpp")
    for code in reader.read_barcodes(flat.convert("L"), text_mode=reader.TextMode.Plain)[:CODES_MAX]:
        corners = [
            getattr(code.position, name) for name in ("top_left", "top_right", "bottom_right", "bottom_left")
        ]
        across, down = [float(each.x) for each in corners], [float(each.y) for each in corners]
        box = Rectangle(min(across), min(down), max(across), max(down))
        if code.text.strip():
            yield Line(code.text, 1.0, box, (Word(0, len(code.text), box),), code=True)


def _in_rows(found: list[Line]) -> Iterator[Line]:
    """The lines as people read them: row by row, and each row from left to right, also where its parts stand a little higher or lower."""
    rows: list[list[Line]] = []
    for line in sorted(found, key=lambda each: each.box.top):
        row = next((row for row in reversed(rows[-ROWS_BACK:]) if row[0].box.beside(line.box)), None)
        if row is None:
            rows.append([line])
        else:
            row.append(line)
    for row in rows:
        yield from sorted(row, key=lambda each: each.box.left)


def _turns(found: list[Line]) -> tuple[int, ...]:
    """The rotations, in degrees, at which the picture should be looked at as well."""
    if any(line.box.bottom - line.box.top > TALL * (line.box.right - line.box.left) for line in found):
        return (90, 180, 270)
    if any(line.score < SCORE_SURE for line in found):
        return (180,)
    return ()


def _joined(found: list[Line], more: Iterator[Line]) -> None:
    """Adds what was not read before. Two readings of one place both stay: either may be the right one."""
    for line in more:
        if not any(line.text == each.text and line.box.overlap(each.box) > OVERLAP_SAME for each in found):
            found.append(line)


def _scaled(line: Line, by: float) -> Line:
    def of(box: Rectangle) -> Rectangle:
        return Rectangle(box.left * by, box.top * by, box.right * by, box.bottom * by)

    return Line(
        line.text,
        line.score,
        of(line.box),
        tuple(Word(word.start, word.end, of(word.box)) for word in line.words),
    )


@lru_cache(maxsize=1)
def _engine() -> Any:
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return library("rapidocr").RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.return_word_box": True,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )


def _read(flat: Any, turn: int) -> Iterator[Line]:
    """The lines of the picture turned by so many degrees, in the places of the picture as it stands."""
    numpy = library("numpy")
    turned = flat.rotate(turn, expand=True) if turn else flat
    result = _engine()(numpy.asarray(turned)[:, :, ::-1])
    if result.boxes is None or not result.txts:
        return
    words = result.word_results or ((),) * len(result.txts)
    for text, score, corners, own in zip(result.txts, result.scores, result.boxes, words, strict=False):
        box = _back(corners, turn, flat.size)
        yield Line(text, float(score), box, tuple(_words(text, own, box, turn, flat.size)))


def _words(text: str, own: Any, line: Rectangle, turn: int, size: tuple[int, int]) -> Iterator[Word]:
    """The words of a line. What no word's box covers has the box of the line, so that nothing is without one."""
    at = 0
    for word, _, corners in own or ():
        start = text.find(word, at) if word else -1
        if start < 0 or corners is None:
            break
        if text[at:start].strip():
            yield Word(at, start, line)
        at = start + len(word)
        yield Word(start, at, _back(corners, turn, size))
    if text[at:].strip():
        yield Word(at, len(text), line)


def _back(corners: Any, turn: int, size: tuple[int, int]) -> Rectangle:
    """The rectangle around corners found in the turned picture, in the picture as it stands. `rotate` turns against the clock."""
    width, height = size
    points = [(float(x), float(y)) for x, y in corners]
    if turn == 90:
        points = [(width - y, x) for x, y in points]
    elif turn == 180:
        points = [(width - x, height - y) for x, y in points]
    elif turn == 270:
        points = [(y, height - x) for x, y in points]
    across, down = [x for x, _ in points], [y for _, y in points]
    return Rectangle(min(across), min(down), max(across), max(down))
