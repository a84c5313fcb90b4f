"""A web page that somebody with approval rights visits, and text that was written for their console to render."""

from pathlib import Path

import pytest

from tests.door.test_consent import held, told
from tests.hostile.test_attack_tenant import other_tenant
from tests.house import House
from tests.shop import Shop
from tests.web.test_real_pages import signed_in

SCRIPT = "<img src=x onerror=alert(1)>\"'{{7*7}}"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example", "sec-fetch-site": ""},
        {"origin": "http://localhost:9999", "sec-fetch-site": "same-site"},
        {"origin": "", "sec-fetch-site": "same-site"},
        {"origin": "", "sec-fetch-site": ""},
    ],
)
def test_a_form_of_another_page_approves_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        digest = (await house.good("GET", f"/v1/approvals/{waiting['approval_id']}"))["digest"]
        async with await signed_in(house) as browser:
            for name in ("origin", "sec-fetch-site"):
                del browser.headers[name]
            sent = {name: value for name, value in headers.items() if value}
            form = {"digest": digest, "confirm": "approve"}
            answer = await browser.post(
                f"/approvals/{waiting['approval_id']}/approve", data=form, headers=sent
            )
        assert answer.status_code == 403
        assert shop.requests == 0

    told(tmp_path, story)


def test_the_cookie_is_worth_nothing_at_rest_and_mcp(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        async with await signed_in(house) as browser:
            assert (await browser.get("/v1/me")).status_code == 401
            assert (await browser.post("/v1/actions/mail.send", json={"to": "eve"})).status_code == 401
            assert (await browser.post("/mcp", json={})).status_code == 401
        assert shop.requests == 0

    told(tmp_path, story)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.nip.io:8080", "localhost.evil.example", "localhost:8080@evil.example", ""],
)
def test_a_name_that_was_rebound_to_us_is_refused(tmp_path: Path, host: str) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        for path in ("/", "/v1/me", "/openapi.json", "/metrics", "/sign-in"):
            assert (await house.ask("GET", path, headers={"host": host})).status_code == 421

    told(tmp_path, story)


@pytest.mark.parametrize(
    "after",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x=1",
    ],
)
def test_signing_in_leads_nowhere_else(tmp_path: Path, after: str) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        async with await signed_in(house) as browser:
            answer = await browser.get("/sign-in", params={"next": after})
        where = answer.headers["location"]
        assert answer.status_code == 303
        assert where.startswith("/")
        assert not where.startswith(("//", "/\\"))
        assert all(sign not in where for sign in "\t\r\n\\")
        assert "set-cookie" not in answer.headers

    told(tmp_path, story)


def test_no_page_is_framed_and_none_runs_a_script_of_others(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        async with await signed_in(house) as browser:
            for path in ("/", f"/approvals/{waiting['approval_id']}", "/sign-in", "/nothing-here"):
                answer = await browser.get(path)
                policy = answer.headers["content-security-policy"]
                assert "frame-ancestors 'none'" in policy
                assert "default-src 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["x-frame-options"] == "DENY"

    told(tmp_path, story)


def test_what_others_wrote_is_text_on_every_page(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        rogue = await house.make_key(SCRIPT, "agent")
        answer = await house.ask(
            "POST",
            "/v1/actions/pay.send",
            rogue,
            json={"to": SCRIPT, "amount": 1},
            headers={"ostiary-on-behalf-of": SCRIPT},
        )
        held_ = answer.json()
        await house.ask("POST", f"/v1/actions/{'%3Cscript%3E'}", rogue, json={"x": SCRIPT})
        (key,) = [k["key_id"] for k in (await house.good("GET", "/v1/keys"))["keys"] if k["name"] == SCRIPT]
        async with await signed_in(house) as browser:
            await browser.post(f"/approvals/{held_['approval_id']}/reject", data={"reason": SCRIPT})
            for path in (
                "/", "/approvals?state=any", f"/approvals/{held_['approval_id']}", f"/calls/{held_['call_id']}", "/calls", "/keys", f"/keys/{key}", "/audit",
                f"/search?q={SCRIPT}", f"/audit?action={SCRIPT}", f"/approvals?state={SCRIPT}", f"/?note={SCRIPT}", f"/connectors/{SCRIPT}",
            ):  # fmt: skip
                page = (await browser.get(path)).text
                assert "<img src=x" not in page, path
                assert "<script>" not in page, path
                assert '"49' not in page, path

    told(tmp_path, story)


def test_a_stream_of_changes_says_nothing_to_another_tenant(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        await other_tenant(house)
        async with await signed_in(house) as browser:
            page = await browser.get("/approvals?state=any")
            assert waiting["approval_id"] not in page.text
            assert (await browser.get(f"/approvals/{waiting['approval_id']}")).status_code == 404
            assert (await browser.get(f"/approvals/{waiting['approval_id']}/card")).status_code == 404

    told(tmp_path, story)
