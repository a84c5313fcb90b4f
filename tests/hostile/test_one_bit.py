"""Between the review and the deed one bit changes: of the arguments, the contract, the policy, the question, the card, or who said yes. Nothing runs.

The check that stands before every held call (`Resumer._checked`) is asked with what was approved but for one bit. `make soak` asks 10,000 times.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from ostiary.actions import Action, Actor, JsonValue
from ostiary.consent.policies import document
from ostiary.consent.quorum.store import VoteRow
from ostiary.consent.store import ApprovalRow, CallRow
from ostiary.contracts.book import action_of
from ostiary.contracts.contract import canonical
from ostiary.contracts.file import check_text
from ostiary.door.resume import _call
from ostiary.errors import OstiaryError, PolicyInvalid
from ostiary.ids import CallId
from tests.consent.kit import PAY, held, join, policy, told
from tests.house import House
from tests.shop import Shop

POLICY = "version: 1\nask: [{name: all, contracts: [pay.both], why: Always, amount_over: 10, quorum: 2}]"


class Approved:
    """A call that two people agreed to and that nobody has begun; `passes` asks whether it would run, with what differs."""

    def __init__(self, house: House, call: str) -> None:
        self.house, self.gateway = house, house.gateway
        self.call = CallId(call)

    async def look(self) -> None:
        ledger, tenant = self.gateway.ledger, self.house.tenant
        self.row: CallRow = await ledger.call_row(tenant, self.call)  # type: ignore[arg-type,assignment]
        self.approval: ApprovalRow = await ledger.approval_of(tenant, self.call)  # type: ignore[arg-type,assignment]
        self.votes: list[VoteRow] = (await ledger.votes(tenant, [self.call]))[self.call]  # type: ignore[arg-type]
        self.params: JsonValue = ledger.params_of(self.row)
        self.action: Action = await self.gateway.book.get(tenant, "pay.both")  # type: ignore[arg-type,assignment]
        self.contract = await self.gateway.book.contract(tenant, "pay.both")  # type: ignore[arg-type]
        self.actor: Actor = await self.gateway.consents.approving._who_now(ledger.actor_of(self.row))  # type: ignore[assignment]
        self.rules = await self.gateway.consents.policies.ready(tenant)  # type: ignore[arg-type]

    async def passes(self, **other: Any) -> bool:
        """Whether the check lets it run; `other` replaces what the check would find."""
        ledger, resumer = self.gateway.ledger, self.gateway.resumer
        approval, votes, rules = other.get("approval", self.approval), other.get("votes", self.votes), other.get("rules", self.rules)  # fmt: skip
        row, action, actor = other.get("row", self.row), other.get("action", self.action), other.get("actor", self.actor)  # fmt: skip

        async def approval_of(_tenant: object, _call: object) -> ApprovalRow:
            return approval

        async def votes_of(_tenant: object, calls: list[CallId]) -> dict[CallId, list[VoteRow]]:
            return dict.fromkeys(calls, votes)

        async def ready(_tenant: object) -> Any:
            return rules

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ledger, "approval_of", approval_of)
            patch.setattr(ledger, "votes", votes_of)
            patch.setattr(self.gateway.consents.policies, "ready", ready)
            call = _call(row, actor, action, session=ledger.agent_session_of(row))
            try:
                await resumer._checked(row, call, actor, action, other.get("params", self.params))
            except OstiaryError:
                return False
        return True


def flipped(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) * 8)
    return raw[: at // 8] + bytes([raw[at // 8] ^ (1 << at % 8)]) + raw[at // 8 + 1 :]


def other_value(value: Any, chance: random.Random) -> Any:
    """The value with one bit changed, of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(40))
    if isinstance(value, bytes):
        return flipped(value, chance)
    if isinstance(value, str):
        return flipped(value.encode() or b"\0", chance).decode("latin-1")
    return 1 if value is None else None


async def argument(found: Approved, chance: random.Random) -> bool:
    raw = flipped(canonical(found.params), chance)
    try:
        params = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False  # what cannot be read does not run
    return params != found.params and await found.passes(params=params)


async def sealed_call(found: Approved, chance: random.Random) -> bool:
    name = chance.choice(["params", "actor"])
    row = replace(found.row, **{name: flipped(getattr(found.row, name), chance)})  # type: ignore[arg-type]
    try:
        params = found.gateway.ledger.params_of(row)
        return await found.passes(row=row, params=params)
    except OstiaryError:
        return False


async def contract(found: Approved, chance: random.Random) -> bool:
    assert found.contract is not None
    text = flipped(canonical({"version": 1, "actions": [found.contract.document()]}), chance)
    report = check_text(text.decode("latin-1"), "one.json", lambda _kind, _spec: [])
    if not report.ok or not report.contracts or report.contracts[0] == found.contract:
        return False
    bound = found.gateway.connectors.bind(found.house.tenant, "shop", found.contract.spec)  # type: ignore[arg-type]
    return await found.passes(action=action_of(report.contracts[0], bound))


async def contract_hash(found: Approved, chance: random.Random) -> bool:
    return await found.passes(action=replace(found.action, hash=other_value(found.action.hash, chance)))


async def rules(found: Approved, chance: random.Random) -> bool:
    text = flipped(canonical(document.document_of(document.read(POLICY))), chance).decode("latin-1")
    try:
        made = document.compiled(document.read(text), found.rules.version)
    except PolicyInvalid:
        return False
    return made != found.rules and await found.passes(rules=made)


async def question(found: Approved, chance: random.Random) -> bool:
    """Any column of the approval but the reason of a no, which a yes has not."""
    names = [name for name in ApprovalRow.__slots__ if name not in ("reason", "tenant")]
    name = chance.choice(names)
    try:
        changed = replace(found.approval, **{name: other_value(getattr(found.approval, name), chance)})
        return await found.passes(approval=changed)
    except OstiaryError:
        return False


async def approver(found: Approved, chance: random.Random) -> bool:
    at, name = chance.randrange(len(found.votes)), chance.choice(["approval", "person", "at_us", "vouched"])
    votes = list(found.votes)
    votes[at] = replace(votes[at], **{name: other_value(getattr(votes[at], name), chance)})
    return await found.passes(votes=votes)


async def fewer(found: Approved, chance: random.Random) -> bool:
    """One of the two said nothing, or the same one twice."""
    one = chance.choice(found.votes)
    return await found.passes(votes=chance.choice([[one], [one, one], [one, replace(one, ordinal=2)]]))


async def asker(found: Approved, chance: random.Random) -> bool:
    name = chance.choice(["id", "subject", "acts_for"])
    return await found.passes(actor=replace(found.actor, **{name: other_value(getattr(found.actor, name), chance)}))  # type: ignore[arg-type]  # fmt: skip


Change = Callable[[Approved, random.Random], Awaitable[bool]]
CHANGES: tuple[Change, ...] = (
    argument,
    sealed_call,
    contract,
    contract_hash,
    rules,
    question,
    approver,
    fewer,
    asker,
)


@pytest.mark.parametrize("count", [270, pytest.param(10_000, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])])  # fmt: skip
def test_one_bit_between_the_review_and_the_deed_and_nothing_runs(tmp_path: Path, count: int) -> None:
    async def story(house: House, shop: Shop, agent: str) -> None:
        house.gateway.resumer._is_ours = lambda _row: False  # type: ignore[method-assign]
        await policy(house, POLICY)
        ada = await join(house, "ada", "support")
        waiting = await held(house, agent, "pay.both", **PAY)
        for token in (ada, house.owner):
            assert (await house.approve(waiting["approval_id"], token)).status_code == 200
        found = Approved(house, waiting["call_id"])
        await found.look()
        assert await found.passes()  # unchanged it runs
        chance = random.Random(20_26)
        ran: list[str] = []
        for number in range(count):
            change = CHANGES[number % len(CHANGES)]
            if await change(found, chance):
                ran.append(change.__name__)
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert ran == []
        assert await found.passes()
        assert shop.requests == 0

    told(tmp_path, story)
