"""Quotas at the console, over a whole gateway, with plain forms."""

from pathlib import Path

import pytest

from ostiary.web.quotas import in_bytes, in_megabytes, whole
from tests.house import House, play
from tests.web.test_real_pages import signed_in


def test_the_operator_sets_a_quota_and_the_page_says_what_is_used(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            own = await browser.get("/quotas")
            assert (own.status_code, "no limit" in own.text) == (200, True)
            form = {"tenant": house.tenant, "calls_at_once": "50", "calls_per_s": "100", "jobs_at_once": "", "storage_mb": "0.5"}  # fmt: skip
            went = await browser.post("/quotas", data=form)
            assert (went.status_code, went.headers["location"].split("?")[0]) == (303, "/quotas")
            assert (await house.good("GET", f"/v1/quotas/{house.tenant}"))["storage_bytes"] == 500_000
            shown = (await browser.get(went.headers["location"])).text
            assert "50 in each process" in shown
            assert 'value="0.5"' in shown
            assert "<progress" in shown

    play(tmp_path, story)


def test_what_is_no_quota_changes_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            form = {"tenant": house.tenant, "calls_at_once": "1", "calls_per_s": "1", "jobs_at_once": "1", "storage_mb": "1"}  # fmt: skip
            for name, wrong in (("calls_at_once", "-1"), ("calls_per_s", "1e9"), ("jobs_at_once", "\u0661"), ("storage_mb", "1e9"), ("storage_mb", "."), ("tenant", "ten_x")):  # fmt: skip
                answer = await browser.post("/quotas", data={**form, name: wrong})
                assert (answer.status_code, "Nothing was changed" in answer.text) == (422, True), name
            assert (await browser.get("/quotas?tenant=<script>")).status_code == 422
            assert (await house.good("GET", f"/v1/quotas/{house.tenant}"))["calls_at_once"] == 0

    play(tmp_path, story)


def test_who_does_not_operate_sees_the_own_and_sets_none(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        email = "olaf.other@pellow.example"
        await house.good("POST", "/v1/members", json={"email": email, "name": "Olaf", "role": "owner"})
        operator, house.owner = house.owner, await house.sign_in(email)
        async with await signed_in(house) as browser:
            page = await browser.get(f"/quotas?tenant=ten_{'a' * 32}")
            assert (page.status_code, house.tenant in page.text) == (200, True)
            assert "Set the quota" not in page.text
            form = {"tenant": house.tenant, "calls_at_once": "1", "calls_per_s": "1", "jobs_at_once": "1", "storage_mb": "1"}  # fmt: skip
            assert (await browser.post("/quotas", data=form)).status_code == 403
        assert (await house.good("GET", "/v1/quota", operator))["calls_at_once"] == 0

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("text", "count"),
    [("1", 1_000_000), ("0.000001", 1), ("", 0), ("12345.678901", 12_345_678_901), ("-1", -1), ("1,5", -1), ("1" * 21, -1)],
)  # fmt: skip
def test_megabytes_are_exact(text: str, count: int) -> None:
    assert in_bytes(text) == count
    if count > 0:
        assert in_bytes(in_megabytes(count)) == count


def test_numbers_of_a_form() -> None:
    assert [whole(text) for text in ("7", " 7 ", "", "-7", "7.0", "\u0667", "9" * 12)] == [
        7,
        7,
        0,
        -1,
        -1,
        -1,
        -1,
    ]
