"""How the console says things: states, decisions, risks and origins, each as a word, an icon and a tone, never as a colour alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.errors import all_errors

SENTENCE_CHARACTERS_MAX = 2_000
_PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""As contracts write them: `{amount}` is a place, `{{` and `}}` are braces."""


@dataclass(frozen=True, slots=True)
class Word:
    """`text` for people, `icon` from the sprite, `tone` for the style sheet: ok, wait, no, odd (unknown), run, or calm."""

    text: str
    icon: str
    tone: str = "calm"


STATES: Mapping[str, Word] = {
    "waiting": Word("Waiting", "wait", "wait"),
    "held": Word("Waiting", "wait", "wait"),
    "approved": Word("Approved", "check", "run"),
    "running": Word("Running", "run", "run"),
    "done": Word("Done", "done", "ok"),
    "failed": Word("Failed", "fail", "no"),
    "rejected": Word("Rejected", "reject", "no"),
    "expired": Word("Expired", "expire"),
    "unknown": Word("Unknown", "unknown", "odd"),
}

DECISIONS: Mapping[str, Word] = {
    "ran": Word("Ran", "done", "ok"),
    "intended": Word("Began", "run", "run"),
    "held": Word("Held", "wait", "wait"),
    "approved": Word("Approved", "check", "ok"),
    "rejected": Word("Rejected", "reject", "no"),
    "refused": Word("Refused", "refuse", "no"),
    "failed": Word("Failed", "fail", "no"),
    "unknown": Word("Unknown", "unknown", "odd"),
    "settled": Word("Settled", "check", "ok"),
    "expired": Word("Expired", "expire"),
    "opened": Word("Opened", "right", "run"),
    "closed": Word("Closed", "done", "ok"),
}

RISKS: Mapping[str, Word] = {
    "low": Word("Low risk", "info"),
    "medium": Word("Medium risk", "warn", "wait"),
    "high": Word("High risk", "warn", "no"),
}

ORIGINS: Mapping[str, Word] = {
    "said": Word("Said by the person", "said"),
    "trusted": Word("From a trusted field", "trusted"),
    "untrusted": Word("From untrusted text", "warn", "wait"),
    "unexplained": Word("Not explained", "unknown"),
}

KINDS: Mapping[str, Word] = {
    "person": Word("Person", "person"),
    "program": Word("Program", "program"),
    "agent": Word("AI agent", "agent"),
    "customer": Word("Customer", "person"),
    "publishable": Word("Publishable", "globe"),
    "service": Word("Ostiary itself", "settings"),
    "anonymous": Word("Nobody signed in", "none"),
}

CONFIRMATIONS: Mapping[str, str] = {
    "never": "It runs without asking.",
    "once_per_session": "A person is asked the first time in each session.",
    "always": "A person is asked every time.",
}

SURFACES: Mapping[str, str] = {
    "admin": "Staff",
    "customer": "The customer, for their own records",
    "write_only": "Anyone who may submit; nothing is read back",
}

REMEDIES: Mapping[str, str] = {
    "access.forbidden": "Someone whose role permits it can do this, or an admin can change yours under Members.",
    "access.scope": "A key whose scopes include this action would pass.",
    "access.surface": "Offer the action on this surface in its contract, or call it from one where it is.",
    "access.subject": "A customer reaches only their own records.",
    "auth.refused": "Use a key that is neither expired nor revoked; see API keys.",
    "auth.required": "Sign in, or send a key in the Authorization header.",
    "auth.signature_refused": "Sign the raw body, path, time and nonce with the key's signing secret, on a clock that is right.",
    "auth.replayed": "Each signed request is good once; sign again with a fresh nonce.",
    "auth.code_refused": "Ask for a new code, and use it once, within ten minutes.",
    "auth.step_up_required": "Confirm with the second factor, then do it again.",
    "contract.unknown": "Add the action to a contract, if it should exist at all.",
    "params.invalid": "Send parameters that fit the contract's schema.",
    "approval.self": "Ask somebody else to decide this one.",
    "approval.rejected": "A person said no. Ask them why before it is asked again.",
    "approval.expired": "Ask again; someone has to decide before the time is up.",
    "approval.stale": "Ask again, so that a person sees what would run now.",
    "approval.closed": "It has been decided already. Open it to see how.",
    "idempotency.mismatch": "Use a fresh idempotency key for different content.",
    "limit.rate": "Wait a moment and slow down.",
    "target.unavailable": "Check the connector, then try again.",
    "target.timeout": "Check the connector, or allow more time in its contract.",
    "target.refused": "See what the connected system said, then try again.",
    "net.address_refused": "The operator allows private addresses with OSTIARY_EGRESS_ALLOW.",
    "audit.unavailable": "Nothing passes until the log can be written: check disk space and the database.",
    "store.unavailable": "Check the database. It recovers by itself when that answers.",
    "keys.unavailable": "Check the root key and the key store.",
    "conflict": "Open it again to see the present state, then try again.",
    "not_found": "Check the address, or search for it.",
    "request.cross_site": "Do it from the console itself, not from a link or form elsewhere.",
}
"""What would have made it pass, by error code."""

NOTES: Mapping[str, str] = {
    "approved": "Approved. It runs now; the answer appears here.",
    "rejected": "Rejected. Nothing was done, and whoever asked is told why.",
    "settled": "Settled. Your word is in the log, with your name.",
    "contract-applied": "Applied. Calls follow this contract from now on.",
    "contract-removed": "Removed. Calls of it are refused from now on.",
    "connector-saved": "Saved.",
    "connector-removed": "Removed. Contracts that point to it are refused from now on.",
    "key-revoked": "Revoked. It opens nothing from now on.",
    "member-added": "Added. They can sign in with their email address.",
    "member-changed": "Changed. It holds from their next click.",
    "member-removed": "Removed. Their sessions here have ended.",
    "role-saved": "Saved.",
    "role-removed": "Removed.",
    "masking-saved": "Saved. It holds for the next answer that leaves.",
    "totp-on": "Your second factor is on.",
    "totp-off": "Your second factor is off.",
    "sessions-ended": "Every other session has ended.",
    "session-ended": "That session has ended.",
    "signed-out": "You are signed out.",
    "switched": "You are in another tenant now.",
    "tenant-created": "Created. You are its owner.",
}
"""What happened, after a form was sent: the address carries the word on the left and never the text."""


_TITLES = {error.code: error.title() for error in all_errors()}


def title(code: str) -> str:
    """An error code in words, for people; the code itself where it is none of ours."""
    return _TITLES.get(code, code)


def state(name: str) -> Word:
    return STATES.get(name) or Word(name.replace("_", " ").capitalize(), "info")


def decision(name: str) -> Word:
    return DECISIONS.get(name) or Word(name.replace("_", " ").capitalize(), "info")


def risk(name: str) -> Word:
    return RISKS.get(name) or Word(name.capitalize() + " risk", "info")


def origin(name: str) -> Word:
    return ORIGINS.get(name) or ORIGINS["unexplained"]


def kind(name: str) -> Word:
    return KINDS.get(name) or Word(name.capitalize() or "Someone", "person")


def plain(value: JsonValue) -> str:
    """A parameter's value for reading: text as it is, yes and no for booleans, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(plain(item) for item in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence: words, or (with `origin`) a value that came from somewhere."""

    text: str
    origin: str = ""


def pieces(template: str, parameters: Sequence[Mapping[str, JsonValue]]) -> list[Piece]:
    """`Refund {amount}` and the card's parameters -> words and values, for a template to mark up. A place without a value stays as it is."""
    values = {str(row["name"]): row for row in parameters}
    found: list[Piece] = []
    at = 0
    for place in _PLACE.finditer(template[:SENTENCE_CHARACTERS_MAX]):
        row = values.get(place.group(1) or "")
        if place.group(1) and row is None:
            continue
        found.append(Piece(template[at : place.start()]))
        found.append(
            Piece(plain(row["value"]), str(row.get("origin") or "unexplained"))
            if row
            else Piece(place.group()[0])
        )
        at = place.end()
    found.append(Piece(template[at:SENTENCE_CHARACTERS_MAX]))
    return [piece for piece in found if piece.text]
