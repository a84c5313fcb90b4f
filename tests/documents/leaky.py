"""A PDF that says one name in every way that we know: what a redaction has to find and take out."""

from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String

NAME = "Zebedaeus"


def _helvetica(pdf: Pdf) -> pikepdf.Object:
    return pdf.make_indirect(
        Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    )


def plain(text: str, *, pages: int = 1) -> bytes:
    """A PDF of one line a page."""
    pdf = pikepdf.new()
    font = _helvetica(pdf)
    for _ in range(pages):
        page = pdf.add_blank_page(page_size=(400, 200))
        page.obj["/Resources"] = Dictionary(Font=Dictionary(F1=font))
        page.obj["/Contents"] = pdf.make_stream(b"BT /F1 12 Tf 30 150 Td (" + text.encode() + b") Tj ET")
    made = BytesIO()
    pdf.save(made, fix_metadata_version=False)
    return made.getvalue()


CONTENT = b"""
q 1 0 0 1 0 0 cm
BT /F1 12 Tf 50 750 Td (Contract of Zebedaeus with the harbour) Tj ET
BT /F1 12 Tf 50 720 Td [(Ker) 20 (ned: Ze) -30 (bed) 40 (ae) 15 (us, on the quay)] TJ ET
BT /F1 12 Tf 50 690 Td (Under a box: Zebedaeus stays) Tj ET 0 g 110 685 120 16 re f
/Fm0 Do
/OC /L1 BDC BT /F1 12 Tf 50 630 Td (Zebedaeus in a hidden layer) Tj ET EMC
BT 3 Tr /F1 12 Tf 50 600 Td (Zebedaeus unseen) Tj 0 Tr ET
/Span <</ActualText (Zebedaeus spoken)>> BDC BT /F1 12 Tf 50 570 Td (A picture of him) Tj ET EMC
BT /F1 12 Tf 14 TL 50 540 Td (First line) Tj (Zebedaeus on the next) ' 1 2 (and Zebedaeus again) " ET
BT /F2 12 Tf 50 480 Td <005A006500620065006400610065007500730021> Tj ET
Q
"""


def leaky() -> bytes:
    """The carriers: text, kerned text, text under a box, a form XObject, a layer that is off, invisible text, ActualText, both quote operators, a composite font, an annotation,
    a form field, DocInfo, XMP, an outline, an attachment, a script, structure and named destinations."""
    pdf = pikepdf.new()
    font = _helvetica(pdf)
    layer = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(f"Layer of {NAME}")))
    form = pdf.make_stream(b"BT /F1 12 Tf 0 0 Td (Within a form: Zebedaeus stands) Tj ET", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, -10, 400, 40]), Matrix=Array([1, 0, 0, 1, 50, 660]), Resources=Dictionary(Font=Dictionary(F1=font)))  # fmt: skip
    page = pdf.add_blank_page(page_size=(595, 842))
    page.obj["/Contents"] = pdf.make_stream(CONTENT)
    page.obj["/Resources"] = Dictionary(Font=Dictionary(F1=font, F2=_composite(pdf)), XObject=Dictionary(Fm0=form), Properties=Dictionary(L1=layer))  # fmt: skip
    note = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Text, Rect=Array([10, 10, 30, 30]), Contents=String(f"Ask {NAME}")
        )
    )
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T=String("client"),
            V=String(NAME),
            Rect=Array([40, 10, 90, 30]),
        )
    )
    page.obj["/Annots"] = Array([note, field])
    root = pdf.Root
    root["/AcroForm"] = Dictionary(Fields=Array([field]))
    root["/OCProperties"] = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))
    root["/OpenAction"] = Dictionary(S=Name.JavaScript, JS=String(f"app.alert('{NAME}')"))
    root["/StructTreeRoot"] = pdf.make_indirect(
        Dictionary(Type=Name.StructTreeRoot, K=Dictionary(S=Name.Figure, Alt=String(f"{NAME} laughing")))
    )
    root["/PageLabels"] = Dictionary(Nums=Array([0, Dictionary(P=String(NAME))]))
    root["/Names"] = Dictionary(
        Dests=Dictionary(Names=Array([String(f"to-{NAME}"), Array([page.obj, Name.Fit])]))
    )
    pdf.docinfo["/Author"] = NAME
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem(f"About {NAME}", 0))
    pdf.attachments["notes.txt"] = f"Call {NAME} tomorrow".encode()
    root["/Metadata"] = pdf.make_stream(
        f"<x:xmpmeta><dc:title>{NAME}</dc:title></x:xmpmeta>".encode(), Type=Name.Metadata, Subtype=Name.XML
    )
    root["/Metadata"] = pdf.make_stream(
        f"<x:xmpmeta><dc:title>{NAME}</dc:title></x:xmpmeta>".encode(), Type=Name.Metadata, Subtype=Name.XML
    )
    made = BytesIO()
    pdf.save(made, fix_metadata_version=False)
    return made.getvalue()


def _composite(pdf: Pdf) -> pikepdf.Object:
    """A font of two bytes a letter, with its letters in ToUnicode."""
    pairs = b"\n".join(b"<%04X> <%04X>" % (ord(each), ord(each)) for each in "Zebedaus!")
    letters = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange\n9 beginbfchar\n" + pairs + b"\nendbfchar endcmap end end"  # fmt: skip
    below = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name.Own, CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0), DW=600, FontDescriptor=Dictionary(Type=Name.FontDescriptor, FontName=Name.Own, Flags=4, FontBBox=Array([0, 0, 1000, 1000]), ItalicAngle=0, Ascent=800, Descent=-200, CapHeight=700, StemV=80)))  # fmt: skip
    return pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.Own, Encoding=Name("/Identity-H"), DescendantFonts=Array([below]), ToUnicode=pdf.make_stream(letters)))  # fmt: skip
