"""How the console says things: states, decisions, risks and origins, each as a word, an icon and a tone, never as a colour alone."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from ostiary.actions import JsonValue
from ostiary.errors import Fault, OstiaryError, all_errors

SENTENCE_CHARACTERS_MAX = 2_000
DIALECTS: Mapping[str, str] = {
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "sqlite": "SQLite",
    "duckdb": "DuckDB",
}
MASKS: Mapping[str, str] = {
    "full": "hidden", "partial": "in part", "hash": "as a hash", "token": "as a token", "generalise": "coarser", "null": "left out", "none": "as it is"
}  # fmt: skip
"""How a masked column is shown."""
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
    "agreed": Word("One yes", "check", "run"),
    "approved": Word("Approved", "check", "ok"),
    "rejected": Word("Rejected", "reject", "no"),
    "refused": Word("Refused", "refuse", "no"),
    "failed": Word("Failed", "fail", "no"),
    "unknown": Word("Unknown", "unknown", "odd"),
    "settled": Word("Settled", "check", "ok"),
    "repeated": Word("Asked again", "check", "ok"),
    "previewed": Word("Only tried", "info"),
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
    "approval.link_refused": "Open Approvals: what waits for you is there.",
    "approval.again": "Somebody else has to say yes too.",
    "approval.spent": "Ask again: a person decides.",
    "call.withdrawn": "Ask again, if it should be done after all.",
    "policy.invalid": "Put right what the check names, then apply the policy again.",
    "redaction.invalid": "Put right what the check names, then put it again.",
    "redaction.unfit": "Say in the plan what is done `otherwise`.",
    "redaction.scope_destroyed": "Name another scope in the plan.",
    "policy.refused": "Whoever may change the policy can see it under Settings, Policy.",
    "approval.closed": "It has been decided already. Open it to see how.",
    "idempotency.mismatch": "Use a fresh idempotency key for different content.",
    "oauth.connect_required": "Whoever it was for connects their account, under Connected.",
    "oauth.scope_required": "Whoever it was for allows more, under Connected, or leaves it.",
    "limit.rate": "Wait a moment and slow down.",
    "target.unavailable": "Check the connector, then try again.",
    "target.timeout": "Check the connector, or allow more time in its contract.",
    "target.refused": "See what the connected system said, then try again.",
    "net.address_refused": "The operator allows private addresses with OSTIARY_EGRESS_ALLOW.",
    "audit.dropped": "What an export kept before that day still has it, and proves it.",
    "audit.inconsistent": "Stop, keep a copy of the database, and compare it with a checkpoint kept outside.",
    "audit.unavailable": "Nothing passes until the log can be written: check disk space and the database.",
    "blobs.unavailable": "Check the disk or the bucket of files, then do it again.",
    "call.in_flight": "Wait a moment, then look at the call.",
    "call.unknown": "Look in the connected system, then say under Calls what you found.",
    "contract.invalid": "Put right what the check names, then apply the file again.",
    "erasure.ledger": "Do not start on it: bring back the ledger that the backup of the keys or the file store has.",
    "quota.storage": "Remove what is not needed, or ask the operator for more room.",
    "retention.hold": "Release the hold first, if you may: see Settings, Retention.",
    "limit.reached": "Wait until it begins anew, or ask whoever may change limits: see Settings, Limits.",
    "limit.hours": "Come again at those hours, or ask whoever may change limits.",
    "session.closed": "Open another session for the agent.",
    "session.expired": "Open another session for the agent.",
    "shield.stopped": "Whoever may stop keys can let it go on, on its page.",
    "target.answer_invalid": "Compare the answer with what the contract returns, and change one of the two.",
    "target.answer_too_large": "Ask for less, or allow more bytes in the connector's settings.",
    "tenant.moving": "Try again in a few seconds.",
    "store.unavailable": "Check the database. It recovers by itself when that answers.",
    "keys.unavailable": "Check the root key and the key store.",
    "conflict": "Open it again to see the present state, then try again.",
    "job.crashed": "See the worker's log for why it ended; then let the job go on.",
    "not_found": "Check the address, or search for it.",
    "request.cross_site": "Do it from the console itself, not from a link or form elsewhere.",
}
"""What would have made it pass, by error code."""

NOTES: Mapping[str, str] = {
    "approved": "Approved. It runs now; the answer appears here.",
    "rejected": "Rejected. Nothing was done, and whoever asked is told why.",
    "session-opened": "Opened. Give its id to the agent: it sends it with each call.",
    "session-said": "Said. It counts from the next call on.",
    "session-closed": "Closed. What was said in it explains nothing any more.",
    "settled": "Settled. Your word is in the log, with your name.",
    "policy-applied": "Applied. It holds from now on, in every process.",
    "allowed": "Allowed. The agent is not asked about exactly this.",
    "taken-back": "Taken back. A person is asked again.",
    "contract-applied": "Applied. Calls follow this contract from now on.",
    "drafts-made": "Drafts made. Read each before you accept it.",
    "draft-saved": "Saved. It is still a draft.",
    "import-discarded": "Discarded. Contracts that stand are not touched.",
    "contract-removed": "Removed. Calls of it are refused from now on.",
    "checkpoint-asked": "A job publishes it in a moment; reload to see it.",
    "job-started": "Started. It goes on when you leave this page.",
    "job-cancelled": "It stops before its next step.",
    "job-again": "It goes on from where it was.",
    "connector-saved": "Saved.",
    "connector-removed": "Removed. Contracts that point to it are refused from now on.",
    "grant-withdrawn": "Withdrawn. Its tokens open nothing from now on.",
    "account-connected": "Connected. Calls of yours go out with your own account from now on.",
    "account-disconnected": "Disconnected. Calls that need it are refused.",
    "issuer-trusted": "Trusted. Agents with its tokens may come in from now on.",
    "issuer-forgotten": "Forgotten. Its tokens open nothing from now on.",
    "intent-key-revoked": "Revoked. Nothing that it signs counts from now on.",
    "client-removed": "Removed, with everything that it was allowed.",
    "key-revoked": "Revoked. It opens nothing from now on.",
    "key-stopped": "Stopped. Nothing that comes with this key passes, until somebody lets it go on.",
    "key-resumed": "It goes on.",
    "hold-placed": "The hold stands from now on.",
    "hold-released": "Released. What it stood on may go again.",
    "quota-set": "Set. It counts in every process within a second.",
    "retention-saved": "Saved. It holds from the next daily purge on.",
    "end-asked": "This tenant ends in 30 days. Until then you can take it back.",
    "end-kept": "Kept. Nothing is destroyed.",
    "member-added": "Added. They can sign in with their email address.",
    "member-changed": "Changed. It holds from their next click.",
    "member-removed": "Removed. Their sessions here have ended.",
    "upstream-looked": "The server was asked; what is new or changed stands below.",
    "upstream-accepted": "Accepted. Agents see and call it from now on.",
    "upstream-refused": "Refused. It is called no more.",
    "publishing-saved": "Saved. It holds from the next checkpoint on.",
    "role-saved": "Saved.",
    "role-removed": "Removed.",
    "place-saved": "Saved. Nothing is looked at before a run begins.",
    "place-removed": "Removed, with all that was known of it.",
    "discovery-start": "Begun. It goes on when you leave this page.",
    "discovery-pause": "It stops before its next step, and keeps what it found.",
    "discovery-resume": "It goes on from where it was.",
    "discovery-cancel": "It ends before its next step. What it found is kept.",
    "source-saved": "Saved. It holds from the next statement on.",
    "source-removed": "Removed. Nobody can ask it any more.",
    "question-saved": "Saved, without its answer.",
    "question-removed": "Removed.",
    "dashboard-removed": "Removed. Its questions stay.",
    "model-saved": "Saved. Questions in words are understood by it from now on.",
    "model-removed": "Taken away. Names alone say what is meant.",
    "source-indexed": "Taken in: what the policy opens of it can be asked now.",
    "redaction-saved": "Saved. It holds from the next text on.",
    "redaction-removed": "Removed. Its versions can still be looked at, over the API.",
    "masking-saved": "Saved. It holds for the next answer that leaves.",
    "totp-on": "Your second factor is on.",
    "totp-off": "Your second factor is off.",
    "sessions-ended": "Every other session has ended.",
    "session-ended": "That session has ended.",
    "signed-out": "You are signed out.",
    "switched": "You are in another tenant now.",
    "limit-set": "Set. It counts from now on.",
    "document-removed": "Removed, with what was found, decided and exported.",
    "limit-removed": "Removed. Nothing is counted against it any more.",
    "webhook-saved": "Saved. It holds for what is sent from now on.",
    "webhook-tested": "A test is on its way; reload to see how it was answered.",
    "webhook-again": "It is sent again in a moment; reload to see how it was answered.",
    "webhook-none-again": "Nothing was sent again: there is no such notice in that time.",
    "webhook-removed": "Removed. It is told nothing any more.",
    "webhook-paused": "Paused. It is told nothing until you let it go on.",
    "webhook-resumed": "It goes on, with what waited for it.",
    "mailing-saved": "Saved. It holds for the next call that waits.",
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


def faults(found: Sequence[Fault], fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is wrong, each with the words of the form's field; `fields` by the name in the pointer."""
    return [
        (fields.get(fault.pointer.lstrip("/").partition("/")[0], fault.pointer), fault.detail)
        for fault in found
    ]


def plain(value: JsonValue) -> str:
    """A parameter's value for reading: text as it is, yes and no for booleans, the rest as JSON. What cannot be seen is written out, so that two values
    that differ never read the same."""
    if isinstance(value, str):
        return visible(value) if value else '""'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "nothing"
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(_quoted(item) for item in value) or "[]"
    return visible(orjson.dumps(value, default=str).decode())


def _quoted(item: JsonValue) -> str:
    """One value of a list, in quotes where it could be taken for two."""
    return visible(orjson.dumps(item).decode()) if isinstance(item, str) and "," in item else plain(item)


_LAID_OUT = "\n\t"
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters that look like nothing."""
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with every character written out that would not show, or would turn the order around: `⟨U+202E⟩`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"\u27e8U+{ord(char):04X}\u27e9" if _is_unseen(char) else char for char in text)


def _is_unseen(char: str) -> bool:
    return char in _BLANKS or (char not in _LAID_OUT and unicodedata.category(char) in _UNSEEN)


_ALIKE = frozenset(
    {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "FULLWIDTH", "MATHEMATICAL"}
)
"""Alphabets with letters that look the same."""


def mixes_alphabets(value: JsonValue) -> bool:
    """Whether a word holds letters of two alphabets that look alike, as `paypal` with a Cyrillic a does."""
    if isinstance(value, list):
        return any(mixes_alphabets(item) for item in value)
    if not isinstance(value, str) or value.isascii():
        return False
    return any(len({*_alphabets(word)} & _ALIKE) > 1 for word in re.findall(r"\w+", value))


def _alphabets(word: str) -> Iterator[str]:
    return (unicodedata.name(char, "").partition(" ")[0] for char in word if char.isalpha())


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence: words, or (with `origin`) a value that came from somewhere."""

    text: str
    origin: str = ""


def pieces(template: str, parameters: Sequence[Mapping[str, JsonValue]]) -> list[Piece]:
    """`Refund {amount}` and the card's parameters -> words and values, for a template to mark up. A place without a value stays as it is."""
    values: dict[str, list[Mapping[str, JsonValue]]] = {}
    for row in parameters:
        values.setdefault(str(row["name"]), []).append(row)
    found: list[Piece] = []
    at = 0
    for place in _PLACE.finditer(template[:SENTENCE_CHARACTERS_MAX]):
        rows = values.get(place.group(1) or "")
        if place.group(1) and rows is None:
            continue
        found.append(Piece(template[at : place.start()]))
        found.append(_filled(rows) if rows else Piece(place.group()[0]))
        at = place.end()
    found.append(Piece(template[at:SENTENCE_CHARACTERS_MAX]))
    return [piece for piece in found if piece.text]


def _filled(rows: Sequence[Mapping[str, JsonValue]]) -> Piece:
    """The value of a place: of a list or an object every value, never one of them; from the least trusted of their origins."""
    origins = {str(row.get("origin") or "unexplained") for row in rows}
    worst = next((each for each in ("untrusted", "unexplained") if each in origins), min(origins))
    return Piece(plain(rows[0]["value"] if len(rows) == 1 else [row["value"] for row in rows]), worst)


def wrong(error: OstiaryError) -> tuple[Fault, ...]:
    """What is wrong, one by one; where the error names nothing, what it says itself."""
    return error.faults or (Fault("", error.detail or error.title()),)
