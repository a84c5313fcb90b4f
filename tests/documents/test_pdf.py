"""PDF: everything that it says is read, and nothing of what was to go is left, for scanners that are not ours either."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Dictionary

from ostiary.documents.document import Change, Kind, Limits, Options, Piece
from ostiary.documents.pdf import PDF
from ostiary.documents.unpacking import blobs, views
from tests.documents.leaky import NAME, leaky, plain

LIMITS = Limits()


def _changes(content: bytes, value: str, replacement: str = "[NAME]") -> list[Change]:
    return [
        Change(piece.number, found.start(), found.end(), replacement)
        for piece in PDF.read(content, LIMITS).pieces
        for found in re.finditer(re.escape(value), piece.text)
    ]


@pytest.fixture(scope="module")
def redacted() -> bytes:
    content = leaky()
    return PDF.write(content, _changes(content, NAME), Options(), LIMITS)


def test_everything_that_says_the_name_is_a_piece() -> None:
    pieces = PDF.read(leaky(), LIMITS).pieces
    places = {piece.place for piece in pieces if NAME in piece.text}
    assert {
        "page 1",
        "page 1, invisible text",
        "annotation",
        "form field",
        "author",
        "metadata (XMP)",
        "title",
        "attachment",
        "script",
    } <= places
    assert {"replacement text (ActualText)", "alternative text", "name of a layer", "page label"} <= places
    page = pieces[0]
    assert page.kind is Kind.VISIBLE
    assert page.text.count(NAME) >= 6


def test_nothing_of_the_name_is_left(redacted: bytes) -> None:
    for blob in blobs(redacted, LIMITS):
        for view in views(blob):
            assert NAME.lower() not in re.sub(r"\s", "", view).lower()
    pieces = PDF.read(redacted, LIMITS).pieces
    assert [piece.place for piece in pieces] == ["page 1"]
    text = pieces[0].text
    assert not re.search("zeb|aeus|bedae", text, re.IGNORECASE)


def test_the_rest_of_the_page_stays_where_it_stood(redacted: bytes) -> None:
    before, after = (PDF.read(each, LIMITS).pieces[0] for each in (leaky(), redacted))
    for words in ("Contract of", "Kerned:", "Under a box:", "Within a form:", "First line"):
        assert words in after.text
        old, new = (
            next(box for box in piece.boxes if box.start == piece.text.index(words))
            for piece in (before, after)
        )
        assert (new.left, new.bottom) == pytest.approx((old.left, old.bottom), abs=0.1)


WIDTHS = {letter: 0.278 if letter in "il, " else 0.556 for letter in "abcdefghijklmnopqrstuvwxyz, "}


def _set(name: str) -> bytes:
    """A name in running text, kerned, between words that are placed one by one, by `cm`, and in a form; a column far to the right."""
    wide = sum(WIDTHS[letter] for letter in name) * 12
    kerned = " 17 ".join(f"({letter})" for letter in name)
    lines = f"""BT /F1 12 Tf 30 170 Td (signed by {name}, on the quay) Tj ET
BT /F1 12 Tf 30 150 Td [(signed ) -9 (by ) 25 {kerned} 31 (, on) -8 ( the quay)] TJ ( and more) Tj ET
BT /F1 12 Tf 30 130 Td (by) Tj 16 0 Td ({name}) Tj {wide + 4:.2f} 0 Td (gladly) Tj 38 0 Td (at once) Tj ET
BT /F1 12 Tf 1 0 0 1 30 110 Tm ({name}) Tj 1 0 0 1 {34 + wide:.2f} 110 Tm (first) Tj 1 0 0 1 300 110 Tm (far) Tj ET
BT /F1 12 Tf 12 TL 30 102 Td (by {name}) ' ( here) Tj ET"""
    with pikepdf.open(BytesIO(plain("x"))) as pdf:
        pdf.pages[0].obj["/Contents"] = pdf.make_stream(lines.encode())
        made = BytesIO()
        pdf.save(made)
    return made.getvalue()


def test_names_of_any_width_leave_the_same_page() -> None:
    pages, seen = [], []
    for name in ("ann", "wilhelmina montgomery"):
        given = _set(name)
        made = PDF.write(given, _changes(given, name, "[person]"), Options(), LIMITS)
        seen.append(PDF.read(made, LIMITS).pieces[0])
        with pikepdf.open(BytesIO(made)) as pdf:
            pages.append(pdf.pages[0].obj["/Contents"].read_bytes())
    short, long = seen
    assert short.text == long.text
    for one, other in zip(short.boxes, long.boxes, strict=True):
        assert (one.left, one.right, one.bottom, one.top) == pytest.approx((other.left, other.right, other.bottom, other.top), abs=0.02)  # fmt: skip
    numbers = [[float(each) for each in re.findall(rb"-?\d+\.?\d*", page)] for page in pages]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.5)  # thousandths of a letter's size, and points
    far = next(box for box in short.boxes if box.start == short.text.index("far"))
    assert far.left == pytest.approx(300, abs=1)


def test_the_replacement_stands_on_the_box(redacted: bytes) -> None:
    assert "[NAME]" in PDF.read(redacted, LIMITS).pieces[0].text


def test_a_scanner_of_others_finds_nothing(redacted: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pdf_redaction_check")
    path = tmp_path / "out.pdf"
    path.write_bytes(redacted)
    said = subprocess.run(
        [str(Path(sys.executable).parent / "pdf-redaction-check"), str(path), "-s", NAME, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [(each["severity"], each["check"]) for each in json.loads(said.stdout)["findings"]]
    assert found == [("INFO", "structure-tree")]  # it says that there is none


def test_only_pages_stay(redacted: bytes) -> None:
    with pikepdf.open(BytesIO(redacted)) as pdf:
        assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
        assert "/Info" not in pdf.trailer
        assert redacted.count(b"%%EOF") == 1


def test_letters_of_what_went_are_out_of_the_fonts(redacted: bytes) -> None:
    with pikepdf.open(BytesIO(redacted)) as pdf:
        letters = [
            each["/ToUnicode"].read_bytes()
            for each in pdf.objects
            if isinstance(each, pikepdf.Dictionary) and "/ToUnicode" in each
        ]
    assert len(letters) == 1
    assert b"<005A>" not in letters[0]
    assert b"<0021> <0021>" in letters[0]


def test_without_changes_the_unseen_goes_too() -> None:
    made = PDF.write(leaky(), [], Options(), LIMITS)
    pieces = PDF.read(made, LIMITS).pieces
    assert [piece.place for piece in pieces] == ["page 1"]
    assert "hidden layer" not in pieces[0].text
    assert "Contract of Zebedaeus" in pieces[0].text


def test_strict_pages_are_pictures_with_the_redacted_text_unseen() -> None:
    with pikepdf.open(BytesIO(plain("Contract of Zebedaeus, gladly"))) as pdf:
        pdf.pages[0].obj["/Rotate"] = 90
        given = BytesIO()
        pdf.save(given)
    content = given.getvalue()
    made = PDF.write(
        content, _changes(content, NAME), Options(strict=True), replace(LIMITS, pixels_max=5_000_000)
    )
    with pikepdf.open(BytesIO(made)) as pdf:
        assert len(pdf.pages) == 1
        assert list(pdf.pages[0].obj["/Resources"]["/XObject"].keys()) == ["/P"]
        assert pdf.pages[0].obj["/MediaBox"][2] == 200
    (seen,) = reading_of(made)
    assert (seen.place, seen.kind) == ("page 1, invisible text", Kind.HIDDEN)
    words = seen.text.split()
    assert sorted(words) == [",", "Contract", "[NAME]", "gladly", "of"]
    box = next(each for each in seen.boxes if each.start == seen.text.index("C"))
    assert (box.left + box.right) / 2 == pytest.approx(153, abs=6)  # turned with the page
    for blob in blobs(made, LIMITS):
        assert not any(NAME in view for view in views(blob))


def reading_of(content: bytes) -> list[Piece]:
    """The pieces of text, without those of pictures."""
    return [each for each in PDF.read(content, LIMITS).pieces if "picture" not in each.place]


TYPE3 = Dictionary(
    Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type3, FontBBox=pikepdf.Array([0, 0, 600, 700]), FontMatrix=pikepdf.Array([0.001, 0, 0, 0.001, 0, 0]),
    FirstChar=65, LastChar=68, Widths=pikepdf.Array([600] * 4), Encoding=Dictionary(Differences=pikepdf.Array([65, pikepdf.Name("/A"), pikepdf.Name("/B"), pikepdf.Name("/C"), pikepdf.Name("/D")])),
)  # fmt: skip


def test_letters_that_are_drawn_by_programs_go_like_others() -> None:
    with pikepdf.open(BytesIO(plain("x"))) as pdf:
        font = pdf.make_indirect(TYPE3)
        glyph = pdf.make_stream(b"600 0 0 0 600 700 d1 0 0 500 700 re f")
        font["/CharProcs"] = Dictionary(A=glyph, B=glyph, C=glyph, D=glyph)
        page = pdf.pages[0]
        page.obj["/Resources"]["/Font"]["/F3"] = font
        page.obj["/Contents"] = pdf.make_stream(b"BT /F3 20 Tf 30 100 Td (ABCD) Tj ET")
        given = BytesIO()
        pdf.save(given)
    made = PDF.write(given.getvalue(), _changes(given.getvalue(), "BC", ""), Options(), LIMITS)
    assert "".join(PDF.read(made, LIMITS).pieces[0].text.split()) == "AD"
    with pikepdf.open(BytesIO(made)) as pdf:
        assert b"B" not in re.sub(rb"\b(?:BT|Q)\b", b"", pdf.pages[0].obj["/Contents"].read_bytes())


def test_an_inline_picture_in_an_area_and_text_in_a_pattern_go() -> None:
    with pikepdf.open(BytesIO(plain("x"))) as pdf:
        page = pdf.pages[0]
        tile = pdf.make_stream(b"BT /F1 8 Tf 0 0 Td (Zebedaeus) Tj ET 0 0 5 5 re f", Type=pikepdf.Name.Pattern, PatternType=1, PaintType=1, TilingType=1, BBox=pikepdf.Array([0, 0, 50, 50]), XStep=50, YStep=50, Resources=page.obj["/Resources"])  # fmt: skip
        page.obj["/Resources"]["/Pattern"] = Dictionary(P1=tile)
        picture = b"q 50 0 0 20 30 145 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x7f EI Q q 50 0 0 20 300 20 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x7e EI Q"
        page.obj["/Contents"] = pdf.make_stream(picture + b" /Pattern cs /P1 scn 0 0 100 40 re f BT /F1 12 Tf 30 150 Td (Zebedaeus) Tj ET")  # fmt: skip
        given = BytesIO()
        pdf.save(given)
    made = PDF.write(given.getvalue(), _changes(given.getvalue(), NAME), Options(), LIMITS)
    with pikepdf.open(BytesIO(made)) as pdf:
        content = pdf.pages[0].obj["/Contents"].read_bytes()
        assert (content.count(b"\x7f"), content.count(b"\x7e")) == (0, 1)
        assert b"re" in pdf.pages[0].obj["/Resources"]["/Pattern"]["/P1"].read_bytes()
    assert not any(NAME in view for blob in blobs(made, LIMITS) for view in views(blob))


def test_a_rotated_page_and_one_with_an_offset() -> None:
    for key, value in (
        ("/Rotate", 90),
        ("/MediaBox", pikepdf.Array([-50, -50, 350, 150])),
        ("/CropBox", pikepdf.Array([10, 10, 390, 190])),
    ):
        with pikepdf.open(BytesIO(plain("Contract of Zebedaeus, signed"))) as pdf:
            pdf.pages[0].obj[key] = value
            given = BytesIO()
            pdf.save(given)
        made = PDF.write(given.getvalue(), _changes(given.getvalue(), NAME), Options(), LIMITS)
        text = PDF.read(made, LIMITS).pieces[0].text
        assert NAME not in text
        assert "Contract of" in text
        assert ", signed" in text
