import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import CredentialRefused
from ostiary.identity.api_keys import key_text
from ostiary.secret import Secret

HEAD = "ost_live_AbCdEfGhIjKl_" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


def test_the_checksum_is_crc32_in_six_base62_digits() -> None:
    assert key_text.checksum("") == "000000"
    assert key_text.checksum("123456789") == "3jZRME"  # CRC-32 check value 0xCBF43926 = 3421780262


def test_a_key_is_taken_apart() -> None:
    parsed = key_text.parse(Secret(f"{HEAD}_{key_text.checksum(HEAD)}"))
    assert parsed == key_text.KeyText(
        False, "AbCdEfGhIjKl", b"ost_live_AbCdEfGhIjKl_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
    )


def test_a_fresh_key_parses_and_has_its_prefix() -> None:
    program = key_text.mint("AbCdEfGhIjKl", environment="test", publishable=False)
    browser = key_text.mint("AbCdEfGhIjKl", environment="live", publishable=True)
    assert program.reveal().startswith("ost_test_AbCdEfGhIjKl_")
    assert browser.reveal().startswith("opk_live_AbCdEfGhIjKl_")
    assert len(program.reveal()) == 72
    assert key_text.parse(browser).publishable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ost_live_short",
        HEAD,
        f"{HEAD}_000000",
        f"{HEAD}_{key_text.checksum(HEAD)}\n",
        f"{HEAD.replace('live', 'prod')}_{key_text.checksum(HEAD.replace('live', 'prod'))}",
        "é" * 72,
        "x" * 100_000,
    ],
)
def test_what_is_no_key_is_refused_without_detail(text: str) -> None:
    with pytest.raises(CredentialRefused) as refused:
        key_text.parse(Secret(text))
    assert refused.value.detail == ""


@given(st.integers(0, 71), st.sampled_from("0aZ_-.é "))
def test_one_changed_character_is_always_found(at: int, other: str) -> None:
    good = f"{HEAD}_{key_text.checksum(HEAD)}"
    changed = good[:at] + other + good[at + 1 :]
    if changed != good:
        with pytest.raises(CredentialRefused):
            key_text.parse(Secret(changed))
