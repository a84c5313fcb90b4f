"""What the gateway answers, as plain values."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """A call that ran. `masked`: how many values of each category were hidden from who asks."""

    call_id: str
    result: Any
    masked: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """A call that waits for a person: nothing was done yet. `rule` names why; `expires_at` is RFC 3339, UTC."""

    call_id: str
    approval_id: str
    expires_at: str
    rule: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a dry run says. `decision`: run, ask or refuse, as the gateway puts it; `request`: what would be sent, without secrets."""

    call_id: str
    decision: str
    rule: str
    reasons: list[Any]
    request: Any


@dataclass(frozen=True, slots=True)
class Contract:
    """One action that this caller may ask for. `parameters` is its JSON Schema (2020-12)."""

    name: str
    title: str
    description: str
    parameters: dict[str, Any]

    @property
    def tool_name(self) -> str:
        """The name for frameworks that take no dots."""
        return self.name.replace(".", "_")


@dataclass(frozen=True, slots=True)
class Session:
    """An agent's session. What a person says in it explains the values of its calls."""

    id: str
    expires_at: str
