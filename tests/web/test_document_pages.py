"""The pages of documents under review: over a real gateway without JavaScript, and in a browser, by keyboard and by mouse, where axe finds nothing."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.consent.kit import join
from tests.house import House, play
from tests.review import papers
from tests.web.test_real_pages import signed_in
from tests.web.test_retention_browser import look
from tests.web.whole import browsing

SHOTS = os.environ.get("OSTIARY_SHOTS")
LOOKS = ((1440, "light"), (390, "dark"), (1440, "dark"), (390, "light"))
"""The last two differ in nothing that a program sees: they are for people who look at pictures."""
EVIL = (
    "Dear <script>alert(1)</script>, write to jane@example.com or joe@example.com.\nThe word is Bluebottle.\n"
)


async def shown(browser: httpx.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text[-1500:]
    return answer.text


def ids(page: str) -> list[str]:
    return re.findall(r'data-finding="(\w+)"', page)


def test_a_document_goes_all_the_way_by_forms_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            assert "No document yet" in await shown(browser, "/documents")
            file = {"file": ("../../<b>letter\u202e.txt", EVIL.encode(), "text/html")}
            came = await browser.post("/documents", files=file, data={"plan": ""})
            assert came.status_code == 303
            at = came.headers["location"]
            waiting = await browser.get(at)
            assert ("It is being read" in waiting.text, waiting.headers["refresh"]) == (True, "2")
            await house.work()
            page = await shown(browser, at)
            assert "<script>alert" not in page
            assert "Dear &lt;script&gt;" in page
            assert "_b_letter.txt" in page
            _, second = ids(page)
            form = {"seen": "0", "leaf": "0", "reject": second, "reason": "Ours"}
            assert (await browser.post(f"{at}/decide", data=form)).status_code == 303
            late = await browser.post(f"{at}/decide", data={**form, "accept": second, "reject": ""})
            assert late.status_code == 409
            assert re.search(r"Since you looked, [^<]+ rejected 1 of these findings", late.text)
            assert "Since you looked, prs" not in late.text
            form = {
                "seen": "1",
                "leaf": "0",
                "text": "bluebottle",
                "category": "code word",
                "everywhere": "on",
            }
            assert (await browser.post(f"{at}/add", data=form)).status_code == 303
            told = await browser.post(f"{at}/add", data={**form, "text": "nowhere"})
            assert (told.status_code, "does not stand on this page" in told.text) == (409, True)
            assert (await browser.post(f"{at}/export", data={"seen": "2"})).status_code == 303
            await house.work()
            page = await shown(browser, at)
            assert ("Exported" in page, "Ours" in page) == (True, True)
            output = await browser.get(f"{at}/file/document")
            assert "jane@example.com" not in output.text
            assert "joe@example.com" in output.text
            assert "Bluebottle" not in output.text
            assert output.headers["content-type"] == "application/octet-stream"
            assert output.headers["content-disposition"].startswith(
                'attachment; filename="_b_letter-redacted.txt"'
            )
            assert output.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert (output.headers["cache-control"], output.headers["x-content-type-options"]) == ("no-store", "nosniff")  # fmt: skip
            assert (
                (await browser.get(f"{at}/file/record"))
                .json()["payloadType"]
                .startswith("application/vnd.ostiary")
            )
            assert (await browser.post(f"{at}/remove", data={"confirm": "on"})).status_code == 303
            assert (await browser.get(at)).status_code == 404

    play(tmp_path, story)


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
@pytest.mark.timeout(240)
def test_documents_in_a_browser(tmp_path: Path) -> None:
    found: dict[str, Any] = {}

    async def whole() -> None:
        async with browsing(tmp_path) as at:
            for width, scheme in LOOKS if SHOTS else LOOKS[:2]:
                async with at.page(width, scheme) as page:
                    await walk(at.house, page, at.origin, f"{width}-{scheme}", found)

    asyncio.run(whole())
    assert found == {}


async def state(page: Any, number: int, wanted: str) -> None:
    await page.locator(f"[data-finding] >> nth={number} >> xpath=self::*[@data-state='{wanted}']").wait_for()


async def walk(house: House, page: Any, origin: str, kind: str, found: dict[str, Any]) -> None:
    """Uploaded by the form, decided by keyboard alone, added by selecting and by drawing, exported by keyboard."""
    await page.goto(f"{origin}/documents")
    await look(page, f"documents-list-{kind}", found)
    name = f"letter-{kind}.pdf"
    file = {"name": name, "mimeType": "application/pdf", "buffer": papers.pdf()}
    await page.get_by_label("Document", exact=True).set_input_files(files=[file])
    await page.get_by_role("button", name="Upload and look").press("Enter")
    await page.get_by_text("It is being read").wait_for()
    await house.work()
    await page.get_by_role("heading", name="Found here").wait_for()
    await look(page, f"documents-review-{kind}", found)
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await state(page, 0, "accepted")
    await page.keyboard.press("j")
    await page.keyboard.press("r")
    await page.keyboard.type("Ours")
    await page.keyboard.press("Enter")
    await state(page, 1, "rejected")
    await page.keyboard.press("/")
    await page.keyboard.type("stays")
    assert await page.locator("[data-finding]:not([hidden])").count() == 1
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Delete")
    await page.keyboard.press("Escape")
    await page.keyboard.press("d")
    for key in ("ArrowDown", "ArrowLeft", "Shift+ArrowRight", "Enter"):
        await page.keyboard.press(key)
    await page.keyboard.type("signature")
    await look(page, f"documents-area-{kind}", found)
    await page.keyboard.press("Enter")
    await page.get_by_text("an area of the page", exact=True).wait_for()
    await page.locator("[data-piece]").first.evaluate(
        """piece => {
        const walker = document.createTreeWalker(piece, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf('Bluebottle');
            if (at < 0) continue;
            getSelection().setBaseAndExtent(node, at, node, at + 10);
            piece.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
            return;
        }
    }"""
    )
    await page.locator("[data-selection]").get_by_text("Bluebottle").wait_for()
    await page.locator("#selection-category").fill("code_word")
    await page.locator("#selection-category").press("Enter")
    await page.get_by_role("heading", name="code word").wait_for()
    await page.keyboard.press("u")
    await page.get_by_role("heading", name="code word").wait_for(state="detached")
    await page.keyboard.press("e")
    await page.keyboard.press("Enter")
    await page.get_by_text("It is being redacted").wait_for()
    await house.work()
    await page.get_by_role("link", name="Signed record").wait_for()
    await page.get_by_text("Who decided what").click()
    await look(page, f"documents-exported-{kind}", found)


async def other_accepts(house: House, other: str, document: str) -> None:
    """The first finding, by another person."""
    look = await house.good("GET", f"/v1/documents/{document}/leaves/0", other)
    asked = {"seen": look["version"], "decision": "accept", "findings": [look["findings"][0]["id"]]}
    await house.good("POST", f"/v1/documents/{document}/decisions", other, json=asked)


def test_the_standing_says_what_others_did_and_no_more(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await papers.opened(house, EVIL)
        other = await join(house, "mara", "support")
        at = f"/documents/{document}/standing?seen={{}}&state=open&output="
        async with await signed_in(house) as browser:
            assert "Since you looked" not in await shown(browser, at.format(0))
            await other_accepts(house, other, document)
            told = await shown(browser, at.format(0))
            assert re.search(r"<bdi>mara</bdi> lets go 1 finding\.", told)
            assert "jane@example.com" not in told
            assert "Since you looked" not in await shown(browser, at.format(1))
            assert (await browser.get(at.format("1e9"))).status_code == 422
            page = await shown(browser, f"/documents/{document}")
            form = {"seen": "1", "leaf": "0", "reject": ids(page)[1], "reason": "Ours"}
            assert (await browser.post(f"/documents/{document}/decide", data=form)).status_code == 303
            assert "Since you looked" not in await shown(browser, at.format(1))
            browser.cookies.set("ostiary", other)
            assert "Olive Owner</bdi> keeps 1 finding." in await shown(browser, at.format(1))
            export = {"seen": "2"}
            browser.cookies.set("ostiary", house.owner)
            assert (await browser.post(f"/documents/{document}/export", data=export)).status_code == 303
            assert "This document: being exported." in await shown(browser, at.format(2))
            await house.work()
            assert "This document: exported." in await shown(browser, at.format(2))

    play(tmp_path, story)


def test_who_may_not_see_documents_hears_nothing_of_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        document = await papers.opened(house, EVIL)
        viewer = await join(house, "vera", "viewer")
        async with await signed_in(house) as browser:
            assert (await browser.get(f"/documents/{document[:-4]}0000/events")).status_code == 404
            browser.cookies.set("ostiary", viewer)
            for part in ("events", "standing"):
                assert (await browser.get(f"/documents/{document}/{part}")).status_code == 403

    play(tmp_path, story)


@asynccontextmanager
async def together(tmp_path: Path) -> AsyncIterator[tuple[Any, str, str, Any]]:
    """The gateway, a document, the key of another who reviews, and the owner's live page of it."""
    async with browsing(tmp_path) as at:
        document = await papers.opened(at.house, EVIL)
        other = await join(at.house, "mara", "support")
        async with at.page(1440, "light") as page:
            await page.goto(f"{at.origin}/documents/{document}")
            await page.locator("#live[data-state=on]").wait_for()
            yield at, document, other, page


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
@pytest.mark.timeout(120)
def test_what_another_decides_is_told_at_once(tmp_path: Path) -> None:
    async def whole() -> None:
        async with together(tmp_path) as (at, document, other, page):
            await page.locator("#filter").fill("jane")
            began = asyncio.get_running_loop().time()
            await other_accepts(at.house, other, document)
            await page.locator("#standing", has_text="mara lets go 1 finding").wait_for(timeout=5_000)
            assert asyncio.get_running_loop().time() - began < 3
            focus = "[document.activeElement.id, document.activeElement.value]"
            assert await page.evaluate(focus) == ["filter", "jane"]
            found: dict[str, Any] = {}
            await look(page, "documents-standing", found)
            assert found == {}
            await page.get_by_role("link", name="Look at it as it stands.").first.click()
            await page.locator("[data-finding][data-state=accepted]").first.wait_for()

    asyncio.run(whole())


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
@pytest.mark.timeout(120)
def test_who_decides_on_after_another_did_overwrites_nothing(tmp_path: Path) -> None:
    async def whole() -> None:
        async with together(tmp_path) as (at, document, other, page):
            items = page.locator("[data-finding]")
            theirs, ours = items.nth(0), items.nth(1)
            await other_accepts(at.house, other, document)
            await page.locator("#standing", has_text="mara lets go 1 finding").wait_for()
            for alike in (True, True, True, False):
                await page.locator("input[data-alike]").set_checked(alike)
                now = await ours.get_attribute("data-state")
                await ours.locator("[data-item]").focus()
                await page.keyboard.press("x")
                await expect(ours).not_to_have_attribute("data-state", str(now))
            await expect(page.locator("[data-wrong]")).to_be_hidden()
            await expect(page.locator("#standing")).to_contain_text("mara lets go 1 finding")
            await theirs.locator("[data-item]").focus()
            await page.keyboard.press("r")
            await page.locator("#why-reason").fill("Ours")
            await page.locator("#why-reason").press("Enter")
            await expect(page.locator("[data-wrong-text]")).to_contain_text("mara accepted 1")
            await expect(page.locator("#standing")).to_contain_text("mara lets go 1 finding")
            row = await at.house.good("GET", f"/v1/documents/{document}/decisions", other)
            assert [each["kind"] for each in row["decisions"]] == [
                "accept",
                "reject",
                "accept",
                "reject",
                "accept",
            ]

    asyncio.run(whole())
