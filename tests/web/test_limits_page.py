"""Limits at the console, over a whole gateway, with plain forms."""

from pathlib import Path

from tests.house import House, play
from tests.web.test_real_pages import signed_in

FORM = {"whom": "agent", "target": "", "actions": "", "measure": "calls", "most": "10", "currency": "", "per": "day", "hours": ""}  # fmt: skip


def test_a_limit_is_set_changed_and_removed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            assert "No limits yet" in (await browser.get("/limits")).text
            went = await browser.post("/limits", data=FORM)
            assert (went.status_code, went.headers["location"].split("?")[0]) == (303, "/limits")
            assert "10 calls a day" in (await browser.get("/limits")).text
            (row,) = (await house.good("GET", "/v1/limits"))["limits"]
            changed = await browser.post(f"/limits/{row['limit_id']}", data={"most": "12"})
            assert changed.status_code == 303
            assert "12 calls a day" in (await browser.get("/limits")).text
            assert (await browser.post(f"/limits/{row['limit_id']}/remove", data={})).status_code == 303
            assert (await house.good("GET", "/v1/limits"))["limits"] == []

    play(tmp_path, story)


def test_what_is_no_limit_is_said_and_the_form_keeps_its_words(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            answer = await browser.post("/limits", data={**FORM, "most": "plenty", "actions": "invoice.*"})
            assert (answer.status_code, "Nothing was saved" in answer.text) == (422, True)
            assert 'value="plenty"' in answer.text
            assert 'value="invoice.*"' in answer.text
            await browser.post("/limits", data=FORM)
            again = await browser.post("/limits", data=FORM)
            assert (again.status_code, "such a limit already" in again.text) == (422, True)
            hours = {**FORM, "measure": "hours", "most": "", "hours": "mon-fri 08:00-18:00"}
            assert (await browser.post("/limits", data=hours)).status_code == 303
            (row,) = [each for each in (await house.good("GET", "/v1/limits"))["limits"] if each["hours"]]
            wrong = await browser.post(f"/limits/{row['limit_id']}", data={"most": "3"})
            assert wrong.status_code == 422

    play(tmp_path, story)
