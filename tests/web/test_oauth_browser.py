"""The page on which a person lets an agent in, and the list of what was allowed, in a browser."""

from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.web.conftest import Tabs
from tests.web.sample import SampleDoor
from tests.web.test_accessible import COLOURS, EVERYTHING

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

BACK = "http://127.0.0.1:7777"
ASKED = {
    "response_type": "code",
    "client_id": "https://helper.example/client.json",
    "redirect_uri": f"{BACK}/back",
    "state": "s",
}
CONSENT = "/oauth/authorize?" + urlencode(ASKED)
GRANT = {
    "grant": "ogr_" + "1" * 32, "person": "per_" + "1" * 32, "client": "https://helper.example/client.json", "client_name": "Helper",
    "client_host": "helper.example", "scopes": ["contracts:read", "invoice.refund"], "resource": "http://localhost/mcp",
    "allowed_at": "2026-11-01T08:00:00.000000Z", "last_used_at": "2026-11-21T08:00:00.000000Z", "expires_at": "2026-12-01T08:00:00.000000Z",
}  # fmt: skip

NONE = {"connected_at": "", "renewed_at": "", "state": "none", "wanted": []}
GOOD = {"connected_at": "2026-11-01T08:00:00.000000Z", "renewed_at": "2026-11-01T08:00:00.000000Z"}


def furnish(door: Any) -> None:
    """Answers of a gateway that knows a client, a grant of one's own, one of somebody else's, and an upstream."""
    other = {**GRANT, "grant": "ogr_" + "2" * 32, "person": "per_" + "2" * 32, "client_name": "Another"}
    door.oauth_grants = lambda asked: {"grants": [GRANT, other] if asked.get("whose") == "all" else [GRANT]}
    door.oauth_accounts = lambda _asked: {
        "accounts": [
            {**NONE, "connector": "github"},
            {**NONE, **GOOD, "connector": "mail", "state": "connected"},
            {**NONE, "connector": "notes", "state": "again"},
            {**NONE, **GOOD, "connector": "files", "state": "wider", "wanted": ["files:write", "<b>"]},
        ]
    }
    door.oauth_clients = lambda _asked: {
        "clients": [
            {
                "client": "ocl_" + "1" * 32,
                "name": "Desk",
                "redirect_uris": [f"{BACK}/back"],
                "kind": "public",
                "made_at": "",
                "made_by": "",
            }
        ]
    }
    door.oauth_issuers = lambda _asked: {
        "issuers": [
            {
                "issuer_id": "ois_1",
                "issuer": "https://sign-in.example",
                "audience": "a",
                "domains": ["pellow.example"],
                "scopes": ["contracts"],
                "made_at": "",
                "made_by": "",
            }
        ]
    }
    door.oauth_ask = lambda asked: {
        "client": asked["client_id"], "client_name": "Helper", "client_host": "helper.example", "redirect": BACK, "redirect_local": True,
        "form_source": BACK, "resource": "http://localhost/mcp", "refused": "", "back": "", "denied": f"{BACK}/back?error=access_denied",
        "scopes": [
            {"scope": "contracts:read", "contracts": ["Look up a customer", "Look up an invoice"], "count": 2, "writes": 0},
            {"scope": "contracts", "contracts": ["Look up a customer", "Look up an invoice", "Refund an invoice"], "count": 3, "writes": 1},
        ],
    }  # fmt: skip
    door.oauth_allow = lambda asked: {
        "secret": f"{BACK}/back?code=c&allowed={'+'.join(asked['allowed'])}&days={asked['days']}"
    }


@pytest.mark.parametrize(
    ("width", "scheme", "rules"),
    [(1440, "light", EVERYTHING), (1440, "dark", COLOURS), (390, "light", EVERYTHING)],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_nothing(
    tabs: Tabs, door: SampleDoor, width: int, scheme: str, rules: dict[str, Any]
) -> None:
    furnish(door)
    page = tabs.open("/", width=width, color_scheme=scheme, bypass_csp=True)
    for path in ("/connected", CONSENT):
        page.goto(tabs.console.origin + path)
        found = {
            each["id"]: each["nodes"][0]["failureSummary"]
            for each in Axe().run(page, options=rules).response["violations"]
        }
        assert found == {}, path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    tabs.complaints.clear()


def test_a_person_ticks_what_it_may_and_is_sent_back_with_the_answer(tabs: Tabs, door: SampleDoor) -> None:
    """Across origins, as the page's policy allows it for this one address; what writes is not ticked beforehand."""
    furnish(door)
    page = tabs.open(CONSENT)
    page.route(f"{BACK}/**", lambda route: route.fulfill(status=200, body="back at the client"))
    expect(page.get_by_role("checkbox", name="Look things up and change them")).not_to_be_checked()
    expect(page.get_by_text("Go on only if you have just started it yourself.")).to_be_visible()
    page.get_by_role("button", name="Let it in").click()
    expect(page.get_by_text("back at the client")).to_be_visible()
    assert page.url == f"{BACK}/back?code=c&allowed=contracts:read&days=30"


def test_no_is_an_answer_too(tabs: Tabs, door: SampleDoor) -> None:
    furnish(door)
    page = tabs.open(CONSENT)
    page.route(f"{BACK}/**", lambda route: route.fulfill(status=200, body="back at the client"))
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_text("back at the client")).to_be_visible()
    assert page.url == f"{BACK}/back?error=access_denied"
    assert [name for name, _ in door.asked if name == "oauth.allow"] == []
