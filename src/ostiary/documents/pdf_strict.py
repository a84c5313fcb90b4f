"""Pages as pictures of themselves, with a layer of text that nobody sees and every reader can search and read aloud: the text of the redacted page, never of the one that was given."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from ostiary.documents import pdf_reading
from ostiary.documents.document import Limits
from ostiary.documents.libraries import library
from ostiary.documents.pdf_reading import Character
from ostiary.errors import DocumentTooManyPixels

SCALE = 150 / 72
LETTERS_MAX = 0xFFFF
WIDE = 0.5
"""How wide a letter of the layer is, in the size of its font: it is stretched to its word."""


def rasterised(content: bytes, limits: Limits) -> bytes:
    """Each page as one picture of it."""
    pikepdf = library("pikepdf")
    made, saved, left = pikepdf.new(), BytesIO(), limits.pixels_max
    layer = _Layer()
    font = made.make_indirect(pikepdf.Dictionary())
    with pdf_reading.with_pages(content, limits) as opened:
        for page in opened:
            width, height = page.get_size()
            left -= int(width * height * SCALE**2)
            if left < 0:
                raise DocumentTooManyPixels
            bitmap = page.render(scale=SCALE, may_draw_forms=False)
            shown = bitmap.to_pil().convert("RGB")
            picture = made.make_stream(shown.tobytes(), Type=pikepdf.Name("/XObject"), Subtype=pikepdf.Name("/Image"), Width=shown.width, Height=shown.height, ColorSpace=pikepdf.Name("/DeviceRGB"), BitsPerComponent=8)  # fmt: skip
            blank = made.add_blank_page(page_size=(width, height))
            text = layer.content(pdf_reading.characters(page), bitmap.get_posconv(page), height)
            blank.obj["/Resources"] = pikepdf.Dictionary(XObject=pikepdf.Dictionary({"/P": picture}))
            if text:
                blank.obj["/Resources"]["/Font"] = pikepdf.Dictionary({"/T": font})
            drawn = f"q {width:.2f} 0 0 {height:.2f} 0 0 cm /P Do Q\n".encode()
            blank.obj["/Contents"] = made.make_stream(drawn + text)
    layer.describe(made, font)
    made.save(saved, deterministic_id=True, compress_streams=True)
    return saved.getvalue()


class _Layer:
    """The font of the layer: no shapes, two bytes a letter, and which letter each code is."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def content(self, letters: Sequence[Character], converter: Any, height: float) -> bytes:
        """The words of a page in a font that paints nothing."""
        lines = [line for word in _words(letters) if (line := self._word(word, converter, height))]
        return b"BT 3 Tr\n" + b"\n".join(lines) + b"\nET\n" if lines else b""

    def _word(self, word: Sequence[Character], converter: Any, height: float) -> bytes:
        corners = [
            converter.to_bitmap(*each)
            for each in (
                (min(each.left for each in word), min(each.bottom for each in word)),
                (max(each.right for each in word), max(each.top for each in word)),
            )
        ]
        left, right = sorted(x / SCALE for x, _ in corners)
        bottom, top = sorted(height - y / SCALE for _, y in corners)
        size, text = max(top - bottom, 1.0), "".join(each.text for each in word)
        codes = "".join(
            f"{self._codes.setdefault(letter, len(self._codes) + 1):04X}" for letter in text + " "
        )
        if len(self._codes) >= LETTERS_MAX:
            return b""
        stretched = max(right - left, 1.0) / (len(text) * WIDE * size) * 100
        return f"/T {size:.2f} Tf {stretched:.2f} Tz 1 0 0 1 {left:.2f} {bottom:.2f} Tm <{codes}> Tj".encode()

    def describe(self, made: Any, font: Any) -> None:
        pikepdf = library("pikepdf")
        name, array, dictionary, string = pikepdf.Name, pikepdf.Array, pikepdf.Dictionary, pikepdf.String
        lines = [
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange"
        ]
        pairs = [
            b"<%04X> <%b>" % (code, letter.encode("utf-16-be", "replace").hex().upper().encode())
            for letter, code in self._codes.items()
        ]
        for at in range(0, len(pairs), 100):
            part = pairs[at : at + 100]
            lines += [b"%d beginbfchar" % len(part), *part, b"endbfchar"]
        about = dictionary(
            Type=name("/FontDescriptor"),
            FontName=name("/Layer"),
            Flags=4,
            FontBBox=array([0, 0, 1000, 1000]),
            ItalicAngle=0,
            Ascent=800,
            Descent=-200,
            CapHeight=700,
            StemV=80,
        )
        below = dictionary(
            Type=name("/Font"),
            Subtype=name("/CIDFontType2"),
            BaseFont=name("/Layer"),
            CIDSystemInfo=dictionary(Registry=string("Adobe"), Ordering=string("Identity"), Supplement=0),
            DW=int(WIDE * 1000),
            FontDescriptor=made.make_indirect(about),
        )
        for key, value in {
            "/Type": name("/Font"), "/Subtype": name("/Type0"), "/BaseFont": name("/Layer"), "/Encoding": name("/Identity-H"),
            "/DescendantFonts": array([made.make_indirect(below)]), "/ToUnicode": made.make_stream(b"\n".join([*lines, b"endcmap end end"])),
        }.items():  # fmt: skip
            font[key] = value


def _words(letters: Sequence[Character]) -> Iterator[list[Character]]:
    """What is seen, word by word."""
    word: list[Character] = []
    for each in letters:
        if not each.visible or not each.text.strip() or each.right <= each.left:
            if word:
                yield word
            word = []
        elif word and (
            abs(each.bottom - word[-1].bottom) > (word[-1].top - word[-1].bottom) * 2
            or each.left < word[-1].left
        ):
            yield word
            word = [each]
        else:
            word.append(each)
    if word:
        yield word
