from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.detection.engine import find
from ostiary.privacy.masking import DEPTH_MAX, TOO_DEEP, mask_json, mask_text
from tests.detection.vectors import ALONE, HARMLESS, WITH_CONTEXT


def masked(value: object, *reveal: str) -> object:
    return mask_json(value, frozenset(reveal))[0]


def test_a_clean_result_comes_back_itself() -> None:
    value = {
        "id": "cus_0193f2a012347abc8def123456789012",
        "name": "Ada",
        "amount": 1999,
        "tags": ["a", None, True],
    }
    result, counts = mask_json(value)
    assert result is value
    assert counts == {}


def test_values_are_masked_by_category_and_counted() -> None:
    value = {"rows": [{"who": "jane@example.com"}, {"who": "call +44 20 7946 0958 or jo@example.com"}]}
    assert mask_json(value) == (
        {"rows": [{"who": "[email]"}, {"who": "call [phone] or [email]"}]},
        {"email": 2, "phone": 1},
    )


def test_cards_and_ibans_keep_their_last_four() -> None:
    assert masked("paid with 4111 1111 1111 1111") == "paid with [card *1111]"
    assert masked("to DE89 3704 0044 0532 0130 00") == "to [iban *3000]"


def test_a_revealed_category_is_shown_and_the_others_are_not() -> None:
    value = {"mail": "jane@example.com", "phone": "+44 20 7946 0958"}
    assert masked(value, "email") == {"mail": "jane@example.com", "phone": "[phone]"}
    assert masked(value, "email", "phone") == value
    assert masked(value, "card") == {"mail": "[email]", "phone": "[phone]"}


def test_what_a_field_is_named_decides_for_its_whole_value() -> None:
    value = {
        "ssn": "123456789",
        "dateOfBirth": "1980-01-01",
        "homePhone": "555-1234-5",
        "mobile_number": 5551234567,
        "passport_no": "X1234567",
        "password": "correct horse battery",
        "clientSecret": "abcdefgh",
        "accountNumber": "0012345678",
        "phonenumber": "5551234567",
        "cvv": 123,
        "token": "J38YmIgn7dH6cw4W1yqo",
        "iban": "DE00370400440532013000",
    }
    assert masked(value) == {
        "ssn": "[national_id]",
        "dateOfBirth": "[date_of_birth]",
        "homePhone": "[phone]",
        "mobile_number": "[phone]",
        "passport_no": "[passport]",
        "password": "[password]",
        "clientSecret": "[password]",
        "accountNumber": "[bank_account]",
        "phonenumber": "[phone]",
        "cvv": "[card]",
        "token": "[api_key]",
        "iban": "[iban *3000]",
    }


def test_a_field_that_only_sounds_alike_is_left_alone() -> None:
    value = {
        "phone_verified": True,
        "phone_count": 1234567,
        "mobile_revenue": 12345678,
        "password_changed_at": "2026-01-01T00:00:00Z",
        "tax": "1234.50",
        "birthplace": "Paris",
        "company": "Spanner Works",
        "company_id": 123456789,
        "born_digital": "yes",
        "next_page_token": "eyJvIjoxMjM0NTY3ODkwfQAAxx12",
        "tokens_used": 12345678,
        "author": "A. Author 1234567890123456",
    }
    assert masked(value) == value


def test_numbers_that_are_cards_become_text() -> None:
    assert masked({"n": 4111111111111111, "f": 4111111111111111.0, "amount": 19.99, "id": 12345}) == {
        "n": "[card *1111]",
        "f": "[card *1111]",
        "amount": 19.99,
        "id": 12345,
    }


def test_names_of_members_are_masked_and_none_is_lost() -> None:
    assert masked({"jane@example.com": 1, "jo@example.com": 2, "x": 3}) == {
        "[email]": 1,
        "[email] 2": 2,
        "x": 3,
    }


def test_lists_and_inner_objects_inherit_the_name_of_their_field() -> None:
    assert masked({"phones": ["5551234567", {"number": "5551234568"}]}) == {
        "phones": ["[phone]", {"number": "[phone]"}]
    }
    assert masked({"phone": {"home": "5551234567", "count": 5551234567}}) == {
        "phone": {"home": "[phone]", "count": 5551234567}
    }
    assert masked({"credentials": {"login": "bob", "scheme": "basic"}}) == {
        "credentials": {"login": "bob", "scheme": "basic"}
    }


def test_a_sibling_that_names_the_value_is_context() -> None:
    assert masked({"type": "passport", "value": "X1234567"}) == {"type": "passport", "value": "[passport]"}
    assert masked({"type": "chair", "value": "X1234567"}) == {"type": "chair", "value": "X1234567"}


def test_json_within_text_is_masked_too() -> None:
    assert masked('{"ssn": "536904399", "n": 1}') == '{"ssn":"[national_id]","n":1}'
    assert masked('{"n": 1, "m": 2.50}') == '{"n": 1, "m": 2.50}'
    assert masked('{"ssn": "536904399" and so on') == '{"ssn": "[national_id]" and so on'


@pytest.mark.parametrize(
    "text",
    [
        "jane&#64;example.com",
        "jane%40example%2Ecom",
        "jane[at]example[.]com",
        "203[.]0[.]113[.]77",
        "%2B44%2020%207946%200958",
    ],
)
def test_what_is_escaped_is_masked_whole(text: str) -> None:
    after, counts = mask_json({"note": text, "list": [f"see {text}, ok"]})
    assert sum(counts.values()) == 2
    assert after == {"note": mask_text(text)[0], "list": [f"see {mask_text(text)[0]}, ok"]}
    assert mask_text(text)[0] in ("[email]", "[phone]", "[ip_address]")


def test_what_lies_too_deep_to_be_looked_at_is_withheld() -> None:
    value: object = "jane@example.com"
    for _ in range(DEPTH_MAX + 5):
        value = [value]
    text = orjson.dumps(masked(value)).decode()
    assert TOO_DEEP in text
    assert "jane" not in text


def test_a_hundred_thousand_levels_do_not_break_it() -> None:
    value: object = "jane@example.com"
    for _ in range(100_000):
        value = [value]
    assert "jane" not in orjson.dumps(masked(value)).decode()


def test_big_numbers_and_lone_surrogates_are_no_obstacle() -> None:
    assert masked({"n": 10**40, "s": "\ud800 jane@example.com"}) == {"n": 10**40, "s": "\ud800 [email]"}
    assert masked({"f": float("inf"), "m": "jane@example.com"})["m"] == "[email]"  # type: ignore[index]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_not_changed(text: str) -> None:
    assert mask_json({"text": text, "list": [text]}) == ({"text": text, "list": [text]}, {})


plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
sensitive = st.sampled_from([value for _, value in ALONE] + [a + b for _, a, b in WITH_CONTEXT])
names = st.one_of(
    st.text(max_size=12), st.sampled_from(["ssn", "phone", "type", "value", "dob", "password", "note"])
)
values = st.recursive(
    st.one_of(plain, sensitive, st.text(max_size=40)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_masked_json_is_json_and_masking_it_again_changes_nothing(value: object) -> None:
    once, counts = mask_json(value)
    orjson.dumps(once) if _fits(once) else None
    assert mask_json(once)[0] == once
    assert all(number > 0 for number in counts.values())


def _fits(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(sensitive, st.text(max_size=20)), max_size=5).map(" ; ".join))
def test_no_detected_span_is_left(text: str) -> None:
    after, _ = mask_text(text)
    findings = find(text)
    left = [text[one.end : other.start] for one, other in pairwise(findings)] if findings else [text]
    if findings:
        left += [text[: findings[0].start], text[findings[-1].end :]]
    for finding in findings:
        raw = text[finding.start : finding.end]
        assert raw not in after or raw in "[]" or any(raw in part for part in left)
    assert find(after) == []


@settings(max_examples=100, deadline=None)
@given(values)
def test_nothing_is_masked_where_everything_is_revealed(value: object) -> None:
    everything = frozenset(category.value for category, _ in ALONE) | {
        "bank_account",
        "date_of_birth",
        "health_id",
        "passport",
    }
    assert mask_json(value, everything) == (value, {})
