"""PDFs and pictures made to hurt: each ends in one clear error, or is read within its bounds."""

import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from ostiary.documents import pdf_content
from ostiary.documents.document import Change, Limits, Options
from ostiary.documents.images import IMAGE
from ostiary.documents.pdf import PDF
from ostiary.errors import (
    DocumentEncrypted,
    DocumentMalformed,
    DocumentTookTooLong,
    DocumentTooLarge,
    DocumentTooManyPages,
    DocumentTooManyPixels,
    DocumentUnpacksTooLarge,
    OstiaryError,
)
from tests.documents.leaky import leaky, plain

LIMITS = Limits()


def _saved(pdf: pikepdf.Pdf, **more: Any) -> bytes:
    made = BytesIO()
    pdf.save(made, **more)
    return made.getvalue()


def test_a_bomb_of_streams() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page()
    packed = zlib.compress(b" " * 3_000_000, 9)
    page.obj["/Contents"] = pikepdf.Stream(pdf, packed)
    page.obj["/Contents"].write(packed, filter=Name.FlateDecode)
    content = _saved(pdf, compress_streams=False)
    assert len(content) < 10_000
    with pytest.raises(DocumentUnpacksTooLarge):
        PDF.write(content, [], Options(), replace(LIMITS, unpacked_bytes_max=1_000_000))


def test_a_bomb_packed_twice() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page()
    page.obj["/Contents"] = pdf.make_stream(b"")
    twice = zlib.compress(zlib.compress(b" " * 5_000_000, 9), 9)
    page.obj["/Contents"].write(twice, filter=Array([Name.FlateDecode, Name.FlateDecode]))
    with pytest.raises(DocumentUnpacksTooLarge):
        PDF.write(
            _saved(pdf, compress_streams=False), [], Options(), replace(LIMITS, unpacked_bytes_max=1_000_000)
        )


def test_more_pages_than_are_taken() -> None:
    with pytest.raises(DocumentTooManyPages):
        PDF.read(plain("Hello", pages=6), replace(LIMITS, pages_max=5))


def test_a_count_of_pages_that_is_a_lie() -> None:
    content = plain("Hello").replace(b"/Count 1", b"/Count 9999999")
    assert b"9999999" in content
    assert [piece.text for piece in PDF.read(content, LIMITS).pieces] == ["Hello"]


def _forms(pdf: pikepdf.Pdf, depth: int) -> pikepdf.Object:
    """Each form shows the next one ten times."""
    below = pdf.make_stream(b"0 0 m", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    for _ in range(depth):
        below = pdf.make_stream(b"/F Do " * 10, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]), Resources=Dictionary(XObject=Dictionary(F=below)))  # fmt: skip
    return below


def test_forms_that_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_content, "OPERATIONS_MAX", 5_000)
    monkeypatch.setattr(pdf_content.Work, "__init__", _with_few)
    pdf = pikepdf.new()
    page = pdf.add_blank_page()
    page.obj["/Resources"] = Dictionary(XObject=Dictionary(F=_forms(pdf, 8)))
    page.obj["/Contents"] = pdf.make_stream(b"/F Do")
    with pytest.raises(DocumentTookTooLong):
        PDF.write(_saved(pdf), [], Options(), LIMITS)


def _with_few(
    work: pdf_content.Work, pdf: pikepdf.Pdf, limits: Limits, off: frozenset[tuple[int, int]]
) -> None:
    work.pdf, work.limits, work.off, work.fonts, work.left = pdf, limits, off, {}, pdf_content.OPERATIONS_MAX


def test_a_form_within_itself() -> None:
    pdf = pikepdf.new()
    page = pdf.add_blank_page()
    form = pdf.make_stream(b"/F Do", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    form["/Resources"] = Dictionary(XObject=Dictionary(F=form))
    page.obj["/Resources"] = Dictionary(XObject=Dictionary(F=form))
    page.obj["/Contents"] = pdf.make_stream(b"/F Do")
    assert PDF.read(PDF.write(_saved(pdf), [], Options(), LIMITS), LIMITS).pieces == ()


def test_an_outline_in_a_circle() -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page()
    first = pdf.make_indirect(Dictionary(Title=String("Zebedaeus")))
    first["/Next"], first["/First"] = first, first
    pdf.Root["/Outlines"] = pdf.make_indirect(Dictionary(First=first, Last=first))
    content = _saved(pdf)
    assert [piece.text for piece in PDF.read(content, LIMITS).pieces] == ["Zebedaeus"]
    assert PDF.read(PDF.write(content, [], Options(), LIMITS), LIMITS).pieces == ()


def test_encrypted() -> None:
    with pikepdf.open(BytesIO(plain("Hello"))) as pdf:
        content = _saved(pdf, encryption=pikepdf.Encryption(user="one", owner="two"))
    for ask in (lambda: PDF.read(content, LIMITS), lambda: PDF.write(content, [], Options(), LIMITS)):
        with pytest.raises(DocumentEncrypted):
            ask()


@pytest.mark.parametrize(
    "content",
    [b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\xff" * 5_000, b"%PDF-", b"%PDF-1.4\n1 0 obj\n" + b"<<" * 20_000],
)
def test_no_pdf_at_all(content: bytes) -> None:
    assert PDF.recognises(content)
    with pytest.raises(DocumentMalformed):
        PDF.read(content, LIMITS)


def test_truncated_anywhere_ends_in_an_error_of_ours_or_in_pieces() -> None:
    content = leaky()
    for end in range(0, len(content), 311):
        try:
            PDF.write(content[:end], [], Options(), LIMITS)
        except OstiaryError:
            continue


def test_a_page_that_says_the_name_by_an_old_revision() -> None:
    old = plain("Zebedaeus")
    content = old + plain("Hello")
    made = PDF.write(content, [], Options(), LIMITS)
    assert [piece.text for piece in PDF.read(made, LIMITS).pieces] == ["Hello"]


def test_something_else_before_the_header_is_gone() -> None:
    content = b"GET / Zebedaeus\n" + plain("Hello")
    assert PDF.recognises(content)
    assert b"Zebedaeus" not in PDF.write(content, [], Options(), LIMITS)
    assert not PDF.recognises(b"PK\x03\x04" + content)


def test_too_many_bytes() -> None:
    content = plain("Hello")
    with pytest.raises(DocumentTooLarge):
        PDF.read(content, replace(LIMITS, bytes_max=len(content) - 1))
    with pytest.raises(DocumentTooLarge):
        IMAGE.read(b"\x89PNG\r\n\x1a\n" + b"0" * 100, replace(LIMITS, bytes_max=50))


def test_a_change_in_a_font_whose_codes_nobody_knows_is_refused() -> None:
    with pikepdf.open(BytesIO(plain("Zebedaeus"))) as pdf:
        pdf.pages[0].obj["/Resources"]["/Font"]["/F1"] = Dictionary(Type=Name.Font, Subtype=Name.Type0, Encoding=Name("/90ms-RKSJ-H"), DescendantFonts=Array([Dictionary()]))  # fmt: skip
        content = _saved(pdf)
    with pytest.raises(OstiaryError) as refused:
        PDF.write(content, [Change(0, 0, 3, "")], Options(), LIMITS)
    assert refused.value.code == "document.not_redactable"


@pytest.mark.parametrize("magic", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"GIF89a"])
def test_a_picture_that_is_none(magic: bytes) -> None:
    with pytest.raises(DocumentMalformed):
        IMAGE.read(magic + b"\x00" * 60, LIMITS)


def test_a_picture_that_says_that_it_is_huge() -> None:
    head = b"\x00\x00\x00\rIHDR" + (60_000).to_bytes(4) + (60_000).to_bytes(4) + b"\x08\x02\x00\x00\x00"
    content = (
        b"\x89PNG\r\n\x1a\n"
        + head
        + zlib.crc32(head[4:]).to_bytes(4)
        + b"\x00\x00\x00\x00IDAT"
        + zlib.crc32(b"IDAT").to_bytes(4)
    )
    with pytest.raises(DocumentTooManyPixels):
        IMAGE.read(content, LIMITS)
