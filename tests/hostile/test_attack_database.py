"""Somebody who can write to the database and has none of the keys: what a person did not say through the door, no row says for them."""

from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from ostiary.consent.store import APPROVAL, CALL
from tests import servers
from tests.door.test_consent import PAY, held, told
from tests.house import House
from tests.shop import Shop

BEGAN_ELSEWHERE = {"state": "running", "boot": "bot_elsewhere", "attempt": 1}


def write(house: House, *statements: Any) -> None:
    def rows(connection: Any) -> None:
        for statement in statements:
            connection.execute(statement)

    servers.tamper(house.gateway.database, rows)


async def ended(house: House, call: str) -> dict[str, Any]:
    house.gateway.resumer.wake()
    return dict(await house.settled(call))


def test_a_yes_that_is_written_by_hand_is_none(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        (person,) = [member["person"] for member in (await house.good("GET", "/v1/members"))["members"]]
        decided = {
            "state": "approved",
            "decided_by": person,
            "decided_us": house.clock.now_us(),
            "vouched": b"x" * 32,
        }
        write(
            house,
            update(APPROVAL).where(APPROVAL.c.id == waiting["approval_id"]).values(**decided),
            update(CALL).where(CALL.c.id == waiting["call_id"]).values(state="approved"),
        )
        call = await ended(house, waiting["call_id"])
        assert (call["state"], call["code"]) == ("failed", "approval.stale")
        assert shop.requests == 0

    told(tmp_path, story)


def test_a_yes_to_one_call_is_not_copied_to_another(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        small, large = (
            await held(house, agent, to="ada", amount=1),
            await held(house, agent, to="eve", amount=9999),
        )
        await house.approve(small["approval_id"])
        assert (await ended(house, small["call_id"]))["state"] == "done"
        with servers.intruder(house.gateway.database) as connection:
            said = connection.execute(select(APPROVAL).where(APPROVAL.c.id == small["approval_id"])).one()
        copied = {
            name: getattr(said, name)
            for name in ("state", "decided_by", "decided_us", "vouched", "binding", "nonce", "expires_us")
        }
        write(
            house,
            update(APPROVAL).where(APPROVAL.c.id == large["approval_id"]).values(**copied),
            update(CALL).where(CALL.c.id == large["call_id"]).values(state="approved"),
        )
        assert (await ended(house, large["call_id"]))["state"] == "failed"
        assert shop.done == {"ada": 1}

    told(tmp_path, story)


def test_a_held_call_whose_question_is_deleted_does_not_run(tmp_path: Path) -> None:
    """A row that is running under a process that is no more is sent again where the target honours the key: a held one must not pass as that."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        write(
            house,
            delete(APPROVAL).where(APPROVAL.c.id == waiting["approval_id"]),
            update(CALL).where(CALL.c.id == waiting["call_id"]).values(**BEGAN_ELSEWHERE),
        )
        assert (await ended(house, waiting["call_id"]))["state"] == "unknown"
        assert shop.requests == 0

    told(tmp_path, story)


def test_a_no_that_is_turned_into_a_yes_is_not_remembered(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        body = {"to": "bob", "text": "one"}
        asked = (await house.ask("POST", "/v1/actions/mail.ask", agent, json=body)).json()
        await house.good("POST", f"/v1/approvals/{asked['approval_id']}/reject", json={"reason": "no"})
        write(house, update(APPROVAL).where(APPROVAL.c.id == asked["approval_id"]).values(state="approved"))
        assert (await house.ask("POST", "/v1/actions/mail.ask", agent, json=body)).status_code == 202
        assert shop.requests == 0

    told(tmp_path, story)


def test_the_asker_is_not_renamed_so_that_they_may_say_yes(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        own = (await house.ask("POST", "/v1/actions/pay.send", json=PAY)).json()
        write(
            house,
            update(APPROVAL)
            .where(APPROVAL.c.id == own["approval_id"])
            .values(actor_id="somebody", self_approval=True),
        )
        assert (await house.approve(own["approval_id"])).status_code == 200
        assert (await ended(house, own["call_id"]))["state"] == "failed"
        assert shop.requests == 0

    told(tmp_path, story)


def test_done_is_not_turned_back_into_approved_to_do_it_again(tmp_path: Path) -> None:
    """The target does a repeated key once: the effect is the target's promise, the second try is seen in the log."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        await house.approve(waiting["approval_id"])
        await ended(house, waiting["call_id"])
        write(house, update(CALL).where(CALL.c.id == waiting["call_id"]).values(state="approved"))
        await ended(house, waiting["call_id"])
        assert shop.done == {"ada": 1}

    told(tmp_path, story)


def test_an_answer_moved_to_another_call_does_not_open(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        mine = await house.good("POST", "/v1/actions/mail.send", agent, json={"to": "bob"}, key="a")
        other = await house.make_key("another")
        theirs = await house.good("POST", "/v1/actions/mail.send", other, json={"to": "eve"}, key="b")
        with servers.intruder(house.gateway.database) as connection:
            kept = select(CALL.c.answer).where(CALL.c.id == theirs["call_id"])
            answer = connection.execute(kept).scalar_one()
        write(house, update(CALL).where(CALL.c.id == mine["call_id"]).values(answer=answer))
        shown = await house.ask("GET", f"/v1/calls/{mine['call_id']}", agent)
        assert shown.status_code == 500
        assert "sent" not in shown.text

    told(tmp_path, story)
