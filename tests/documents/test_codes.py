"""What QR codes and bar codes say is text of the picture: found, painted over whole, and gone from what is written. The codes are drawn by a library that does not read them."""

import io
from typing import Any

import pikepdf
import pypdfium2
import pytest
import segno
import zxingcpp
from PIL import Image, ImageDraw

from ostiary.documents.document import Limits
from ostiary.documents.ocr import ocr_image
from ostiary.documents.redacting import redact
from tests.documents.given import SETTINGS

CARD = "BEGIN:VCARD\nVERSION:3.0\nN:Kowalska;Anna\nTEL:+44 20 7946 0958\nEMAIL:anna.kowalska@example.com\nEND:VCARD"
PAYMENT = "BCD\n002\n1\nSCT\n\nAnna Kowalska\nDE89370400440532013000\nEUR12.50\n\n\nRent"


def drawn(text: str, turn: float = 0) -> Any:
    made = io.BytesIO()
    segno.make(text, error="m", micro=False).save(made, kind="png", scale=5, border=4)
    code = Image.open(made).convert("RGB")
    page = Image.new("RGB", (900, 700), "white")
    page.paste(code.rotate(turn, expand=True, fillcolor="white"), (300, 150))
    ImageDraw.Draw(page).text((40, 40), "Scan to pay your rent", fill="black", font_size=36)
    return page


def encoded(picture: Any, kind: str) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **({"quality": 85} if kind == "JPEG" else {}))
    return made.getvalue()


def said(content: bytes) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(Image.open(io.BytesIO(content)).convert("RGB"))]


@pytest.mark.parametrize("text", [CARD, PAYMENT])
@pytest.mark.parametrize(("kind", "turn"), [("PNG", 0), ("JPEG", 23)])
def test_a_code_that_says_something_of_a_person_is_painted_over_whole(
    text: str, kind: str, turn: float
) -> None:
    given = encoded(drawn(text, turn), kind)
    assert said(given) == [text]
    done = redact(given, f"a.{kind.lower()}", SETTINGS)
    assert said(done.content) == []
    after = Image.open(io.BytesIO(done.content)).convert("RGB")
    assert "rent" in " ".join(line.text for line in ocr_image(after, Limits()))


def test_a_code_that_says_nothing_of_anybody_stays() -> None:
    given = encoded(drawn("https://example.com/menu"), "PNG")
    assert said(redact(given, "a.png", SETTINGS).content) == ["https://example.com/menu"]


def test_bar_codes_are_read_as_well() -> None:
    drawn_by = zxingcpp.create_barcode("4111111111111111", zxingcpp.BarcodeFormat.Code128)
    bars = Image.fromarray(zxingcpp.write_barcode_to_image(drawn_by, scale=3))
    page = Image.new("RGB", (bars.width + 200, bars.height + 200), "white")
    page.paste(bars, (100, 100))
    assert [(line.text, line.code) for line in ocr_image(page, Limits()) if line.code] == [
        ("4111111111111111", True)
    ]
    assert said(redact(encoded(page, "PNG"), "a.png", SETTINGS).content) == []


def test_a_code_in_a_picture_of_a_pdf_is_painted_over() -> None:
    picture = drawn(PAYMENT)
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(500, 400))
    stream = pdf.make_stream(picture.tobytes(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=900, Height=700, ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8)  # fmt: skip
    page.obj["/Resources"] = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=stream))
    page.obj["/Contents"] = pdf.make_stream(b"q 450 0 0 350 25 25 cm /Im0 Do Q")
    given = io.BytesIO()
    pdf.save(given)
    assert shown(given.getvalue()) == [PAYMENT]
    assert shown(redact(given.getvalue(), "a.pdf", SETTINGS).content) == []


@pytest.mark.parametrize("turn", [0, 90])
def test_a_code_that_a_pdf_draws_with_lines_is_taken_out_of_its_lines(turn: int) -> None:
    made = io.BytesIO()
    segno.make(PAYMENT, error="m").save(made, kind="pdf", scale=4)
    with pikepdf.open(made) as pdf:
        pdf.pages[0].rotate(turn, relative=False)
        given = io.BytesIO()
        pdf.save(given)
    assert shown(given.getvalue()) == [PAYMENT]
    done = redact(given.getvalue(), "a.pdf", SETTINGS)
    assert shown(done.content) == []
    with pikepdf.open(io.BytesIO(done.content)) as after:
        strokes = [str(each.operator) for each in pikepdf.parse_content_stream(after.pages[0])]
    assert strokes.count("l") + strokes.count("re") < 10


def test_a_drawn_code_that_says_nothing_of_anybody_stays() -> None:
    made = io.BytesIO()
    segno.make("https://example.com/menu").save(made, kind="pdf", scale=4)
    assert shown(redact(made.getvalue(), "a.pdf", SETTINGS).content) == ["https://example.com/menu"]


def shown(content: bytes) -> list[str]:
    with pypdfium2.PdfDocument(content) as document:
        page = document[0].render(scale=2).to_pil().convert("RGB")
    return [code.text for code in zxingcpp.read_barcodes(page)]
