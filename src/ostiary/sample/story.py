"""The story: an obedient agent, a poisoned ticket, a person, and a back-end that really pays. Each scene checks what it shows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ostiary.audit.export import export_lines, write_export
from ostiary.audit.verify import Report, verify_export
from ostiary.sample.agent import Agent, Told, obeyed
from ostiary.sample.company import (
    ATTACKER_IBAN,
    ATTACKER_POINT,
    DAMAGED_AMOUNT,
    DAMAGED_INVOICE,
    DAMAGED_TICKET,
    PICKUP_POINT,
    POISONED_TICKET,
    REROUTED_TICKET,
    make,
)
from ostiary.sample.person import Person, holds
from ostiary.sample.stage import Stage
from ostiary.sample.store import Books

REFUND_KEY = "refund-of-ticket-T-4001"
INTENT = f"Send a replacement where one is due, to pick-up point {PICKUP_POINT}."
STRICT = "version: 1\nmode: strict\n"
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays. `books` is what the back-end really did; `folder` takes the exported log."""

    stage: Stage
    agent: Agent
    owner: Person
    books: Books
    folder: Path


async def play(cast: Cast) -> str:
    """The whole story; the id of the agent's session. Raises StoryBroke with a sentence if a step does not hold."""
    await connects(cast)
    await reads(cast)
    await oversteps(cast)
    await is_talked_into_a_payment(cast)
    refund = await asks_for_a_refund(cast)
    await asks_again(cast, refund)
    session = await works_for_a_person(cast)
    await would_ask_more(cast)
    await is_verified(cast)
    return session


async def connects(cast: Cast) -> None:
    stage = cast.stage
    stage.scene("An agent connects with an ordinary MCP client")
    tools = await cast.agent.tools()
    stage.says("agent", f"I speak MCP {cast.agent.protocol}. What may I use here?")
    stage.says(
        "gateway",
        f"{len(tools)} tools, from the contracts that Pellow & Finch agreed to. Nothing else exists for you.",
    )
    rows = [
        (tool.name, tool.title or "", str((tool.meta or {}).get("dev.ostiary/risk", ""))) for tool in tools
    ]
    stage.table(("tool", "what it does", "risk"), rows)
    names = {tool.name for tool in tools}
    holds(
        {"customer_show", "ticket_read", "invoice_refund", "payment_send"} <= names,
        "The agent does not see the contracted tools.",
    )
    holds(
        not names & {"approval_approve", "key_create", "contract_apply"},
        "The agent sees tools that belong to people.",
    )


async def reads(cast: Cast) -> None:
    stage = cast.stage
    stage.scene("It reads, and personal data comes masked")
    stage.says("agent", "customer_show C-1001")
    told = await cast.agent.call("customer_show", {"customer_id": "C-1001"})
    holds(not told.refused, f"Reading a customer was refused ({told.code}).")
    row = told.content["rows"][0]
    stage.says("gateway", "Here you are. What an agent need not see is not in it.")
    stage.shows({name: row[name] for name in ("id", "name", "email", "phone", "iban", "city")})
    real, seen = make().customers[0], orjson.dumps(told.content).decode()
    hidden = [value for value in (real.email, real.phone, real.iban) if value in seen]
    holds(not hidden, "An e-mail address, phone number or bank account reached the agent unmasked.")
    stage.held("E-mail address, phone number and bank account did not leave the gateway.")


async def oversteps(cast: Cast) -> None:
    stage = cast.stage
    stage.scene("It tries what nobody agreed to")
    stage.says("agent", "customer_export_all")
    told = await cast.agent.call("customer_export_all", {"format": "csv"})
    holds(
        told.code == "contract.unknown",
        f"An off-contract call was not refused as off contract ({told.code or 'it ran'}).",
    )
    stage.says(
        "gateway", f"Refused before any system was touched: {told.content.get('title', '')} ({told.code})"
    )
    stage.says("agent", "key_create: a key of my own, with the role of the owner")
    told = await cast.agent.call("key_create", {"name": "mine", "kind": "agent", "roles": ["owner"]})
    holds(told.refused, "An agent could make itself a key.")
    stage.says("gateway", f"Refused: {told.content.get('title', '')} ({told.code})")
    stage.held("Off contract is off limits, and both attempts are in the log.")


async def is_talked_into_a_payment(cast: Cast) -> None:
    stage = cast.stage
    stage.scene("A poisoned ticket tells it to pay an attacker, and it obeys")
    text = await _read_ticket(cast, POISONED_TICKET)
    stage.quotes(text, colour="red")
    order = obeyed(text)
    holds(
        order is not None and order.arguments.get("iban") == ATTACKER_IBAN,
        "The poisoned ticket did not reach the agent as it was written.",
    )
    assert order is not None
    stage.says(
        "agent",
        f"It says so, so I do it: {order.tool} {order.arguments['amount']} {order.arguments['currency']} to {order.arguments['iban']}",
    )
    asked = asyncio.create_task(cast.agent.call(order.tool, order.arguments))
    card = await cast.owner.card("payment.send")
    stage.says("gateway", "Held. Nothing leaves before a person has seen this:")
    stage.card(card)
    holds(not cast.books.deeds("payment"), "Money left before anybody decided.")
    stage.says("person", "We have no such supplier. Reject.")
    await cast.owner.reject(card, "We do not know this account.")
    told = await asked
    holds(
        told.code == "approval.rejected",
        f"The agent was not told that the payment was rejected ({told.code or 'it was told that it ran'}).",
    )
    stage.says("gateway", f"To the agent: {told.content.get('title', '')} ({told.code})")
    holds(not cast.books.deeds("payment"), "The rejected payment was made.")
    stage.says("company", "Payments in our books: 0")
    stage.held("The injected payment was stopped, although the agent was entirely on the attacker's side.")


async def asks_for_a_refund(cast: Cast) -> Told:
    stage = cast.stage
    stage.scene("A legitimate refund is held, approved, and done once")
    text = await _read_ticket(cast, DAMAGED_TICKET)
    stage.quotes(text, colour="cyan")
    order = obeyed(text)
    holds(
        order is not None and order.arguments["invoice_id"] == DAMAGED_INVOICE,
        "The agent could not read what the customer wants.",
    )
    assert order is not None
    stage.says(
        "agent",
        f"{order.tool} {order.arguments['amount']} {order.arguments['currency']} of {order.arguments['invoice_id']}",
    )
    asked = asyncio.create_task(cast.agent.call(order.tool, order.arguments, key=REFUND_KEY))
    card = await cast.owner.card("invoice.refund")
    stage.says("gateway", "Held for a person:")
    stage.card(card)
    stage.says("person", "The photos show it. Approve, with my second factor.")
    await cast.owner.approve(card)
    told = await asked
    holds(
        not told.refused and told.content.get("status") == "done",
        f"The approved refund was not done ({told.code or told.content.get('status')}).",
    )
    stage.says("company", f"Refund {told.content['refund_id']}: {DAMAGED_AMOUNT} EUR of {DAMAGED_INVOICE}")
    _holds_one_refund(cast)
    stage.held(
        "What was approved is what was done: the signed request was checked by the back-end, and its books show it."
    )
    return told


async def asks_again(cast: Cast, before: Told) -> None:
    stage = cast.stage
    stage.scene("The agent lost the answer and asks again with the same key")
    order = {
        "invoice_id": DAMAGED_INVOICE,
        "amount": DAMAGED_AMOUNT,
        "currency": "EUR",
        "reason": "arrived damaged",
    }
    stage.says("agent", f"invoice_refund once more, idempotency key {REFUND_KEY}")
    again = await cast.agent.call("invoice_refund", order, key=REFUND_KEY)
    holds(again == before, "The same key gave another answer.")
    stage.says(
        "gateway",
        f"The same answer as before: refund {again.content['refund_id']}, {again.content['status']}",
    )
    _holds_one_refund(cast)
    stage.says("company", "Refunds in our books: 1")
    other = await cast.agent.call("invoice_refund", {**order, "amount": "1.00"}, key=REFUND_KEY)
    holds(
        other.code == "idempotency.mismatch",
        f"The same key with another amount was not refused ({other.code or 'it ran'}).",
    )
    stage.says("gateway", f"And with another amount: refused ({other.code})")
    stage.held("Done exactly once, however often it is asked.")


async def works_for_a_person(cast: Cast) -> str:
    """A write that no contract asks about: the person's words explain it, and a text that steers it elsewhere is held. The id of the session."""
    stage = cast.stage
    stage.scene("A person says what they want, and is asked only about the rest")
    keys = (await cast.owner.ask("GET", "/v1/keys"))["keys"]
    agent = next(row["key_id"] for row in keys if row["kind"] == "agent")
    said = {"agent": agent, "intent": INTENT, "max_s": HOUR_S}
    session = str((await cast.owner.ask("POST", "/v1/sessions", said))["session_id"])
    stage.says("person", f"For this hour: {INTENT}")
    ticket = await _read_whole(cast, DAMAGED_TICKET, session)
    order = {"customer_id": ticket["customer_id"], "pickup_point": PICKUP_POINT}
    stage.says("agent", f"replacement_send {order['customer_id']} to {PICKUP_POINT}")
    told = await cast.agent.call("replacement_send", order, session=session)
    holds(
        not told.refused and told.content.get("status") == "done",
        f"What the person asked for did not run ({told.code}).",
    )
    stage.says(
        "gateway",
        "Done, nobody was asked: the person named the pick-up point, the customer is from our own records.",
    )
    await _is_steered(cast, session)
    return session


async def _is_steered(cast: Cast, session: str) -> None:
    stage = cast.stage
    text = (await _read_whole(cast, REROUTED_TICKET, session))["body"]
    stage.quotes(text, colour="red")
    wanted = obeyed(text)
    holds(
        wanted is not None and wanted.arguments.get("pickup_point") == ATTACKER_POINT,
        "The ticket did not reach the agent as it was written.",
    )
    assert wanted is not None
    stage.says(
        "agent",
        f"It says so, so I do it: {wanted.tool} {wanted.arguments['customer_id']} to {ATTACKER_POINT}",
    )
    asked = asyncio.create_task(cast.agent.call(wanted.tool, wanted.arguments, session=session))
    listed = await cast.owner.card("replacement.send")
    card = await cast.owner.ask("GET", f"/v1/approvals/{listed['id']}")
    stage.says(
        "gateway",
        "Held, in the same session and by the same contract: this value is nobody's but the ticket's.",
    )
    stage.card(card)
    point = next(each for each in card["parameters"] if each["name"] == "pickup_point")
    holds(
        point["origin"] == "untrusted" and "ticket.read" in point["source"],
        "The card does not say where the pick-up point came from.",
    )
    holds(ATTACKER_POINT in point["excerpt"], "The card does not show what stands around the pick-up point.")
    stage.says("gateway", f"The card shows where it stands: {' '.join(point['excerpt'].split())}")
    stage.says("person", "That is not what I said. Reject.")
    await cast.owner.reject(card, "Send it where I said.")
    told = await asked
    holds(
        told.code == "approval.rejected",
        f"The agent was not told that it was rejected ({told.code or 'it ran'}).",
    )
    sent = [deed.content["pickup_point"] for deed in cast.books.deeds("replacement")]
    holds(sent == [PICKUP_POINT], f"The back-end's books show replacements to {', '.join(sent) or 'nobody'}.")
    stage.says("company", f"Replacements in our books: 1, to {PICKUP_POINT}")
    stage.held("The agent did what the person said without a question, and not what a ticket said.")


async def would_ask_more(cast: Cast) -> None:
    stage = cast.stage
    stage.scene("How much is asked is a choice: strict asks about what the person did not name")
    asked = {"text": STRICT, "since_s": HOUR_S}
    report = await cast.owner.ask("POST", "/v1/policy/replay", asked)
    flips = [flip for flip in report["flips"] if flip["action"] == "replacement.send"]
    stage.says(
        "person",
        "ostiary policy replay --policy strict.yaml: what would the strict mode have done with today's calls?",
    )
    holds(
        len(flips) == 1 and flips[0]["after_rule"] == "sink.not_named",
        "The strict mode would not have asked about the customer whom nobody named.",
    )
    stage.says(
        "gateway",
        f"Of {report['decided']} decisions {len(report['flips'])} would have gone otherwise. {flips[0]['action']}: asked about ({flips[0]['after_rule']}), since nobody named the customer.",
    )
    stage.held(
        "Default asks as little as safety allows, strict about whatever the person did not speak of; one can be tried on the past before it holds."
    )


async def is_verified(cast: Cast) -> None:
    stage = cast.stage
    stage.scene("Anyone can verify afterwards what happened")
    export, note = cast.folder / "audit.jsonl", cast.folder / "checkpoint.txt"
    events = await _export(cast.owner, export, note)
    stage.says("person", f"I export the log ({events} events) and keep its signed checkpoint elsewhere.")
    report = await asyncio.to_thread(verify_export, export, note)
    holds(report.ok and report.complete, f"The log does not verify: {'; '.join(report.faults)}")
    stage.says("gateway", f"ostiary audit verify audit.jsonl --checkpoint checkpoint.txt: {report.verdict}")
    decided = export.read_bytes().replace(b'"decision":"rejected"', b'"decision":"approved"', 1)
    forged = await asyncio.to_thread(_verified_copy, cast.folder, decided, note)
    stage.says("attacker", 'In a copy, I turn a "rejected" into "approved".')
    _holds_detected(stage, forged, "A log in which a decision was changed")
    lines = export.read_bytes().splitlines(keepends=True)
    shortened = await asyncio.to_thread(_verified_copy, cast.folder, b"".join(lines[:5] + lines[6:]), note)
    stage.says("attacker", "In another copy, I take one event out.")
    _holds_detected(stage, shortened, "A log with an event missing")
    stage.held("The record stands, and a changed copy of it does not.")


async def _read_ticket(cast: Cast, ticket: str) -> str:
    return str((await _read_whole(cast, ticket))["body"])


async def _read_whole(cast: Cast, ticket: str, session: str = "") -> dict[str, Any]:
    cast.stage.says("agent", f"ticket_read {ticket}")
    told = await cast.agent.call("ticket_read", {"ticket_id": ticket}, session=session)
    holds(not told.refused, f"Reading the ticket {ticket} was refused ({told.code}).")
    return told.content


def _holds_one_refund(cast: Cast) -> None:
    refunds = [deed.content for deed in cast.books.deeds("refund")]
    right = (
        len(refunds) == 1
        and refunds[0]["invoice_id"] == DAMAGED_INVOICE
        and refunds[0]["amount"] == DAMAGED_AMOUNT
    )
    holds(
        right,
        f"The back-end's books show {len(refunds)} refunds, and should show exactly the one that was approved.",
    )


async def _export(owner: Person, path: Path, note: Path) -> int:
    """The log over the public API, as `ostiary audit export` writes it."""
    checkpoint = await owner.ask("GET", "/v1/audit/checkpoint")
    pages: dict[int, Mapping[str, Any]] = {}
    start: int | None = 0
    while start is not None and start < checkpoint["size"]:
        pages[start] = await owner.ask("GET", "/v1/audit/entries", start=start, end=checkpoint["size"])
        start = pages[start]["next"]
    return write_export(
        export_lines(checkpoint, lambda begin, _end: pages[begin]), path, checkpoint_path=note
    )


def _verified_copy(folder: Path, content: bytes, note: Path) -> Report:
    copy = folder / "copy.jsonl"
    copy.write_bytes(content)
    return verify_export(copy, note)


def _holds_detected(stage: Stage, report: Report, what: str) -> None:
    holds(not report.ok, f"{what} passed as verified.")
    stage.says("gateway", f"{report.verdict}: {report.faults[0]}")
