import pytest

from ostiary.errors import SignatureRefused
from ostiary.net.signature import check, sign
from ostiary.secret import Secret

NEW, OLD = Secret("new-secret"), Secret("old-secret")
SENT = {"method": "POST", "path": "/v1/refunds?dry=1", "body": b'{"amount":12}'}
NONCE = "0123456789abcdefABCD"


def header(*secrets: Secret) -> str:
    return sign(secrets or (NEW,), now_s=1_700_000_000, nonce=NONCE, **SENT)


def test_the_header_has_the_documented_form_and_value():
    assert header() == (
        "t=1700000000,n=0123456789abcdefABCD,"
        "v1=e6ab17d25cc8dba78269f95e51fb717c1b22bcb9c27ac8d135d2cc9f4501ab70"
    )


def test_a_valid_signature_gives_its_nonce():
    assert check(header(), [NEW], now_s=1_700_000_000, **SENT) == NONCE


def test_during_rotation_either_secret_is_enough_on_either_side():
    assert check(header(NEW, OLD), [OLD], now_s=1_700_000_000, **SENT) == NONCE
    assert check(header(OLD), [NEW, OLD], now_s=1_700_000_000, **SENT) == NONCE


def test_another_secret_is_refused():
    with pytest.raises(SignatureRefused):
        check(header(), [OLD], now_s=1_700_000_000, **SENT)


def test_no_secret_at_all_is_refused():
    with pytest.raises(SignatureRefused):
        check(header(), [], now_s=1_700_000_000, **SENT)


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"path": "/v1/refunds?dry=0"},
        {"path": "/v1/refunds"},
        {"body": b'{"amount":13}'},
        {"body": b""},
    ],
)
def test_any_part_changed_is_refused(changed):
    with pytest.raises(SignatureRefused):
        check(header(), [NEW], now_s=1_700_000_000, **(SENT | changed))


def test_the_method_is_signed_in_capitals():
    assert check(header(), [NEW], now_s=1_700_000_000, **(SENT | {"method": "post"})) == NONCE


@pytest.mark.parametrize("now_s", [1_700_000_300, 1_699_999_700])
def test_a_clock_five_minutes_off_is_still_taken(now_s):
    assert check(header(), [NEW], now_s=now_s, **SENT) == NONCE


@pytest.mark.parametrize("now_s", [1_700_000_301, 1_699_999_699])
def test_a_clock_further_off_is_refused(now_s):
    with pytest.raises(SignatureRefused, match="300 seconds"):
        check(header(), [NEW], now_s=now_s, **SENT)


def test_changing_the_nonce_or_the_time_breaks_the_signature():
    for forged in (header().replace(NONCE, NONCE[::-1]), header().replace("t=1700000000", "t=1700000001")):
        with pytest.raises(SignatureRefused, match="does not fit"):
            check(forged, [NEW], now_s=1_700_000_000, **SENT)


@pytest.mark.parametrize(
    "nonce", ["short", "x" * 65, "has space in it 123", "comma,comma,comma", "new\nline-new-line-new"]
)
def test_a_nonce_that_could_be_read_two_ways_is_not_signed(nonce):
    with pytest.raises(ValueError, match="nonce"):
        sign([NEW], now_s=1_700_000_000, nonce=nonce, **SENT)


def test_nothing_is_signed_without_a_secret():
    with pytest.raises(ValueError, match="secrets"):
        sign([], now_s=1_700_000_000, nonce=NONCE, **SENT)
