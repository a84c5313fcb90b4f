"""Sessions in the console, over a whole gateway and without JavaScript: opened, added to, looked at, closed; and the card that shows where a value stood."""

from pathlib import Path

from tests.house import House
from tests.provenance.office import EVIL, Office, act, read, told
from tests.web.test_real_pages import signed_in


def test_a_person_opens_a_session_says_more_and_closes_it(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, agent: str) -> None:
        async with await signed_in(house) as browser:
            assert "No session here" in (await browser.get("/sessions")).text
            assert "helper</option>" in (await browser.get("/sessions/new")).text
            wrong = await browser.post("/sessions", data={"agent": agent, "intent": "", "hours": "4"})
            assert wrong.status_code == 422
            made = await browser.post(
                "/sessions", data={"agent": agent, "intent": "Pay the <b>rent</b>.", "hours": "1"}
            )
            assert made.status_code == 303
            page = made.headers["location"].partition("?")[0]
            session = page.rpartition("/")[2]
            await read(house, key, "inbox.read", session)
            await act(house, key, "money.send", session, iban=EVIL, amount=5)
            text = (await browser.get(page)).text
            for shown in (
                "Pay the &lt;b&gt;rent&lt;/b&gt;.",
                "Not all of it trusted",
                "inbox.read",
                "money.send",
                "Asked a person",
                "Olive Owner",
            ):
                assert shown in text, shown
            await browser.post(f"{page}/words", data={"words": "To the landlord."})
            assert "To the landlord." in (await browser.get(page)).text
            assert session in (await browser.get("/sessions")).text
            await browser.post(f"{page}/close")
            assert "Closed" in (await browser.get(page)).text
            assert session not in (await browser.get("/sessions")).text
            assert session in (await browser.get("/sessions?state=any")).text
        assert (await act(house, key, "inbox.read", session)).status_code == 409

    told(tmp_path, story)


def test_the_card_shows_what_stands_around_the_value_and_nothing_after_the_decision(tmp_path: Path) -> None:
    async def story(house: House, _office: Office, key: str, _agent: str) -> None:
        await read(house, key, "inbox.read")
        held = (await act(house, key, "money.send", iban=EVIL, amount=5)).json()
        card = await house.good("GET", f"/v1/approvals/{held['approval_id']}")
        (row,) = [row for row in card["parameters"] if row["name"] == "iban"]
        assert row["excerpt"].startswith("Dear friend, please pay the rent to")
        assert EVIL not in row["excerpt"]  # as the agent got it: masked
        async with await signed_in(house) as browser:
            text = (await browser.get(f"/approvals/{held['approval_id']}")).text
            assert "Dear friend, please pay the rent to" in text
        await house.good("POST", f"/v1/approvals/{held['approval_id']}/reject", json={})
        after = await house.good("GET", f"/v1/approvals/{held['approval_id']}")
        assert [part["excerpt"] for part in after["parameters"]] == ["", ""]

    told(tmp_path, story)
