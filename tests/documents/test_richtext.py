"""Bodies of messages in RTF: unpacked, read as the HTML that they were, or as text; and those that would harm."""

from email import message_from_bytes, policy

import pytest

from ostiary.documents import richtext
from ostiary.documents.redacting import Settings, redact
from ostiary.errors import DocumentMalformed, DocumentTooDeep, DocumentUnpacksTooLarge, OstiaryError
from tests.documents.compound import compound
from tests.documents.test_outlook import numbers, text

HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c09002062770 5b06c647d0a800fa0".replace(
        " ", ""
    )
)
"""[MS-OXRTFCP], 4.1."""
LOOP = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
"""[MS-OXRTFCP], 4.2: what is copied runs over its own end."""
HTML = rb"""{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fnil\fcharset204 Cyr;}}
\uc1\pard\f0{\*\htmltag19 <html>}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Gr\'fc\'dfe {\*\htmltag84 <b>}\htmlrtf {\b\htmlrtf0 zora.\htmlrtf only RTF\htmlrtf0
quint{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 @leakmail.org {\f1 \'cf\'f0}\u-10179?\u-8704?{\*\mhtmltag84 <a>}{\*\htmltag72 </p>}\htmlrtf\par}\htmlrtf0{\*\htmltag27 </html>}}"""
PLAIN = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}{\stylesheet{\s0 Style;}}{\info{\author Author}}{\*\generator G;}\pard Write to,\par
zora.quint@leakmail.org\tab x{\v hidden}{\field{\*\fldinst HYPERLINK "mailto:a"}{\fldrslt link}}{\pict\bin5 }}}}abc}\par end\'e9}"""


def stored(rtf: bytes) -> bytes:
    """The packed form that packs nothing."""
    return (len(rtf) + 12).to_bytes(4, "little") + len(rtf).to_bytes(4, "little") + b"MELA" + bytes(4) + rtf


def test_the_packed_texts_of_the_standard() -> None:
    assert richtext.unpacked(HELLO, 1000) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert richtext.unpacked(LOOP, 1000) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_html_comes_out_as_it_went_in() -> None:
    made, is_html = richtext.read(HTML)
    assert is_html
    assert made == "<html><p>Grüße <b>zora.quint</b>@leakmail.org Пр😀</p></html>"


def test_text_comes_out_without_what_nobody_sees() -> None:
    assert richtext.read(PLAIN) == ("Write to,\nzora.quint@leakmail.org\txlink\nendé", False)


@pytest.mark.parametrize(
    ("rtf", "kind", "said"),
    [(HTML, "html", "<p>Grüße <b>[email]</b>"), (PLAIN, "plain", "Write to,\n[email]\txlink")],
)
def test_a_message_that_has_only_rtf_comes_out_with_its_text(rtf: bytes, kind: str, said: str) -> None:
    content = compound(
        {
            **numbers(32),
            **text("001A", "IPM.Note"),
            **text("0037", "Hello"),
            "__substg1.0_10090102": stored(rtf),
        }
    )
    made = message_from_bytes(redact(content, "a.msg", Settings()).content, policy=policy.default)
    body = made.get_body((kind,))
    assert body is not None
    assert said in body.get_content().replace("\r\n", "\n")
    assert "quint" not in body.get_content()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", DocumentMalformed),
        (bytes(8) + b"ABCD" + bytes(40), DocumentMalformed),
        (HELLO[:16] + b"\xff" + bytes(200_000), DocumentUnpacksTooLarge),
    ],
)
def test_what_cannot_be_unpacked(data: bytes, error: type[OstiaryError]) -> None:
    with pytest.raises(error):
        richtext.unpacked(data, 5_000)


def test_braces_without_end_are_refused_and_broken_ones_are_read() -> None:
    with pytest.raises(DocumentTooDeep):
        richtext.read(b"{\\rtf1" + b"{" * 1000)
    assert richtext.read(b"{\\rtf1 a}}}}{b\\bin99999999999999 c") == ("ab", False)
    assert richtext.read(b"{\\rtf1\\u-99999999 a\\'")[1] is False
