"""Somebody who plays one process against the other: replays, limits, a kill switch, and a process that comes back from the dead."""

import asyncio
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from ostiary.actions import Actor, ActorKind
from ostiary.db.database import Database
from ostiary.errors import StoreUnavailable
from ostiary.identity.api_keys import customer
from ostiary.ids import SubjectId, TenantId
from ostiary.net import signature
from ostiary.secret import Secret
from ostiary.shield.stops import Stops
from tests.across.pair import Pair, play, soon
from tests.across.test_calls import die
from tests.house import BASE, House

MAIL = {"to": "bob"}


async def code(house: House, token: str, **more: Any) -> str:
    answer = (await house.ask("POST", "/v1/actions/mail.send", token, json=MAIL, **more)).json()
    return str(answer.get("code", answer.get("state", "")))


def test_a_signed_request_replayed_at_the_other_process_is_refused() -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("partner", "program", signature_required=True)
        made = await pair.a.good("POST", f"/v1/keys/{key.split('_')[2]}/signing-secret", json={})
        path, body = "/v1/actions/mail.send", b'{"to": "bob"}'
        header = signature.sign(
            [Secret(made["secret"])], method="POST", path=path, body=body,
            now_s=pair.a.clock.now_us() // 1_000_000, nonce="n" * 20,
        )  # fmt: skip
        headers = {"ostiary-signature": header, "content-type": "application/json"}
        said = [
            (await house.ask("POST", path, key, content=body, headers=headers)).status_code
            for house in (pair.a, pair.b, pair.a, pair.b)
        ]
        assert said == [200, 409, 409, 409]
        assert pair.shop.done == {"bob": 1}

    play(story)


def test_an_idempotency_key_belongs_to_one_call_at_every_process() -> None:
    async def story(pair: Pair) -> None:
        assert await code(pair.a, pair.agent, key="k1") == "done"
        other = await pair.b.ask("POST", "/v1/actions/mail.send", pair.agent, json={"to": "eve"}, key="k1")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.mismatch")
        assert pair.shop.done == {"bob": 1}

    play(story)


def test_a_limit_cannot_be_had_twice_by_going_to_a_fresh_process() -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("greedy")
        first = [(await pair.a.ask("GET", "/v1/me", key)).status_code for _ in range(30)]
        second = [(await pair.b.ask("GET", "/v1/me", key)).status_code for _ in range(30)]
        assert first.count(200) >= 20
        assert second.count(200) <= second.count(429) + 20
        assert [*first, *second].count(
            200
        ) <= 20 + 5 * 12  # five a second, for as long as a slow machine takes

    play(story, OSTIARY_KEY_RATE_PER_S="20")


def test_a_stopped_agent_finds_no_way_round() -> None:
    """Another process, another face, a fresh secret of the same key, the answer of an earlier call, a customer behind the key."""

    async def story(pair: Pair) -> None:
        assert await code(pair.a, pair.agent, key="k1") == "done"
        key_id = pair.agent.split("_")[2]
        await pair.a.good("POST", "/v1/stops", json={"kind": "key", "target": key_id, "reason": "odd"})
        fresh = (await pair.a.good("POST", f"/v1/keys/{key_id}/rotate", json={"overlap_s": 3600}))["secret"]

        async def stopped() -> bool:
            return await code(pair.b, pair.agent) == "shield.stopped"

        await soon(stopped)
        assert await code(pair.b, fresh) == "shield.stopped"
        assert await code(pair.b, pair.agent, key="k1") == "shield.stopped"
        assert (await pair.b.ask("GET", "/v1/calls", pair.agent)).status_code == 403
        async with (
            httpx2.AsyncClient(
                transport=httpx2.ASGITransport(pair.b.gateway.asgi, client=("127.0.0.1", 1)),
                headers={"authorization": f"Bearer {pair.agent}"}, base_url=BASE,
            ) as http,
            Client(streamable_http_client(f"{BASE}/mcp", http_client=http), mode="legacy") as client,
        ):  # fmt: skip
            answer = await client.call_tool("mail_send", MAIL)
            assert answer.is_error is True
        assert pair.shop.done == {"bob": 1}
        events = (await pair.a.good("GET", "/v1/audit/events", params={"code": "shield.stopped"}))["events"]
        assert events != []

    play(story)


def test_the_customers_of_a_stopped_key_are_stopped_too() -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("window", "publishable", (), surface="customer", contracts=["mail.send"])
        secret = Secret((await pair.a.good("POST", "/v1/tenants/signing-secret", json={}))["secret"])
        header = customer.sign(
            secret, tenant=TenantId(pair.a.tenant), subject=SubjectId("c-1"),
            expires_s=pair.a.clock.now_us() // 1_000_000 + 600,
        )  # fmt: skip

        async def said() -> str:
            headers = {"ostiary-customer": header}
            answer = await pair.b.ask("GET", f"/v1/calls/cal_{'0' * 32}", key, headers=headers)
            return str(answer.json()["code"])

        assert await said() == "not_found"
        await pair.a.good(
            "POST", "/v1/stops", json={"kind": "key", "target": key.split("_")[2], "reason": "odd"}
        )

        async def stopped() -> bool:
            return await said() == "shield.stopped"

        await soon(stopped)

    play(story)


def test_while_nobody_can_say_what_is_stopped_nothing_passes() -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreUnavailable):
        asyncio.run(Stops(away).check(Actor(TenantId("ten_a"), ActorKind.PERSON, "per_a"), "mail.send"))
    away.close()


def test_a_process_back_from_the_dead_does_not_overwrite_what_another_did() -> None:
    """It hung while it waited for a target; another took its call over and it is done. Its own late outcome is dropped."""

    async def story(pair: Pair) -> None:
        goes_on = asyncio.Event()
        plain = pair.a.gateway.connectors.__class__._run

        async def slow(self: Any, *args: Any) -> Any:
            answer = await plain(self, *args)
            if self is pair.a.gateway.connectors:
                await goes_on.wait()
            return answer

        pair.a.gateway.connectors.__class__._run = slow
        try:
            asked = await pair.pay(pair.a)
            assert (await pair.a.approve(asked["approval_id"])).status_code == 200
            async with asyncio.timeout(5):
                while not pair.shop.done:
                    await asyncio.sleep(0.02)
            (under_way,) = pair.a.gateway.resumer._under_way.values()
            await die(pair.a)
            ended = await pair.b.settled(asked["call_id"])
            assert ended["state"] == "done"
            before = await pair.b.gateway.ledger.call_row(pair.a.tenant, asked["call_id"])
            goes_on.set()
            await asyncio.wait([under_way], timeout=5)
        finally:
            pair.a.gateway.connectors.__class__._run = plain
        after = await pair.b.gateway.ledger.call_row(pair.a.tenant, asked["call_id"])
        assert after == before
        assert (after.attempt, after.boot) == (2, pair.b.gateway.ledger.boot)
        trail = (await pair.b.good("GET", "/v1/audit/events", params={"call": asked["call_id"]}))["events"]
        assert [event["decision"] for event in trail].count("ran") == 1
        assert pair.shop.done == {"ada": 1}

    play(story)
