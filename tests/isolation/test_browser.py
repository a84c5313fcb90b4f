"""A browser whose tenant has moved to a cell: the page that says so, in Chromium, takes it there, past the policy of the page."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from tests.conftest import KINDS
from tests.house import free_port
from tests.isolation.inside import MEMBER, Two, play
from tests.web.test_accessible import EVERYTHING
from tests.web.whole import ARGUMENTS, listening, program

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser_too"),
    pytest.mark.skipif("postgresql" not in KINDS, reason="not run: cells need PostgreSQL"),
]
SHOTS = os.environ.get("OSTIARY_SHOTS", "")


@pytest.mark.timeout(180)
def test_who_is_served_elsewhere_is_taken_there(tmp_path: Path) -> None:
    chromium = program()
    found: dict[str, Any] = {}

    async def story(of: Two) -> None:
        home_origin, cell_origin = (f"http://localhost:{port}" for port in of.ports)
        of.home.client.base_url = httpx.URL(home_origin)
        member = await of.home.sign_in(MEMBER)
        body = {"tenant": of.tenant, "url": cell_origin, "root_key": of.root}
        await of.home.good("POST", "/v1/cells", json=body)
        settings = {"OSTIARY_PORT": str(of.ports[1]), "OSTIARY_PUBLIC_URL": cell_origin}
        async with (
            of.cell(**settings) as cell,
            listening(of.home, of.ports[0]),
            listening(cell, of.ports[1]),
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            for width, scheme, scripts in ((1440, "light", True), (390, "dark", False)):
                context = await browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme, locale="en-GB", java_script_enabled=scripts
                )  # fmt: skip
                await context.add_cookies([{"name": "ostiary", "value": member, "url": home_origin}])
                page = await context.new_page()
                page.set_default_timeout(30_000)
                refused: list[str] = []
                page.on("console", lambda message, refused=refused: refused.append(message.text))
                answer = await page.goto(f"{home_origin}/calls")
                assert answer is not None
                assert answer.status == 421
                assert cell_origin in (await page.text_content("main") or "")
                if SHOTS:
                    await page.screenshot(path=f"{SHOTS}/elsewhere-{width}.png", full_page=True)
                await page.wait_for_url(f"{cell_origin}/sign-in**")
                assert not [text for text in refused if "Content Security Policy" in text]
                await context.close()
            context = await browser.new_context(bypass_csp=True, locale="en-GB")
            await context.add_cookies([{"name": "ostiary", "value": member, "url": home_origin}])
            page = await context.new_page()
            # Held on the page, which would go on after a second.
            await page.route(f"{home_origin}/", lambda route: _held(route))
            await page.goto(f"{home_origin}/")
            for violation in (await Axe().run(page, options=EVERYTHING)).response["violations"]:
                found[violation["id"]] = violation["nodes"][0]["failureSummary"]
            await browser.close()

    play(tmp_path, story, ports=(free_port(), free_port()))
    assert found == {}


async def _held(route: Any) -> None:
    answer = await route.fetch()
    headers = {name: value for name, value in answer.headers.items() if name != "refresh"}
    await route.fulfill(response=answer, headers=headers)
