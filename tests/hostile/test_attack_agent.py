"""A prompt-injected agent with a valid support key: it is polite, it knows the API by heart, and it wants money to move without a person seeing it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostiary.consent import ledger
from ostiary.web import words
from tests.door.test_consent import PAY, held, told
from tests.house import House
from tests.shop import CONTRACTS, Shop

LISTS = """
version: 1
actions:
  - name: mail.all
    title: Write to many
    description: Sends a letter to each.
    parameters: {properties: {to: {type: array, items: {type: string, maxLength: 40}, maxItems: 400}}, required: [to]}
    roles: [support, owner]
    risk: high
    confirmation: always
    sentence: Write to {to}
    target: {connector: letters, http: {method: POST, path: /mail, body: {to: '{to}'}}}
"""


def read(sentence: str, parameters: list[dict[str, Any]]) -> str:
    """What a person reads on the card."""
    return "".join(piece.text for piece in words.pieces(sentence, parameters))


def test_the_card_names_every_recipient_and_not_only_the_last(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(LISTS)
        answer = await house.ask("POST", "/v1/actions/mail.all", agent, json={"to": ["mallory", "ada"]})
        card = await house.good("GET", f"/v1/approvals/{answer.json()['approval_id']}")
        assert read(card["sentence"], card["parameters"]) == "Write to mallory, ada"

    told(tmp_path, story)


def test_more_values_than_a_card_shows_are_said_to_be_more(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.agree(LISTS)
        many = [f"friend{number}" for number in range(300)] + ["mallory"]
        answer = await house.ask("POST", "/v1/actions/mail.all", agent, json={"to": many})
        card = await house.good("GET", f"/v1/approvals/{answer.json()['approval_id']}")
        assert card["parameters"][-1]["value"] == "and 101 more values, in the exact request"

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ada\u202etsil", "ada\u27e8U+202E\u27e9tsil"),
        ("pay\u200bpal", "pay\u27e8U+200B\u27e9pal"),
        (["a, b"], '"a, b"'),
        (["a", "b"], "a, b"),
        ("{amount}", "{amount}"),
        ("", '""'),
        ({"to": "eve"}, '{"to":"eve"}'),
    ],
)
def test_a_value_is_shown_as_what_it_is(value: Any, shown: str) -> None:
    row = {"name": "to", "value": value, "origin": "unexplained"}
    assert words.plain(value) == shown
    assert read("Pay {to}", [row]) == f"Pay {shown}"


@pytest.mark.parametrize(
    ("text", "mixed"),
    [("p\u0430ypal", True), ("paypal", False), ("M\u00fcller", False), ("\u0418\u0432\u0430\u043d", False)],
)
def test_letters_of_two_alphabets_in_one_word_are_pointed_out(text: str, mixed: bool) -> None:
    assert words.mixes_alphabets(text) is mixed
    assert words.mixes_alphabets(["x", text]) is mixed


def test_a_value_that_looks_like_a_place_fills_no_place(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, to="{amount}", amount=1)
        card = await house.good("GET", f"/v1/approvals/{waiting['approval_id']}")
        assert read(card["sentence"], card["parameters"]) == "Pay 1 to {amount}"
        assert (await house.approve(card["id"])).status_code == 200
        await house.settled(waiting["call_id"])
        assert shop.done == {"{amount}": 1}

    told(tmp_path, story)


def test_an_agent_does_not_bury_a_person_under_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "WAITING_PER_ACTOR_MAX", 20)

    async def story(house: House, shop: Shop, agent: str) -> None:
        statuses: list[int] = []
        for _ in range(3):
            some = (house.ask("POST", "/v1/actions/pay.send", agent, json=PAY) for _ in range(10))
            statuses += [answer.status_code for answer in await asyncio.gather(*some)]
        assert statuses.count(202) == 20
        late = await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY)
        assert (late.status_code, late.json()["code"]) == (429, "limit.rate")
        other = await house.make_key("another")
        assert (await held(house, other))["state"] == "held"

    told(tmp_path, story)


def test_an_agent_that_waits_everywhere_leaves_room_for_others(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        asks = [
            asyncio.create_task(
                house.ask("GET", f"/v1/calls/{waiting['call_id']}", agent, params={"wait_s": "20"})
            )
            for _ in range(16)
        ]
        await asyncio.sleep(0.3)
        assert (await house.ask("GET", "/v1/me")).status_code == 200
        await house.good("POST", f"/v1/approvals/{waiting['approval_id']}/reject", json={"reason": "no"})
        statuses = {(await ask).status_code for ask in asks}
        assert statuses == {200, 429}

    told(tmp_path, story, OSTIARY_CALLS_AT_ONCE_MAX="16")


def test_two_people_who_decide_at_once_decide_once(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        for _ in range(5):
            waiting = await held(house, agent)
            where = f"/v1/approvals/{waiting['approval_id']}"
            digest = {"digest": (await house.good("GET", where))["digest"]}
            answers = await asyncio.gather(
                *(house.ask("POST", f"{where}/approve", json=digest) for _ in range(4)),
                *(house.ask("POST", f"{where}/reject", json={"reason": "no"}) for _ in range(4)),
            )
            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
            ended = await house.settled(waiting["call_id"])
            said_yes = any(answer.status_code == 200 for answer in answers[:4])
            assert ended["state"] == ("done" if said_yes else "rejected")
        assert sum(shop.done.values()) == shop.requests

    told(tmp_path, story)


def test_the_digest_of_another_card_approves_nothing(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        small, large = (
            await held(house, agent, to="ada", amount=1),
            await held(house, agent, to="eve", amount=9999),
        )
        digest = (await house.good("GET", f"/v1/approvals/{small['approval_id']}"))["digest"]
        swapped = await house.ask(
            "POST", f"/v1/approvals/{large['approval_id']}/approve", json={"digest": digest}
        )
        assert (swapped.status_code, swapped.json()["code"]) == (409, "approval.stale")
        assert shop.requests == 0

    told(tmp_path, story)


def test_an_approved_call_is_not_asked_for_again_with_other_content(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, key="k")
        swapped = await house.ask(
            "POST", "/v1/actions/pay.send", agent, json={"to": "eve", "amount": 48}, key="k"
        )
        assert (swapped.status_code, swapped.json()["code"]) == (422, "idempotency.mismatch")
        assert (await house.approve(waiting["approval_id"])).status_code == 200
        await house.settled(waiting["call_id"])
        for other in ({"to": "ada", "amount": 49}, {"to": "ada ", "amount": 48}, {"to": "Ada", "amount": 48}):
            assert (await house.ask("POST", "/v1/actions/pay.send", agent, json=other)).status_code == 202
        assert shop.done == {"ada": 1}

    told(tmp_path, story)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"to":"ada","amount":1,"amount":9999}',
        b'{"to":"ada","amount":48,"Amount":9999}',
        b'{"to":"ada","amount":"48"}',
        b'{"to":"ada","amount":48.0000001}',
        b'{"to":"ada","amount":1e400}',
        b'{"to":{"$ref":"#"},"amount":48}',
    ],
)
def test_what_is_shown_and_what_is_sent_cannot_be_two_things(tmp_path: Path, raw: bytes) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        answer = await house.ask(
            "POST", "/v1/actions/pay.send", agent, content=raw, headers={"content-type": "application/json"}
        )
        if answer.status_code == 202:
            card = await house.good("GET", f"/v1/approvals/{answer.json()['approval_id']}")
            shown = {part["name"]: part["value"] for part in card["parameters"]}
            assert card["request"]["body"] == shown
            assert (await house.approve(card["id"])).status_code == 200
            await house.settled(card["call"])
            (paid,) = shop.answers.values()
            assert paid["paid"] == shown["amount"]
        else:
            assert answer.status_code in (400, 422)
            assert shop.requests == 0

    told(tmp_path, story)


def test_an_agent_cannot_call_what_is_for_people_by_any_name(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        digest = (await house.good("GET", f"/v1/approvals/{waiting['approval_id']}"))["digest"]
        yes = {"approval_id": waiting["approval_id"], "digest": digest}
        for name in (
            "approval.approve",
            "approval%2Eapprove",
            "approval.approve/",
            "approval.approve%00",
            "Approval.Approve",
        ):
            answer = await house.ask("POST", f"/v1/actions/{name}", agent, json=yes)
            assert answer.status_code in (403, 404), name
        assert shop.requests == 0

    told(tmp_path, story)


def test_a_held_letter_is_not_sent_by_the_memory_of_another_session(tmp_path: Path) -> None:
    """once_per_session: a yes to one key is none for another, whatever is asked."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        asked = {"to": "bob", "text": "one"}
        first = (await house.ask("POST", "/v1/actions/mail.ask", agent, json=asked)).json()
        await house.approve(first["approval_id"])
        await house.settled(first["call_id"])
        second = await house.make_key("second")
        assert (await house.ask("POST", "/v1/actions/mail.ask", second, json=asked)).status_code == 202

    told(tmp_path, story)


def test_settings_that_the_agent_saw_changed_are_checked_when_it_runs(tmp_path: Path) -> None:
    """The masking policy is no part of what is done; the contract, the connector and the rights are."""

    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent)
        await house.agree(CONTRACTS.replace("Pay {amount} to {to}", "Thank {to}"))
        late = await house.approve(waiting["approval_id"])
        ended = await house.settled(waiting["call_id"])
        assert late.status_code in (200, 409)
        assert (ended["state"], ended["code"]) == ("failed", "approval.stale")
        assert shop.requests == 0

    told(tmp_path, story)
