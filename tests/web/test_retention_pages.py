"""Retention, holds and an erasure at the console, over a whole gateway, with plain forms."""

import re
from pathlib import Path

import httpx

from tests.house import House, play
from tests.web.test_real_pages import signed_in


def ids_in(page: httpx.Response, pattern: str) -> list[str]:
    return re.findall(pattern, page.text)


def test_a_person_is_erased_from_the_preview_to_the_certificate(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            shown = await browser.get("/retention")
            assert "Nobody was erased" in shown.text
            lost = await browser.post("/retention/preview", data={"subject": "C-1 <b>"})
            assert "What would be lost" in lost.text
            assert "C-1 &lt;b&gt;" in lost.text
            wrong = await browser.post("/retention/erasures", data={"subject": "C-1", "confirm": "C-2"})
            assert wrong.status_code == 422
            assert "Nothing was erased" in wrong.text
            went = await browser.post("/retention/erasures", data={"subject": "C-1", "confirm": "C-1"})
            assert went.status_code == 303
            going = await browser.get(went.headers["location"])
            assert "Waits for a worker" in going.text
            assert going.headers["refresh"] == "3"
            await house.work()
            done = await browser.get(went.headers["location"])
            assert "Certificate" in done.text
            assert "refresh" not in done.headers
            file = await browser.get(f"{went.headers['location']}/certificate")
            assert file.json()["certificate"]["kind"] == "subject"
            assert "attachment" in file.headers["content-disposition"]

    play(tmp_path, story)


def test_a_hold_is_placed_stops_an_erasure_and_is_released(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            asked = {"scope": "subject", "subject": "C-1", "reason": "Case 7"}
            assert (await browser.post("/retention/holds", data=asked)).status_code == 303
            shown = await browser.get("/retention")
            assert "Case 7" in shown.text
            lost = await browser.post("/retention/preview", data={"subject": "C-1"})
            assert "A legal hold stands on this person" in lost.text
            assert "Erase for good" not in lost.text
            (hold,) = set(ids_in(shown, r"/retention/holds/(hol_[0-9a-f]{32})/release"))
            assert (await browser.post(f"/retention/holds/{hold}/release", data={})).status_code == 303
            bad = await browser.post("/retention/rules", data={"kind": "audit", "days": "1"})
            assert bad.status_code == 422
            assert (
                await browser.post("/retention/rules", data={"kind": "audit", "days": "400"})
            ).status_code == 303
            wrong = await browser.post("/retention/end", data={"confirm": "ten_x"})
            assert wrong.status_code == 422
            assert (await browser.post("/retention/end", data={"confirm": house.tenant})).status_code == 303
            assert "Everything is destroyed" in (await browser.get("/retention")).text
            assert (await browser.post("/retention/keep", data={})).status_code == 303

    play(tmp_path, story)
