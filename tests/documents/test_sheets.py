"""Excel files: cells by their columns, and nothing left of what no cell shows."""

import io

import openpyxl
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from ostiary.documents import sheets, xmls
from ostiary.documents.redacting import redact
from tests.documents.given import CARD, MAIL, NAME, SETTINGS
from tests.documents.test_office import edited, residues


def book() -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = NAME
    rows = [
        ["Who", "Card", "Password", "n"],
        [NAME, 4111111111111111, "hunter2horse", 7],
        [f"to {MAIL}", CARD, "x", 8],
    ]
    for row in rows:
        sheet.append(row)
    sheet["E1"] = f'="Zebedeux"&" Quillfeather"&"{NAME}"'
    sheet["A1"].comment = Comment(NAME, NAME)
    sheet["D2"].hyperlink = f"mailto:{MAIL}"
    sheet["A5"], sheet["H1"] = NAME, CARD
    sheet.row_dimensions[5].hidden = True
    sheet.column_dimensions["H"].hidden = True
    sheet.oddHeader.center.text = NAME
    checked = DataValidation(type="list", formula1=f'"{NAME},other"')
    sheet.add_data_validation(checked)
    checked.add("D4")
    workbook.defined_names["who"] = DefinedName("who", attr_text=f'"{NAME}"')
    for title, state in (("h", "hidden"), ("v", "veryHidden")):
        hidden = workbook.create_sheet(title)
        hidden["A1"], hidden.sheet_state = NAME, state
    workbook.properties.creator = NAME
    made = io.BytesIO()
    workbook.save(made)
    return made.getvalue()


def test_a_workbook_with_a_name_in_every_carrier() -> None:
    content = book()
    assert residues(content)
    done = redact(content, "a.xlsx", SETTINGS)
    assert residues(done.content) == []
    workbook = openpyxl.load_workbook(io.BytesIO(done.content))
    assert workbook.sheetnames == ["(person)"]
    rows = [[cell.value for cell in row[:4]] for row in workbook.active.iter_rows(max_row=3)]
    assert rows == [
        ["Who", "Card", "Password", "n"],
        ["[person]", "[card]", "[password]", 7],
        ["to [email]", "[card]", "x", 8],
    ]
    assert {"formulas", "hidden rows", "hidden columns", "hidden sheets", "comments", "defined names"} <= {
        each.what for each in done.carriers
    }


def test_a_finding_names_its_cell() -> None:
    done = redact(book(), "a.xlsx", SETTINGS)
    assert ("sheet1!B2", "card") in {(each.place, each.category) for each in done.found}


def test_texts_that_no_cell_shows_go() -> None:
    content = edited(book(), {"xl/sharedStrings.xml": ("</sst>", f"<si><t>left {NAME}</t></si></sst>")})
    assert residues(redact(content, "a.xlsx", SETTINGS).content) == []


def test_the_codes_of_a_header_are_no_letters_of_the_address_beside_them() -> None:
    tree = xmls.parsed(
        b'<s><oddHeader>&amp;Lzora@leakmail.org&amp;C&amp;"Zora Q,Bold"&amp;12Page &amp;P</oddHeader></s>', 9
    )
    group = sheets._margins(tree, "sheet")[0]
    assert [slot.text for slot in group.slots if slot.text.strip()] == ["zora@leakmail.org", "Page "]
    group.slots[2].put("[a & b]")
    assert tree[0].text == "&L[a && b]&C&12Page &P"
