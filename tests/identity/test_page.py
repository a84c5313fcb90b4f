"""docs/identity.md: its examples are run against the gateway's own checks."""

import re
import time
from pathlib import Path

from ostiary.identity import codes, me_actions
from ostiary.identity.api_keys import customer
from ostiary.ids import TenantId
from ostiary.net import signature
from ostiary.secret import Secret

PAGE = (Path(__file__).parents[2] / "docs" / "identity.md").read_text()


def examples() -> dict[str, object]:
    found: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(block, found)
    return found


def test_the_page_signs_a_request_that_is_accepted() -> None:
    header = examples()["ostiary_signature"]("s" * 43, "POST", "/v1/x?y=1", b"{}")  # type: ignore[operator]
    now_s = int(time.time())
    nonce = signature.check(
        header, [Secret("s" * 43)], method="POST", path="/v1/x?y=1", body=b"{}", now_s=now_s
    )
    assert len(nonce) == 32


def test_the_page_makes_a_customer_token_that_is_accepted() -> None:
    header = examples()["ostiary_customer"]("s" * 43, "ten_a", "c-7")  # type: ignore[operator]
    now_s = int(time.time())
    assert customer.check(header, [Secret("s" * 43)], tenant=TenantId("ten_a"), now_s=now_s) == "c-7"


def test_the_page_says_the_bounds_that_hold() -> None:
    assert (codes.DIGITS, codes.VALID_S, codes.TRIES_MAX, codes.WINDOW_S) == (8, 600, 5, 900)
    assert (codes.PER_EMAIL_MAX, codes.PER_ADDRESS_MAX, me_actions.ENROL_WITHIN_S) == (10, 20, 1800)
    for said in (
        "8 digits",
        "ten minutes",
        "five tries",
        "10 codes in a quarter of an hour",
        "ask for 20",
        "half an hour",
    ):
        assert said in PAGE.replace("\n", " ")
