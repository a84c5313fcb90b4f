"""The policy's page, what was allowed beforehand, and a card that takes several people: over a real gateway."""

from pathlib import Path

from tests.consent.kit import agent_id, held, join, told
from tests.house import House
from tests.shop import Shop
from tests.web.test_real_pages import signed_in


def test_a_policy_is_checked_tried_and_applied(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await held(house, agent, "pay.send")
        async with await signed_in(house) as browser:
            shown = await browser.get("/policy")
            assert "none was applied" in shown.text
            wrong = await browser.post("/policy", data={"file": "version: 1\nmode: lax", "do": "apply", "expected": "0"})  # fmt: skip
            assert (wrong.status_code, "/mode" in wrong.text) == (422, True)
            text = "version: 1\nrefuse: [{name: none, contracts: [pay.*, nobody.has]}]"
            tried = await browser.post("/policy", data={"file": text, "do": "try", "expected": "0"})
            assert tried.status_code == 200, tried.text
            assert "be refused" in tried.text
            assert "<code>nobody.has</code>" in tried.text
            applied = await browser.post("/policy", data={"file": text, "do": "apply", "expected": "0"})
            assert (applied.status_code, applied.headers["location"]) == (303, "/policy?note=policy-applied")
            late = await browser.post("/policy", data={"file": text, "do": "apply", "expected": "0"})
            assert (late.status_code, "was changed meanwhile" in late.text) == (422, True)
            assert "version 1 holds" in (await browser.get("/policy")).text

    told(tmp_path, story)


def test_what_is_allowed_beforehand_is_made_from_a_card_and_taken_back(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, "pay.send")
        async with await signed_in(house) as browser:
            card = await browser.get(f"/approvals/{waiting['approval_id']}")
            assert f"/allowances?card={waiting['approval_id']}" in card.text
            form = await browser.get(f"/allowances?card={waiting['approval_id']}")
            assert 'name="amount_max" value="48"' in form.text
            assert "{&#34;to&#34;: &#34;ada&#34;}" in form.text
            given = {"agent": await agent_id(house), "contract": "pay.send", "values": '{"to": "ada"}', "amount_max": "50", "amount_total": "", "count": "2", "hours": "1", "note": "Today"}  # fmt: skip
            bad = await browser.post("/allowances", data={**given, "values": "{"})
            assert bad.status_code == 422
            made = await browser.post("/allowances", data=given)
            assert made.headers["location"] == "/allowances?note=allowed"
            assert (await house.good("POST", "/v1/actions/pay.send", agent, json={"to": "ada", "amount": 20}))["state"] == "done"  # fmt: skip
            listed = await browser.get("/allowances")
            assert "1 call" in listed.text
            (row,) = (await house.good("GET", "/v1/allowances"))["allowances"]
            gone = await browser.post(f"/allowances/{row['id']}/take-back")
            assert gone.status_code == 303
            assert "taken back" in (await browser.get("/allowances")).text

    told(tmp_path, story)


def test_a_card_says_how_many_have_to_agree(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.both")
        await house.approve(waiting["approval_id"], ada)
        async with await signed_in(house) as browser:
            card = (await browser.get(f"/approvals/{waiting['approval_id']}")).text
            assert "2 different people; 1 has said yes" in card
            assert "/allowances?card=" not in card

    told(tmp_path, story)
