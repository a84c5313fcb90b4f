"""What is done about held calls while nobody asks: those that nobody decided in time are closed, and whoever may decide is told that calls wait.

However many calls an agent holds, a tenant has one job of each at a time: it expires what is over and comes again for the next, and one mail says how many
calls wait. Nobody gets more than one in NOTICE_PAUSE_S. A mail names no one and nothing: it says how many, until when, and where to look.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from ostiary.actions import Action, Call, Trace, Write
from ostiary.clock import Clock, rfc3339
from ostiary.consent.ledger import Ledger
from ostiary.consent.store import ApprovalRow, State
from ostiary.errors import InvalidParameters
from ostiary.ids import TenantId
from ostiary.jobs.queue import Queue
from ostiary.net.mail import Letter
from ostiary.work import Going, Kind, Step, step

EXPIRE_A_STEP = 20
EXPIRE_EVERY_S = 3600
"""Should a question have been asked by a release that made no job of it."""
NOTICE_PAUSE_S = 60

EXPIRE = Kind(
    name="approval.expire",
    title="Close overdue questions",
    description="Closes held calls that nobody decided in time. Nothing of them is done.",
    permission="approval.decide",
    step="approval.expire_step",
    every_s=EXPIRE_EVERY_S,
    startable=False,
)
NOTICE = Kind(
    name="approval.notice",
    title="Tell approvers",
    description="Mails whoever may decide that calls wait for a person: one mail, however many calls.",
    permission="approval.decide",
    step="approval.notice_step",
    startable=False,
)


class Approver(Protocol):
    """Somebody who may decide."""

    @property
    def id(self) -> str: ...
    @property
    def email(self) -> str: ...


Approvers = Callable[[TenantId, str, int], Awaitable[Sequence[Approver]]]
"""`await approvers(tenant, after, limit)`: the next in the order of their ids."""
SendLetter = Callable[[Letter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CardLink:
    """A card that waits until then, and the address that leads one person to it."""

    expires_us: int
    url: str


CardLinks = Callable[[TenantId, str], Awaitable[Sequence[CardLink]]]
"""`await card_links(tenant, person)`: the newest cards that wait."""


async def no_links(_tenant: TenantId, _person: str) -> Sequence[CardLink]:
    return ()


def asked(queue: Queue, *, mailed: bool) -> Callable[[ApprovalRow], Write]:
    """For the ledger: the jobs that go with a question, in the transaction that asks it."""

    def jobs(approval: ApprovalRow) -> Write:
        def rows(connection: Connection) -> None:
            expire = queue.enqueue(approval.tenant, EXPIRE, due_us=approval.expires_us, slot=EXPIRE.name)
            expire(connection)
            if mailed:
                queue.enqueue(approval.tenant, NOTICE, slot=NOTICE.name, pause_s=NOTICE_PAUSE_S)(connection)

        return rows

    return jobs


def steps(
    ledger: Ledger, queue: Queue, clock: Clock, approvers: Approvers, send: SendLetter | None, public_url: str, card_links: CardLinks = no_links
) -> list[Action]:  # fmt: skip
    """The step actions of this room. Without `send` nobody is told."""

    async def expire(call: Call, going: Going) -> Step:
        lapsed = await ledger.lapsed(call.tenant)
        for approval in lapsed[:EXPIRE_A_STEP]:
            await _lapse(ledger, call, approval)
        count = int(going.cursor or 0) + len(lapsed[:EXPIRE_A_STEP])
        if len(lapsed) > EXPIRE_A_STEP:
            return Step(cursor=str(count), count=count, total=count + len(lapsed) - EXPIRE_A_STEP)
        next_us = await ledger.next_expiry(call.tenant)
        if next_us:
            call.write(queue.enqueue(call.tenant, EXPIRE, due_us=next_us, slot=EXPIRE.name))
        return Step(cursor=str(count), done=True, count=count, total=count)

    async def notice(call: Call, going: Going) -> Step:
        told, _, after = going.cursor.partition(" ")
        count, waiting = int(told or 0), await ledger.waiting_until(call.tenant)
        following = await approvers(call.tenant, after, 2) if send and waiting.count else []
        if not following or send is None:
            return Step(cursor=going.cursor, done=True, count=count, total=count)
        with suppress(InvalidParameters):  # an address that is none: the others are told
            cards = await card_links(call.tenant, following[0].id)
            await send(notice_letter(following[0].email, waiting.count, waiting.first_us, public_url, cards))
        done = len(following) == 1
        return Step(cursor=f"{count + 1} {following[0].id}", done=done, count=count + 1, total=count + 1 if done else 0)  # fmt: skip

    return [step(EXPIRE, expire), step(NOTICE, notice)]


async def _lapse(ledger: Ledger, call: Call, approval: ApprovalRow) -> None:
    """Nobody decided: the question closes and the call ends, together."""
    row = await ledger.call_row(approval.tenant, approval.call)
    call.write(ledger.close(approval))
    if row is not None and row.state is State.HELD:
        call.write(ledger.lapse(row))
        call.traces.append(Trace(row.id, row.action, "expired", approval.id, code="approval.expired"))
    call.then(lambda: ledger.decided(approval, "expired"))


def notice_letter(
    email: str, count: int, first_us: int, public_url: str, cards: Sequence[CardLink] = ()
) -> Letter:
    """What an approver is mailed. No link that decides: that takes a person who has signed in and looked."""
    calls = "A call waits" if count == 1 else f"{count} calls wait"
    direct = "".join(f"    {card.url}\n        lapses at {rfc3339(card.expires_us)}\n" for card in cards)
    newest = (
        f"Each card, the newest first; the links are yours alone, and ask you to sign in:\n\n{direct}\n"
        if cards
        else ""
    )
    text = (
        f"{calls} for somebody to say yes or no.\n\n    {public_url}/approvals\n\n{newest}"
        f"{'It lapses' if count == 1 else 'The first lapses'} at {rfc3339(first_us)}; what is not decided by then is not done.\n"
    )
    return Letter(email, f"{calls} for a decision", text)
