"""What a face gets back: the call ran, or it waits for a person. What was refused or failed is raised."""

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


Outcome = Done | Held
