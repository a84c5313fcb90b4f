"""A call asked at one process, decided at the other, done once; and what both are asked at the same moment."""

import asyncio
import time
from collections import Counter
from typing import Any

import pyotp
import pytest

from ostiary.errors import Conflict
from ostiary.jobs import processes as processes_module
from ostiary.net import signature
from ostiary.secret import Secret
from tests.across.pair import Pair, play
from tests.house import House

MAIL = {"to": "bob"}


def test_a_call_asked_here_and_approved_there_is_answered_here_at_once() -> None:
    async def story(pair: Pair) -> None:
        asked = await pair.pay(pair.a)
        waits = asyncio.create_task(pair.a.settled(asked["call_id"], pair.agent))
        await asyncio.sleep(0.3)
        begun = time.monotonic()
        assert (await pair.b.approve(asked["approval_id"])).status_code == 200
        ended = await waits
        assert (ended["state"], ended["result"]) == ("done", {"paid": 48, "number": 1})
        assert time.monotonic() - begun < 1.5
        assert pair.shop.done == {"ada": 1}

    play(story)


def test_a_page_open_here_hears_of_a_call_held_there() -> None:
    async def story(pair: Pair) -> None:
        watch, tenant = pair.a.gateway.ledger.watch, pair.a.tenant
        seen = watch.version(tenant)
        waits = asyncio.create_task(watch.beyond(tenant, seen, 5))
        await pair.pay(pair.b)
        begun = time.monotonic()
        assert await waits != seen
        assert time.monotonic() - begun < 1.5

    play(story)


def test_a_call_that_goes_straight_on_wakes_nobody_elsewhere() -> None:
    async def story(pair: Pair) -> None:
        watch = pair.a.gateway.ledger.watch
        seen = watch.version(pair.a.tenant)
        assert (await pair.b.ask("POST", "/v1/actions/mail.send", pair.agent, json=MAIL)).status_code == 200
        assert await watch.beyond(pair.a.tenant, seen, 0.6) == seen

    play(story)


def test_one_idempotency_key_at_both_at_once_has_one_effect() -> None:
    async def story(pair: Pair) -> None:
        def mail(house: House, key: str) -> Any:
            return house.ask("POST", "/v1/actions/mail.send", pair.agent, json=MAIL, key=key)

        for number in range(10):
            key = f"key-{number}"
            answers = await asyncio.gather(
                *(mail(house, key) for house in (pair.a, pair.b) for _ in range(3))
            )
            assert {answer.status_code for answer in answers} <= {200, 409}
            again = [await mail(house, key) for house in (pair.a, pair.b)]
            assert len({answer.json()["call_id"] for answer in again}) == 1
        assert pair.shop.done == {"bob": 10}

    play(story)


def test_a_yes_at_one_and_a_no_at_the_other_leave_one_of_them() -> None:
    async def story(pair: Pair) -> None:
        for number in range(8):
            asked = await pair.pay(pair.a, to=f"to-{number}")
            card = await pair.b.good("GET", f"/v1/approvals/{asked['approval_id']}")
            path = f"/v1/approvals/{asked['approval_id']}"
            said = await asyncio.gather(
                pair.a.ask("POST", f"{path}/approve", json={"digest": card["digest"]}),
                pair.b.ask("POST", f"{path}/reject", json={"reason": "no"}),
            )
            assert sorted(answer.status_code for answer in said) in ([200, 409], [200, 410])
            ended = await pair.a.settled(asked["call_id"], pair.agent)
            yes = said[0].status_code == 200
            assert ended["state"] == ("done" if yes else "rejected")
            assert pair.shop.done[f"to-{number}"] == (1 if yes else 0)

    play(story)


def test_a_yes_at_both_at_once_is_done_once() -> None:
    async def story(pair: Pair) -> None:
        for number in range(5):
            asked = await pair.pay(pair.a, to=f"to-{number}")
            said = await asyncio.gather(*(house.approve(asked["approval_id"]) for house in (pair.a, pair.b)))
            assert sorted(answer.status_code for answer in said)[0] == 200
            assert sorted(answer.status_code for answer in said)[1] >= 400
            await pair.b.settled(asked["call_id"], pair.agent)
        assert set(pair.shop.done.values()) == {1}

    play(story)


def test_a_signed_request_passes_once_whichever_process_gets_it() -> None:
    async def story(pair: Pair) -> None:
        key = await pair.a.make_key("partner", "program", signature_required=True)
        made = await pair.a.good("POST", f"/v1/keys/{key.split('_')[2]}/signing-secret", json={})
        path, body = "/v1/actions/mail.send", b'{"to": "bob"}'
        counts: Counter[int] = Counter()
        for number in range(6):
            header = signature.sign(
                [Secret(made["secret"])], method="POST", path=path, body=body,
                now_s=pair.a.clock.now_us() // 1_000_000, nonce=f"nonce-{number:020d}",
            )  # fmt: skip
            headers = {"ostiary-signature": header, "content-type": "application/json"}
            answers = await asyncio.gather(
                *(house.ask("POST", path, key, content=body, headers=headers) for house in (pair.a, pair.b))
            )
            counts.update(answer.status_code for answer in answers)
        assert counts == {200: 6, 409: 6}
        assert pair.shop.done == {"bob": 6}

    play(story)


def test_a_sign_in_code_opens_one_session() -> None:
    async def story(pair: Pair) -> None:
        await pair.a.good(
            "POST", "/v1/members", json={"email": "max@pellow.example", "name": "Max", "role": "viewer"}
        )
        request = await pair.a.good("POST", "/v1/session/code", "", json={"email": "max@pellow.example"})
        async with asyncio.timeout(20):
            while not (pair.a.desk.shown and "max@pellow.example" in pair.a.desk.shown[-1]):
                await asyncio.sleep(0.01)
        asked = {"request": request["request"], "code": pair.a.desk.last()}
        answers = await asyncio.gather(
            *(house.ask("POST", "/v1/session/start", "", json=asked) for house in (pair.a, pair.b) * 2)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]

    play(story)


def test_a_step_of_the_second_factor_counts_once() -> None:
    async def story(pair: Pair) -> None:
        assert isinstance(pair.a.totp, pyotp.TOTP)
        code = pair.a.code()
        answers = await asyncio.gather(
            *(house.ask("POST", "/v1/session/step-up", json={"code": code}) for house in (pair.a, pair.b) * 2)
        )
        assert [answer.status_code for answer in answers].count(200) == 1

    play(story)


async def die(house: House) -> None:
    """As if the process were gone: it beats no more, and goes on with nothing."""
    gateway = house.gateway
    gateway.processes._loop.cancel()
    for loop in gateway._loops:
        loop.cancel()
    await asyncio.gather(gateway.processes._loop, *gateway._loops, return_exceptions=True)
    gateway.processes._beaten_us -= 2 * processes_module.DEAD_S * 1_000_000


@pytest.mark.parametrize("honoured", [True, False])
def test_what_a_dead_process_left_is_taken_over(honoured: bool) -> None:
    """A call that is under way at a process that dies: sent again by the other where the target does it once, else unknown."""

    async def story(pair: Pair) -> None:
        action = "pay.send" if honoured else "mail.send"
        hung = asyncio.Event()
        run = pair.a.gateway.connectors._run

        async def hangs(held: Any, call: Any, target: Any, params: Any) -> Any:
            answer = await run(held, call, target, params)  # the effect is there, and nobody hears of it
            hung.set()
            await asyncio.sleep(3600)
            return answer

        pair.a.gateway.connectors.__class__._run, before = (
            hangs_at(pair.a.gateway.connectors, hangs),
            run.__func__,
        )
        try:
            if honoured:
                asked = await pair.pay(pair.a)
                assert (await pair.a.approve(asked["approval_id"])).status_code == 200
                call_id = asked["call_id"]
            else:
                asking = asyncio.create_task(
                    pair.a.ask("POST", f"/v1/actions/{action}", pair.agent, json=MAIL, key="k1")
                )
            async with asyncio.timeout(5):
                await hung.wait()
            if not honoured:
                (listed,) = (await pair.b.good("GET", "/v1/calls"))["calls"]
                call_id = listed["call_id"]
            await die(pair.a)
            begun = time.monotonic()
            ended = await pair.b.settled(call_id, pair.agent)
            assert time.monotonic() - begun < 10
        finally:
            pair.a.gateway.connectors.__class__._run = before
        assert ended["state"] == ("done" if honoured else "unknown")
        assert pair.shop.done == ({"ada": 1} if honoured else {"bob": 1})
        if not honoured:
            asking.cancel()

    play(story)


def hangs_at(connectors: Any, hangs: Any) -> Any:
    plain = connectors.__class__._run

    async def chosen(self: Any, *args: Any) -> Any:
        return await (hangs(*args) if self is connectors else plain(self, *args))

    return chosen


def test_who_was_taken_for_dead_changes_nothing_when_it_comes_back() -> None:
    """Its outcome comes after another has gone on with the call: the row stays as the other left it."""

    async def story(pair: Pair) -> None:
        ledger = pair.a.gateway.ledger
        asked = await pair.pay(pair.a)
        row = await ledger.call_row(pair.a.tenant, asked["call_id"])
        begin = pair.b.gateway.ledger.begin(row, attempt=2)
        assert row.boot == ledger.boot
        await pair.b.gateway.database.change(begin)
        with pytest.raises(Conflict):
            await pair.a.gateway.database.change(ledger.begin(row, attempt=1))
        now = await ledger.call_row(pair.a.tenant, asked["call_id"])
        assert (now.boot, now.attempt, now.state) == (pair.b.gateway.ledger.boot, 2, "running")

    play(story)


def test_a_process_that_could_not_say_that_it_lives_begins_nothing() -> None:
    async def story(pair: Pair) -> None:
        gateway = pair.a.gateway
        await die(pair.a)
        answer = await pair.a.ask("POST", "/v1/actions/mail.send", pair.agent, json=MAIL, key="k1")
        assert (answer.status_code, answer.json()["code"]) == (503, "store.unavailable")
        assert pair.shop.requests == 0
        await gateway.processes.beat()
        again = await pair.a.ask("POST", "/v1/actions/mail.send", pair.agent, json=MAIL, key="k2")
        assert again.status_code == 200

    play(story)


def test_a_process_that_stops_is_not_counted_on() -> None:
    async def story(pair: Pair) -> None:
        a, b = pair.a.gateway.processes, pair.b.gateway.processes
        assert {a.id, b.id} <= await a.live()
        await b.stop()
        assert b.id not in await a.live()
        assert b.alive is False

    play(story)
