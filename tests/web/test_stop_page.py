"""The kill switch on a key's page, over a whole gateway."""

from pathlib import Path

from tests.house import House, play
from tests.web.test_real_pages import signed_in


def test_a_key_is_stopped_and_goes_on_from_its_page(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("Helper")
        key_id = agent.split("_")[2]
        browser = await signed_in(house)
        assert "Stop it" in (await browser.get(f"/keys/{key_id}")).text
        said = await browser.post(f"/keys/{key_id}/stop", data={"reason": "asks <b>odd</b> things"})
        assert said.status_code == 303
        page = (await browser.get(said.headers["location"])).text
        assert "asks &lt;b&gt;odd&lt;/b&gt; things" in page
        assert "Stop it" not in page
        for shown in (page, (await browser.get("/keys")).text):
            assert "Stopped</span>" in shown
        assert (await house.ask("GET", "/v1/me", agent)).json()["code"] == "shield.stopped"
        await browser.post(f"/keys/{key_id}/resume")
        assert (await house.ask("GET", "/v1/me", agent)).status_code == 200
        assert "Stop it" in (await browser.get(f"/keys/{key_id}")).text

    play(tmp_path, story)


def test_who_may_not_stop_sees_no_switch(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("Helper")
        key_id = agent.split("_")[2]
        await house.good(
            "POST", "/v1/members", json={"email": "dev@pellow.example", "name": "Dev", "role": "developer"}
        )
        browser = await signed_in(house)
        browser.cookies.set("ostiary", await house.sign_in("dev@pellow.example"))
        page = await browser.get(f"/keys/{key_id}")
        assert page.status_code == 200
        assert "Stop it" not in page.text
        assert (await browser.post(f"/keys/{key_id}/stop", data={"reason": "x"})).status_code == 403
        assert (await house.ask("GET", "/v1/me", agent)).status_code == 200

    play(tmp_path, story)


def test_a_limit_that_is_met_says_what_it_is(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        agent = await house.make_key("Helper")
        for _ in range(40):
            answer = await house.ask("GET", "/v1/me", agent)
            if answer.status_code == 429:
                break
        assert answer.headers["ratelimit-policy"] == '"actor";q=10;w=1'
        assert answer.headers["ratelimit"] == '"actor";r=0;t=1'
        assert answer.headers["retry-after"] == "1"

    play(tmp_path, story, OSTIARY_KEY_RATE_PER_S="10")
