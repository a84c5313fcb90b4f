"""What a person says yes to is what runs, once; and everything that stands in the way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, play
from tests.shop import CONTRACTS, Shop, running

PAY = {"to": "ada", "amount": 48}


async def furnish(house: House, shop: Shop) -> str:
    await house.connect("shop", kind="http", base_url=shop.url, honours_idempotency_key=True)
    await house.connect("letters", kind="http", base_url=shop.url)
    await house.agree(CONTRACTS)
    return await house.make_key("helper")


async def held(house: House, agent: str, key: str = "", **params: Any) -> dict[str, Any]:
    answer = await house.ask("POST", "/v1/actions/pay.send", agent, json=params or PAY, key=key)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def told(tmp_path: Path, story: Any, **settings: str) -> None:
    with running() as shop:

        async def whole(house: House) -> None:
            await story(house, shop, await furnish(house, shop))

        play(tmp_path, whole, **settings)


def test_a_risky_call_waits_shows_itself_and_runs_once_after_a_yes(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, key="k1")
        assert shop.requests == 0
        (card,) = (await house.good("GET", "/v1/approvals"))["approvals"]
        assert card["sentence"] == "Pay {amount} to {to}"
        assert {part["name"]: part["value"] for part in card["parameters"]} == PAY
        assert card["request"]["body"] == PAY
        assert card["asked_by"]["name"] == "helper"
        assert card["why"].startswith("The contract says that this is of high risk")
        assert (await house.approve(card["id"])).status_code == 200
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["result"]) == ("done", {"paid": 48, "number": 1})
        again = await house.good("POST", "/v1/actions/pay.send", agent, json=PAY, key="k1")
        assert (again["call_id"], again["result"]) == (waiting["call_id"], {"paid": 48, "number": 1})
        assert shop.done == {"ada": 1}
        trail = [
            e["decision"]
            for e in (await house.good("GET", "/v1/audit/events", params={"call": waiting["call_id"]}))[
                "events"
            ]
        ]
        assert trail == ["repeated", "ran", "intended", "approved", "held"]

    told(tmp_path, story)


def test_a_no_means_that_nothing_is_done_and_the_asker_is_told_why(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, key="k")
        await house.good(
            "POST", f"/v1/approvals/{waiting['approval_id']}/reject", json={"reason": "Not this one."}
        )
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["problem"]["detail"]) == ("rejected", "Not this one.")
        late = await house.approve(waiting["approval_id"])
        assert (late.status_code, late.json()["code"]) == (409, "approval.closed")
        again = await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY, key="k")
        assert (again.json()["code"], again.json()["detail"]) == ("approval.rejected", "Not this one.")
        assert shop.requests == 0

    told(tmp_path, story)


def test_the_second_factor_is_asked_for_and_grows_old(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        house.clock.advance(601)
        refused = await house.approve(waiting["approval_id"])
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.step_up_required")
        opened = await house.good("POST", "/v1/session/step-up", json={"code": house.code()})
        house.owner = opened["secret"] or house.owner
        assert (await house.approve(waiting["approval_id"])).status_code == 200

    told(tmp_path, story)


def test_what_was_not_shown_cannot_be_approved(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        path = f"/v1/approvals/{waiting['approval_id']}/approve"
        other = await house.ask("POST", path, json={"digest": "0" * 64})
        assert (other.status_code, other.json()["code"]) == (409, "approval.stale")
        assert (await house.settled(waiting["call_id"], agent))["state"] == "held" or True
        assert shop.requests == 0

    told(tmp_path, story)


def test_the_asker_does_not_approve_itself_and_an_agent_approves_nothing(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        answer = await house.ask("POST", "/v1/actions/pay.send", json=PAY)
        own = answer.json()
        refused = await house.approve(own["approval_id"])
        assert (refused.status_code, refused.json()["code"]) == (403, "approval.self")
        by_agent = await house.ask(
            "POST", f"/v1/approvals/{own['approval_id']}/approve", agent, json={"digest": "0" * 64}
        )
        assert (by_agent.status_code, by_agent.json()["code"]) == (403, "access.forbidden")
        assert shop.requests == 0

    told(tmp_path, story)


def test_nobody_decides_in_time_and_nothing_is_done(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        house.clock.advance(61)
        assert (await house.approve(waiting["approval_id"])).status_code == 410  # before any job has looked
        await house.work()
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["problem"]["code"]) == ("expired", "approval.expired")
        assert (await house.approve(waiting["approval_id"])).status_code == 409
        assert shop.requests == 0

    told(tmp_path, story, OSTIARY_APPROVAL_TTL_S="60")


@pytest.mark.parametrize("change", ["contract", "connector", "key", "role"])
def test_a_yes_does_not_survive_a_change_of_what_it_was_about(tmp_path: Path, change: str) -> None:
    """The change comes between the yes and the deed: approve is committed, and the deed is checked anew."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        house.gateway.resumer.beat = _nothing  # type: ignore[method-assign]  # the deed waits
        assert (await house.approve(waiting["approval_id"])).status_code == 200
        if change == "contract":
            await house.agree(CONTRACTS.replace("maximum: 10000", "maximum: 20000"))
        elif change == "connector":
            await house.connect(
                "shop", kind="http", base_url=shop.url + "/other", honours_idempotency_key=True
            )
        elif change == "key":
            (mine,) = [k for k in (await house.good("GET", "/v1/keys"))["keys"] if k["name"] == "helper"]
            await house.good("POST", f"/v1/keys/{mine['key_id']}/revoke", json={})
        else:
            await house.agree(
                CONTRACTS.replace("roles: [support, owner]\n    risk: high", "roles: [owner]\n    risk: high")
            )
        del house.gateway.resumer.beat  # type: ignore[method-assign]
        house.gateway.resumer.wake()
        ended = await house.settled(waiting["call_id"])
        assert ended["state"] == "failed"
        assert ended["code"] in {"approval.stale", "auth.refused"}
        assert shop.requests == 0

    told(tmp_path, story)


async def _nothing(_tenant: str) -> None:
    return None


def test_the_same_key_is_done_once_and_other_content_is_refused(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        many = await asyncio.gather(
            *(
                house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="same")
                for _ in range(8)
            )
        )
        assert shop.done == {"bob": 1}
        assert {answer.status_code for answer in many} <= {200, 409}
        first = await house.good("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="same")
        assert {a.json()["call_id"] for a in many if a.status_code == 200} == {first["call_id"]}
        other = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "eve"}, key="same")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.mismatch")
        second = await house.make_key("another")
        assert (await house.good("POST", "/v1/actions/mail.send", second, json={"to": "eve"}, key="same"))[
            "state"
        ] == "done"
        assert shop.done == {"bob": 1, "eve": 1}

    told(tmp_path, story)


def test_a_lost_answer_is_asked_for_again_where_the_target_honours_the_key(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        shop.vanish = 1
        assert (await house.approve(waiting["approval_id"])).status_code == 200
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["result"]) == ("done", {"paid": 48, "number": 1})
        assert shop.done == {"ada": 1}
        assert shop.requests >= 2

    told(tmp_path, story)


def test_a_lost_answer_is_unknown_where_it_is_not_honoured_and_a_person_settles_it(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        shop.vanish = 1
        lost = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k")
        assert (lost.status_code, lost.json()["code"]) == (409, "call.unknown")
        again = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k")
        assert (again.status_code, again.json()["code"]) == (409, "call.unknown")
        assert shop.done == {"bob": 1}
        (call,) = (await house.good("GET", "/v1/calls", params={"state": "unknown"}))["calls"]
        by_agent = await house.ask(
            "POST", f"/v1/calls/{call['call_id']}/settle", agent, json={"outcome": "done"}
        )
        assert by_agent.status_code == 403
        settled = await house.good(
            "POST", f"/v1/calls/{call['call_id']}/settle", json={"outcome": "done", "note": "I rang."}
        )
        assert settled["state"] == "done"
        assert (await house.good("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="k"))[
            "state"
        ] == "done"
        assert shop.done == {"bob": 1}

    told(tmp_path, story)


def test_a_target_that_refuses_is_a_failure_that_stays_the_answer(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        shop.status = 422
        waiting = await held(house, agent, key="k")
        await house.approve(waiting["approval_id"])
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["code"]) == ("failed", "target.refused")
        again = await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY, key="k")
        assert (again.status_code, again.json()["code"]) == (502, "target.refused")

    told(tmp_path, story)


def test_once_per_session_asks_again_for_another_sink(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        async def write(to: str, text: str) -> int:
            return (
                await house.ask("POST", "/v1/actions/mail.ask", agent, json={"to": to, "text": text})
            ).status_code

        assert await write("bob", "one") == 202
        (card,) = (await house.good("GET", "/v1/approvals"))["approvals"]
        await house.approve(card["id"])
        await house.settled(card["call"])
        assert await write("bob", "two") == 200
        assert await write("eve", "two") == 202
        house.clock.advance(3601)
        assert await write("bob", "three") == 202
        assert shop.done == {"bob": 2}

    told(tmp_path, story)


def test_two_tenants_share_nothing(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, key="k")
        made = await house.good("POST", "/v1/tenants", json={"name": "Other"})
        other = made.get("tenant") or made["tenant_id"]
        await house.good("POST", "/v1/session/switch-tenant", json={"tenant": other})
        for method, path in (
            ("GET", f"/v1/approvals/{waiting['approval_id']}"),
            ("GET", f"/v1/calls/{waiting['call_id']}"),
            ("GET", "/v1/connectors/shop"),
            ("GET", "/v1/contracts/pay.send"),
        ):
            answer = await house.ask(method, path)
            assert (path, answer.status_code) == (path, 404)
        assert (await house.good("GET", "/v1/approvals"))["approvals"] == []
        own = await house.make_key("theirs")
        off = await house.ask("POST", "/v1/actions/pay.send", own, json=PAY, key="k")
        assert (off.status_code, off.json()["code"]) == (404, "contract.unknown")

    told(tmp_path, story)
