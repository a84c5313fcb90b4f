"""Reading alone: in the child process as in this one; bounded; and a process that is kept goes on after an error, and after it was killed."""

from dataclasses import replace
from io import BytesIO
from time import monotonic

import pikepdf
import pytest
from PIL import Image

from ostiary.documents import confined, reading
from ostiary.documents.document import Kind, Limits
from ostiary.errors import (
    DocumentFormatUnknown,
    DocumentMalformed,
    DocumentNotRedactable,
    DocumentTookTooLong,
    DocumentTooLarge,
)
from tests.documents.leaky import leaky, plain

LIMITS = Limits()


def test_what_is_read_apart_is_what_is_read() -> None:
    content = leaky()
    document = reading.read_apart(content, "a.pdf", LIMITS)
    assert document == reading.read(content, "a.pdf", LIMITS)
    assert (document.format, document.pieces[0].kind) == ("pdf", Kind.VISIBLE)
    assert document.pieces[0].boxes[0].page == 1


def test_a_reader_goes_on_after_an_error() -> None:
    with reading.Reader(replace(LIMITS, bytes_max=10_000), uses_max=3) as reader:
        assert [each.text for each in reader.read(b"one", "a.txt").pieces] == ["one"]
        with pytest.raises(DocumentFormatUnknown):
            reader.read(b"\x00\x01\xff", "a.bin")
        with pytest.raises(DocumentTooLarge):
            reader.read(b"x" * 10_001, "a.txt")
        assert reader.read(b"a,b\n1,2\n", "a.csv").format == "csv"
        assert reader.read(plain("Hello"), "x").pieces[0].text == "Hello"  # in the next process


def test_a_page_is_shown_with_its_measures() -> None:
    with pikepdf.open(BytesIO(plain("Hello"))) as pdf:
        pdf.pages[0].obj["/Rotate"], pdf.pages[0].obj["/CropBox"] = 90, pikepdf.Array([10, 10, 390, 190])
        given = BytesIO()
        pdf.save(given)
    shown = reading.shown_apart(given.getvalue(), "a.pdf", 1, LIMITS)
    assert (shown.pages, shown.width, shown.height) == (1, 360, 760)
    box = reading.read(given.getvalue(), "a.pdf", LIMITS).pieces[0].boxes[0]
    with Image.open(BytesIO(shown.png)) as picture:
        dark = [(n % 360, n // 360) for n, value in enumerate(picture.convert("L").tobytes()) if value < 99]
    a, b, c, d, e, f = shown.to_page
    places = [(a * x + c * y + e, b * x + d * y + f) for x, y in dark]
    assert min(x for x, _ in places) == pytest.approx(box.left, abs=1)
    assert max(y for _, y in places) == pytest.approx(box.top, abs=1)
    with pytest.raises(DocumentNotRedactable):
        reading.shown_apart(given.getvalue(), "a.pdf", 2, LIMITS)


@pytest.mark.parametrize(
    ("what", "error"),
    [("sleep", DocumentTookTooLong), ("die", DocumentMalformed), ("nan", DocumentMalformed)],
)
def test_a_child_that_does_no_good_is_ended_and_another_one_starts(
    what: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; sys.path.insert(0, '.'); from ostiary.documents.confined import child; child()"
    monkeypatch.setattr(confined, "PROGRAM", program)
    begun = monotonic()
    with confined.Child(
        "tests.documents.tasks:nonsense",
        replace(LIMITS, seconds_max=10 if what == "sleep" else 100),
        uses_max=9,
    ) as child:
        with pytest.raises(error):
            child.ask(what)
        assert child.ask("hello") == ({"said": "hello"}, b"bytes")
    assert monotonic() - begun < 60
