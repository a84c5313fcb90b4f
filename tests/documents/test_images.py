"""Pictures: the text that they show is read, painted over in the pixels, and nothing but pixels is written."""

from dataclasses import replace
from io import BytesIO

import pikepdf
import pytest
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from ostiary.documents.document import Change, Limits, Options
from ostiary.documents.images import IMAGE
from ostiary.documents.ocr import ocr_image
from ostiary.documents.pdf import PDF
from ostiary.documents.pdf_pictures import without_segments
from ostiary.errors import DocumentTooManyPages, DocumentTooManyPixels

LIMITS = Limits()


def drawn(text: str, *, turn: int = 0, size: int = 28) -> Image.Image:
    picture = Image.new("RGB", (420, 60), "white")
    ImageDraw.Draw(picture).text((12, 10), text, fill="black", font=ImageFont.load_default(size))
    return picture.rotate(turn, expand=True)


def encoded(picture: Image.Image, encoding: str, **more: object) -> bytes:
    made = BytesIO()
    picture.save(made, encoding, **more)
    return made.getvalue()


def changes(content: bytes, value: str) -> list[Change]:
    found = [
        (piece, piece.text.find(value)) for piece in IMAGE.read(content, LIMITS).pieces if value in piece.text
    ]
    assert found
    return [Change(piece.number, at, at + len(value), "") for piece, at in found]


@pytest.mark.parametrize(
    "encoding", ["JPEG", *(pytest.param(each, marks=pytest.mark.soak) for each in ("PNG", "TIFF", "GIF"))]
)
def test_a_word_is_painted_over_and_the_others_stay(encoding: str) -> None:
    content = encoded(drawn("Call Zebedaeus today"), encoding)
    made = IMAGE.write(content, changes(content, "Zebedaeus"), Options(), LIMITS)
    text = " ".join(piece.text for piece in IMAGE.read(made, LIMITS).pieces)
    assert "Zebe" not in text
    assert "cal" in text.lower()
    assert "today" in text
    with Image.open(BytesIO(made)) as after:
        assert after.format == encoding
        assert after.size == (420, 60)


@pytest.mark.parametrize("turn", [90, *(pytest.param(turn, marks=pytest.mark.soak) for turn in (180, 270))])
def test_a_picture_on_its_side_or_head_is_read(turn: int) -> None:
    assert any(
        "Zebedaeus" in line.text for line in ocr_image(drawn("Call Zebedaeus today", turn=turn), LIMITS)
    )


def test_what_the_file_says_of_itself_goes() -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "Zebedaeus")
    exif = Image.Exif()
    exif[0x010E] = "Zebedaeus at home"
    content = encoded(drawn("Hello"), "PNG", pnginfo=said, exif=exif)
    assert {"metadata Author", "EXIF 270"} <= {piece.place for piece in IMAGE.read(content, LIMITS).pieces}
    made = IMAGE.write(content, [], Options(), LIMITS)
    assert b"Zebedaeus" not in made
    assert [piece.place for piece in IMAGE.read(made, LIMITS).pieces] == ["frame 1"]


def test_every_frame_is_looked_at() -> None:
    content = encoded(drawn("Nothing here"), "TIFF", save_all=True, append_images=[drawn("Zebedaeus there")])
    made = IMAGE.write(content, changes(content, "Zebedaeus"), Options(), LIMITS)
    assert not any("Zebe" in piece.text for piece in IMAGE.read(made, LIMITS).pieces)
    with Image.open(BytesIO(made)) as after:
        assert getattr(after, "n_frames", 1) == 2
    with pytest.raises(DocumentTooManyPages):
        IMAGE.read(content, replace(LIMITS, pages_max=1))


def test_pixels_are_bounded() -> None:
    with pytest.raises(DocumentTooManyPixels):
        IMAGE.read(encoded(drawn("Hello"), "PNG"), replace(LIMITS, pixels_max=25_199))


def test_a_scan_within_a_pdf_is_read_and_painted_over() -> None:
    pdf = pikepdf.new()
    picture = drawn("Call Zebedaeus today")
    page = pdf.add_blank_page(page_size=(300, 100))
    stream = pdf.make_stream(picture.tobytes(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=420, Height=60, ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8)  # fmt: skip
    page.obj["/Resources"] = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=stream))
    page.obj["/Contents"] = pdf.make_stream(b"q 210 0 0 30 40 40 cm /Im0 Do Q")
    given = BytesIO()
    pdf.save(given)
    piece = PDF.read(given.getvalue(), LIMITS).pieces[0]
    assert piece.place == "page 1, picture"
    at = piece.text.index("Zebedaeus")
    made = PDF.write(given.getvalue(), [Change(0, at, at + 9, "")], Options(), LIMITS)
    with pikepdf.open(BytesIO(made)) as after:
        shown = after.pages[0].obj["/Resources"]["/XObject"]["/X0"]
        assert isinstance(shown, pikepdf.Stream)
        pixels = pikepdf.PdfImage(shown).as_pil_image()
    text = " ".join(line.text for line in ocr_image(pixels, LIMITS))
    assert "Zebe" not in text
    assert "cal" in text.lower()
    assert "today" in text


def test_segments_of_cameras_are_taken_out_of_a_jpeg() -> None:
    exif = Image.Exif()
    exif[0x010E] = "Zebedaeus at home"
    content = encoded(drawn("Hello"), "JPEG", exif=exif, comment=b"by Zebedaeus")
    made = without_segments(content + b"Zebedaeus after the end")
    assert content.count(b"Zebedaeus") == 2
    assert b"Zebedaeus" not in made
    with Image.open(BytesIO(made)) as after:
        assert after.tobytes() == Image.open(BytesIO(content)).tobytes()
