"""What the name of a field or column says of values that have no form of their own."""

import pytest

from ostiary.detection import fields


@pytest.mark.parametrize(
    ("words", "category"),
    [
        ("first name", "person"),
        ("billing contact name", "person"),
        ("nachname", "person"),
        ("imie i nazwisko", "person"),
        ("home address", "address"),
        ("geburtsort", "location"),
        ("zip code", "postcode"),
        ("occupation", "job_title"),
        ("diagnosis", "medical"),
    ],
)
def test_a_name_of_a_field_says_what_it_holds(words: str, category: str) -> None:
    rule = fields.named_of(words)
    assert rule is not None
    assert rule.category == category


@pytest.mark.parametrize(
    "words",
    ["email address", "ip address", "remote address", "file name", "host name", "tenant name", "product name", "name", "job", "namespace"],
)  # fmt: skip
def test_addresses_of_machines_and_names_of_things_say_nothing(words: str) -> None:
    assert fields.named_of(words) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["name", "email"], ["person name", "email"]),
        (["id", "name", "date of birth"], ["id", "person name", "date of birth"]),
        (["nom", "adresse"], ["person name", "adresse"]),
        (["name", "price"], ["name", "price"]),
        (["name"], ["name"]),
        (["name", "names"], ["name", "names"]),
        ([], []),
    ],
)
def test_a_column_called_name_is_of_people_where_its_neighbours_are(
    names: list[str], expected: list[str]
) -> None:
    assert fields.columns(names) == expected
