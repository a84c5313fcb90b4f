"""Tasks of an upstream: a tool that answers later (experimental in 2025-11-25, the extension `io.modelcontextprotocol/tasks` in 2026-07-28, SEP-2663).

A client gets the upstream's id sealed for itself and for this upstream, and asks with that: whoever else has it, or has the upstream's own, can do nothing. What
a task comes to is shown to masking and memory just as the tool's own answer would have been.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.actions import Actor, Call, JsonValue
from ostiary.errors import InvalidParameters, SealBroken, TargetAnswerInvalid
from ostiary.vault import carried
from ostiary.vault.sealing import Place, Vault

RELATED = "io.modelcontextprotocol/related-task"
"""Where `_meta` of a message says which task it belongs to (2025-11-25)."""

PREFIX = "tasks/"
PURPOSE = "mcp"
ID_CHARACTERS_MAX = 500
SEALED_CHARACTERS_MAX = 4_000
STATUSES = frozenset({"working", "input_required", "completed", "failed", "cancelled"})
MS_MAX = 10_000_000_000
"""More than a hundred days: a number that may be shown as it came."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NUMBERS = ("ttl", "ttlMs", "pollInterval", "pollIntervalMs")
_TIMES = ("createdAt", "lastUpdatedAt")
_REST = "dev.ostiary/task"


@dataclass(frozen=True, slots=True)
class Task:
    """The upstream's own id. `ours`: it was made in our own session, by a call that a person approved first; its maker may be asked there alone."""

    id: str
    ours: bool = False


# Ids.


async def sealed(vault: Vault, actor: Actor, upstream: str, task: Task) -> str:
    content: JsonValue = {"id": task.id, "ours": task.ours}
    return await carried.sealed(vault, _place(actor, upstream), content, purpose=PURPOSE)


def opened(vault: Vault, actor: Actor, upstream: str, given: JsonValue) -> Task:
    """Raises InvalidParameters, in the same words, for what is no id, and for what was given to somebody else or for another upstream."""
    if not isinstance(given, str):
        raise _none()
    try:
        found: Any = carried.opened(
            vault, _place(actor, upstream), given, characters_max=SEALED_CHARACTERS_MAX
        )
    except SealBroken:
        raise _none() from None
    return Task(found["id"], found["ours"])


def is_theirs(vault: Vault, actor: Actor, upstream: str, result: JsonValue) -> bool:
    """Whether a result that was kept is a task that this actor may ask about."""
    try:
        return bool((task := made(result)) and opened(vault, actor, upstream, task.get("taskId")))
    except InvalidParameters:
        return False


def _place(actor: Actor, upstream: str) -> Place:
    return Place(actor.tenant, "mcp", "upstream_task", f"{actor.id}|{upstream}")


def _none() -> InvalidParameters:
    return InvalidParameters("There is no such task of yours.")


# What an upstream answers, on its way out. `call.whole` puts back what masking is not shown.


def made(result: JsonValue) -> Mapping[str, Any] | None:
    """The task that a tool call has become, in the words of either era; None where it has its answer."""
    if not isinstance(result, dict):
        return None
    if result.get("resultType") == "task":
        return result
    task = result.get("task")
    return task if isinstance(task, dict) and "content" not in result else None


async def given(call: Call, vault: Vault, upstream: str, result: JsonValue, *, ours: bool) -> JsonValue:
    """A tool call's result as masking has to see it. Raises TargetAnswerInvalid where it is a task, and none of the protocol."""
    result = unrelated(result, "")
    task = made(result)
    if task is None:
        return result
    known = Task(_checked(task), ours)
    text = await sealed(vault, call.actor, upstream, known)
    kept, shown = _parted(task)
    kept["taskId"] = text
    before, inner = call.whole, task is not result
    assert isinstance(result, dict)  # as `made` has found

    def whole(masked: JsonValue) -> JsonValue:
        if not isinstance(masked, dict):
            return before(masked)
        found = masked.get("task")
        if not inner:
            return before({**masked, **kept})
        return before({**masked, "task": {**(found if isinstance(found, dict) else {}), **kept}})

    call.whole = whole
    return {**result, "task": shown} if inner else shown


def answered(call: Call, text: str, task: Task, method: str, result: JsonValue) -> JsonValue:
    """What an upstream says of a task, as masking has to see it. `text`: the id as the client has it. Raises TargetAnswerInvalid."""
    if not isinstance(result, dict):
        raise _wrong()
    if method == "tasks/result":
        return _result(call, text, result)
    if "taskId" not in result and "status" not in result:
        return unrelated(result, text)  # an acknowledgement
    if _checked(result) != task.id:
        raise _wrong()  # of another task, which may be another's
    return _standing(call, text, unrelated(result, text))


def _result(call: Call, text: str, result: Mapping[str, Any]) -> JsonValue:
    """The tool's own answer, with the mark that says whose it is (2025-11-25, Associating Task-Related Messages)."""
    before = call.whole

    def whole(masked: JsonValue) -> JsonValue:
        if not isinstance(masked, dict):
            return before(masked)
        meta = masked.get("_meta")
        kept = meta if isinstance(meta, dict) else {}
        return before({**masked, "_meta": {**kept, RELATED: {"taskId": text}}})

    call.whole = whole
    return unrelated(dict(result), "")


def _standing(call: Call, text: str, result: JsonValue) -> JsonValue:
    """How a task stands. A result in it is shown in the place of the whole, since that is what the tool answers."""
    assert isinstance(result, dict)  # as its caller knows
    nested, before = result.get("result"), call.whole
    if "result" in result and not isinstance(nested, dict):
        raise _wrong()
    kept, shown = _parted(result)
    kept["taskId"] = text
    if nested is None:
        call.whole = lambda masked: before({**masked, **kept} if isinstance(masked, dict) else masked)
        return shown
    rest = {key: value for key, value in shown.items() if key != "result"}

    def whole(masked: JsonValue) -> JsonValue:
        if not isinstance(masked, dict):
            return before(masked)
        said = masked.get(_REST)
        answer = {key: value for key, value in masked.items() if key != _REST}
        return before({**(said if isinstance(said, dict) else {}), **kept, "result": answer})

    call.whole = whole
    return {**nested, _REST: rest}


def unrelated(message: JsonValue, text: str) -> JsonValue:
    """A result, or the parameters of what an upstream says, without its own id of a task; with the client's, where that is known."""
    meta = message.get("_meta") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(meta, dict) or RELATED not in meta:
        return message
    kept = {key: value for key, value in meta.items() if key != RELATED}
    return {**message, "_meta": {**kept, RELATED: {"taskId": text}} if text else kept}


def heard(message: JsonValue, text: str) -> JsonValue:
    """What an upstream says in between, as a client may hear it; None for how a task stands: whose it is, a stream does not say, and clients poll."""
    if not isinstance(message, dict):
        return message
    method = message.get("method")
    if isinstance(method, str) and method.startswith("notifications/tasks"):
        return None
    return {**message, "params": unrelated(message["params"], text)} if "params" in message else message


# What a client says, on its way in.


def inward(vault: Vault, actor: Actor, upstream: str, result: JsonValue) -> JsonValue:
    """A client's answer to a question in the middle of a task, with the upstream's own id in it."""
    meta = result.get("_meta") if isinstance(result, dict) else None
    related = meta.get(RELATED) if isinstance(meta, dict) else None
    if not isinstance(related, dict):
        return result
    try:
        return unrelated(result, opened(vault, actor, upstream, related.get("taskId")).id)
    except InvalidParameters:
        return unrelated(result, "")


def wanted(params: JsonValue) -> dict[str, JsonValue]:
    """What of a 2025-11-25 client's call says that it takes a task for an answer."""
    task = params.get("task") if isinstance(params, dict) else None
    if not isinstance(task, dict):
        return {}
    ttl = task.get("ttl")
    return {"task": {"ttl": ttl} if isinstance(ttl, int) and not isinstance(ttl, bool) else {}}


def served(capabilities: Mapping[str, Any], *, older: bool) -> dict[str, Any]:
    """What an upstream is able to, without what of its tasks is not passed: lists, and tasks of anything but tools."""
    kept = {key: value for key, value in capabilities.items() if key != "tasks"}
    told = capabilities.get("tasks")
    requests = told.get("requests") if isinstance(told, dict) else None
    tools = requests.get("tools") if isinstance(requests, dict) else None
    if older and isinstance(told, dict) and isinstance(tools, dict) and "call" in tools:
        kept["tasks"] = {"requests": {"tools": {"call": {}}}, **({"cancel": {}} if "cancel" in told else {})}
    return kept


def _checked(task: Mapping[str, Any]) -> str:
    """The id of what has to be a task."""
    found = task.get("taskId")
    if not isinstance(found, str) or not 0 < len(found) <= ID_CHARACTERS_MAX:
        raise _wrong()
    if not _is_status(task.get("status")):
        raise _wrong()
    return found


def _is_status(value: JsonValue) -> bool:
    return isinstance(value, str) and value in STATUSES


def _parted(task: Mapping[str, Any]) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """(what is the protocol's own and holds nothing else, what masking is shown)."""
    kept = {
        key: value
        for key, value in task.items()
        if (key == "status" and _is_status(value))
        or (key == "resultType" and value in ("task", "complete"))
        or (key in _NUMBERS and (value is None or (isinstance(value, int) and 0 <= value <= MS_MAX)))
        or (key in _TIMES and isinstance(value, str) and _TIME.fullmatch(value))
    }
    return kept, {key: value for key, value in task.items() if key not in kept and key != "taskId"}


def _wrong() -> TargetAnswerInvalid:
    return TargetAnswerInvalid("The server's task is none of the protocol.", maybe_done=True)
