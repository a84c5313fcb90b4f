"""The pages of webhooks over a whole gateway: by plain forms, without JavaScript."""

import re
from pathlib import Path

import orjson

from tests.house import House
from tests.net.peer import answer, listening
from tests.web.test_real_pages import signed_in
from tests.webhooks.kit import deliveries, told, verified


def test_a_webhook_is_added_tested_paused_renewed_and_removed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(500, b"")) as peer, await signed_in(house) as browser:
            assert "No webhooks yet" in (await browser.get("/webhooks")).text
            form = await browser.get("/webhooks/new")
            assert "A call waits for a decision" in form.text
            wrong = await browser.post(
                "/webhooks",
                data={"url": "https://127.0.0.1.:1/", "format": "standard", "types": "approval.*"},
            )
            assert wrong.status_code == 422
            asked = {
                "url": peer.url + "/in",
                "format": "standard",
                "types": "incident.*",
                "description": "<b>On call</b>",
            }
            made = await browser.post("/webhooks", data=asked)
            assert made.status_code == 200
            secret = re.search(r'<code id="once">(whsec_[A-Za-z0-9+/=]+)</code>', made.text)
            assert secret
            (row,) = (await house.good("GET", "/v1/webhooks"))["webhooks"]
            path = f"/webhooks/{row['id']}"
            assert (await browser.post(f"{path}/test")).headers["location"] == f"{path}?note=webhook-tested"
            await house.work()
            assert verified(peer.seen[0], secret[1])["type"] == "webhook.test"
            page = await browser.get(path)
            assert "&lt;b&gt;On call&lt;/b&gt;" in page.text
            assert secret[1] not in page.text
            assert "Tries again" in page.text
            assert "It has taken nothing since" in page.text
            (delivery,) = await deliveries(house, row["id"])
            one = await browser.get(f"/webhooks/deliveries/{delivery['id']}")
            assert "webhook.test" in one.text
            assert "500" in one.text
            fresh = await browser.post(f"{path}/rotate", data={"overlap_s": "3600"})
            assert "The new secret." in fresh.text
            assert (await browser.post(f"{path}/pause")).headers["location"] == f"{path}?note=webhook-paused"
            assert "Paused" in (await browser.get(path)).text
            await browser.post(f"{path}/resume")
            changed = await browser.post(
                path,
                data={
                    "types": ["incident.*", "approval.*"],
                    "format": "slack",
                    "description": "Chat",
                    "url": "",
                },
            )
            assert changed.headers["location"] == f"{path}?note=webhook-saved"
            after = await house.good("GET", f"/v1/webhooks/{row['id']}")
            assert (after["types"], after["format"], after["description"]) == (
                ["incident.*", "approval.*"],
                "slack",
                "Chat",
            )
            assert (await browser.post(f"{path}/remove")).headers[
                "location"
            ] == "/webhooks?note=webhook-removed"
            assert (await browser.get(path)).status_code == 404

    told(tmp_path, story)


def test_what_an_admin_may_not_look_at_is_not_offered(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        admin = "ada.admin@pellow.example"
        await house.good("POST", "/v1/members", json={"email": admin, "name": "Ada", "role": "admin"})
        async with await signed_in(house) as browser:
            browser.cookies.set("ostiary", await house.sign_in(admin))
            form = await browser.get("/webhooks/new")
            assert "A call waits for a decision" in form.text
            assert "A person was erased" not in form.text

    told(tmp_path, story)


def test_the_operators_pages_add_one_with_a_key_and_send_a_day_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer, await signed_in(house) as browser:
            base = "/install/webhooks"
            assert "No webhooks yet" in (await browser.get(base)).text
            assert "A backup was taken" in (await browser.get(f"{base}/new")).text
            asked = {"url": peer.url, "format": "standard", "signing": "asymmetric", "types": "*"}
            made = await browser.post(base, data=asked)
            key = re.search(r"whpk_[A-Za-z0-9+/]+=", made.text)
            assert key
            assert "whsk_" not in made.text
            (row,) = (await house.good("GET", "/v1/install/webhooks"))["webhooks"]
            one = f"{base}/{row['id']}"
            assert f"/v1/webhook-keys/install/{row['id']}" in (await browser.get(one)).text
            assert (await browser.post(f"{one}/test")).headers["location"] == f"{one}?note=webhook-tested"
            await house.work()
            sent = len(peer.seen)
            assert "webhook.test" in [orjson.loads(seen.body)["type"] for seen in peer.seen]
            none = await browser.post(
                f"{one}/replay", data={"since": "2020-01-01", "until": "2020-01-02", "which": "all"}
            )
            assert none.headers["location"] == f"{one}?note=webhook-none-again"
            again = await browser.post(
                f"{one}/replay", data={"since": "2020-01-01", "until": "", "which": "all"}
            )
            assert again.headers["location"] == f"{one}?note=webhook-again"
            await house.work()
            assert len(peer.seen) == 2 * sent
            assert (await browser.post(f"{one}/replay", data={"since": "soon"})).status_code == 422
            assert row["id"] not in (await browser.get("/webhooks")).text
            assert (await browser.post(f"{one}/remove")).headers["location"] == f"{base}?note=webhook-removed"

    told(tmp_path, story)
