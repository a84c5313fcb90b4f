"""The policy's page, what was allowed beforehand and a card that takes two people in a browser, over a whole gateway: axe finds nothing, on a desk and on a
phone, in light and dark; and the forms work without JavaScript."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.async_api import async_playwright

from tests.consent.kit import BOTH, agent_id, held
from tests.house import House, free_port, opened
from tests.shop import CONTRACTS, running
from tests.web.conftest import ARGUMENTS
from tests.web.test_retention_browser import look

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]
TRIED = "version: 1\nask:\n  - {name: letters, contracts: [pay.*, nobody.has], quorum: 2, why: Two look at each}\n"


async def furnished(house: House, url: str) -> dict[str, str]:
    await house.found()
    await house.enrol()
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
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        (pytest.fail if os.environ.get("OSTIARY_TEST_REQUIRE_BROWSER") else pytest.skip)(
            "not run: no Chromium"
        )
    found: dict[str, Any] = {}
    port = free_port()
    origin = f"http://localhost:{port}"

    async def whole() -> None:
        with running() as shop:
            async with opened(tmp_path, OSTIARY_PORT=str(port), OSTIARY_PUBLIC_URL=origin) as house:
                house.client.base_url = httpx.URL(origin)
                cards = await furnished(house, shop.url)
                config = uvicorn.Config(house.gateway.asgi, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1)  # fmt: skip
                server = uvicorn.Server(config)
                serving = asyncio.create_task(server.serve())
                async with async_playwright() as playwright:
                    browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
                    for width, scheme, scripts in ((1280, "light", True), (1280, "dark", True), (390, "light", True), (1280, "light", False)):  # fmt: skip
                        context = await browser.new_context(
                            viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, java_script_enabled=scripts,  # type: ignore[arg-type]
                        )  # fmt: skip
                        await context.add_cookies([{"name": "ostiary", "value": house.owner, "url": origin}])
                        page = await context.new_page()
                        kind = f"{width}-{scheme}" if scripts else "plain"
                        await page.goto(f"{origin}/policy")
                        await page.get_by_label("The policy, YAML or JSON").fill(TRIED)
                        await page.get_by_role("button", name="Try it on past calls").click()
                        await page.get_by_role("heading", name="What it would have changed").wait_for()
                        if not scripts:
                            continue  # axe is a script
                        await look(page, f"policy-{kind}", found)
                        for name, path in (("allowances", f"/allowances?card={cards['one']}"), ("card", f"/approvals/{cards['both']}")):  # fmt: skip
                            await page.goto(origin + path)
                            await look(page, f"{name}-{kind}", found)
                        await context.close()
                    await browser.close()
                server.should_exit = True
                await serving

    asyncio.run(whole())
    assert found == {}
