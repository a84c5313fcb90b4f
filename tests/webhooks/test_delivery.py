"""A notice from what happened to the place that takes it: signed, tried again, dead, sent again; through the door and over REST."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.door.test_consent import furnish, held
from tests.house import House
from tests.net.peer import Seen, answer, listening, raw, silence
from tests.shop import running
from tests.webhooks.kit import deliveries, furnished, hook, show, signed_by, told, types, verified

PAYEE = "Wren Canary"
STOP = {"kind": "action", "target": "pay.send", "reason": "look"}


async def probed(house: House, endpoint: str) -> None:
    await house.good("POST", f"/v1/webhooks/{endpoint}/test")
    await house.work()


def test_a_held_call_is_told_signed_and_says_nothing_of_what_it_would_do(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            agent = await furnish(house, shop)
            async with listening(answer(204, b"")) as peer:
                made = await hook(house, peer.url + "/in?key=1", "approval.*")
                waiting = await held(house, agent, to=PAYEE, amount=4800)
                await house.work()
                assert (await house.approve(waiting["approval_id"])).status_code == 200
                await house.settled(waiting["call_id"])
                await house.work()
            assert types(peer) == ["approval.requested", "approval.decided"]
            asked, decided = (verified(seen, made["secret"]) for seen in peer.seen)
            assert peer.seen[0].target == "/in?key=1"
            assert peer.seen[0].headers["content-type"] == "application/json"
            assert asked["data"]["approval"] == waiting["approval_id"] == decided["data"]["approval"]
            assert asked["data"]["call"] == waiting["call_id"]
            assert asked["data"]["url"] == f"http://localhost:8080/approvals/{waiting['approval_id']}"
            assert asked["data"]["risk"] == "high"
            assert asked["data"]["tenant"] == house.tenant
            assert (asked["data"]["decision"], decided["data"]["decision"]) == ("held", "approved")
            assert not any(word in seen.body for seen in peer.seen for word in (PAYEE.encode(), b"4800"))
            shown = await show(house, made["webhook"]["id"])
            assert (shown["done"], shown["waiting"], shown["dead"]) == (2, 0, 0)

    told(tmp_path, story)


def test_a_rejection_and_a_question_that_lapses_are_told(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            agent = await furnish(house, shop)
            async with listening(answer(200)) as peer:
                await hook(house, peer.url, "approval.decided", "approval.expired")
                one = await held(house, agent, to=PAYEE, amount=1)
                await held(house, agent, to=PAYEE, amount=2)
                await house.good("POST", f"/v1/approvals/{one['approval_id']}/reject", json={"reason": "no"})
                house.clock.advance(601)
                await house.work()
            assert types(peer) == ["approval.decided", "approval.expired"]

    told(tmp_path, story, OSTIARY_APPROVAL_TTL_S="600")


def test_what_fails_is_tried_again_with_the_same_id_later_each_time_until_it_is_taken(tmp_path: Path) -> None:
    statuses = [500, 503, 302, 200]

    async def story(house: House) -> None:
        async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
            status = statuses[len(peer.seen) - 1]
            await answer(status, b"no thanks", headers="Location: /elsewhere\r\n")(seen, writer)

        async with listening(script) as peer:
            made = await hook(house, peer.url, "incident.*")
            await probed(house, made["webhook"]["id"])
            assert len(peer.seen) == 1
            (waits,) = await deliveries(house, made["webhook"]["id"])
            put_off = datetime.fromisoformat(waits["next_at"]) - datetime.fromisoformat(waits["changed_at"])
            assert 4 <= put_off.total_seconds() <= 6
            for seconds, count in ((6, 2), (30, 3), (150, 4)):
                house.clock.advance(seconds)
                await house.work()
                assert len(peer.seen) == count
            ids = {seen.headers["webhook-id"] for seen in peer.seen}
            assert len(ids) == 1
            assert len({seen.body for seen in peer.seen}) == 1
            assert {seen.target for seen in peer.seen} == {"/"}, "no redirect is followed"
            (row,) = await deliveries(house, made["webhook"]["id"])
            assert (row["state"], row["tries"], row["status"], row["message"]) == ("done", 4, 200, ids.pop())
            told = await house.good("GET", f"/v1/webhook-deliveries/{row['id']}")
            assert [(each["number"], each["status"], each["code"]) for each in told["tried"]] == [
                (4, 200, ""), (3, 302, "target.refused"), (2, 503, "target.refused"), (1, 500, "target.refused"),
            ]  # fmt: skip
            assert "no thanks" not in orjson.dumps(told).decode()

    told(tmp_path, story)


def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(429, b"", headers="Retry-After: 300\r\n")) as peer:
            made = await hook(house, peer.url, "incident.*")
            await probed(house, made["webhook"]["id"])
            house.clock.advance(290)
            await house.work()
            assert len(peer.seen) == 1
            house.clock.advance(11)
            await house.work()
            assert len(peer.seen) == 2

    told(tmp_path, story)


def test_after_ten_tries_it_is_a_dead_letter_and_a_person_sends_it_again(tmp_path: Path) -> None:
    status = 500

    async def story(house: House) -> None:
        nonlocal status

        async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
            await answer(status, b"")(seen, writer)

        async with listening(script) as peer:
            made = await hook(house, peer.url, "incident.*")
            endpoint = made["webhook"]["id"]
            await probed(house, endpoint)
            for wait_s in (6, 31, 151, 751, 3_751, 18_755, 86_400, 86_400, 86_400):
                house.clock.advance(wait_s)
                await house.work()
            assert len(peer.seen) == 10
            house.clock.advance(2 * 86_400)
            await house.work()
            assert len(peer.seen) == 10
            house.owner = await house.sign_in("olive.owner@pellow.example")
            (row,) = await deliveries(house, endpoint)
            assert (row["state"], row["tries"], row["next_at"]) == ("dead", 10, None)
            status = 200
            assert (await house.good("POST", f"/v1/webhook-deliveries/{row['id']}/replay"))["count"] == 1
            await house.work()
            assert len(peer.seen) == 11
            (again,) = await deliveries(house, endpoint)
            assert (again["state"], again["attempts"], again["message"]) == ("done", 11, row["message"])

    told(tmp_path, story)


def test_an_endpoint_that_is_gone_is_switched_off_what_waited_is_dead_and_another_is_told(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        async with listening(answer(410, b"")) as gone, listening(answer(200)) as other:
            made = await hook(house, gone.url, "privacy.*")
            watching = await hook(house, other.url, "incident.*")
            endpoint = made["webhook"]["id"]
            await probed(house, endpoint)
            shown = await show(house, endpoint)
            assert (shown["state"], shown["reason"], shown["dead"]) == ("disabled", "gone", 1)
            told = verified(other.seen[0], watching["secret"])
            assert told["type"] == "incident.webhook_disabled"
            assert (told["data"]["endpoint"], told["data"]["reason"]) == (endpoint, "gone")
            refused = await house.ask("POST", f"/v1/webhooks/{endpoint}/test")
            assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
            on = await house.good("PUT", f"/v1/webhooks/{endpoint}", json={"paused": False})
            assert (on["state"], on["reason"]) == ("active", "")
            assert (await house.good("POST", f"/v1/webhooks/{endpoint}/replay"))["count"] == 1

    told(tmp_path, story)


def test_an_endpoint_that_takes_nothing_for_five_days_is_switched_off(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(500, b"")) as peer:
            made = await hook(house, peer.url, "incident.*")
            endpoint = made["webhook"]["id"]
            await probed(house, endpoint)
            for _ in range(4):
                house.clock.advance(86_400)
                await house.work()
            house.owner = await house.sign_in("olive.owner@pellow.example")
            assert (await show(house, endpoint))["state"] == "active"
            house.clock.advance(90_000)
            house.owner = await house.sign_in("olive.owner@pellow.example")
            await probed(house, endpoint)
            shown = await show(house, endpoint)
            assert (shown["state"], shown["reason"], shown["waiting"]) == ("disabled", "failing", 0)

    told(tmp_path, story)


def test_a_new_secret_signs_at_once_and_the_one_before_for_as_long_as_was_said(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*")
            endpoint, first = made["webhook"]["id"], made["secret"]
            renewed = await house.good("POST", f"/v1/webhooks/{endpoint}/rotate", json={"overlap_s": 120})
            fresh = renewed["secret"]
            assert fresh != first
            await probed(house, endpoint)
            (both,) = peer.seen
            assert verified(both, first) == verified(both, fresh)
            assert len(both.headers["webhook-signature"].split(" ")) == 2
            house.clock.advance(121)
            await probed(house, endpoint)
            assert len(peer.seen[1].headers["webhook-signature"].split(" ")) == 1
            assert verified(peer.seen[1], fresh)["type"] == "webhook.test"
            with pytest.raises(WebhookVerificationError):
                verified(peer.seen[1], first)
            shown = orjson.dumps(await show(house, endpoint)).decode()
            assert first not in shown
            assert fresh not in shown

    told(tmp_path, story)


def test_a_changed_body_or_another_secret_does_not_verify(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*")
            await probed(house, made["webhook"]["id"])
            (seen,) = peer.seen
            assert verified(seen, made["secret"])["type"] == "webhook.test"
            with pytest.raises(WebhookVerificationError):
                Webhook(made["secret"]).verify(seen.body.replace(b"test", b"best"), seen.headers)
            with pytest.raises(WebhookVerificationError):
                verified(seen, "whsec_" + "A" * 43 + "=")

    told(tmp_path, story)


def test_a_chat_gets_a_message_that_leads_to_the_card_and_decides_nothing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        with running() as shop:
            agent = await furnish(house, shop)
            async with listening(answer(200, b"ok", content_type="text/plain")) as peer:
                url = peer.url + "/services/T0/B0/hushhush"
                made = await hook(house, url, "approval.requested", format="slack")
                waiting = await held(house, agent, to=PAYEE, amount=4800)
                await house.work()
            message = verified(peer.seen[0], made["secret"])
            assert message["text"] == "A call waits for a decision"
            assert [block["type"] for block in message["blocks"]] == [
                "header",
                "section",
                "section",
                "context",
            ]
            link = f"<http://localhost:8080/approvals/{waiting['approval_id']}|"
            assert link in message["blocks"][2]["text"]["text"]
            assert "hushhush" not in orjson.dumps(await show(house, made["webhook"]["id"])).decode()

    told(tmp_path, story)


def test_a_paused_webhook_is_told_nothing_and_what_waited_goes_when_it_is_let_go_on(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*")
            endpoint = made["webhook"]["id"]
            await house.good("POST", f"/v1/webhooks/{endpoint}/test")
            paused = await house.good("PUT", f"/v1/webhooks/{endpoint}", json={"paused": True})
            assert (paused["state"], paused["waiting"]) == ("paused", 1)
            await house.work()
            await house.good("POST", "/v1/stops", json=STOP)
            await house.work()
            assert peer.seen == []
            await house.good("PUT", f"/v1/webhooks/{endpoint}", json={"paused": False})
            await house.work()
            assert types(peer) == ["webhook.test"]

    told(tmp_path, story)


def test_what_is_sent_again_by_hand_is_of_a_time_and_only_what_failed_unless_one_says_otherwise(
    tmp_path: Path,
) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(house, peer.url, "incident.*")
            again = f"/v1/webhooks/{made['webhook']['id']}/replay"
            await probed(house, made["webhook"]["id"])
            between_us = house.clock.now_us()
            house.clock.advance(60)
            await probed(house, made["webhook"]["id"])
            first, second = [seen.headers["webhook-id"] for seen in peer.seen]
            assert (await house.good("POST", again))["count"] == 0
            late = {"since_us": between_us, "only_failed": False}
            assert (await house.good("POST", again, json=late))["count"] == 1
            await house.work()
            early = {"until_us": between_us, "only_failed": False}
            assert (await house.good("POST", again, json=early))["count"] == 1
            await house.work()
            assert [seen.headers["webhook-id"] for seen in peer.seen] == [first, second, second, first]
            assert (await house.good("POST", again, json={**late, "until_us": between_us}))["count"] == 0

    told(tmp_path, story)


def test_one_that_hangs_up_holds_up_no_other(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(raw(b"", reset=True)) as broken, listening(answer(200)) as good:
            one = await hook(house, broken.url, "incident.*")
            await hook(house, good.url, "incident.*")
            await house.good("POST", "/v1/stops", json=STOP)
            await house.work()
            assert types(good) == ["incident.stopped"]
            (row,) = await deliveries(house, one["webhook"]["id"])
            assert (row["state"], row["status"], row["code"]) == ("waiting", 0, "target.unavailable")

    told(tmp_path, story)


def test_one_that_says_nothing_is_a_failed_try_however_short_calls_may_be(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(silence) as peer:
            made = await hook(house, peer.url, "incident.*")
            await probed(house, made["webhook"]["id"])
            (row,) = await deliveries(house, made["webhook"]["id"])
            assert (row["state"], row["attempts"], row["code"]) == ("waiting", 1, "target.timeout")
            assert len(peer.seen) == 1

    told(tmp_path, story, OSTIARY_CALL_TIMEOUT_S="1")


def test_one_that_drips_its_answer_for_ever_is_cut_off_and_holds_up_no_other(tmp_path: Path) -> None:
    async def drips(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
        while True:
            writer.write(b"X-More: 1\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def story(house: House) -> None:
        async with listening(drips) as slow, listening(answer(200)) as good:
            one = await hook(house, slow.url, "incident.*")
            await hook(house, good.url, "incident.*")
            await house.good("POST", "/v1/stops", json=STOP)
            await house.work()
            assert types(good) == ["incident.stopped"]
            (row,) = await deliveries(house, one["webhook"]["id"])
            assert (row["state"], row["attempts"]) == ("waiting", 1)
            assert row["code"] in ("target.timeout", "target.unavailable", "target.refused")
            assert row["took_ms"] < 5_000

    told(tmp_path, story, OSTIARY_CALL_TIMEOUT_S="2")


def test_what_is_undone_is_told_to_nobody(tmp_path: Path) -> None:
    """A notice is a row of the transaction that it tells of."""

    async def whole() -> None:
        async with furnished(tmp_path) as house, listening(answer(200)) as peer:
            await hook(house, peer.url, "limit.reached")

            def fails(_connection: Any) -> None:
                raise ValueError("undone")

            outbox, tenant = house.gateway.notices.outbox, house.tenant
            announce = outbox.announce(tenant, "limit.reached", {"code": "limit.money"})  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="undone"):
                house.gateway.database.transact(lambda c: (announce(c), fails(c)))
            await house.work()
            assert peer.seen == []
            house.gateway.database.transact(announce)
            await house.work()
            assert types(peer) == ["limit.reached"]

    asyncio.run(whole())


def test_a_clock_that_jumps_a_year_ahead_and_back_holds_up_nothing(tmp_path: Path) -> None:
    """A try is put off while the clock is wrong; when it is right again, the sweep finds what no try of ours could have put off so far."""

    async def story(house: House) -> None:
        statuses = [500, 200]

        async def script(seen: Seen, writer: asyncio.StreamWriter) -> None:
            await answer(statuses[min(len(peer.seen), 2) - 1])(seen, writer)

        async with listening(script) as peer:
            made = await hook(house, peer.url, "incident.*")
            await house.good("POST", f"/v1/webhooks/{made['webhook']['id']}/test")
            house.clock.advance(365 * 86_400)
            await house.work()
            assert len(peer.seen) == 1
            house.clock.advance(-365 * 86_400)
            house.clock.advance(3_601)
            await house.work()
            await house.work()
            assert len(peer.seen) == 2
            assert peer.seen[0].headers["webhook-id"] == peer.seen[1].headers["webhook-id"]
            assert signed_by(peer.seen[1], made["secret"])

    told(tmp_path, story)


def test_two_tenants_are_each_told_of_their_own_alone_by_secrets_of_their_own(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with listening(answer(200)) as peer, listening(answer(200)) as other:
            mine = await hook(house, peer.url, "incident.*")
            first = house.tenant
            second = (await house.good("POST", "/v1/tenants", json={"name": "Second"}))["tenant"]
            await house.good("POST", "/v1/session/switch-tenant", json={"tenant": second})
            theirs = await hook(house, other.url, "incident.*")
            await house.good("POST", "/v1/stops", json=STOP)
            await house.good("POST", "/v1/session/switch-tenant", json={"tenant": first})
            await house.good("POST", "/v1/stops", json=STOP)
            await house.good("POST", "/v1/stops", json={**STOP, "target": "pay.more"})
            await house.work()
            assert (len(peer.seen), len(other.seen)) == (2, 1)
            assert {verified(seen, mine["secret"])["data"]["tenant"] for seen in peer.seen} == {first}
            assert verified(other.seen[0], theirs["secret"])["data"]["tenant"] == second
            with pytest.raises(WebhookVerificationError):
                verified(other.seen[0], mine["secret"])

    told(tmp_path, story)
