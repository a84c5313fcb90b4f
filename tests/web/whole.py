"""A browser over a whole gateway that listens: the pages as people have them, with nothing of the sample's."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright

from tests.house import House, free_port, opened

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def program() -> str:
    """Where Chromium is. Without one the test is skipped; it fails where a browser is required (OSTIARY_TEST_REQUIRE_BROWSER)."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        (pytest.fail if os.environ.get("OSTIARY_TEST_REQUIRE_BROWSER") else pytest.skip)(
            "not run: no Chromium"
        )
    return str(found)


@asynccontextmanager
async def listening(house: House, port: int) -> AsyncIterator[None]:
    """The gateway of a house, as a real server."""
    config = uvicorn.Config(
        house.gateway.asgi, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@dataclass(frozen=True, slots=True)
class Browsing:
    """A house with its owner, and a browser before it."""

    house: House
    browser: Browser
    origin: str

    @asynccontextmanager
    async def page(self, width: int, scheme: str, **options: Any) -> AsyncIterator[Page]:
        """A page of the owner's; the context is closed after it, and `page.context` makes more of them."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            bypass_csp=True,
            **options,
        )
        await context.add_cookies([{"name": "ostiary", "value": self.house.owner, "url": self.origin}])
        yield await context.new_page()
        await context.close()


@asynccontextmanager
async def browsing(folder: Path, **settings: str) -> AsyncIterator[Browsing]:
    """A fresh gateway with its owner signed in, and Chromium."""
    chromium, port = program(), free_port()
    origin = f"http://localhost:{port}"
    async with opened(folder, OSTIARY_PORT=str(port), OSTIARY_PUBLIC_URL=origin, **settings) as house:
        house.client.base_url = httpx.URL(origin)
        await house.found()
        await house.enrol()
        async with listening(house, port), async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            yield Browsing(house, browser, origin)
            await browser.close()
