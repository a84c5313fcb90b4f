"""Pictures within office files: what they say is read and painted over; what cannot be read becomes empty."""

import io
import zipfile

import docx
import pytest
from PIL import Image

from ostiary.documents import ocr, pictures
from ostiary.documents.document import Limits
from ostiary.documents.formats import DOCX
from ostiary.documents.ocr import ocr_image
from ostiary.documents.redacting import redact
from tests.documents.given import NAME, SETTINGS
from tests.documents.test_images import drawn, encoded
from tests.documents.test_office import edited

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><text>Zebedeux Quillfeather</text></svg>'


def word() -> bytes:
    document, made = docx.Document(), io.BytesIO()
    document.add_picture(io.BytesIO(encoded(drawn(f"Call {NAME} today"), "PNG")))
    document.save(made)
    return edited(made.getvalue(), {}, {"word/media/unused.png": encoded(drawn(NAME), "PNG")})


def shown(content: bytes) -> dict[str, Image.Image]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: Image.open(io.BytesIO(package.read(name))).convert("RGB") for name in package.namelist() if "picture" in name}  # fmt: skip


def test_a_picture_is_read_and_painted_over() -> None:
    done = redact(word(), "a.docx", SETTINGS)
    assert [(each.place, each.category) for each in done.found] == [("picture 1, frame 1", "person")]
    ((name, picture),) = shown(done.content).items()
    assert name == "word/media/picture1.png"
    said = " ".join(line.text for line in ocr_image(picture, Limits()))
    assert "today" in said
    assert "Zeb" not in said
    assert "feather" not in said
    assert len(docx.Document(io.BytesIO(done.content)).inline_shapes) == 1


def test_without_the_library_and_for_drawings_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_there", lambda: False)
    done = redact(word(), "a.docx", SETTINGS)
    assert [picture.size for picture in shown(done.content).values()] == [(1, 1)]
    assert {each.what: each.count for each in done.carriers}["pictures"] == 2
    monkeypatch.undo()
    with zipfile.ZipFile(io.BytesIO(word())) as package:
        name = next(each for each in package.namelist() if each.startswith("word/media/image"))
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as old, zipfile.ZipFile(made, "w") as new:
        for each in old.namelist():
            new.writestr(each, SVG if each == name else old.read(each))
    done = redact(made.getvalue(), "a.docx", SETTINGS)
    assert [picture.size for picture in shown(done.content).values()] == [(1, 1)]


def test_only_so_many_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "PICTURES_MAX", 0)
    document = DOCX.read(word(), Limits())
    assert not any("picture" in piece.place for piece in document.pieces)
    assert {each.what: each.count for each in document.carriers}["pictures"] == 2
