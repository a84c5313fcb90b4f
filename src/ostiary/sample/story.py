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
    DAMAGED_AMOUNT,
    DAMAGED_INVOICE,
    DAMAGED_TICKET,
    POISONED_TICKET,
    make,
)
from ostiary.sample.person import Person, holds
from ostiary.sample.stage import Stage
from ostiary.sample.store import Books

REFUND_KEY = "refund-of-ticket-T-4001"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays. `books` is what the back-end really did; `folder` takes the exported log."""

    stage: Stage
    agent: Agent
    owner: Person
    books: Books
    folder: Path


async def play(cast: Cast) -> None:
    """The whole story. Raises StoryBroke with a sentence if a step does not hold."""
    await connects(cast)
    await reads(cast)
    await oversteps(cast)
    await is_talked_into_a_payment(cast)
    refund = await asks_for_a_refund(cast)
    await asks_again(cast, refund)
    await is_verified(cast)


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
    stage.says("attacker", 'In a copy, I turn the one "rejected" into "approved".')
    _holds_detected(stage, forged, "A log in which a decision was changed")
    lines = export.read_bytes().splitlines(keepends=True)
    shortened = await asyncio.to_thread(_verified_copy, cast.folder, b"".join(lines[:5] + lines[6:]), note)
    stage.says("attacker", "In another copy, I take one event out.")
    _holds_detected(stage, shortened, "A log with an event missing")
    stage.held("The record stands, and a changed copy of it does not.")


async def _read_ticket(cast: Cast, ticket: str) -> str:
    cast.stage.says("agent", f"ticket_read {ticket}")
    told = await cast.agent.call("ticket_read", {"ticket_id": ticket})
    holds(not told.refused, f"Reading the ticket {ticket} was refused ({told.code}).")
    return str(told.content["body"])


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
