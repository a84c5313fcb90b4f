"""A tenant's policy, compiled: the mode for a call, the questions it adds, what it refuses, how long a yes is remembered. Pure.

It only ever adds questions: no rule here takes one away, and where two rules fit, the stricter one counts (the larger quorum, the shorter memory).
The one exception is the mode, for which the first entry that fits counts, so that a tenant may be strict but for one harmless contract.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ostiary.access.authorise import covers
from ostiary.actions import Action, Actor
from ostiary.labelled import Amounts

ONCE_PER_SESSION_S = 3600
"""At most: a policy may say less."""
EVERY = "*"


class Mode(StrEnum):
    """default: as few questions as safety allows. strict: whatever has a consequence and is not fully explained asks."""

    DEFAULT = "default"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls a rule is about; an empty part says nothing. `contracts`: names, `invoice.*`, or `*`. `agents`: ids of keys."""

    contracts: tuple[str, ...] = ()
    agents: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def fits(self, action: Action, actor: Actor) -> bool:
        named = not self.contracts or EVERY in self.contracts or covers(self.contracts, action.name)
        asked_by = not self.agents or actor.id in self.agents
        return named and asked_by and (not self.roles or bool(self.roles & actor.roles))


ANYTHING = Scope()


@dataclass(frozen=True, slots=True)
class ModeFor:
    mode: Mode
    scope: Scope


@dataclass(frozen=True, slots=True)
class Question:
    """A person is asked where the scope fits, and one amount of the call is over `amount_over`, if that is set. `approvers`, `quorum` and `four_eyes`
    come on top of what the contract says."""

    name: str
    scope: Scope
    why: str = ""
    amount_over: Decimal | None = None
    approvers: frozenset[str] = frozenset()
    quorum: int = 1
    four_eyes: bool = False

    def asks(self, action: Action, actor: Actor, amounts: Amounts) -> bool:
        return self.scope.fits(action, actor) and (
            self.amount_over is None or _is_over(amounts, self.amount_over)
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Calls that nobody may agree to."""

    name: str
    scope: Scope
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """`version` 0 and an empty `hash`: the tenant has set none, and the default mode holds."""

    version: int = 0
    hash: str = ""
    mode: Mode = Mode.DEFAULT
    modes: tuple[ModeFor, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    once_per_session_s: int = ONCE_PER_SESSION_S

    def mode_of(self, action: Action, actor: Actor) -> Mode:
        """The first entry that fits, else the tenant's mode."""
        return next((entry.mode for entry in self.modes if entry.scope.fits(action, actor)), self.mode)

    def asked(self, action: Action, actor: Actor, amounts: Amounts) -> tuple[Question, ...]:
        """The questions that a call with these amounts meets. Built-in actions are the matter of roles and of their own risk: none."""
        if not action.contract:
            return ()
        return tuple(question for question in self.questions if question.asks(action, actor, amounts))

    def refused(self, action: Action, actor: Actor) -> Refusal | None:
        """The refusal that this call meets. Built-in actions are never refused: else a policy could lock out who mends it, stop the jobs, or keep an agent from
        learning what became of its call."""
        if not action.contract:
            return None
        return next((refusal for refusal in self.refusals if refusal.scope.fits(action, actor)), None)


def _is_over(amounts: Amounts, limit: Decimal) -> bool:
    """Whether an amount is over the limit. An amount that is no number, or a contract that labels none, counts as over: asking is the safe side."""
    return not amounts or any(amount is None or abs(amount) > limit for amount in amounts)
