"""What is painted over what went: one box along a turned line, whatever its letters are, and one in each column of a level one."""

from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from pikepdf import Dictionary, Name

from ostiary.documents import pdf_reading
from ostiary.documents.document import Change, Limits, Options
from ostiary.documents.pdf import PDF
from tests.documents import leaky


def _page(content: bytes) -> bytes:
    with pikepdf.open(BytesIO(leaky.plain(""))) as opened:
        page = opened.pages[0]
        page.obj["/MediaBox"] = pikepdf.Array([0, 0, 400, 400])
        page.obj["/Contents"] = opened.make_stream(content)
        page.Resources.Font.F1 = opened.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Courier)
        )
        made = BytesIO()
        opened.save(made)
    return made.getvalue()


def _without(content: bytes, gone: str) -> bytes:
    text = next(iter(pdf_reading.read_pages(content, Limits()))).text
    start = text.index(gone)
    return PDF.write(content, [Change(0, start, start + len(gone), "[x]")], Options(), Limits())


def _outline(content: bytes) -> bytes:
    """The page as it is painted."""
    with pypdfium2.PdfDocument(content) as opened:
        return opened[0].render(scale=2).to_pil().convert("L").tobytes()


@pytest.mark.parametrize("turn", [b"0 1 -1 0 200 50", b".8 .6 -.6 .8 60 60", b"-1 0 0 -1 380 200"])
def test_a_box_on_a_turned_line_does_not_draw_the_letters_under_it(turn: bytes) -> None:
    flat, high = b"abcaxeacvz", b"lbdfgfjytq"
    pages = []
    for name in (flat, high):
        shown = b"q " + turn + b" cm BT /F1 15 Tf 20 0 Td (" + name + b") Tj ET Q"
        pages.append(_outline(_without(_page(shown), name.decode())))
    differ = sum(abs(one - other) > 128 for one, other in zip(*pages, strict=True))
    assert pages[0].count(0) > 3000
    assert differ < 150  # at most the box's end, which the last letter's width sets


def test_what_runs_over_two_columns_gets_a_box_in_each() -> None:
    content = _page(b"BT /F1 12 Tf 30 200 Td (Rope) Tj 120 0 Td (Zora) Tj ET")
    with pikepdf.open(BytesIO(_without(content, "Rope Zora"))) as opened:
        drawn = opened.pages[0].Contents.read_bytes()
    assert drawn.count(b"([x])") == 2
