"""What a face gets back: the call ran, or it waits for a person, or it was only tried. What was refused or failed is raised."""

from dataclasses import dataclass

from ostiary.actions import JsonValue
from ostiary.ids import CallId


@dataclass(frozen=True, slots=True)
class Done:
    """The call ran; `result` is what the actor may see, `counts` what was masked and how much was read."""

    call: CallId
    result: JsonValue
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Held:
    """The call waits for a person until `expires_us`. Nothing was done."""

    call: CallId
    approval: str
    expires_us: int
    rule: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """A dry run: `decision` is what would become of the call, run or ask, and `rule` and `reasons` why. `quorum`: how many people would be asked. `covered`: the
    pre-approval, or `memory` for an earlier yes, that would answer the question. `request`: what would be sent, for who may read contracts. Nothing was done."""

    call: CallId
    decision: str
    rule: str
    reasons: list[JsonValue]
    quorum: int
    covered: str
    request: JsonValue


Outcome = Done | Held | Previewed
