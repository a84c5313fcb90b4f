"""The step `consent`: the facts of a call, what follows from them, and whether somebody has answered the question already."""

from dataclasses import dataclass

from ostiary.actions import Call, Effect, JsonValue, Surface, Write
from ostiary.consent import facts, policy
from ostiary.consent.allowances.allowances import Allowances, Covered
from ostiary.consent.deciding import Judged, judged
from ostiary.consent.ledger import Ledger, Question
from ostiary.consent.policies.policies import Policies
from ostiary.consent.rules import Rules
from ostiary.door import record
from ostiary.door.outcome import Previewed
from ostiary.evidence import Evidence, reason_data
from ostiary.ids import CallId
from ostiary.labelled import Amounts
from ostiary.provenance.provenance import Provenance

MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Decided:
    """`covered`: the pre-approval that answers the question; `remembered`: an earlier yes does. `facts`: all of it as data, for the record."""

    judged: Judged
    rules: Rules
    evidence: Evidence
    facts: JsonValue
    covered: Covered | None = None
    remembered: bool = False

    @property
    def asks(self) -> bool:
        """Whether a person has to be asked now."""
        return isinstance(self.judged.verdict, policy.Ask) and not self.covered and not self.remembered


class Consenting:
    """Built once, by `app`."""

    def __init__(
        self, policies: Policies, provenance: Provenance, ledger: Ledger, allowances: Allowances, *, step_up_s: int
    ) -> None:  # fmt: skip
        self._policies = policies
        self._provenance = provenance
        self._ledger = ledger
        self._allowances = allowances
        self._step_up_s = step_up_s

    async def decided(
        self, call: Call, plain: JsonValue, amounts: Amounts, *, answered: bool = True
    ) -> Decided:
        """What this call, with these amounts, needs. Not `answered`: no earlier yes counts, since the one that did is used up. Raises StoreUnavailable, KeysUnavailable: then
        nothing passes."""
        action, actor = call.action, call.actor
        rules = await self._policies.ready(call.tenant)
        evidence = await self._known(call, plain)
        found = judged(action, actor, rules, evidence, amounts, now_us=call.at_us, step_up_s=self._step_up_s)
        asks = isinstance(found.verdict, policy.Ask)
        if asks and evidence == Evidence.none():
            evidence = await self._explained(call, plain)
        remembered = asks and answered and await self._remembered(call, plain, found, rules)
        covered = None
        if asks and answered and not remembered:
            covered = await self._allowances.covering(call, plain, evidence, found)
        if not action.contract and found.outcome == "run":
            return Decided(found, rules, evidence, None)
        said = facts.facts_of(action, actor, rules, evidence, amounts, found, covered=covered.id if covered else MEMORY if remembered else "")  # fmt: skip
        return Decided(found, rules, evidence, said, covered, remembered)

    async def _remembered(self, call: Call, plain: JsonValue, found: Judged, rules: Rules) -> bool:
        """Whoever comes with a write-only key is somebody else each time."""
        if not isinstance(found.verdict, policy.Ask) or not found.verdict.memory:
            return False
        return call.actor.surface is not Surface.WRITE_ONLY and await self._ledger.has_memory(call, plain, rules)  # fmt: skip

    async def _known(self, call: Call, plain: JsonValue) -> Evidence:
        """What is known about the values of a call that has consequences, or may be held. What reads, and carries nothing outward, is not asked about."""
        action = call.action
        if action.effect is Effect.OUTSIDE or action.egress or policy.may_ask(action):
            return await self._explained(call, plain)
        return Evidence.none()

    async def _explained(self, call: Call, plain: JsonValue) -> Evidence:
        return await self._provenance.explain(call, record.recordable(call.action, plain))


def question_of(call: Call, params: object, decided: Decided) -> Question:
    """What a person is shown."""
    action, found = call.action, decided.judged
    return Question(
        rule=found.rule,
        sentence=action.sentence,
        title=action.title,
        description=action.description,
        parameters=[
            {"name": origin.name, "pointer": origin.pointer, "value": origin.value, "origin": origin.kind, "source": origin.source, "label": origin.label}
            for origin in decided.evidence.origins
        ],
        request=action.preview(call, params) if action.preview else None,
        reasons=[reason_data(reason) for reason in found.reasons],
        needs=found.needs,
        rules=decided.rules,
    )  # fmt: skip


def used(decided: Decided) -> tuple[Write, ...]:
    """The rows that count a pre-approval."""
    return (decided.covered.use,) if decided.covered else ()


def previewed(call: CallId, decided: Decided, request: JsonValue) -> Previewed:
    """What a dry run answers."""
    found = decided.judged
    return Previewed(
        call=call,
        decision="ask" if decided.asks else "run",
        rule=found.rule,
        reasons=[reason_data(reason) for reason in found.reasons],
        quorum=found.needs.quorum,
        covered=decided.covered.id if decided.covered else MEMORY if decided.remembered else "",
        request=request,
    )
