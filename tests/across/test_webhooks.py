"""Two processes that send from one outbox at the same time: nothing is lost, and what comes twice comes with the id that it had."""

import asyncio
from collections import Counter

import orjson

from ostiary.webhooks import store
from tests.across.pair import Pair, play
from tests.net.peer import Seen, answer, listening
from tests.webhooks.kit import hook, show

NOTICES = 20


def test_two_processes_send_one_outbox_and_each_notice_gets_there_once() -> None:
    async def story(pair: Pair) -> None:
        async def slow(seen: Seen, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.02)
            await answer(200)(seen, writer)

        async with listening(slow) as peer:
            made = await hook(pair.a, peer.url, "incident.*")
            for number in range(NOTICES):
                house = (pair.a, pair.b)[number % 2]
                await house.good("POST", "/v1/stops", json={"kind": "action", "target": f"a.b{number}", "reason": "x"})  # fmt: skip
            await asyncio.gather(pair.a.work(), pair.b.work())
            await pair.a.work()
            ids = Counter(seen.headers["webhook-id"] for seen in peer.seen)
            assert len(ids) == NOTICES
            bodies = {(seen.headers["webhook-id"], seen.body) for seen in peer.seen}
            assert len(bodies) == NOTICES, "under one id comes one body"
            assert max(ids.values()) == 1, "both claimed the same"
            shown = await show(pair.b, made["webhook"]["id"])
            assert (shown["done"], shown["waiting"], shown["dead"]) == (NOTICES, 0, 0)

    play(story)


def test_what_one_process_has_claimed_and_left_the_other_sends_under_the_same_id() -> None:
    """A worker that was thought dead may have sent it: at least once, and known by its id."""

    async def story(pair: Pair) -> None:
        async with listening(answer(200)) as peer:
            made = await hook(pair.a, peer.url, "incident.*")
            endpoint = made["webhook"]["id"]
            await pair.a.good("POST", f"/v1/webhooks/{endpoint}/test")
            now_us = pair.a.clock.now_us()
            (whose,) = await pair.a.gateway.tenants()
            database = pair.a.gateway.database
            chosen = database.read(
                lambda c: store.due(c, whose, endpoint, now_us=now_us, stale_us=0, limit=9)
            )
            database.transact(
                lambda c: store.claim(
                    c, whose, endpoint, chosen=chosen, job="job_dead", now_us=now_us, stale_us=0
                )
            )
            await pair.b.work()
            assert peer.seen == []
            pair.a.clock.advance(3_601)
            await pair.b.work()
            (seen,) = peer.seen
            (row,) = (await pair.b.good("GET", f"/v1/webhooks/{endpoint}/deliveries"))["deliveries"]
            assert (row["state"], row["message"]) == ("done", seen.headers["webhook-id"])
            assert orjson.loads(seen.body)["type"] == "webhook.test"

    play(story)
