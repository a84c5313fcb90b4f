"""Numbers joined by what nobody joins them by are found as a whole; tables, amounts, times and versions are left alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection.engine import detect, find
from ostiary.detection.joints import CHARACTERS_MAX, rows

JOINTS = ["\t", "|", "~", "*", ":", "\\", ";", "#", "=", "→", " | ", " / ", " ; ", "  ", "<br>", "<br/>", '"', "][", ") (", '" "', "**", "=>", "+"]  # fmt: skip
NUMBERS = [
    ("card", "card ", ["4111", "1111", "1111", "1111"]),
    ("card", "", ["5500", "0000", "0000", "0004"]),
    ("card", "", ["3782", "822463", "10005"]),
    ("card", "", list("4111111111111111")),
    ("iban", "", ["DE89", "3704", "0044", "0532", "0130", "00"]),
    ("iban", "", list("GB29NWBK60161331926819")),
    ("us_ssn", "SSN ", ["536", "90", "4399"]),
    ("gb_nhs", "NHS number ", ["943", "476", "5919"]),
    ("ip_address", "IP ", ["192", "168", "17", "43"]),
    ("es_dni", "DNI ", ["123", "456", "78Z"]),
    ("it_codice_fiscale", "codice fiscale ", ["RCC", "MNL", "83S", "18D", "969", "H"]),
    ("br_cpf", "CPF ", ["390", "533", "447", "05"]),
]


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize(("category", "before", "groups"), NUMBERS)
def test_a_number_with_odd_joints_is_found_whole(
    category: str, before: str, groups: list[str], joint: str
) -> None:
    value = joint.join(groups)
    text = f"{before}{value}, thanks"
    found = [each for each in find(text) if each.category == category]
    assert found, text
    assert (found[0].start, found[0].end) == (len(before), len(before) + len(value))


@pytest.mark.parametrize(("opened", "closed"), ["()", "[]", "{}", "<>", '""', "''"])
def test_groups_in_brackets_are_found_with_the_outer_ones(opened: str, closed: str) -> None:
    value = "".join(f"{opened}{group}{closed}" for group in ("4111", "1111", "1111", "1111"))
    assert [(f.category, f.start, f.end) for f in find(f"a {value} b")] == [("card", 2, 2 + len(value))]


@pytest.mark.parametrize(
    "text",
    [
        "an amount of 1,234,567,890 in all, phone",
        "id number 12:30:45 at 2024:03:05",
        "version 1:22:333:4444:55555:1 of the id",
        "data = [10, 11, 12, 13] * 3",
        "4111|1111|1111|1112",
        "4111|1111|1111|1111|1111",
        "9|4111|1111|1111|1111",
        "x4111|1111|1111|1111",
        "411|11|111111|11111",
        "4111|1111~1111|1111",
    ],
)
def test_what_is_no_number_of_anybody_is_left_alone(text: str) -> None:
    assert [f for f in find(text) if "oddly" in f.why] == []


def test_cells_of_a_table_without_a_word_beside_them_are_left_alone() -> None:
    draw = random.Random(5)
    for joint in (",", "\t", "|", ";"):
        table = "\n".join(joint.join(str(draw.randint(0, 10 ** draw.randint(2, 6))) for _ in range(4)) for _ in range(500))  # fmt: skip
        assert [f for f in find(table) if "oddly" in f.why] == []


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("0123456789AB|,:; \t\n[](){}\"'*+-_é\u200b"), max_size=120))
def test_rows_lie_within_the_text_apart_from_each_other_and_are_short(text: str) -> None:
    data = text.encode("latin-1", "replace")
    end = 0
    for row in rows(data):
        assert end <= row.start + 1
        assert row.start < row.end <= len(data)
        assert row.joint.join(row.groups) in data[row.start : row.end]
        assert len(row.whole) <= CHARACTERS_MAX
        end = row.end
    for found in detect([text])[0]:
        assert 0 <= found.start < found.end <= len(text)
