"""One value in every way of writing it is found; what only looks like a number of a person is not."""

import uuid
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection.categories import Family, family_of
from ostiary.detection.engine import find

IDENTITIES = frozenset(
    [
        Family.CARD,
        Family.IBAN,
        Family.NATIONAL_ID,
        Family.PHONE,
        Family.EMAIL,
        Family.IP_ADDRESS,
        Family.TAX_ID,
    ]
)
JOINTS = [
    "", " ", "-", ".", "_", "\u00a0", "\u2009", "\u200b", "\u2013", "\u2011", "\u00ad", "%20", "&nbsp;", "&#45;", " - ",
]  # fmt: skip


def covered(category: str, value: str) -> bool:
    text = f"note: {value} , end"
    return any(
        found.category == category and found.start <= 6 and found.end >= 6 + len(value)
        for found in find(text)
    )


def luhn_digit(body: str) -> str:
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


@settings(max_examples=150, deadline=None)
@given(st.integers(10**13, 10**14 - 1), st.sampled_from(JOINTS))
def test_every_card_is_found_however_it_is_joined(middle: int, joint: str) -> None:
    body = f"4{middle}"
    number = body + luhn_digit(body)
    assert covered("card", joint.join(number[at : at + 4] for at in range(0, 16, 4)))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**18 - 1), st.sampled_from(JOINTS))
def test_every_german_iban_is_found_however_it_is_joined(account: int, joint: str) -> None:
    check = 98 - int(f"{account:018}131400") % 97
    number = f"DE{check:02}{account:018}"
    assert covered("iban", joint.join(number[at : at + 4] for at in range(0, 22, 4)))


def fullwidth(value: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in value)


def every_third(form: str) -> Callable[[str], str]:
    """Every third character as an escape."""
    return lambda value: "".join(
        form % ord(char) if place % 3 == 1 else char for place, char in enumerate(value)
    )


def between(what: str, step: int) -> Callable[[str], str]:
    return lambda value: "".join(
        char + (what if place % step == step - 1 and place + 1 < len(value) else "")
        for place, char in enumerate(value)
    )


DISGUISES: dict[str, Callable[[str], str]] = {
    "full width": fullwidth,
    "Arabic digits": lambda value: value.translate({48 + each: 0x660 + each for each in range(10)}),
    "bold digits": lambda value: value.translate({48 + each: 0x1D7CE + each for each in range(10)}),
    "homoglyphs": lambda value: value.translate(str.maketrans("aceopxABCEHKMOPTXIS", "асеорхАВСЕНКМОРТХІЅ")),
    "zero width": between("\u200b", 1),
    "soft hyphens": between("\u00ad", 3),
    "combining": between("\u0301", 1),
    "line break offered": between("<wbr>", 4),
    "JSON": every_third("\\u%04x"),
    "JSON, all of it": lambda value: "".join(f"\\u{ord(char):04x}" for char in value),
    "code": every_third("\\x%02x"),
    "JavaScript": every_third("\\u{%x}"),
    "percent": lambda value: quote(value, safe=""),
    "percent, some": every_third("%%%02x"),
    "percent twice": lambda value: quote(quote(value, safe=""), safe=""),
    "entities": every_third("&#%d;"),
    "entities twice": every_third("&amp;#x%x;"),
    "letter by letter": lambda value: " ".join(value.replace(" ", "")),
    "emphasis": lambda value: f"_{value}_",
    "in a string": lambda value: f"\\n{value}\\n",
}
HIDDEN = [
    ("card", "4111 1111 1111 1111"),
    ("iban", "DE89370400440532013000"),
    ("phone", "+442079460958"),
    ("us_ssn", "536-90-4399"),
    ("br_cpf", "390.533.447-05"),
    ("fr_nir", "2 95 10 99 126 111 93"),
    ("it_codice_fiscale", "RCCMNL83S18D969H"),
    ("pl_nip", "856-734-62-15"),
    ("cn_resident_id", "11010519491231002X"),
]


@pytest.mark.parametrize(
    ("category", "value", "disguise"),
    [
        (category, value, disguise)
        for category, value in HIDDEN
        for disguise in DISGUISES
        if disguise not in ("emphasis", "in a string") or not value[:3].isalpha()
    ],
)
def test_no_disguise_hides_a_value(category: str, value: str, disguise: str) -> None:
    """A word behind a mark or a backslash is a name of code: there only what begins with a digit is looked for."""
    written = DISGUISES[disguise](value)
    found = [each for each in find(f"note: {written} , end") if each.category == category]
    assert [each for each in found if each.start <= 8 and each.end >= 4 + len(written)] != []


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3 4 5 6 7 8 9 10 11 12 and 0 1 0 1 1 0 1 0 1 1 0 1 0 0 1 0",
        "A B C D E F G H I J K L",
        "C:\\new\\text and r'\\d+\\n' and '\\x00\\x01'",
        "_private_2 __4_items__ x_1_000_000",
        "E2-E4_.Zig9V5mpMk-JybgCFvqSfgY9EoqWjkA5O",
    ],
)
def test_what_looks_like_a_disguise_hides_nothing(text: str) -> None:
    assert [each.category for each in find(text) if family_of(each.category) in IDENTITIES] == []


@pytest.mark.parametrize(
    ("category", "value"),
    [
        ("card", "41l1 1111 1111 1111"),
        ("card", "4111 1111 1111\n1111"),
        ("card", "41111111-1111\r\n1111"),
        ("iban", "DE89 37O4 OO44 O532 O13O OO"),
        ("iban", "DE89 3704 0044\n0532 0130 00"),
        ("iban", "DE89,3704,0044,0532,0130,00"),
        ("email", "jane_at_example_dot_com"),
        ("email", "jane=40example.com"),
        ("email", "jane\\u0040example.com"),
        ("ip_address", "192 . 168 . 1 . 10"),
        ("ip_address", "192 dot 168 dot 1 dot 10"),
        ("ip_address", "::ffff:192.168.1.10"),
        ("ip_address", "fe80::1ff:fe23:4567:890a%eth0"),
        ("ip_address", "2001:db8::/32"),
        ("phone", "plus 44 20 7946 0958"),
        ("address", "8418 Aspen Dr, Springfield, IL 62701"),
        ("address", "Hauptstraße 12, 10115 Berlin"),
    ],
)
def test_a_value_in_disguise_is_found_whole(category: str, value: str) -> None:
    assert covered(category, value)


def test_an_invented_social_security_number_is_one_where_a_label_says_so() -> None:
    text = "SSN: 945-45-9045, order 945-45-9045x"
    assert [(each.category, each.start) for each in find(text)] == [("us_ssn", 5)]


@pytest.mark.parametrize(
    "text",
    [
        "4111\n4222\n4333\n4448",
        "Heidelberg 1993 and During 1971 and Spring 2024",
        "#4a90e2 and rgb(255, 99, 71)",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "took 12.345 s, 1,299.00 EUR, 3.14159265358979",
        "2026-11-22T23:36:36.123456Z",
        "v2.10.3-rc.1+build.456",
        "for (i = 0; i < 1000000; i++) { total += values[i]; }",
        "5/21 of them, page 12 dot 5",
        "2001::db8::1 and std::vector::size and 12:34:56",
    ],
)
def test_what_is_no_number_of_anybody_is_left_alone(text: str) -> None:
    found = [(each.category, text[each.start : each.end]) for each in find(f"x {text} y")]
    assert [
        each for each in found if family_of(each[0]) in {*IDENTITIES, Family.ADDRESS, Family.API_KEY}
    ] == []


@settings(max_examples=200, deadline=None)
@given(st.uuids())
def test_no_uuid_is_a_number_of_a_person(value: uuid.UUID) -> None:
    assert [each for each in find(f"request {value} done") if family_of(each.category) in IDENTITIES] == []


@pytest.mark.parametrize(
    ("category", "value"),
    [
        ("card", "four one one one, one one one one, one one one one, one one one one"),
        ("card", "4111 1111\n> 1111 1111"),
        ("card", "➍➊➊➊ ➊➊➊➊ ➊➊➊➊ ➊➊➊➊"),
        ("card", "\\U00000034111 1111 1111 1111"),
        ("iban", "DE89 3704 0044\r\n> > 0532 0130 00"),
        ("email", "ᴊane@ᴇxample.com"),
    ],
)
def test_a_value_said_quoted_or_drawn_is_found_whole(category: str, value: str) -> None:
    assert covered(category, value)
