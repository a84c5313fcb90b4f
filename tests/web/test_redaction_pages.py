"""The pages of rule sets and redaction plans: over a real gateway, and in a browser, where axe finds nothing and everything goes by keyboard alone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, play
from tests.web.test_real_pages import signed_in
from tests.web.test_retention_browser import look
from tests.web.whole import browsing

PLAN = "scope: desk\nrules: {email: token, card: {operator: mask, last: 4}}\n"
SCOPES_WALKED = ("1280-dark", "390-light")
SAMPLE = "To <b>jane@example.com</b>, card 4111 1111 1111 1111."


def test_a_plan_is_tried_saved_changed_and_removed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            assert "None yet" in (await browser.get("/redaction")).text
            form = {"name": "letters", "text": "rules: {email: tokn}", "sample": SAMPLE, "expected": "0"}
            for wanted in ("check", "save"):
                wrong = await browser.post("/redaction/plans", data={**form, "do": wanted})
                assert (wrong.status_code, "/rules/email/operator" in wrong.text) == (422, True)
            form["text"] = PLAN + "  #\n"
            tried = await browser.post("/redaction/plans/look", data=form)
            assert "&lt;b&gt;" in tried.text
            assert "<b>jane" not in tried.text
            assert '<span class="kind">email</span>' in tried.text
            assert "***************1111" in tried.text
            assert tried.text.count("jane@example.com") == 1
            saved = await browser.post("/redaction/plans", data={**form, "do": "save"})
            assert (saved.status_code, saved.headers["location"]) == (303, "/redaction?note=redaction-saved")
            late = await browser.post("/redaction/plans", data={**form, "do": "save"})
            assert (late.status_code, "Nothing was saved" in late.text) == (422, True)
            shown = await browser.get("/redaction/plans?name=letters")
            assert "version 1 stands" in shown.text
            away = await browser.post(
                "/redaction/plans", data={"name": "letters", "confirm": "x", "do": "remove"}
            )
            assert away.status_code == 422
            gone = await browser.post(
                "/redaction/plans", data={"name": "letters", "confirm": "letters", "do": "remove"}
            )
            assert gone.status_code == 303
            assert (await browser.get("/redaction/plans?name=letters")).status_code == 404
            assert (await browser.get("/redaction/other")).status_code == 404
            bad = {"name": "Bad Name", "text": "without: [date]", "do": "save"}
            assert (await browser.post("/redaction/rules", data=bad)).status_code == 422

    play(tmp_path, story)


def test_a_pattern_is_inferred_in_the_editor_with_scripts_or_without(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with await signed_in(house) as browser:
            assert "A pattern from examples" not in (await browser.get("/redaction/plans")).text
            assert "A pattern from examples" in (await browser.get("/redaction/rules")).text
            form = {"name": "tickets", "text": "without: [date]", "examples": "ACME-4711\n\n ACME-20001 \n"}
            whole = await browser.post("/redaction/rules", data={**form, "do": "infer"})
            part = await browser.post("/redaction/rules/shape", data=form)
            for shown in (whole, part):
                assert shown.status_code == 200
                assert r"pattern: &#39;\bACME\-[0-9]{4,5}\b&#39;" in shown.text
            assert ("<!doctype" in whole.text.lower(), "<!doctype" in part.text.lower()) == (True, False)
            assert "without: [date]" in whole.text
            form["examples"] = "<b>ACME</b>\n7"
            for shown in (
                await browser.post("/redaction/rules", data={**form, "do": "infer"}),
                await browser.post("/redaction/rules/shape", data=form),
                await browser.post("/redaction/rules/shape", data={**form, "examples": "x" * 300 + "\n7"}),
            ):
                assert (shown.status_code, "No pattern." in shown.text, "<b>ACME" in shown.text) == (200, True, False)  # fmt: skip
            assert (await browser.get("/redaction")).text.count("tickets") == 0

    play(tmp_path, story)


def test_a_scope_is_destroyed_by_its_name_and_its_page_leads_to_the_certificate(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.good("PUT", "/v1/redaction-plans/letters", json={"text": PLAN})
        await house.good("POST", "/v1/redact", json={"plan": "letters", "text": SAMPLE})
        officer = {"permissions": ["privacy.read"], "title": "Reader"}
        await house.good("PUT", "/v1/roles/reader", json=officer)
        async with await signed_in(house) as browser:
            assert 'href="/redaction/scopes/desk"' in (await browser.get("/redaction")).text
            shown = (await browser.get("/redaction/scopes/desk")).text
            assert ("Destroy for good" in shown, "What would be lost" in shown) == (True, True)
            assert (await browser.get("/redaction/scopes/other")).status_code == 404
            at = "/redaction/scopes/desk/destroy"
            wrong = await browser.post(at, data={"confirm": "des"})
            assert (wrong.status_code, "Nothing was destroyed" in wrong.text) == (422, True)
            hold = {"scope": "subject", "subject": "cus_1", "reason": "A claim."}
            held = await house.good("POST", "/v1/holds", json=hold)
            stopped = await browser.post(at, data={"confirm": "desk"})
            assert (stopped.status_code, "release it first" in stopped.text) == (422, True)
            await house.good("POST", f"/v1/holds/{held['id']}/release")
            begun = await browser.post(at, data={"confirm": "desk"})
            assert (begun.status_code, begun.headers["location"][:22]) == (303, "/retention/erasures/er")
            assert "It is being destroyed" in (await browser.get("/redaction/scopes/desk")).text
            await house.work()
            gone = (await browser.get("/redaction/scopes/desk")).text
            assert ("Its key was destroyed" in gone, "Destroy for good" in gone) == (True, False)
            assert f'href="{begun.headers["location"]}"' in gone
            erasure = await browser.get(begun.headers["location"])
            assert (erasure.status_code, "<dt>Scope of tokens</dt>" in erasure.text) == (200, True)

    play(tmp_path, story)


@pytest.mark.browser
@pytest.mark.xdist_group("browser_too")
@pytest.mark.timeout(180)
def test_redaction_plans_in_a_browser(tmp_path: Path) -> None:
    found: dict[str, Any] = {}

    async def whole() -> None:
        async with browsing(tmp_path) as at:
            house = at.house
            await house.good("PUT", "/v1/redaction-rules/tickets", json={"text": "without: [date]"})
            for kind in SCOPES_WALKED:
                plan = {"text": f"scope: s-{kind}\nrules: {{email: token}}\n"}
                await house.good("PUT", f"/v1/redaction-plans/s-{kind}", json=plan)
                await house.good("POST", "/v1/redact", json={"plan": f"s-{kind}", "text": SAMPLE})
            for width, scheme, scripts in ((1280, "light", True), (1280, "dark", True), (390, "light", True), (1280, "light", False)):  # fmt: skip
                kind = f"{width}-{scheme}" if scripts else "plain"
                async with at.page(width, scheme, java_script_enabled=scripts) as page:
                    await walk(page, at.origin, kind, found)
                    await walk_examples(page, at.origin, kind, found)
                    if kind in SCOPES_WALKED:
                        await walk_scope(house, await page.context.new_page(), at.origin, kind, found)

    asyncio.run(whole())
    assert found == {}


async def walk(page: Any, origin: str, kind: str, found: dict[str, Any]) -> None:
    """By keyboard alone; where there are scripts, the verdict follows what is written."""
    name = f"plan-{kind}"
    await page.goto(f"{origin}/redaction/plans")
    await page.get_by_label("Name").focus()
    await page.keyboard.type(name)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text("rules: {email: tokn}")
    if kind == "plain":
        await page.get_by_role("button", name="Check").press("Enter")
        await page.get_by_text("1 thing to put right").wait_for()
        await page.get_by_label("The redaction plan").fill(PLAN)
        await page.get_by_role("button", name="Save").press("Enter")
        await page.get_by_role("link", name=name).wait_for()
        return
    await page.get_by_text("1 thing to put right").wait_for()
    await look(page, f"redaction-wrong-{kind}", found)
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(PLAN)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Control+A")
    await page.keyboard.insert_text(SAMPLE)
    await page.get_by_label("The sample, redacted").get_by_text("1111").wait_for()
    await look(page, f"redaction-editor-{kind}", found)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name=name).wait_for()
    await look(page, f"redaction-list-{kind}", found)


async def walk_examples(page: Any, origin: str, kind: str, found: dict[str, Any]) -> None:
    """A pattern from two examples, by keyboard alone, also without scripts; what was written stays."""
    await page.goto(f"{origin}/redaction/rules")
    await page.get_by_text("A pattern from examples").press("Enter")
    await page.get_by_label("Examples, one a line").fill("ACME-4711\nACME-20001")
    await page.get_by_role("button", name="Find what they have in common").press("Enter")
    await page.get_by_label("The pattern", exact=True).get_by_text("[0-9]{4,5}").wait_for()
    assert "ACME-20001" in await page.get_by_label("Examples, one a line").input_value()
    if kind != "plain":
        await look(page, f"redaction-shape-{kind}", found)


async def walk_scope(house: House, page: Any, origin: str, kind: str, found: dict[str, Any]) -> None:
    """A scope is destroyed by typing its name; the certificate is one step away."""
    await page.goto(f"{origin}/redaction/scopes/s-{kind}")
    await look(page, f"scope-{kind}", found)
    await page.get_by_label("Type the scope's name").fill(f"s-{kind}")
    await page.get_by_role("button", name="Destroy for good").press("Enter")
    await page.get_by_text("Waits for a worker").wait_for()
    await house.work()
    await page.goto(f"{origin}/redaction/scopes/s-{kind}")
    await look(page, f"scope-gone-{kind}", found)
    await page.get_by_role("link", name="See the certificate").press("Enter")
    await page.get_by_role("heading", name="Certificate").wait_for()
    await look(page, f"scope-certificate-{kind}", found)
