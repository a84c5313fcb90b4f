"""RFC 6238 appendix B, SHA-1, of which authenticator apps show the last six digits."""

import base64

import pytest

from ostiary.identity import _rfc6238
from ostiary.secret import Secret

SECRET = Secret(base64.b32encode(b"12345678901234567890").decode())


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_appendix_b(at_s: int, code: str) -> None:
    assert _rfc6238.used_step(SECRET, code, at_us=at_s * 1_000_000, after_step=0) == at_s // 30


@pytest.mark.parametrize(("off_s", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(off_s: int, fits: bool) -> None:
    found = _rfc6238.used_step(SECRET, "050471", at_us=(1111111111 + off_s) * 1_000_000, after_step=0)
    assert (found is not None) is fits


def test_a_step_is_not_used_again() -> None:
    at_us, step = 1111111111_000_000, 1111111111 // 30
    assert _rfc6238.used_step(SECRET, "050471", at_us=at_us, after_step=step - 1) == step
    assert _rfc6238.used_step(SECRET, "050471", at_us=at_us, after_step=step) is None


@pytest.mark.parametrize("code", ["", "05047", "0504711", "０５０４７１", "abcdef"])
def test_what_is_no_code_does_not_fit(code: str) -> None:
    assert _rfc6238.used_step(SECRET, code, at_us=1111111111_000_000, after_step=0) is None


def test_waits_grow_and_are_bounded() -> None:
    assert [_rfc6238.wait_s(failures) for failures in (1, 4, 5, 6, 7, 11, 12, 1000)] == [
        0,
        0,
        30,
        60,
        120,
        1920,
        3600,
        3600,
    ]


def test_the_qr_code_is_plain_svg() -> None:
    svg = _rfc6238.qr_svg(
        _rfc6238.otpauth(_rfc6238.fresh_secret(), account="o@example.com", issuer="Ostiary")
    )
    assert svg.startswith("<svg ")
    assert "<script" not in svg
    assert "style=" not in svg
    assert "class=" not in svg
