"""A browser for the tests that need one, over the sample door; a page fails its test when its console shows an error."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from ostiary.consent.watch import Watch
from tests.web.sample import SESSION, SampleDoor
from tests.web.serving import Served, serving
from tests.web.whole import ARGUMENTS, program


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def door() -> SampleDoor:
    return SampleDoor(time.time_ns() // 1_000)


@pytest.fixture
def console(door: SampleDoor) -> Iterator[Served]:
    with serving(door, Watch()) as served:
        yield served


@dataclass
class Tabs:
    """Opens pages as the sample's person, and keeps what their consoles complained of."""

    browser: Browser
    console: Served
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self, path: str = "/", *, width: int = 1440, height: int = 900, signed_in: bool = True, **options: Any
    ) -> Page:
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Europe/Berlin",
            **options,
        )
        self.contexts.append(context)
        if signed_in:
            context.add_cookies([{"name": "ostiary", "value": SESSION, "url": self.console.origin}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.console.origin + path)
        return page

    def _heard(self, said: ConsoleMessage) -> None:
        """A status of 4xx is an answer like another; all else that a console calls an error is a fault of ours."""
        if said.type == "error" and "the server responded with a status of 4" not in said.text:
            self.complaints.append(said.text)


@pytest.fixture
def tabs(chromium: Browser, console: Served) -> Iterator[Tabs]:
    made = Tabs(chromium, console)
    yield made
    for context in made.contexts:
        context.close()
    assert made.complaints == []


@pytest.fixture
def open_page(tabs: Tabs) -> Callable[..., Page]:
    return tabs.open
