"""A page as a picture, for people who decide over it: what PDFium paints, or a frame of a picture; bounded in size."""

from io import BytesIO
from typing import Any

from ostiary.documents import pdf_reading
from ostiary.documents.document import Limits
from ostiary.documents.images import frames
from ostiary.errors import DocumentNotRedactable, DocumentTooManyPixels

SCALE = 2.0
"""Pixels a point: 144 dots an inch, less for large pages."""
SIDE_PIXELS_MAX = 2_400


def shown(format_: str, content: bytes, page: int, limits: Limits) -> tuple[dict[str, Any], bytes]:
    """What `reading.Shown` says, and the PNG."""
    if format_ == "pdf":
        return _of_pdf(content, page, limits)
    if format_ == "image":
        return _of_image(content, page, limits)
    raise DocumentNotRedactable("It has no pages that could be shown.")


def _of_pdf(content: bytes, page: int, limits: Limits) -> tuple[dict[str, Any], bytes]:
    with pdf_reading.with_pages(content, limits) as opened:
        if not 1 <= page <= len(opened):
            raise DocumentNotRedactable("It has no such page.")
        own = opened[page - 1]
        width, height = own.get_size()
        scale = min(SCALE, SIDE_PIXELS_MAX / max(width, height, 1))
        if width * height * scale * scale > limits.pixels_max:
            raise DocumentTooManyPixels
        bitmap = own.render(scale=scale)
        converter = bitmap.get_posconv(own)
        across, down = bitmap.width, bitmap.height
        corner, right, low = (converter.to_page(*each) for each in ((0, 0), (across, 0), (0, down)))
        to_page = (
            (right[0] - corner[0]) / across, (right[1] - corner[1]) / across,
            (low[0] - corner[0]) / down, (low[1] - corner[1]) / down, *corner,
        )  # fmt: skip
        return _said(bitmap.to_pil().convert("RGB"), len(opened), to_page)


def _of_image(content: bytes, page: int, limits: Limits) -> tuple[dict[str, Any], bytes]:
    found, pages = None, 0
    for pages, frame in enumerate(frames(content, limits), start=1):
        found = frame if pages == page else found
    if found is None:
        raise DocumentNotRedactable("It has no such page.")
    width, height = found.size
    scale = min(1.0, SIDE_PIXELS_MAX / max(width, height))
    if scale < 1:
        found = found.resize((max(int(width * scale), 1), max(int(height * scale), 1)))
    across, up = width / found.width, height / found.height
    return _said(found, pages, (across, 0.0, 0.0, -up, 0.0, float(height)))


def _said(picture: Any, pages: int, to_page: tuple[float, ...]) -> tuple[dict[str, Any], bytes]:
    made = BytesIO()
    picture.save(made, "PNG")
    said = {"pages": pages, "width": picture.width, "height": picture.height, "to_page": list(to_page)}
    return said, made.getvalue()
