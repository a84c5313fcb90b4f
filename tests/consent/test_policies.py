"""A tenant's policy: checked as a whole, applied in versions, in force at once, and tried on what was decided before."""

from pathlib import Path

import pytest

from ostiary.consent.policies import document
from ostiary.consent.rules import Mode
from ostiary.errors import PolicyInvalid
from tests.consent.kit import PAY, agent_id, held, policy, told
from tests.house import House
from tests.shop import Shop

GOOD = """
version: 1
mode: strict
modes:
  - {mode: default, contracts: [calendar.*]}
ask:
  - {name: large, contracts: [invoice.*], amount_over: 50, quorum: 2, approvers: [finance], why: Large sums}
refuse:
  - {name: never, contracts: [customer.export_all]}
once_per_session_s: 600
"""


def test_a_document_is_read_and_compiled() -> None:
    rules = document.compiled(document.read(GOOD), 3)
    assert (rules.version, rules.mode, rules.once_per_session_s) == (3, Mode.STRICT, 600)
    assert (rules.questions[0].quorum, rules.refusals[0].name) == (2, "never")
    assert document.compiled(document.parsed(document.document_of(document.read(GOOD))), 3) == rules


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version: 2",
        "mode: strict",
        "version: 1\nmode: lax",
        "version: 1\nmode: strict\nmode: default",
        "version: 1\nunknown: 1",
        "version: 1\nask: [{contracts: [a.b]}]",
        "version: 1\nask: [{name: a}, {name: a}]",
        "version: 1\nask: [{name: a, quorum: 0}]",
        "version: 1\nask: [{name: a, amount_over: -1}]",
        "version: 1\nask: [{name: a, amount_over: .inf}]",
        "version: 1\nonce_per_session_s: 3601",
        "version: 1\na: &x [1]\nb: *x",
        "version: 1\nask: !!python/object:os.system {}",
        "{" * 5000,
        "[" * 60000,
        "version: 1\nask: [" + "{name: a}," * 300 + "]",
        "version: 1 # " + "x" * 70000,
        "version: 1\nask: [{name: a, contracts: ['**']}]",
        "version: 1\n? [a, b]\n: c",
        "\x00",
    ],
)
def test_what_is_no_policy_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(PolicyInvalid):
        document.read(text)


def test_it_holds_at_once_and_waiting_calls_lapse(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, "pay.send")
        applied = await policy(house, "version: 1\nrefuse: [{name: stop, contracts: [mail.*]}]")
        assert applied["version"] == 1
        refused = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "ada"})
        assert (refused.status_code, refused.json()["code"]) == (403, "policy.refused")
        await house.approve(waiting["approval_id"])
        ended = await house.settled(waiting["call_id"], agent)
        assert (ended["state"], ended["code"]) == ("failed", "approval.stale")
        assert shop.requests == 0
        shown = await house.good("GET", "/v1/policy")
        assert (shown["version"], shown["policy"]["refuse"][0]["name"]) == (1, "stop")
        late = await house.ask("PUT", "/v1/policy", json={"text": "version: 1", "expected": 0})
        assert late.status_code == 409

    told(tmp_path, story)


def test_a_policy_only_adds_questions(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await policy(house, "version: 1\nask: [{name: letters, contracts: [mail.send]}]")
        asked = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "ada"})
        assert (asked.status_code, asked.json()["rule"]) == (202, "policy.question")
        assert (await house.ask("POST", "/v1/actions/pay.send", agent, json=PAY)).status_code == 202

    told(tmp_path, story)


def test_a_policy_that_refuses_everything_locks_nobody_out(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, "pay.send")
        await policy(house, "version: 1\nrefuse: [{name: all, contracts: ['*']}]\nask: [{name: each}]")
        assert (
            await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "ada"})
        ).status_code == 403
        seen = await house.good("GET", f"/v1/calls/{waiting['call_id']}", agent)
        assert seen["state"] == "held"
        await house.work()
        jobs = (await house.good("GET", "/v1/jobs"))["jobs"]
        assert [job["state"] for job in jobs if job["state"] == "failed"] == []
        assert (await policy(house, "version: 1"))["version"] == 2

    told(tmp_path, story)


def test_a_rule_may_be_for_one_agent(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        one = await agent_id(house)
        other = await house.make_key("other")
        await policy(house, f"version: 1\nrefuse: [{{name: stop, agents: ['{one}'], contracts: ['*']}}]")
        refused = await house.ask("POST", "/v1/actions/mail.send", agent, json={"to": "ada"})
        assert refused.json()["code"] == "policy.refused"
        assert (await house.ask("POST", "/v1/actions/mail.send", other, json={"to": "ada"})).status_code < 300

    told(tmp_path, story)


def test_once_per_session_can_be_switched_off(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        letter = {"to": "ada", "text": "Hello"}
        first = await held(house, agent, "mail.ask", **letter)
        await house.approve(first["approval_id"])
        await house.settled(first["call_id"], agent)
        assert (await house.ask("POST", "/v1/actions/mail.ask", agent, json=letter)).status_code == 200
        await policy(house, "version: 1\nonce_per_session_s: 0")
        assert (await house.ask("POST", "/v1/actions/mail.ask", agent, json=letter)).status_code == 202

    told(tmp_path, story)


def test_only_people_with_the_right_and_a_second_factor_apply(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        refused = await house.ask("PUT", "/v1/policy", agent, json={"text": "version: 1"})
        assert refused.status_code == 403
        house.clock.advance(601)
        stale = await house.ask("PUT", "/v1/policy", json={"text": "version: 1"})
        assert (stale.status_code, stale.json()["code"]) == (403, "auth.step_up_required")
        checked = await house.good("POST", "/v1/policy/check", json={"text": GOOD})
        assert (checked["ok"], checked["never_met"]) == (
            True,
            ["calendar.*", "customer.export_all", "invoice.*"],
        )
        wrong = await house.good("POST", "/v1/policy/check", json={"text": "version: 1\nmode: lax"})
        assert (wrong["ok"], wrong["mistakes"][0]["pointer"]) == (False, "/mode")

    told(tmp_path, story)


def test_a_replay_shows_who_would_have_had_to_say_yes(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        waiting = await held(house, agent, "pay.send")
        await house.good("POST", f"/v1/approvals/{waiting['approval_id']}/reject", json={"reason": ""})
        one = {"people": 1, "approvers": [], "four_eyes": False}
        for rule, needs in (
            ("quorum: 2", {"people": 2, "approvers": [], "four_eyes": False}),
            ("four_eyes: true", {"people": 1, "approvers": [], "four_eyes": True}),
            ("approvers: [owner]", {"people": 1, "approvers": [["owner"]], "four_eyes": False}),
        ):
            text = f"version: 1\nask: [{{name: more, contracts: [pay.*], {rule}}}]"
            (flip,) = (await house.good("POST", "/v1/policy/replay", json={"text": text}))["flips"]
            assert (flip["before"], flip["after"]) == ("ask", "ask")
            assert (flip["before_needs"], flip["after_needs"]) == (one, needs)
        text = "version: 1\nask: [{name: same, contracts: [pay.*]}]"
        assert (await house.good("POST", "/v1/policy/replay", json={"text": text}))["flips"] == []
        applied = "version: 1\nask: [{name: more, contracts: [pay.*], quorum: 2}]"
        await policy(house, applied)
        again = await held(house, agent, "pay.send")
        await house.good("POST", f"/v1/approvals/{again['approval_id']}/reject", json={"reason": ""})
        flips = (await house.good("POST", "/v1/policy/replay", json={"text": text}))["flips"]
        assert [flip["before_needs"]["people"] for flip in flips] == [2]
        assert [flip["after_needs"]["people"] for flip in flips] == [1]

    told(tmp_path, story)


def test_a_replay_shows_what_would_have_gone_otherwise_and_the_same_each_time(tmp_path: Path) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        await house.good("POST", "/v1/actions/mail.send", agent, json={"to": "ada"})
        await house.good("POST", "/v1/actions/mail.send", agent, json={"to": "bob"})
        waiting = await held(house, agent, "pay.send")
        await house.good("POST", f"/v1/approvals/{waiting['approval_id']}/reject", json={"reason": ""})
        until = {"until_us": house.clock.now_us()}
        same = await house.good("POST", "/v1/policy/replay", json=until)
        assert (same["decided"], same["flips"]) == (3, [])
        text = "version: 1\nask: [{name: letters, contracts: [mail.send]}]\nrefuse: [{name: none, contracts: [pay.*]}]"
        first = await house.good("POST", "/v1/policy/replay", json={"text": text, **until})
        flips = [
            (flip["action"], flip["before"], flip["after"], flip["after_rule"]) for flip in first["flips"]
        ]
        assert flips == [
            ("pay.send", "ask", "refuse", "policy.refused"),
            ("mail.send", "run", "ask", "policy.question"),
            ("mail.send", "run", "ask", "policy.question"),
        ]
        assert await house.good("POST", "/v1/policy/replay", json={"text": text, **until}) == first
        pages, cursor = [], 0
        while True:
            page = await house.good("POST", "/v1/policy/replay", json={"text": text, "limit": 2, "cursor": cursor, **until})  # fmt: skip
            pages += page["flips"]
            cursor = page["next"]
            if not cursor:
                break
        assert pages == first["flips"]

    told(tmp_path, story)
