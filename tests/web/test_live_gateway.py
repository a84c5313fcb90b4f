"""The whole thing in a browser: an agent asks over REST, a person at the console sees the card appear, holds the button, and sees the answer."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import uvicorn
from playwright.sync_api import Browser, expect

from ostiary import config
from ostiary.app.gateway import Gateway
from ostiary.app.serve import server
from tests import shop
from tests.house import OWNER, MovingClock, QuietDesk, free_port
from tests.keys import ROOT_KEY

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser_too")]


@dataclass
class Running:
    url: str
    desk: QuietDesk
    client: httpx.Client
    server: uvicorn.Server
    thread: threading.Thread

    def good(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = self.client.request(method, path, headers=headers, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    port = free_port()
    url = f"http://localhost:{port}"
    settings = config.load(
        {
            "OSTIARY_HOME": str(tmp_path),
            "OSTIARY_ROOT_KEY": ROOT_KEY,
            "OSTIARY_PORT": str(port),
            "OSTIARY_EGRESS_ALLOW": "127.0.0.0/8",
        }
    )
    clock = MovingClock()
    desk = QuietDesk(settings.home, clock)
    started = server(Gateway(settings, clock, desk=desk))
    thread = threading.Thread(target=lambda: asyncio.run(started.serve()), daemon=True)
    thread.start()
    while not started.started:
        thread.join(0.02)
    with httpx.Client(base_url=url, timeout=30) as client:
        yield Running(url, desk, client, started, thread)
    started.should_exit = True
    thread.join(30)


def test_an_agent_asks_and_a_person_answers(gateway: Running, chromium: Browser) -> None:
    owner = gateway.good(
        "POST", "/v1/setup",
        json={"token": gateway.desk.last(), "email": OWNER, "name": "Olive Owner", "tenant": "Pellow"},
    )["secret"]  # fmt: skip
    with shop.running() as connected:
        for name in ("shop", "letters"):
            settings = {"kind": "http", "base_url": connected.url, "honours_idempotency_key": True}
            gateway.good("PUT", f"/v1/connectors/{name}", owner, json={"settings": settings})
        gateway.good("PUT", "/v1/contracts", owner, json={"text": shop.CONTRACTS})
        agent = gateway.good(
            "POST", "/v1/keys", owner, json={"name": "Helper", "kind": "agent", "roles": ["support"]}
        )["secret"]

        page = chromium.new_context(locale="en-GB").new_page()
        page.set_default_timeout(15_000)
        page.goto(gateway.url)
        page.get_by_label("Email address").fill(OWNER)
        page.keyboard.press("Enter")
        page.get_by_label("Code").wait_for()
        page.get_by_label("Code").fill(gateway.desk.last())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()

        page.goto(gateway.url + "/settings")
        page.get_by_role("button", name="Set it up").click()
        key = page.locator(".enrol code").inner_text().replace(" ", "")
        page.get_by_label("The code it shows now").fill(pyotp.TOTP(key).now())
        page.get_by_role("button", name="Turn it on").click()
        expect(page.get_by_text("Your second factor is on.")).to_be_visible()

        page.goto(gateway.url + "/approvals")
        expect(page.locator("#live[data-state=on]")).to_be_visible()
        expect(page.get_by_text("Nothing waits for you")).to_be_visible()
        held = gateway.good("POST", "/v1/actions/pay.send", agent, json={"to": "Ada", "amount": 48})
        page.get_by_text("Pay 48 to Ada").click()
        page.locator("#approve-button").click(delay=1_400)
        expect(page.locator("#approval-card")).to_contain_text("Done, once.")
        expect(page.locator("#approval-card")).to_contain_text('"paid": 48')
        done = gateway.good("GET", f"/v1/calls/{held['call_id']}", agent)
        assert (done["state"], done["result"], connected.done["Ada"]) == (
            "done",
            {"paid": 48, "number": 1},
            1,
        )

        page.goto(gateway.url + "/audit?action=pay.send")
        page.locator("[data-item]").first.click()
        expect(page.locator("#proof")).to_have_attribute("data-verdict", "good")
        page.context.close()


def test_an_open_tab_does_not_hold_up_the_stop(gateway: Running, chromium: Browser) -> None:
    gateway.good(
        "POST", "/v1/setup",
        json={"token": gateway.desk.last(), "email": OWNER, "name": "Olive Owner", "tenant": "Pellow"},
    )  # fmt: skip
    request = gateway.good("POST", "/v1/session/code", json={"email": OWNER})["request"]
    while OWNER not in gateway.desk.shown[-1]:
        gateway.thread.join(0.02)
    opened = gateway.good("POST", "/v1/session/start", json={"request": request, "code": gateway.desk.last()})
    page = chromium.new_context().new_page()
    page.context.add_cookies([{"name": "ostiary", "value": opened["secret"], "url": gateway.url}])
    page.goto(gateway.url + "/approvals")
    expect(page.locator("#live[data-state=on]")).to_be_visible()
    gateway.server.should_exit = True
    gateway.thread.join(8)
    assert not gateway.thread.is_alive()
    page.context.close()
