"""Pictures: PNG, JPEG, TIFF, GIF, all frames. What is found in the text that they show is painted over in their pixels, and they are encoded anew from pixels alone."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.documents.document import Box, Carrier, Change, Document, Kind, Limits, Options, Piece
from ostiary.documents.libraries import library
from ostiary.documents.ocr import Line, Rectangle, flattened, ocr_image
from ostiary.errors import DocumentMalformed, DocumentTooLarge, DocumentTooManyPages, DocumentTooManyPixels

MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
MARGIN = 0.12
"""Of the height of a word: painted around it as well, since a letter may reach out of its box."""
QUALITY = 90
FRAMES_MAX = 100
"""Of a picture within another document."""
METADATA_CHARACTERS_MAX = 100_000
TECHNICAL = frozenset(
    {
        "compression",
        "version",
        "jfif_unit",
        "jfif_density",
        "background",
        "transparency",
        "icc_profile",
        "exif",
    }
)
"""What Pillow says of the encoding, and blocks that are read on their own."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of one frame or several; a frame is a page."""

    name: str = "image"
    endings: tuple[str, ...] = ("png", "jpg", "jpeg", "tif", "tiff", "gif")

    def recognises(self, content: bytes) -> bool:
        return encoding_of(content) != ""

    def read(self, content: bytes, limits: Limits) -> Document:
        pieces: list[Piece] = []
        for page, (_, height, lines) in enumerate(read_frames(content, limits), start=1):
            text, boxes = page_of(lines, page, height)
            if text:
                pieces.append(Piece(len(pieces), f"frame {page}", text, boxes=boxes))
        said = _metadata(content)
        for name, value in said:
            pieces.append(Piece(len(pieces), name, value, Kind.METADATA))
        return Document(self.name, tuple(pieces), (Carrier("metadata", len(said)),) if said else ())

    def write(self, content: bytes, changes: Sequence[Change], options: Options, limits: Limits) -> bytes:
        pieces = self.read(content, limits).pieces
        painted: list[Any] = []
        for page, frame in enumerate(frames(content, limits), start=1):
            size = frame.size
            boxes = [(each, change) for change in changes for each in pieces[change.piece].boxes
                     if each.page == page and each.start < change.end and change.start < each.end]  # fmt: skip
            for box, _ in boxes:
                fill(frame, Rectangle(box.left, size[1] - box.top, box.right, size[1] - box.bottom))
            for drawn in (each for each in options.drawn if each.page == page):
                fill(frame, Rectangle(drawn.left, size[1] - drawn.top, drawn.right, size[1] - drawn.bottom))
            painted.append(frame)
        return _encoded(painted, encoding_of(content), _durations(content))


IMAGE = Image()


def read_frames(content: bytes, limits: Limits) -> Iterator[tuple[int, int, tuple[Line, ...]]]:
    """The width, the height and the lines of each frame."""
    if len(content) > limits.bytes_max:
        raise DocumentTooLarge
    for frame in frames(content, limits):
        yield frame.size[0], frame.size[1], ocr_image(frame, limits)


def page_of(lines: Sequence[Line], page: int, height: float) -> tuple[str, tuple[Box, ...]]:
    """The text of the lines, those that go on in one row as one, and a box for each word, from the lower left corner."""
    text, boxes = "", []
    before: Line | None = None
    for line in lines:
        if before is not None:
            text = text.rstrip(" ") + (" " if before.goes_on(line) else "\n")
        for word in line.words:
            at = word.box
            boxes.append(Box(len(text) + word.start, len(text) + word.end, page, at.left, height - at.bottom, at.right, height - at.top))  # fmt: skip
        text += line.text
        before = line
    return text, tuple(boxes)


def fill(picture: Any, box: Rectangle) -> None:
    """A solid box in the picture's pixels."""
    more = MARGIN * min(box.bottom - box.top, box.right - box.left)
    draw = library("PIL.ImageDraw").Draw(picture)
    draw.rectangle((box.left - more, box.top - more, box.right + more, box.bottom + more), fill=(0, 0, 0))


def encoding_of(content: bytes) -> str:
    """PNG, JPEG, TIFF or GIF; empty for anything else."""
    return next((name for magic, name in MAGIC.items() if content.startswith(magic)), "")


def pixels_of(content: bytes) -> int:
    """How many pixels all frames of a picture have, by its heads. DocumentMalformed, DocumentTooManyPixels, DocumentTooManyPages."""
    opened = _opened(content)
    frames_ = int(getattr(opened, "n_frames", 1))
    if frames_ > FRAMES_MAX:
        raise DocumentTooManyPages
    return int(opened.size[0]) * int(opened.size[1]) * frames_


def _opened(content: bytes) -> Any:
    image = library("PIL.Image")
    try:
        return image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF", "GIF", "MPO"))
    except image.DecompressionBombError as error:
        raise DocumentTooManyPixels from error
    except Exception as error:  # a decoder of foreign bytes: whatever it says, the picture is damaged
        raise DocumentMalformed from error


def frames(content: bytes, limits: Limits) -> Iterator[Any]:
    """Each frame flattened, upright. The pixels of all frames together are bounded."""
    opened, left = _opened(content), limits.pixels_max
    image, sequence = library("PIL.Image"), library("PIL.ImageOps")
    page = 0
    while True:
        try:
            opened.seek(page)
        except EOFError:
            return
        except Exception as error:  # as above
            raise DocumentMalformed from error
        page += 1
        left -= opened.size[0] * opened.size[1]
        if page > limits.pages_max:
            raise DocumentTooManyPages
        if left < 0:
            raise DocumentTooManyPixels
        try:
            frame = flattened(sequence.exif_transpose(opened))
        except image.DecompressionBombError as error:
            raise DocumentTooManyPixels from error
        except Exception as error:  # as above
            raise DocumentMalformed from error
        yield frame


def _metadata(content: bytes) -> list[tuple[str, str]]:
    """What the file says of itself, as (where, text)."""
    opened = _opened(content)
    said = [(f"metadata {name}", value) for name, value in opened.info.items() if name not in TECHNICAL]
    try:
        exif = opened.getexif()
        said += [(f"EXIF {tag}", value) for tag, value in exif.items()]
        said += [
            (f"EXIF {tag}", value) for part in (0x8769, 0x8825) for tag, value in exif.get_ifd(part).items()
        ]
    except Exception:  # noqa: BLE001, S110 - damaged EXIF says nothing, and goes anyway
        pass
    texts = [(name, _text(value)) for name, value in said]
    return [(name, text) for name, text in texts if len(text) > 3]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value[:METADATA_CHARACTERS_MAX].decode("utf-8", "replace").replace("\0", "")
        return value if value.count("\ufffd") < len(value) / 10 else ""
    return value[:METADATA_CHARACTERS_MAX] if isinstance(value, str) else ""


def _durations(content: bytes) -> int:
    value = _opened(content).info.get("duration", 100)
    return int(value) if isinstance(value, int | float) and 0 <= value <= 60_000 else 100


def _encoded(frames: list[Any], encoding: str, duration_ms: int) -> bytes:
    """The pixels, and nothing else."""
    if not frames or not encoding:
        raise DocumentMalformed
    image, made = library("PIL.Image"), io.BytesIO()
    bare = [image.frombytes("RGB", frame.size, frame.tobytes()) for frame in frames]
    more: dict[str, Any] = {"quality": QUALITY} if encoding == "JPEG" else {}
    if encoding == "TIFF":
        more = {"compression": "tiff_lzw"}
    if len(bare) > 1 and encoding != "JPEG":
        more |= {"save_all": True, "append_images": bare[1:]} | (
            {"duration": duration_ms, "loop": 0} if encoding != "TIFF" else {}
        )
    bare[0].save(made, encoding, **more)
    return made.getvalue()
