"""axe finds nothing on any page, in light and dark, on a desk and on a phone."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.web.conftest import Tabs
from tests.web.test_browser import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]

RULES: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_nothing(tabs: Tabs, scheme: str, width: int) -> None:
    page = tabs.open(
        "/", width=width, color_scheme=scheme, bypass_csp=True
    )  # the policy keeps axe out as well
    found = {}
    for path in (*PAGES, "/sign-in/second-factor", "/setup"):
        page.goto(tabs.console.origin + path)
        result = Axe().run(page, options=RULES)
        for violation in result.response["violations"]:
            places = [node["target"] for node in violation["nodes"]][:4]
            found[path, violation["id"]] = (places, violation["nodes"][0]["failureSummary"])
    tabs.complaints.clear()
    assert found == {}, "\n".join(f"{where}: {what}" for where, what in found.items())
