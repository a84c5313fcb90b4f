import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.errors import SignatureRefused
from ostiary.net.signature import check, sign
from ostiary.secret import Secret

SECRET = Secret("a-shared-secret")
SENT = {"method": "POST", "path": "/pay", "body": b"{}", "now_s": 1_700_000_000}
GOOD = sign([SECRET], nonce="n" * 20, **SENT)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1700000000",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD.replace("t=1700000000", "t=+1700000000"),
        GOOD.replace("t=1700000000", "t=\u0661700000000"),
        GOOD.replace("t=1700000000", "t=1700000000,t=1700000000"),
        GOOD.replace("t=1700000000", "t=" + "9" * 4000),
        GOOD.replace("v1=", "v0="),
        GOOD.replace("n=" + "n" * 20, "n="),
        GOOD + ",v1=" * 100,
        GOOD[:-1],
        GOOD + ",x=1",
        "v1=" + "0" * 64,
    ],
)
def test_a_header_of_another_form_is_refused(header):
    with pytest.raises(SignatureRefused):
        check(header, [SECRET], **SENT)


@given(st.text(max_size=300))
def test_no_text_makes_the_check_fail_in_another_way(header):
    with pytest.raises(SignatureRefused):
        check(header, [SECRET], **SENT)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="ascii"))
def test_one_character_changed_is_refused(place, character):
    forged = GOOD[:place] + character + GOOD[place + 1 :]
    if forged != GOOD:
        with pytest.raises(SignatureRefused):
            check(forged, [SECRET], **SENT)


def test_a_path_cannot_lend_a_line_to_the_method():
    with pytest.raises(ValueError, match="nonce"):
        sign([SECRET], nonce="n" * 20, method="POST", path="/A\n/b", body=b"", now_s=1_700_000_000)
    with pytest.raises(SignatureRefused):
        check(GOOD, [SECRET], method="POST\n/A", path="/b", body=b"", now_s=1_700_000_000)
