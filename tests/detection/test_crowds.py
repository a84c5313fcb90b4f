"""Numbers in tables that pass a check by chance are nobody's; where anything else speaks for them they are found."""

import pytest

from ostiary.detection.checksum import luhn
from ostiary.detection.engine import find

CARD = "4111111111111111"
OTHERS = [f"{4000_0000_0000_0003 + 7_919_773_337 * row:016}" for row in range(20)]
"""As order numbers go; one of them has a right Luhn digit."""


def cards(text: str) -> list[str]:
    return [text[each.start : each.end] for each in find(text) if each.category == "card"]


def table(number: str, header: str = "id,order,cents") -> str:
    rows = [*OTHERS[:10], number, *OTHERS[10:]]
    return header + "\n" + "".join(f"{place},{each},{place * 37}\n" for place, each in enumerate(rows))


def test_a_number_of_a_table_is_no_card_because_one_in_ten_passes() -> None:
    assert cards(table(CARD)) == []


@pytest.mark.parametrize(
    "text",
    [
        table(CARD, header="id,card,cents"),
        table(CARD) + f"paid with {CARD} on Friday",
        table(CARD, header="id,order,cents").replace(CARD, "4111 1111 1111 1111"),
        "".join(f"{place},{CARD},{place}\n" for place in range(20)),
        CARD,
    ],
    ids=["a word says so", "in a sentence", "written as a card", "a column of cards", "alone"],
)
def test_a_card_is_found_where_more_than_chance_speaks_for_it(text: str) -> None:
    assert CARD in [found.replace(" ", "") for found in cards(text)]


def test_a_crowd_of_another_length_says_nothing() -> None:
    assert CARD in cards(table(CARD).replace(",4", ",94").replace("94111111111111111", CARD))


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("2026-03-06T06:15:29.160794Z INFO", "es_dni"),
        ("offset 536626340981, trace 0cc55b6", "pt_citizen_card"),
        ('"integrity": "sha512-' + "O387ite7SzUyCcy3JQX4P4bLtEA7bLLkxesve5JHnyYfNTxcVpXZo9jhdB0abcdefghijklmnopqrstuvwxyz1A" + '=="', "azure_storage_key"),
        ("as defined in Clause 252.227-7013 (c)", "phone"),
        ("From linux-2.6.8.1/include", "ip_address"),
        ("Debian Python Policy 0.12.0.0 documentation", "health_id"),
        ("while the user is reading more", "username"),
        ("getty@tty1.service and rabbit@localhost.log", "email"),
        ("412574834 7558514090 and 3785.16765\n407324", "card"),
        ("Pass `reusable=True` on setup", "password"),
    ],
)  # fmt: skip
def test_what_logs_and_code_hold_is_nobodys(text: str, category: str) -> None:
    assert category not in [each.category for each in find(text)]


def test_a_column_of_cards_is_found_whole_without_a_word() -> None:
    """Sixteen digits, each another, all with a right check digit: no chance."""
    column = [f"{4000_0000_0000_0000 + 7_919_773_337 * row:016}" for row in range(400)]
    whole = [number for number in column if luhn(number)]
    assert len(whole) >= 30
    text = "id,ref,cents\n" + "".join(f"{place},{each},{place * 37}\n" for place, each in enumerate(whole))
    assert cards(text) == whole
