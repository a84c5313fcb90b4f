"""Who is mailed that calls wait, and where the link in a mail leads: to the card, for whom it was mailed to, and it decides nothing."""

import re
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import pytest

from ostiary.errors import LinkRefused
from ostiary.webhooks.mailing import links
from ostiary.webhooks.mailing.links import Link
from tests.door.test_consent import held
from tests.hostile.test_attack_tenant import other_tenant
from tests.house import OWNER, House
from tests.jobs.test_notices import SUPPORT, notices, told
from tests.net.test_mail import Box
from tests.web.test_real_pages import FORM, signed_in

PAYEE = "Wren Canary"


def bodies(box: Box, to: str) -> list[str]:
    """The notices that somebody got."""
    found = []
    for _, recipients, content in box.mails:
        message = message_from_string(content, policy=policy.default)
        if to in recipients and "decision" in str(message["subject"]):
            found.append(message.get_content())
    return found


def link_in(body: str) -> str:
    found = re.search(r"http://localhost:8080(/approvals/open\?link=[!-~]+)", body)
    assert found
    return found[1]


async def browser_of(house: House, token: str) -> Any:
    browser = await signed_in(house)
    browser.cookies.set("ostiary", token)
    return browser


def test_each_approver_gets_a_link_of_their_own_that_leads_to_the_card_and_decides_nothing(
    tmp_path: Path,
) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        waiting = await held(house, agent, to=PAYEE, amount=4800)
        await house.work()
        (own,), (others,) = bodies(box, OWNER), bodies(box, SUPPORT)
        assert not any(word in own for word in (PAYEE, "4800", "pay.send"))
        assert link_in(own) != link_in(others)
        async with await browser_of(house, house.owner) as browser:
            there = await browser.get(link_in(own))
            assert (there.status_code, there.headers["location"]) == (
                303,
                f"/approvals/{waiting['approval_id']}",
            )
            stolen = await browser.get(link_in(others))
            assert stolen.status_code == 403
            assert "mailed to somebody else" in stolen.text
        card = await house.good("GET", f"/v1/approvals/{waiting['approval_id']}")
        assert card["state"] == "waiting"

    told(tmp_path, story, box)


def test_who_is_not_signed_in_signs_in_first_and_comes_back(tmp_path: Path) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        await held(house, agent, to=PAYEE, amount=1)
        await house.work()
        link = link_in(bodies(box, OWNER)[0])
        async with await browser_of(house, "nobody") as browser:
            asked = await browser.get(link)
            assert asked.status_code == 303
            assert asked.headers["location"].startswith("/sign-in?next=%2Fapprovals%2Fopen%3Flink%3Dv1.")
            page = await browser.get(asked.headers["location"])
            assert f'value="{link}"' in page.text.replace("&amp;", "&")

    told(tmp_path, story, box)


def test_a_card_of_another_tenant_asks_to_switch_first(tmp_path: Path) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        await held(house, agent, to=PAYEE, amount=1)
        await house.work()
        tenant = house.tenant
        await other_tenant(house)
        async with await browser_of(house, house.owner) as browser:
            page = await browser.get(link_in(bodies(box, OWNER)[0]))
            assert page.status_code == 200
            assert "Switch to Pellow &amp; Finch" in page.text
            assert f'value="{tenant}"' in page.text

    told(tmp_path, story, box)


def test_a_link_that_was_changed_is_cut_short_or_is_over_leads_nowhere(tmp_path: Path) -> None:
    async def story(house: House, agent: str) -> None:
        vault, now_us = house.gateway.vault, house.clock.now_us()
        mine, others = "per_" + "a" * 32, "per_" + "b" * 32
        link = Link(house.tenant, mine, "apr_" + "c" * 32, now_us + 60_000_000)  # type: ignore[arg-type]
        good = links.token(vault, link)
        assert links.read(vault, good, person=mine, now_us=now_us).approval == "apr_" + "c" * 32
        changed = [good[:at] + chr(ord(good[at]) ^ 1) + good[at + 1 :] for at in range(len(good))]
        swapped = good.replace("a" * 32, "b" * 32)
        for text in (*changed, good[:-1], good + "A", "", "v1", good * 2, swapped):
            with pytest.raises(LinkRefused):
                links.read(vault, text, person=others if text == swapped else mine, now_us=now_us)
        with pytest.raises(LinkRefused):
            links.read(vault, good, person=mine, now_us=now_us + 60_000_001)
        answered = await house.ask("POST", "/v1/approval-mailing/follow", json={"token": good})
        assert (answered.status_code, answered.json()["code"]) == (403, "approval.link_refused")

    told(tmp_path, story, Box())


def test_a_tenant_says_which_roles_are_mailed_or_that_nobody_is(tmp_path: Path) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        await house.good("PUT", "/v1/approval-mailing", json={"mail": True, "roles": ["support", "viewer"]})
        await held(house, agent, to=PAYEE, amount=1)
        await house.work()
        assert notices(box) == [SUPPORT], "a viewer may not decide, whatever is said"
        await house.good("PUT", "/v1/approval-mailing", json={"mail": False})
        house.clock.advance(61)
        await held(house, agent, to=PAYEE, amount=2)
        await house.work()
        assert notices(box) == [SUPPORT]
        late = await house.ask("PUT", "/v1/approval-mailing", json={"mail": True, "version": 1})
        assert late.json()["code"] == "conflict"
        shown = await house.good("GET", "/v1/approval-mailing")
        assert (shown["version"], shown["mail"], shown["roles"]) == (2, False, [])

    told(tmp_path, story, box)


def test_a_form_of_the_console_says_it_too(tmp_path: Path) -> None:
    async def story(house: House, _agent: str) -> None:
        async with await browser_of(house, house.owner) as browser:
            saved = await browser.post(
                "/webhooks/mailing", data={"whom": "roles", "roles": "support"}, headers=FORM
            )
            assert saved.headers["location"] == "/webhooks?note=mailing-saved"
        assert (await house.good("GET", "/v1/approval-mailing"))["roles"] == ["support"]

    told(tmp_path, story, Box())
