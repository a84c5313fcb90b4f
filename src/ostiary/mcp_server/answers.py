"""Outcomes of the door in MCP's own words: a result, an error that a model can read, or how to wait."""

from typing import Any

import orjson
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ostiary.actions import JsonValue
from ostiary.clock import rfc3339
from ostiary.door.outcome import Done, Held, Previewed
from ostiary.errors import OffContract, OstiaryError
from ostiary.ids import CallId
from ostiary.mcp_server.names import tool_name

CALL_META = "dev.ostiary/call"
COUNTS_META = "dev.ostiary/counts"
TRUST_META = "dev.ostiary/trust"
UNTRUSTED = "untrusted"
POLL_ACTION = "call.show"
POLL_WAIT_S = 20


def done(outcome: Done) -> dict[str, Any]:
    """A result. What is no object is wrapped, because the older era knows objects only. Rows of a database are marked as what nobody should take for instructions."""
    result = outcome.result if isinstance(outcome.result, dict) else {"result": outcome.result}
    meta: dict[str, Any] = {CALL_META: outcome.call}
    if outcome.counts:
        meta[COUNTS_META] = outcome.counts
    if "rows" in outcome.counts:
        meta[TRUST_META] = UNTRUSTED
    return {
        "resultType": "complete",
        "content": [_text(result)],
        "structuredContent": result,
        "isError": False,
        "_meta": meta,
    }


def pending(call: CallId, held: Held | None) -> dict[str, Any]:
    """How to wait and poll, for clients that do not come back by themselves: in words for a model, and as an object for a program."""
    poll = {"tool": tool_name(POLL_ACTION), "arguments": {"call_id": call, "wait_s": POLL_WAIT_S}}
    told: dict[str, Any] = {"status": "held" if held else "running", "call_id": call, "poll": poll}
    words = "Running: it was approved and is being done."
    if held:
        told |= {"approval_id": held.approval, "expires_at": rfc3339(held.expires_us)}
        words = f"Held: nothing has been done yet. A person has to approve this call first (until {told['expires_at']})."
    how = f"Do not repeat it. To learn the outcome, call {poll['tool']} with call_id {call}; it waits up to wait_s seconds."
    content = [{"type": "text", "text": f"{words} {how}"}]
    return {
        "resultType": "complete",
        "content": content,
        "structuredContent": told,
        "isError": False,
        "_meta": {CALL_META: call},
    }


def previewed(outcome: Previewed) -> dict[str, Any]:
    """A dry run: nothing was done, and nobody was asked."""
    told: dict[str, Any] = {
        "status": "previewed",
        "call_id": outcome.call,
        "decision": outcome.decision,
        "rule": outcome.rule,
        "reasons": outcome.reasons,
        "quorum": outcome.quorum,
        "covered": outcome.covered,
        "request": outcome.request,
    }
    would = "A person would be asked first." if outcome.decision == "ask" else "It would run at once."
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": f"A dry run: nothing was done. {would}"}],
        "structuredContent": told,
        "isError": False,
        "_meta": {CALL_META: outcome.call},
    }


def come_back(call: CallId, state: str, *, link: str = "") -> dict[str, Any]:
    """MCP 2026-07-28, multi-round-trip: the client sends the same request again with this state, and is answered then. `link`: the client shows the person where
    the card is (elicitation in URL mode). Whatever it answers to that decides nothing."""
    shown = {"inputRequests": {"approval": _elicited(link)}} if link else {}
    return {"resultType": "input_required", "requestState": state, "_meta": {CALL_META: call}, **shown}


def _elicited(link: str) -> dict[str, Any]:
    message = "A person has to approve this call before anything is done. Whoever may decide signs in there."
    return {"method": "elicitation/create", "params": {"mode": "url", "message": message, "url": link}}


def opens_links(context: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client says that it shows its person links (elicitation in URL mode), in the era in which a result may ask for that."""
    capabilities = context.session.client_capabilities
    elicits = capabilities.elicitation if capabilities else None
    return (
        context.protocol_version in MODERN_PROTOCOL_VERSIONS
        and elicits is not None
        and elicits.url is not None
    )


def refused(error: OstiaryError) -> dict[str, Any]:
    """A result that is an error: the problem document with its stable code, which a model can read and act on.

    Raises MCPError for a tool that does not exist, as the protocol wants it.
    """
    if isinstance(error, OffContract):
        raise MCPError(INVALID_PARAMS, f"Unknown tool. {error.title()}", error.problem())
    problem = error.problem()
    if error.retry_after_s is not None:
        problem["retry_after_s"] = error.retry_after_s
    faults = [f"{fault.pointer or '/'}: {fault.detail}" for fault in error.faults]
    words = " ".join(filter(None, [error.title(), error.detail, "; ".join(faults), f"({error.code})"]))
    return {
        "resultType": "complete",
        "content": [{"type": "text", "text": words}],
        "structuredContent": problem,
        "isError": True,
    }


def _text(result: JsonValue) -> dict[str, Any]:
    return {"type": "text", "text": orjson.dumps(result).decode()}
