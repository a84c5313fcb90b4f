"""What is posted: the body of a notice, as Standard Webhooks has it or as Slack takes it. Pure, and the same each time that the same notice is sent."""

from collections.abc import Mapping

import orjson

from ostiary.actions import JsonValue
from ostiary.audit.event import SealedEvent
from ostiary.clock import rfc3339
from ostiary.webhooks import events

TITLE_CHARACTERS_MAX = 150
VALUE_CHARACTERS_MAX = 300
FIELDS_MAX = 10
"""Slack takes ten fields in a section, and 150 characters in a header (Block Kit reference)."""
TEST_TITLE = "A test of this webhook"

_WORDS: Mapping[str, str] = {
    "action": "Action",
    "actor_id": "By",
    "actor_kind": "Who",
    "approval": "Approval",
    "asked_by": "Asked by",
    "call": "Call",
    "code": "Why",
    "decision": "Decision",
    "endpoint": "Webhook",
    "expires_at": "Lapses at",
    "reason": "Reason",
    "risk": "Risk",
    "rule": "Rule",
    "title": "What",
    "tool": "Tool",
    "upstream": "Upstream",
}
"""What a chat message shows of a notice, in this order as the notice has it."""


def of_event(kept: SealedEvent) -> dict[str, JsonValue]:
    """What a notice tells of a recorded event: a part of its public envelope. Ids and closed words, never content."""
    event = kept.event
    told = {
        "event": kept.id,
        "call": event.call,
        "action": event.action,
        "decision": event.decision.value,
        "code": event.code,
        "approval": event.approval,
        "risk": event.risk,
        "actor_kind": str(event.actor_kind),
        "actor_id": kept.actor_id,
    }
    return {name: value for name, value in told.items() if value}


def standard(name: str, at_us: int, data: Mapping[str, JsonValue]) -> bytes:
    """The payload that Standard Webhooks recommends."""
    return orjson.dumps({"type": name, "timestamp": rfc3339(at_us), "data": dict(data)})


def slack(name: str, at_us: int, data: Mapping[str, JsonValue]) -> bytes:
    """A message in Block Kit, with a text for notifications. Its link leads to the console; nothing in it decides anything."""
    kind = events.BY_NAME.get(name)
    title = (kind.title if kind else TEST_TITLE)[:TITLE_CHARACTERS_MAX]
    fields = [f"*{word}*\n{_plain(data[field])}" for field, word in _WORDS.items() if data.get(field)]
    blocks: list[JsonValue] = [{"type": "header", "text": {"type": "plain_text", "text": title}}]
    if fields:
        blocks.append({"type": "section", "fields": [_mrkdwn(text) for text in fields[:FIELDS_MAX]]})
    if url := data.get("url"):
        blocks.append({"type": "section", "text": _mrkdwn(f"<{_plain(url)}|Open it in the console>")})
    blocks.append({"type": "context", "elements": [_mrkdwn(f"{_plain(name)} · {rfc3339(at_us)}")]})
    return orjson.dumps({"text": title, "blocks": blocks})


def _mrkdwn(text: str) -> dict[str, JsonValue]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _plain(value: JsonValue) -> str:
    """Text that stands for itself: no mention, link or mark-up comes of it (Slack's three control characters escaped, and no line of its own)."""
    text = " ".join(str(value).split())[:VALUE_CHARACTERS_MAX]
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
