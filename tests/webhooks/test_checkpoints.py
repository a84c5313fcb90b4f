"""The webhook of the log's checkpoints: settings of publishing, sent as any other webhook is."""

import asyncio
from pathlib import Path
from typing import Any

from ostiary.audit.publishing import settings as shape
from ostiary.audit.publishing import store
from ostiary.audit.publishing.settings import Opened, Settings, SigningSecret
from ostiary.net.webhook import new_secret
from tests.house import House
from tests.net.peer import Seen, answer, listening
from tests.webhooks.kit import deliveries, furnished, hook, show, signed_by, told, types, verified

SETTINGS = "/v1/audit/publishing"


async def put(house: House, **changes: Any) -> Any:
    return await house.good("PUT", SETTINGS, json=changes)


async def grown(house: House) -> None:
    """Something new is in the log, and a quarter of an hour is over."""
    house.clock.advance(901)
    await house.good("GET", "/v1/audit/checkpoint")
    await house.good("POST", "/v1/stops", json={"kind": "action", "target": "a.b", "reason": "look"})
    await house.work()


async def newest(house: House) -> Any:
    return (await house.good("GET", "/v1/audit/checkpoints"))["checkpoints"][0]


def test_a_checkpoint_is_posted_as_a_standard_webhook_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(204, b"")) as peer:
            made = await put(house, webhook_url=peer.url + "/hooks/audit")
            assert made["secret"].startswith("whsec_")
            shown = await house.good("GET", SETTINGS)
            assert "secret" not in shown
            assert (shown["secret_made"], shown["webhook_id"]) == (True, made["webhook_id"])
            await house.work()
            (seen,) = peer.seen
            assert (seen.method, seen.target) == ("POST", "/hooks/audit")
            notice = verified(seen, made["secret"])
            assert (notice["type"], notice["data"]["tenant"]) == ("audit.checkpoint", house.tenant)
            published = await newest(house)
            assert notice["data"]["checkpoint"] == published["checkpoint"]
            assert notice["data"]["key"].startswith(notice["data"]["log"] + "+")
            assert published["sent_at"]
            assert house.tenant not in seen.headers["webhook-id"]
            (row,) = await deliveries(house, made["webhook_id"])
            assert (row["state"], row["message"]) == ("done", seen.headers["webhook-id"])

    told(tmp_path, story)


def test_what_publishing_keeps_is_changed_by_publishing_alone(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer, listening(answer(200)) as other:
            one = f"/v1/webhooks/{(await put(house, webhook_url=peer.url))['webhook_id']}"
            for method, path, body in (
                ("PUT", one, {"url": other.url}),
                ("PUT", one, {"types": ["*"]}),
                ("POST", one + "/rotate", {}),
                ("DELETE", one, None),
            ):
                assert (await house.ask(method, path, json=body)).status_code == 409, (method, path)
            assert (await house.good("PUT", one, json={"paused": True}))["state"] == "paused"
            assert (await house.good("PUT", one, json={"paused": False}))["state"] == "active"
            await house.good("POST", one + "/test")
            await house.work()
            assert "webhook.test" in types(peer)
            moved = await put(house, webhook_url=other.url)
            assert moved["secret"] == ""
            await grown(house)
            assert types(other) == ["audit.checkpoint"]
            house.owner = await house.sign_in("olive.owner@pellow.example")
            assert (await put(house))["webhook_id"] == ""
            assert (await house.ask("GET", one)).status_code == 404

    told(tmp_path, story)


def test_the_secret_before_goes_on_signing_for_a_day(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            assert (await house.ask("POST", SETTINGS + "/secret")).status_code == 409
            first = (await put(house, webhook_url=peer.url))["secret"]
            fresh = (await house.good("POST", SETTINGS + "/secret"))["secret"]
            await house.work()
            assert verified(peer.seen[0], first) == verified(peer.seen[0], fresh)
            house.clock.advance(86_401)
            house.owner = await house.sign_in("olive.owner@pellow.example")
            await grown(house)
            assert [seen.headers["webhook-signature"].count("v1,") for seen in peer.seen] == [2, 1]
            assert (signed_by(peer.seen[1], fresh), signed_by(peer.seen[1], first)) == (True, False)

    told(tmp_path, story)


def test_a_webhook_that_says_no_is_tried_again_with_the_same_id_and_holds_up_no_checkpoint(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        statuses = [500, 503, 200]

        async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
            await answer(statuses[len(peer.seen) - 1])(seen, writer)

        async with listening(script) as peer:
            made = await put(house, webhook_url=peer.url)
            await house.work()
            assert (await newest(house))["size"] > 0
            for seconds in (7, 31):
                house.clock.advance(seconds)
                await house.work()
            assert len(peer.seen) == 3
            assert len({seen.headers["webhook-id"] for seen in peer.seen}) == 1
            shown = await show(house, made["webhook_id"])
            assert (shown["done"], shown["waiting"], shown["room"]) == (1, 0, "publishing")
            jobs = await house.good("GET", "/v1/jobs?kind=audit.publish_checkpoint&state=failed")
            assert jobs["jobs"] == []

    told(tmp_path, story)


def test_the_settings_of_an_earlier_release_go_on_with_their_secrets(tmp_path: Path) -> None:
    """A gateway that posted checkpoints by itself has an address and secrets in its settings, and no webhook for them."""

    async def whole() -> None:
        async with furnished(tmp_path) as house, listening(answer(200)) as peer:
            secret, vault, tenant = new_secret(), house.gateway.vault, house.tenant
            old = Opened(1, Settings(webhook_url=peer.url), (SigningSecret(secret),), 1)
            row = shape.sealed(vault, tenant, old)  # type: ignore[arg-type]
            house.gateway.database.transact(lambda c: store.put(c, tenant, row))  # type: ignore[arg-type]
            assert (await house.good("GET", SETTINGS))["webhook_id"] == ""
            await house.work()
            assert verified(peer.seen[0], secret.reveal())["type"] == "audit.checkpoint"
            endpoint = (await house.good("GET", SETTINGS))["webhook_id"]
            await grown(house)
            assert [len(peer.seen), (await show(house, endpoint))["done"]] == [2, 2]
            assert (await house.good("GET", SETTINGS))["webhook_id"] == endpoint

    asyncio.run(whole())


def test_it_is_beside_the_webhooks_that_people_make_and_takes_none_of_their_places(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            await put(house, webhook_url=peer.url + "/kept")
            for number in range(20):
                await hook(house, f"{peer.url}/{number}", "limit.reached")
            listed = (await house.good("GET", "/v1/webhooks"))["webhooks"]
            assert [len(listed), sum(each["room"] == "publishing" for each in listed)] == [21, 1]
            assert (await house.ask("POST", "/v1/webhooks", json={"url": peer.url, "types": ["*"]})).status_code == 409  # fmt: skip

    told(tmp_path, story)
