"""What a call needs before it may run, all told: the rule and the mode (`policy.decide`), and what the tenant's own policy adds. Pure, so that a later
policy can be tried on the same facts."""

from dataclasses import dataclass, replace

from ostiary.actions import Action, Actor
from ostiary.consent import policy
from ostiary.consent.policy import Ask, Refuse, Run, Verdict
from ostiary.consent.quorum.needs import Needs, needs_of
from ostiary.consent.rules import Question, Refusal, Rules
from ostiary.errors import PolicyRefused
from ostiary.evidence import Evidence, Reason
from ostiary.labelled import Amounts

QUESTION = "policy.question"
REFUSAL = "policy.refused"


@dataclass(frozen=True, slots=True)
class Judged:
    """`needs` is who has to say yes, where somebody is asked. `added`: the tenant's policy asks, beside the contract and the mode."""

    verdict: Verdict
    needs: Needs
    reasons: tuple[Reason, ...] = ()
    added: bool = False

    @property
    def rule(self) -> str:
        """One word for why: the question's rule, the refusal's code, or empty for what simply runs."""
        match self.verdict:
            case Ask(rule=rule):
                return rule
            case Refuse(error=error):
                return error.code
            case _:
                return ""

    @property
    def outcome(self) -> str:
        return {Run: "run", Ask: "ask", Refuse: "refuse"}[type(self.verdict)]


def judged(
    action: Action, actor: Actor, rules: Rules, evidence: Evidence, amounts: Amounts, *, now_us: int, step_up_s: int
) -> Judged:  # fmt: skip
    """The same facts and the same rules give the same answer, whenever they are asked."""
    if refusal := rules.refused(action, actor):
        return Judged(Refuse(PolicyRefused(refusal.why)), needs_of(action), (_told(REFUSAL, refusal),))
    verdict = policy.decide(action, actor, rules, evidence, now_us=now_us, step_up_s=step_up_s)
    reasons = verdict.reasons if isinstance(verdict, Ask) else ()
    if isinstance(verdict, Refuse):
        return Judged(verdict, needs_of(action))
    met = rules.asked(action, actor, amounts)
    needs = needs_of(action, met)
    told = (*reasons, *(_told(QUESTION, question) for question in met))
    if met:
        asked = replace(verdict, memory=False, reasons=told) if isinstance(verdict, Ask) else Ask(QUESTION, reasons=told)  # fmt: skip
        return Judged(asked, needs, told, added=True)
    if isinstance(verdict, Ask) and verdict.memory and (not rules.once_per_session_s or needs.quorum > 1):
        verdict = replace(verdict, memory=False)
    return Judged(verdict, needs, told)


def _told(rule: str, entry: Question | Refusal) -> Reason:
    detail: tuple[tuple[str, str], ...] = (("why", entry.why),) if entry.why else ()
    if isinstance(entry, Question) and entry.amount_over is not None:
        detail = (*detail, ("amount_over", f"{entry.amount_over:f}"))
    return Reason(rule, name=entry.name, detail=detail)
