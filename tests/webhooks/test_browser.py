"""The pages of webhooks in Chromium, over a real gateway: nothing for axe to find, nothing wider than a phone, the policy kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.process import Process
from tests.web.conftest import chromium as chromium
from tests.web.test_accessible import EVERYTHING

pytestmark = [pytest.mark.browser, pytest.mark.journey, pytest.mark.xdist_group("browser_too")]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, list[str]]]:
    """A gateway with a webhook that nobody answers for, and the paths of its pages."""
    process = Process(
        Path(tmp_path_factory.mktemp("webhooks")) / "home", settings={"OSTIARY_EGRESS_ALLOW": ""}
    )
    try:
        process.start()
        process.found()
        asked = {
            "url": "https://hook.invalid/in?k=1",
            "types": ["incident.*", "approval.*"],
            "description": "The on-call channel",
        }
        made = process.good("POST", "/v1/webhooks", json=asked)["webhook"]["id"]
        process.good("POST", f"/v1/webhooks/{made}/test")
        (sent,) = process.good("GET", f"/v1/webhooks/{made}/deliveries")["deliveries"]
        operators = {"url": "https://ops.invalid/", "types": ["*"], "signing": "asymmetric"}
        installs = process.good("POST", "/v1/install/webhooks", json=operators)["webhook"]["id"]
        pages = ["", "/new", f"/{made}", f"/deliveries/{sent['id']}"]
        yield (
            process,
            [*(f"/webhooks{each}" for each in pages), "/install/webhooks", f"/install/webhooks/{installs}"],
        )
    finally:
        process.kill()


def opened(browser: Browser, process: Process, **options: Any) -> Page:
    context = browser.new_context(**options)
    context.add_cookies(
        [{"name": "ostiary", "value": process.owner, "url": f"http://localhost:{process.port}"}]
    )
    return context.new_page()


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    chromium: Browser, gateway: tuple[Process, list[str]], width: int, scheme: str
) -> None:
    process, paths = gateway
    size: Any = {"width": width, "height": 900}
    page = opened(chromium, process, viewport=size, color_scheme=scheme, bypass_csp=True)
    found = {}
    for path in paths:
        page.goto(f"http://localhost:{process.port}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        for violation in Axe().run(page, options=EVERYTHING).response["violations"]:
            found[path, violation["id"]] = violation["nodes"][0]["failureSummary"]
    page.context.close()
    assert found == {}


@pytest.mark.timeout(240)
def test_a_webhook_is_added_without_javascript(chromium: Browser, gateway: tuple[Process, list[str]]) -> None:
    process, _ = gateway
    page = opened(chromium, process, java_script_enabled=False)
    page.goto(f"http://localhost:{process.port}/webhooks/new")
    page.get_by_label("Address").fill("https://chat.invalid/services/T0/hushhush")
    page.get_by_label("A chat message").check()
    page.get_by_role("button", name="Add it").click()
    assert page.locator("#once").inner_text().startswith("whsec_")
    page.goto(f"http://localhost:{process.port}/webhooks")
    assert "https://chat.invalid/…" in page.content()
    assert "hushhush" not in page.content()
    page.context.close()
