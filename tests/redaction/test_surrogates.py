"""Surrogates: invented, the same in a scope, apart within what was given."""

import pytest

from ostiary.redaction import names
from ostiary.redaction.surrogates import Given, surrogate

KEY = b"k" * 32


def made(text: str, family: str, language: str = "", given: Given | None = None) -> str:
    found = surrogate(KEY, text, family, language, given or Given())
    assert found is not None
    return found


def test_a_value_has_one_surrogate_in_a_scope() -> None:
    assert made("Anna Müller", "person") == made("Anna Müller", "person")
    assert surrogate(b"other key" * 4, "jane@example.com", "email", "", Given()) != made(
        "jane@example.com", "email"
    )


@pytest.mark.parametrize(
    ("text", "language", "women"),
    [
        ("Anna Müller", "de", True),
        ("Herr Schmidt", "de", False),
        ("Marie Dubois", "fr", True),
        ("Giovanni Rossi", "it", False),
        ("Mrs Jones", "en", True),
    ],
)
def test_gender_and_language_are_kept(text: str, language: str, women: bool) -> None:
    given = Given()
    for number in range(20):
        found = surrogate(bytes([number]) * 32, text, "person", language, given if number < 0 else Given())
        assert found is not None
        words = found.split()
        if text.split()[0] in ("Herr", "Mrs"):
            assert words[0] == text.split()[0]
        else:
            assert words[0] in names.NAMES[language][0 if women else 1]
        assert words[-1] in names.NAMES[language][2]


def test_form_and_letter_case_are_kept() -> None:
    assert made("MÜLLER, Anna", "person", "de").split(", ")[0].isupper()
    assert made("J. Smith", "person", "en")[1:3] == ". "
    assert made("anna müller", "person", "de").islower()
    assert made("Dr. Anna von Berg", "person", "de").startswith("Dr. ")
    assert " von " in made("Dr. Anna von Berg", "person", "de")
    assert made("Contoso Widgets GmbH", "organisation").endswith(" GmbH")
    assert made("Hauptstraße 12", "address", "de").split(" ")[0].endswith("straße")
    assert made("+49 170 1234567", "phone").startswith("+49 ")
    assert made("Jane@Example.com", "email").split("@")[1] in ("example.com", "example.org", "example.net")


def test_no_two_values_of_what_was_given_have_one_surrogate() -> None:
    given = Given()
    people = [f"{first} {last}" for first in names.NAMES["en"][0] for last in names.NAMES["de"][2][:20]]
    found = {surrogate(KEY, person, "person", "en", given) for person in people}
    assert len(found) == len(people) == 400
    assert None not in found


def test_no_surrogate_is_the_value_or_one_that_was_seen() -> None:
    given = Given()
    for last in names.NAMES["en"][2]:
        person = f"Emma {last}"
        found = surrogate(KEY, person, "person", "en", given)
        assert found not in {
            f"Emma {other}" for other in names.NAMES["en"][2][: names.NAMES["en"][2].index(last) + 1]
        }


def test_a_small_list_ends_rather_than_repeat() -> None:
    given = Given()
    places = [surrogate(KEY, f"Town {number}", "location", "en", given) for number in range(20)]
    told = [place for place in places if place]
    assert len(set(told)) == len(told) == len(names.NAMES["en"][3])


def test_there_is_none_for_what_has_no_form() -> None:
    assert surrogate(KEY, "sk_live_abc", "api_key", "", Given()) is None
    assert surrogate(KEY, "x" * 401, "person", "", Given()) is None
