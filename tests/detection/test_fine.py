import pytest

from ostiary.detection.categories import CATEGORIES, Family, family_of, in_family
from ostiary.detection.detectors import DETECTORS
from ostiary.detection.engine import find
from tests.detection.fine_vectors import (
    ADDRESSES,
    DATES,
    DISGUISED,
    DISGUISED_SSN,
    FINE,
    MONTHS,
    NO_DATES,
    VAT,
)


def seen(text: str) -> list[tuple[str, str]]:
    return [(each.category, text[each.start : each.end]) for each in find(text)]


@pytest.mark.parametrize(("category", "before", "value", "_wrong"), FINE)
def test_the_exact_kind_is_told(category: str, before: str, value: str, _wrong: str) -> None:
    assert (category, value) in seen(f"note, {before}{value} .")


@pytest.mark.parametrize(("category", "before", "_value", "wrong"), FINE)
def test_what_only_looks_alike_is_not_of_that_kind(
    category: str, before: str, _value: str, wrong: str
) -> None:
    assert (category, wrong) not in seen(f"note, {before}{wrong} .")


@pytest.mark.parametrize("number", VAT)
def test_a_vat_number_beside_its_name(number: str) -> None:
    assert [(name.endswith("_vat"), value) for name, value in seen(f"VAT number {number}.")] == [
        (True, number)
    ]


@pytest.mark.parametrize(
    "number", [number for number in VAT if number[-1].isdigit() and number[-2:] not in ("01", "13")]
)
def test_a_vat_number_with_another_last_digit_is_none(number: str) -> None:
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert [name for name, _ in seen(f"code {wrong}") if name.endswith("_vat")] == []


@pytest.mark.parametrize("date", [*DATES, *MONTHS])
def test_a_date_is_found_however_it_is_written(date: str) -> None:
    assert seen(f"on {date}, we") == [("date", date)]


@pytest.mark.parametrize("text", NO_DATES)
def test_what_is_no_date_is_none(text: str) -> None:
    assert [name for name, _ in seen(f"x {text} y") if name == "date"] == []


@pytest.mark.parametrize("date", [date for date in DATES if "1789" not in date])
def test_a_date_that_a_label_calls_a_birth_is_one(date: str) -> None:
    assert ("date_of_birth", date) in seen(f"Date of birth: {date}")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_street_address_is_found(address: str) -> None:
    found = seen(f"she lives at {address}, and")
    assert [name for name, _ in found] == ["address"]
    assert found[0][1].startswith(address[:10])


@pytest.mark.parametrize(("category", "text"), DISGUISED)
def test_a_disguise_hides_nothing_and_is_found_whole(category: str, text: str) -> None:
    assert seen(f"well, {text}; so") == [(category, text)]


@pytest.mark.parametrize("text", DISGUISED_SSN)
def test_a_number_with_its_label_is_found_however_it_is_joined(text: str) -> None:
    assert seen(f"his SSN is {text}; so") == [("us_ssn", text)]


@pytest.mark.parametrize(
    "text",
    [
        "100%25 of it",
        "see www.com",
        "www.org/x",
        "www.info?x",
        "a&amp;b",
        "f(.) and g[.]",
        "look at the dot",
        "we met at noon",
        "prices @ 3.50 . Come",
    ],
)
def test_what_only_sounds_like_an_escape_is_left_alone(text: str) -> None:
    assert seen(text) == []


def test_every_detector_names_a_category_and_its_country() -> None:
    for detector in DETECTORS:
        assert detector.category in CATEGORIES
        assert CATEGORIES[detector.category].country in ("", detector.country)


def test_every_category_of_a_country_has_a_detector() -> None:
    looked_for = {detector.category for detector in DETECTORS}
    assert {name for name, each in CATEGORIES.items() if each.country} - looked_for == set()


def test_a_category_belongs_to_one_family_and_an_unknown_one_is_custom() -> None:
    assert family_of("us_ssn") is Family.NATIONAL_ID
    assert family_of("staff_number") is Family.CUSTOM
    assert {"iban"} == in_family("iban")
    assert (
        len(
            [
                each
                for each in CATEGORIES.values()
                if each.family not in ("api_key", "private_key", "password")
            ]
        )
        >= 200
    )
