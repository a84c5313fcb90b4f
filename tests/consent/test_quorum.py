"""Several people, people of a certain role, and people who are somebody else than who asked."""

from pathlib import Path

from sqlalchemy import update

from ostiary.consent.quorum.store import approval_vote
from tests.consent.kit import held, join, told
from tests.house import House
from tests.shop import Shop


def test_two_people_have_to_agree_and_then_it_runs_once(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.both")
        assert (await house.approve(waiting["approval_id"], ada)).status_code == 200
        card = await house.good("GET", f"/v1/approvals/{waiting['approval_id']}")
        assert (card["state"], card["quorum"], len(card["agreed"])) == ("waiting", 2, 1)
        assert shop.requests == 0
        assert (await house.approve(waiting["approval_id"])).status_code == 200
        assert (await house.settled(waiting["call_id"], agent))["state"] == "done"
        assert shop.done == {"ada": 1}
        found = await house.good("GET", "/v1/audit/events", params={"call": waiting["call_id"]})
        assert [e["decision"] for e in found["events"]] == ["ran", "intended", "approved", "agreed", "held"]

    told(tmp_path, story)


def test_one_person_does_not_count_twice(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, "pay.both")
        assert (await house.approve(waiting["approval_id"])).status_code == 200
        again = await house.approve(waiting["approval_id"])
        assert (again.status_code, again.json()["code"]) == (409, "approval.again")
        assert shop.requests == 0

    told(tmp_path, story)


def test_one_no_is_enough(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.both")
        await house.approve(waiting["approval_id"])
        await house.good(
            "POST", f"/v1/approvals/{waiting['approval_id']}/reject", ada, json={"reason": "No."}
        )
        late = await house.approve(waiting["approval_id"], ada)
        assert late.json()["code"] == "approval.closed"
        assert shop.requests == 0

    told(tmp_path, story)


def test_the_contract_says_which_roles_count(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada, boss = await join(house, "ada", "support"), await join(house, "boss", "admin")
        waiting = await held(house, agent, "pay.admin")
        refused = await house.approve(waiting["approval_id"], ada)
        assert (refused.status_code, refused.json()["code"]) == (403, "access.forbidden")
        assert (await house.approve(waiting["approval_id"], boss)).status_code == 200
        assert (await house.settled(waiting["call_id"], agent))["state"] == "done"

    told(tmp_path, story)


def test_four_eyes_are_not_those_of_who_made_the_key(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.eyes")
        refused = await house.approve(waiting["approval_id"])
        assert (refused.status_code, refused.json()["code"]) == (403, "approval.self")
        assert (await house.approve(waiting["approval_id"], ada)).status_code == 200
        assert (await house.settled(waiting["call_id"], agent))["state"] == "done"

    told(tmp_path, story)


def test_who_left_since_does_not_count_any_more(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.both")
        await house.approve(waiting["approval_id"], ada)
        members = (await house.good("GET", "/v1/members"))["members"]
        person = next(row["person"] for row in members if row["role"] == "support")
        await house.good("DELETE", f"/v1/members/{person}")
        await house.approve(waiting["approval_id"])
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["code"]) == ("failed", "approval.stale")
        assert shop.requests == 0

    told(tmp_path, story)


def test_a_yes_that_was_written_into_the_database_is_none(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.both")
        await house.approve(waiting["approval_id"], ada)
        forged = update(approval_vote).where(approval_vote.c.call == waiting["call_id"]).values(vouched=b"f" * 32)  # fmt: skip
        house.gateway.database.transact(lambda connection: _do(connection, house.tenant, forged))
        await house.approve(waiting["approval_id"])
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["code"]) == ("failed", "approval.stale")
        assert shop.requests == 0

    told(tmp_path, story)


def _do(connection, tenant, statement) -> None:  # type: ignore[no-untyped-def]
    from ostiary.db.scope import within

    with within(connection, tenant):
        assert connection.execute(statement).rowcount == 1


def test_the_policy_can_ask_for_more_people(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        text = "version: 1\nask:\n  - {name: large, contracts: [pay.*], amount_over: 40, quorum: 2, why: Large sums}\n"
        await house.good("PUT", "/v1/policy", json={"text": text})
        small = await held(house, agent, "pay.send", to="ada", amount=40)
        assert (await house.approve(small["approval_id"])).status_code == 200
        assert (await house.settled(small["call_id"], agent))["state"] == "done"
        large = await held(house, agent, "pay.send", to="ada", amount=41)
        card = await house.good("GET", f"/v1/approvals/{large['approval_id']}")
        assert card["quorum"] == 2
        reason = next(row for row in card["reasons"] if row["rule"] == "policy.question")
        assert (reason["name"], reason["detail"]) == ("large", {"amount_over": "40.0", "why": "Large sums"})
        await house.approve(large["approval_id"])
        assert shop.done == {"ada": 1}

    told(tmp_path, story)
