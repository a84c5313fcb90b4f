"""The rule that decides: run, ask a person, or refuse. Pure; modes and provenance only ever add questions."""

from dataclasses import dataclass

from ostiary.actions import Action, Actor, ActorKind, Confirmation, Risk
from ostiary.errors import OstiaryError, StepUpRequired

VERSION = "consent/1"
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


@dataclass(frozen=True, slots=True)
class Refuse:
    error: OstiaryError


Verdict = Run | Ask | Refuse


def decide(action: Action, actor: Actor, *, now_us: int, step_up_s: int) -> Verdict:
    """What this call needs before it may run. Built-in actions by a person are that person's own act; those that say `step_up` need a fresh second
    factor. Asked for by a program or an agent, they wait for a person as contracts do."""
    if not action.contract and actor.kind is ActorKind.PERSON:
        if action.step_up and not is_stepped_up(actor, now_us=now_us, step_up_s=step_up_s):
            return Refuse(StepUpRequired())
        return Run()
    if action.risk is Risk.HIGH:
        return Ask("risk.high")
    if action.confirmation is Confirmation.ALWAYS:
        return Ask("confirmation.always")
    if action.confirmation is Confirmation.ONCE_PER_SESSION:
        return Ask("confirmation.once_per_session", memory=True)
    return Run()


def may_ask(action: Action) -> bool:
    """Whether a call of this action is ever held: for whoever is no person, in the case of built-in ones."""
    return action.risk is Risk.HIGH or action.confirmation is not Confirmation.NEVER


def is_stepped_up(actor: Actor, *, now_us: int, step_up_s: int) -> bool:
    """Whether a second factor was given in this session within `step_up_s`."""
    return actor.stepped_up_us > 0 and now_us - actor.stepped_up_us <= step_up_s * 1_000_000


RULES = {
    "risk.high": "The contract says that this is of high risk: a person always confirms.",
    "confirmation.always": "The contract asks for a confirmation each time.",
    "confirmation.once_per_session": "The contract asks for a confirmation once a session for the same values.",
}
"""The sentence for each rule, as the approval card shows it."""
