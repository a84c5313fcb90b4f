"""FF1 against NIST's sample values, and what stays as it was where people's numbers are encrypted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.detection.checksum import luhn
from ostiary.redaction import _sp800_38g, formats
from ostiary.redaction._sp800_38g import DomainTooSmall

KEY = bytes(range(32))
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

# NIST, "Block Cipher Modes of Operation: FF1 Samples" (csrc.nist.gov, cryptographic standards, examples with intermediate values): samples 1 to 9.
_128 = "2B7E151628AED2A6ABF7158809CF4F3C"
_192 = _128 + "EF4359D8D580AA4F"
_256 = _192 + "7F036D6F04FC6A94"
_TEN, _ELEVEN = "39383736353433323130", "3737373770717273373737"
SAMPLES = (
    (_128, 10, "", "0123456789", "2433477484"),
    (_128, 10, _TEN, "0123456789", "6124200773"),
    (_128, 36, _ELEVEN, "0123456789abcdefghi", "a9tv40mll9kdu509eum"),
    (_192, 10, "", "0123456789", "2830668132"),
    (_192, 10, _TEN, "0123456789", "2496655549"),
    (_192, 36, _ELEVEN, "0123456789abcdefghi", "xbj3kv35jrawxv32ysr"),
    (_256, 10, "", "0123456789", "6657667009"),
    (_256, 10, _TEN, "0123456789", "1001623463"),
    (_256, 36, _ELEVEN, "0123456789abcdefghi", "xs8a0azh2avyalyzuwd"),
)


@pytest.mark.parametrize(("key", "radix", "tweak", "plain", "encrypted"), SAMPLES)
def test_ff1_gives_the_sample_values_of_nist(
    key: str, radix: int, tweak: str, plain: str, encrypted: str
) -> None:
    numerals = [DIGITS.index(char) for char in plain]
    made = _sp800_38g.encrypt(bytes.fromhex(key), bytes.fromhex(tweak), numerals, radix=radix)
    assert "".join(DIGITS[each] for each in made) == encrypted
    assert _sp800_38g.decrypt(bytes.fromhex(key), bytes.fromhex(tweak), made, radix=radix) == numerals


def test_a_domain_under_a_million_is_refused_and_one_of_a_million_is_not() -> None:
    assert len(_sp800_38g.encrypt(KEY, b"", [0] * 6, radix=10)) == 6
    with pytest.raises(DomainTooSmall):
        _sp800_38g.encrypt(KEY, b"", [0] * 5, radix=10)
    with pytest.raises(DomainTooSmall):
        formats.encrypted(KEY, "id", "ABCD")
    with pytest.raises(DomainTooSmall):
        formats.encrypted(KEY, "card", "123456")


def test_a_small_domain_is_permuted() -> None:
    some = {formats.encrypted(KEY, "id", f"{number:06}") for number in range(3000)}
    assert len(some) == 3000


def test_a_card_keeps_its_form_and_its_luhn_digit() -> None:
    made = formats.encrypted(KEY, "card", "4111 1111 1111 1111")
    assert made != "4111 1111 1111 1111"
    assert [char == " " for char in made] == [char == " " for char in "4111 1111 1111 1111"]
    assert luhn(made.replace(" ", ""))
    assert not luhn(formats.encrypted(KEY, "card", "4111111111111112"))


def test_a_card_is_no_bank_s_where_the_plan_says_broken() -> None:
    made = formats.encrypted(KEY, "card", "4111 1111 1111 1111", luhn_kept=False)
    assert not luhn(made.replace(" ", ""))
    assert formats.decrypted(KEY, "card", made, luhn_kept=False) == "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("+49 170 1234567", "+49 "),
        ("+1 (202) 555-0143", "+1 "),
        ("+351 912 345 678", "+351 "),
        ("0049 170 1234567", "0049 "),
        ("0170 1234567", "01"),
    ],
)
def test_a_phone_number_keeps_where_it_rings(number: str, kept: str) -> None:
    made = formats.encrypted(KEY, "phone", number)
    assert made.startswith(kept)
    assert made != number
    assert formats.decrypted(KEY, "phone", made) == number


@given(st.from_regex(r"[A-Za-z0-9 \-]{8,24}", fullmatch=True), st.sampled_from(["id", "card", "phone"]))
def test_what_is_encrypted_is_restored_in_any_form(text: str, kind: str) -> None:
    try:
        made = formats.encrypted(KEY, kind, text)
    except DomainTooSmall:
        return
    assert [char.isdigit() for char in made] == [char.isdigit() for char in text]
    assert [char.isupper() for char in made] == [char.isupper() for char in text]
    assert formats.decrypted(KEY, kind, made) == text


def test_letters_beyond_ascii_are_refused() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        formats.encrypted(KEY, "id", "١٢٣٤٥٦٧٨")
