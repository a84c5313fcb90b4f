"""OpenDocument files with a name and a number in every carrier we know: redacted, none is left, and what is left is a package as the standard wants it."""

import io
import re
import zipfile
from xml.etree import ElementTree

import pytest

from ostiary.documents import formats
from ostiary.documents.document import Limits
from ostiary.documents.redacting import redact
from ostiary.errors import DocumentEncrypted, DocumentMalformed, DocumentTooDeep
from tests.documents.given import CARD, MAIL, NAME, SETTINGS
from tests.documents.test_office import residues

SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in [
        ("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("style", "style"), ("meta", "meta"),
        ("presentation", "presentation"), ("form", "form"), ("script", "script"), ("svg", "svg-compatible"), ("fo", "xsl-fo-compatible"),
    ]
) + ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xhtml="http://www.w3.org/1999/xhtml"'  # fmt: skip
KINDS = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}
STYLES = """<style:style style:name="Unseen" style:family="text"><style:text-properties text:display="none"/></style:style>
<style:style style:name="Made" style:family="text" style:parent-style-name="Unseen"/>
<style:style style:name="Off" style:family="table"><style:table-properties table:display="false"/></style:style>
<style:style style:name="Away" style:family="drawing-page"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>"""


def package(
    body: str, kind: str = "odt", more: dict[str, bytes] | None = None, *, first: str = "mimetype"
) -> bytes:
    content = f"<office:document-content {SPACES}><office:automatic-styles>{STYLES}</office:automatic-styles><office:body><office:{KINDS[kind]}>{body}</office:{KINDS[kind]}></office:body></office:document-content>"
    styles = f'<office:document-styles {SPACES}><office:master-styles><style:master-page style:name="Standard"><style:header><text:p>To {NAME}</text:p></style:header></style:master-page></office:master-styles></office:document-styles>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as given:
        given.writestr(zipfile.ZipInfo(first), f"application/vnd.oasis.opendocument.{KINDS[kind]}")
        given.writestr("content.xml", content)
        given.writestr("styles.xml", styles)
        for name, data in (more or {}).items():
            given.writestr(name, data)
    return made.getvalue()


def texts(content: bytes) -> list[str]:
    """The paragraphs, by another parser."""
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        assert (given.infolist()[0].filename, given.infolist()[0].compress_type) == ("mimetype", 0)
        manifest = ElementTree.fromstring(given.read("META-INF/manifest.xml"))
        listed = {
            value for each in manifest for key, value in each.attrib.items() if key.endswith("full-path")
        }
        assert listed | {"mimetype", "META-INF/manifest.xml"} == {*given.namelist(), "/"}
        root = ElementTree.fromstring(given.read("content.xml"))
    return ["".join(each.itertext()) for each in root.iter() if each.tag.endswith("text:1.0}p")]


CARRIERS = {
    "a name over spans": ('<text:p>Dear Zebe<text:span text:style-name="T1">deux</text:span><text:s/>Quill<text:span>feather</text:span>!</text:p>', ["Dear [person]!"]),
    "a comment": f'<text:p>a<office:annotation><dc:creator>{NAME}</dc:creator><text:p>{CARD}</text:p></office:annotation>b</text:p>',
    "tracked changes": f'<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><office:change-info><dc:creator>{NAME}</dc:creator></office:change-info><text:p>{CARD}</text:p></text:deletion></text:changed-region></text:tracked-changes><text:p>kept<text:change text:change-id="c1"/></text:p>',
    "hidden text by its style": f'<text:p>a<text:span text:style-name="Made">{NAME} unseen</text:span>b</text:p>',
    "a hidden section": f'<text:section text:name="{NAME}" text:display="none"><text:p>{CARD}</text:p></text:section>',
    "a hidden paragraph": f'<text:p><text:hidden-paragraph text:condition="ooow:1" text:is-hidden="true"/>{NAME}</text:p>',
    "fields and their definitions": (f'<text:user-field-decls><text:user-field-decl office:value-type="string" office:string-value="{NAME}" text:name="{NAME}"/></text:user-field-decls><text:p>by <text:user-field-get text:name="{NAME}">{NAME}</text:user-field-get></text:p>', ["by [person]"]),
    "a conditional text": (f'<text:p>a <text:conditional-text text:condition="ooow:1" text:string-value-if-true="{NAME}" text:string-value-if-false="{CARD}">{NAME}</text:conditional-text></text:p>', ["a [person]"]),
    "bookmarks and names": f'<text:p><text:bookmark text:name="{NAME}"/>a</text:p><text:section text:name="{NAME}"><text:p>b</text:p></text:section>',
    "a link": f'<text:p><text:a xlink:href="mailto:{MAIL}" office:title="{NAME}">mail</text:a></text:p>',
    "a picture elsewhere, with its texts": f'<text:p><draw:frame draw:name="{NAME}"><draw:image xlink:href="http://x.example/{NAME}.png"/><svg:title>{NAME}</svg:title><svg:desc>{CARD}</svg:desc></draw:frame></text:p>',
    "an embedded object": '<text:p><draw:frame><draw:object xlink:href="./Object 1"/><draw:image xlink:href="./ObjectReplacements/Object 1"/></draw:frame></text:p>',
    "forms and macros": f'<office:forms><form:form><form:text form:value="{NAME}"/></form:form></office:forms><office:scripts><office:script>{NAME}</office:script></office:scripts>',
    "data for programs": f'<text:p xhtml:about="{NAME}" xhtml:content="{CARD}">a<text:meta xhtml:property="{NAME}">b</text:meta></text:p>',
    "a note at the foot": (f'<text:p>a<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>of {NAME}</text:p></text:note-body></text:note>b</text:p>', ["a1of [person]b", "of [person]"]),
    "an unknown element": f'<text:p>a</text:p><x:y xmlns:x="urn:x" x:who="{NAME}">{NAME}</x:y>',
    "an entry of a table": (f'<table:table table:name="{NAME}"><table:table-row><table:table-cell><text:p>{CARD}</text:p></table:table-cell></table:table-row></table:table>', ["[card]"]),
}  # fmt: skip


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_a_carrier_in_a_text(carrier: str) -> None:
    given = CARRIERS[carrier]
    body, after = given if isinstance(given, tuple) else (given, None)
    content = package(body + f"<text:p>{NAME}</text:p>")
    done = redact(content, "a.bin", SETTINGS)
    assert done.format == "odt"
    assert residues(done.content) == []
    said = texts(done.content)
    assert said[-1] == "[person]"
    assert after is None or said[:-1] == after


PARTS = {
    "meta.xml": f"<a>{NAME}</a>".encode(),
    "settings.xml": f"<a>{NAME}</a>".encode(),
    "manifest.rdf": NAME.encode(),
    "Thumbnails/thumbnail.png": NAME.encode(),
    "Basic/Standard/Module1.xml": NAME.encode(),
    "META-INF/documentsignatures.xml": NAME.encode(),
    "META-INF/manifest.xml": f'<m full-path="{NAME}"/>'.encode(),
    "Object 1/content.xml": NAME.encode(),
    "Pictures/unused.png": NAME.encode(),
    f"{NAME}.bin": b"x",
}


def test_parts_that_nobody_sees_are_left_out() -> None:
    done = redact(package("<text:p>a</text:p>", more=PARTS), "a.odt", SETTINGS)
    assert residues(done.content) == []
    with zipfile.ZipFile(io.BytesIO(done.content)) as given:
        assert given.namelist() == ["mimetype", "content.xml", "styles.xml", "META-INF/manifest.xml"]
        assert b"To [person]" in given.read("styles.xml")
    assert {each.what for each in done.carriers} == {
        "metadata", "settings", "thumbnails", "macros", "signatures", "embedded objects", "pictures", "other parts",
    }  # fmt: skip


ROW = "<table:table-row{}>{}</table:table-row>"
CELL = '<table:table-cell{} office:value-type="{}" office:value="{}" table:formula="of:=\'{}\'"><text:p>{}</text:p></table:table-cell>'


def test_a_table_of_cells() -> None:
    columns = '<table:table-column/><table:table-column table:number-columns-repeated="2" table:visibility="collapse"/>'
    phone = "01512345678"
    rows = [
        ROW.format("", CELL.format("", "string", "", "", "phone") + CELL.format(' table:number-columns-repeated="2"', "float", 1, "", NAME)),
        ROW.format("", CELL.format("", "float", phone, phone, phone)),
        ROW.format("", CELL.format("", "float", "4111111111111111", CARD, "4.1E15")),
        ROW.format("", CELL.format("", "float", "12.5", "", "12.50")),
        ROW.format(' table:visibility="collapse"', CELL.format("", "float", "7", "", NAME)),
    ]  # fmt: skip
    body = f'<table:table table:name="{NAME}">{columns}{"".join(rows)}</table:table><table:table table:style-name="Off" table:name="x"><table:table-row>{CELL.format("", "float", "1", "", NAME)}</table:table-row></table:table><table:named-expressions><table:named-range table:name="{NAME}"/></table:named-expressions>'
    done = redact(package(body, "ods"), "a.ods", SETTINGS)
    assert residues(done.content) == []
    assert texts(done.content) == ["phone", "[phone]", "4.1E15", "12.50"]
    with zipfile.ZipFile(io.BytesIO(done.content)) as given:
        content = given.read("content.xml").decode()
    assert re.findall(r'office:value="([^"]*)"', content) == ["", "12.5"]
    assert phone not in content
    assert 'table:name="[person]"' not in content
    assert 'table:name="(person)"' in content
    assert {"hidden rows", "hidden columns", "hidden text", "defined names"} <= {
        each.what for each in done.carriers
    }


def test_slides() -> None:
    slide = '<draw:page draw:name="{}"{}><draw:frame><draw:text-box><text:p>Hello {}</text:p></draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>'
    body = slide.format(NAME, "", NAME, CARD) + slide.format(NAME, ' draw:style-name="Away"', NAME, CARD)
    done = redact(package(body, "odp"), "a.odp", SETTINGS)
    assert residues(done.content) == []
    assert texts(done.content) == ["Hello [person]"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (package("", more={"META-INF/manifest.xml": b"<a><encryption-data/></a>"}), DocumentEncrypted),
        (package("<text:p>"), DocumentMalformed),
        (package("<text:p>" * 300 + "</text:p>" * 300), DocumentTooDeep),
        (package("")[:-30], DocumentMalformed),
    ],
)
def test_what_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        redact(content, "a.odt", SETTINGS)


def test_a_text_is_told_by_its_content_and_never_taken_for_an_archive() -> None:
    assert formats.format_of(package("", "odp"), "a.zip").name == "odp"
    assert formats.format_of(package("", "ods"), "").name == "ods"
    assert formats.ODT.read(package("<text:p>a</text:p>"), Limits()).pieces[0].text == "a"


def test_a_type_that_cannot_be_unpacked_is_a_malformed_document() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    content = bytearray(packed.getvalue())
    content[content.index(b"mimetype") + len("mimetype")] = 0xFF
    with pytest.raises(DocumentMalformed):
        redact(bytes(content), "letter.odt", SETTINGS)
