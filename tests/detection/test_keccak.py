"""The checksum in the case of an Ethereum address, with the vectors of EIP-55 and of Keccak."""

import pytest

from ostiary.detection.engine import find
from ostiary.detection.keccak import ethereum, keccak_256

GOOD = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
]


def test_keccak_is_not_sha_3() -> None:
    assert keccak_256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@pytest.mark.parametrize("address", GOOD)
def test_an_address_is_a_wallet_if_its_letters_say_so(address: str) -> None:
    assert ethereum(address)
    assert [each.category for each in find(f"pay to {address} today")] == ["crypto_wallet"]


@pytest.mark.parametrize("address", GOOD[:4])
def test_one_letter_in_the_wrong_case_makes_it_something_else(address: str) -> None:
    at = next(place for place, letter in enumerate(address) if place > 1 and letter.isalpha())
    wrong = address[:at] + address[at].swapcase() + address[at + 1 :]
    assert not ethereum(wrong)
    assert "crypto_wallet" not in [each.category for each in find(f"pay to {wrong} today")]
