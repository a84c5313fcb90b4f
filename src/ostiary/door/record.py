"""What is written about a call: one public envelope, and the content sealed under the key of whom it is about."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ostiary.actions import Action, Actor, ActorKind, Call, Face, JsonValue
from ostiary.audit.event import Decision, Event, Part
from ostiary.consent.binding import canonical
from ostiary.consent.facts import FIELD
from ostiary.errors import OstiaryError
from ostiary.ids import NO_SUBJECT, CallId, SubjectId
from ostiary.vault.sealing import Vault

REASON_CHARACTERS_MAX = 2000


def plain(value: Any) -> JsonValue:
    """A model as the JsonValue that it serialises to; a JsonValue as it is."""
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value


def without_secrets(answer: JsonValue) -> JsonValue:
    """An answer as it may be kept: what is shown once (fields named `secret`) is not in it."""
    if isinstance(answer, dict):
        return {
            name: "***" if name == "secret" and item else without_secrets(item)
            for name, item in answer.items()
        }
    return [without_secrets(item) for item in answer] if isinstance(answer, list) else answer


def recordable(action: Action, params: JsonValue) -> JsonValue:
    """Parameters as they may be recorded: what a built-in action marks `writeOnly` (a credential) is not in them."""
    if action.contract or not isinstance(params, dict):
        return params
    properties = action.params.schema().get("properties", {})
    return {
        name: "***" if value and properties.get(name, {}).get("writeOnly") else value
        for name, value in params.items()
    }


def event(
    vault: Vault, call: Call, decision: Decision, *, code: str = "", approval: str = "", duration_us: int = 0,
    params: JsonValue = None, answer: JsonValue = None, reason: str = "",
) -> Event:  # fmt: skip
    """The event of one step of a call. `params` and `answer` are kept sealed, never in the envelope."""
    actor, action = call.actor, call.action
    return Event(
        tenant=actor.tenant,
        action=action.name,
        decision=decision,
        actor_kind=actor.kind,
        actor_id=actor.id or "anonymous",
        face=call.face,
        call=call.id,
        at_us=call.at_us,
        code=code,
        contract=action.hash if action.contract else "",
        approval=approval,
        risk=action.risk,
        surface=actor.surface,
        duration_us=duration_us,
        behalf=vault.pseudonym(actor.tenant, actor.subject) if actor.subject else "",
        address=vault.pseudonym(actor.tenant, actor.address) if actor.address else "",
        counts=call.counts,
        parts=_parts(vault, call, params, answer, reason),
    )


def _parts(vault: Vault, call: Call, params: JsonValue, answer: JsonValue, reason: str) -> tuple[Part, ...]:
    """One blob a subject. Content about several subjects at once is not kept: each has their own label only, and the answer leaves a digest."""
    content: dict[str, JsonValue] = {"address": call.actor.address}
    if call.facts:
        content[FIELD] = call.facts
    if reason:
        content["reason"] = reason[:REASON_CHARACTERS_MAX]
    about = subjects(call.action, params)
    several = len(about) > 1
    if answer is not None:
        kept = call.action.keeps_answer and not several
        if kept:
            content["answer"] = without_secrets(answer)
        else:
            content["answer_digest"] = vault.mac(call.tenant, "answer", canonical(answer)).hex()
            content["columns"] = columns(answer)
    if not several:
        if params:
            content["params"] = recordable(call.action, params)
        return (Part(about[0] if about else SubjectId(call.actor.id or "anonymous"), content),)
    return (
        Part(SubjectId(call.actor.id), content),
        *(Part(subject, {"params": _of_subject(params, subject)}) for subject in about),
    )


def rows_of(answer: JsonValue) -> list[JsonValue]:
    """The rows of a database's answer, {"rows": [...]}; none of any other."""
    rows = answer.get("rows") if isinstance(answer, dict) else None
    return rows if isinstance(rows, list) else []


def columns(answer: JsonValue) -> list[str]:
    """The names of the columns that a database's answer had; never a value."""
    first = next(iter(rows_of(answer)), None)
    return list(first) if isinstance(first, dict) else []


def subjects(action: Action, params: JsonValue) -> tuple[SubjectId, ...]:
    """Whom the parameters are about, as far as the contract labels it."""
    return action.subject_of(params) if action.subject_of and isinstance(params, Mapping) else ()


def one_subject(action: Action | None, params: JsonValue) -> SubjectId:
    """The one subject that a refused call was about, as far as its parameters can be read; else none."""
    try:
        about = subjects(action, params) if action else ()
    except (KeyError, TypeError, ValueError, AttributeError):
        return NO_SUBJECT
    return about[0] if len(about) == 1 else NO_SUBJECT


def _of_subject(params: Mapping[str, JsonValue], subject: SubjectId) -> JsonValue:
    return {name: value for name, value in params.items() if _names(value, subject)}


def _names(value: JsonValue, subject: SubjectId) -> bool:
    """Whether the value is the subject's id, or holds it: as a whole, not as a part of another's."""
    if isinstance(value, dict):
        return any(_names(item, subject) for item in value.values())
    if isinstance(value, list):
        return any(_names(item, subject) for item in value)
    return str(value) == subject


def traces(call: Call) -> tuple[Event, ...]:
    """The events that this call adds to other calls' trails."""
    actor = call.actor
    return tuple(
        Event(
            tenant=trace.tenant or actor.tenant,
            action=trace.action,
            decision=Decision(trace.decision),
            actor_kind=ActorKind.PERSON if trace.person else actor.kind,
            actor_id=trace.person or actor.id,
            face=call.face,
            call=trace.call,
            at_us=call.at_us,
            code=trace.code,
            approval=trace.approval,
            surface=actor.surface,
            digest=trace.digest,
        )
        for trace in call.traces
    )


def refusal(
    vault: Vault, actor: Actor, name: str, face: Face, call: CallId, at_us: int, error: OstiaryError,
    *, duration_us: int, asked: dict[str, JsonValue], contract: str = "", risk: str = "", decision: Decision = Decision.REFUSED,
    about: SubjectId = NO_SUBJECT,
) -> Event:  # fmt: skip
    """The event of a call that was refused or failed. What was asked is kept sealed, under the key of whom it is about: it is evidence, and theirs."""
    content: dict[str, JsonValue] = {"address": actor.address, "detail": error.detail, **asked}
    return Event(
        tenant=actor.tenant,
        action=name,
        decision=decision,
        actor_kind=actor.kind,
        actor_id=actor.id or "anonymous",
        face=face,
        call=call,
        at_us=at_us,
        code=error.code,
        contract=contract,
        risk=risk,
        surface=actor.surface,
        duration_us=duration_us,
        behalf=vault.pseudonym(actor.tenant, actor.subject) if actor.subject else "",
        address=vault.pseudonym(actor.tenant, actor.address) if actor.address else "",
        parts=(Part(about or SubjectId(actor.id or "anonymous"), content),),
    )
