"""Names and boxes in a PDF that no reader sees: each is a way out for a value, so none stays."""

from io import BytesIO
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from ostiary.documents.pdf_names import quiet_profile
from ostiary.documents.redacting import Settings, redact
from tests.documents import leaky

SAID = "zora.quint"


def _changed(change: Any, content: bytes = b"") -> bytes:
    """One line of text, after somebody wrote SAID into it; and what the redacted file says, uncompressed."""
    with pikepdf.open(BytesIO(leaky.plain("A line that stays"))) as opened:
        page = opened.pages[0]
        change(opened, page)
        if content:
            page.contents_add(opened.make_stream(content))
        made = BytesIO()
        opened.save(made)
    assert SAID.encode() in _unpacked(made.getvalue())
    return _unpacked(redact(made.getvalue(), "a.pdf", Settings()).content)


def _unpacked(content: bytes) -> bytes:
    with pikepdf.open(BytesIO(content)) as opened:
        made = BytesIO()
        opened.save(made, stream_decode_level=pikepdf.StreamDecodeLevel.all, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)  # fmt: skip
    return made.getvalue()


def _font(opened: Any, page: Any) -> None:
    page.Resources.Font[f"/{SAID}"] = page.Resources.Font.F1


def _state(opened: Any, page: Any) -> None:
    page.Resources["/ExtGState"] = Dictionary({f"/{SAID}": Dictionary(CA=1)})


def _ink(opened: Any, page: Any) -> None:
    how = Dictionary(FunctionType=2, Domain=[0, 1], C0=[1, 1, 1], C1=[1, 0, 0], N=1)
    ink = Array([Name.Separation, Name(f"/{SAID}"), Name.DeviceRGB, how])
    page.Resources["/ColorSpace"] = Dictionary({"/C": ink})


def _family(opened: Any, page: Any) -> None:
    page.Resources.Font.F1.BaseFont = Name(f"/{SAID}")


def _jpeg_2000(opened: Any, page: Any) -> None:
    body = bytes(16) + SAID.encode()
    made = opened.make_stream((len(body) + 8).to_bytes(4) + b"uuid" + body)
    made.stream_dict = Dictionary(
        Type=Name.XObject, Subtype=Name.Image, Width=4, Height=4, Filter=Name.JPXDecode
    )
    page.Resources["/XObject"] = Dictionary({"/I": made})


def _glyph(opened: Any, page: Any) -> None:
    drawn = opened.make_stream(b"500 0 0 0 500 500 d1 0 0 400 400 re f")
    page.Resources.Font["/T3"] = opened.make_indirect(
        Dictionary(
            Type=Name.Font, Subtype=Name.Type3, FontBBox=[0, 0, 500, 500], FontMatrix=[0.001, 0, 0, 0.001, 0, 0], FirstChar=65,
            LastChar=65, Widths=[500], CharProcs=Dictionary({f"/{SAID}": drawn}), Encoding=Dictionary(Differences=Array([65, Name(f"/{SAID}")])),
        )
    )  # fmt: skip


def _nothing(opened: Any, page: Any) -> None:
    """What is said is in the content."""


@pytest.mark.parametrize(
    ("change", "content"),
    [
        (_font, f"BT /{SAID} 9 Tf 30 100 Td (x) Tj ET".encode()),
        (_state, f"/{SAID} gs".encode()),
        (_ink, b"/C cs 1 scn 0 0 5 5 re f"),
        (_family, b""),
        (_jpeg_2000, b"q /I Do Q"),
        (_glyph, b"BT /T3 9 Tf 30 100 Td (A) Tj ET"),
        (_nothing, f"BX {SAID} EX".encode()),
        (_nothing, b"BI /W 1 /H 1 /BPC 8 /CS /G /Own (" + SAID.encode() + b") ID \xff EI"),
    ],
)
def test_what_no_reader_sees_says_nothing(change: Any, content: bytes) -> None:
    made = _changed(change, content)
    assert SAID.encode() not in made
    assert b"A line that stays" in made


def test_the_glyphs_that_are_gone_are_not_named_by_the_font() -> None:
    with pikepdf.open(BytesIO(leaky.plain("Mail zora@leakmail.org now"))) as opened:
        letters = [Name(f"/{letter}") for letter in "qjxwv"]
        opened.pages[0].Resources.Font.F1.Encoding = Dictionary(
            BaseEncoding=Name.WinAnsiEncoding, Differences=Array([1, *letters, 77, Name.M])
        )
        made = BytesIO()
        opened.save(made)
    with pikepdf.open(BytesIO(redact(made.getvalue(), "a.pdf", Settings()).content)) as opened:
        assert opened.pages[0].Resources.Font.F1.Encoding.Differences == Array([77, Name.M])


def test_a_colour_profile_keeps_its_numbers_and_loses_its_texts() -> None:
    curve, text = b"curv" + bytes(8), b"text" + bytes(4) + SAID.encode()
    table = (2).to_bytes(4) + b"rTRC" + (156).to_bytes(4) + (12).to_bytes(4)
    table += b"dmnd" + (168).to_bytes(4) + len(text).to_bytes(4)
    made = quiet_profile(bytes(36) + b"acsp" + bytes(88) + table + curve + text)
    assert SAID.encode() not in made
    assert curve in made
    assert int.from_bytes(made[:4]) == len(made)
    assert made[36:40] == b"acsp"


def test_a_profile_in_a_page_is_still_one_after_it_lost_its_texts() -> None:
    text = b"text" + bytes(4) + SAID.encode()
    profile = bytes(36) + b"acsp" + bytes(88) + (1).to_bytes(4) + b"dmnd" + (144).to_bytes(4) + len(text).to_bytes(4) + text  # fmt: skip

    def change(opened: Any, page: Any) -> None:
        own = opened.make_stream(profile)
        own.N = 3
        page.Resources["/ColorSpace"] = Dictionary({"/C": Array([Name.ICCBased, own])})
        page.obj["/LastModified"] = String("x")

    assert SAID.encode() not in _changed(change, b"/C cs 1 0 0 scn 0 0 5 5 re f")
