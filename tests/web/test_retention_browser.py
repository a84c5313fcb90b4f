"""The pages of retention in a browser, over a whole gateway: axe finds nothing, on a desk and on a phone, in light and dark."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.house import House
from tests.web.test_accessible import EVERYTHING
from tests.web.whole import browsing

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]

SHOTS = os.environ.get("OSTIARY_SHOTS", "")


async def look(page: Page, name: str, found: dict[str, Any]) -> None:
    """axe, no sideways scrolling, and a picture where one is wanted."""
    # What has gone half beneath the head of the page would count as too small.
    await page.evaluate("scrollTo(0, 0)")
    for violation in (await Axe().run(page, options=EVERYTHING)).response["violations"]:
        found[name, violation["id"]] = violation["nodes"][0]["failureSummary"]
    if await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found[name, "wide"] = "the page scrolls sideways"
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


async def walk(house: House, page: Page, origin: str, kind: str, found: dict[str, Any]) -> None:
    subject = f"C-48213-{kind}"
    await page.goto(f"{origin}/retention")
    await look(page, f"{kind}-empty", found)
    await page.get_by_text("Place a hold", exact=True).click()
    await page.get_by_label("One person").check()
    await page.get_by_label("The person's id").fill("C-70001")
    await page.get_by_label("Why").fill("Case 12 O 345/26, regional court")
    await look(page, f"{kind}-hold", found)
    await page.get_by_role("button", name="Place the hold").click()
    await page.goto(f"{origin}/retention/erase")
    await look(page, f"{kind}-whom", found)
    await page.get_by_label("The person's id").fill(subject)
    await page.get_by_role("button", name="See what would be lost").click()
    await look(page, f"{kind}-preview", found)
    await page.get_by_label("Type the person's id").fill(subject)
    await page.get_by_role("button", name="Erase for good").click()
    await page.get_by_text("Waits for a worker").wait_for()
    await look(page, f"{kind}-going", found)
    await house.work()
    await page.get_by_role("heading", name="Certificate").wait_for()  # the page looks again by itself
    await look(page, f"{kind}-done", found)
    await page.goto(f"{origin}/retention")
    await look(page, f"{kind}-page", found)


@pytest.mark.timeout(180)
def test_retention_in_a_browser(tmp_path: Path) -> None:
    found: dict[str, Any] = {}

    async def whole() -> None:
        async with browsing(tmp_path) as at:
            for width, scheme in ((1440, "light"), (1440, "dark"), (390, "light")):
                async with at.page(width, scheme, locale="en-GB") as page:
                    page.set_default_timeout(15_000)
                    await walk(at.house, page, at.origin, f"{scheme}-{width}", found)

    asyncio.run(whole())
    assert found == {}
