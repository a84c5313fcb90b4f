"""Office files with a name and a number in every carrier we know: redacted, none is left, and the usual readers open what is left."""

import base64
import io
import re
import zipfile

import docx
import pptx
import pytest

from ostiary.documents.redacting import redact
from tests.documents.given import CARD, MAIL, NAME, SETTINGS

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def residues(content: bytes) -> list[str]:
    """Search by none of our code: every entry, and its markup taken out, in UTF-8, UTF-16 and base64."""
    found = []
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for name in package.namelist():
            data = package.read(name)
            stripped = re.sub(rb"<[^>]*>", b"", data)
            for canary in (*NAME.split(), "quillfeather.example", "4111 1111", "4111111111111111"):
                forms = [canary.encode(), canary.encode("utf-16-le"), base64.b64encode(canary.encode())[:-3]]
                forms += [canary.upper().encode(), canary.lower().encode()]
                if any(form in data or form in stripped or form in name.encode() for form in forms):
                    found.append(f"{name}: {canary}")
    return found


def edited(content: bytes, edits: dict[str, tuple[str, str]], added: dict[str, bytes] | None = None) -> bytes:
    """The package with one replacement in each named part, and parts added."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name in edits:
                before, after = (each.encode() for each in edits[name])
                assert before in data, (name, before)
                data = data.replace(before, after, 1)
            new.writestr(name, data)
        for name, data in (added or {}).items():
            new.writestr(name, data)
    return made.getvalue()


def word() -> bytes:
    document = docx.Document()
    paragraph = document.add_paragraph("Dear ")
    for part in ("Zebe", "deux Quill", "feather", ", mail zeb@quill", "feather.example"):
        paragraph.add_run(part).bold = part == "feather"
    document.core_properties.author = NAME
    document.core_properties.comments = CARD
    document.sections[0].header.paragraphs[0].text = f"To {NAME}"
    document.sections[0].footer.paragraphs[0].text = f"Card {CARD}"
    document.add_table(1, 2).cell(0, 1).text = CARD
    document.add_paragraph("END")
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


BODY = {
    "deleted text": f'<w:p><w:del w:id="1" w:author="{NAME}"><w:r><w:delText>{NAME}</w:delText></w:r></w:del></w:p>',
    "inserted text": f'<w:p><w:ins w:id="2" w:author="{NAME}"><w:r><w:t>hi {NAME}</w:t></w:r></w:ins></w:p>',
    "moved text": f'<w:p><w:moveFrom w:id="3" w:author="x"><w:r><w:t>{CARD}</w:t></w:r></w:moveFrom></w:p>',
    "hidden text": f"<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>{NAME} and secrets</w:t></w:r></w:p>",
    "a field code": f'<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>HYPERLINK "mailto:{MAIL}"</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    '<w:r><w:t>mail</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>',
    "a simple field": f'<w:p><w:fldSimple w:instr="AUTHOR {NAME}"><w:r><w:t>{NAME}</w:t></w:r></w:fldSimple></w:p>',
    "a bookmark": f'<w:p><w:bookmarkStart w:id="9" w:name="{NAME}"/><w:r><w:t>b</w:t></w:r><w:bookmarkEnd w:id="9"/></w:p>',
    "a content control": f'<w:sdt><w:sdtPr><w:alias w:val="{NAME}"/><w:tag w:val="{CARD}"/></w:sdtPr><w:sdtContent><w:p><w:r><w:t>c {NAME}</w:t></w:r></w:p></w:sdtContent></w:sdt>',
    "tabs and breaks": "<w:p><w:r><w:t>Zebedeux</w:t><w:tab/><w:t>Quillfeather</w:t><w:br/><w:t>4111 1111</w:t></w:r><w:r><w:t> 1111 1111</w:t></w:r></w:p>",
    "a text box": f'<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml" alt="{NAME}"><v:textbox><w:txbxContent><w:p><w:r><w:t>box Zebedeux</w:t></w:r><w:r><w:t> Quillfeather</w:t></w:r></w:p>'
    "</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>",
    "a table's caption": f'<w:tbl><w:tblPr><w:tblCaption w:val="{NAME}"/></w:tblPr><w:tr><w:tc><w:p><w:r><w:t>z</w:t></w:r></w:p></w:tc></w:tr></w:tbl>',
    "a revision's author": f'<w:p><w:pPr><w:pPrChange w:id="4" w:author="{NAME}"><w:pPr/></w:pPrChange></w:pPr><w:r><w:t>r</w:t></w:r></w:p>',
    "an unknown element": f'<w:p><x:note xmlns:x="urn:x" x:who="{NAME}">{NAME}</x:note></w:p>',
    "a deleted row": f'<w:tbl><w:tr><w:trPr><w:del w:id="5" w:author="x"/></w:trPr><w:tc><w:p><w:r><w:t>{NAME}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>',
}
PARTS = {
    "customXml/item9.xml": f"<a>{NAME}</a>".encode(),
    "word/comments.xml": f'<w:comments xmlns:w="{W}"><w:comment w:author="{NAME}"/></w:comments>'.encode(),
    "word/people.xml": NAME.encode(),
    "word/vbaProject.bin": NAME.encode("utf-16-le"),
    "word/embeddings/oleObject1.bin": base64.b64encode(NAME.encode()),
    "docProps/custom.xml": f"<a>{CARD}</a>".encode(),
    "word/media/photo.jpeg": b"\xff\xd8\xff\xe1" + NAME.encode(),
    f"word/{NAME}.xml": b"<a/>",
}


@pytest.mark.parametrize("carrier", list(BODY))
def test_a_carrier_in_the_body_of_a_word_file(carrier: str) -> None:
    content = edited(
        word(), {"word/document.xml": ("<w:p><w:r><w:t>END", BODY[carrier] + "<w:p><w:r><w:t>END")}
    )
    assert residues(content)
    done = redact(content, "a.docx", SETTINGS)
    assert residues(done.content) == []
    texts = [each.text for each in docx.Document(io.BytesIO(done.content)).paragraphs]
    assert (texts[0], texts[-1]) == ("Dear [person], mail [email]", "END")


def test_parts_that_nobody_sees_are_left_out_of_a_word_file() -> None:
    done = redact(edited(word(), {}, PARTS), "a.docx", SETTINGS)
    assert residues(done.content) == []
    document = docx.Document(io.BytesIO(done.content))
    assert document.sections[0].header.paragraphs[0].text == "To [person]"
    assert document.tables[0].cell(0, 1).text == "[card]"
    assert [run.bold for run in document.paragraphs[0].runs] == [None, False, False, True, False, False]
    assert {"metadata", "comments", "macros", "custom data"} <= {each.what for each in done.carriers}


def test_the_target_of_a_link_is_redacted_and_stays_a_link() -> None:
    document = docx.Document()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
    document.part.relate_to(f"mailto:{MAIL}", kind, is_external=True)
    document.add_paragraph("x")
    made = io.BytesIO()
    document.save(made)
    done = redact(made.getvalue(), "a.docx", SETTINGS)
    assert residues(done.content) == []
    relations = docx.Document(io.BytesIO(done.content)).part.rels.values()
    assert [each.target_ref for each in relations if each.is_external] == ["mailto:%5Bemail%5D"]


def test_slides() -> None:
    deck = pptx.Presentation()
    first, second = (deck.slides.add_slide(deck.slide_layouts[1]) for _ in range(2))
    first.shapes.title.text, first.placeholders[1].text = f"Hello {NAME}", f"pay {CARD}"
    first.notes_slide.notes_text_frame.text = f"tell {NAME}"
    first.shapes.title.name = NAME
    first.shapes.title._element.nvSpPr.cNvPr.set("descr", CARD)
    second.shapes.title.text = NAME
    second._element.set("show", "0")
    deck.core_properties.author = NAME
    made = io.BytesIO()
    deck.save(made)
    done = redact(made.getvalue(), "a.pptx", SETTINGS)
    assert residues(done.content) == []
    slides = pptx.Presentation(io.BytesIO(done.content)).slides
    assert [[shape.text_frame.text for shape in slide.shapes] for slide in slides] == [
        ["Hello [person]", "pay [card]"]
    ]
    assert {"hidden slides", "notes", "metadata"} <= {each.what for each in done.carriers}
