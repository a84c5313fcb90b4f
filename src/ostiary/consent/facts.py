"""The facts of one decision as data: kept sealed beside its record, and enough to take the decision again under another policy.

They hold labels, marks and amounts, never a parameter's other values. What cannot be read back counts as not known, which asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ostiary.actions import Action, Actor, ActorKind, Call, Confirmation, Effect, JsonValue, Risk, Surface
from ostiary.consent.deciding import Judged, judged
from ostiary.consent.policy import VERSION
from ostiary.consent.quorum import needs
from ostiary.consent.quorum.needs import Needs
from ostiary.consent.rules import Rules
from ostiary.evidence import Evidence, from_data, reason_data, to_data
from ostiary.ids import TenantId
from ostiary.labelled import Amounts
from ostiary.shapes import Empty, ModelShape

FORMAT = 1
FIELD = "decided"
"""Where the sealed content of a call's first event holds them."""


def facts_of(
    action: Action, actor: Actor, rules: Rules, evidence: Evidence, amounts: Amounts, found: Judged, *, covered: str = ""
) -> dict[str, JsonValue]:  # fmt: skip
    """What was known and what came of it. `covered`: `memory`, or the pre-approval that answered the question."""
    return {
        "format": FORMAT,
        "outcome": found.outcome,
        "rule": found.rule,
        "reasons": [reason_data(reason) for reason in found.reasons],
        "covered": covered,
        "needs": found.needs.data(),
        "engine": VERSION,
        "policy": {"version": rules.version, "hash": rules.hash, "mode": rules.mode_of(action, actor).value},
        "action": {
            "name": action.name,
            "risk": action.risk.value,
            "effect": action.effect.value,
            "confirmation": action.confirmation.value,
            "contract": action.contract,
            "step_up": action.step_up,
            "egress": action.egress,
            "labels": dict(action.labels),
            "sinks": sorted(action.sinks),
            "quorum": action.quorum,
            "approvers": sorted(action.approvers),
            "four_eyes": action.four_eyes,
        },
        "actor": {
            "kind": actor.kind.value,
            "id": actor.id,
            "roles": sorted(actor.roles),
            "surface": actor.surface.value,
            "stepped_up_us": actor.stepped_up_us,
        },
        "amounts": [None if amount is None else f"{amount:f}" for amount in amounts],
        "evidence": to_data(evidence),
    }


@dataclass(frozen=True, slots=True)
class Past:
    """A decision as it was taken."""

    action: Action
    actor: Actor
    evidence: Evidence
    amounts: Amounts
    outcome: str
    rule: str
    covered: str
    needs: Needs

    def under(self, rules: Rules, *, at_us: int, step_up_s: int) -> Judged:
        """The decision that these rules would have come to, on the same facts at the same time."""
        return judged(self.action, self.actor, rules, self.evidence, self.amounts, now_us=at_us, step_up_s=step_up_s)  # fmt: skip


def past(facts: JsonValue, tenant: TenantId) -> Past | None:
    """What `facts_of` wrote; None for what is none of ours, or of a format that this release does not read."""
    if not isinstance(facts, Mapping) or facts.get("format") != FORMAT:
        return None
    try:
        action = _action(facts["action"])
        return Past(
            action,
            _actor(facts["actor"], tenant),
            from_data(facts["evidence"]),
            tuple(None if amount is None else Decimal(amount) for amount in facts["amounts"]),
            facts["outcome"],
            facts["rule"],
            facts["covered"],
            needs.read(facts["needs"]) if "needs" in facts else needs.needs_of(action),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None


async def _nothing(_call: Call, _params: object) -> JsonValue:
    return None


_SHAPE = ModelShape(Empty)


def _action(data: Mapping[str, JsonValue]) -> Action:
    """The action as far as a decision looks at it."""
    return Action(
        data["name"], data["name"], "", "contract.call", Risk(data["risk"]), Effect(data["effect"]), _SHAPE, _SHAPE, _nothing,
        confirmation=Confirmation(data["confirmation"]), contract=data["contract"], step_up=data["step_up"], egress=data["egress"],
        labels=dict(data["labels"]), sinks=frozenset(data["sinks"]), quorum=data["quorum"], approvers=frozenset(data["approvers"]),
        four_eyes=data["four_eyes"],
    )  # fmt: skip


def _actor(data: Mapping[str, JsonValue], tenant: TenantId) -> Actor:
    return Actor(
        tenant, ActorKind(data["kind"]), data["id"], roles=frozenset(data["roles"]), surface=Surface(data["surface"]),
        stepped_up_us=data["stepped_up_us"],
    )  # fmt: skip
