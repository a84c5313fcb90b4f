"""What a person decided is what happens: picks go, what was rejected stays, areas that were drawn hold nothing any more; and the output is verified all the same."""

import hashlib
import re
from dataclasses import replace
from io import BytesIO

import pikepdf
import pytest

from ostiary.documents import redacting
from ostiary.documents.document import Drawn, Limits
from ostiary.documents.pdf import PDF
from ostiary.documents.redacting import Pick, Reviewed
from ostiary.documents.sandbox import redacted_apart
from ostiary.documents.unpacking import blobs, views
from ostiary.errors import DocumentNotRedactable, DocumentResidue
from tests.documents.given import MAIL, NAME, SETTINGS
from tests.documents.leaky import plain

TEXT = f"{NAME} wrote to {NAME} and {MAIL}."


def reviewed(*picks: Pick, drawn: tuple[Drawn, ...] = (), about: str = "") -> redacting.Settings:
    return replace(SETTINGS, reviewed=Reviewed(picks, drawn, about))


def test_exactly_what_was_picked_goes() -> None:
    second = TEXT.index(NAME, 1)
    done = redacting.redact(
        TEXT.encode(),
        "a.txt",
        reviewed(Pick(0, second, second + len(NAME), "person"), Pick(0, second + 22, second + 26, "person")),
    )
    assert done.content.decode() == f"{NAME} wrote to [person] [person]{MAIL}."
    assert [(each.place, each.category, each.operator) for each in done.found] == [
        ("text", "person", "replace"),
        ("text", "person", "replace"),
    ]
    assert done.checked.values == 1  # "and" is too short to be looked for


def test_the_same_decisions_in_the_child() -> None:
    settings = reviewed(Pick(0, 0, len(NAME), "person"), about=hashlib.sha256(TEXT.encode()).hexdigest())
    done = redacted_apart(TEXT.encode(), "a.txt", settings)
    assert done.content.decode() == f"[person] wrote to {NAME} and {MAIL}."


@pytest.mark.parametrize(
    "settings",
    [
        reviewed(Pick(1, 0, 1, "person")),
        reviewed(Pick(0, 5, 5, "person")),
        reviewed(Pick(0, 0, len(TEXT) + 1, "person")),
        reviewed(drawn=(Drawn(1, 0, 0, 9, 9),)),
        reviewed(about="0" * 64),
    ],
)
def test_decisions_that_do_not_fit_are_refused(settings: redacting.Settings) -> None:
    with pytest.raises(DocumentNotRedactable):
        redacting.redact(TEXT.encode(), "a.txt", settings)


def test_what_is_left_by_mistake_is_refused_though_one_place_was_rejected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, write = f"{NAME}\n{NAME}\n{NAME}", redacting.formats.TEXT.__class__.write
    monkeypatch.setattr(
        redacting.formats.TEXT.__class__,
        "write",
        lambda self, content, changes, options, limits: write(self, content, changes[:1], options, limits),
    )
    picks = [Pick(0, at, at + len(NAME), "person") for at in (0, len(NAME) + 1)]
    assert redacting.redact(text.encode(), "a.txt", reviewed(picks[0])).content.decode().count(NAME) == 2
    with pytest.raises(DocumentResidue):
        redacting.redact(text.encode(), "a.txt", reviewed(*picks))


def signed() -> bytes:
    """A line of text, a signature in curves beside it, a frame around both, and a table's line through them."""
    with pikepdf.open(BytesIO(plain("Signed by Zebedaeus today"))) as pdf:
        page = pdf.pages[0]
        text = page.obj["/Contents"].read_bytes()
        drawn = b" 5 5 390 190 re S 0 140 m 400 140 l S 200 150 m 210 170 220 130 271 151 c S 250 160 3 3 re f 30 30 40 40 re f"
        page.obj["/Contents"] = pdf.make_stream(text + drawn)
        made = BytesIO()
        pdf.save(made)
    return made.getvalue()


def test_an_area_takes_text_and_shapes_with_it() -> None:
    piece = PDF.read(signed(), Limits()).pieces[0]
    box = next(each for each in piece.boxes if each.start == piece.text.index("Z"))
    area = Drawn(1, box.left - 1, 145, 300, 170, "signature")
    done = redacting.redact(signed(), "a.pdf", reviewed(drawn=(area,)))
    assert [(each.place, each.category, each.operator) for each in done.found] == [
        ("page 1", "signature", "black")
    ]
    assert PDF.read(done.content, Limits()).pieces[0].text.strip() == "Signed by"
    seen = "".join(view for blob in blobs(done.content, Limits()) for view in views(blob))
    assert "Zeb" not in seen
    for gone in ("271 151", "250 160 3 3"):
        assert gone not in seen
    for stays in ("5 5 390 190 re", "400 140 l", "30 30 40 40 re"):
        assert re.search(re.escape(stays), seen)
