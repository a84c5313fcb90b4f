"""Pictures within a PDF: regions painted over in their pixels, and what cameras wrote beside the pixels taken out."""

from collections.abc import Sequence
from typing import Any

from ostiary.documents.document import Limits
from ostiary.documents.libraries import library
from ostiary.errors import DocumentTooManyPixels

Part = tuple[float, float, float, float]
"""left, bottom, right, top within the unit square."""
_JPEG_KEPT = frozenset({0xE0, 0xEE})
"""JFIF and Adobe's, which says how colours are meant. Every other segment of an application, and comments, go."""
PIXELS_AROUND = 2


def filled(pdf: Any, given: Any, parts: Sequence[Part], limits: Limits) -> Any:
    """The picture with the parts painted over, encoded anew; none where it cannot be decoded: then it is left out."""
    width, height = int(given.get("/Width", 0)), int(given.get("/Height", 0))
    if width * height > limits.pixels_max:
        raise DocumentTooManyPixels
    pikepdf = library("pikepdf")
    try:
        picture = pikepdf.PdfImage(given).as_pil_image()
    except Exception:  # noqa: BLE001 - a decoder of foreign bytes: what it cannot decode cannot be painted, so it goes as a whole
        return None
    stencil = bool(given.get("/ImageMask", False))
    picture = picture.convert("1" if stencil else "L" if picture.mode in ("1", "L") else "RGB")
    _paint(picture, parts, 0 if picture.mode != "RGB" else (0, 0, 0))
    made = pdf.make_stream(picture.tobytes())
    made["/Type"], made["/Subtype"] = pikepdf.Name("/XObject"), pikepdf.Name("/Image")
    made["/Width"], made["/Height"] = picture.width, picture.height
    if stencil:
        made["/ImageMask"], made["/BitsPerComponent"] = True, 1
        return made
    made["/ColorSpace"] = pikepdf.Name("/DeviceRGB" if picture.mode == "RGB" else "/DeviceGray")
    made["/BitsPerComponent"] = 8
    mask = given.get("/SMask")
    if mask is not None:
        soft = _mask(pdf, mask, parts, limits)
        if soft is None:
            return None
        made["/SMask"] = soft
    return made


def _mask(pdf: Any, given: Any, parts: Sequence[Part], limits: Limits) -> Any:
    """The layer of transparency, solid where the picture is painted over: letters may be cut out of it."""
    pikepdf = library("pikepdf")
    if int(given.get("/Width", 0)) * int(given.get("/Height", 0)) > limits.pixels_max:
        raise DocumentTooManyPixels
    try:
        picture = pikepdf.PdfImage(given).as_pil_image().convert("L")
    except Exception:  # noqa: BLE001 - as above
        return None
    _paint(picture, parts, 255)
    made = pdf.make_stream(picture.tobytes())
    made["/Type"], made["/Subtype"] = pikepdf.Name("/XObject"), pikepdf.Name("/Image")
    made["/Width"], made["/Height"], made["/BitsPerComponent"] = picture.width, picture.height, 8
    made["/ColorSpace"] = pikepdf.Name("/DeviceGray")
    return made


def _paint(picture: Any, parts: Sequence[Part], colour: Any) -> None:
    draw, (width, height) = library("PIL.ImageDraw").Draw(picture), picture.size
    for left, bottom, right, top in parts:
        draw.rectangle(
            (left * width - PIXELS_AROUND, (1 - top) * height - PIXELS_AROUND, right * width + PIXELS_AROUND, (1 - bottom) * height + PIXELS_AROUND),
            fill=colour,
        )  # fmt: skip


def without_segments(jpeg: bytes) -> bytes:
    """A JPEG without EXIF, XMP, comments and thumbnails (ITU T.81, B.1)."""
    if not jpeg.startswith(b"\xff\xd8"):
        return jpeg
    made, at = bytearray(jpeg[:2]), 2
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xDA:
            break
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in _JPEG_KEPT:
            made += jpeg[at:end]
        at = end
    last = jpeg.rfind(b"\xff\xd9")
    return bytes(made + jpeg[at : last + 2 if last >= at else len(jpeg)])
