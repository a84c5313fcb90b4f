"""A call on its way in, and what a refusal may keep of it."""

from dataclasses import dataclass

from ostiary.actions import Action, Actor, Face, JsonValue, Write
from ostiary.consent.facts import FIELD
from ostiary.door import record
from ostiary.door.times import Times
from ostiary.ids import CallId


@dataclass(slots=True)
class Passage:
    """What is known so far about one call on its way in, so that a refusal at any step can be recorded."""

    actor: Actor
    face: Face
    call: CallId
    at_us: int
    times: Times
    claims: tuple[Write, ...]
    raw: JsonValue
    key: str
    behalf: str
    name: str
    session: str = ""
    dry: bool = False
    action: Action | None = None
    plain: JsonValue = None
    began: bool = False
    recorded: bool = False
    facts: JsonValue = None


def asked(passage: Passage) -> dict[str, JsonValue]:
    """What a refused call asked for, as evidence. Of a built-in action only what its model took: that hides secrets, raw input might not."""
    decided = {FIELD: passage.facts} if passage.facts else {}
    if passage.action and not passage.action.contract:
        return {"params": record.recordable(passage.action, passage.plain), **decided}
    return {
        **decided,
        "asked": passage.name,
        "params": passage.raw if passage.plain is None else passage.plain,
    }
