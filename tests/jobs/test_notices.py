"""Who may decide is mailed that calls wait: once a minute however many, nobody else, and nothing of what the calls say."""

import asyncio
from email import message_from_string, policy
from pathlib import Path
from typing import Any

from tests.door.test_consent import furnish, held
from tests.house import OWNER, House, opened
from tests.net.test_mail import Box, Refusing, post_office
from tests.shop import running

PAYEE = "Wren Canary"
SUPPORT, VIEWER = "sam.support@pellow.example", "vic.viewer@pellow.example"


def told(tmp_path: Path, story: Any, box: Box) -> None:
    """A house with a mail server, a shop and an agent; an owner and a supporter, who may decide, and a viewer, who may not."""

    async def whole() -> None:
        async with post_office(box) as port:
            smtp = {"OSTIARY_SMTP_URL": f"smtp://127.0.0.1:{port}", "OSTIARY_MAIL_FROM": "gate@example.com"}
            async with opened(tmp_path / "home", **smtp, OSTIARY_APPROVAL_TTL_S="600") as house:
                await house.found()
                await house.enrol()
                for email, role in ((SUPPORT, "support"), (VIEWER, "viewer")):
                    added = {"email": email, "name": role, "role": role}
                    await house.good("POST", "/v1/members", json=added)
                with running() as shop:
                    agent = await furnish(house, shop)
                    box.mails.clear()
                    await story(house, agent)

    asyncio.run(whole())


def notices(box: Box) -> list[str]:
    """To whom, in order."""
    return sorted(
        to for _, recipients, content in box.mails if "wait" in subject(content) for to in recipients
    )


def subject(content: str) -> str:
    return str(message_from_string(content, policy=policy.default)["subject"])


def test_each_approver_gets_one_mail_however_many_calls_wait_and_nobody_else(tmp_path: Path) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        for _ in range(12):
            await held(house, agent, to=PAYEE, amount=4800)
        await house.work()
        assert notices(box) == [OWNER, SUPPORT]
        content = box.mails[0][2]
        assert subject(content) == "12 calls wait for a decision"
        body = message_from_string(content, policy=policy.default).get_content()
        assert "http://localhost:8080/approvals" in body
        assert not any(word in body for word in (PAYEE, "4800", "pay.send", "helper", "Pellow"))

    told(tmp_path, story, box)


def test_the_next_mail_comes_a_minute_later_at_the_earliest(tmp_path: Path) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        await held(house, agent, to=PAYEE, amount=1)
        await house.work()
        assert len(notices(box)) == 2
        for seconds in (1, 20, 20):
            house.clock.advance(seconds)
            await held(house, agent, to=PAYEE, amount=2)
            await house.work()
        assert len(notices(box)) == 2
        house.clock.advance(20)
        await house.work()
        assert len(notices(box)) == 4
        assert subject(box.mails[-1][2]) == "4 calls wait for a decision"
        house.clock.advance(120)
        await house.work()
        assert len(notices(box)) == 4, "nothing new, no mail"

    told(tmp_path, story, box)


def test_what_was_decided_meanwhile_is_not_announced(tmp_path: Path) -> None:
    box = Box()

    async def story(house: House, agent: str) -> None:
        waiting = await held(house, agent, to=PAYEE, amount=1)
        assert (await house.approve(waiting["approval_id"])).status_code == 200
        await house.work()
        assert notices(box) == []

    told(tmp_path, story, box)


def test_a_mail_server_that_refuses_is_asked_again_and_who_was_told_is_not_told_twice(tmp_path: Path) -> None:
    box = Once()

    async def story(house: House, agent: str) -> None:
        await held(house, agent, to=PAYEE, amount=1)
        box.left = 1
        await house.work()
        assert len(notices(box)) == 1
        house.clock.advance(2)
        await house.work()
        assert notices(box) == [OWNER, SUPPORT]

    told(tmp_path, story, box)


class Once(Refusing):
    """Takes `left` mails, refuses the next one, then takes all."""

    left = 1_000

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.left == 0:
            self.left = 1_000
            return "451 later"
        self.left -= 1
        envelope.rcpt_tos.append(address)
        return "250 OK"
