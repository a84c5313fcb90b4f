"""The policy's page, what was allowed beforehand and a card that takes two people in a browser, over a whole gateway: axe finds nothing, on a desk and on a
phone, in light and dark; and the forms work without JavaScript."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.consent.kit import BOTH, agent_id, held
from tests.house import House
from tests.shop import CONTRACTS, running
from tests.web.test_retention_browser import look
from tests.web.whole import browsing

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]
TRIED = "version: 1\nask:\n  - {name: letters, contracts: [pay.*, nobody.has], quorum: 2, why: Two look at each}\n"


async def furnished(house: House, url: str) -> dict[str, str]:
    for name in ("shop", "letters"):
        await house.connect(name, kind="http", base_url=url, honours_idempotency_key=name == "shop")
    await house.agree(CONTRACTS + BOTH)
    agent = await house.make_key("helper")
    waiting = await held(house, agent, "pay.both")
    simple = await held(house, agent, "pay.send")
    await house.good(
        "POST", "/v1/allowances",
        json={"agent": await agent_id(house), "contract": "pay.send", "values": {"to": "bob"}, "amount_max": "50", "note": "Bob, today"},
    )  # fmt: skip
    return {"both": waiting["approval_id"], "one": simple["approval_id"]}


@pytest.mark.timeout(180)
def test_consent_in_a_browser(tmp_path: Path) -> None:
    found: dict[str, Any] = {}

    async def whole() -> None:
        with running() as shop:
            async with browsing(tmp_path) as at:
                cards = await furnished(at.house, shop.url)
                for width, scheme, scripts in ((1280, "light", True), (1280, "dark", True), (390, "light", True), (1280, "light", False)):  # fmt: skip
                    async with at.page(width, scheme, java_script_enabled=scripts) as page:
                        kind = f"{width}-{scheme}" if scripts else "plain"
                        await page.goto(f"{at.origin}/policy")
                        await page.get_by_label("The policy, YAML or JSON").fill(TRIED)
                        await page.get_by_role("button", name="Try it on past calls").click()
                        await page.get_by_role("heading", name="What it would have changed").wait_for()
                        if not scripts:
                            continue  # axe is a script
                        await look(page, f"policy-{kind}", found)
                        for name, path in (("allowances", f"/allowances?card={cards['one']}"), ("card", f"/approvals/{cards['both']}")):  # fmt: skip
                            await page.goto(at.origin + path)
                            await look(page, f"{name}-{kind}", found)

    asyncio.run(whole())
    assert found == {}
