"""The pages of discovery: over a real gateway, and in a browser, where axe finds nothing and everything goes by keyboard alone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.discovery.looking import Looker
from tests.discovery.conftest import _here
from tests.discovery.test_runs import papers
from tests.house import House, play
from tests.web.test_real_pages import signed_in
from tests.web.test_retention_browser import look
from tests.web.whole import browsing

MARKUP = '<img src=x onerror="alert(1)">@x.txt'


@pytest.fixture(autouse=True)
def _in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Looker, "look", _here)


def test_a_place_is_added_looked_through_and_removed_and_names_are_never_markup(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")
    (folder / "letters" / MARKUP).write_text("jane@example.com")

    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            assert "No place is looked through yet" in (await browser.get("/discovery")).text
            form = {"name": "papers", "kind": "folder", "path": "/etc", "exposure": "internal", "every_h": "24"}  # fmt: skip
            wrong = await browser.post("/discovery", data=form)
            assert (wrong.status_code, "OSTIARY_DISCOVERY_ROOTS" in wrong.text) == (422, True)
            saved = await browser.post("/discovery", data={**form, "path": str(folder)})
            assert (saved.status_code, saved.headers["location"]) == (303, "/discovery/papers?note=place-saved")  # fmt: skip
            assert "Never looked through" in (await browser.get("/discovery/papers")).text
            assert (await browser.get("/discovery/papers/report/html")).status_code == 409
            tried = await browser.post("/discovery/papers/test")
            assert "It can be opened and listed" in tried.text
            begun = await browser.post("/discovery/papers/act", data={"do": "start"})
            assert begun.headers["location"] == "/discovery/papers?note=discovery-start"
            await house.work()
            page = (await browser.get("/discovery/papers?which=all")).text
            assert "&lt;img src=x" in page
            assert "<img src=x" not in page
            assert "style=" not in page
            for form_of, kind in (("html", "text/html"), ("csv", "text/csv"), ("json", "application/json")):
                file = await browser.get(f"/discovery/papers/report/{form_of}")
                assert file.headers["content-type"].startswith(kind)
                assert file.headers["content-disposition"] == f'attachment; filename="discovery-papers.{form_of}"'  # fmt: skip
                assert file.headers["cache-control"] == "no-store"
                assert "<img src=x" not in file.text or form_of != "html"
            assert (await browser.get("/discovery/papers/report/exe")).status_code == 404
            assert (await browser.get("/discovery/other")).status_code == 404
            assert (await browser.post("/discovery/papers/act", data={"do": "burn"})).status_code == 404
            assert (await browser.post("/discovery/papers/remove", data={"confirm": "x"})).status_code == 422
            gone = await browser.post("/discovery/papers/remove", data={"confirm": "papers"})
            assert gone.headers["location"] == "/discovery?note=place-removed"
            assert (await browser.get("/discovery/papers")).status_code == 404

    play(tmp_path / "home", story, OSTIARY_DISCOVERY_ROOTS=str(folder))


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
@pytest.mark.timeout(180)
def test_discovery_in_a_browser(tmp_path: Path) -> None:
    folder = papers(tmp_path / "data")
    found: dict[str, Any] = {}

    async def whole() -> None:
        async with browsing(tmp_path / "home", OSTIARY_DISCOVERY_ROOTS=str(folder)) as at:
            for width, scheme, scripts in ((1280, "light", True), (390, "dark", True), (1280, "light", False)):  # fmt: skip
                kind = f"{width}-{scheme}" if scripts else "plain"
                async with at.page(width, scheme, java_script_enabled=scripts) as page:
                    await walk(at.house, page, at.origin, kind, folder, found)

    asyncio.run(whole())
    assert found == {}


async def walk(house: House, page: Any, origin: str, kind: str, folder: Path, found: dict[str, Any]) -> None:
    """By keyboard alone: add a place, look through it, see what was found, look again after something has changed."""
    name = f"papers-{kind}"
    scripts = kind != "plain"
    await page.goto(f"{origin}/discovery")
    await page.get_by_role("link", name="Add a place").first.press("Enter")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Folder", exact=True).last.fill(str(folder))
    if scripts:
        await look(page, f"discovery-form-{kind}", found)
    await page.get_by_role("button", name="Save").press("Enter")
    await page.get_by_text("Never looked through").wait_for()
    if scripts:
        await look(page, f"discovery-never-{kind}", found)
    await page.get_by_role("button", name="Look through it").first.press("Enter")
    await page.get_by_role("button", name="Pause").wait_for()
    if scripts:
        await look(page, f"discovery-going-{kind}", found)
    await house.work()
    if not scripts:
        await page.goto(f"{origin}/discovery/{name}")
    await page.get_by_role("heading", name="What it holds").wait_for()
    await page.get_by_role("heading", name="The last run").wait_for()  # the page looks again by itself
    (folder / "letters" / "b.txt").write_text(f"And to max@example.com, from {kind}.")
    await page.get_by_role("button", name="Look through it").press("Enter")
    await page.get_by_role("button", name="Pause").wait_for()
    await house.work()
    await page.goto(f"{origin}/discovery/{name}")
    await page.get_by_role("img", name="Findings of 2 runs").wait_for()
    if scripts:
        await look(page, f"discovery-one-{kind}", found)
        await page.goto(f"{origin}/discovery")
        await look(page, f"discovery-list-{kind}", found)
    (folder / "letters" / "b.txt").write_text("Nothing here.\n")
