"""The pages of sessions and the card with surroundings, in a browser: wide and narrow, light and dark, and axe finds nothing."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.house import OWNER
from tests.provenance import office
from tests.provenance.office import EVIL
from tests.web.test_accessible import EVERYTHING
from tests.web.test_live_gateway import Running, gateway  # noqa: F401 - a fixture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]
SHOTS = os.environ.get("OSTIARY_TEST_SHOTS", "")
"""A folder for screenshots, to look at."""


@pytest.fixture
def there() -> Iterator[office.Office]:
    with office.running() as running:
        yield running


def furnished(gateway: Running, there: office.Office) -> tuple[str, list[str]]:  # noqa: F811 - the fixture
    """The owner's token and the pages to look at."""
    opened: dict[str, Any] = gateway.good(
        "POST", "/v1/setup",
        json={"token": gateway.desk.last(), "email": OWNER, "name": "Olive Owner", "tenant": "Pellow"},
    )  # fmt: skip
    owner = opened["secret"]
    gateway.good(
        "PUT", "/v1/connectors/office", owner, json={"settings": {"kind": "http", "base_url": there.url}}
    )
    gateway.good("PUT", "/v1/contracts", owner, json={"text": office.CONTRACTS})
    made = gateway.good(
        "POST", "/v1/keys", owner, json={"name": "Helper", "kind": "agent", "roles": ["support"]}
    )
    key, agent = made["secret"], made["key"]["key_id"]
    said = {"agent": agent, "intent": "Pay the rent of 1250 EUR to the landlord.\nThe contract says when."}
    session = gateway.good("POST", "/v1/sessions", owner, json=said)["session_id"]
    inside = {"ostiary-session": session, "authorization": f"Bearer {key}"}
    for name, params in (
        ("inbox.read", {}),
        ("contact.find", {}),
        ("money.send", {"iban": EVIL, "amount": 1250}),
    ):
        answer = gateway.client.post(f"/v1/actions/{name}", json=params, headers=inside)
        assert answer.status_code < 300, answer.text
    gateway.good("POST", f"/v1/sessions/{session}/claims", key, json={"words": "They want it today."})
    card = f"/approvals/{answer.json()['approval_id']}"
    return owner, ["/sessions", "/sessions/new", f"/sessions/{session}", card]


@pytest.mark.timeout(120)
def test_the_pages_of_sessions_read_well_everywhere(
    gateway: Running,  # noqa: F811 - the fixture
    chromium: Browser,
    there: office.Office,
) -> None:
    owner, pages = furnished(gateway, there)
    for width, scheme in ((1440, "light"), (390, "dark")):
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of the two
            locale="en-GB",
            bypass_csp=True,  # the policy keeps axe out as well
        )
        context.add_cookies([{"name": "ostiary", "value": owner, "url": gateway.url}])
        page = context.new_page()
        for number, path in enumerate(pages):
            page.goto(gateway.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            found = Axe().run(page, options=EVERYTHING).response["violations"]
            assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found] == [], path
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{width}-{number}.png", full_page=True)
        context.close()
