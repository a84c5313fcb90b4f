"""axe finds nothing on any page, in light and dark, on a desk and on a phone."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.web.conftest import Tabs
from tests.web.test_browser import ATTACK, PAGES, REFUND

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]

EVERYTHING: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "resultTypes": ["violations"],
}
COLOURS: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast"]},
    "resultTypes": ["violations"],
}
"""What the dark theme can change."""
PHONE = (
    "/",
    "/approvals",
    REFUND,
    ATTACK,
    "/calls",
    "/audit",
    "/audit/checkpoints",
    "/settings",
    "/retention",
    "/encryption",
    "/backups",
    "/quotas",
    "/limits",
    "/intent-keys",
    "/issuers",
    "/connected",
    "/members",
    "/keys/new",
    "/setup",
)
"""A page of each shape: on a phone the shapes change, not their contents."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("width", "scheme", "paths", "rules"),
    [
        (1440, "light", (*PAGES, "/sign-in/second-factor", "/setup"), EVERYTHING),
        (1440, "dark", (*PAGES, "/setup"), COLOURS),
        (390, "light", PHONE, EVERYTHING),
    ],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_nothing(
    tabs: Tabs, width: int, scheme: str, paths: tuple[str, ...], rules: dict[str, Any]
) -> None:
    page = tabs.open(
        "/", width=width, color_scheme=scheme, bypass_csp=True
    )  # the policy keeps axe out as well
    found = {}
    for path in paths:
        page.goto(tabs.console.origin + path)
        for violation in Axe().run(page, options=rules).response["violations"]:
            places = [node["target"] for node in violation["nodes"]][:4]
            found[path, violation["id"]] = (places, violation["nodes"][0]["failureSummary"])
    tabs.complaints.clear()
    assert found == {}, "\n".join(f"{where}: {what}" for where, what in found.items())
