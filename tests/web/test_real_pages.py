"""Every page over a whole gateway: what the rooms answer is what the pages read. One browser-less person, with a cookie and plain forms."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import shop
from tests.house import BASE, OWNER, House, play

FORM = {"origin": BASE, "sec-fetch-site": "same-origin"}


async def signed_in(house: House) -> httpx.AsyncClient:
    """A client of the console's own, as the owner."""
    transport = httpx.ASGITransport(house.gateway.asgi, client=("127.0.0.1", 40001))  # type: ignore[arg-type]
    browser = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60, headers=FORM)
    browser.cookies.set("ostiary", house.owner)
    return browser


async def furnish(house: House, url: str) -> str:
    """Connectors, contracts, an agent's key. Returns the key."""
    for name, honours in (("shop", True), ("letters", False)):
        await house.connect(name, kind="http", base_url=url, honours_idempotency_key=honours)
    await house.agree(shop.CONTRACTS)
    return await house.make_key("Helper")


async def hold(house: House, agent: str, to: str = "Ada") -> dict[str, Any]:
    """A call that waits: its `approval_id` and `call_id`."""
    return dict(await house.good("POST", "/v1/actions/pay.send", agent, json={"to": to, "amount": 48}))


@pytest.fixture
def connected() -> Any:
    with shop.running() as running:
        yield running


def test_every_page_stands_over_a_real_gateway(tmp_path: Path, connected: shop.Shop) -> None:
    async def story(house: House) -> None:
        agent = await furnish(house, connected.url)
        held = await hold(house, agent)
        key = (await house.good("GET", "/v1/keys"))["keys"][0]["key_id"]
        event = (await house.good("GET", "/v1/audit/events"))["events"][0]["id"]
        paths = [
            "/", "/overview/waiting", "/approvals", "/approvals?state=any", "/approvals/list", f"/approvals/{held['approval_id']}",
            f"/approvals/{held['approval_id']}/card", "/calls", "/calls?state=held", f"/calls/{held['call_id']}", "/contracts", "/contracts/pay.send",
            "/contracts/apply", "/connectors", "/connectors/shop", "/connectors/shop/change", "/connectors/new", "/audit", f"/audit?event={event}",
            "/audit?decision=held&action=pay.*&since=2020-01-01", "/audit/checkpoint", "/audit/checkpoints", "/audit/verifier", "/audit/export?format=jsonl", "/audit/export?format=csv",
            "/keys", "/keys/new", f"/keys/{key}", "/members", "/roles", "/roles/matrix", "/masking", "/retention", "/retention/erase", "/encryption", "/backups", "/quotas", "/settings", "/search?q=pay", "/sign-in/second-factor",
        ]  # fmt: skip
        async with await signed_in(house) as browser:
            for path in paths:
                answer = await browser.get(path)
                assert answer.status_code == 200, (path, answer.status_code, answer.text[-2000:])

    play(tmp_path, story)


def test_a_person_signs_in_by_code_and_second_factor_without_javascript(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        transport = httpx.ASGITransport(house.gateway.asgi, client=("127.0.0.1", 40001))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=FORM) as browser:
            asked = await browser.get("/audit?decision=refused")
            assert asked.headers["location"] == "/sign-in?next=%2Faudit%3Fdecision%3Drefused"
            page = await browser.post("/sign-in", data={"email": OWNER, "next": "/audit?decision=refused"})
            ticket = re.search(r'name="request" value="(cod_[0-9a-f]{32})"', page.text)
            assert ticket
            form = {"request": ticket[1], "email": OWNER, "next": "/audit?decision=refused"}
            wrong = await browser.post("/sign-in/code", data={**form, "code": "00000000"})
            assert wrong.status_code == 422
            assert "That code is wrong, used or too old." in wrong.text
            right = await browser.post("/sign-in/code", data={**form, "code": house.desk.last()})
            assert right.headers["location"].startswith("/sign-in/second-factor?next=")
            assert "HttpOnly" in right.headers["set-cookie"]
            assert "SameSite=lax" in right.headers["set-cookie"]
            half = await browser.get("/audit")
            assert half.status_code == 303
            second = await browser.post(
                "/sign-in/second-factor", data={"code": house.code(), "next": form["next"]}
            )
            assert second.headers["location"] == "/audit?decision=refused"
            assert (await browser.get("/audit")).status_code == 200
            await browser.post("/sign-out")
            assert (await browser.get("/audit")).status_code == 303

    play(tmp_path, story)


def test_a_card_is_approved_by_plain_forms_with_the_word_typed(tmp_path: Path, connected: shop.Shop) -> None:
    async def story(house: House) -> None:
        held = await hold(house, await furnish(house, connected.url))
        card = f"/approvals/{held['approval_id']}"
        async with await signed_in(house) as browser:
            page = await browser.get(card)
            assert "Pay <b>48</b> to <b>Ada</b>" in page.text
            digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page.text)
            assert digest
            slip = await browser.post(f"{card}/approve", data={"digest": digest[1]})
            assert slip.status_code == 422
            assert connected.done["Ada"] == 0
            yes = await browser.post(f"{card}/approve", data={"digest": digest[1], "confirm": "approve"})
            assert yes.status_code == 303
            await house.settled(held["call_id"])
            assert "Done, once." in (await browser.get(card)).text
            again = await browser.post(f"{card}/approve", data={"digest": digest[1], "confirm": "approve"})
            assert again.status_code == 409
        assert connected.done["Ada"] == 1

    play(tmp_path, story)


def test_the_second_factor_is_asked_for_in_place_and_the_form_goes_on(
    tmp_path: Path, connected: shop.Shop
) -> None:
    async def story(house: House) -> None:
        held = await hold(house, await furnish(house, connected.url))
        house.clock.advance(1_000)
        card = f"/approvals/{held['approval_id']}"
        async with await signed_in(house) as browser:
            page = await browser.get(card)
            assert 'name="second_factor"' in page.text
            digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page.text)
            assert digest
            form = {"digest": digest[1], "confirm": "approve"}
            bare = await browser.post(f"{card}/approve", data=form)
            assert bare.status_code == 403
            assert f'name="digest" value="{digest[1]}"' in bare.text
            wrong = await browser.post(f"{card}/approve", data={**form, "second_factor": "000000"})
            assert "That code is wrong" in wrong.text
            assert connected.done["Ada"] == 0
            yes = await browser.post(f"{card}/approve", data={**form, "second_factor": house.code()})
            assert yes.status_code == 303
            for _ in range(100):
                if "Done, once." in (await browser.get(card)).text:
                    break
                await asyncio.sleep(0.05)
        assert connected.done["Ada"] == 1

    play(tmp_path, story)


def test_a_rejection_takes_its_reason_to_the_asker(tmp_path: Path, connected: shop.Shop) -> None:
    async def story(house: House) -> None:
        agent = await furnish(house, connected.url)
        held = await hold(house, agent)
        async with await signed_in(house) as browser:
            no = await browser.post(
                f"/approvals/{held['approval_id']}/reject", data={"reason": "Not one of ours"}
            )
            assert no.status_code == 303
            assert "Not one of ours" in (await browser.get(no.headers["location"])).text
        told = await house.settled(held["call_id"], agent)
        assert told["state"] == "rejected"
        assert "Not one of ours" in str(told)
        assert connected.done["Ada"] == 0

    play(tmp_path, story)


def test_a_form_from_another_site_changes_nothing(tmp_path: Path, connected: shop.Shop) -> None:
    async def story(house: House) -> None:
        held = await hold(house, await furnish(house, connected.url))
        async with await signed_in(house) as browser:
            for headers in (
                {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
                {"origin": BASE, "sec-fetch-site": "same-site"},
                {"origin": "null", "sec-fetch-site": "cross-site"},
            ):
                answer = await browser.post(
                    f"/approvals/{held['approval_id']}/reject", data={"reason": "x"}, headers=headers
                )
                assert answer.status_code == 403
            assert "The request came from another site" in answer.text
        assert (await house.good("GET", f"/v1/approvals/{held['approval_id']}"))["state"] == "waiting"

    play(tmp_path, story)


def test_secrets_are_shown_once_and_forms_change_what_they_say(tmp_path: Path, connected: shop.Shop) -> None:
    async def story(house: House) -> None:
        await furnish(house, connected.url)
        async with await signed_in(house) as browser:
            made = await browser.post(
                "/keys",
                data={
                    "name": "Nightly",
                    "kind": "program",
                    "roles": "viewer",
                    "days": "30",
                    "scopes": "call.*\n",
                },
            )
            secret = re.search(r"<code id=\"once\">(ost_[^<]+)</code>", made.text)
            assert secret
            key = re.search(r"/keys/(key_[0-9a-f]{32}|[A-Za-z0-9]+)/rotate", made.text)
            assert key
            assert secret[1] not in (await browser.get(f"/keys/{key[1]}")).text
            turned = await browser.post(f"/keys/{key[1]}/rotate", data={"overlap_s": "3600"})
            assert turned.status_code == 200
            assert "The new secret." in turned.text
            wrong = await browser.post(f"/keys/{key[1]}/revoke", data={"name": "another"})
            assert wrong.status_code == 422
            gone = await browser.post(f"/keys/{key[1]}/revoke", data={"name": "Nightly"})
            assert gone.status_code == 303
            assert "Revoked" in (await browser.get(f"/keys/{key[1]}")).text
            turned = await browser.post("/connectors/shop/rotate")
            assert "It is shown this once." in turned.text
            tested = await browser.post("/connectors/shop/test")
            assert tested.status_code == 200
            added = await browser.post(
                "/members", data={"email": "ben@pellow.example", "name": "Ben", "role": "viewer"}
            )
            assert added.status_code == 303
            assert "ben@pellow.example" in (await browser.get("/members")).text
            saved = await browser.post(
                "/masking", data={"version": "0", "see": ["support/email", "owner/email"]}
            )
            assert saved.status_code == 303
            stale = await browser.post("/masking", data={"version": "0", "see": []})
            assert stale.status_code == 409
            other = await browser.post("/tenants", data={"name": "Pellow Labs"})
            assert other.headers["location"] == "/settings?note=tenant-created"
            tenant = re.search(
                r'name="tenant" value="(ten_[0-9a-f]{32})">[^>]*>[^>]*></svg>Pellow Labs',
                (await browser.get("/")).text,
            )
            assert tenant
            assert (await browser.post("/tenants/switch", data={"tenant": tenant[1]})).status_code == 303
            assert "Nothing is agreed yet" in (await browser.get("/contracts")).text
            assert (await browser.get("/connectors/shop")).status_code == 404
            assert (await browser.post("/tenants/switch", data={"tenant": house.tenant})).status_code == 303
            role = await browser.post(
                "/roles", data={"name": "refund_desk", "title": "Refund desk", "permissions": "approval.read"}
            )
            assert role.status_code == 303

    play(tmp_path, story)


def test_a_contract_file_is_checked_by_line_then_shown_then_applied(
    tmp_path: Path, connected: shop.Shop
) -> None:
    async def story(house: House) -> None:
        await furnish(house, connected.url)
        changed = shop.CONTRACTS.replace("maximum: 10000", "maximum: 500")
        async with await signed_in(house) as browser:
            wrong = await browser.post(
                "/contracts/check", data={"file": changed.replace("risk: high", "risk: hihg")}
            )
            assert wrong.status_code == 422
            assert "line 13" in wrong.text
            right = await browser.post("/contracts/check", data={"file": changed})
            assert "- 10000" in right.text
            assert "+ 500" in right.text
            version = re.search(r'name="expected" value="(\d+)"', right.text)
            assert version
            stale = await browser.post("/contracts/apply", data={"file": changed, "expected": "99"})
            assert stale.status_code == 409
            applied = await browser.post("/contracts/apply", data={"file": changed, "expected": version[1]})
            assert applied.status_code == 303
            assert "at most 500" in (await browser.get("/contracts/pay.send")).text

    play(tmp_path, story)


def test_the_export_from_the_console_verifies_offline(tmp_path: Path, connected: shop.Shop) -> None:
    from ostiary.audit.verify import verify_export

    async def story(house: House) -> None:
        await furnish(house, connected.url)
        async with await signed_in(house) as browser:
            for kind in ("jsonl", "csv"):
                answer = await browser.get(f"/audit/export?format={kind}")
                file = tmp_path / f"export.{kind}"
                file.write_bytes(answer.content)
                assert verify_export(file).ok

    play(tmp_path / "home", story)
