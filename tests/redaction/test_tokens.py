"""Tokens: one for each value, for ever, and only for the scope that made them."""

import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.redaction import tokens
from ostiary.redaction.keys import Scope
from ostiary.redaction.tokens import Refused, Restored, restored, token

KEYS = {1: b"a" * 32}
SCOPE = Scope("acme", "chat", KEYS, 1)
VALUES = st.text(min_size=1, max_size=60)
CATEGORIES = st.sampled_from(
    ["email", "person", "card", "phone", "us_ssn", "ip_address", "iban", "address", "mac_address"]
)


@given(CATEGORIES, VALUES)
def test_a_token_gives_its_value_back(category: str, value: str) -> None:
    made = token(SCOPE, category, value)
    assert restored(SCOPE, made) == Restored(category, value)
    assert restored(SCOPE, made.upper()) == Restored(category, value)
    assert restored(SCOPE, made.swapcase()) == Restored(category, value)
    assert token(Scope("acme", "chat", dict(KEYS), 1), category, value) == made


@given(CATEGORIES, VALUES, VALUES)
def test_two_values_never_have_one_token(category: str, one: str, other: str) -> None:
    assert (token(SCOPE, category, one) == token(SCOPE, category, other)) == (one == other)


def test_a_token_is_what_it_always_was() -> None:
    assert (
        token(SCOPE, "email", "jane.doe@example.com")
        == "ostk_email_1_7rx61w2c0gd0pdbkwr7sazysbxk8vhja004bfm4ra3jrjwcph6kaz77v3qc0u"
    )


@pytest.mark.parametrize(
    ("category", "one", "other"),
    [
        ("email", "jane@example.com", "jane@EXAMPLE.com"),
        ("card", "4111111111111111", "4111 1111 1111 1111"),
        ("iban", "DE89370400440532013000", "de89 3704 0044 0532 0130 00"),
        ("phone", "+491701234567", "+49 (170) 123-4567"),
        ("ip_address", "2001:db8::1", "2001:0DB8:0:0::1"),
        ("mac_address", "00005e0053af", "00:00:5E:00:53:AF"),
    ],
)
def test_spellings_of_one_value_share_the_stem_and_come_back_as_written(
    category: str, one: str, other: str
) -> None:
    plain, spelled = token(SCOPE, category, one), token(SCOPE, category, other)
    assert spelled.startswith(plain[:-1] + "o")
    assert restored(SCOPE, spelled) == Restored(category, other)


@pytest.mark.parametrize(
    ("category", "one", "other"),
    [
        ("email", "Jane@example.com", "jane@example.com"),
        ("phone", "+49 (0)170 1234567", "+49 170 1234567"),
        ("phone", "0170 1234567", "01701234567"),
        ("bank_account", "12-3456789", "1-23456789"),
        ("person", "Anna Müller", "ANNA MÜLLER"),
        ("us_ssn", "078-05-1120", "078051120"),
    ],
)
def test_what_may_be_two_values_is_never_merged(category: str, one: str, other: str) -> None:
    stems = {tokens.TOKEN.fullmatch(token(SCOPE, category, value))[3] for value in (one, other)}  # type: ignore[index]
    assert len(stems) == 2


def test_tenants_scopes_and_categories_have_nothing_in_common() -> None:
    made = token(SCOPE, "email", "jane@example.com")
    for other in (
        Scope("evil", "chat", KEYS, 1),
        Scope("acme", "other", KEYS, 1),
        Scope("acm", "echat", KEYS, 1),
    ):
        assert restored(other, made) == Refused("not_ours")
        assert token(other, "email", "jane@example.com") != made
    assert restored(SCOPE, made.replace("email", "phone")) == Refused("not_ours")


def test_keys_rotate_and_a_destroyed_key_opens_nothing() -> None:
    made = token(SCOPE, "email", "jane@example.com")
    rotated = Scope("acme", "chat", {1: b"a" * 32, 2: b"b" * 32}, 2)
    newer = token(rotated, "email", "jane@example.com")
    assert newer != made
    assert restored(rotated, made) == restored(rotated, newer) == Restored("email", "jane@example.com")
    shredded = Scope("acme", "chat", {2: b"b" * 32}, 2)
    assert restored(shredded, made) == Refused("key_destroyed")
    assert restored(shredded, newer) == Restored("email", "jane@example.com")
    assert restored(shredded, made.replace("_1_", "_2_")) == Refused("not_ours")


def test_a_token_with_any_character_changed_is_refused() -> None:
    made = token(SCOPE, "card", "4111 1111 1111 1111")
    for place in range(len(made)):
        for char in "0z_ou":
            if char != made[place]:
                assert not isinstance(restored(SCOPE, made[:place] + char + made[place + 1 :]), Restored)
        assert not isinstance(restored(SCOPE, made[:place] + made[place + 1 :]), Restored)


def test_a_token_stands_in_text_urls_json_csv_and_markdown() -> None:
    made = token(SCOPE, "person", 'Zoë "Z" O\'Neil')
    assert urllib.parse.quote(made) == made
    assert json.dumps(made) == f'"{made}"'
    for around in ("{}'s", "**{}**", "_see {}_", "`{}`", "[x]({})", "a,{},b", "https://x/{}?q={}", "{}{}"):
        text = around.format(made, made)
        assert {match[0] for match in tokens.TOKEN.finditer(text)} == {made}


def test_a_short_value_has_a_short_token() -> None:
    assert len(token(SCOPE, "card", "4111111111111111")) == 52
    assert len(token(SCOPE, "email", "jane.doe@example.com")) == 74


def test_what_is_too_long_or_no_category_is_refused() -> None:
    assert isinstance(restored(SCOPE, token(SCOPE, "note", "9" * 16_384)), Restored)
    with pytest.raises(tokens.ValueTooLong):
        token(SCOPE, "note", "x" * 16_385)
    with pytest.raises(ValueError, match="category"):
        token(SCOPE, "No_Category", "x")


def test_keys_are_not_shown() -> None:
    assert "aaaa" not in repr(SCOPE)
    with pytest.raises(ValueError, match="32 bytes"):
        Scope("acme", "chat", {1: b"short"}, 1)
