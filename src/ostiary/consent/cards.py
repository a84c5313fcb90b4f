"""What a person is shown who is asked for a yes, and what they answer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ostiary.actions import JsonValue
from ostiary.consent import policy
from ostiary.shapes import Answer, Page, Params

HIDDEN = "(hidden)"

ApprovalId = Annotated[str, Field(pattern=r"^apr_[0-9a-f]{32}$")]


class ListApprovals(Page):
    """`state`: waiting (default), or decided ones too."""

    state: Literal["waiting", "approved", "rejected", "expired", "any"] = "waiting"


class OneApproval(Params):
    approval_id: ApprovalId


class Approve(OneApproval):
    """`digest` is the one of the card that was shown: what was seen is what is approved."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Reject(OneApproval):
    reason: Annotated[str, Field(max_length=1000)] = ""


class Asker(Answer):
    kind: str
    id: str
    name: str


class Parameter(Answer):
    """One value. `origin`: said, trusted, untrusted or unexplained; `source`: where it was seen; `excerpt`: what stands around it there, while the call waits;
    `label`: what the contract says it is for."""

    name: str
    pointer: str
    value: JsonValue
    origin: str
    source: str
    label: str = ""
    excerpt: str = ""


class ReasonView(Answer):
    """Why a person is asked: the rule, in words too, and the value it speaks of, if it is about one. `detail`: what the rule compared."""

    rule: str
    why: str
    name: str = ""
    pointer: str = ""
    label: str = ""
    kind: str = ""
    source: str = ""
    detail: dict[str, str] = Field(default_factory=dict)


class Card(Answer):
    """Everything that a person needs to say yes or no. `quorum` different people have to agree, each with a role of every list in `approvers`; `agreed` have.
    `four_eyes`: neither who asked nor who made the asking key is one of them. `session`: the agent's, if it named one."""

    id: str
    call: str
    state: str
    action: str
    title: str
    description: str
    risk: str
    rule: str
    why: str
    reasons: list[ReasonView]
    sentence: str
    parameters: list[Parameter]
    request: JsonValue
    asked_by: Asker
    behalf: str
    asked_at: str
    expires_at: str
    digest: str
    step_up: bool
    self_approval: bool
    quorum: int
    agreed: list[str]
    approvers: list[list[str]]
    four_eyes: bool
    session: str
    can_decide: bool
    why_not: str
    decided_at: str | None
    decided_by: str | None
    reason: str
    code: str
    answer: JsonValue


class Cards(Answer):
    approvals: list[Card]
    next: str
    waiting: int


def reasons(card: Mapping[str, JsonValue]) -> list[ReasonView]:
    """Why, as the card keeps it; a card of the release before keeps none."""
    return [
        ReasonView(why=policy.RULES.get(reason["rule"], ""), **reason) for reason in card.get("reasons", ())
    ]


def parameters(card: Mapping[str, JsonValue], *, shown: bool) -> list[Parameter]:
    """Each value; hidden from who may not decide."""
    known = Parameter.model_fields
    rows: list[dict[str, Any]] = [
        {key: part[key] for key in part if key in known} for part in card["parameters"]
    ]
    return [Parameter(**(row if shown else {**row, "value": HIDDEN, "excerpt": ""})) for row in rows]
