"""Somebody asks a database in the browser: reads what is run, sees rows as they come, changes the chart, stops a statement, says yes to one; under the page's own security policy, in both themes, on a phone too."""

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.completions import Stub, provider
from tests.web.whole import Browsing, browsing

POLICY: dict[str, Any] = {
    "version": 1,
    "rules": [
        {"name": "people", "tables": ["customers"], "masks": {"customers.name": "partial"}, "consent": "confirm"},
        {"name": "shop", "tables": ["orders", "days", "many"]},
    ],
    "streams": True,
}  # fmt: skip
SHOP = (
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, ssn TEXT)",
    "INSERT INTO customers VALUES (1, 'Ada Marsh', '123-45'), (2, 'Bob Stone', '678-90')",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, region TEXT, channel TEXT, amount REAL)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240) INSERT INTO orders SELECT i, substr('EUUSASAF', 1 + 2 * (i % 4), 2), CASE WHEN i % 3 THEN 'web' ELSE 'shop' END, (i * 37 % 101) + i / 10.0 FROM n",
    "CREATE TABLE days (day TEXT, visits INTEGER)",
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 364) INSERT INTO days SELECT date('2025-01-01', i || ' days'), 400 + (i * 53 % 211) + i FROM n",
    "CREATE TABLE many (x INTEGER, y INTEGER)",
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999) INSERT INTO many SELECT i, i * 7919 % 10007 FROM n",
)


@asynccontextmanager
async def shop(folder: Path, policy: dict[str, Any] = POLICY, **more: str) -> AsyncIterator[Browsing]:
    root = folder / "sources"
    root.mkdir()
    with sqlite3.connect(root / "shop.sqlite") as store:
        for statement in SHOP:
            store.execute(statement)
    async with browsing(folder / "home", OSTIARY_SOURCE_ROOTS=str(root), **more) as seen:
        await seen.house.connect("shop", kind="sqlite", path=str(root / "shop.sqlite"))
        await seen.house.good("PUT", "/v1/sources/shop", json={"policy": policy})
        yield seen


@asynccontextmanager
async def guarded(seen: Browsing, width: int = 1440, scheme: str = "light") -> AsyncIterator[Page]:
    """A page whose security policy holds; what it forbids, and every error of the script, fails the test."""
    context = await seen.browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    await context.add_cookies([{"name": "ostiary", "value": seen.house.owner, "url": seen.origin}])
    page = await context.new_page()
    wrong: list[str] = []
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text)
            if message.type == "error" and not re.search("status of (422|403)", message.text)
            else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    await context.close()
    assert not wrong


async def run(page: Page, statement: str) -> None:
    await page.get_by_label("Statement", exact=True).fill(statement)
    await page.keyboard.press("Control+Enter")


async def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("OSTIARY_SHOTS"):
        await page.screenshot(path=f"{folder}/ask-{name}.png", full_page=True)


def test_somebody_asks_reads_what_is_run_and_changes_the_chart(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen) as page:
            await page.goto(f"{seen.origin}/ask")
            await shot(page, "empty")
            await run(
                page, "SELECT region, sum(amount) AS total FROM orders GROUP BY region ORDER BY total DESC"
            )
            await expect(page.locator("[data-count]")).to_have_text("4 rows")
            await expect(page.get_by_role("button", name="Bars")).to_have_attribute("aria-pressed", "true")
            await expect(page.locator("[data-chart] canvas").first).to_be_visible()
            await expect(page.locator("[data-sql]")).to_contain_text("GROUP BY")
            await shot(page, "bars")
            for kind in ("Line", "Area", "Pie", "Table"):
                await page.get_by_role("button", name=kind).click()
                await expect(page.get_by_role("button", name=kind)).to_have_attribute("aria-pressed", "true")
                await shot(page, kind.lower())
            await expect(page.locator("[data-grid] tbody tr")).to_have_count(4)
            await run(page, "SELECT day, visits FROM days ORDER BY day")
            await expect(page.get_by_role("button", name="Line")).to_have_attribute("aria-pressed", "true")
            await shot(page, "days")
            await run(
                page, "SELECT region, channel, sum(amount) AS total FROM orders GROUP BY region, channel"
            )
            await page.get_by_role("button", name="Pivot").click()
            await expect(page.locator("[data-chart] tbody tr")).to_have_count(4)
            await shot(page, "pivot")
            await run(page, "SELECT count(*) AS orders FROM orders")
            await expect(page.locator(".kpi b")).to_have_text("240")
            await shot(page, "number")
            words = page.get_by_label("In words")
            await words.fill("number of orders by region")
            await words.press("Enter")
            await expect(page.locator("[data-said]")).to_contain_text(
                "Understood as: number of orders, by orders region."
            )
            await expect(page.locator("[data-count]")).to_have_text("4 rows")
            await words.fill("and by channel")
            await page.get_by_role("button", name="Ask", exact=True).click()
            await expect(page.locator("[data-count]")).to_have_text("8 rows")
            await shot(page, "words")
            await words.fill("orders that nobody wanted")
            await words.press("Enter")
            await expect(page.locator("[data-said]")).to_contain_text("Asked back.")
            await run(page, "SELECT note FROM orders")
            await expect(page.locator("[data-said]")).to_contain_text("It was not run.")
            await shot(page, "refused")

    asyncio.run(story())


def test_where_it_is_is_drawn_on_a_map(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen) as page:
            await page.goto(f"{seen.origin}/ask")
            await run(page, "SELECT CASE id % 3 WHEN 0 THEN 'DE' WHEN 1 THEN 'Brazil' ELSE 'United States' END AS country, sum(amount) AS total FROM orders GROUP BY 1")  # fmt: skip
            await page.get_by_role("button", name="Map").click()
            chart = page.get_by_role("img", name="Map: total by country, 3 rows")
            await expect(chart.locator("canvas")).to_be_visible()
            await shot(page, "map")
            assert (await Axe().run(page)).violations_count == 0
            await run(page, "SELECT id, 44 + id % 10 AS lat, 2 + id % 23 AS lon, amount FROM orders")
            await expect(page.get_by_role("button", name="Map")).to_have_attribute("aria-pressed", "true")
            await expect(page.get_by_label("Value").locator("option:checked")).to_have_text("amount")
            await shot(page, "map-points")
            await run(page, "SELECT region, sum(amount) AS total FROM orders GROUP BY region")
            await expect(page.get_by_role("button", name="Bars")).to_be_visible()
            await expect(page.get_by_role("button", name="Map")).to_have_count(0)
            async with guarded(seen, 390, "dark") as phone:
                await phone.goto(f"{seen.origin}/ask")
                await run(phone, "SELECT 44 + id % 10 AS latitude, 2 + id % 23 AS longitude FROM orders")
                await expect(phone.locator("[data-chart] canvas")).to_be_visible()
                await shot(phone, "map-phone")
                assert await phone.evaluate("document.documentElement.scrollWidth") <= 390

    asyncio.run(story())


def test_a_million_rows_stay_usable_and_a_long_statement_is_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen) as page:
            await page.goto(f"{seen.origin}/ask?source=shop")
            await run(page, "SELECT x, y FROM many")
            await expect(page.locator("[data-count]")).to_have_text("1,000,000 rows", timeout=30_000)
            await page.get_by_role("button", name="Table").click()
            await page.locator("[data-grid]").evaluate("place => { place.scrollTop = place.scrollHeight }")
            await expect(page.locator("[data-grid] tbody tr").last.locator("td").first).to_have_text("999999")
            assert await page.locator("[data-grid] tbody tr").count() < 60
            await page.get_by_role("button", name="Points").click()
            await expect(page.locator("[data-chart] canvas").first).to_be_visible()
            await shot(page, "million")
            long = "SELECT count(*) AS n FROM many AS a JOIN many AS b ON a.y + 1 = b.y + 1"
            await run(page, long)
            await page.get_by_role("button", name="Stop").click()
            await expect(page.locator("[data-said]")).to_contain_text("Stopped.")
            await asyncio.sleep(1)
            events = (await seen.house.good("GET", "/v1/audit/events?action=source.stream"))["events"]
            assert (events[0]["decision"], events[0]["code"]) == ("failed", "answer.unread")

    asyncio.run(story())


def test_a_statement_that_needs_a_yes_gets_it_here(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen, 390, "dark") as page:
            await page.goto(f"{seen.origin}/ask?source=shop")
            await run(page, "SELECT id, name, ssn FROM customers ORDER BY id")
            yes = page.get_by_role("button", name="Yes, this may be run")
            await expect(yes).to_be_visible()
            await expect(page.locator("[data-masks]")).to_contain_text("main.customers.ssn hidden")
            await shot(page, "confirm")
            await yes.click()
            await expect(page.locator("[data-grid] tbody tr")).to_have_count(2)
            await expect(page.locator("[data-grid]")).to_contain_text("***")
            assert "Ada Marsh" not in await page.locator("[data-grid]").inner_text()
            await shot(page, "confirmed")

    asyncio.run(story())


def test_it_works_without_a_script(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen:
            form = {"source": "shop", "statement": "SELECT id, name FROM customers ORDER BY id", "do": "run"}
            headers = {"cookie": f"ostiary={seen.house.owner}", "origin": seen.origin}

            async def sent(path: str = "/ask", **more: str) -> Any:
                return await seen.house.client.post(path, data={**form, **more}, headers=headers)

            held = await sent()
            assert "Somebody has to say yes" in held.text
            assert "<table>" not in held.text.split("data-grid")[1]
            assert "You said yes" in (await sent(do="confirm")).text
            answer = await sent()
            assert answer.headers["cache-control"] == "no-store"
            assert answer.text.count("<tr>") >= 3
            worded = await sent(do="words", question="number of orders by region")
            assert "Understood as: number of orders, by orders region." in worded.text
            assert "COUNT(*)" in worded.text
            unsure = await sent(do="words", question="number of ordrs")
            assert "I do not know" in unsure.text
            wrong = await sent(statement="DELETE FROM orders")
            assert (wrong.status_code, "It was not run." in wrong.text) == (422, True)
            file = await sent(
                "/ask/stream", statement="SELECT id FROM orders WHERE id < 3", save="yes", format="csv"
            )
            assert file.text == "id\r\n1\r\n2\r\n"
            assert file.headers["content-disposition"] == 'attachment; filename="shop.csv"'
            refused = await sent("/ask/stream", save="yes", format="csv")
            assert "somebody has to agree" in refused.text.lower()

    asyncio.run(story())


def test_it_is_accessible_in_both_themes_and_on_a_phone(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen:
            for width, scheme in ((1440, "light"), (1440, "dark"), (390, "light")):
                async with seen.page(width, scheme) as page:
                    await page.goto(f"{seen.origin}/ask?source=shop")
                    await run(page, "SELECT region, sum(amount) AS total FROM orders GROUP BY region")
                    await expect(page.locator("[data-chart] canvas").first).to_be_visible()
                    found = (await Axe().run(page)).response["violations"]
                    assert not found, [
                        (each["id"], [node["html"] for node in each["nodes"]]) for each in found
                    ]
                    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
                    assert not wide
                    await shot(page, f"{width}-{scheme}")
                    for path in ("/sources", "/sources/shop", "/sources/shop/model"):
                        await page.goto(f"{seen.origin}{path}")
                        found = (await Axe().run(page)).response["violations"]
                        assert not found, [
                            (each["id"], [node["html"] for node in each["nodes"]]) for each in found
                        ]
                        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")

    asyncio.run(story())


def test_whoever_looks_after_a_source_opens_it_and_sees_as_others_do(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen) as page:
            await seen.house.good("DELETE", "/v1/sources/shop")
            await page.goto(f"{seen.origin}/sources")
            await page.get_by_role("link", name="Open it").click()
            await shot(page, "source-new")
            await page.get_by_role("button", name="Open it under this policy").click()
            await expect(page.locator(".note")).to_contain_text("Saved.")
            await expect(page.get_by_role("heading", name="What its columns are")).to_be_visible()
            await expect(page.locator("table").first).to_contain_text("main.customers.ssn")
            wrong = {"version": 1, "rules": [{"name": "all", "tables": ["nowhere"]}]}
            await page.get_by_label("The policy, JSON").fill(json.dumps(wrong))
            await page.get_by_role("button", name="Save").click()
            await expect(page.get_by_role("alert")).to_contain_text("/rules/0/tables")
            await page.goto(f"{seen.origin}/sources/shop")
            await page.get_by_role("button", name="What may its credential do?").click()
            await expect(page.get_by_text("It may only read.")).to_be_visible()
            with sqlite3.connect(tmp_path / "sources" / "shop.sqlite") as store:
                store.execute("ALTER TABLE orders ADD COLUMN email TEXT")
                store.execute("ALTER TABLE orders ADD COLUMN c9 TEXT DEFAULT 'ada.lovelace@example.org'")
            await page.get_by_role("button", name="Compare").click()
            await expect(page.get_by_text("The database has changed.")).to_be_visible()
            await expect(page.get_by_text("main.orders.email")).to_be_visible()
            await page.get_by_role("button", name="Take in as it is now").click()
            await expect(page.locator(".note")).to_contain_text("Taken in")
            sampled = {"version": 1, "rules": [{"name": "everybody", "tables": ["*"]}], "samples": True}
            await page.get_by_label("The policy, JSON").fill(json.dumps(sampled))
            await page.get_by_role("button", name="Save").click()
            await page.get_by_role("button", name="Look at samples").click()
            held = page.get_by_role("checkbox", name="main.orders.c9 email")
            await expect(held).to_be_checked()
            await expect(page.get_by_text("in 100 % of 50")).to_be_visible()
            await expect(page.get_by_role("checkbox", name="main.days.day")).to_have_count(0)
            assert "lovelace" not in await page.content()
            await shot(page, "source-samples")
            assert (await Axe().run(page)).violations_count == 0
            await page.get_by_role("button", name="Tag them so").click()
            await expect(page.locator(".note")).to_contain_text("Saved.")
            await expect(page.locator("tr", has_text="main.orders.c9")).to_contain_text("email")
            await page.get_by_label("Roles").fill("support")
            await page.get_by_label("A statement of theirs").fill("SELECT email FROM orders")
            await page.get_by_role("button", name="See", exact=True).click()
            await expect(page.get_by_text("It would be run as")).to_be_visible()
            await shot(page, "source")
            await page.get_by_text("Remove this source").click()
            await page.get_by_label("Type the name").fill("shop")
            await page.get_by_role("button", name="Remove").click()
            await expect(page.locator(".note")).to_contain_text("Removed.")

    asyncio.run(story())


METRIC = """  metrics:
  - name: revenue
    expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(orders.amount)}]}
    ai_context: {synonyms: [turnover]}
"""


def test_somebody_says_what_the_tables_mean_and_it_is_asked_in_those_words(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen) as page:
            await page.goto(f"{seen.origin}/sources/shop")
            await page.get_by_role("link", name="What its tables mean").click()
            await expect(page.get_by_text("Nobody has said it yet")).to_be_visible()
            field = page.get_by_label("YAML")
            draft = await field.input_value()
            wrong = draft.rstrip() + "\n" + METRIC.replace("amount", "amounts")
            await field.fill(wrong)
            await page.get_by_role("button", name="Check it").click()
            await expect(page.get_by_role("alert")).to_contain_text("/semantic_model/0/metrics/0")
            assert (await field.input_value()).rstrip() == wrong.rstrip()  # nothing of it is lost
            await field.fill(wrong.replace("amounts", "amount"))
            await page.get_by_role("button", name="Check it").click()
            await expect(page.get_by_text("All of it can be asked.")).to_be_visible()
            await page.get_by_role("button", name="Save as version 1").click()
            await expect(page.locator(".note")).to_contain_text("Saved.")
            await expect(page.get_by_role("heading", name="Metrics")).to_be_visible()
            await shot(page, "model")
            await page.get_by_role("link", name="Ask it").click()
            await page.get_by_role("button", name="revenue").click()
            words = page.get_by_label("In words")
            await expect(words).to_have_value("revenue")
            await words.fill("turnover by region")
            await words.press("Enter")
            await expect(page.locator("[data-said]")).to_contain_text(
                "Understood as: revenue, by orders region."
            )
            await words.fill("what do we sell where")
            await page.get_by_label("Statement", exact=True).fill(
                "SELECT region, channel, count(*) AS n FROM orders GROUP BY region, channel"
            )
            await page.get_by_role("button", name="Keep as the answer").click()
            await expect(page.get_by_text("Kept: whoever asks")).to_be_visible()
            await words.fill("What do we sell where?")
            await words.press("Enter")
            await expect(page.locator("[data-count]")).to_have_text("8 rows")
            await shot(page, "verified")
            await page.goto(f"{seen.origin}/sources/shop/model?version=1")
            await expect(page.get_by_text("Version 2 counts until you save another.")).to_be_visible()
            await page.get_by_text("Take the model away").click()
            await page.get_by_role("button", name="Take it away").click()
            await expect(page.locator(".note").first).to_contain_text("Taken away.")

    asyncio.run(story())


def test_a_question_that_a_model_provider_understood_says_so(tmp_path: Path) -> None:
    def say(data: dict[str, Any]) -> Any:
        if data["before"]:
            return {"sql": "SELECT channel, count(*) AS n FROM orders GROUP BY channel"}
        return {"plan": {"measures": [{"function": "count", "dataset": "orders"}], "by": [{"dataset": "orders", "field": "region"}]}}  # fmt: skip

    async def story(url: str, stub: Stub) -> None:
        reached = {"OSTIARY_ASK_MODEL_URL": url, "OSTIARY_ASK_MODEL": "small-1"}
        async with shop(tmp_path, {**POLICY, "provider": True}, **reached) as seen, guarded(seen) as page:
            await page.goto(f"{seen.origin}/ask")
            words = page.get_by_label("In words")
            await words.fill("where do people buy like mad")
            await words.press("Enter")
            said = page.locator("[data-said]")
            await expect(said).to_contain_text(
                "number of orders, by orders region. A model provider understood it"
            )
            await expect(page.locator("[data-count]")).to_have_text("4 rows")
            await shot(page, "provider")
            await words.fill("and on which way")
            await words.press("Enter")
            await expect(page.locator("[data-count]")).to_have_text("2 rows")
            await expect(said).to_contain_text("the statement, as the model provider wrote it")
            assert [each["before"] for each in stub.data()] == [[], ["where do people buy like mad"]]
            stub.status = 500
            await words.fill("something else entirely")
            await words.press("Enter")
            await expect(said).to_contain_text("The model provider answered 500.")

    with provider(say=say) as (stub, url):
        asyncio.run(story(url, stub))


def test_a_question_is_saved_opened_and_put_on_a_dashboard(tmp_path: Path) -> None:
    async def story() -> None:
        async with shop(tmp_path) as seen, guarded(seen) as page:
            await page.goto(f"{seen.origin}/ask")
            await run(page, "SELECT region, channel, sum(amount) AS total FROM orders GROUP BY region, channel")  # fmt: skip
            await page.get_by_role("button", name="Pie").click()
            await page.get_by_label("Slices").select_option(label="channel")
            await page.get_by_text("Save it").click()
            title = page.get_by_label("Title")
            await title.fill("By channel")
            await page.get_by_label("Share it").check()
            await title.press("Enter")
            await expect(page.get_by_text("Saved, without its answer.")).to_be_visible()
            await expect(page.get_by_role("button", name="Pie")).to_have_attribute("aria-pressed", "true")
            await expect(page.get_by_label("Slices").locator("option:checked")).to_have_text("channel")
            await shot(page, "saved")
            assert (await Axe().run(page)).violations_count == 0
            await run(page, "SELECT count(*) AS orders FROM orders")
            await expect(page.locator(".kpi b")).to_have_text("240")
            await page.get_by_text("Saved as By channel").click()
            await title.fill("How many")
            await page.get_by_role("button", name="Save as another").click()
            await expect(page.get_by_text("Saved as How many")).to_be_visible()
            await expect(page.locator(".kpi b")).to_have_text("240")
            await expect(page.get_by_role("link", name="By channel")).to_be_visible()
            for wanted in ("SELECT day, visits FROM days ORDER BY day", "SELECT id, name FROM customers"):
                await run(page, wanted)
                await page.get_by_text("Saved as ").click()
                named = wanted.split()[-1].title()
                await title.fill(named)
                await page.get_by_role("button", name="Save as another").click()
                # The note of the save before stands on the page until this one has come back.
                await expect(page.get_by_text(f"Saved as {named}")).to_be_visible()
            await page.get_by_role("link", name="Dashboards").first.click()
            await page.get_by_label("Title").fill("Every morning")
            for each in await page.get_by_role("checkbox").all():
                await each.check()
            await page.get_by_role("checkbox", name="Share it").uncheck()
            await page.get_by_role("button", name="Make the dashboard").click()
            await expect(page.locator(".kpi b")).to_have_text("240")
            await expect(page.locator("[data-tile] canvas")).to_have_count(2)
            tiles = page.locator("[data-tile]")
            await expect(tiles.last).to_contain_text("Somebody has to say yes")
            await shot(page, "dashboard")
            assert (await Axe().run(page)).violations_count == 0
            await page.get_by_text("Change it").click()
            await page.get_by_role("checkbox", name="How many").uncheck()
            await page.get_by_role("button", name="Save", exact=True).click()
            await expect(tiles).to_have_count(3)
            where = page.url
            await page.get_by_role("link", name="Dashboards").first.click()
            await expect(page.get_by_role("link", name="Every morning")).to_be_visible()
            await shot(page, "dashboards")
            assert (await Axe().run(page)).violations_count == 0
            async with guarded(seen, 390, "dark") as phone:
                await phone.goto(where)
                await expect(phone.locator("[data-tile] canvas")).to_have_count(2)
                assert await phone.evaluate("document.documentElement.scrollWidth") <= 390
                await shot(phone, "dashboard-phone")
                assert (await Axe().run(phone)).violations_count == 0
            await page.goto(where)
            await page.get_by_text("Change it").click()
            await page.get_by_role("button", name="Remove the dashboard").click()
            await expect(page.get_by_text("Its questions stay.")).to_be_visible()

    asyncio.run(story())
