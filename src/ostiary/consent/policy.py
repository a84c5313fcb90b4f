"""The rule that decides: run, ask a person, or refuse. Pure; modes and provenance only ever add questions."""

from dataclasses import dataclass

from ostiary.actions import Action, Actor, ActorKind, Confirmation, Risk
from ostiary.consent.modes import ANSWERED, SENTENCES, is_consequential, judge
from ostiary.consent.rules import Rules
from ostiary.errors import OstiaryError, StepUpRequired
from ostiary.evidence import NOTHING, Evidence, Reason

VERSION = "consent/2"
"""An approval is bound to the policy's version: change it when the rules below change."""

ONCE_PER_SESSION_S = 3600


@dataclass(frozen=True, slots=True)
class Run:
    """Go on; nobody has to be asked."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A person has to say yes. `rule` names why, for the card and the log. `memory`: an earlier yes in this session may count."""

    rule: str
    memory: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    error: OstiaryError


Verdict = Run | Ask | Refuse
NO_RULES = Rules()


def decide(
    action: Action, actor: Actor, rules: Rules = NO_RULES, evidence: Evidence = NOTHING, *, now_us: int, step_up_s: int
) -> Verdict:  # fmt: skip
    """What this call needs before it may run. Built-in actions by a person are that person's own act, but for those that want four eyes; those that say `step_up` need a fresh second
    factor. Asked for by a program or an agent, they wait for a person as contracts do. The mode's questions come on top, for agents: what a program does
    was decided by whoever wrote it, before it read anything."""
    if not action.contract and actor.kind is ActorKind.PERSON and not action.four_eyes:
        if action.step_up and not is_stepped_up(actor, now_us=now_us, step_up_s=step_up_s):
            return Refuse(StepUpRequired())
        return Run()
    reasons = judge(action, evidence, rules.mode_of(action, actor)) if _is_judged(action, actor) else ()
    if action.risk is Risk.HIGH:
        return Ask("risk.high", reasons=reasons)
    if action.confirmation is Confirmation.ALWAYS:
        return Ask("confirmation.always", reasons=reasons)
    once = action.confirmation is Confirmation.ONCE_PER_SESSION
    if reasons:
        # a yes to the same places, that the contract lets count for a while, answers where it goes and whether it was asked for; nothing else
        return Ask(
            reasons[0].rule,
            memory=once and all(reason.rule in ANSWERED for reason in reasons),
            reasons=reasons,
        )
    if once:
        return Ask("confirmation.once_per_session", memory=True)
    return Run()


def _is_judged(action: Action, actor: Actor) -> bool:
    return action.contract and actor.kind is ActorKind.AGENT


def may_ask(action: Action) -> bool:
    """Whether a call of this action is ever held: for whoever is no person, in the case of built-in ones. A contract's may be for what an agent asks."""
    if action.contract and is_consequential(action):
        return True
    return action.risk is Risk.HIGH or action.confirmation is not Confirmation.NEVER


def is_stepped_up(actor: Actor, *, now_us: int, step_up_s: int) -> bool:
    """Whether a second factor was given in this session within `step_up_s`."""
    return actor.stepped_up_us > 0 and now_us - actor.stepped_up_us <= step_up_s * 1_000_000


RULES = {
    "risk.high": "The contract says that this is of high risk: a person always confirms.",
    "confirmation.always": "The contract asks for a confirmation each time.",
    "policy.question": "This company's own policy asks for it.",
    "confirmation.once_per_session": "The contract asks for a confirmation once a session for the same values.",
    **SENTENCES,
}
"""The sentence for each rule, as the approval card shows it."""
