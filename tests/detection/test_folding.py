"""A text and its plain spelling: whatever way a text takes through `fold`, it says what folding letter by letter says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection import folding
from ostiary.detection.folding import fold

ODD = "ab1 .@-\té\u0435\u200b\x0b\x0c\x00\x7f\u0661\uff11\ud800ß\u4e00\n\U0001d7ce\xa0\u2011"
ESCAPES = [
    "\\u0041",
    "\\x41",
    "\\u{41}",
    "\\n1",
    "%2541",
    "%C3%BC",
    "&amp;#65;",
    "&shy;",
    "<wbr>",
    "1<b>2",
    "1=\n2",
    " _1",
    "1_ ",
    "a b c d e f g h i j",
    "&#x41;",
    "%41",
    "[.]",
    " (at) ",
    "&commat;",
    "1%202",
    "1\n> 2",
    "four one one one two two two ",
    "\\U00000041",
    "(page",
    "<b",
    "100%",
    "&c",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*ODD, *ESCAPES]), st.text(max_size=4)), max_size=12).map("".join))
def test_every_way_gives_what_the_letters_give(text: str) -> None:
    folded = fold(text)
    if folding._ESCAPE.search(text):
        assert folded.offsets is not None
        return
    kept = [
        (at, letter)
        for at, letter in enumerate(text)
        if folding._plain_or_self(letter) or " " <= letter <= "~"
    ]
    if text.isascii() and not set(text) & set(map(chr, folding._CONTROLS)):
        assert folded.data == text.encode()
        return
    assert folded.data.decode("latin-1") == "".join(folding._plain_or_self(letter) for _, letter in kept)
    for place, (at, _) in enumerate(kept):
        assert folded.span(place, place + 1) == (at, at + 1)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*ODD, *ESCAPES]), st.text(max_size=4)), max_size=12).map("".join))
def test_no_escape_is_overlooked(text: str) -> None:
    if folding._ESCAPE.search(text):
        data = text.encode("ascii", "ostiary.plain")
        assert folding.may_escape(data)
        every = [escape.span() for escape in folding._ESCAPE.finditer(text)]
        assert [escape.span() for escape in folding._escapes(text, data)] == every


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain (as it is) & 100 %", "plain (as it is) & 100 %"),
        ("jane&#64;example.com", "jane@example.com"),
        ("4111\n>> 1111", "4111\n1111"),
        ("Four one ONE-one two, two three.", "4111223."),
        ("one two three four five six", "one two three four five six"),
        ("\\U00000034111 ➍⑷⁴₄⒋", "4111 44444"),
        ("jane ᴀᴛ ɪɢɴ", "jane at ign"),
        ("Müller paid ４１１１", "Muller paid 4111"),
        ("4\u200b1", "41"),
        ("a\x00b", "ab"),
        ("\\u0041\\u00fc\\x31 \\n1", "Au1  1"),
        ("%2541 %C3%BC %c3%bc", "A u u"),
        ("&amp;#52;&shy;1 1<wbr>2 3<b>4", "41 12 34"),
        ("1 2 3 4 5 6 7 8 9", "123456789"),
        ("1 2 3 4 5 6 7 8 9 10", "1 2 3 4 5 6 7 8 9 10"),
        (" 1" * 60, " 1" * 60),
        ("é\x0bé", "ee"),
    ],
)
def test_what_stands_for_what(text: str, plain: str) -> None:
    assert fold(text).data.decode("latin-1") == plain
